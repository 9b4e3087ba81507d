"""What WeChat and Baidu send to a merchant's bank account: the net of each day, one lump, the next
morning.

Accounts and merchants that bear the same name are joined, oldest first, as with Alipay.
"""

from datetime import date, timedelta

from sandbox.alipay.bills import bounds
from sandbox.baidu_wallet import trades as baidu
from sandbox.clock import BEIJING, from_beijing, stamp, unstamp
from sandbox.store import Row
from sandbox.wechat_pay import pockets, settling
from sandbox.world import World

ARRIVES = " 06:00:00"
PAYEES = {  # of each rail, with the moment each was opened
    "wechat": "select mchid as payee, name, opened_at from wechat_merchants",
    "baidu": "select sp_no as payee, name, opened_at from baidu_merchants",
}


def pair(world: World) -> None:
    """Join merchants and accounts that bear the same name."""
    for rail, payees in PAYEES.items():
        loose = world.store.all(
            f"select * from ({payees} order by rowid) where payee not in"
            " (select payee from bank_payees where rail = ?)",
            rail,
        )
        for merchant in loose:
            _join(world, rail, merchant)


def _join(world: World, rail: str, merchant: Row) -> None:
    account = world.store.one(
        "select account from bank_accounts where name = ? and account not in"
        " (select account from bank_payees where rail = ?) order by rowid limit 1",
        merchant["name"],
        rail,
    )
    if account is not None:
        opened = unstamp(merchant["opened_at"]).astimezone(BEIJING).date()
        world.store.run(
            "insert into bank_payees (rail, payee, account, booked_to) values (?, ?, ?, ?)",
            rail,
            merchant["payee"],
            account["account"],
            opened.isoformat(),
        )


def book(world: World) -> None:
    """The net of each closed Beijing day arrives at six the next morning."""
    settling.settle_due(world)
    limit = (world.clock.now() - timedelta(hours=6)).astimezone(BEIJING).date()
    for payee in world.store.all("select * from bank_payees"):
        day = date.fromisoformat(payee["booked_to"])
        while day < limit:
            _book_lump(world, payee, day)
            day += timedelta(days=1)
        _mark(world, payee, day)


def again(world: World, mchid: str, day: date) -> None:
    """Trades of the past were written: from `day` on the lumps are counted anew."""
    payee = world.store.one("select * from bank_payees where rail = 'wechat' and payee = ?", mchid)
    if payee is None:
        return
    world.store.run(
        "delete from bank_entries where account = ? and kind = 'wechat' and value_on > ?",
        payee["account"],
        day.isoformat(),
    )
    world.store.run(
        "delete from wechat_moves where owner = ? and kind = 'settled' and reference >= ?",
        mchid,
        _reference("wechat", day),
    )
    _mark(world, payee, min(day, date.fromisoformat(payee["booked_to"])))


def _mark(world: World, payee: Row, day: date) -> None:
    world.store.run(
        "update bank_payees set booked_to = ? where rail = ? and payee = ?",
        day.isoformat(),
        payee["rail"],
        payee["payee"],
    )


def _reference(rail: str, day: date) -> str:
    return f"{rail.upper()} {day.isoformat()}"


def _book_lump(world: World, payee: Row, day: date) -> None:
    rail = payee["rail"]
    takings = pockets.takings if rail == "wechat" else baidu.takings
    net = takings(world, payee["payee"], *bounds(day))
    if net == 0:
        return
    value_on = day + timedelta(days=1)
    arrived = from_beijing(value_on.isoformat() + ARRIVES)
    world.store.run(
        "insert into bank_entries (account, value_on, kind, amount_minor, reference, booked_at)"
        " values (?, ?, ?, ?, ?, ?)",
        payee["account"],
        value_on.isoformat(),
        rail,
        net,
        _reference(rail, day),
        stamp(arrived),
    )
    if rail == "wechat":
        named = _reference(rail, day)
        pockets.move(world, payee["payee"], "basic", -net, "settled", named, arrived)
