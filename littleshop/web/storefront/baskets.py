"""The basket of one shop: what this device has put aside in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from littleshop import http, i18n
from littleshop.catalog import products
from littleshop.errors import Refused
from littleshop.money import Money
from littleshop.pricing import quotes
from littleshop.pricing.facts import VariantFacts
from littleshop.pricing.quotes import Item, Quote
from littleshop.shop.shops import Shop
from littleshop.trade import carts
from littleshop.trade.carts import CartItem
from littleshop.web import addresses, forms, pages
from littleshop.web.storefront import askers, checkouts, resold, views
from littleshop.web.storefront.checkouts import read_form
from littleshop.web.storefront.visitors import remember, shop_here


async def basket(request: Request) -> Response:
    """What this device has put aside in the shop."""
    return await show(request, await shop_here(request))


async def show(request: Request, shop: Shop, no: Refused | None = None) -> Response:
    """The basket as its things are to be had now; with `no`, why nothing came of what was asked."""
    house, locale = http.house(request), pages.locale_of(request)
    async with house.database.connection() as conn:
        cart = await carts.find(conn, shop.shop_id, http.device(request))
    items = cart.items if cart else ()
    asker = await askers.asking(request, shop) if items else None
    facts = await house.loader.facts(shop.shop_id, [item.variant_id for item in items], asker)
    parts, others = await resold.groups(request, shop, items, facts, _thing)
    things = [
        _thing(locale, item, facts[item.variant_id])
        for item in items
        if item.variant_id in facts and item.variant_id not in others
    ]
    quote = _quote(facts, things)
    apart = [] if quote else _apart(shop, facts, things)
    return pages.page(
        request,
        "storefront/basket.html",
        status=409 if no else 200,
        private=True,
        shop=views.shop(shop),
        items=things,
        lines=checkouts.lines(locale, quote, views.shop(shop).seller) if quote else [],
        hints=askers.hints(locale, quote) if quote else [],
        for_you=addresses.for_you(shop.slug or "") if shop.offers else "",
        total=quote.total if quote else None,
        depends=quote is not None and quote.depends,
        notice=forms.said(request, no) if no else None,
        bad=no is not None,
        apart=apart,
        parts=parts,
        go=_go(shop, things, parts),
        stuck="" if quote or apart else _stuck(locale, shop, things, parts),
    )


def _stuck(
    locale: str, shop: Shop, things: Sequence[SimpleNamespace], parts: Sequence[SimpleNamespace]
) -> str:
    """Why nothing of what lies here can be paid; "" when something can, or nothing lies here."""
    every = [*things, *(thing for part in parts for thing in part.items)]
    if not every or any(part.total for part in parts):
        return ""
    if shop.status != "open":
        return views.shop(shop, locale).paused or ""
    gone = all(thing.most == 0 for thing in every)
    return i18n.t(locale, "bought.basket.gone" if gone else "bought.basket.amend")


def _go(shop: Shop, things: Sequence[SimpleNamespace], parts: Sequence[SimpleNamespace]) -> str:
    """Where the things that this shop ships itself are paid."""
    good = [Item(thing.id, thing.quantity) for thing in things if thing.problem is None]
    if not parts:
        return addresses.checkout(shop.slug or "")
    return f"{addresses.checkout(shop.slug or '', checkouts.items_text(good))}&part=own"


def _thing(locale: str, item: CartItem, known: VariantFacts) -> SimpleNamespace:
    """A line of the basket; `problem` says why it cannot be bought like this."""
    most = max(known.spare, 0) if known.sold else 0
    problem = None
    if most == 0:
        problem = i18n.t(locale, "checkout.sold_out")
    elif item.quantity > most:
        problem = i18n.t(locale, "checkout.only_left", count=most)
    price = Money(known.price_minor, known.currency)
    return SimpleNamespace(
        id=item.variant_id,
        title=known.title,
        choice=known.choice,
        picture=checkouts.picture(known),
        price=price,
        sum=price * item.quantity,
        quantity=item.quantity,
        most=most,
        product_id=known.product_id,
        problem=problem,
    )


def _apart(
    shop: Shop, facts: Mapping[UUID, VariantFacts], things: Sequence[SimpleNamespace]
) -> list[SimpleNamespace]:
    """What is sent and what nobody carries are two orders: a checkout of each."""
    found = []
    for kind in ("virtual", "sent"):
        some = [each for each in things if bool(facts[each.id].virtual) == (kind == "virtual")]
        quote = _quote(facts, some)
        if quote is not None:
            items = [Item(each.id, each.quantity) for each in some if each.problem is None]
            to = addresses.checkout(shop.slug or "", checkouts.items_text(items))
            found.append(SimpleNamespace(kind=kind, url=to, total=quote.total))
    return found if len(found) > 1 else []


def _quote(facts: Mapping[UUID, VariantFacts], things: Sequence[SimpleNamespace]) -> Quote | None:
    """What all that can be bought costs; None when that is nothing."""
    good = [Item(thing.id, thing.quantity) for thing in things if thing.problem is None]
    try:
        return quotes.quote(facts, good, "courier")
    except Refused:
        return None


async def add_item(request: Request) -> Response:
    """Put a thing in the basket; "buy now" goes on to a checkout of just this thing."""
    shop, form = await shop_here(request), await read_form(request)
    if shop.status == "closed":
        return await show(request, shop, Refused("shop_closed_for_good"))
    token, device = http.make_device(request)
    item, slug = await _chosen(request, shop, form), shop.slug or ""
    if form.get("then") == "checkout":
        to = addresses.checkout(slug, checkouts.items_text([item]))
    else:
        await _put_aside(request, shop, device, item)
        to = addresses.basket(slug)
    request.app.state.counter.put_in_basket(request, shop)
    return remember(request, RedirectResponse(to, status_code=303), token)


async def _chosen(request: Request, shop: Shop, form: Mapping[str, str]) -> Item:
    """What a product's form chose. Raises Refused("variant_gone"), NotFound."""
    product_id, choice = http.uuid(form.get("product", "")), checkouts.choice_of(form)
    async with http.house(request).database.connection() as conn:
        variant = await products.chosen(conn, shop.shop_id, product_id, choice)
    return Item(variant.variant_id, checkouts.pieces(form.get("quantity") or "1"))


async def _put_aside(request: Request, shop: Shop, device: bytes, item: Item) -> None:
    """Raises Refused: quantity_wrong, cart_full."""
    at = http.now(request)
    await http.house(request).database.transaction(
        lambda conn: carts.add(conn, shop.shop_id, device, item.variant_id, item.quantity, at)
    )


async def set_item(request: Request) -> Response:
    """Have more, fewer or none of a thing in the basket."""
    shop, form = await shop_here(request), await read_form(request)
    device, quantity = http.device(request), checkouts.pieces(form.get("quantity", ""))
    variant_id = http.uuid(request.path_params["item_id"])
    if device is not None:
        await http.house(request).database.transaction(
            lambda conn: carts.set_quantity(conn, shop.shop_id, device, variant_id, quantity)
        )
    return RedirectResponse(addresses.basket(shop.slug or ""), status_code=303)


ROUTES = [
    Route("/@{slug}/basket", basket, methods=["GET"]),
    Route("/@{slug}/basket/items", add_item, methods=["POST"]),
    Route("/@{slug}/basket/items/{item_id}", set_item, methods=["POST"]),
]
