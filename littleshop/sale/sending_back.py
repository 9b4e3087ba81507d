"""Sending back: the goods travel to the seller, and the money or another piece to the buyer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from littleshop import db
from littleshop.catalog import stock
from littleshop.errors import Refused
from littleshop.sale import alerting, parcelling, refunding, returning, shipping, telling
from littleshop.shop import staff
from littleshop.trade import carriers, cases, deliveries, orders, returned_goods
from littleshop.trade.cases import Case
from littleshop.trade.orders import Order
from littleshop.trade.returned_goods import TakenIn


async def send_back(
    conn: db.Connection, shop_id: int, case_id: UUID, *, carrier: str, number: str, at: datetime
) -> Case:
    """The buyer gave the goods to a courier.

    Raises Refused: tracking_number, carrier_unknown, case_moved.
    """
    number = shipping.tracking_number(number)
    if carrier not in carriers.CARRIERS:
        raise Refused("carrier_unknown")
    order, case = await returning.lock(conn, shop_id, case_id)
    moved = await returning.step(
        conn, case, "sent_back", left=("returning",), stamp="sent_back_at", at=at,
        carrier=carrier, tracking_number=number,
    )  # fmt: skip
    await cases.tell(conn, moved, "sent_back", by="buyer", at=at, carrier=carrier, number=number)
    await returning.clock(conn, moved, "case_take_back", returning.TAKE_BACK, at)
    await telling.seller(conn, order, "case_sent_back", at, occasion=str(case.number))
    return moved


async def take_back(
    conn: db.Connection, shop_id: int, case_id: UUID, *, by: str, to_shelf: bool, at: datetime
) -> Case:
    """The goods are here again, `to_shelf` to be sold unless they were taken in before: the money
    goes back, or another piece goes out. `by`: seller or clock. Raises Refused("case_moved")."""
    order, case = await returning.lock(conn, shop_id, case_id)
    if case.status != "sent_back":
        raise Refused("case_moved")
    await cases.tell(conn, case, "taken_back", by=by, at=at, to_shelf=to_shelf)
    taken_in = await returned_goods.of_case(conn, shop_id, case_id)
    if to_shelf and taken_in is None:
        await stock.take_back(conn, shop_id, order.order_id, at)
    if case.kind == "return":
        return await returning.give_back(
            conn, order, case, case.amount, left=("sent_back",), stamp="got_back_at", at=at
        )
    moved = await returning.step(
        conn, case, "replacing", left=("sent_back",), stamp="got_back_at", at=at
    )
    await returning.clock(conn, moved, "case_replace", returning.REPLACE, at)
    return moved


async def take_in(
    conn: db.Connection,
    shop_id: int,
    case_id: UUID,
    pieces: Mapping[UUID, tuple[int, int]],
    *,
    person_id: UUID,
    at: datetime,
) -> int | None:
    """Whoever unpacked it says how many pieces of each variant are good and how many spoilt: they
    are in stock, and gone from it again where they are spoilt. The money stays where it is until
    somebody takes the goods back who may. The order's number; None the second time.

    Raises Refused: case_moved, returned_none, returned_more.
    """
    order, case = await returning.lock(conn, shop_id, case_id)
    if await returned_goods.of_case(conn, shop_id, case_id) is not None:
        return None
    if case.status != "sent_back":
        raise Refused("case_moved")
    away = dict(await stock.away(conn, shop_id, order.order_id))
    if any(sum(each) > away.get(variant_id, 0) for variant_id, each in pieces.items()):
        raise Refused("returned_more")
    good, spoilt = (sum(each[kind] for each in pieces.values()) for kind in (0, 1))
    if not good + spoilt:
        raise Refused("returned_none")
    for variant_id, (fine, broken) in sorted(pieces.items()):
        of = (conn, shop_id, variant_id)
        if fine + broken:
            await stock.move(
                *of, fine + broken, reason="returned", order_id=order.order_id, at=at,
                person_id=person_id,
            )  # fmt: skip
        if broken:  # of no order: it came back, and what became of it is ours
            await stock.move(*of, -broken, reason="damaged", at=at, person_id=person_id)
    taken = TakenIn(good=good, spoilt=spoilt, taken_by=person_id, taken_at=at)
    await returned_goods.write(conn, shop_id, case_id, taken)
    await _tell_who_decides(conn, order, case, taken)
    return order.number


async def _tell_who_decides(conn: db.Connection, order: Order, case: Case, taken: TakenIn) -> None:
    """The goods are in and the money, or another piece, waits for who may give it; nobody hears it
    where who unpacked them may do so himself."""
    crew = await staff.of_shop(conn, order.shop_id)
    if any(each.person_id == taken.taken_by and staff.may(each.role, "deals") for each in crew):
        return
    await alerting.tell(
        conn, order.shop_id, f"goods_in_{case.kind}", order.order_id, taken.taken_at,
        occasion=str(case.number), climbs=False, number=order.number, amount=case.amount,
        good=taken.good, spoilt=taken.spoilt,
        url=f"/console/{order.shop_id}/orders/{order.number}/cases/{case.number}",
    )  # fmt: skip


async def replace(
    conn: db.Connection, shop_id: int, case_id: UUID, *, carrier: str, number: str, at: datetime
) -> Case:
    """Another piece is on its way: the case ends, and the buyer's clock starts anew.

    Raises Refused: tracking_number, carrier_unknown, case_moved, stock_promised(held=), and
    case_is_codes for what has become codes since.
    """
    number = shipping.tracking_number(number)
    if carrier not in carriers.CARRIERS:
        raise Refused("carrier_unknown")
    order, case = await returning.lock(conn, shop_id, case_id)
    if case.status != "replacing":
        raise Refused("case_moved")
    try:
        await stock.send_again(conn, shop_id, order.order_id, at)
    except Refused as no:
        raise Refused("case_is_codes") if no.code == "stock_is_codes" else no from no
    await deliveries.hand_over(
        conn, shop_id, order.order_id, way="courier", carrier=carrier, tracking_number=number, at=at
    )
    await cases.tell(conn, case, "replaced", by="seller", at=at, carrier=carrier, number=number)
    ended = await returning.end(conn, order, case, "done", at)
    if order.status in orders.UNDER_WAY:
        await parcelling.start_clocks(conn, shop_id, order.order_id, at)
    await telling.buyer(
        conn,
        order,
        "case_replaced",
        at,
        occasion=str(case.number),
        carrier=carrier,
        tracking=number,
    )
    return ended


async def not_replaced(conn: db.Connection, case: Case, at: datetime) -> Case:
    """The seller never sent another piece: the money goes back instead, where any is left."""
    order = await orders.lock(conn, case.shop_id, case.order_id)
    await cases.tell(conn, case, "not_replaced", by="clock", at=at)
    amount = await refunding.left_of(conn, order)
    if not amount:
        return await returning.end(conn, order, case, "lapsed", at)
    return await returning.give_back(conn, order, case, amount, left=("replacing",), at=at)
