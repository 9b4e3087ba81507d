"""The letter to a payer: an order as whoever has the payer's link sees it, and its sender's side.

Goods, sum and words; never where they go, whose phone it is, or the parcel.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from littleshop import db, http
from littleshop.errors import NotFound, Refused
from littleshop.pay import payments
from littleshop.pay.payments import Payment
from littleshop.sale import asking_a_payer, paying, placing
from littleshop.sale import waiting as holding
from littleshop.trade import letters, orders, parts, timers
from littleshop.trade.letters import Letter
from littleshop.trade.order_links import Seen
from littleshop.trade.orders import Order, OrderItem
from littleshop.trade.parts import Part
from littleshop.trade.timers import Timer
from littleshop.web import addresses, flash, forms, keepers, names, pages
from littleshop.web.storefront import checkouts, payer_views, views

if TYPE_CHECKING:
    from littleshop.web.storefront.orders import OrderLink
from littleshop.web.storefront.visitors import is_person

SAID = "payers.said."


class Opened(msgspec.Struct, frozen=True):
    """A letter with everything that its page says."""

    order: Order
    letter: Letter
    things: list[OrderItem]
    attempts: list[Payment]
    parts: list[Part]
    clocks: list[Timer]
    gone: str


async def read(conn: db.Connection, order: Order, at: datetime) -> Opened | None:
    """The letter of an order that somebody else was asked to pay; None for any other."""
    of = (conn, order.shop_id, order.order_id)
    letter = await letters.of_order(*of) if asking_a_payer.asked_as(order.kind) else None
    if letter is None:
        return None
    return Opened(
        order,
        letter,
        await orders.items(*of),
        await payments.of_order(*of),
        await parts.of_order(*of),
        await timers.of(*of),
        await holding.why_gone(conn, order, at) if order.status == "invited" else "",
    )


async def show(request: Request, link: OrderLink) -> Response:
    """The letter, for whoever has the payer's link."""
    await _note_seen(request, link)
    return await _page(request, link)


async def _note_seen(request: Request, link: OrderLink) -> None:
    """The first person who looks, and is neither the one who wrote it nor a robot, has seen it."""
    if not is_person(request):
        return
    at, device = http.now(request), http.device(request)
    await http.house(request).database.transaction(
        lambda conn: letters.see(conn, link.shop.shop_id, link.order_id, at, device=device)
    )


async def refused(request: Request, link: OrderLink, no: Refused) -> Response:
    """Why nothing was paid: on the letter, for its sender on the page of a refusal."""
    if link.seen.role != "payer" or no.code == "too_many":
        raise no
    return await _page(request, link, no)


async def _page(request: Request, link: OrderLink, no: Refused | None = None) -> Response:
    house, locale, now = http.house(request), pages.locale_of(request), http.now(request)
    async with house.database.connection() as conn:
        found = await read(conn, link.order, now)
    if found is None:
        raise NotFound("order")
    state = payer_views.state_of(found.order, found.clocks, now, gone=found.gone)
    _, said = flash.heard(request, SAID)
    tried = [each.gateway for each in found.attempts if each.outcome == "accepted"]
    answer = pages.page(
        request,
        "storefront/pay_letter.html",
        status=409 if no else 200,
        private=True,
        form_targets=views.rail_origins(house),
        shop=views.shop(link.shop),
        it=payer_views.sheet(locale, link.shop, found, state, now),
        token=link.token,
        kind=asking_a_payer.asked_as(found.order.kind),
        state=state,
        by=found.letter.from_name,
        amount=found.order.total,
        pot=payer_views.pot(found),
        sums=payer_views.sums(found.order),
        mine=payer_views.mine(found, http.device(request)),
        twice=payer_views.came_twice(found),
        till=payer_views.till(found.clocks),
        key=checkouts.fresh_key(),
        refused=forms.said(request, no) if no else said,
        keeper=keepers.of_rails(house.settings.escrow, tried),
        zone=ZoneInfo(link.shop.zone),
    )
    flash.forget(request, answer)
    return answer


async def around(request: Request, link: OrderLink, part: paying.PartDue | None) -> dict[str, Any]:
    """What the cashier says to somebody with a payer's link, instead of the order's number; and the
    sum that is his."""
    amount = part.amount if part else link.order.total
    if link.seen.role != "payer":
        return {"giver": None, "amount": amount}
    async with http.house(request).database.connection() as conn:
        letter = await letters.of_order(conn, link.shop.shop_id, link.order_id)
    if letter is None:
        raise NotFound("order")
    head, kind = payer_views.head, asking_a_payer.asked_as(link.order.kind)
    giver = {
        "head": head(pages.locale_of(request), kind, letter.from_name),
        "by": letter.from_name,
        "whole": kind != "chip_in",
    }
    return {"giver": giver, "amount": amount}


async def sent(request: Request, conn: db.Connection, seen: Seen) -> Any:
    """What the page of an order that others pay says to who asked them, on the device on which he
    did; None for everybody else and for any other order."""
    if seen.role != "chooser" or not seen.may_act:
        return None
    found = await read(conn, seen.order, http.now(request))
    if found is None:
        return None
    order = seen.order
    token = placing.link(http.house(request).keyring, order.shop_id, order.order_id, "payer")
    link = names.public_url(request) + addresses.order(token)
    return payer_views.sent(pages.locale_of(request), found, link, http.device(request))
