"""The door through which another shop's seller comes to sell what this one ships."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from littleshop import db, http
from littleshop.catalog import resold
from littleshop.catalog.products import Product
from littleshop.errors import NotFound
from littleshop.http import House
from littleshop.insights import figures
from littleshop.pricing import facts as pricing_facts
from littleshop.pricing.facts import VariantFacts
from littleshop.sale import listing_resold
from littleshop.sale.listing_resold import Ware
from littleshop.shop import shops, staff
from littleshop.shop.shops import Shop
from littleshop.supply import resale_offers
from littleshop.web import addresses, pages
from littleshop.web.storefront import bought_at, views
from littleshop.web.storefront.visitors import shop_here


async def begin(request: Request) -> Response:
    """GET /@SLUG/p/ID/resale?with=TOKEN: to her own console, or what there is to know before."""
    shop, token = await shop_here(request), _token(request)
    who, product_id = await http.somebody(request), http.uuid(request.path_params["product_id"])
    async with http.house(request).database.connection() as conn:
        ware = await _ware(request, conn, shop, product_id, token)
        mine = [] if who is None else await _shops(conn, who.person.person_id, shop)
    ends = f"resell/{shop.shop_id}/{product_id}" + (f"?with={quote(token)}" if token else "")
    if len(mine) == 1:
        return RedirectResponse(f"/console/{mine[0].shop_id}/{ends}", status_code=303)
    into = [SimpleNamespace(name=one.name, go=f"/console/{one.shop_id}/{ends}") for one in mine]
    return _page(request, ware, token, into, known=who is not None)


async def _ware(
    request: Request, conn: db.Connection, shop: Shop, product_id: UUID, token: str
) -> Ware:
    """Raises NotFound for what is not offered, and where an institution holds buyers' money."""
    if http.house(request).settings.escrow == "psp_escrow":
        raise NotFound("product")
    return await listing_resold.ware(conn, shop.shop_id, product_id, for_shop=None, token=token)


def _page(
    request: Request, ware: Ware, token: str, into: list[SimpleNamespace], *, known: bool
) -> Response:
    slug, product = ware.shop.slug or "", ware.product
    picture = ware.pictures[0] if ware.pictures else None
    back = addresses.resale(slug, product.product_id, token)
    return pages.page(
        request,
        "storefront/resale.html",
        private=True,
        shop=views.shop(ware.shop),
        title=product.title,
        product_id=product.product_id,
        picture=views.Picture(picture.file, product.title) if picture else None,
        mine=into,
        known=known,
        sign_in=f"/sign-in?next={quote(back, safe='')}",
    )


def _token(request: Request) -> str:
    return request.query_params.get("with", "")[:100]


async def _shops(conn: db.Connection, person_id: object, supplier: Shop) -> list[Shop]:
    """The shops in which this person may put things on the shelf, but for the supplier's."""
    known = await staff.shops_of(conn, http.uuid(str(person_id)))
    found = [
        await shops.find(conn, each.shop_id)
        for each in known
        if each.shop_id != supplier.shop_id and staff.may(each.role, "goods")
    ]
    return [one for one in found if one is not None and one.status != "opening" and one.name]


async def beside(
    conn: db.Connection, house: House, product: Product, locale: str, at: datetime
) -> dict[str, Any]:
    """What a product's page says of re-selling: that others may sell it, and who ships it where
    that is another shop, with what that one has shown."""
    shop_id, product_id = product.shop_id, product.product_id
    listing = await resold.get(conn, shop_id, product_id)
    if listing is not None:
        supplier = await shops.get(conn, listing.from_shop_id)
        shown = views.record(locale, await figures.record(conn, supplier.shop_id, at))
        return {
            "resale": False,
            "ships": bought_at.shipper(locale, supplier),
            "shipper": views.shop(supplier),
            "shipped": next((one.told for one in shown if one.name == "on_time"), ""),
        }
    held = house.settings.escrow == "psp_escrow"
    may = not held and (await shops.get(conn, shop_id)).status in ("open", "paused")
    return {
        "resale": may and await resale_offers.is_open(conn, shop_id, product_id),
        "ships": "",
    }


async def shipped_by_others(
    conn: db.Connection, shop_id: int, facts: dict[UUID, VariantFacts]
) -> dict[UUID, VariantFacts]:
    """The same at the same prices, with the supplier's terms for what another shop ships: sending
    costs what he asks."""
    kinds = await resold.among(conn, shop_id, list(facts))
    if not kinds:
        return facts
    theirs: dict[UUID, VariantFacts] = {}
    for supplier in sorted({each.from_shop_id for each in kinds.values()}):
        its = [each.from_variant_id for each in kinds.values() if each.from_shop_id == supplier]
        theirs |= await pricing_facts.load(conn, supplier, its)
    return {
        key: msgspec.structs.replace(
            theirs[kinds[key].from_variant_id], variant_id=key, price_minor=fact.price_minor
        )
        if key in kinds and kinds[key].from_variant_id in theirs
        else fact
        for key, fact in facts.items()
    }


ROUTES = [Route("/@{slug}/p/{product_id}/resale", begin, methods=["GET"])]
