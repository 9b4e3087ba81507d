"""One order as its seller sees it: what waits, whom it goes to, and where the money is."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from littleshop import db, http, i18n
from littleshop.errors import NotFound
from littleshop.http import AtWork
from littleshop.money import Money
from littleshop.pay import refunds
from littleshop.pay.refunds import Refund
from littleshop.sale import asking_a_payer, shipping, undoing
from littleshop.settlement import arrivals, payouts
from littleshop.social import credits
from littleshop.trade import (
    carriers,
    cases,
    deliveries,
    fees,
    invitation_lists,
    order_lists,
    orders,
    packing,
    regions,
    timers,
)
from littleshop.trade.cases import Case
from littleshop.trade.deliveries import Parcel
from littleshop.trade.fees import Rate
from littleshop.trade.orders import Delivery, Order, OrderItem
from littleshop.trade.packing import ToPack
from littleshop.trade.timers import Timer
from littleshop.web import case_story, discount_words, pages, parcel_ways
from littleshop.web.case_story import Facts
from littleshop.web.console import frame, given, order_talk, penned, sold_by
from littleshop.web.console import orders as lists
from littleshop.web.console.given import Given
from littleshop.web.console.sold_by import SoldBy
from littleshop.web.parcel_ways import Ways

WAITS = {"waiting": "close_waiting", "invited": "close_invited", "collecting": "not_full"}
HANDOVER = {"courier": "courier", "pickup": "pick_up", "none": "none"}
TIMERS = {
    "pay_by": "close",
    "hold_by": "let_go",
    "claim_by": "unclaimed",
    "form_by": "not_full",
    "ship_by": "cancel_allowed",
    "ship_at_last": "auto_refund",
    "confirm_by": "auto_confirm",
}


@dataclass(frozen=True)
class Dossier:
    """An order with everything that its page tells of it."""

    order: Order
    delivery: Delivery
    items: list[OrderItem]
    to_pack: list[ToPack]  # what goes into the next parcel
    parcels: list[Parcel]
    ways: Ways
    clocks: list[Timer]
    back: list[Refund]
    before: int
    share_name: str
    arrived_on: date | None  # its payout, by the bank's books
    asked: list[Case]
    facts: Facts | None  # of the case that is open
    rate: Rate  # what we take of it
    sold: SoldBy | None  # by another shop
    gift: Given | None
    off: discount_words.Rows
    no_more: str  # why nobody can pay it (invitation_lists.past_paying)

    @property
    def unclaimed(self) -> bool:
        """Whether its delivery is who paid, and no address yet."""
        return self.gift is not None and not self.gift.claimed

    @property
    def undecided(self) -> bool:
        """Whether a request waits for somebody: nothing is shipped or released meanwhile."""
        return self.facts is not None and self.facts.case.status != "refunding"

    @property
    def gone(self) -> Money:
        """What went back to the buyer or is on its way."""
        nothing = Money(0, self.order.currency)
        return sum((each.amount for each in self.back), nothing)

    @property
    def due_at(self) -> datetime | None:
        """When it is to be shipped, also once that moment is past."""
        if self.order.status != "to_ship" or self.order.paid_at is None:
            return None
        clocks = {clock.kind: clock.due_at for clock in self.clocks}
        if "ship_at_last" in clocks:
            struck = clocks["ship_at_last"] - shipping.LATE
        else:
            struck = self.order.paid_at + shipping.SHIP_BY
        return clocks.get("ship_by", struck)

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


async def read(request: Request, work: AtWork, number: str = "") -> Dossier:
    """The order of the address with its surroundings. Raises NotFound."""
    house, shop_id = http.house(request), work.shop.shop_id
    async with house.database.connection() as conn:
        order = await find(conn, shop_id, number or request.path_params["number"])
        of = (conn, shop_id, order.order_id)
        asked = await cases.of_order(*of)
        is_open = next((each for each in asked if each.is_open), None)
        return Dossier(
            order=order,
            delivery=order.delivery(house.keyring),
            items=await orders.items(*of),
            to_pack=await packing.of_order(*of),
            parcels=await deliveries.of_order(*of),
            ways=await parcel_ways.read(conn, house.keyring, shop_id, order.order_id),
            clocks=await timers.of(*of),
            back=[each for each in await refunds.of_order(*of) if each.paid_from == "escrow"],
            before=await order_lists.placed_before(conn, shop_id, order.phone_index, order.number),
            share_name=await credits.name_of(conn, shop_id, order.share_code),
            arrived_on=await arrivals.of(conn, await payouts.carrying(*of)),
            asked=asked,
            facts=await case_story.read(conn, order, is_open) if is_open else None,
            rate=await fees.of_order(conn, order),
            sold=await sold_by.of(conn, order),
            gift=await given.of(conn, house.keyring, order),
            off=await discount_words.of_order(conn, order),
            no_more=await _no_more(conn, order, http.now(request)),
        )


async def _no_more(conn: db.Connection, order: Order, at: datetime) -> str:
    if order.status != "invited":
        return ""
    return (await invitation_lists.past_paying(conn, order.shop_id, at)).get(order.order_id, "")


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
    dossier = await read(request, work)
    await frame.looked(request, work, dossier.order.order_id)
    locale = pages.locale_of(request)
    ship = ship or lists.ship_form(locale)
    ship |= await penned.told(request, work, dossier.order, dossier.items, dossier.parcels)
    ship |= await order_talk.told(request, work, dossier.order)
    context = {
        "order": told(dossier, work, locale),
        "head": _head(dossier, http.now(request)),
        "due_at": dossier.due_at,
        "timer": _timer(dossier),
        "steps": _steps(dossier, locale),
        "parcel": _parcel(dossier, work, locale, http.now(request)),
        "can": _can(dossier),
        "errors": errors or {},
        "form": form or {},
        "asked": _asked(request, work, dossier),
        "left": dossier.order.total - dossier.gone,
        "form_key": secrets.token_hex(16),
        "receipt_url": f"{frame.root(work.shop)}/orders/{dossier.order.number}/slip"
        if dossier.order.paid_at and not dossier.unclaimed
        else "",
    }
    return await frame.page(
        request, work, "order.html", "orders", status=status, **(context | ship)
    )


async def page(request: Request) -> Response:
    """GET root/orders/NUMBER"""
    return await show(request, await http.at_work(request))


def _yours(dossier: Dossier) -> Money:
    """What of the order is the seller's: what is left, less our commission and others' parts."""
    order, rate, kept = dossier.order, dossier.rate, dossier.order.total - dossier.gone
    return kept - rate.of(kept) - sold_by.others(dossier.sold, order, rate, kept)


def _asked(request: Request, work: AtWork, dossier: Dossier) -> list[dict[str, Any]]:
    """What the buyer wanted back, the last one first; of the open one, what silence does."""
    locale, now, facts = pages.locale_of(request), http.now(request), dossier.facts
    here = f"{frame.root(work.shop)}/orders/{dossier.order.number}/cases"
    zone, name, ours = ZoneInfo(work.shop.zone), dossier.delivery.name, _yours(dossier)
    rows = []
    for each in reversed(dossier.asked):
        is_open = facts is not None and facts.case.case_id == each.case_id
        silence = None
        if facts is not None and is_open:
            silence = case_story.silence(locale, "seller", facts, now, zone, yours=ours, buyer=name)
        rows.append(
            {
                "url": f"{here}/{each.number}",
                "kind": "offered" if each.reason == cases.OFFERED else each.kind,
                "reason": each.reason,
                "state": case_story.ended(each),
                "is_open": is_open,
                "silence": silence,
                "amount": each.agreed or (each.amount if each.amount_minor else None),
                "at": case_story.since(each),
            }
        )
    return rows


def told(dossier: Dossier, work: AtWork, locale: str) -> dict[str, Any]:
    """`order` of order.html and slip.html; `to_pack` is what the slip lists."""
    order, delivery = dossier.order, dossier.delivery
    fee = dossier.rate.of(order.total - dossier.gone)
    region = regions.line(delivery.province, delivery.city, delivery.district)
    address = "\n".join(part for part in (region, delivery.street) if part)
    return lists.dock(order, dossier.to_pack, delivery) | {
        "state": order.status,
        "phone": "" if dossier.unclaimed else delivery.phone.removeprefix("+86"),
        "gift": dossier.gift,
        "address": address,
        "note": order.note,
        "orders_before": dossier.before,
        "handover": HANDOVER[order.way],
        "lines": [lists.item_line(item, frame.root(work.shop)) for item in dossier.items],
        "to_pack": lists.things(dossier.to_pack),
        "adjusted": Money(order.adjusted_minor, order.currency) if order.adjusted_minor else None,
        "postage": order.shipping,
        "total": order.total,
        "privilege": Money(-order.discount_minor, order.currency) if order.discount_minor else None,
        "privilege_why": discount_words.told(locale, dossier.off, order.currency),
        "fee": -fee if fee else None,
        **sold_by.told(dossier.sold, order, dossier.rate, order.total - dossier.gone),
        "yours": _yours(dossier) if order.status not in ("cancelled", "refunded") else None,
        "share_name": dossier.share_name,
        "placed_at": order.placed_at,
        "reminded_at": order.reminded_at if order.status == "to_ship" else None,
        "refunded": dossier.gone if dossier.gone else None,
        "money": lists.money(order),
        "there": lists.there(order),
    }


def _head(dossier: Dossier, now: datetime) -> str:
    order = dossier.order
    if dossier.no_more:
        return dossier.no_more
    if order.status == "to_ship" and order.way == "pickup":
        return "pick_up"
    if order.status == "to_ship":
        assert dossier.due_at is not None
        if dossier.due_at <= now:
            return "late"
        return "do" if order.way == "none" else "ship"
    way = dossier.parcels[-1].way if dossier.parcels else "courier"
    return {
        "waiting": "wait",
        "invited": "asked" if asking_a_payer.asked_as(order.kind) else "invite",
        "placed": "pay",
        "shipped": {"pickup": "delivered", "none": "done"}.get(way, "on_the_way"),
        "closed": "received",
        "refunded": ("given_back" if order.shipped_at else "refunded")
        if dossier.is_back
        else ("giving_back" if order.shipped_at else "called_off"),
    }.get(order.status, order.status)


def _timer(dossier: Dossier) -> dict[str, Any] | None:
    """What happens if nobody acts, the nearest of it."""
    for clock in dossier.clocks:
        kind = TIMERS.get(clock.kind)
        if kind is not None and clock.paused_at is None:
            left = dossier.order.total - dossier.gone
            amount = _yours(dossier) if kind == "auto_confirm" else left
            if kind == "close":
                kind = WAITS.get(dossier.order.status, kind)
                kind = "close_past_paying" if dossier.no_more else kind
            if kind == "auto_confirm" and dossier.order.direct:
                kind = "auto_confirm_direct"
            if kind == "cancel_allowed" and dossier.order.way != "courier":
                kind = f"{kind}_{'by_hand' if dossier.order.way == 'pickup' else 'none'}"
            return {"kind": kind, "at": clock.due_at, "amount": amount}
    return None


def _steps(dossier: Dossier, locale: str) -> list[dict[str, Any]]:
    """The money's way: what happened with its moment, what is next, where it stopped."""
    order = dossier.order
    moments: dict[str, date | None] = {
        "paid": order.paid_at,
        "shipped": order.shipped_at,
        "delivered": order.delivered_at,
        "received": order.received_at,
        "paid_out": dossier.arrived_on,
    }
    if order.way != "courier":  # nothing travels: it is handed over or done, and so received
        handed = order.shipped_at or order.received_at
        said = "handed_over" if order.way == "pickup" else "done"
        moments = {
            (said if name == "shipped" else name): handed if name == "shipped" else at
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
            if order.shipped_at and not order.cancelled_at:
                name = "given_back"
        steps.append({"name": name, "state": state, "at": at, "why": ""})
        waits = waits and at is not None
        if state == "stopped":
            break
    _explain(steps, dossier, locale)
    return steps


def _explain(steps: list[dict[str, Any]], dossier: Dossier, locale: str) -> None:
    """One reason under the step that is now, or under the one where it stopped."""
    last = next((step for step in steps if step["state"] in ("now", "stopped")), None)
    if last is None:
        return
    if last["state"] == "stopped":
        last["at"] = dossier.order.cancelled_at or dossier.order.refunded_at
        if dossier.order.cancelled_at:
            last["why"] = i18n.t(locale, "console.step_why.unpaid")
        else:
            said = "back" if dossier.is_back else "going_back"
            last["why"] = i18n.t(locale, f"console.step_why.{said}")
    elif dossier.due_at is not None and dossier.order.way == "courier":
        last["at"] = dossier.due_at


def _parcel(dossier: Dossier, work: AtWork, locale: str, now: datetime) -> dict[str, Any] | None:
    parcel = dossier.parcels[-1] if dossier.parcels else None
    if parcel is None or parcel.way != "courier":
        return None
    known = carriers.CARRIERS[parcel.carrier]
    here = f"{frame.root(work.shop)}/orders/{dossier.order.number}/parcels/{parcel.parcel_id}"
    under_way = dossier.order.status in deliveries.UNDER_WAY
    return {
        "carrier_name": known.name(locale),
        "carrier": parcel.carrier,
        "tracking_number": parcel.tracking_number,
        "shipped_at": parcel.handed_over_at,
        "way": parcel_ways.told(locale, parcel, dossier.ways, now),
        "correct_url": here if under_way else "",
        "undo_url": f"{here}/undo" if undoing.may(dossier.order, parcel, now) else "",
    }


def _can(dossier: Dossier) -> dict[str, bool]:
    order = dossier.order
    to_ship, way = order.status == "to_ship", order.way
    leaves = to_ship and not dossier.undecided
    paid = order.status in (*orders.PAID, "received", "closed")
    return {
        "ship": leaves and way == "courier",
        "hand_over": leaves and way == "courier",
        "check_code": (leaves or order.status == "shipped") and way == "pickup",
        "finish": leaves and way == "none",
        "cancel": to_ship,
        "refund": paid and dossier.facts is None and order.total.minor > dossier.gone.minor,
    }
