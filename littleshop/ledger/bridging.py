"""Bridging: a rail takes money from all that it owes us; what a shop's part lacks we lend it.

The shop's books and the platform's are two transactions: the shop owes at once (due_to_shop), a
job books the platform's side (due_from_shop against suspense, for the rail pays us less now).
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from littleshop import db, jobs
from littleshop.clock import value_date
from littleshop.ledger import accounts, chart, cover, journals
from littleshop.ledger.journals import Transfer
from littleshop.money import Money

LEND, TAKE_BACK = "bridging.lend", "bridging.take_back"
LENT, REPAID = "lent", "repaid"
PLATFORM = 0


async def take_from_clearing(
    conn: db.Connection,
    shop_id: int,
    *,
    gateway: str,
    account: str,
    amount: Money,
    kind: str,
    reference: str,
    order_id: UUID | None = None,
    spoken_for: int = 0,
    pocket: str | None = None,
    at: datetime,
) -> bool:
    """Book that the rail took `amount` for what stands in `account` (escrow, gateway_fee ...);
    what the shop's clearing lacks is lent, and what of rails' fees our commission bears no longer
    because it went back. `spoken_for` minor units of it are not to be touched:
    they are owed to buyers and seller. `pocket` is where it lay when that is not the clearing:
    held_at or withdrawable. False when it was booked before. Conflict when the reference was
    booked otherwise."""
    known = await journals.find(conn, shop_id, kind, reference)
    if known is not None:
        return False
    clearing = pocket or chart.gateway_clearing(gateway)
    names = [account, clearing, chart.DUE_TO_SHOP, *cover.OURS]
    held = await accounts.lock(conn, shop_id, names, amount.currency)
    parts = [Transfer(account, clearing, amount)]
    free = max(held.get(clearing, 0) - spoken_for, 0)
    # Only what buyers paid to us: an institution takes its fee from what it releases to the seller.
    ours = account == chart.ESCROW and clearing == chart.gateway_clearing(gateway)
    unborne = cover.unborne(held) if ours else 0
    short = Money(max(amount.minor - free, unborne), amount.currency)
    if short.minor > 0:
        parts.append(Transfer(clearing, chart.DUE_TO_SHOP, short))
        await _have_lent(conn, shop_id, reference, short, at)
    return await journals.post(
        conn,
        shop_id,
        kind=kind,
        reference=reference,
        order_id=order_id,
        value_on=value_date(at),
        booked_at=at,
        transfers=parts,
    )


async def lend_what_lacks(
    conn: db.Connection,
    shop_id: int,
    *,
    gateway: str,
    most: Money,
    reference: str,
    at: datetime,
) -> list[Transfer]:
    """What is to be booked, under this reference, so that up to `most` of what others than the
    seller are owed lies here: he gave back what he had on his card, and that took it. Mostly
    nothing."""
    lacks = cover.lacking(await accounts.lock_all(conn, shop_id, most.currency))
    lent = Money(min(lacks, most.minor), most.currency)
    if not lent:
        return []
    await _have_lent(conn, shop_id, reference, lent, at)
    return [Transfer(chart.gateway_clearing(gateway), chart.DUE_TO_SHOP, lent)]


async def _have_lent(
    conn: db.Connection, shop_id: int, reference: str, amount: Money, at: datetime
) -> None:
    await jobs.defer(
        conn, LEND, at=at, reference=named(shop_id, reference), minor=amount.minor,
        currency=amount.currency,
    )  # fmt: skip


async def undo_loan(
    conn: db.Connection,
    shop_id: int,
    *,
    clearing: str,
    kind: str,
    reference: str,
    order_id: UUID | None = None,
    currency: str,
    most: Money | None = None,
    at: datetime,
) -> bool:
    """The rail gave back what it took in the journal (`kind`, `reference`), or so much of it
    (`most`), and it stands in `clearing` again: what was lent for it is repaid out of it, as far
    as it is owed still. False when nothing was."""
    parts = await journals.transfers(conn, shop_id, kind, reference)
    lent = sum(part.amount.minor for part in parts if part.credit == chart.DUE_TO_SHOP)
    lent = min(lent, most.minor) if most is not None else lent
    held = await accounts.lock(conn, shop_id, [clearing, chart.DUE_TO_SHOP], currency)
    repaid = Money(min(lent, max(held.get(chart.DUE_TO_SHOP, 0), 0)), currency)
    if not repaid:
        return False
    await jobs.defer(
        conn,
        TAKE_BACK,
        at=at,
        reference=named(shop_id, reference),
        minor=repaid.minor,
        currency=currency,
    )
    return await journals.post(
        conn,
        shop_id,
        kind=REPAID,
        reference=reference,
        order_id=order_id,
        value_on=value_date(at),
        booked_at=at,
        transfers=[Transfer(chart.DUE_TO_SHOP, clearing, repaid)],
    )


async def bear(
    conn: db.Connection,
    shop_id: int,
    *,
    gateway: str,
    account: str,
    amount: Money,
    kind: str,
    reference: str,
    order_id: UUID | None = None,
    at: datetime,
) -> bool:
    """Book what a rail took that the platform bears: out of our commission in the shop's part of
    what the rails hold; what is owed to buyers and seller is not touched, and lent instead."""
    held = await accounts.lock_all(conn, shop_id, amount.currency)
    clearing = chart.gateway_clearing(gateway)
    others = cover.lies(held) - held.get(clearing, 0)
    spoken_for = max(cover.spoken_for(held) - others, 0)
    return await take_from_clearing(
        conn, shop_id, gateway=gateway, account=account, amount=amount, kind=kind,
        reference=reference, order_id=order_id, spoken_for=spoken_for, at=at,
    )  # fmt: skip


async def give_to_clearing(
    conn: db.Connection,
    shop_id: int,
    *,
    gateway: str,
    account: str,
    amount: Money,
    kind: str,
    reference: str,
    order_id: UUID | None = None,
    pocket: str | None = None,
    at: datetime,
) -> bool:
    """Book that the rail gave back `amount` of what stands in `account` (gateway_fee ...), into
    `pocket` when that is not the clearing."""
    return await journals.post(
        conn,
        shop_id,
        kind=kind,
        reference=reference,
        order_id=order_id,
        value_on=value_date(at),
        booked_at=at,
        transfers=[Transfer(pocket or chart.gateway_clearing(gateway), account, amount)],
    )


async def lend(conn: db.Connection, reference: str, amount: Money, at: datetime) -> None:
    """The platform's side: the shop owes it, the rail took it from all."""
    await journals.post(
        conn,
        PLATFORM,
        kind=LENT,
        reference=reference,
        value_on=value_date(at),
        booked_at=at,
        transfers=[Transfer(chart.DUE_FROM_SHOP, chart.SUSPENSE, amount)],
    )


async def take_back(conn: db.Connection, reference: str, amount: Money, at: datetime) -> None:
    """The platform's side of a repayment: of what the rails bring, so much is not the shop's."""
    await journals.post(
        conn,
        PLATFORM,
        kind=REPAID,
        reference=reference,
        value_on=value_date(at),
        booked_at=at,
        transfers=[Transfer(chart.SUSPENSE, chart.DUE_FROM_SHOP, amount)],
    )


def named(shop_id: int, reference: str) -> str:
    """What a shop's journal is called in the platform's books."""
    return f"{shop_id}/{reference}"
