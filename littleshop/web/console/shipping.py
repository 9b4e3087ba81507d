"""What a seller does to an order: ship, hand over, correct a number, call it off.

Every act is guarded by the order's state, so a second press and a page that is out of date change
nothing: they are told what happened already, and when.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from littleshop import db, http, i18n
from littleshop.errors import Refused
from littleshop.http import AtWork
from littleshop.sale import bringing, parcelling, shipping, undoing
from littleshop.shop import shop_acts
from littleshop.trade import carriers, deliveries, order_lists, orders
from littleshop.trade.orders import Order
from littleshop.web import couriers, forms, pages
from littleshop.web.console import frame, order_page
from littleshop.web.console import orders as lists

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


def _late(request: Request, work: AtWork, order: Order) -> Response:
    """Back to the order, which says what happened already."""
    return frame.refuse(request, _here(work, order), stale(request, work, order))


def _too_late(request: Request, work: AtWork, order: Order) -> Response:
    """Back to an order that cannot be called off any more: it is on its way, or with the buyer."""
    refused = stale(request, work, order)
    if refused.code in ("shipped_already", "received_already"):
        refused = Refused("too_late_to_call_off", **refused.details)
    return frame.refuse(request, _here(work, order), refused)


async def _tracking(request: Request) -> tuple[str, str]:
    """The tracking number and the carrier that were typed and chosen."""
    form = await forms.read(request)
    return form.text("tracking_number", 80), form.text("carrier", 20)


def _pieces(form: forms.Form) -> dict[int, int] | None:
    """Which pieces go, where the form asked: fields piece-POSITION. Raises Refused: pieces_gone."""
    if "some" not in form:
        return None
    typed = {at: form.text(f"piece-{at}", 4) for at in range(200) if f"piece-{at}" in form}
    if any(text and not (text.isascii() and text.isdigit()) for text in typed.values()):
        raise Refused("pieces_gone")
    return {at: int(text or "0") for at, text in typed.items()}


async def ship(request: Request) -> Response:
    """POST root/orders/NUMBER/parcels: hand the order to a courier, or some pieces of it."""
    work = await http.at_work(request)
    order, (number, carrier) = await _order(request, work), await _tracking(request)
    if order.status != "to_ship":
        return _late(request, work, order)
    try:
        chosen = await _send(request, work, order, number, carrier)
    except Refused as refused:
        return await _again(request, work, order, number, carrier, refused)
    return await _shipped(request, work, order, chosen)


async def _send(request: Request, work: AtWork, order: Order, number: str, carrier: str) -> str:
    """Ship it; the carrier it went with. Raises Refused: as couriers.choose and shipping.ship."""
    chosen, form = couriers.choose(number, carrier), await forms.read(request)
    pieces = _pieces(form)
    at = http.now(request)

    async def send(conn: db.Connection) -> None:
        await shipping.ship(
            conn,
            order.shop_id,
            order.order_id,
            carrier=chosen,
            number=number,
            at=at,
            pieces=pieces,
            together=form.ticked("together"),
        )
        await shop_acts.note(
            conn, order.shop_id, work.person.person_id, "shipped", at=at,
            subject=str(order.order_id), number=order.number,
        )  # fmt: skip

    await http.house(request).database.transaction(send)
    return chosen


async def _shipped(request: Request, work: AtWork, order: Order, carrier: str) -> Response:
    """On to the next order to ship, or back to this one."""
    name = carriers.CARRIERS[carrier].name(pages.locale_of(request))
    now = await _order(request, work)
    if now.status == "to_ship":
        return frame.go(
            request, _here(work, order), "part_shipped", number=order.number, carrier=name
        )
    on_list = await _following(request, order) is not None
    path = f"{frame.root(work.shop)}/orders" if on_list else _here(work, order)
    return frame.go(request, path, "shipped", number=order.number, carrier=name)


async def _following(request: Request, order: Order) -> int | None:
    """The order to ship after this one, for who ships one after another."""
    if (await forms.read(request)).text("then") != "next":
        return None
    async with http.house(request).database.connection() as conn:
        return await order_lists.next_to_ship(conn, order.shop_id, order.number)


async def _again(
    request: Request, work: AtWork, order: Order, number: str, carrier: str, refused: Refused
) -> Response:
    """The form again with the guess on top, and on the way to the next order when it was; or, when
    somebody was quicker, what he did."""
    if refused.code == "not_to_ship":
        return _late(request, work, await _order(request, work))
    ranked = carriers.guess(number)
    if refused.code == "carrier_unclear":
        carrier = ranked[0].carrier.code
    field = "carrier" if refused.code.startswith("carrier") else "tracking_number"
    said = {field: frame.sentence(request, refused)}
    again = lists.ship_form(
        pages.locale_of(request), number=number, carrier=carrier, errors=said,
        next_number=await _following(request, order),
    )  # fmt: skip
    again["ship"]["together"] = refused.code == "number_together"
    return await order_page.show(request, work, status=422, ship=again)


async def hand_over(request: Request) -> Response:
    """POST root/orders/NUMBER/handover: given by hand, without a code; the buyer confirms."""
    return await _by_hand(request, await http.at_work(request), code="")


async def finish(request: Request) -> Response:
    """POST root/orders/NUMBER/done: nothing is handed over, and it is done."""
    work = await http.at_work(request)
    order, at = await _order(request, work), http.now(request)
    if order.status != "to_ship" or order.way != "none":
        return _late(request, work, order)
    await http.house(request).database.transaction(
        lambda conn: shipping.done(conn, order.shop_id, order.order_id, at)
    )
    return frame.go(request, _here(work, order), "done", number=order.number)


async def pick_up(request: Request) -> Response:
    """POST root/orders/NUMBER/pick-up: given to who shows the buyer's six digits."""
    work = await http.at_work(request)
    form = await forms.read(request)
    code = "".join(sign for sign in form.text("code", 40) if sign.isdigit())
    try:
        if len(code) != _CODE_LENGTH or not code.isascii():
            raise Refused("pickup_code_length", have=len(code))
        return await _by_hand(request, work, code=code)
    except Refused as refused:
        if refused.code not in ("pickup_code", "pickup_code_length", "too_many"):
            raise
        status = 429 if refused.code == "too_many" else 422
        said = {"code": frame.sentence(request, refused)}
        return await order_page.show(request, work, status=status, errors=said, form={"code": code})


async def _by_hand(request: Request, work: AtWork, *, code: str) -> Response:
    """Raises Refused: pickup_code, too_many."""
    order = await _order(request, work)
    at_the_door = bool(code) and order.status == "shipped" and order.way == "pickup"
    if order.status != "to_ship" and not at_the_door:
        return _late(request, work, order)
    if code:
        await http.check_exactly(request, "pickup_code", str(order.order_id))
    try:
        await _give(request, order, code)
    except Refused as refused:
        if refused.code == "pickup_code":
            raise
        return _late(request, work, await _order(request, work))
    said = "picked_up" if code else "handed_over"
    return frame.go(request, _here(work, order), said, number=order.number)


async def _give(request: Request, order: Order, code: str) -> None:
    house, at, key = http.house(request), http.now(request), (order.shop_id, order.order_id)
    if order.status == "shipped":  # its seller set out with it, and is there
        await house.database.transaction(
            lambda conn: bringing.arrive(conn, house.keyring, *key, code, at)
        )
        return
    await house.database.transaction(
        lambda conn: shipping.hand_over(conn, *key, code=code, keyring=house.keyring, at=at)
    )


async def correct(request: Request) -> Response:
    """POST root/orders/NUMBER/parcels/PARCEL: another number or carrier."""
    work = await http.at_work(request)
    order, (number, carrier) = await _order(request, work), await _tracking(request)
    parcel_id = http.uuid(request.path_params["parcel_id"])
    at = http.now(request)
    try:
        await http.house(request).database.transaction(
            lambda conn: _put_right(conn, order, parcel_id, carrier, number, at)
        )
    except Refused as refused:
        return frame.refuse(request, _here(work, order), refused)
    return frame.go(request, _here(work, order), "corrected", number=order.number)


async def _put_right(
    conn: db.Connection, order: Order, parcel_id: UUID, carrier: str, number: str, at: datetime
) -> None:
    """Raises Refused: as shipping.correct; the second press of the same button does nothing."""
    current = await orders.lock(conn, order.shop_id, order.order_id)
    wanted = (parcel_id, carrier, shipping.tracking_number(number))
    known = await deliveries.of_order(conn, order.shop_id, order.order_id)
    if any((each.parcel_id, each.carrier, each.tracking_number) == wanted for each in known):
        return
    await shipping.correct(
        conn, order.shop_id, current, parcel_id, carrier=carrier, number=number, at=at
    )


async def undo(request: Request) -> Response:
    """POST root/orders/NUMBER/parcels/PARCEL/undo: shipped a moment ago, and not after all."""
    work = await http.at_work(request)
    order, at = await _order(request, work), http.now(request)
    parcel_id = http.uuid(request.path_params["parcel_id"])
    try:
        await http.house(request).database.transaction(
            lambda conn: _take_back(conn, work, order, parcel_id, at)
        )
    except Refused as refused:
        return frame.refuse(request, _here(work, order), refused)
    return frame.go(request, f"{frame.root(work.shop)}/orders", "undone", number=order.number)


async def _take_back(
    conn: db.Connection, work: AtWork, order: Order, parcel_id: UUID, at: datetime
) -> None:
    await undoing.undo(conn, order.shop_id, order.order_id, parcel_id, at)
    await shop_acts.note(
        conn, order.shop_id, work.person.person_id, "unshipped", at=at,
        subject=str(order.order_id), number=order.number,
    )  # fmt: skip


async def call_off(request: Request) -> Response:
    """POST root/orders/NUMBER/cancellation: paid and not shipped; all goes back."""
    work = await http.at_work(request)
    order, form = await _order(request, work), await forms.read(request)
    reason = " ".join(form.text("reason").split())[:120]
    if order.status != "to_ship":
        return _too_late(request, work, order)
    if not reason:
        said = {"reason": frame.sentence(request, Refused("reason_missing"))}
        return await order_page.show(request, work, status=422, errors=said)
    try:
        await _give_back(request, work, order, reason)
    except Refused:
        return _too_late(request, work, await _order(request, work))
    amount = i18n.money(pages.locale_of(request), order.total)
    return frame.go(request, _here(work, order), "called_off", number=order.number, amount=amount)


async def _give_back(request: Request, work: AtWork, order: Order, reason: str) -> None:
    at = http.now(request)

    async def write(conn: db.Connection) -> None:
        await parcelling.call_off(
            conn, order.shop_id, order.order_id, by="seller", reason=reason, at=at
        )
        await shop_acts.note(
            conn, order.shop_id, work.person.person_id, "called_off", at=at,
            subject=str(order.order_id), number=order.number,
        )  # fmt: skip

    await http.house(request).database.transaction(write)
