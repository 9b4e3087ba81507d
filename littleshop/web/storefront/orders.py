"""The order page behind a link: the link shows, only the device that ordered acts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from littleshop import db, http, ids
from littleshop.errors import NotFound, Refused
from littleshop.pay import payments, refunds
from littleshop.pay.payments import Payment
from littleshop.sale import (
    bringing,
    delivering,
    gifting,
    parcelling,
    paying,
    receiving,
    refunding,
    shipping,
    teaming,
    waiting,
)
from littleshop.settlement import arrivals, payouts
from littleshop.shop import shops
from littleshop.shop.shops import Shop
from littleshop.trade import (
    cases,
    gifts,
    order_discounts,
    order_events,
    order_links,
    orders,
    roles,
    timers,
)
from littleshop.trade.order_links import Seen
from littleshop.trade.orders import Order
from littleshop.web import addresses, case_story, flash, forms, keepers, pages, parcel_ways
from littleshop.web.storefront import (
    afterwards,
    bought_at,
    earning,
    gift_pages,
    gift_views,
    letters,
    order_views,
    parcel_views,
    team_links,
    views,
)


class OrderLink(msgspec.Struct, frozen=True):
    """An order that somebody came to by its link; `token` is the link's, `sold_by` another shop
    that sold what this one ships."""

    seen: Seen
    shop: Shop
    token: str
    sold_by: Shop | None = None

    @property
    def bought_in(self) -> Shop:
        """The shop that its buyer knows, and pays."""
        return self.sold_by or self.shop

    @property
    def shipper(self) -> str:
        """Who ships it, by name, where that is not the seller its buyer knows; else ""."""
        return (self.shop.seller or self.shop.name) if self.sold_by else ""

    @property
    def order(self) -> Order:
        return self.seen.order

    @property
    def order_id(self) -> UUID:
        return self.seen.order.order_id

    @property
    def short(self) -> SimpleNamespace:
        """The order for templates that only name it."""
        return SimpleNamespace(
            token=self.token, number=str(self.order.number), total=self.order.total
        )


async def behind(request: Request, *, payer: bool = False) -> OrderLink:
    """The order behind the link of the address; behind a payer's only where `payer` says that there
    is something for him. Raises NotFound."""
    token = request.path_params["token"]
    shop_id = http.token_shop(token)
    async with http.house(request).database.connection() as conn:
        seen = await order_links.by_link(conn, shop_id, ids.hashed(token), http.device(request))
        if seen is None or (seen.role == "payer" and not payer):
            raise NotFound("order")
        sold_by = await bought_at.shop_of(conn, seen.order)
        return OrderLink(seen, await shops.get(conn, shop_id), token, sold_by)


async def acting(request: Request, act: str) -> OrderLink:
    """The same for an act of roles.py. Raises Refused("only_look") to whom it is not given."""
    link = await behind(request, payer=act == roles.PAY)
    if not link.seen.may(act):
        raise Refused("only_look")
    return link


async def show(request: Request) -> Response:
    """The order, or to whom a payer's link was sent the letter."""
    link = await behind(request, payer=True)
    if link.seen.role == "payer":
        return await letters.show(request, link)
    return await _page(request, link)


async def status(request: Request) -> Response:
    """The live piece of the order page."""
    return await _page(request, await behind(request), fragment="status")


async def _page(
    request: Request, link: OrderLink, *, fragment: str | None = None, no: Refused | None = None
) -> Response:
    """The order as it stands, or the gift; with `no`, why nothing came of what was asked."""
    if link.seen.role == gifts.ROLE:
        return await gift_pages.show(request, link, fragment=fragment, no=no)
    known = await _known(request, link)
    known["referred"] = link.seen.may_act and await earning.by_order(request, link.order)
    _, heard = flash.heard(request, letters.SAID) if fragment is None else ("", "")
    if no is not None or heard:
        known |= {"notice": forms.said(request, no) if no else heard, "bad": True}
    answer = pages.page(
        request,
        "storefront/order.html",
        status=409 if no else 200,
        fragment=fragment,
        private=True,
        form_targets=views.rail_origins(http.house(request)),
        **known,
    )
    if heard:
        flash.forget(request, answer)
    return answer


async def _known(request: Request, link: OrderLink) -> dict[str, Any]:
    """What the page of an order says, to whom it is shown."""
    house, locale, now = http.house(request), pages.locale_of(request), http.now(request)
    row, seen, shop, seller = link.order, link.seen, link.shop, link.shop.seller or link.shop.name
    async with house.database.connection() as conn:
        things = await orders.items(conn, row.shop_id, row.order_id)
        clocks = await timers.of(conn, row.shop_id, row.order_id)
        attempts = await payments.of_order(conn, row.shop_id, row.order_id)
        parcels, packed = await parcelling.sent(conn, row.shop_id, row.order_id)
        ways = await parcel_ways.read(conn, house.keyring, row.shop_id, row.order_id)
        history = await order_events.history(conn, row.shop_id, row.order_id)
        back = await refunds.of_order(conn, row.shop_id, row.order_id)
        asked = await cases.of_order(conn, row.shop_id, row.order_id)
        asked = [] if row.kind == "gift" else asked  # its recipient's, who is not here
        arrived_on = None if link.sold_by else await _arrived_on(conn, row)  # each shop's own day
        team = await team_links.of_order(request, conn, row)
        sent = await letters.sent(request, conn, seen)
        gift = await gift_pages.sent(request, conn, seen)
        gone = row.status == "invited" and bool(await waiting.why_gone(conn, row, now))
        off = await order_discounts.of_order(conn, row)
        after = await afterwards.read(conn, house.keyring, seen, link.token, things, now)
        facts = [await case_story.read(conn, row, each) for each in asked if each.is_open]
    shown = order_views.order(
        locale, seen, link.token, things, attempts, back, house.keyring, arrived_on, off, seller
    )
    if link.sold_by is not None:  # its own pages are where it is followed
        after = msgspec.structs.replace(after, follow="")
    parcel_views.tell(locale, shown, seen, history, (parcels, things, packed), (ways, now, seller))
    shown.people = order_views.people(locale, seen, sent, gift, link.shipper)
    return order_views.context(
        shop.zone,
        shop=_face(link),
        ships=bought_at.note(locale, link.sold_by, shop) if link.sold_by else "",
        order=shown,
        parcel=order_views.parcel(locale, parcels, history, ways, now, seller, seen),
        due=order_views.due(row, clocks, house.calendar, now, arrived_on),
        may=order_views.may(seen, clocks, asked, shown.left, now, gone=gone),
        gone=gone,
        team=team if seen.may_act else None,
        sent=sent,
        gift=gift,
        keeper=_keeper(house, attempts),
        asked=order_views.asked(
            locale, seen, link.token, asked, next(iter(facts), None), shop, now
        ),
        verify=not seen.may_act,
        after=after,
        fetch_at=_fetch_at(house, row, shop),
    )


def _face(link: OrderLink) -> views.ShopView:
    """The shop he knows; whether its money is held is with the shop whose order it is."""
    direct = link.shop.direct_settlement
    return msgspec.structs.replace(views.shop(link.bought_in), direct=direct)


async def _arrived_on(conn: db.Connection, row: Order) -> date | None:
    """The day on which the seller's bank had the money."""
    paid = await payouts.carrying(conn, row.shop_id, row.order_id) if row.received_at else None
    return await arrivals.of(conn, paid)


def _keeper(house: http.House, attempts: Sequence[Payment]) -> str:
    """Who keeps the money of the order."""
    paid = [each.gateway for each in attempts if each.outcome == "accepted"]
    return keepers.of_rails(house.settings.escrow, paid)


def _fetch_at(house: http.House, row: Order, shop: Shop) -> str:
    """Where a paid order is fetched; "" where it is sent or brought."""
    if row.way != "pickup" or row.status not in orders.PAID:
        return ""
    return "" if bringing.is_brought(house.keyring, row) else shop.pickup_place or ""


Act = Callable[[db.Connection, Order], Awaitable[object]]


async def _act(request: Request, right: str, act: Act) -> Response:
    """Do one thing with the order and show it again; a no is said on the same page."""
    link = await acting(request, right)
    try:
        await http.house(request).database.transaction(lambda conn: act(conn, link.order))
    except Refused as no:
        return await _page(request, await behind(request), no=no)
    return RedirectResponse(addresses.order(link.token), status_code=303)


async def check_receipt(request: Request) -> Response:
    """Is it all there? The money goes over only with the press on this page."""
    link = await acting(request, roles.RECEIVE)
    if link.order.status not in ("shipped", "delivered"):
        return RedirectResponse(addresses.order(link.token), status_code=303)
    return pages.page(
        request,
        "storefront/receipt.html",
        private=True,
        shop=_face(link),
        shipper=link.shipper,
        order=link.short,
        gift=link.seen.role == gifts.ROLE,
        **await _to_receive(request, link),
    )


async def _to_receive(request: Request, link: OrderLink) -> dict[str, Any]:
    """The things, and what their seller gets, which the recipient of a gift is not told."""
    async with http.house(request).database.connection() as conn:
        left = await refunding.left_of(conn, link.order)
        things = await orders.items(conn, link.shop.shop_id, link.order_id)
    drawn = order_views.thing if link.seen.may(roles.SEE_PRICE) else gift_views.thing
    return {"things": [drawn(item) for item in things], "amount": left}


async def receive(request: Request) -> Response:
    """The buyer has it all. A second press finds it done."""
    at = http.now(request)

    async def act(conn: db.Connection, order: Order) -> None:
        if order.status not in ("received", "closed"):
            await receiving.receive(conn, order.shop_id, order.order_id, by="buyer", at=at)

    return await _act(request, roles.RECEIVE, act)


async def extend(request: Request) -> Response:
    """Three more days, once."""
    at = http.now(request)
    return await _act(
        request,
        roles.RECEIVE,
        lambda conn, order: receiving.extend(conn, order.shop_id, order.order_id, at),
    )


async def not_arrived(request: Request) -> Response:
    """It did not come, whatever the courier says."""
    at = http.now(request)
    return await _act(
        request, roles.RECEIVE, lambda conn, order: delivering.object_to(conn, order, at)
    )


async def remind(request: Request) -> Response:
    """Ask the seller to ship."""
    at = http.now(request)
    return await _act(
        request,
        roles.REMIND,
        lambda conn, order: shipping.remind(conn, order.shop_id, order.order_id, at),
    )


async def cancel(request: Request) -> Response:
    """Call it off: before paying at any time, after it once the seller is late."""
    at = http.now(request)

    async def act(conn: db.Connection, order: Order) -> None:
        if order.status in orders.UNPAID:
            await paying.withdraw(conn, order.shop_id, order.order_id, at)
        elif order.status == "claiming":
            await gifting.call_off(conn, order.shop_id, order.order_id, at)
        elif order.status == "forming":
            await teaming.leave(conn, order.shop_id, order.order_id, at)
        elif order.status not in ("cancelled", "refunded"):
            await parcelling.call_off(
                conn, order.shop_id, order.order_id, by="buyer", reason="not_shipped", at=at
            )

    return await _act(request, roles.CALL_OFF, act)


async def pickup(request: Request) -> Response:
    """The code the buyer shows with the goods in hand."""
    link, keyring = await acting(request, roles.FETCH), http.house(request).keyring
    if link.order.way != "pickup" or link.order.status not in ("to_ship", "shipped"):
        return RedirectResponse(addresses.order(link.token), status_code=303)
    code = shipping.pickup_code(keyring, link.shop.shop_id, link.order_id)
    return pages.page(
        request,
        "storefront/pickup.html",
        private=True,
        shop=views.shop(link.shop),
        order=link.short,
        code=code,
        qr=views.qr(code),
        place="" if bringing.is_brought(keyring, link.order) else link.shop.pickup_place,
        gift=link.seen.role == gifts.ROLE,
    )


ROUTES = [
    Route("/o/{token}", show, methods=["GET"]),
    Route("/o/{token}/status", status, methods=["GET"]),
    Route("/o/{token}/receipt", check_receipt, methods=["GET"]),
    Route("/o/{token}/receipt", receive, methods=["POST"]),
    Route("/o/{token}/extension", extend, methods=["POST"]),
    Route("/o/{token}/objection", not_arrived, methods=["POST"]),
    Route("/o/{token}/reminder", remind, methods=["POST"]),
    Route("/o/{token}/cancellation", cancel, methods=["POST"]),
    Route("/o/{token}/pickup", pickup, methods=["GET"]),
]
