"""A custody account: the money of many owners, each with a balance of his own in the sub-ledger.

The merchant hands the sub-ledger in for a day whose statement is out; it must sum to the closing
balance. A payment names its owner (UltmtDbtr) and is refused when his balance does not cover it.
"""

import hashlib
import json
from datetime import date

from sandbox.bank import booking
from sandbox.clock import stamp
from sandbox.store import Row
from sandbox.world import World


class Unfit(Exception):
    """A sub-ledger that is not taken, with the HTTP status and a code."""

    def __init__(self, status: int, code: str, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.code = code


def appoint(world: World, account: str) -> None:
    """Make it a custody account."""
    world.store.run("insert or ignore into bank_custody (account) values (?)", account)


def is_custody(world: World, account: str) -> bool:
    """Whether it holds the money of many owners."""
    row = world.store.one("select 1 from bank_custody where account = ?", account)
    return row is not None


def take(world: World, account: Row, content: bytes) -> dict[str, object]:
    """Keep a sub-ledger; the same again is the same one. Raises Unfit."""
    number = account["account"]
    if not is_custody(world, number):
        raise Unfit(403, "AG01", "not a custody account")
    day, version, balances = _read(content)
    digest = hashlib.sha256(content).hexdigest()
    known = world.store.one(
        "select digest from bank_sub_ledgers where account = ? and day = ? and number = ?",
        number,
        day.isoformat(),
        version,
    )
    if known is None:
        _check(world, number, day, balances)
        _keep(world, number, day, version, digest, balances)
    elif known["digest"] != digest:
        raise Unfit(409, "DUPL", "this number holds another sub-ledger")
    return {"day": day.isoformat(), "number": version, "owners": len(balances)}


def _read(content: bytes) -> tuple[date, int, dict[str, int]]:
    try:
        told = json.loads(content)
        day, version = date.fromisoformat(told["day"]), told["number"]
        rows = [(str(one["owner"]), one["amount_minor"]) for one in told["balances"]]
    except (ValueError, KeyError, TypeError) as broken:
        raise Unfit(400, "FF01", "not a sub-ledger") from broken
    if not isinstance(version, int) or version < 1 or len(dict(rows)) != len(rows):
        raise Unfit(400, "FF01", "a number is missing, or an owner stands twice")
    if any(not isinstance(minor, int) or minor < 0 for _, minor in rows):
        raise Unfit(422, "AM12", "a balance is whole fen, and not below zero")
    return day, version, dict(rows)


def _check(world: World, account: str, day: date, balances: dict[str, int]) -> None:
    if day >= booking.today(world):
        raise Unfit(422, "DT01", "that day is not over")
    closing = booking.balance(world, account, before=date.fromordinal(day.toordinal() + 1))
    if sum(balances.values()) != closing:
        raise Unfit(422, "AM10", f"the sub-ledger does not sum to the balance of {closing} fen")


def _keep(
    world: World, account: str, day: date, version: int, digest: str, balances: dict[str, int]
) -> None:
    world.store.run(
        "insert into bank_sub_ledgers (account, day, number, digest, taken_at)"
        " values (?, ?, ?, ?, ?)",
        account,
        day.isoformat(),
        version,
        digest,
        stamp(world.clock.now()),
    )
    for owner, minor in balances.items():
        world.store.run(
            "insert into bank_sub_balances (account, day, number, owner, amount_minor)"
            " values (?, ?, ?, ?, ?)",
            account,
            day.isoformat(),
            version,
            owner,
            minor,
        )


def covers(world: World, transfer: Row) -> bool:
    """Whether the owner's balance pays for it: the latest sub-ledger's, less what left for him
    since, with what came back."""
    account = transfer["account"]
    if not is_custody(world, account):
        return True
    behalf = world.store.one(
        "select owner from bank_on_behalf where account = ? and message_id = ?"
        " and end_to_end_id = ?",
        account,
        transfer["message_id"],
        transfer["end_to_end_id"],
    )
    latest = world.store.one(
        "select day, number from bank_sub_ledgers where account = ?"
        " order by day desc, number desc limit 1",
        account,
    )
    if behalf is None or latest is None:
        return False
    told = world.store.number(
        "select sum(amount_minor) from bank_sub_balances where account = ? and day = ?"
        " and number = ? and owner = ?",
        account,
        latest["day"],
        latest["number"],
        behalf["owner"],
    )
    moved = world.store.number(
        "select sum(e.amount_minor) from bank_entries e join bank_transfers t"
        " on t.id = e.transfer_id join bank_on_behalf o on o.account = t.account"
        " and o.message_id = t.message_id and o.end_to_end_id = t.end_to_end_id"
        " where e.account = ? and e.value_on > ? and o.owner = ?",
        account,
        latest["day"],
        behalf["owner"],
    )
    return told + moved >= int(transfer["amount_minor"])
