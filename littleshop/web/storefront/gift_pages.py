"""The pages of a gift: the recipient's, and the card on its giver's order page."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from littleshop import db, http
from littleshop.crypto import Keyring
from littleshop.errors import Refused
from littleshop.sale import gifting, refunding
from littleshop.trade import (
    cases,
    deliveries,
    gifts,
    letters,
    order_events,
    orders,
    regions,
    roles,
    timers,
)
from littleshop.trade.cases import Case
from littleshop.trade.deliveries import Parcel
from littleshop.trade.gifts import Claimed, GiftVariant
from littleshop.trade.letters import Letter
from littleshop.trade.order_events import OrderEvent
from littleshop.trade.order_links import Seen
from littleshop.trade.orders import Order, OrderItem
from littleshop.trade.timers import Timer
from littleshop.web import addresses, case_story, forms, names, pages, parcel_ways
from littleshop.web.case_story import Facts
from littleshop.web.parcel_ways import Ways
from littleshop.web.storefront import afterwards, checkouts, gift_views, order_views, views

if TYPE_CHECKING:
    from littleshop.web.storefront.orders import OrderLink
from littleshop.web.storefront.visitors import is_person

NOTHING: Mapping[str, str] = {}


class Opened(msgspec.Struct, frozen=True):
    """A gift with everything that its recipient's page says; `facts` of a case that is open."""

    letter: Letter
    claimed: Claimed | None
    things: list[OrderItem]
    kinds: list[GiftVariant]
    clocks: list[Timer]
    parcels: list[Parcel]
    ways: Ways
    history: list[OrderEvent]
    asked: list[Case]
    facts: Facts | None
    after: afterwards.After
    left: Any


async def _read(request: Request, conn: db.Connection, link: OrderLink) -> Opened:
    row, keyring, now = link.order, http.house(request).keyring, http.now(request)
    of = (conn, row.shop_id, row.order_id)
    letter = await letters.of_order(*of)
    assert letter is not None, row.order_id
    things, asked = await orders.items(*of), await cases.of_order(*of)
    is_open = next((each for each in asked if each.is_open), None)
    return Opened(
        letter,
        await gifts.of_order(*of),
        things,
        await gifts.kinds(*of) if row.status == "claiming" else [],
        await timers.of(*of),
        await deliveries.of_order(*of),
        await parcel_ways.read(conn, keyring, row.shop_id, row.order_id),
        await order_events.history(*of),
        asked,
        await case_story.read(conn, row, is_open) if is_open else None,
        await afterwards.read(conn, keyring, link.seen, link.token, things, now),
        await refunding.left_of(conn, row),
    )


async def show(
    request: Request,
    link: OrderLink,
    *,
    form: Mapping[str, str] = NOTHING,
    wrong: Mapping[str, Refused] | None = None,
    fragment: str | None = None,
    no: Refused | None = None,
) -> Response:
    """The gift for whoever has the recipient's link; on the device that claimed it, where it is.
    `form` is what was typed, `wrong` what is wrong with each field of it."""
    await _note_seen(request, link)
    async with http.house(request).database.connection() as conn:
        found = await _read(request, conn, link)
    state = gift_views.state_of(link.seen, found.claimed)
    no = no or (wrong or {}).get("form")
    return pages.page(
        request,
        "storefront/gift.html",
        status=409 if no or wrong else 200,
        private=True,
        fragment=fragment if state == "mine" else None,
        shop=views.shop(link.shop),
        token=link.token,
        state=state,
        way=link.order.way,
        zone=ZoneInfo(link.shop.zone),
        refused=forms.said(request, no) if no else "",
        **_letter(request, link, found, state, form, wrong or {}),
        **(_mine(request, link, found) if state == "mine" else {}),
    )


def _letter(
    request: Request,
    link: OrderLink,
    found: Opened,
    state: str,
    form: Mapping[str, str],
    wrong: Mapping[str, Refused],
) -> dict[str, Any]:
    """The letter, and the form under it."""
    locale, shop = pages.locale_of(request), link.shop
    typed = {
        int(name.removeprefix("kind_")): value
        for name, value in form.items()
        if name.startswith("kind_") and name.removeprefix("kind_").isdecimal() and len(name) < 9
    }
    said = {name: forms.said(request, no) for name, no in wrong.items()}
    problems = dict.fromkeys(checkouts.FIELDS) | said
    return {
        "it": gift_views.sheet(locale, shop, found.letter, found.things, state, http.now(request)),
        "till": next((each.due_at for each in found.clocks if each.kind == "claim_by"), None),
        "choices": gift_views.choices(found.things, found.kinds, typed),
        "form": SimpleNamespace(**{name: form.get(name, "") for name in checkouts.FIELDS}),
        "problems": SimpleNamespace(**problems),
        "provinces": views.provinces(locale),
        "fetch_at": shop.pickup_place if link.order.way == "pickup" else "",
    }


def _mine(request: Request, link: OrderLink, found: Opened) -> dict[str, Any]:
    """Where it is and what may be done, for the one who claimed it. Never a sum."""
    locale, now, seen = pages.locale_of(request), http.now(request), link.seen
    keyring, row = http.house(request).keyring, link.order
    asked = order_views.asked(locale, seen, link.token, found.asked, found.facts, link.shop, now)
    may = order_views.may(seen, found.clocks, found.asked, found.left, now, gone=False)
    return {
        "order": _order(keyring, link, found.things),
        "parcel": order_views.parcel(
            locale,
            found.parcels,
            found.history,
            found.ways,
            now,
            link.shop.seller or link.shop.name,
            seen,
        ),
        "due": gift_views.due(found.clocks),
        "may": may,
        "asked": asked,
        "after": found.after,
        "now": now,
        "is_over": row.status == "refunded",
    }


def _order(keyring: Keyring, link: OrderLink, things: list[OrderItem]) -> SimpleNamespace:
    row, to = link.order, link.order.delivery(keyring)
    where = regions.line(to.province, to.city, to.district, to.street)
    return SimpleNamespace(
        token=link.token,
        number=str(row.number),
        state="received" if row.status == "closed" else row.status,
        handover=order_views.HANDOVER[row.way],
        things=[gift_views.thing(each) for each in things],
        recipient=f"{to.name} {to.phone.removeprefix('+86')}",
        address=where if row.way == "courier" else "",
    )


async def _note_seen(request: Request, link: OrderLink) -> None:
    """The first person who opens a gift that can be claimed, and is neither its giver nor a robot,
    has seen it."""
    if link.order.status != "claiming" or not is_person(request):
        return
    at, device = http.now(request), http.device(request)
    await http.house(request).database.transaction(
        lambda conn: letters.see(conn, link.shop.shop_id, link.order_id, at, device=device)
    )


async def sent(request: Request, conn: db.Connection, seen: Seen) -> SimpleNamespace | None:
    """What the order page of a gift says to its giver on the device on which he ordered; None for
    everybody else and for any other order."""
    order: Order = seen.order
    if order.kind != "gift" or not seen.may(roles.CALL_OFF):
        return None
    of = (conn, order.shop_id, order.order_id)
    letter = await letters.of_order(*of)
    assert letter is not None, order.order_id
    clocks = await timers.of(*of)
    token = gifting.link(http.house(request).keyring, order.shop_id, order.order_id)
    return gift_views.card(
        pages.locale_of(request),
        order,
        letter,
        await gifts.of_order(*of),
        names.public_url(request) + addresses.order(token),
        next((each.due_at for each in clocks if each.kind == "claim_by"), None),
    )
