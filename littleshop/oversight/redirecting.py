"""Redirecting: refunds that did not arrive, and the ways in which an operator gets them there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.errors import GatewayError, Refused
from littleshop.oversight import acts
from littleshop.oversight.acts import Act
from littleshop.pay import sending
from littleshop.pay.gateways import BuyerCard, Gateway, Redirecting
from littleshop.pay.payments import Payment
from littleshop.pay.refunds import Refund
from littleshop.sale import resending
from littleshop.shop import cards
from littleshop.trade import orders


class Stuck(msgspec.Struct, frozen=True):
    """A refund that waits, of which order and rail it is, and the last act on it."""

    refund: Refund
    gateway: str
    shop: str
    number: int
    redirects: bool
    last: Act | None


def subject(shop_id: int, refund_id: UUID) -> str:
    """What the log calls a refund."""
    return f"refund/{shop_id}/{refund_id}"


async def waiting(
    conn: db.Connection, rails: Mapping[str, Gateway], most: int = 100
) -> list[Stuck]:
    """The refunds that wait for an operator, the oldest first."""
    own = Refund.__struct_fields__
    rows = await conn.fetch(
        f"select /* all shops: the operator's desk */ {', '.join('r.' + name for name in own)},"
        " p.gateway, s.name as shop, o.number from refunds r"
        " join payments p on p.shop_id = r.shop_id and p.payment_id = r.payment_id"
        " join shops s on s.shop_id = r.shop_id"
        " join orders o on o.shop_id = r.shop_id and o.order_id = r.order_id"
        " where r.status = 'stuck' order by r.stuck_at limit $1",
        most,
    )
    said = await acts.of_subjects(conn, [subject(row["shop_id"], row["refund_id"]) for row in rows])
    return [
        Stuck(
            Refund(**{name: row[name] for name in own}),
            **{name: row[name] for name in ("gateway", "shop", "number")},
            redirects=isinstance(rails.get(row["gateway"]), Redirecting),
            last=said.get(subject(row["shop_id"], row["refund_id"])),
        )
        for row in rows
    ]


async def send_again(
    database: db.Database,
    rails: Mapping[str, Gateway],
    operator: UUID,
    shop_id: int,
    refund_id: UUID,
    *,
    reason: str,
    at: datetime,
) -> None:
    """Have the rail send it once more. Raises Refused refund_moved, reason_short; NotFound."""

    async def work(conn: db.Connection) -> None:
        payment, refund = await resending.get(conn, shop_id, refund_id)
        rail = rails.get(payment.gateway)
        await resending.send_again(conn, rail, shop_id, refund_id, at)
        await _record(conn, operator, "refund_sent_again", payment, refund, reason, at)

    await database.transaction(work)


async def redirect(
    database: db.Database,
    rails: Mapping[str, Gateway],
    operator: UUID,
    shop_id: int,
    refund_id: UUID,
    *,
    card: BuyerCard | None,
    reason: str,
    at: datetime,
) -> None:
    """Have the rail send it to the buyer's card, or (None) to our own account.

    Raises Refused: refund_moved, refund_rail_cannot, refund_not_taken, reason_short; NotFound, and
    GatewayError(retryable) when the rail does not say: the same act may be repeated.
    """
    reason = acts.why(reason)
    if refund_id in _asking:
        raise Refused("refund_moved")
    _asking.add(refund_id)
    try:
        await _redirect(database, rails, operator, shop_id, refund_id, card, reason, at)
    finally:
        _asking.discard(refund_id)


_asking: set[UUID] = set()  # refunds of which this process asks a rail: a second press asks nothing


async def _redirect(
    database: db.Database,
    rails: Mapping[str, Gateway],
    operator: UUID,
    shop_id: int,
    refund_id: UUID,
    card: BuyerCard | None,
    reason: str,
    at: datetime,
) -> None:
    to, tail = ("us", "") if card is None else ("card", card.number[-4:])
    async with database.connection() as conn:
        payment, refund = await resending.get(conn, shop_id, refund_id)
    rail = rails.get(payment.gateway)
    if not isinstance(rail, Redirecting):
        raise Refused("refund_rail_cannot")
    await database.transaction(lambda conn: resending.ask_redirect(conn, shop_id, refund_id, to))
    taken = True
    try:
        await rail.redirect_refund(sending.request(payment, refund), card)
    except GatewayError as no:
        if no.retryable:
            raise
        taken = False

    async def note(conn: db.Connection) -> None:
        moved = await resending.hear_redirect(conn, shop_id, refund_id, to, taken=taken, at=at)
        if moved and taken:  # who asked at the same time elsewhere did nothing that is not noted
            kind = f"refund_to_{to}"
            await _record(conn, operator, kind, payment, refund, reason, at, tail=tail)

    await database.transaction(note)
    if not taken:
        raise Refused("refund_not_taken")


async def pay_by_hand(
    database: db.Database,
    rails: Mapping[str, Gateway],
    operator: UUID,
    shop_id: int,
    refund_id: UUID,
    *,
    reason: str,
    at: datetime,
) -> None:
    """The operator has paid the buyer; `reason` holds the bank's number.

    Raises Refused refund_moved, refund_take_first, reason_short; NotFound.
    """

    async def work(conn: db.Connection) -> None:
        payment, refund = await resending.get(conn, shop_id, refund_id)
        rail = rails.get(payment.gateway)
        await resending.pay_by_hand(conn, rail, shop_id, refund_id, at)
        await _record(conn, operator, "refund_by_hand", payment, refund, reason, at)

    await database.transaction(work)


def buyer_card(number: str, name: str) -> BuyerCard:
    """The debit card a buyer named. Raises Refused as cards.accept does, and name_empty."""
    card = cards.accept(number, confirmed=True)
    if not name.strip():
        raise Refused("name_empty")
    return BuyerCard(card.number, name.strip(), card.bank_code or "")


async def _record(
    conn: db.Connection,
    operator: UUID,
    kind: str,
    payment: Payment,
    refund: Refund,
    reason: str,
    at: datetime,
    tail: str = "",
) -> None:
    order = await orders.get(conn, refund.shop_id, refund.order_id)
    assert order is not None, refund.order_id
    await acts.record(
        conn, operator, kind, subject(refund.shop_id, refund.refund_id), reason=reason, at=at,
        shop_id=refund.shop_id, rail=payment.gateway, number=order.number,
        minor=refund.amount_minor, currency=refund.currency, **({"tail": tail} if tail else {}),
    )  # fmt: skip
