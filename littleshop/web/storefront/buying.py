"""The basket and the checkout of one shop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from littleshop import db, http, i18n, ids
from littleshop.catalog import products
from littleshop.errors import NotFound, Refused
from littleshop.money import Money
from littleshop.pricing import quotes
from littleshop.pricing.quotes import Item, Quote
from littleshop.sale import placing
from littleshop.sale.placing import Placing
from littleshop.shop import shops
from littleshop.shop.shops import Shop
from littleshop.trade import carts, regions
from littleshop.trade.orders import Delivery
from littleshop.web import addresses, pages
from littleshop.web.storefront import checkouts, orders, views
from littleshop.web.storefront.checkouts import read_form

AT_ONCE = UUID("5a1f0a3e-2f4e-4f0c-9a0a-7d9b1f6c2e11")  # of carts that were never filled


async def shop_here(request: Request) -> Shop:
    """The open or paused shop of the address. Raises NotFound."""
    async with http.house(request).database.connection() as conn:
        shop = await shops.by_slug(conn, request.path_params["slug"])
    if shop is None or shop.status == "opening":
        raise NotFound("shop")
    return shop


async def basket(request: Request) -> Response:
    """What this device has put aside in the shop."""
    return await _basket(request, await shop_here(request))


async def _basket(
    request: Request, shop: Shop, *, notice: str | None = None, status: int = 200
) -> Response:
    house, locale = http.house(request), pages.locale_of(request)
    async with house.database.connection() as conn:
        cart = await carts.find(conn, shop.shop_id, http.device(request))
    wanted = cart.items if cart else ()
    facts = await house.loader.facts(shop.shop_id, [item.variant_id for item in wanted])
    shown, good = [], []
    for item in wanted:
        known = facts.get(item.variant_id)
        if known is None:
            continue
        most = max(known.spare, 0) if known.sold else 0
        problem = None
        if most == 0:
            problem = i18n.t(locale, "checkout.sold_out")
        elif item.quantity > most:
            problem = i18n.t(locale, "checkout.only_left", count=most)
        else:
            good.append(Item(item.variant_id, item.quantity))
        price = Money(known.price_minor, known.currency)
        shown.append(
            SimpleNamespace(
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
        )
    quote = _quote_or_none(facts, good)
    return pages.page(
        request,
        "storefront/basket.html",
        status=status,
        private=True,
        shop=views.shop(shop),
        items=shown,
        lines=checkouts.lines(locale, quote) if quote else [],
        total=quote.total if quote else None,
        notice=notice,
        bad=status >= 400,
    )


def _quote_or_none(facts: Mapping[UUID, object], items: Sequence[Item]) -> Quote | None:
    try:
        return quotes.quote(facts, items, "courier")  # type: ignore[arg-type]
    except Refused:
        return None


async def add_item(request: Request) -> Response:
    """Put a thing in the basket; "buy now" goes on to the checkout."""
    shop, form = await shop_here(request), await read_form(request)
    house, at = http.house(request), http.now(request)
    token, device = http.make_device(request)
    quantity = form.get("quantity") or "1"

    pieces = int(quantity) if quantity.isdecimal() and len(quantity) < 5 else 0
    at_once = form.get("then") == "checkout"  # buys exactly this, whatever lies in the basket

    async def work(conn: db.Connection) -> Item:
        item = Item(await _variant(conn, shop, form), pieces)
        if not at_once:
            await carts.add(conn, shop.shop_id, device, item.variant_id, pieces, at)
        return item

    item = await house.database.transaction(work)
    request.app.state.counter.put_in_basket(request, shop)
    to = addresses.checkout(shop.slug or "", checkouts.items_text([item]) if at_once else None)
    to = to if at_once else addresses.basket(shop.slug or "")
    answer = RedirectResponse(to, status_code=303)
    if token:
        http.set_cookie(request, answer, http.DEVICE, token)
    return answer


async def _variant(conn: db.Connection, shop: Shop, form: Mapping[str, str]) -> UUID:
    """The variant a product form chose. Raises Refused("variant_gone"), NotFound."""
    product = await products.get(conn, shop.shop_id, http.uuid(form.get("product", "")))
    chosen = tuple(form.get(f"option_{place}", "") for place in range(len(product.options)))
    on_sale = product.status == "on_sale"
    for variant in await products.variants(conn, shop.shop_id, product.product_id):
        if on_sale and variant.choice == chosen:
            return variant.variant_id
    raise Refused("variant_gone", title=product.title)


async def set_item(request: Request) -> Response:
    """Have more, fewer or none of a thing in the basket."""
    shop, form = await shop_here(request), await read_form(request)
    device, text = http.device(request), form.get("quantity", "")
    variant_id = http.uuid(request.path_params["item_id"])
    if device is not None:
        pieces = int(text) if text.isdecimal() and len(text) < 5 else -1
        await http.house(request).database.transaction(
            lambda conn: carts.set_quantity(conn, shop.shop_id, device, variant_id, pieces)
        )
    return RedirectResponse(addresses.basket(shop.slug or ""), status_code=303)


async def checkout(request: Request) -> Response:
    """The page on which an order is placed."""
    shop = await shop_here(request)
    device = http.device(request)
    only = request.query_params.get("only")
    if only:
        items = checkouts.items_of(only)
        cart_id = ids.derived(AT_ONCE, f"{shop.shop_id}:{device!r}:{only}")
    else:
        async with http.house(request).database.connection() as conn:
            cart = await carts.find(conn, shop.shop_id, device)
        if cart is None or not cart.items:
            return RedirectResponse(addresses.basket(shop.slug or ""), status_code=303)
        items = tuple(Item(item.variant_id, item.quantity) for item in cart.items)
        cart_id = cart.cart_id
    try:
        return await _checkout(request, shop, items, cart_id, {}, {})
    except Refused as no:
        return await _basket(request, shop, notice=_said(request, no), status=409)


def _said(request: Request, no: Refused) -> str:
    return i18n.t(pages.locale_of(request), f"errors.{no.code}", **no.details)


async def _checkout(
    request: Request,
    shop: Shop,
    items: tuple[Item, ...],
    cart_id: UUID,
    form: Mapping[str, str],
    problems: Mapping[str, str],
    *,
    fragment: str | None = None,
) -> Response:
    house, locale, at = http.house(request), pages.locale_of(request), http.now(request)
    way = checkouts.WAYS.get(form.get("delivery", "courier"), "courier")
    facts = await house.loader.facts(shop.shop_id, [item.variant_id for item in items])
    quote = quotes.quote(facts, items, way)
    methods = orders.methods(request, form.get("method", "alipay"))
    fields = {name: form.get(name, "") for name in checkouts.FIELDS}
    said = {name: problems.get(name) for name in (*checkouts.FIELDS, "method", "form")}
    return pages.page(
        request,
        "storefront/checkout.html",
        status=409 if problems else 200,
        private=True,
        fragment=fragment,
        form_targets=orders.rail_origins(request),
        shop=views.shop(shop),
        items=checkouts.shown_items(quote),
        form=SimpleNamespace(**fields),
        problems=SimpleNamespace(**said),
        provinces=regions.provinces(),
        deliveries=checkouts.deliveries(locale, shop, quote, way, at),
        methods=methods,
        method=next((method for method in methods if method.chosen), None),
        lines=checkouts.lines(locale, quote),
        total=quote.total,
        key=form.get("key") or checkouts.fresh_key(),
        items_text=checkouts.items_text(items),
        cart_id=cart_id,
        link=house.settings.public_url
        + addresses.checkout(shop.slug or "", checkouts.items_text(items)),
        registering=False,
    )


async def place(request: Request) -> Response:
    """Place the order of the page, or answer one of its helpers (split, quote)."""
    shop, form = await http.door(request), await read_form(request)
    items, cart_id = checkouts.items_of(form.get("items", "")), http.uuid(form.get("cart", ""))
    if form.get("then") == "split":
        found = regions.parse_address(form.get("pasted", ""))
        form |= {name: value for name, value in views.address(found).items() if value}
    if form.get("then") in ("split", "quote"):
        piece = "sums" if request.headers.get("hx-request") else None
        return await _checkout(request, shop, items, cart_id, form, {}, fragment=piece)
    way = checkouts.WAYS.get(form.get("delivery", ""), "courier")
    if way == "pickup" and not shop.pickup_place:
        way = "courier"
    delivery, wrong = checkouts.delivery_of(form, way)
    if delivery is None:
        told = {name: _said(request, no) for name, no in wrong.items()}
        return await _checkout(request, shop, items, cart_id, form, told)
    token, device = http.make_device(request)
    try:
        placed = await _place(request, shop, form, items, cart_id, way, delivery, device)
    except Refused as no:
        return await _refused(request, shop, form, items, cart_id, no)
    answer = await orders.begin_payment(
        request, shop, placed.order_id, placed.token, form.get("method", "alipay")
    )
    if token:
        http.set_cookie(request, answer, http.DEVICE, token)
    return answer


async def _place(
    request: Request,
    shop: Shop,
    form: Mapping[str, str],
    items: tuple[Item, ...],
    cart_id: UUID,
    way: str,
    delivery: Delivery,
    device: bytes,
) -> placing.Placed:
    house, at = http.house(request), http.now(request)
    http.check_limits(request, "checkout", delivery.phone, device, http.address(request))
    total, key = form.get("total", ""), form.get("key", "")
    if not (total.isascii() and total.isdigit() and len(total) < 16 and 16 <= len(key) <= 64):
        raise Refused("cart_empty")
    wish = Placing(
        shop_id=shop.shop_id,
        items=items,
        way=way,
        delivery=delivery,
        total_seen=Money(int(total), shop.currency),
        key=key,
        device=device,
        locale=pages.locale_of(request),
        note=checkouts.plain(form.get("note", "")),
        cart_id=cart_id,
        share_code=await views.credit(request, shop.shop_id, device, delivery.phone),
    )
    return await placing.place(house.flusher, house.loader, house.keyring, wish, at)


async def _refused(
    request: Request,
    shop: Shop,
    form: Mapping[str, str],
    items: tuple[Item, ...],
    cart_id: UUID,
    no: Refused,
) -> Response:
    """Say why nothing was placed, where the person can go on from."""
    if no.code == "price_changed":  # shown anew with the price of now, everything typed is kept
        return await _checkout(request, shop, items, cart_id, form, {"form": _said(request, no)})
    if no.code in ("too_many", "form_too_large"):
        raise no
    return await _basket(request, shop, notice=_said(request, no), status=409)


ROUTES = [
    Route("/@{slug}/basket", basket, methods=["GET"]),
    Route("/@{slug}/basket/items", add_item, methods=["POST"]),
    Route("/@{slug}/basket/items/{item_id}", set_item, methods=["POST"]),
    Route("/@{slug}/checkout", checkout, methods=["GET"]),
    Route("/@{slug}/checkout", place, methods=["POST"]),
]
