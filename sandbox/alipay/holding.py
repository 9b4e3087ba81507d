"""Money held for a sub-merchant (直付通): settled when the platform confirms, or by itself when the
period is over; then the platform may take its share, and what is frozen for that is let go.

`unsettled` is what was paid and not confirmed. Confirming moves it to `frozen` (with
royalty_freeze, and for those who are settled to their Alipay account), to `account`, or to
`batch`, from which a card is paid on the next day at nine.
"""

from datetime import datetime, timedelta

from sandbox.alipay import pockets, sellers
from sandbox.alipay.trades import Denied
from sandbox.clock import BEIJING, from_beijing, stamp, unstamp
from sandbox.store import Row
from sandbox.world import World, digits

EARLIEST = timedelta(seconds=30)  # between confirming and the first share
FROZEN_FOR = timedelta(days=30)
MOST_BPS = 3_000
POCKETS = ("unsettled", "frozen", "batch", "account")
FAILS = {"0002": "银行卡已注销", "0003": "卡号错误", "0004": "银行卡限额", "0006": "银行卡已冻结"}
AUTOMATIC = "AUTO"


def of_trade(world: World, trade_no: str) -> Row | None:
    """How a trade is held, or None when it is not."""
    return world.store.one("select * from alipay_held where trade_no = ?", trade_no)


def paid(world: World, trade: Row) -> None:
    """A held trade was paid: the money is the sub-merchant's, and not yet settled."""
    held = of_trade(world, trade["trade_no"])
    if held is not None:
        total = trade["total_minor"]
        pockets.move(world, held["smid"], "unsettled", total, "payment", trade["trade_no"])


def left(world: World, held: Row, pocket: str) -> int:
    """What of a held trade lies in a pocket, in fen."""
    return pockets.left_of(world, held["smid"], pocket, held["trade_no"])


def refund(world: World, trade: Row, minor: int, told: dict[str, object]) -> None:
    """Take a refund from the sub-merchant. Raises Denied when he has not got it.

    Once settled, the refund has to name the settlement, and comes from wherever his money is, or
    from the platform, when it says that it advances the money.
    """
    held = of_trade(world, trade["trade_no"])
    if held is None:
        return
    if held["confirmed_at"] and told.get("related_settle_confirm_no") != held["confirm_no"]:
        raise Denied("ACQ.INVALID_PARAMETER", "确认结算后退款须指定related_settle_confirm_no")
    if told.get("refund_advance_account") is not None:
        platform, name = _platform(world, trade), str(told.get("out_request_no") or "")
        if told["refund_advance_account"] != platform:
            raise Denied("ACQ.INVALID_PARAMETER", "垫资账号不正确")
        pockets.move(world, platform, "royalty", -minor, "advance", name)
        return
    sums = {pocket: left(world, held, pocket) for pocket in POCKETS}
    if minor > sum(sums.values()):
        raise Denied("ACQ.SELLER_BALANCE_NOT_ENOUGH", "二级商户账户中无足够的资金进行退款")
    _take(world, held, minor, "refund")


def _take(world: World, held: Row, minor: int, kind: str) -> None:
    """Take money of a trade from where it is first found."""
    for pocket in POCKETS:
        part = min(minor, left(world, held, pocket))
        pockets.move(world, held["smid"], pocket, -part, kind, held["trade_no"])
        if pocket == "batch" and part:
            _change_payout(world, held, -part)
        minor -= part
    assert minor == 0, held["trade_no"]


def confirm(
    world: World, trade: Row, held: Row, number: str, at: datetime, *, freezes: bool
) -> int:
    """Settle all that is left of a trade; how much, less Alipay's fee."""
    seller = sellers.admitted(world, trade["app_id"], held["smid"])
    assert seller is not None, held["smid"]
    whole = left(world, held, "unsettled")
    settled = max(whole - int(trade["fee_minor"]), 0)
    to_card = seller["settles_to"] == "card"
    pocket = "batch" if to_card else "frozen" if freezes else "account"
    name = held["trade_no"]
    pockets.move(world, held["smid"], "unsettled", -whole, "settle", name, at)
    pockets.move(world, held["smid"], pocket, settled, "settle", name, at)
    frozen_until = stamp(at + FROZEN_FOR) if pocket == "frozen" else None
    world.store.run(
        "update alipay_held set confirm_no = ?, confirmed_minor = ?, confirmed_at = ?,"
        " frozen_until = ? where trade_no = ?",
        number,
        settled,
        stamp(at),
        frozen_until,
        name,
    )
    if to_card and settled:
        morning = at.astimezone(BEIJING).date() + timedelta(days=1)
        world.store.run(
            "insert into alipay_card_payouts (smid, trade_no, amount_minor, status, made_at,"
            " due_at) values (?, ?, ?, 'WAIT', ?, ?)",
            held["smid"],
            name,
            settled,
            stamp(at),
            stamp(from_beijing(f"{morning.isoformat()} 09:00:00")),
        )
    return settled


def split(world: World, trade: Row, held: Row, number: str, minor: int) -> Row:
    """The platform takes its share of a settled trade. Raises Denied."""
    if not held["confirmed_at"]:
        raise Denied("ACQ.TRADE_STATUS_ERROR", "交易未确认结算，不能分账")
    if stamp(world.clock.now() - EARLIEST) < held["confirmed_at"]:
        raise Denied("ACQ.TRADE_SETTLE_ERROR", "交易结算处理中，请使用相同参数再次调用")
    taken = world.store.number(
        "select sum(case kind when 'transfer' then amount_minor else -amount_minor end)"
        " from alipay_splits where trade_no = ? and state = 'SUCCESS' and kind <> 'finish'",
        held["trade_no"],
    )
    if (taken + minor) * 10_000 > trade["total_minor"] * MOST_BPS:
        raise Denied("ACQ.ALLOC_AMOUNT_VALIDATE_ERROR", "分账金额超过最大可分账金额")
    if minor > sum(left(world, held, pocket) for pocket in POCKETS):
        raise Denied("ACQ.ALLOC_AMOUNT_VALIDATE_ERROR", "分账金额超过剩余金额")
    state = "FAIL" if world.faults.strikes("alipay.split.fail") else "SUCCESS"
    if state == "SUCCESS":
        _take(world, held, minor, "split")
        pockets.move(world, _platform(world, trade), "royalty", minor, "split", number)
    return write(world, trade, number, "transfer", minor, state)


def finish(world: World, trade: Row, held: Row, number: str) -> Row:
    """What is still frozen for shares is the seller's from now on. Raises Denied."""
    if not held["confirmed_at"]:
        raise Denied("ACQ.TRADE_STATUS_ERROR", "交易未确认结算，不能分账")
    return write(world, trade, number, "finish", _thaw(world, held, world.clock.now()), "SUCCESS")


def _thaw(world: World, held: Row, at: datetime) -> int:
    frozen = left(world, held, "frozen")
    pockets.move(world, held["smid"], "frozen", -frozen, "finish", held["trade_no"], at)
    pockets.move(world, held["smid"], "account", frozen, "finish", held["trade_no"], at)
    world.store.run(
        "update alipay_held set frozen_until = null where trade_no = ?", held["trade_no"]
    )
    return frozen


def give_back(world: World, trade: Row, held: Row, number: str, minor: int) -> Row:
    """The platform returns (part of) its share. Raises Denied."""
    taken = world.store.number(
        "select sum(case kind when 'transfer' then amount_minor else -amount_minor end)"
        " from alipay_splits where trade_no = ? and state = 'SUCCESS' and kind <> 'finish'",
        held["trade_no"],
    )
    if minor > taken:
        raise Denied("ACQ.REFUND_ROYALTY_AMOUNT_ERROR", "退分账金额大于可退金额")
    pocket = "frozen" if held["frozen_until"] else "account"
    pockets.move(world, _platform(world, trade), "royalty", -minor, "return", number)
    pockets.move(world, held["smid"], pocket, minor, "return", held["trade_no"])
    return write(world, trade, number, "transfer_refund", minor, "SUCCESS")


def write(world: World, trade: Row, number: str, kind: str, minor: int, state: str) -> Row:
    """Keep a share, its end or its return."""
    now = world.clock.now()
    due = now + timedelta(seconds=world.faults.number("alipay.split.after_seconds"))
    world.store.run(
        "insert into alipay_splits (settle_no, app_id, trade_no, out_request_no, kind,"
        " amount_minor, state, made_at, due_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        now.strftime("%Y%m%d") + "0025300700" + digits(14),
        trade["app_id"],
        trade["trade_no"],
        number,
        kind,
        minor,
        state,
        stamp(now),
        stamp(due),
    )
    found = split_of(world, trade, number)
    assert found is not None
    return found


def split_of(world: World, trade: Row, number: str) -> Row | None:
    """A share, its end or its return by the platform's number, or None."""
    return world.store.one(
        "select * from alipay_splits where app_id = ? and trade_no = ? and out_request_no = ?",
        trade["app_id"],
        trade["trade_no"],
        number,
    )


def _platform(world: World, trade: Row) -> str:
    row = world.store.one("select seller_id from alipay_apps where app_id = ?", trade["app_id"])
    assert row is not None
    return str(row["seller_id"])


def _change_payout(world: World, held: Row, minor: int) -> None:
    """What has not gone to the card yet becomes less."""
    row = world.store.one(
        "select * from alipay_card_payouts where trade_no = ? and status = 'WAIT'",
        held["trade_no"],
    )
    assert row is not None, held["trade_no"]
    if row["amount_minor"] + minor == 0:
        world.store.run("delete from alipay_card_payouts where id = ?", row["id"])
        return
    world.store.run(
        "update alipay_card_payouts set amount_minor = amount_minor + ? where id = ?",
        minor,
        row["id"],
    )


def settle_due(world: World) -> None:
    """Periods that are over settle by themselves, frozen shares are let go, cards are paid."""
    now = stamp(world.clock.now())
    for row in world.store.all(
        "select h.trade_no, h.days, t.paid_at from alipay_held h"
        " join alipay_trades t using (trade_no) where confirmed_at is null and paid_at is not null"
    ):
        over = unstamp(row["paid_at"]) + timedelta(days=row["days"])
        if stamp(over) <= now:
            trade = world.store.one(
                "select * from alipay_trades where trade_no = ?", row["trade_no"]
            )
            held = of_trade(world, row["trade_no"])
            assert trade is not None and held is not None
            confirm(world, trade, held, AUTOMATIC, over, freezes=False)
    for held in world.store.all("select * from alipay_held where frozen_until <= ?", now):
        _thaw(world, held, unstamp(held["frozen_until"]))
    for payout in world.store.all("select * from alipay_card_payouts where due_at <= ?", now):
        _pay_card(world, payout)


def _pay_card(world: World, payout: Row) -> None:
    seller = world.store.one(
        "select target_tail from alipay_sellers where smid = ? order by rowid desc limit 1",
        payout["smid"],
    )
    assert seller is not None
    why = FAILS.get(seller["target_tail"])
    if world.faults.strikes("alipay.card_payout.fail"):
        why = "卡号错误"
    world.store.run(
        "update alipay_card_payouts set status = ?, reason = ?, due_at = null where id = ?",
        "FAIL" if why else "SUCCESS",
        why,
        payout["id"],
    )
    at, amount, name = unstamp(payout["due_at"]), payout["amount_minor"], payout["trade_no"]
    pockets.move(world, payout["smid"], "batch", -amount, "card", name, at)
    pocket = "account" if why else "card"
    pockets.move(world, payout["smid"], pocket, amount, "card", name, at)
