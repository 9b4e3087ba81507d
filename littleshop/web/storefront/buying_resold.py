"""Buying what another shop ships: a checkout, an order and a payment of its own, under the face of
the shop that sells it."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from littleshop import http, ids
from littleshop.catalog import provinces
from littleshop.errors import Refused
from littleshop.money import Money
from littleshop.pricing.quotes import Quote
from littleshop.sale import placing, reselling
from littleshop.sale.placing import Placed, Placing
from littleshop.sale.reselling import Consignment
from littleshop.shop import shops
from littleshop.shop.shops import Shop
from littleshop.trade import carts
from littleshop.trade.orders import Delivery
from littleshop.web import addresses, keepers, names, pages
from littleshop.web.storefront import (
    baskets,
    bought_at,
    cashier,
    checkouts,
    leaving,
    prefilling,
    resold,
    views,
)
from littleshop.web.storefront.checkouts import read_form
from littleshop.web.storefront.visitors import remember, shop_here

AT_ONCE = UUID("0d1d0c8e-8f0b-4d0f-9d5b-2f6a3f1f77c4")  # of baskets that were never filled


class Sold(msgspec.Struct, frozen=True):
    """A checkout of what one supplier ships and this shop sells."""

    shop: Shop
    supplier: Shop
    consignment: Consignment

    @property
    def items_text(self) -> str:
        return checkouts.items_text(self.consignment.here)


async def checkout(request: Request) -> Response:
    """GET /@SLUG/checkout/resold?only="""
    sold = await _sold(request, await shop_here(request), request.query_params.get("only", ""))
    if isinstance(sold, Response):
        return sold
    token, _ = http.make_device(request)
    form = await prefilling.known(request, sold.supplier)
    try:
        return remember(request, await _page(request, sold, form, {}), token)
    except Refused as no:
        return await baskets.show(request, sold.shop, no)


async def _sold(request: Request, shop: Shop, text: str) -> Sold | Response:
    """What is bought; to the basket when that is not one supplier's alone."""
    back = RedirectResponse(addresses.basket(shop.slug or ""), status_code=303)
    try:
        items = checkouts.items_of(text)
    except Refused:
        return back
    found = list((await resold.consignments(request, shop, items, None)).values())
    if len(found) != 1 or len(found[0].items) != len(items):
        return back
    async with http.house(request).database.connection() as conn:
        return Sold(shop, await shops.get(conn, found[0].from_shop_id), found[0])


async def _quoted(
    request: Request, sold: Sold, form: Mapping[str, str], wrong: Mapping[str, Refused]
) -> tuple[Quote, Mapping[str, Refused]]:
    """What it comes to where the form says, and what is wrong. Raises Refused."""
    async with http.house(request).database.connection() as conn:
        await reselling.need_sold(conn, sold.consignment)
        shelf = await reselling.look(conn, sold.consignment)
    try:
        to = checkouts.region_of(form)
        return reselling.quote(sold.consignment, shelf, resold.WAY, to)[0], wrong
    except Refused as no:
        if no.code != "not_delivered":
            raise
        anywhere, _ = reselling.quote(sold.consignment, shelf, resold.WAY, provinces.UNKNOWN)
        return anywhere, {**wrong, "province": no}


async def _page(
    request: Request,
    sold: Sold,
    form: Mapping[str, str],
    wrong: Mapping[str, Refused],
    *,
    fragment: str | None = None,
) -> Response:
    """The checkout with what was typed, each refusal of `wrong` said at its field."""
    house, shop, supplier = http.house(request), sold.shop, sold.supplier
    quote, wrong = await _quoted(request, sold, form, wrong)
    offered = await cashier.offered(request, supplier)
    methods = cashier.methods(request, offered, form.get("method", ""))
    return pages.page(
        request,
        "storefront/checkout.html",
        status=409 if wrong and fragment is None else 200,
        private=True,
        fragment=fragment,
        form_targets=views.rail_origins(house),
        shop=msgspec.structs.replace(views.shop(shop), direct=supplier.direct_settlement),
        ships=bought_at.shipper(pages.locale_of(request), supplier),
        action=addresses.resold_checkout(shop.slug or "", sold.items_text),
        form=SimpleNamespace(**{name: form.get(name, "") for name in checkouts.FIELDS}),
        problems=checkouts.problems(request, wrong),
        methods=methods,
        method=next((method for method in methods if method.chosen), None),
        **_drawn(request, sold, quote),
        ticked=form.get("no_return_seen") == "yes",
        key=form.get("key") or checkouts.fresh_key(),
        out=leaving.out(request, _link(request, sold)),
        keeper=keepers.of_rails(house.settings.escrow, [way.gateway for way in offered]),
    )


def _drawn(request: Request, sold: Sold, quote: Quote) -> dict[str, Any]:
    """What of the page says what is bought, and what it costs."""
    locale, told = pages.locale_of(request), placing.said(quote, waits=False)
    ways = checkouts.deliveries(locale, sold.supplier, quote, resold.WAY, http.now(request))
    return {
        "items": checkouts.shown_items(quote),
        "provinces": views.provinces(locale),
        "deliveries": [way for way in ways if way.code == resold.WAY],
        "lines": checkouts.lines(locale, quote, views.shop(sold.shop).seller),
        "total": quote.total,
        "depends": quote.depends,
        "said": checkouts.said_text(told),
        "asks_tick": checkouts.asks_tick(told),
        "items_text": sold.items_text,
        "cart_id": "",
        "team": "",
        "registering": False,
    }


def _link(request: Request, sold: Sold) -> str:
    """The page's whole address, for another browser."""
    public = names.public_url(request, stay=True)
    return public + addresses.resold_checkout(sold.shop.slug or "", sold.items_text)


async def place(request: Request) -> Response:
    """POST /@SLUG/checkout/resold: place the order and go to pay, or a smaller button"""
    shop, form = await http.door(request), await read_form(request)
    sold = await _sold(request, shop, form.get("items", ""))
    if isinstance(sold, Response):
        return sold
    try:
        if form.get("then") in ("split", "quote"):
            return await _recounted(request, sold, form)
        return await _ordered(request, sold, form)
    except Refused as no:
        return await _refused(request, sold, form, no)


async def _ordered(request: Request, sold: Sold, form: Mapping[str, str]) -> Response:
    delivery, wrong = checkouts.delivery_of(form, resold.WAY)
    wrong |= checkouts.unseen(form)
    wrong |= await cashier.stopped(request, sold.supplier, form.get("method", ""))
    if delivery is None or wrong:
        return await _page(request, sold, form, wrong)
    token, device = http.make_device(request)
    placed = await _place(request, sold, form, delivery, device)
    method = form.get("method", "")
    answer = await cashier.begin(request, sold.supplier, placed, method, sold_by=sold.shop)
    return remember(request, answer, token)


async def _recounted(request: Request, sold: Sold, form: Mapping[str, str]) -> Response:
    form, piece = checkouts.recounted(request, form)
    return await _page(request, sold, form, {}, fragment=piece)


async def _place(
    request: Request, sold: Sold, form: Mapping[str, str], delivery: Delivery, device: bytes
) -> Placed:
    """Raises Refused: too_many, cart_empty, and as reselling.place; Conflict."""
    house, at = http.house(request), http.now(request)
    checkouts.count(request, delivery, device)
    async with house.database.connection() as conn:
        cart = await carts.find(conn, sold.shop.shop_id, device)
    basket = cart.cart_id if cart else ids.derived(AT_ONCE, f"{sold.shop.shop_id}:{device!r}")
    wish = Placing(
        shop_id=sold.supplier.shop_id,
        items=sold.consignment.items,
        way=resold.WAY,
        delivery=delivery,
        total_seen=Money(checkouts.total_of(form), sold.supplier.currency),
        key=checkouts.key_of(form),
        device=device,
        address=http.address(request),
        locale=pages.locale_of(request),
        note=checkouts.plain(form.get("note", "")),
        cart_id=reselling.cart_of(basket, sold.consignment),
        said=checkouts.said_of(form),
        kind=reselling.KIND,
    )
    placed = await reselling.place(house.database, house.keyring, wish, sold.consignment, at)
    if cart is not None:
        part = resold.own_part(cart.cart_id)
        await resold.take_out(request, sold.shop, device, part, sold.consignment.here)
    return placed


async def _refused(request: Request, sold: Sold, form: Mapping[str, str], no: Refused) -> Response:
    """Say why nothing was placed, where the person can go on from."""
    if no.code in ("too_many", "form_too_large"):
        raise no
    if no.code == "terms_changed":  # what was ticked before stood beside other words
        form = {name: value for name, value in form.items() if name != "no_return_seen"}
    wrong = {} if no.code == "not_delivered" else {"form": no}
    try:
        return await _page(request, sold, form, wrong)
    except Refused as gone:  # nothing of the checkout can be drawn
        return await baskets.show(request, sold.shop, gone)


ROUTES = [
    Route("/@{slug}/checkout/resold", checkout, methods=["GET"]),
    Route("/@{slug}/checkout/resold", place, methods=["POST"]),
]
