"""The list of orders: by state, or what was searched for."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from littleshop import db, http, i18n
from littleshop.crypto import Keyring
from littleshop.errors import NotFound
from littleshop.http import AtWork
from littleshop.money import Money
from littleshop.sale import finding, shipping
from littleshop.shop import staff
from littleshop.supply import resales
from littleshop.trade import (
    carriers,
    case_lists,
    deliveries,
    invitation_lists,
    order_lists,
    order_notes,
    orders,
    packing,
    regions,
)
from littleshop.trade.deliveries import Parcel
from littleshop.trade.order_lists import Duties, OrderRow
from littleshop.trade.orders import PAID, Delivery, Order, OrderItem
from littleshop.trade.packing import ToPack
from littleshop.web import couriers, pages
from littleshop.web.console import frame, resold_orders

LONG = ("done", "ended")  # lists that are counted up to a thousand
MANY = 1000
RARE = ("waiting", "gathering")  # lists that are named only while they are not empty
JUST_SHIPPED = timedelta(minutes=30)
Marks = tuple[str, str, str]  # of a row: own note, sold by, why it cannot be paid


def place(delivery: Delivery) -> str:
    """The short place of a list: the city, or what stands for it."""
    return regions.line(delivery.city) or delivery.district or delivery.province


def money(order: Order) -> str:
    """Where the money of an order is: none, parts, held, released, direct or back."""
    if order.direct and order.status != "refunded":
        return "direct"
    if order.status in PAID:
        return "held"
    if order.status in ("received", "closed"):
        return "released"
    if there(order) is not None:
        return "parts"
    return "back" if order.status == "refunded" else "none"


def line(
    row: OrderRow,
    root: str,
    keyring: Keyring,
    own_note: str = "",
    sold_by: str = "",
    no_more: str = "",
) -> dict[str, Any]:
    """An order as a row of a list, with what the seller wrote on it, the shop that sold it and why
    it cannot be paid any more (invitation_lists.past_paying)."""
    delivery = row.delivery(keyring)
    return {
        "number": row.number,
        "name": delivery.name,
        "place": place(delivery),
        "picture_url": frame.picture(row.photo),
        "title": row.title,
        "pieces": row.pieces,
        "total": row.total,
        "state": no_more or row.status,
        "paid_at": row.paid_at if row.status == "to_ship" else None,
        "due_at": _due(row),
        "url": f"{root}/orders/{row.number}",
        "own_note": own_note,
        "sold_by": sold_by,
    }


def item_line(item: OrderItem, root: str) -> dict[str, Any]:
    """A line of an order's own page."""
    return {
        "position": item.position,
        "title": item.title,
        "sold_as": item.sold_as,
        "options": item.choice,
        "quantity": item.quantity,
        "total": item.amount,
        "picture_url": frame.picture(item.photo),
        "url": f"{root}/goods/{item.product_id}",
    }


def _due(row: OrderRow) -> datetime | None:
    """Until when a courier should have it; it is late since then."""
    if row.status != "to_ship" or row.way != "courier" or row.paid_at is None:
        return None
    if row.ship_by is not None:
        return row.ship_by
    ends = row.ship_at_last  # the first clock has struck
    return row.paid_at + shipping.SHIP_BY if ends is None else ends - shipping.LATE


def carrier_choices(
    locale: str, number: str = "", chosen: str = ""
) -> tuple[list[dict[str, str]], str]:
    """Carriers to choose from, the likeliest of the number first; and the likeliest's name."""
    guessed = carriers.guess(number)
    listed = couriers.choices(locale, number, chosen)
    return listed, guessed[0].carrier.name(locale) if guessed else ""


def ship_form(
    locale: str,
    *,
    number: str = "",
    carrier: str = "",
    next_number: int | None = None,
    total: int = 0,
    errors: dict[str, str] | None = None,
) -> dict[str, Any]:
    """`ship` and `carriers` of pieces/ship_form.html."""
    listed, guessed = carrier_choices(locale, number, carrier)
    return {
        "carriers": listed,
        "ship": {
            "tracking_number": number,
            "carrier": carrier,
            "guessed": guessed,
            "next_number": next_number,
            "left": 1 if total > 1 else 0,
            "total": total if total > 1 else 0,
            "errors": errors or {},
            "form_key": secrets.token_hex(8),
        },
    }


def there(order: Order) -> Money | None:
    """What is paid of an order of which the rest is not paid yet; None for any other."""
    in_parts = order.status in ("collecting", "placed") and 0 < order.held_minor < order.total_minor
    return Money(order.held_minor, order.currency) if in_parts else None


def dock(order: Order, items: Sequence[ToPack], delivery: Delivery) -> dict[str, Any]:
    """`order` of pieces/ship_form.html: `items` are the pieces that go."""
    return {
        "number": order.number,
        "name": delivery.name,
        "place": place(delivery),
        "titles": " \N{MIDDLE DOT} ".join(item.title for item in items),
        "pictures": [frame.picture(item.photo) for item in items if item.photo],
    }


def things(items: Sequence[ToPack]) -> list[dict[str, Any]]:
    """Pieces to pack, as a ship card and a slip list them."""
    return [
        {"title": each.title, "options": each.choice, "quantity": each.quantity} for each in items
    ]


async def listed(request: Request) -> Response:
    """GET root/orders?state=&q=&beyond=: orders of a state, or what was searched for."""
    work = await http.at_work(request)
    wish = request.query_params
    q = wish.get("q", "").strip()[:40]
    beyond = http.number(wish["beyond"]) if wish.get("beyond") else None
    state = wish.get("state", "to_ship")
    state = state if state in (*order_lists.STATES, "all") else "to_ship"
    context = await _read(request, work, state, q, beyond)
    if not staff.may(work.role, "money"):
        context["rows"] = [row | {"total": None} for row in context["rows"]]
    return await frame.page(request, work, "orders.html", "orders", **context)


async def _read(
    request: Request, work: AtWork, state: str, q: str, beyond: int | None
) -> dict[str, Any]:
    """The context of orders.html without its frame."""
    shop_id, keyring = work.shop.shop_id, http.house(request).keyring
    first, told, looked, by, also = None, [], [], [], 0
    async with http.house(request).database.connection() as conn:
        duties = await order_lists.duties(conn, shop_id)
        wanted = await case_lists.open_ones(conn, shop_id)
        if q:
            found = await finding.find(conn, keyring, shop_id, q)
            rows, looked, by = found.rows, found.looked, found.by
            if staff.may(work.role, "goods"):
                also = await resold_orders.also(conn, keyring, shop_id, q)
        else:
            rows = await order_lists.of_state(conn, shop_id, state, beyond=beyond)
            told = await _shipped_now(conn, request, shop_id)
        if state == "to_ship" and not q and beyond is None:
            stuck = {each.order_id for each in wanted if each.status != "refunding"}
            ready = [row for row in rows if row.order_id not in stuck]
            first = await _first(conn, shop_id, ready, keyring)
        noted = await _marks(conn, shop_id, rows, http.now(request))
        ended = {each: await order_lists.counted(conn, shop_id, each) for each in LONG}
        ever = rows or await order_lists.of_state(conn, shop_id, "all", most=1)
        others = await resold_orders.filter_(conn, work, http.now(request))
    root = frame.root(work.shop)
    context = _list_context(request, rows, duties, state, q, root, first, ended, noted)
    locale = pages.locale_of(request)
    searched = {
        "looked": [i18n.t(locale, f"book.looked.{each}") for each in looked],
        "by": [i18n.t(locale, f"book.looked.{each}") for each in by],
    }
    context["filters"] += _cases(work, sum(each.sellers_turn for each in wanted)) + others
    return context | searched | {"shipped_now": told, "never": not ever, "also": also}


def _cases(work: AtWork, count: int = 0) -> list[dict[str, Any]]:
    """The way from a list of orders to what buyers ask for; none for who may not open it."""
    if not staff.may(work.role, "deals"):
        return []
    url = f"{frame.root(work.shop)}/cases"
    return [{"state": "cases", "count": count, "url": url, "chosen": False}]


async def _marks(
    conn: db.Connection, shop_id: int, rows: Sequence[OrderRow], at: datetime
) -> dict[UUID, Marks]:
    """What the seller wrote on orders of a list, which other shops sold them, and why one that
    somebody else was asked to pay cannot be paid."""
    found = [row.order_id for row in rows]
    noted = await order_notes.marked(conn, shop_id, found)
    sold = await resales.sold_by(conn, shop_id, found)
    past = {}
    if any(row.status == "invited" for row in rows):
        past = await invitation_lists.past_paying(conn, shop_id, at)
    return {each: (noted.get(each, ""), sold.get(each, ""), past.get(each, "")) for each in found}


async def of_phone(request: Request, work: AtWork, phone_index: bytes) -> Response:
    """The orders of one person, as a list."""
    house = http.house(request)
    async with house.database.connection() as conn:
        rows = await order_lists.by_phone(conn, work.shop.shop_id, phone_index)
        duties = await order_lists.duties(conn, work.shop.shop_id)
        noted = await _marks(conn, work.shop.shop_id, rows, http.now(request))
    if not rows:
        raise NotFound("person")
    name = rows[0].delivery(house.keyring).name
    root = frame.root(work.shop)
    context = _list_context(request, rows, duties, "all", name, root, None, noted=noted)
    context["filters"] += _cases(work)
    return await frame.page(request, work, "orders.html", "people", **context, shipped_now=[])


async def _first(
    conn: db.Connection, shop_id: int, rows: list[OrderRow], keyring: Keyring
) -> tuple[dict[str, Any], int | None] | None:
    """The order that the ship form stands for, and the one after it."""
    by_courier = [row for row in rows if row.way == "courier"]
    if not by_courier:
        return None
    order = await orders.get(conn, shop_id, by_courier[0].order_id)
    assert order is not None
    items = await packing.of_order(conn, shop_id, order.order_id)
    note = (await order_notes.marked(conn, shop_id, [order.order_id])).get(order.order_id, "")
    sold_by = (await resales.sold_by(conn, shop_id, [order.order_id])).get(order.order_id, "")
    following = by_courier[1].number if len(by_courier) > 1 else None
    delivery = order.delivery(keyring)
    told = dock(order, items, delivery) | {
        "due_at": _due(by_courier[0]),
        "pack": _pack(order, items, delivery, note) | {"sold_by": sold_by},
    }
    return told, following


def _pack(order: Order, items: Sequence[ToPack], to: Delivery, own_note: str) -> dict[str, Any]:
    """What goes into the parcel, what is written on it, and what the seller wrote for himself."""
    return {
        "url": f"/console/{order.shop_id}/orders/{order.number}",
        "things": things(items),
        "phone": to.phone.removeprefix("+86"),
        "address": regions.line(to.province, to.city, to.district, to.street),
        "note": order.note,
        "own_note": own_note,
    }


async def _shipped_now(conn: db.Connection, request: Request, shop_id: int) -> list[dict[str, Any]]:
    keyring, locale = http.house(request).keyring, pages.locale_of(request)
    told = []
    for row in await order_lists.shipped_since(conn, shop_id, http.now(request) - JUST_SHIPPED):
        parcels = await deliveries.of_order(conn, shop_id, row.order_id)
        known = carriers.CARRIERS.get(parcels[-1].carrier) if parcels else None
        if known is None:
            continue
        told.append(
            line(row, f"/console/{shop_id}", keyring)
            | {
                "carrier_name": known.name(locale),
                "tracking_number": parcels[-1].tracking_number,
                "undo_url": _undo(shop_id, row, parcels[-1], http.now(request)),
            }
        )
    return told


def _undo(shop_id: int, row: OrderRow, parcel: Parcel, now: datetime) -> str:
    """Where a shipping of a moment ago is undone; "" when its buyer has been told."""
    fresh = parcel.way == "courier" and now < parcel.handed_over_at + shipping.UNDO
    path = f"/console/{shop_id}/orders/{row.number}/parcels/{parcel.parcel_id}/undo"
    return path if fresh else ""


def _list_context(
    request: Request,
    rows: list[OrderRow],
    duties: Duties,
    state: str,
    q: str,
    root: str,
    first: tuple[dict[str, Any], int | None] | None,
    ended: dict[str, int] | None = None,
    noted: Mapping[UUID, Marks] | None = None,
) -> dict[str, Any]:
    keyring, locale = http.house(request).keyring, pages.locale_of(request)
    notes = noted or {}
    shown = [line(row, root, keyring, *notes.get(row.order_id, ())) for row in rows]
    dock_order, following = first or (None, None)
    rest = [row for row in shown if dock_order is None or row["number"] != dock_order["number"]]
    counts = {
        "to_ship": duties.to_ship,
        "placed": duties.placed + duties.invited,
        "waiting": duties.waiting,
        "gathering": duties.gathering,
        "shipped": duties.on_the_way,
    } | (ended or {})
    full = len(rows) == order_lists.PAGE and not q
    return {
        "filters": [
            {
                "state": each,
                "count": f"{MANY - 1}+" if counts.get(each, 0) >= MANY else counts.get(each),
                "url": f"{root}/orders?state={each}",
                "chosen": each == state and not q,
            }
            for each in (*order_lists.STATES, "all")
            if each not in RARE or counts[each] or each == state
        ],
        "state": state,
        "q": q,
        "first": dock_order,
        "rows": rest,
        "due_at": _nearest([row["due_at"] for row in rest], http.now(request)),
        "older_url": f"{root}/orders?state={state}&beyond={rows[-1].number}" if full else "",
        **ship_form(locale, next_number=following, total=duties.to_ship - duties.pickup),
    }


def _nearest(moments: list[datetime | None], now: datetime) -> datetime | None:
    """The next moment to come."""
    return min((at for at in moments if at is not None and at > now), default=None)


async def carrier_guess(request: Request) -> Response:
    """GET root/carriers?number=: carriers a number may be of, the likeliest first, as JSON."""
    await http.at_work(request)
    locale = pages.locale_of(request)
    ranked = [
        {"code": guess.carrier.code, "name": guess.carrier.name(locale)}
        for guess in carriers.guess(request.query_params.get("number", ""))
    ]
    return JSONResponse(ranked, headers=pages.PRIVATE)
