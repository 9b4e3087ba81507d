"""What a seller wrote on an order and how he packed it, for the order's page."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from starlette.requests import Request

from littleshop import http, i18n
from littleshop.http import AtWork
from littleshop.identity import people
from littleshop.sale import bargaining, parcelling, undoing
from littleshop.trade import carriers, deliveries, order_notes, price_changes
from littleshop.trade.deliveries import Parcel
from littleshop.trade.orders import UNPAID, Order, OrderItem
from littleshop.web import pages, parcel_ways


async def told(
    request: Request, work: AtWork, order: Order, items: list[OrderItem], sent: list[Parcel]
) -> dict[str, Any]:
    """What order.html says of notes, prices and pieces."""
    house, of = http.house(request), (order.shop_id, order.order_id)
    async with house.database.connection() as conn:
        notes = await order_notes.of_order(conn, *of)
        changes = await price_changes.of_order(conn, order)
        left = await parcelling.left(conn, order)
        packed = await parcelling.of_parcels(conn, *of)
        ways = await parcel_ways.read(conn, house.keyring, *of)
        writers: dict[UUID, str] = {}
        for person_id in {each.person_id for each in notes} - {work.person.person_id}:
            person = await people.get(conn, person_id)
            if person is not None:
                writers[person_id] = person.masked_phone(house.keyring)
    locale = pages.locale_of(request)
    mine = i18n.t(locale, "book.note.you")
    return {
        "note": notes[0].text if notes else "",
        "notes": [
            {"text": each.text, "who": writers.get(each.person_id, mine), "at": each.at}
            for each in notes
        ],
        "changes": [
            {"before": each.before, "now": each.total, "why": each.reason, "at": each.at}
            for each in changes
        ],
        "price": {"goods": order.goods_now, "postage": order.shipping, "seen": order.total_minor}
        if bargaining.may_change(order)
        else None,
        "withdraw": order.status in UNPAID,
        "parcels": [
            _parcel(locale, order, each, items, packed, http.now(request))
            | {"way": parcel_ways.told(locale, each, ways, http.now(request))}
            for each in sent
        ]
        if len(sent) > 1 or packed
        else [],
        "pieces": [
            {"position": item.position, "title": item.title, "options": item.choice,
             "left": left[item.position]}
            for item in items
            if item.position in left
        ],
    }  # fmt: skip


def _parcel(
    locale: str,
    order: Order,
    parcel: Parcel,
    items: list[OrderItem],
    packed: dict[UUID, dict[int, int]],
    now: datetime,
) -> dict[str, Any]:
    known = carriers.CARRIERS.get(parcel.carrier)
    here = f"/console/{order.shop_id}/orders/{order.number}/parcels/{parcel.parcel_id}"
    inside = packed.get(parcel.parcel_id)
    return {
        "carrier": known.name(locale) if known else i18n.t(locale, "book.parcel.by_hand"),
        "number": parcel.tracking_number,
        "code": parcel.carrier,
        "correct_url": here if known and order.status in deliveries.UNDER_WAY else "",
        "undo_url": f"{here}/undo" if undoing.may(order, parcel, now) else "",
        "at": parcel.handed_over_at,
        "things": [
            {"title": item.title, "pieces": item.quantity if inside is None else n}
            for item in items
            if (n := 0 if inside is None else inside.get(item.position, 0)) or inside is None
        ],
    }
