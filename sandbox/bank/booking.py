"""What the bank does to money, moved along by the sandbox's clock.

`settle_due` brings the books up to the present; every reader calls it first, so the state
depends on the clock alone and never on who looked when.
"""

from datetime import date, datetime, timedelta

from sandbox.alipay import pockets
from sandbox.alipay.bills import bounds
from sandbox.bank import custody, incomes
from sandbox.bank.instructions import Message, Transfer
from sandbox.clock import BEIJING, from_beijing, stamp, unstamp
from sandbox.store import Row
from sandbox.world import World

OPENS = " 09:00:00"
FURTHEST = timedelta(days=60)
REJECTED = {"0002": "AC04", "0003": "AC01", "0004": "AM04", "0006": "AC06"}
RETURNED = {"0010": "AC01", "0011": "AC04"}
STRANGERS = ("不符", "mismatch")


def today(world: World) -> date:
    """The bank's day, in Beijing."""
    return world.clock.now().astimezone(BEIJING).date()


def accept(world: World, account: Row, message: Message) -> None:
    """Write down what was asked and what will become of it."""
    for transfer in message.transfers:
        reason = _refusal(world, account, transfer)
        _note_owner(world, account, message, transfer)
        now = world.clock.now()
        world.store.run(
            "insert into bank_transfers (account, message_id, payment_id, instruction_id,"
            " end_to_end_id, amount_minor, creditor_name, creditor_account, creditor_cnaps,"
            " accepted_at, execute_at, status, reason, return_reason)"
            " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            account["account"],
            message.message_id,
            transfer.payment_id,
            transfer.instruction_id,
            transfer.end_to_end_id,
            transfer.amount_minor,
            transfer.creditor_name,
            transfer.creditor_account,
            transfer.creditor_cnaps,
            stamp(now),
            stamp(_execution(world, transfer.execute_on, now)),
            "RJCT" if reason else "ACTC",
            reason,
            None if reason else _return_reason(world, transfer),
        )


def _note_owner(world: World, account: Row, message: Message, transfer: Transfer) -> None:
    if transfer.on_behalf_of:
        world.store.run(
            "insert into bank_on_behalf (account, message_id, end_to_end_id, owner)"
            " values (?, ?, ?, ?)",
            account["account"],
            message.message_id,
            transfer.end_to_end_id,
            transfer.on_behalf_of,
        )


def _execution(world: World, execute_on: date, now: datetime) -> datetime:
    """Nine in the morning of the day asked for, or shortly after now when that is past."""
    soon = now + timedelta(seconds=world.faults.number("bank.execute_after_seconds"))
    return max(soon, from_beijing(execute_on.isoformat() + OPENS))


def _refusal(world: World, account: Row, transfer: Transfer) -> str | None:
    if abs(transfer.execute_on - today(world)) > FURTHEST:
        return "DT01"
    if world.store.one(
        "select 1 from bank_transfers where account = ? and end_to_end_id = ? and status <> 'RJCT'",
        account["account"],
        transfer.end_to_end_id,
    ):
        return "DUPL"
    if not transfer.on_behalf_of and custody.is_custody(world, account["account"]):
        return "RR01"
    number = transfer.creditor_account
    if not (number.isdigit() and 12 <= len(number) <= 19):
        return "AC01"
    if any(word in transfer.creditor_name.lower() for word in STRANGERS):
        return "BE01"
    if world.faults.strikes("bank.reject"):
        return world.faults.word("bank.reject_code") or "AC04"
    return REJECTED.get(number[-4:])


def _return_reason(world: World, transfer: Transfer) -> str | None:
    if world.faults.strikes("bank.return"):
        return world.faults.word("bank.return_code") or "AC01"
    return RETURNED.get(transfer.creditor_account[-4:])


def settle_due(world: World) -> None:
    """Book everything the clock has reached: the rails' lumps, transfers, returns."""
    with world.store.transaction():
        _book_alipay(world)
        incomes.book(world)
        _execute(world)
        _return(world)


def _execute(world: World) -> None:
    now = stamp(world.clock.now())
    world.store.run(
        "update bank_transfers set status = 'ACSP' where status = 'ACTC' and execute_at <= ?",
        stamp(world.clock.now() + timedelta(hours=9)),  # from midnight of the day it runs
    )
    due = world.store.all(
        "select * from bank_transfers where status in ('ACTC', 'ACSP') and execute_at <= ?"
        " order by execute_at, id",
        now,
    )
    for transfer in due:
        short = balance(world, transfer["account"]) < transfer["amount_minor"]
        if short or not custody.covers(world, transfer):
            world.store.run(
                "update bank_transfers set status = 'RJCT', reason = 'AM04' where id = ?",
                transfer["id"],
            )
            continue
        at = unstamp(transfer["execute_at"])
        back = None
        if transfer["return_reason"]:
            morning = at.astimezone(BEIJING).date() + timedelta(days=1)
            back = stamp(from_beijing(morning.isoformat() + OPENS))
        world.store.run(
            "update bank_transfers set status = 'ACSC', executed_at = ?, return_at = ?"
            " where id = ?",
            transfer["execute_at"],
            back,
            transfer["id"],
        )
        _enter(world, transfer, "transfer", -transfer["amount_minor"], at)


def _return(world: World) -> None:
    due = world.store.all(
        "select * from bank_transfers where returned_at is null and return_at <= ?"
        " order by return_at, id",
        stamp(world.clock.now()),
    )
    for transfer in due:
        world.store.run(
            "update bank_transfers set returned_at = return_at where id = ?", transfer["id"]
        )
        at = unstamp(transfer["return_at"])
        _enter(world, transfer, "return", transfer["amount_minor"], at)


def _enter(world: World, transfer: Row, kind: str, minor: int, at: datetime) -> None:
    world.store.run(
        "insert into bank_entries (account, value_on, kind, amount_minor, reference,"
        " transfer_id, booked_at) values (?, ?, ?, ?, ?, ?, ?)",
        transfer["account"],
        at.astimezone(BEIJING).date().isoformat(),
        kind,
        minor,
        transfer["end_to_end_id"],
        transfer["id"],
        stamp(at),
    )


def _book_alipay(world: World) -> None:
    """The net of each closed Beijing day arrives as one lump at six the next morning."""
    arrived = world.clock.now() - timedelta(hours=6)
    limit = arrived.astimezone(BEIJING).date()
    for account in world.store.all("select * from bank_accounts where seller_id is not null"):
        last = world.store.setting(f"bank.lumps.{account['account']}")
        day = date.fromisoformat(last) if last else _first_day(world, account)
        while day < limit:
            _book_lump(world, account, day)
            day += timedelta(days=1)
        world.store.set_setting(f"bank.lumps.{account['account']}", day.isoformat())


def book_again(world: World, seller_id: str, day: date) -> None:
    """Trades of the past were written: from `day` on the lumps are counted anew."""
    for account in world.store.all("select * from bank_accounts where seller_id = ?", seller_id):
        number = account["account"]
        known = world.store.setting(f"bank.past.{number}") or account["opened_on"]
        first = min(date.fromisoformat(known), day)
        world.store.set_setting(f"bank.past.{number}", first.isoformat())
        world.store.run(
            "delete from bank_entries where account = ? and kind = 'alipay' and value_on > ?",
            number,
            day.isoformat(),
        )
        marker = world.store.setting(f"bank.lumps.{number}")
        begun = date.fromisoformat(marker) if marker else day
        world.store.set_setting(f"bank.lumps.{number}", min(begun, day).isoformat())


def begins(world: World, account: Row) -> str:
    """The first day of which there are statements; earlier ones are for the demo's past alone."""
    if world.clock.is_past:
        return world.store.setting(f"bank.past.{account['account']}") or str(account["opened_on"])
    return str(account["opened_on"])


def _first_day(world: World, account: Row) -> date:
    row = world.store.one(
        "select opened_at from alipay_apps where seller_id = ?", account["seller_id"]
    )
    opened = unstamp(row["opened_at"]).astimezone(BEIJING).date() if row else today(world)
    return min(opened, date.fromisoformat(account["opened_on"]))


def _book_lump(world: World, account: Row, day: date) -> None:
    start, end = bounds(day)
    paid = world.store.number(
        "select sum(total_minor - fee_minor) from alipay_trades join alipay_apps using (app_id)"
        " where seller_id = ? and paid_at >= ? and paid_at < ?"
        " and trade_no not in (select trade_no from alipay_held)",
        account["seller_id"],
        start,
        end,
    )
    refunded = world.store.number(
        "select sum(amount_minor) from alipay_refunds join alipay_apps using (app_id)"
        " join alipay_trades using (app_id, out_trade_no)"
        " where seller_id = ? and refunded_at >= ? and refunded_at < ?"
        " and trade_no not in (select trade_no from alipay_held)",
        account["seller_id"],
        start,
        end,
    )
    shares = pockets.came(world, account["seller_id"], "royalty", start, end)
    if paid + shares == refunded:
        return
    value_on = day + timedelta(days=1)
    world.store.run(
        "insert into bank_entries (account, value_on, kind, amount_minor, reference, booked_at)"
        " values (?, ?, 'alipay', ?, ?, ?)",
        account["account"],
        value_on.isoformat(),
        paid + shares - refunded,
        f"ALIPAY {day.isoformat()}",
        stamp(from_beijing(value_on.isoformat() + " 06:00:00")),
    )


def balance(world: World, account: str, before: date | None = None) -> int:
    """The balance in fen, now or at the beginning of a day."""
    opening = world.store.number(
        "select opening_minor from bank_accounts where account = ?", account
    )
    return opening + world.store.number(
        "select sum(amount_minor) from bank_entries where account = ? and value_on < ?",
        account,
        before.isoformat() if before else "9999-12-31",
    )
