"""Sharing out: of a sale's released money what is the seller's, ours, and who sold it for him.

Our fee comes off first; what is left is the re-seller's in the proportion of her margin in what the
buyer paid, and the rest the supplier's, who ships. Money that goes back comes from all three in the
same proportion. It is a function of what is released by now, so parts sum to the whole.

The supplier's books say it at once; a job says the same in the re-seller's (passing_on.py).
"""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from littleshop import db, jobs
from littleshop.clock import value_date
from littleshop.ledger import chart, journals
from littleshop.ledger.journals import Transfer
from littleshop.money import Money
from littleshop.supply import resales
from littleshop.supply.resales import Resale
from littleshop.trade import fees
from littleshop.trade.fees import Rate
from littleshop.trade.orders import Order

BOOK = "reselling.book"
MIRROR = "reselling.mirror"
EARNED, TAKEN_BACK = "margin", "margin_back"  # the re-seller's journals


class Shares(msgspec.Struct, frozen=True):
    """Whose a released sum is; `margin` is that of the shop that sold it."""

    seller: Money
    commission: Money
    margin: Money
    resale: Resale | None = None


def due(resale: Resale | None, total: Money, released: Money, fee: Money) -> Money:
    """The re-seller's part of what is released of an order, in whole fen downwards."""
    if resale is None or not total:
        return Money(0, total.currency)
    minor = resale.margin_minor * (released - fee).minor // total.minor
    return Money(minor, total.currency)


def between(order: Order, rate: Rate, resale: Resale | None, less: Money, more: Money) -> Shares:
    """How what is released of an order beyond `less`, up to `more`, is shared out."""
    fee = rate.between(less, more)
    margin = due(resale, order.total, more, rate.of(more))
    margin -= due(resale, order.total, less, rate.of(less))
    return Shares(more - less - fee - margin, fee, margin, resale)


async def of(conn: db.Connection, order: Order, less: Money, more: Money) -> Shares:
    """The same, by what was agreed for this order."""
    resale = None
    if order.kind == "resale":
        resale = await resales.of_order(conn, order.shop_id, order.order_id)
    return between(order, await fees.of_order(conn, order), resale, less, more)


async def pay_out(
    conn: db.Connection, order: Order, less: Money, more: Money, at: datetime
) -> bool:
    """Book what was released between the two; False when that was nothing."""
    parts = await of(conn, order, less, more)
    given = [(chart.PAYABLE, parts.seller), (chart.COMMISSION, parts.commission)]
    if parts.resale is not None:
        given.append((chart.due_to(parts.resale.sold_by_shop_id), parts.margin))
    transfers = [Transfer(chart.ESCROW, account, part) for account, part in given if part]
    if not transfers:  # settled directly, or all of it went back
        return False
    reference = str(order.order_id)
    await _post(conn, order, "received", reference, transfers, at)
    await _tell(conn, order, parts, EARNED, reference, at)
    return True


async def claw_back(
    conn: db.Connection, order: Order, amount: Money, reference: str, at: datetime
) -> None:
    """The seller, our commission and who sold it give back what they had of it; `payable` may fall
    below zero and is made up for by the next sales. The re-seller's part she owes the supplier."""
    parts = await in_released(conn, order, amount)
    taken = [(chart.PAYABLE, parts.seller), (chart.COMMISSION, parts.commission)]
    if parts.resale is not None:
        taken.append((chart.due_from(parts.resale.sold_by_shop_id), parts.margin))
    transfers = [Transfer(account, chart.ESCROW, part) for account, part in taken if part]
    await _post(conn, order, "clawed_back", reference, transfers, at)
    await _tell(conn, order, parts, TAKEN_BACK, reference, at)


async def in_released(conn: db.Connection, order: Order, amount: Money) -> Shares:
    """Whose this last part of what was released of an order is."""
    before = Money(order.released_minor, order.currency)
    return await of(conn, order, before - amount, before)


async def _post(
    conn: db.Connection,
    order: Order,
    kind: str,
    reference: str,
    transfers: list[Transfer],
    at: datetime,
) -> None:
    await journals.post(
        conn,
        order.shop_id,
        kind=kind,
        reference=reference,
        order_id=order.order_id,
        value_on=value_date(at),
        booked_at=at,
        transfers=transfers,
    )


async def _tell(
    conn: db.Connection, order: Order, parts: Shares, kind: str, reference: str, at: datetime
) -> None:
    """Have the books of the shop that sold it say the same."""
    if parts.resale is None or not parts.margin:
        return
    await jobs.defer(
        conn,
        BOOK,
        at=at,
        shop_id=parts.resale.sold_by_shop_id,
        kind=kind,
        reference=named(order.shop_id, reference),
        from_shop_id=order.shop_id,
        order_id=str(order.order_id),
        minor=parts.margin.minor,
        currency=parts.margin.currency,
        value_on=value_date(at).isoformat(),
    )


def named(shop_id: int, reference: str) -> str:
    """What a shop's journal is called in the books of another."""
    return f"{shop_id}/{reference}"


async def have_mirrored(conn: db.Connection, order: Order, at: datetime, *, about: str) -> None:
    """Have the shop that sold an order know it, and hear of it. `about`: placed or paid."""
    if order.kind != "resale":
        return
    await jobs.defer(
        conn, MIRROR, at=at, from_shop_id=order.shop_id, order_id=str(order.order_id), about=about
    )


def day(text: str) -> date:
    """A value date as a job carries it."""
    return date.fromisoformat(text)
