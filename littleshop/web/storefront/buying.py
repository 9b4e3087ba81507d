"""The checkout of one shop: what is bought, where it goes, what it costs, and placing the order."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from littleshop import http, ids
from littleshop.catalog import provinces
from littleshop.errors import Refused
from littleshop.money import Money
from littleshop.pricing import quotes
from littleshop.pricing.quotes import Item, Quote
from littleshop.sale import placing
from littleshop.sale.placing import Placing
from littleshop.shop.shops import Shop
from littleshop.trade import carts
from littleshop.trade.orders import Delivery
from littleshop.web import addresses, keepers, names, pages
from littleshop.web.storefront import (
    askers,
    asking,
    baskets,
    cashier,
    checkouts,
    earning,
    leaving,
    prefilling,
    resold,
    teams,
    views,
    wrapping,
)
from littleshop.web.storefront.checkouts import Bag, read_form
from littleshop.web.storefront.visitors import remember, shop_here

AT_FIELD = {"not_delivered": "province", "local_far": "place", "local_least": "place",
            "local_where": "place"}  # fmt: skip
AGAIN = Refused("coupon_unused")
AT_ONCE = UUID("5a1f0a3e-2f4e-4f0c-9a0a-7d9b1f6c2e11")  # of carts that were never filled


async def checkout(request: Request) -> Response:
    """The page on which an order is placed; with nothing to buy, the basket. The device is known
    from here on: what it orders anew takes the place of its own order, never of a stranger's."""
    shop = await shop_here(request)
    token, device = http.make_device(request)
    bag = await _bag(request, shop, device)
    if bag is None:
        return RedirectResponse(addresses.basket(shop.slug or ""), status_code=303)
    if (elsewhere := await resold.leads(request, shop, bag.items)) is not None:
        return RedirectResponse(elsewhere, status_code=303)
    try:
        asked = {name: request.query_params.get(name, "")[:40] for name in ("as", "coupon")}
        form = await prefilling.known(request, shop) | asked
        return remember(request, await _page(request, shop, bag, form, {}), token)
    except Refused as no:
        return await baskets.show(request, shop, no)


async def _bag(request: Request, shop: Shop, device: bytes) -> Bag | None:
    """Just what "buy now" was pressed for, else all of the basket; None when it is empty."""
    only = request.query_params.get("only")
    if only:
        cart_id = ids.derived(AT_ONCE, f"{shop.shop_id}:{device!r}:{only}")
        if request.query_params.get("part") == resold.OWN:
            cart_id = await _own_part(request, shop, device, cart_id)
        team = request.query_params.get("team", "")
        return Bag(checkouts.items_of(only), cart_id, team)
    async with http.house(request).database.connection() as conn:
        cart = await carts.find(conn, shop.shop_id, device)
    if cart is None or not cart.items:
        return None
    return Bag(tuple(Item(item.variant_id, item.quantity) for item in cart.items), cart.cart_id)


async def _own_part(request: Request, shop: Shop, device: bytes, otherwise: UUID) -> UUID:
    """What of a basket the shop ships itself, where another ships the rest."""
    async with http.house(request).database.connection() as conn:
        cart = await carts.find(conn, shop.shop_id, device)
    return resold.own_part(cart.cart_id) if cart else otherwise


async def _page(
    request: Request,
    shop: Shop,
    bag: Bag,
    form: Mapping[str, str],
    wrong: Mapping[str, Refused],
    *,
    fragment: str | None = None,
) -> Response:
    """The checkout with what was typed, each refusal of `wrong` said at its field."""
    house, locale, at = http.house(request), pages.locale_of(request), http.now(request)
    way = checkouts.way_of(form, shop)
    _count_code(request, form, wrong)
    quote, wrong = await _quoted(request, shop, bag, way, form, wrong)
    waits, offered = await cashier.waits(request, shop), await cashier.offered(request, shop)
    told = placing.said(quote, waits=waits)
    methods = cashier.methods(request, offered, form.get("method", ""))
    here = _here(request, shop, bag, form, quote)
    return pages.page(
        request,
        "storefront/checkout.html",
        status=409 if wrong and fragment is None else 200,
        private=True,
        fragment=fragment,
        form_targets=views.rail_origins(house),
        shop=views.shop(shop),
        action=here,
        back=_back(request, shop, quote),
        items=checkouts.shown_items(quote),
        form=SimpleNamespace(**{name: form.get(name, "") for name in checkouts.FIELDS}),
        problems=checkouts.problems(request, wrong),
        provinces=views.provinces(locale),
        deliveries=checkouts.deliveries(locale, shop, quote, quote.way, at),
        methods=methods,
        method=next((method for method in methods if method.chosen), None),
        **_sums(locale, shop, bag, form, quote),
        said=checkouts.said_text(told),
        asks_tick=checkouts.asks_tick(told),
        ticked=form.get("no_return_seen") == "yes",
        key=form.get("key") or checkouts.fresh_key(),
        items_text=checkouts.items_text(bag.items),
        cart_id=bag.cart_id,
        team=bag.team,
        gift=await wrapping.shown(request, shop, bag, form),
        asking=None if wrapping.is_gift(form) else await asking.shown(request, shop, bag, form),
        out=leaving.out(request, names.public_url(request, stay=True) + here),
        registering=waits,
        referred=await earning.somebody_earns(request, shop.shop_id),
        keeper=keepers.of_rails(house.settings.escrow, [way.gateway for way in offered]),
    )


def _here(request: Request, shop: Shop, bag: Bag, form: Mapping[str, str], quote: Quote) -> str:
    """The address of this page wherever it is opened: what is bought and how, nobody's name, and
    no coupon that gives nothing. Its form posts there, so that the address bar still holds it when
    the page is drawn anew."""
    code = askers.code_of(form)
    asked = {
        "only": checkouts.items_text(bag.items),
        "team": bag.team,
        "as": form.get("as", ""),
        "coupon": "" if askers.is_unused(quote, code) else code,
        "part": request.query_params.get("part", ""),
    }
    told = urlencode({name: value for name, value in asked.items() if value})
    return f"{addresses.checkout(shop.slug or '')}?{told}"


def _back(request: Request, shop: Shop, quote: Quote) -> str:
    """To the thing that is bought alone, else to the basket."""
    things = {line.facts.product_id for line in quote.lines if line.facts is not None}
    slug = shop.slug or ""
    if len(things) == 1 and "only" in request.query_params:
        return addresses.product(slug, things.pop())
    return addresses.basket(slug)


def _sums(
    locale: str, shop: Shop, bag: Bag, form: Mapping[str, str], quote: Quote
) -> dict[str, Any]:
    """The receipt, and the coupon that can be typed where there are any."""
    unused, nothing = askers.is_unused(quote, askers.code_of(form)), Money(0, shop.currency)
    off = sum((-line.amount for line in quote.lines if line.kind == "coupon"), nothing)
    typed = SimpleNamespace(code=form.get("coupon", ""), unused=unused, off=off or None)
    return {
        "lines": checkouts.lines(locale, quote, views.shop(shop).seller),
        "hints": askers.hints(locale, quote),
        "coupon": typed if shop.offers and not bag.team else None,
        "total": quote.total,
        "depends": quote.depends,
        "nothing_sent": quote.way == "none",
        "virtual": quote.way == "none",
    }


def _count_code(request: Request, form: Mapping[str, str], wrong: Mapping[str, Refused]) -> None:
    """Who asks phone after phone what a code takes off would learn who bought here: every answer
    that places nothing counts, whatever else is wrong with the form. Raises Refused: too_many."""
    if wrong and askers.code_of(form):
        http.check_limits(request, "coupon", http.address(request))


def _by_phone(wrong: Mapping[str, Refused]) -> bool:
    """Whether the sums are those of the phone that was typed: placing has looked at it."""
    return not wrong.keys().isdisjoint(("form", "coupon"))


async def _quoted(
    request: Request,
    shop: Shop,
    bag: Bag,
    way: str,
    form: Mapping[str, str],
    wrong: Mapping[str, Refused],
) -> tuple[Quote, Mapping[str, Refused]]:
    """What it comes to where the form says, and what is wrong with the form; to where nothing is
    sent that is said at the province. Raises Refused."""
    to, placing = checkouts.region_of(form), _by_phone(wrong)
    try:
        return await _quote(request, shop, bag, way, form, to, placing=placing), wrong
    except Refused as no:
        if no.code not in AT_FIELD:
            raise
        anywhere = await _quote(request, shop, bag, way, form, provinces.UNKNOWN, placing=placing)
        return anywhere, {**wrong, AT_FIELD[no.code]: no}


async def _quote(
    request: Request,
    shop: Shop,
    bag: Bag,
    way: str,
    form: Mapping[str, str],
    to: str,
    *,
    placing: bool,
) -> Quote:
    """What it comes to now for who asks, sent to this province; `placing`, by the phone that was
    typed too. Raises Refused."""
    only = [item.variant_id for item in bag.items]
    asker = await askers.asking(request, shop, form, placing=placing, cart_id=bag.cart_id)
    facts = await http.house(request).loader.facts(shop.shop_id, only, asker)
    agreed = await teams.agreed(request, shop, bag.team, facts)
    return quotes.quote(facts, bag.items, way, agreed, askers.code_of(form), to)


async def place(request: Request) -> Response:
    """Place the order of the page, or answer a smaller button (split, quote, gift, own)."""
    shop, form = await http.door(request), await read_form(request)
    bag = checkouts.bag_of(form)
    if form.get("then") in ("split", "quote", "gift", "own"):
        return await _recounted(request, shop, bag, form)
    delivery, wrong = checkouts.delivery_of(form, checkouts.way_of(form, shop))
    wrong |= asking.unsigned(form) | await _stopped(request, shop, bag, form)
    if delivery is None or wrong:
        return await _page(request, shop, bag, form, wrong)
    token, device = http.make_device(request)
    try:
        placed = await _place(request, shop, bag, form, delivery, device)
    except Refused as no:
        return await _refused(request, shop, bag, form, no)
    await resold.take_out(request, shop, device, bag.cart_id, bag.items)
    return remember(request, await _on(request, shop, placed, form), token)


async def _unused(
    request: Request, shop: Shop, bag: Bag, form: Mapping[str, str]
) -> dict[str, Refused]:
    """What is wrong with a coupon that was typed and takes nothing off, said once before anybody
    pays without it: the page that says it posts back that it did."""
    code = askers.code_of(form)
    if not code or askers.code_of({"coupon": form.get("coupon_seen", "")}) == code:
        return {}
    try:
        way = checkouts.way_of(form, shop)
        quote, _ = await _quoted(request, shop, bag, way, form, {"form": AGAIN})
    except Refused:
        return {}  # what else is wrong is said by placing
    return {"coupon": AGAIN} if askers.is_unused(quote, code) else {}


async def _stopped(
    request: Request, shop: Shop, bag: Bag, form: Mapping[str, str]
) -> dict[str, Refused]:
    """What is wrong with the tick, the coupon and the way to pay; whoever has others pay needs no
    way. Raises Refused."""
    wrong = checkouts.unseen(form) | await _unused(request, shop, bag, form)
    if asking.kind_of(form):
        return wrong
    return wrong | await cashier.stopped(request, shop, form.get("method", ""))


async def _on(
    request: Request, shop: Shop, placed: placing.Placed, form: Mapping[str, str]
) -> Response:
    """To pay; to the order's page when others pay it, or its shop cannot be paid yet."""
    if asking.kind_of(form) or await cashier.waits(request, shop):
        return RedirectResponse(addresses.order(placed.token), status_code=303)
    return await cashier.begin(request, shop, placed, form.get("method", ""))


async def _recounted(request: Request, shop: Shop, bag: Bag, form: Mapping[str, str]) -> Response:
    """The page with its sums anew, and with the pasted address in its fields when that was asked
    for; a script gets only the piece with the sums."""
    form, piece = checkouts.recounted(request, form)
    return await _page(request, shop, bag, wrapping.turned(form), {}, fragment=piece)


async def _place(
    request: Request,
    shop: Shop,
    bag: Bag,
    form: Mapping[str, str],
    delivery: Delivery,
    device: bytes,
) -> placing.Placed:
    """Raises Refused: too_many, cart_empty, and as placing.place."""
    house, at = http.house(request), http.now(request)
    checkouts.count(request, delivery, device)
    wish = Placing(
        shop_id=shop.shop_id,
        items=bag.items,
        way=checkouts.way_of(form, shop),
        delivery=delivery,
        total_seen=Money(checkouts.total_of(form), shop.currency),
        key=checkouts.key_of(form),
        device=device,
        address=http.address(request),
        locale=pages.locale_of(request),
        note=checkouts.plain(form.get("note", "")),
        cart_id=bag.cart_id,
        share_code=await views.credit(request, shop.shop_id, device, delivery.phone),
        said=checkouts.said_of(form),
        waits=await cashier.waits(request, shop),
        spot=checkouts.spot_of(form),
        asker=await askers.asking(request, shop, form, placing=True, cart_id=bag.cart_id),
    )
    if wrapping.is_gift(form):
        return await wrapping.place(request, shop, bag, form, wish)
    if asking.kind_of(form):
        return await asking.place(request, shop, bag, form, wish)
    if not bag.team:
        return await placing.place(house.flusher, house.loader, house.keyring, wish, at)
    facts = await house.loader.facts(shop.shop_id, [item.variant_id for item in bag.items])
    seat = msgspec.structs.replace(wish, kind="team", cart_id=None)
    return await teams.place(request, bag.team, seat, facts)


async def _refused(
    request: Request, shop: Shop, bag: Bag, form: Mapping[str, str], no: Refused
) -> Response:
    """Say why nothing was placed, where the person can go on from."""
    if no.code in (
        "price_changed",
        "field_too_long",
        "claim_gone",
        "claim_held",
    ):  # as it is now, everything typed is kept
        return await _page(request, shop, bag, form, {"form": no})
    if no.code in AT_FIELD:
        return await _page(request, shop, bag, form, {})
    if no.code == "terms_changed":  # what was ticked before stood beside other words
        again = {name: value for name, value in form.items() if name != "no_return_seen"}
        return await _page(request, shop, bag, again, {"form": no})
    if no.code in ("too_many", "form_too_large"):
        raise no
    if no.code.startswith("team_") and no.code != "team_gone":
        return await _page(request, shop, bag, form, {"form": no})
    return await baskets.show(request, shop, no)


ROUTES = [
    Route("/@{slug}/checkout", checkout, methods=["GET"]),
    Route("/@{slug}/checkout", place, methods=["POST"]),
]
