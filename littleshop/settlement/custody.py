"""Custody: each day the bank is told whose the money on our account is (bank_custody).

A shop's sub-balance is what lies in its own bank account and what the rails must have paid us for
it; the rest, our commission and what cannot be told apart, is the platform's. The sum is the
closing balance of the bank's own statement (camt.053). What pain.001, pain.002 and camt.053 do not
have, the sub-ledger itself, is our own wire (docs/decisions/0029-payout-rails.md).
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from functools import partial

import msgspec

from littleshop import db
from littleshop.errors import GatewayError
from littleshop.ledger import chart
from littleshop.settlement import funding, statements
from littleshop.settlement.bank_files import Owner
from littleshop.settlement.desks import CURRENCY, Desk
from littleshop.shop import shops
from littleshop.shop.shops import PLATFORM


class SubLedger(msgspec.Struct, frozen=True):
    """What the bank was told by the end of a day; `taken_at` when it agreed."""

    account: str
    day: date
    number: int
    sha256: str
    content: str
    closing_minor: int
    made_at: datetime
    taken_at: datetime | None


class _Balance(msgspec.Struct, frozen=True):
    owner: str
    amount_minor: int


class _Content(msgspec.Struct, frozen=True):
    account: str
    day: date
    number: int
    balances: list[_Balance]


_COLUMNS = ", ".join(SubLedger.__struct_fields__)


async def owner(conn: db.Connection, shop_id: int) -> Owner:
    """How the bank knows a shop."""
    return Owner(reference=named(shop_id), name=(await shops.get(conn, shop_id)).name)


def named(shop_id: int) -> str:
    """A shop's name in the sub-ledger; the platform's own part has one too."""
    return "platform" if shop_id == PLATFORM else f"shop-{shop_id}"


async def hand_over(desk: Desk, at: datetime) -> bool:
    """Tell the bank whose the money is by its latest statement; False while it does not agree.

    What does not sum to the statement stands aside and is not told.
    """
    account = desk.at_bank.debtor.account
    with desk.apart("sub-ledger"):
        ledger = await desk.database.transaction(partial(_make, desk=desk, account=account, at=at))
        if ledger is None:
            return False
        if ledger.taken_at is None:
            try:
                await desk.at_bank.hand_sub_ledger(ledger.content.encode())
            except GatewayError as fault:
                if not fault.retryable:
                    raise
                desk.problems.append(str(fault))
                return False
            await desk.database.transaction(partial(_mark_taken, ledger=ledger, at=at))
        return True
    return False


async def latest(conn: db.Connection, account: str) -> SubLedger | None:
    """The last one that was made, or None."""
    return await db.one(
        conn,
        SubLedger,
        f"select {_COLUMNS} from sub_ledgers where shop_id = $1 and account = $2"
        " order by day desc, number desc limit 1",
        PLATFORM,
        account,
    )


async def _make(conn: db.Connection, desk: Desk, account: str, at: datetime) -> SubLedger | None:
    """The sub-ledger of the latest statement, written before the bank hears of it."""
    closed = await statements.closing(conn, account)
    if closed is None:
        return None
    day, closing = closed
    if waiting := await statements.waiting(conn):
        desk.set_aside(f"sub-ledger of {day}", f"{len(waiting)} entries are not explained", day)
        return None
    shares = await _shares(conn, desk, day, at)
    rest = closing - sum(shares.values())
    if rest < 0:
        short = f"shops are due {-rest} minor units more than the statement's {closing}"
        desk.set_aside(f"sub-ledger of {day}", short, day)
        return None
    shares[PLATFORM] = rest
    known = await latest(conn, account)
    number = known.number + 1 if known is not None and known.day == day else 1
    if known is not None and known.content == _content(account, day, known.number, shares):
        return known
    return await _keep(conn, account, day, number, closing, shares, at)


async def _shares(conn: db.Connection, desk: Desk, day: date, at: datetime) -> dict[int, int]:
    """What of the account is each shop's, minor units."""
    before = funding.arrived_before(desk.calendar, at, day)
    purse = await funding.purse(conn, CURRENCY, before)
    rows = await conn.fetch(
        "select /* all shops: the account is of them all */ shop_id,"
        " debits_minor - credits_minor as minor from accounts"
        " where account = $1 and currency = $2 and shop_id <> $3 and debits_minor > credits_minor",
        chart.BANK,
        CURRENCY,
        PLATFORM,
    )
    shares = dict(purse.own)
    for row in rows:
        shares[row["shop_id"]] = shares.get(row["shop_id"], 0) + row["minor"]
    return shares


def _content(account: str, day: date, number: int, shares: dict[int, int]) -> str:
    balances = [
        _Balance(named(shop_id), minor) for shop_id, minor in sorted(shares.items()) if minor
    ]
    return msgspec.json.encode(_Content(account, day, number, balances)).decode()


async def _keep(
    conn: db.Connection,
    account: str,
    day: date,
    number: int,
    closing: int,
    shares: dict[int, int],
    at: datetime,
) -> SubLedger:
    content = _content(account, day, number, shares)
    return await db.the_one(
        conn,
        SubLedger,
        "insert into sub_ledgers (shop_id, account, day, number, sha256, content, closing_minor,"
        f" made_at) values ($1, $2, $3, $4, $5, $6, $7, $8) returning {_COLUMNS}",
        PLATFORM,
        account,
        day,
        number,
        hashlib.sha256(content.encode()).hexdigest(),
        content,
        closing,
        at,
    )


async def _mark_taken(conn: db.Connection, ledger: SubLedger, at: datetime) -> None:
    await db.run(
        conn,
        "update sub_ledgers set taken_at = $5 where shop_id = $1 and account = $2 and day = $3"
        " and number = $4 and taken_at is null",
        PLATFORM,
        ledger.account,
        ledger.day,
        ledger.number,
        at,
    )
