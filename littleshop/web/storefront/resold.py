"""What another shop ships: its part of the basket, and a checkout, an order and a payment of its
own, under the face of the shop that sells it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from littleshop import db, http, i18n, ids
from littleshop.catalog import provinces
from littleshop.errors import Refused
from littleshop.money import Money
from littleshop.pricing.facts import VariantFacts
from littleshop.pricing.quotes import Item, Quote
from littleshop.sale import placing, reselling
from littleshop.sale.placing import Placed, Placing
from littleshop.sale.reselling import Consignment
from littleshop.shop import shops
from littleshop.shop.shops import Shop
from littleshop.trade import carts
from littleshop.trade.carts import CartItem
from littleshop.trade.orders import Delivery
from littleshop.web import addresses, keepers, names, pages
from littleshop.web.storefront import cashier, checkouts, leaving, prefilling, views
from littleshop.web.storefront.checkouts import read_form
from littleshop.web.storefront.visitors import remember, shop_here

AT_ONCE = UUID("0d1d0c8e-8f0b-4d0f-9d5b-2f6a3f1f77c4")  # of baskets that were never filled
OWN = "own"  # what of a basket the shop ships itself, where it holds both
WAY = "courier"
Thing = Callable[[str, CartItem, VariantFacts], SimpleNamespace]


class Sold(msgspec.Struct, frozen=True):
    """A checkout of what one supplier ships and this shop sells."""

    shop: Shop
    supplier: Shop
    consignment: Consignment

    @property
    def items_text(self) -> str:
        return checkouts.items_text(self.consignment.here)


async def consignments(
    request: Request, shop: Shop, items: Sequence[Item], facts: Mapping[UUID, VariantFacts] | None
) -> dict[int, Consignment]:
    """What of these things other shops ship. Where an institution holds the money that is none: it
    splits off our share and nobody else's."""
    house = http.house(request)
    if not items or house.settings.escrow == "psp_escrow":
        return {}
    async with house.database.connection() as conn:
        return await reselling.consignments(conn, shop.shop_id, items, facts)


async def leads(request: Request, shop: Shop, items: Sequence[Item]) -> str | None:
    """Where a checkout of these things goes on; None for one that is all the shop's own."""
    found = await consignments(request, shop, items, None)
    if not found:
        return None
    here = sum(len(consignment.items) for consignment in found.values())
    if len(found) == 1 and here == len(items):
        return addresses.resold_checkout(shop.slug or "", checkouts.items_text(items))
    return addresses.basket(shop.slug or "")


async def groups(
    request: Request,
    shop: Shop,
    cart: Sequence[CartItem],
    facts: Mapping[UUID, VariantFacts],
    draw: Thing,
) -> tuple[list[SimpleNamespace], set[UUID]]:
    """The basket's parts that other shops ship, each with what it costs, and all their things."""
    items = [Item(each.variant_id, each.quantity) for each in cart if each.variant_id in facts]
    found = await consignments(request, shop, items, facts)
    told, seen = [], set()
    for consignment in found.values():
        seen |= set(consignment.own.values())
        told.append(await _group(request, shop, consignment, facts, draw))
    return told, seen


async def _group(
    request: Request,
    shop: Shop,
    consignment: Consignment,
    facts: Mapping[UUID, VariantFacts],
    draw: Thing,
) -> SimpleNamespace:
    locale, quote = pages.locale_of(request), None
    async with http.house(request).database.connection() as conn:
        supplier = await shops.get(conn, consignment.from_shop_id)
        there = await reselling.there(conn, consignment)
        things = [
            _thing(locale, item, facts[item.variant_id], there, draw) for item in consignment.here
        ]
        good = {thing.id for thing in things if thing.problem is None}
        left = _only(consignment, good)
        if left is not None and shop.status == "open":
            try:
                quote, _ = await reselling.quote(conn, left, WAY)
            except Refused:
                quote = None
    text = checkouts.items_text(left.here) if left is not None else ""
    return SimpleNamespace(
        ships=supplier.name,
        items=things,
        lines=checkouts.lines(locale, quote, views.shop(shop).seller) if quote else [],
        total=quote.total if quote else None,
        depends=quote is not None and quote.depends,
        go=addresses.resold_checkout(shop.slug or "", text),
    )


def _only(consignment: Consignment, good: set[UUID]) -> Consignment | None:
    """The same without what cannot be had; None when nothing is left."""
    items = tuple(each for each in consignment.items if consignment.own[each.variant_id] in good)
    keys = {each.variant_id for each in items}
    prices = {key: price for key, price in consignment.prices.items() if key in keys}
    return msgspec.structs.replace(consignment, items=items, prices=prices) if items else None


def _thing(
    locale: str, item: Item, fact: VariantFacts, there: Mapping[UUID, int], draw: Thing
) -> SimpleNamespace:
    known = msgspec.structs.replace(fact, spare=there.get(item.variant_id, 0))
    drawn = draw(locale, CartItem(item.variant_id, item.quantity), known)
    if item.variant_id not in there:
        drawn.problem = i18n.t(locale, "resale.basket.gone")
    return drawn


def own_part(cart_id: UUID) -> UUID:
    """By what a new attempt at the shop's own part of a basket finds the one before."""
    return ids.derived(cart_id, OWN)


async def take_out(
    request: Request, shop: Shop, device: bytes, cart_id: UUID, items: Sequence[Item]
) -> None:
    """What was ordered of a basket that holds more leaves it; the rest stays."""
    if cart_id.version != 5:  # a whole basket, which its order took with it
        return

    async def work(conn: db.Connection) -> None:
        cart = await carts.find(conn, shop.shop_id, device)
        if cart is None or own_part(cart.cart_id) != cart_id:
            return
        for item in items:
            await carts.set_quantity(conn, shop.shop_id, device, item.variant_id, 0)

    await http.house(request).database.transaction(work)


async def checkout(request: Request) -> Response:
    """GET /@SLUG/checkout/resold?only="""
    sold = await _sold(request, await shop_here(request), request.query_params.get("only", ""))
    if isinstance(sold, Response):
        return sold
    token, _ = http.make_device(request)
    form = await prefilling.known(request, sold.supplier)
    try:
        return remember(request, await _page(request, sold, form, {}), token)
    except Refused:
        return RedirectResponse(addresses.basket(sold.shop.slug or ""), status_code=303)


async def _sold(request: Request, shop: Shop, text: str) -> Sold | Response:
    """What is bought; to the basket when that is not one supplier's alone."""
    back = RedirectResponse(addresses.basket(shop.slug or ""), status_code=303)
    try:
        items = checkouts.items_of(text)
    except Refused:
        return back
    found = list((await consignments(request, shop, items, None)).values())
    if len(found) != 1 or len(found[0].items) != len(items) or shop.status != "open":
        return back
    async with http.house(request).database.connection() as conn:
        return Sold(shop, await shops.get(conn, found[0].from_shop_id), found[0])


async def _quoted(
    request: Request, sold: Sold, form: Mapping[str, str], wrong: Mapping[str, Refused]
) -> tuple[Quote, Mapping[str, Refused]]:
    """What it comes to where the form says, and what is wrong. Raises Refused."""
    async with http.house(request).database.connection() as conn:
        await reselling.need_sold(conn, sold.consignment)
        try:
            to = checkouts.region_of(form)
            return (await reselling.quote(conn, sold.consignment, WAY, to))[0], wrong
        except Refused as no:
            if no.code != "not_delivered":
                raise
            anywhere, _ = await reselling.quote(conn, sold.consignment, WAY, provinces.UNKNOWN)
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
        shop=msgspec.structs.replace(
            views.shop(shop),
            direct=supplier.direct_settlement,
            seller=views.shop(supplier).seller,
        ),
        ships=supplier.name,
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
    ways = checkouts.deliveries(locale, sold.supplier, quote, WAY, http.now(request))
    return {
        "items": checkouts.shown_items(quote),
        "provinces": views.provinces(locale),
        "deliveries": [way for way in ways if way.code == WAY],
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
    delivery, wrong = checkouts.delivery_of(form, WAY)
    wrong |= checkouts.unseen(form)
    wrong |= await cashier.stopped(request, sold.supplier, form.get("method", ""))
    if delivery is None or wrong:
        return await _page(request, sold, form, wrong)
    token, device = http.make_device(request)
    placed = await _place(request, sold, form, delivery, device)
    answer = await cashier.begin(request, sold.supplier, placed, form.get("method", ""))
    return remember(request, answer, token)


async def _recounted(request: Request, sold: Sold, form: Mapping[str, str]) -> Response:
    form, piece = checkouts.recounted(request, form)
    return await _page(request, sold, form, {}, fragment=piece)


async def _place(
    request: Request, sold: Sold, form: Mapping[str, str], delivery: Delivery, device: bytes
) -> Placed:
    """Raises Refused: too_many, cart_empty, and as reselling.place; Conflict."""
    house, at, address = http.house(request), http.now(request), http.address(request)
    http.check_limits(request, "checkout", f"{delivery.phone} {address}", device, address)
    async with house.database.connection() as conn:
        await reselling.need_sold(conn, sold.consignment)
        cart = await carts.find(conn, sold.shop.shop_id, device)
    basket = cart.cart_id if cart else ids.derived(AT_ONCE, f"{sold.shop.shop_id}:{device!r}")
    wish = Placing(
        shop_id=sold.supplier.shop_id,
        items=sold.consignment.items,
        way=WAY,
        delivery=delivery,
        total_seen=Money(checkouts.total_of(form), sold.supplier.currency),
        key=checkouts.key_of(form),
        device=device,
        address=address,
        locale=pages.locale_of(request),
        note=checkouts.plain(form.get("note", "")),
        cart_id=reselling.cart_of(basket, sold.consignment),
        said=checkouts.said_of(form),
        kind=reselling.KIND,
    )
    placed = await house.database.transaction(
        lambda conn: reselling.place(conn, house.keyring, wish, sold.consignment, at)
    )
    if cart is not None:
        part = own_part(cart.cart_id)
        await take_out(request, sold.shop, device, part, sold.consignment.here)
    return placed


async def _refused(
    request: Request, sold: Sold, form: Mapping[str, str], no: Refused
) -> Response:  # fmt: skip
    """Say why nothing was placed, where the person can go on from."""
    if no.code in ("too_many", "form_too_large"):
        raise no
    if no.code == "terms_changed":  # what was ticked before stood beside other words
        form = {name: value for name, value in form.items() if name != "no_return_seen"}
    wrong = {} if no.code == "not_delivered" else {"form": no}
    try:
        return await _page(request, sold, form, wrong)
    except Refused:  # it is gone: the basket says so
        return RedirectResponse(addresses.basket(sold.shop.slug or ""), status_code=303)


ROUTES = [
    Route("/@{slug}/checkout/resold", checkout, methods=["GET"]),
    Route("/@{slug}/checkout/resold", place, methods=["POST"]),
]
