"""Selling what another shop ships: putting it up, its price, and what became of what was bought."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from littleshop import db, http
from littleshop.catalog import products, resold
from littleshop.catalog.resold import Listing
from littleshop.errors import NotFound, Refused
from littleshop.http import AtWork
from littleshop.i18n import SIGNS
from littleshop.sale import carrying, listing_resold
from littleshop.sale.listing_resold import Ware
from littleshop.shop import shops
from littleshop.supply import low, resale_offers
from littleshop.supply.resale_offers import Price
from littleshop.web import addresses, forms
from littleshop.web.console import frame, resold_form, resold_orders
from littleshop.web.console.reselling import need_platform_holds
from littleshop.web.console.resold_form import PricedVariant, Typed
from littleshop.web.forms import Form


async def offer(request: Request) -> Response:
    """GET root/resell/SHOP/PRODUCT?with=TOKEN: sell this in my shop"""
    need_platform_holds(request)
    work = await http.at_work(request)
    ware = await _ware(request, work)
    if (known := await _stands(request, work, ware)) is not None:
        return RedirectResponse(_here(work, known.product_id), status_code=303)
    return await _form(request, work, ware, {}, {})


async def _stands(request: Request, work: AtWork, ware: Ware) -> Listing | None:
    """What she sells of this already, as it is offered by now."""
    async with http.house(request).database.connection() as conn:
        known = await resold.of_supplier(
            conn, work.shop.shop_id, ware.shop.shop_id, ware.product.product_id
        )
    stands = known is not None and known.ended_at is None
    if known is None or not stands or listing_resold.is_stale(known, ware.offer):
        return None
    return known


async def brought(request: Request, work: AtWork) -> dict[str, str] | None:
    """The product on whose page the opening of this shop began, where others may sell it."""
    shop = work.shop
    if shop.brought_by_shop_id is None or shop.brought_by_product_id is None:
        return None
    try:
        need_platform_holds(request)
        async with http.house(request).database.connection() as conn:
            ware = await listing_resold.ware(
                conn, shop.brought_by_shop_id, shop.brought_by_product_id, for_shop=None
            )
    except NotFound:
        return None
    to = f"{frame.root(shop)}/resell/{shop.brought_by_shop_id}/{shop.brought_by_product_id}"
    return {"title": ware.product.title, "shop": ware.shop.name, "url": to}


async def _ware(request: Request, work: AtWork) -> Ware:
    """Raises NotFound for what this shop may not sell."""
    supplier = http.number(request.path_params["from_shop"])
    product_id, token = http.uuid(request.path_params["product_id"]), _token(request)
    async with http.house(request).database.connection() as conn:
        ware = await listing_resold.ware(
            conn, supplier, product_id, for_shop=work.shop.shop_id, token=token
        )
    if supplier == work.shop.shop_id:
        raise NotFound("product")
    return ware


def _token(request: Request) -> str:
    return request.query_params.get("with", "")[:100]


def _here(work: AtWork, product_id: UUID) -> str:
    return f"{frame.root(work.shop)}/goods/{product_id}/resold"


async def _form(
    request: Request,
    work: AtWork,
    ware: Ware,
    typed: Mapping[str, str],
    errors: Mapping[str, str],
    status: int = 200,
) -> Response:
    token = _token(request)
    return await frame.page(
        request,
        work,
        "resell.html",
        "goods",
        status=status,
        product={
            "title": ware.product.title,
            "picture_url": frame.picture(ware.pictures[0].file) if ware.pictures else "",
            "url": addresses.product(ware.shop.slug or "", ware.product.product_id),
        },
        supplier=ware.shop.name,
        **resold_form.context(await _offered(request, ware), typed),
        action=request.url.path + (f"?with={quote(token)}" if token else ""),
        errors=errors,
        sign=SIGNS.get(work.shop.currency, work.shop.currency),
    )


async def _offered(request: Request, ware: Ware) -> list[PricedVariant]:
    """The kinds that he offers, by his ids."""
    async with http.house(request).database.connection() as conn:
        left = await low.left(conn, ware.shop.shop_id, ware.product.product_id)
    return [
        PricedVariant(
            each.variant_id, " · ".join(each.choice), ware.offer.prices[each.variant_id],
            each.price_minor, each.currency, left.get(each.variant_id, 0),
        )
        for each in ware.offered
    ]  # fmt: skip


async def put_up(request: Request) -> Response:
    """POST root/resell/SHOP/PRODUCT: more, by=percent|sum, price-N, title, description"""
    need_platform_holds(request)
    work, form = await http.at_work(request), await forms.read(request)
    ware = await _ware(request, work)
    typed = resold_form.read(request, form, await _offered(request, ware))
    if not typed.errors:
        try:
            return await _done(request, work, await _put_up(request, work, ware, typed), typed)
        except Refused as no:
            if (known := await _stands(request, work, ware)) is not None:
                return await _done(request, work, known.product_id, typed)
            typed.errors = {"price-0": frame.sentence(request, no)}
    return await _form(request, work, ware, typed.fields, typed.errors, 422)


async def _done(request: Request, work: AtWork, product_id: UUID, typed: Typed) -> Response:
    """It stands there: by this press, or by an equal one (the second half of a double click). What
    stood there at other prices changes on its own page."""
    async with http.house(request).database.connection() as conn:
        kinds = await resold.kinds(conn, work.shop.shop_id, product_id)
        rows = await products.variants(conn, work.shop.shop_id, product_id)
    theirs = {each.variant_id: each.from_variant_id for each in kinds}
    asked = {theirs[each.variant_id]: each.price_minor for each in rows}
    here = _here(work, product_id)
    if asked == typed.prices:
        return frame.go(request, here, "resale_listed")
    return frame.refuse(request, here, Refused("resale_listed_already"))


async def _put_up(request: Request, work: AtWork, ware: Ware, typed: Typed) -> UUID:
    """Raises Refused: as listing_resold.put_up."""
    at, by = http.now(request), work.person.person_id
    return await http.house(request).database.transaction(
        lambda conn: listing_resold.put_up(
            conn, work.shop.shop_id, ware, typed.prices, at, by, words=typed.words
        )
    )


async def page(request: Request) -> Response:
    """GET root/goods/ID/resold"""
    work = await http.at_work(request)
    return await _listing_page(request, work, {}, {})


async def _listing(conn: db.Connection, request: Request, work: AtWork) -> Listing:
    product_id = http.uuid(request.path_params["product_id"])
    listing = await resold.get(conn, work.shop.shop_id, product_id)
    if listing is None:
        raise NotFound("product")
    return listing


async def _kinds(conn: db.Connection, listing: Listing) -> list[PricedVariant]:
    """Her kinds by her ids, with what the supplier says of them now, or said last."""
    offer = await resale_offers.get(conn, listing.from_shop_id, listing.from_product_id)
    left = await low.left(conn, listing.from_shop_id, listing.from_product_id)
    kinds = await resold.kinds(conn, listing.shop_id, listing.product_id)
    by_id = {each.variant_id: each for each in kinds}
    told = []
    for each in await products.variants(conn, listing.shop_id, listing.product_id):
        kind = by_id.get(each.variant_id)
        if kind is not None:
            theirs = kind.from_variant_id
            price = offer.prices.get(theirs) if offer else None
            told.append(
                PricedVariant(
                    each.variant_id, " · ".join(each.choice),
                    price or Price(theirs, kind.supply_minor), each.price_minor, each.currency,
                    left.get(theirs, 0), listed=True,
                )
            )  # fmt: skip
    return told


async def _listing_page(
    request: Request,
    work: AtWork,
    typed: Mapping[str, str],
    errors: Mapping[str, str],
    status: int = 200,
) -> Response:
    async with http.house(request).database.connection() as conn:
        listing = await _listing(conn, request, work)
        kinds = await _kinds(conn, listing)
        supplier = await shops.get(conn, listing.from_shop_id)
        own = await products.get(conn, work.shop.shop_id, listing.product_id)
        theirs = await products.get(conn, listing.from_shop_id, listing.from_product_id)
        offer = await resale_offers.get(conn, listing.from_shop_id, listing.from_product_id)
    again = offer is not None and offer.stands and listing_resold.is_stale(listing, offer)
    return await frame.page(
        request,
        work,
        "resold_one.html",
        "goods",
        status=status,
        product={
            "id": own.product_id,
            "title": own.title,
            "status": own.status,
            "url": addresses.product(work.shop.slug or "", own.product_id),
        },
        supplier=supplier.name,
        why_off=listing.why_off,
        again_url=_again(work, listing) if again else "",
        theirs=theirs.title,
        sold_out=all(each.left == 0 for each in kinds),
        **resold_form.context(kinds, typed, (listing.own_title, listing.own_description)),
        errors=errors,
        sign=SIGNS.get(work.shop.currency, work.shop.currency),
    )


def _again(work: AtWork, listing: Listing) -> str:
    return f"{frame.root(work.shop)}/resell/{listing.from_shop_id}/{listing.from_product_id}"


async def save(request: Request) -> Response:
    """POST root/goods/ID/resold: more, by, price-N, title, description, then=save|stop"""
    work, form = await http.at_work(request), await forms.read(request)
    house, at = http.house(request), http.now(request)
    async with house.database.connection() as conn:
        listing = await _listing(conn, request, work)
        kinds = await _kinds(conn, listing)
    if form.text("then", 10) == "stop":
        await house.database.transaction(lambda conn: listing_resold.take_down(conn, listing, at))
        return frame.go(request, f"{frame.root(work.shop)}/resold", "resale_stopped")
    typed = resold_form.read(request, form, kinds)
    await _keep(request, form, listing, typed)
    if typed.errors:
        return await _listing_page(request, work, typed.fields, typed.errors, 422)
    await carrying.follow(house.database, listing, at)
    return frame.go(request, _here(work, listing.product_id), "resale_repriced")


async def _keep(request: Request, form: Form, listing: Listing, typed: Typed) -> None:
    """Write what was typed unless something of it is wrong; what the supplier says otherwise by now
    stands among the errors."""
    if typed.errors:
        return
    database, at = http.house(request).database, http.now(request)
    async with database.connection() as conn:
        offer = await resale_offers.get(conn, listing.from_shop_id, listing.from_product_id)

    async def write(conn: db.Connection) -> None:
        await listing_resold.reprice(conn, listing, typed.prices, offer)
        if "title" in form:
            await listing_resold.reword(conn, listing, *typed.words, at)

    try:
        await database.transaction(write)
    except NotFound:
        raise
    except Refused as no:
        typed.errors = {"price-0": frame.sentence(request, no)}


async def sold(request: Request) -> Response:
    """GET root/resold?q=: what this shop sells and others ship, and what was bought of it; or the
    orders with that number or of that name"""
    work, q = await http.at_work(request), request.query_params.get("q", "").strip()[:40]
    async with http.house(request).database.connection() as conn:
        things = await _things(conn, work) if not q else []
        rows = await resold_orders.rows(request, conn, work, q)
        ahead = await resold_orders.coming(conn, work.shop, http.now(request))
    return await frame.page(
        request, work, "resold.html", "goods", things=things, rows=rows, q=q, ahead=ahead
    )


async def _things(conn: db.Connection, work: AtWork) -> list[dict[str, Any]]:
    found = {each.product_id: each for each in await resold.listings(conn, work.shop.shop_id)}
    if not found:
        return []
    names = await shops.names(conn, [each.from_shop_id for each in found.values()])
    listed = await products.listing(conn, work.shop.shop_id, all_states=True, only=list(found))
    return [
        {
            "title": each.title,
            "picture_url": frame.picture(each.photo),
            "price": each.price,
            "url": _here(work, each.product_id),
            "supplier": names.get(found[each.product_id].from_shop_id, ""),
            "why_off": found[each.product_id].why_off,
            "state": "sold_out" if not each.spare else each.status,
        }
        for each in listed
    ]


ROUTES = [
    Route("/console/{shop_id}/resell/{from_shop}/{product_id}", offer),
    Route("/console/{shop_id}/resell/{from_shop}/{product_id}", put_up, methods=["POST"]),
    Route("/console/{shop_id}/goods/{product_id}/resold", page),
    Route("/console/{shop_id}/goods/{product_id}/resold", save, methods=["POST"]),
    Route("/console/{shop_id}/resold", sold),
]
