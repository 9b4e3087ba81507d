"""Deciding: the disputes that wait, what both sides said and showed, and the last word on them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.errors import NotFound, Refused
from littleshop.identity import people
from littleshop.money import Money
from littleshop.oversight import acts
from littleshop.oversight.acts import Act
from littleshop.pay import chargebacks, payments, refunds
from littleshop.pay.chargebacks import Chargeback
from littleshop.pay.payments import Payment
from littleshop.pay.refunds import Refund
from littleshop.sale import arbitrating, refunding, returning
from littleshop.shop import shops, staff
from littleshop.shop.shops import Shop
from littleshop.trade import cases, deliveries, orders
from littleshop.trade.cases import Case, CaseEvent
from littleshop.trade.deliveries import Parcel
from littleshop.trade.orders import Order, OrderItem


class DisputeRow(msgspec.Struct, frozen=True):
    """A dispute in the list: whose it is and what it is about."""

    shop_id: int
    case_id: UUID
    kind: str
    reason: str
    status: str
    amount_minor: int
    total_minor: int
    agreed_minor: int | None
    currency: str
    escalated_at: datetime
    decided_at: datetime | None
    shop: str
    number: int
    title: str

    @property
    def amount(self) -> Money:
        """What the buyer wants back; of an exchange all that was paid is at stake."""
        return Money(self.amount_minor or self.total_minor, self.currency)


class Dispute(msgspec.Struct, frozen=True):
    """All that an operator decides with. `left` is what could still go back."""

    case: Case
    shop: Shop
    order: Order
    items: list[OrderItem]
    parcels: list[Parcel]
    events: list[CaseEvent]
    payment: Payment | None
    back: list[Refund]
    chargeback: Chargeback | None
    left: Money
    decision: Act | None


_ROWS = """
    select /* all shops: the operator's desk */
           c.shop_id, c.case_id, c.kind, c.reason, c.status, c.amount_minor, o.total_minor,
           c.agreed_minor, c.currency, c.escalated_at, c.decided_at, s.name as shop, o.number,
           (select i.title from order_items i where i.shop_id = c.shop_id
               and i.order_id = c.order_id order by i.position limit 1) as title
      from cases c
      join orders o on o.shop_id = c.shop_id and o.order_id = c.order_id
      join shops s on s.shop_id = c.shop_id"""


def subject(shop_id: int, case_id: UUID) -> str:
    """What the log calls a case."""
    return f"case/{shop_id}/{case_id}"


async def waiting(conn: db.Connection, most: int = 100) -> list[DisputeRow]:
    """Disputes of all shops that wait for a decision, the oldest first."""
    return await db.all(
        conn,
        DisputeRow,
        f"{_ROWS} where c.status = 'disputed' order by c.escalated_at limit $1",
        most,
    )


async def decided(conn: db.Connection, most: int = 20) -> list[DisputeRow]:
    """The last decisions, the newest first."""
    return await db.all(
        conn,
        DisputeRow,
        f"{_ROWS} where c.decided_at is not null order by c.decided_at desc limit $1",
        most,
    )


async def read(conn: db.Connection, shop_id: int, case_id: UUID) -> Dispute:
    """A case that was brought before the platform. Raises NotFound for any other."""
    case = await cases.get(conn, shop_id, case_id)
    if case is None or case.escalated_at is None:
        raise NotFound("case")
    order = await orders.get(conn, shop_id, case.order_id)
    assert order is not None, case.order_id
    of = (conn, shop_id, case.order_id)
    tried = await payments.of_order(*of)
    said = await acts.of_subjects(conn, [subject(shop_id, case_id)])
    return Dispute(
        case=case,
        shop=await shops.get(conn, shop_id),
        order=order,
        items=await orders.items(*of),
        parcels=await deliveries.of_order(*of),
        events=await cases.history(conn, shop_id, case_id),
        payment=next((one for one in tried if one.outcome == "accepted"), None),
        back=await refunds.of_order(*of),
        chargeback=await chargebacks.open_of(*of),
        left=await refunding.left_of(conn, order),
        decision=said.get(subject(shop_id, case_id)),
    )


async def decide(
    conn: db.Connection,
    operator: UUID,
    shop_id: int,
    case_id: UUID,
    *,
    back: Money,
    words: str,
    at: datetime,
) -> None:
    """So much goes back, and both sides read why.

    Of two who press at once one decision stands. Raises Refused: case_moved for the other,
    case_words, refund_too_large(left=), chargeback_open, own_affair, reason_short; NotFound.
    """
    words = acts.why(words)
    order, case = await returning.lock(conn, shop_id, case_id)
    if case.status == "disputed":
        await _stay_fair(conn, operator, order, case, back)
    await arbitrating.decide(
        conn, shop_id, case_id, back=back, words=words, operator=operator, at=at
    )
    await acts.record(
        conn, operator, "case_decided", subject(shop_id, case_id), reason=words, at=at,
        shop_id=shop_id, number=order.number, minor=back.minor, currency=back.currency,
    )  # fmt: skip


async def _stay_fair(
    conn: db.Connection, operator: UUID, order: Order, case: Case, back: Money
) -> None:
    """Who is a side himself decides for the other one only; so a platform of one person can end a
    dispute about his own shop. Raises Refused own_affair."""
    person = await people.get(conn, operator)
    buys = person is not None and person.phone_index == order.phone_index
    sells = await staff.role_of(conn, order.shop_id, operator) is not None
    everything = wanted(case, await refunding.left_of(conn, order))
    if (buys and back) or (sells and back.minor < everything.minor):
        raise Refused("own_affair")


def wanted(case: Case, left: Money) -> Money:
    """What the buyer asks for, as far as it is left; of an exchange all that is left."""
    return case.amount if 0 < case.amount_minor <= left.minor else left


async def evidence(conn: db.Connection, shop_id: int, case_id: UUID, photo_id: UUID) -> str:
    """The private file of a photo in a case that was brought before the platform.

    Raises NotFound.
    """
    case = await cases.get(conn, shop_id, case_id)
    if case is None or case.escalated_at is None:
        raise NotFound("case")
    file = await cases.photo(conn, shop_id, case_id, photo_id)
    if file is None:
        raise NotFound("photo")
    return file
