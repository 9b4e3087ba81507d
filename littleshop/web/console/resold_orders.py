"""What this shop sold and others ship: what became of it, found by number or by name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request

from littleshop import db, http
from littleshop.crypto import Keyring
from littleshop.http import AtWork
from littleshop.money import Money
from littleshop.shop import shops, staff
from littleshop.shop.shops import Shop
from littleshop.supply import prospects, resales
from littleshop.supply.prospects import Prospect
from littleshop.supply.resales import Progress, ResoldOrder
from littleshop.trade import carriers, order_words
from littleshop.web import pages

SHOWN, LOOKED_THROUGH = 100, 500  # orders of a page, and in which a part of a name is looked for
LONGEST_NUMBER = 9  # digits of an order's number


async def rows(request: Request, conn: db.Connection, work: AtWork, q: str) -> list[dict[str, Any]]:
    """Her orders with what the suppliers' rows say of them."""
    found = await _found(conn, http.house(request).keyring, work.shop.shop_id, q)
    names = await shops.names(conn, list({each.from_shop_id for each, _ in found}))
    progress = await resales.progress_of(conn, [each for each, _ in found])
    ahead = await prospects.coming(conn, work.shop.shop_id, http.now(request))
    by_order = {each.order_id: each for each in ahead}
    zone = ZoneInfo(work.shop.zone)
    return [
        {
            "number": each.number,
            "order_number": each.order_number,
            "name": name,
            "total": each.total,
            "placed_at": each.placed_at.astimezone(zone),
            "supplier": names.get(each.from_shop_id, ""),
            **_became(request, each, progress[each.order_id]),
            "expected": _expected(by_order.get(each.order_id), zone),
        }
        for each, name in found
    ]


async def _found(
    conn: db.Connection, keyring: Keyring, shop_id: int, q: str
) -> list[tuple[ResoldOrder, str]]:
    """What was sold and to whom: the last orders, or those with the number `q`, or those of that
    name or surname; in the last ones any part of a name is found."""
    number = _number(q)
    most = LOOKED_THROUGH if q and number is None else SHOWN
    last = await resales.mirrored(conn, shop_id, number=number, most=most)
    named = [(each, keyring.open(each.name_sealed)) for each in last]
    if q and number is None:
        named = [(each, name) for each, name in named if q.casefold() in name.casefold()]
        near = {each.number for each, _ in named}
        whole = [each for each in await _of_name(conn, keyring, shop_id, q)
                 if each.number not in near]  # fmt: skip
        named += [(each, keyring.open(each.name_sealed)) for each in whole]
        named.sort(key=lambda each: each[0].placed_at, reverse=True)
    return named[:SHOWN]


async def _of_name(
    conn: db.Connection, keyring: Keyring, shop_id: int, q: str
) -> list[ResoldOrder]:
    word = order_words.of_name(keyring, shop_id, q, use=order_words.RESOLD)
    if word is None:
        return []
    numbers = await order_words.having(conn, shop_id, word, SHOWN)
    return await resales.of_numbers(conn, shop_id, numbers)


async def also(conn: db.Connection, keyring: Keyring, shop_id: int, q: str) -> int:
    """How many orders that others ship have what was searched for as her number or the buyer's, or
    as its name; SHOWN at most."""
    number = _number(q)
    if number is None:
        return len(await _of_name(conn, keyring, shop_id, q))
    return len(await resales.mirrored(conn, shop_id, number=number))


async def filter_(conn: db.Connection, work: AtWork, at: datetime) -> list[dict[str, Any]]:
    """The way from the list of orders to those that others ship; none for who never re-sold, or
    may not open their page."""
    shop_id = work.shop.shop_id
    if not staff.may(work.role, "goods") or not await resales.mirrored(conn, shop_id, most=1):
        return []
    count = len(await prospects.coming(conn, shop_id, at)) or None
    url = f"/console/{shop_id}/resold"
    return [{"state": "resold", "count": count, "url": url, "chosen": False}]


async def coming(conn: db.Connection, shop: Shop, at: datetime) -> dict[str, Any] | None:
    """How many of them are paid and not received, where they are (`packed`, `part` of them sent, or
    all `sent`), what they bring in all, and when the first is sure; None while there is none."""
    found = await prospects.coming(conn, shop.shop_id, at)
    if not found:
        return None
    first = min((each.due_at for each in found if each.due_at is not None), default=None)
    sent = sum(each.sent for each in found)
    return {
        "count": len(found),
        "packed": len(found) - sent,
        "sent": sent,
        "where": "packed" if not sent else "sent" if sent == len(found) else "part",
        "amount": prospects.total(found, shop.currency),
        "by": None if first is None else first.astimezone(ZoneInfo(shop.zone)),
    }


def _number(q: str) -> int | None:
    digits = q.removeprefix("#")
    plain = digits.isascii() and digits.isdigit() and len(digits) <= LONGEST_NUMBER
    return int(digits) if plain else None


def _became(request: Request, mirror: ResoldOrder, progress: Progress) -> dict[str, Any]:
    state = "received" if progress.status == "closed" else progress.status
    return {
        "state": "part_sent" if state == "to_ship" and progress.parcels else state,
        "back": Money(progress.refunded_minor, mirror.currency),
        "asked": progress.asked,
        "margin": _margin(mirror, progress),
        "parcels": [_parcel(request, each) for each in progress.parcels],
    }


def _expected(ahead: Prospect | None, zone: ZoneInfo) -> dict[str, Any] | None:
    if ahead is None:
        return None
    by = None if ahead.due_at is None else ahead.due_at.astimezone(zone)
    return {"amount": ahead.amount, "by": by}


def _margin(mirror: ResoldOrder, progress: Progress) -> Money:
    """Her margin in what did not go back, before the platform's fee."""
    ended = progress.status in ("cancelled", "refunded")
    kept = 0 if ended else progress.total_minor - progress.refunded_minor
    return Money(mirror.margin_minor * kept // progress.total_minor, mirror.currency)


def _parcel(request: Request, parcel: Mapping[str, str]) -> str:
    known = carriers.CARRIERS.get(parcel["carrier"])
    name = known.name(pages.locale_of(request)) if known else parcel["carrier"]
    return f"{name} {parcel['number']}"
