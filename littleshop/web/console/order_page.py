"""One order as its seller sees it: what waits, whom it goes to, and where the money is."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from littleshop import db, http, i18n
from littleshop.errors import NotFound
from littleshop.http import AtWork
from littleshop.money import Money
from littleshop.pay import refunds
from littleshop.pay.refunds import Refund
from littleshop.sale import paying
from littleshop.settlement import payouts
from littleshop.settlement.payouts import Payout
from littleshop.social import shares
from littleshop.trade import carriers, deliveries, order_lists, orders, timers
from littleshop.trade.deliveries import Parcel
from littleshop.trade.orders import Delivery, Order, OrderItem
from littleshop.trade.timers import Timer
from littleshop.web import pages
from littleshop.web.console import frame
from littleshop.web.console import orders as lists

TIMERS = {
    "pay_by": "close",
    "ship_by": "cancel_allowed",
    "ship_at_last": "auto_refund",
    "confirm_by": "auto_confirm",
}


@dataclass(frozen=True)
class Case:
    """An order with everything that its page tells of it."""

    order: Order
    delivery: Delivery
    items: list[OrderItem]
    parcels: list[Parcel]
    clocks: list[Timer]
    back: list[Refund]
    before: int
    share_name: str
    payout: Payout | None

    @property
    def due_at(self) -> datetime | None:
        """When it is to be shipped, also once that moment is past."""
        if self.order.status != "to_ship" or self.order.paid_at is None:
            return None
        struck = self.order.paid_at + paying.SHIP_BY
        return next((clock.due_at for clock in self.clocks if clock.kind == "ship_by"), struck)

    @property
    def is_back(self) -> bool:
        """Whether the rail has sent back what was called off."""
        return bool(self.back) and all(each.status == "done" for each in self.back)


async def find(conn: db.Connection, shop_id: int, text: str) -> Order:
    """The order of the address. Raises NotFound, also for another shop's."""
    order = await orders.by_number(conn, shop_id, http.number(text))
    if order is None:
        raise NotFound("order")
    return order


async def read(request: Request, work: AtWork) -> Case:
    """The order of the address with its surroundings. Raises NotFound."""
    house, shop_id = http.house(request), work.shop.shop_id
    async with house.database.connection() as conn:
        order = await find(conn, shop_id, request.path_params["number"])
        of = (conn, shop_id, order.order_id)
        return Case(
            order=order,
            delivery=order.delivery(house.keyring),
            items=await orders.items(*of),
            parcels=await deliveries.of_order(*of),
            clocks=await timers.of(*of),
            back=[each for each in await refunds.of_order(*of) if each.paid_from == "escrow"],
            before=await order_lists.placed_before(conn, shop_id, order.phone_index, order.number),
            share_name=await _share_name(conn, order),
            payout=await payouts.carrying(*of),
        )


async def _share_name(conn: db.Connection, order: Order) -> str:
    """The seller's name for the share that brought it, or ""."""
    if order.share_code is None:
        return ""
    share = await shares.find(conn, order.shop_id, order.share_code)
    return "" if share is None else share.label


async def show(
    request: Request,
    work: AtWork,
    *,
    status: int = 200,
    ship: dict[str, Any] | None = None,
    errors: dict[str, str] | None = None,
    form: dict[str, str] | None = None,
) -> Response:
    """The order's page, with what was typed wrongly when a form comes back."""
    case = await read(request, work)
    locale = pages.locale_of(request)
    ship = ship or lists.ship_form(locale)
    context = {
        "order": _told(case, work, locale),
        "head": _head(case, http.now(request)),
        "due_at": case.due_at,
        "timer": _timer(case, _yours(case, work)),
        "steps": _steps(case, locale),
        "parcel": _parcel(case, work, locale),
        "can": _can(case),
        "errors": errors or {},
        "form": form or {},
        "form_key": secrets.token_hex(8),
        "receipt_url": f"{frame.root(work.shop)}/orders/{case.order.number}/slip"
        if case.order.paid_at
        else "",
    }
    return await frame.page(
        request, work, "order.html", "orders", status=status, **(context | ship)
    )


async def page(request: Request) -> Response:
    """GET root/orders/NUMBER"""
    return await show(request, await http.at_work(request))


async def slip(request: Request) -> Response:
    """GET root/orders/NUMBER/slip: what goes into the parcel, to be printed."""
    work = await http.at_work(request)
    case = await read(request, work)
    return pages.page(
        request,
        "console/slip.html",
        private=True,
        shop=frame.face(work.shop),
        order=_told(case, work, pages.locale_of(request)),
        back_url=f"{frame.root(work.shop)}/orders/{case.order.number}",
    )


def _yours(case: Case, work: AtWork) -> Money:
    return case.order.total - case.order.total.bps(work.shop.commission_bps)


def _told(case: Case, work: AtWork, locale: str) -> dict[str, Any]:
    order, delivery = case.order, case.delivery
    fee = order.total.bps(work.shop.commission_bps)
    region = " ".join(
        part for part in (delivery.province, delivery.city, delivery.district) if part
    )
    address = "\n".join(part for part in (region, delivery.street) if part)
    back = sum((each.amount for each in case.back), Money(0, order.currency))
    return lists.dock(order, case.items, delivery) | {
        "state": order.status,
        "phone": delivery.phone.removeprefix("+86"),
        "address": address if order.way == "courier" else "",
        "note": order.note,
        "orders_before": case.before,
        "handover": "courier" if order.way == "courier" else "pick_up",
        "lines": [_line(item, work) for item in case.items],
        "goods": order.goods,
        "postage": order.shipping,
        "total": order.total,
        "privilege": Money(-order.discount_minor, order.currency) if order.discount_minor else None,
        "privilege_why": "",
        "fee": -fee if fee else None,
        "yours": _yours(case, work) if order.status not in ("cancelled", "refunded") else None,
        "share_name": case.share_name,
        "placed_at": order.placed_at,
        "reminded_at": order.reminded_at if order.status == "to_ship" else None,
        "refunded": back if back else None,
        "money": _money(order),
    }


def _line(item: OrderItem, work: AtWork) -> dict[str, Any]:
    return {
        "title": item.title,
        "options": item.choice,
        "quantity": item.quantity,
        "total": item.amount,
        "picture_url": frame.picture(item.photo),
        "url": f"{frame.root(work.shop)}/goods/{item.product_id}",
    }


def _money(order: Order) -> str:
    if order.status in orders.PAID:
        return "held"
    if order.status in ("received", "closed"):
        return "released"
    return "back" if order.status == "refunded" else "none"


def _head(case: Case, now: datetime) -> str:
    order = case.order
    if order.status == "to_ship" and order.way == "pickup":
        return "pick_up"
    if order.status == "to_ship":
        assert case.due_at is not None
        return "late" if case.due_at <= now else "ship"
    by_hand = bool(case.parcels) and case.parcels[-1].way == "pickup"
    return {
        "placed": "pay",
        "shipped": "delivered" if by_hand else "on_the_way",
        "closed": "received",
        "refunded": "refunded" if case.is_back else "called_off",
    }.get(order.status, order.status)


def _timer(case: Case, yours: Money) -> dict[str, Any] | None:
    """What happens if nobody acts, the nearest of it."""
    for clock in case.clocks:
        kind = TIMERS.get(clock.kind)
        if kind is not None:
            amount = yours if kind == "auto_confirm" else case.order.total
            if kind == "cancel_allowed" and case.order.way == "pickup":
                kind = "cancel_allowed_by_hand"
            return {"kind": kind, "at": clock.due_at, "amount": amount}
    return None


def _steps(case: Case, locale: str) -> list[dict[str, Any]]:
    """The money's way: what happened with its moment, what is next, where it stopped."""
    order = case.order
    moments = {
        "paid": order.paid_at,
        "shipped": order.shipped_at,
        "delivered": order.delivered_at,
        "received": order.received_at,
        "paid_out": case.payout.done_at
        if case.payout is not None and case.payout.state == "paid"
        else None,
    }
    if order.way == "pickup":  # nothing travels: it is handed over, and so received
        handed = order.shipped_at or order.received_at
        moments = {
            ("handed_over" if name == "shipped" else name): handed if name == "shipped" else at
            for name, at in moments.items()
            if name != "delivered"
        }
    ended = order.cancelled_at or order.refunded_at
    steps: list[dict[str, Any]] = []
    waits = True
    for name, at in moments.items():
        if name == "delivered" and at is None:
            continue  # no courier has told us
        state = "done" if at is not None else "now" if waits and not ended else "next"
        if at is None and waits and ended:
            state = "stopped"
        if state == "stopped":
            name = "not_paid" if order.cancelled_at else "called_off"
        steps.append({"name": name, "state": state, "at": at, "why": ""})
        waits = waits and at is not None
        if state == "stopped":
            break
    _explain(steps, case, locale)
    return steps


def _explain(steps: list[dict[str, Any]], case: Case, locale: str) -> None:
    """One reason under the step that is now, or under the one where it stopped."""
    last = next((step for step in steps if step["state"] in ("now", "stopped")), None)
    if last is None:
        return
    if last["state"] == "stopped":
        last["at"] = case.order.cancelled_at or case.order.refunded_at
        if case.order.cancelled_at:
            last["why"] = i18n.t(locale, "console.step_why.unpaid")
        else:
            said = "back" if case.is_back else "going_back"
            last["why"] = i18n.t(locale, f"console.step_why.{said}")
    elif case.due_at is not None and case.order.way == "courier":
        last["at"] = case.due_at


def _parcel(case: Case, work: AtWork, locale: str) -> dict[str, Any] | None:
    parcel = case.parcels[-1] if case.parcels else None
    if parcel is None or parcel.way != "courier":
        return None
    known = carriers.CARRIERS[parcel.carrier]
    here = f"{frame.root(work.shop)}/orders/{case.order.number}"
    return {
        "carrier_name": known.name(locale),
        "carrier": parcel.carrier,
        "tracking_number": parcel.tracking_number,
        "shipped_at": parcel.handed_over_at,
        "events": [],
        "correct_url": f"{here}/parcels/{parcel.parcel_id}"
        if case.order.status in ("shipped", "delivered")
        else "",
        "undo_url": "",
    }


def _can(case: Case) -> dict[str, bool]:
    to_ship, fetched = case.order.status == "to_ship", case.order.way == "pickup"
    return {
        "ship": to_ship and not fetched,
        "hand_over": to_ship and not fetched,
        "check_code": to_ship and fetched,
        "cancel": to_ship,
        "refund": False,
    }
