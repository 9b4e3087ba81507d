"""What a seller does to an order: ship, hand over, correct a number, call it off.

Every act is guarded by the order's state, so a second press and a page that is out of date change
nothing: they are told what happened already, and when.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from littleshop import db, http, i18n
from littleshop.errors import Refused
from littleshop.http import AtWork
from littleshop.sale import refunding, shipping
from littleshop.trade import carriers, deliveries, order_lists, orders
from littleshop.trade.orders import Order
from littleshop.web import pages
from littleshop.web.console import frame, order_page
from littleshop.web.console import orders as lists

SURE = 85  # a guess that needs no second look
_CODE_LENGTH = 6
_WHEN = {
    "shipped": "shipped_already",
    "delivered": "shipped_already",
    "received": "received_already",
    "closed": "received_already",
    "cancelled": "ended_already",
    "refunded": "ended_already",
}


async def _order(request: Request, work: AtWork) -> Order:
    async with http.house(request).database.connection() as conn:
        return await order_page.find(conn, work.shop.shop_id, request.path_params["number"])


def _here(work: AtWork, order: Order) -> str:
    return f"{frame.root(work.shop)}/orders/{order.number}"


def stale(request: Request, work: AtWork, order: Order) -> Refused:
    """Why a page that is out of date can do nothing: what happened already, and when."""
    code = _WHEN.get(order.status)
    if code is None:
        return Refused(
            "not_paid_yet" if order.status == "placed" else "not_to_ship", number=order.number
        )
    moments = (order.cancelled_at, order.refunded_at, order.received_at, order.shipped_at)
    at: datetime = next(at for at in moments if at is not None)
    said = i18n.when(pages.locale_of(request), at, http.now(request), ZoneInfo(work.shop.zone))
    return Refused(code, number=order.number, when=said)


def choose(number: str, carrier: str) -> str:
    """The carrier that was chosen, else a guess that is sure.

    Raises Refused: tracking_number, carrier_unclear when several are likely, carrier_unknown.
    """
    shipping.tracking_number(number)
    if carrier:
        return carrier
    ranked = carriers.guess(number)
    if not ranked:
        raise Refused("carrier_unknown")
    if ranked[0].sure < SURE:
        raise Refused("carrier_unclear")
    return ranked[0].carrier.code


async def ship(request: Request) -> Response:
    """POST root/orders/NUMBER/parcels: hand the order to a courier."""
    work = await http.at_work(request)
    order, form = await _order(request, work), await request.form()
    number, carrier = (str(form.get(name, ""))[:80] for name in ("tracking_number", "carrier"))
    if order.status != "to_ship":
        return frame.refuse(request, _here(work, order), stale(request, work, order))
    try:
        chosen = choose(number, carrier)
        await http.house(request).database.transaction(
            lambda conn: shipping.ship(
                conn,
                work.shop.shop_id,
                order.order_id,
                carrier=chosen,
                number=number,
                at=http.now(request),
            )
        )
    except Refused as refused:
        return await _again(request, work, number, carrier, refused)
    return await _shipped(request, work, order, chosen, str(form.get("then", "")))


async def _shipped(
    request: Request, work: AtWork, order: Order, carrier: str, then: str
) -> Response:
    """On to the next order to ship, or back to this one."""
    name = carriers.CARRIERS[carrier].name(pages.locale_of(request))
    async with http.house(request).database.connection() as conn:
        following = await order_lists.next_to_ship(conn, work.shop.shop_id, order.number)
    on_list = then == "next" and following is not None
    path = f"{frame.root(work.shop)}/orders" if on_list else _here(work, order)
    return frame.go(request, path, "shipped", number=order.number, carrier=name)


async def _again(
    request: Request, work: AtWork, number: str, carrier: str, refused: Refused
) -> Response:
    """The form again with the guess on top; or, when somebody was quicker, what he did."""
    if refused.code == "not_to_ship":
        order = await _order(request, work)
        return frame.refuse(request, _here(work, order), stale(request, work, order))
    ranked = carriers.guess(number)
    if refused.code == "carrier_unclear":
        carrier = ranked[0].carrier.code
    field = "tracking_number" if refused.code == "tracking_number" else "carrier"
    said = {field: frame.sentence(request, refused)}
    again = lists.ship_form(pages.locale_of(request), number=number, carrier=carrier, errors=said)
    return await order_page.show(request, work, status=422, ship=again)


async def hand_over(request: Request) -> Response:
    """POST root/orders/NUMBER/handover: given by hand, without a code; the buyer confirms."""
    return await _by_hand(request, code="")


async def pick_up(request: Request) -> Response:
    """POST root/orders/NUMBER/pick-up: given to who shows the buyer's six digits."""
    form = await request.form()
    code = "".join(sign for sign in str(form.get("code", ""))[:40] if sign.isdigit())
    try:
        if len(code) != _CODE_LENGTH or not code.isascii():
            raise Refused("pickup_code_length", have=len(code))
        return await _by_hand(request, code=code)
    except Refused as refused:
        if refused.code not in ("pickup_code", "pickup_code_length", "too_many"):
            raise
        work = await http.at_work(request)
        status = 429 if refused.code == "too_many" else 422
        said = {"code": frame.sentence(request, refused)}
        return await order_page.show(request, work, status=status, errors=said, form={"code": code})


async def _by_hand(request: Request, *, code: str) -> Response:
    """Raises Refused: pickup_code, too_many."""
    work = await http.at_work(request)
    order, house = await _order(request, work), http.house(request)
    if order.status != "to_ship":
        return frame.refuse(request, _here(work, order), stale(request, work, order))
    if code:
        http.check_limits(request, "pickup_code", str(order.order_id))

    async def give(conn: db.Connection) -> Order:
        return await shipping.hand_over(
            conn,
            work.shop.shop_id,
            order.order_id,
            code=code,
            keyring=house.keyring,
            calendar=house.calendar,
            at=http.now(request),
        )

    try:
        await house.database.transaction(give)
    except Refused as refused:
        if refused.code == "pickup_code":
            raise
        late = await _order(request, work)
        return frame.refuse(request, _here(work, late), stale(request, work, late))
    said = "picked_up" if code else "handed_over"
    return frame.go(request, _here(work, order), said, number=order.number)


async def correct(request: Request) -> Response:
    """POST root/orders/NUMBER/parcels/PARCEL: another number or carrier."""
    work = await http.at_work(request)
    order, form = await _order(request, work), await request.form()
    parcel_id = http.uuid(request.path_params["parcel_id"])
    number, carrier = (str(form.get(name, ""))[:80] for name in ("tracking_number", "carrier"))

    async def change(conn: db.Connection) -> None:
        current = await orders.lock(conn, work.shop.shop_id, order.order_id)
        known = await deliveries.of_order(conn, work.shop.shop_id, order.order_id)
        same = (parcel_id, carrier, shipping.tracking_number(number))
        if any((each.parcel_id, each.carrier, each.tracking_number) == same for each in known):
            return  # the second press of the same button
        await shipping.correct(
            conn,
            work.shop.shop_id,
            current,
            parcel_id,
            carrier=carrier,
            number=number,
            at=http.now(request),
        )

    try:
        await http.house(request).database.transaction(change)
    except Refused as refused:
        return frame.refuse(request, _here(work, order), refused)
    return frame.go(request, _here(work, order), "corrected", number=order.number)


async def call_off(request: Request) -> Response:
    """POST root/orders/NUMBER/cancellation: paid and not shipped; all goes back."""
    work = await http.at_work(request)
    order, form = await _order(request, work), await request.form()
    reason = " ".join(str(form.get("reason", "")).split())[:120]
    if order.status != "to_ship":
        return frame.refuse(request, _here(work, order), stale(request, work, order))
    if not reason:
        said = {"reason": frame.sentence(request, Refused("reason_missing"))}
        return await order_page.show(request, work, status=422, errors=said)
    try:
        await http.house(request).database.transaction(
            lambda conn: refunding.call_off(
                conn,
                work.shop.shop_id,
                order.order_id,
                by="seller",
                reason=reason,
                at=http.now(request),
            )
        )
    except Refused:
        late = await _order(request, work)
        return frame.refuse(request, _here(work, late), stale(request, work, late))
    amount = i18n.money(pages.locale_of(request), order.total)
    return frame.go(request, _here(work, order), "called_off", number=order.number, amount=amount)
