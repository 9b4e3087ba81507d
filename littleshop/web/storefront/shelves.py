"""The pages that are equal for all: a shop's shelf and a product; drawn from facts, not requests.

What they hold is asked for in words (`Asked`), so that the page cache can ask too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from littleshop import db, http
from littleshop.catalog import photos, products
from littleshop.catalog.products import Variant
from littleshop.errors import NoLongerSold, NotFound
from littleshop.http import House
from littleshop.insights import figures
from littleshop.money import Money
from littleshop.pricing.facts import VariantFacts
from littleshop.shop import shops
from littleshop.shop.shops import Shop
from littleshop.social import entrances, shares
from littleshop.social.shares import Share
from littleshop.trade import carts, conversation_lists, reviews, teams
from littleshop.web import addresses, containers, keepers, names, pages, postage_words
from littleshop.web.kept_pages import Asked, Drawn
from littleshop.web.page_cache import MET
from littleshop.web.storefront import (
    checkouts,
    earning,
    followers,
    for_you,
    greetings,
    opinions,
    resale_doors,
    views,
)
from littleshop.web.storefront.few import Few, Left
from littleshop.web.storefront.visitors import container
from littleshop.web.terms import TERMS

PAGE = 24
MOST_PRODUCTS = 5000
LONGEST_LIFE = timedelta(hours=6)  # the shop's record moves without its version
FEW_ON_PAGE = 10


class Moved(Exception):
    """The shop's page is at another address now."""

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.location = location


class _Setting(msgspec.Struct, frozen=True):
    """What a page is drawn from besides its own rows."""

    house: House
    conn: db.Connection
    asked: Asked
    shop: Shop
    at: datetime
    share_code: str | None  # or an entrance's
    personal: bool = False


async def draw(house: House, asked: Asked, at: datetime) -> Drawn:
    """The page at `asked.path`. Raises NotFound, Moved."""
    parts = asked.path.split("/")
    async with house.database.connection() as conn:
        if asked.path.startswith("/s/") and len(parts) == 3:
            return await _shared(house, conn, asked, parts[2], at)
        if asked.path.startswith("/in/") and len(parts) == 3:
            return await _entered(house, conn, asked, parts[2], at)
        if not asked.path.startswith("/@"):
            raise NotFound
        shop = await _by_slug(conn, parts[1][1:], parts[2:])
        setting = _Setting(house, conn, asked, shop, at, None)
        if len(parts) == 2:
            return await _shelf(setting)
        if len(parts) == 4 and parts[2] == "p":
            return await _product(setting, http.uuid(parts[3]))
    raise NotFound


async def _by_slug(conn: db.Connection, slug: str, rest: Sequence[str]) -> Shop:
    shop = await shops.by_slug(conn, slug)
    if shop is None or shop.status == "opening":
        raise NotFound("shop")
    return _current(shop, slug, rest)


def _current(shop: Shop, slug: str, rest: Sequence[str]) -> Shop:
    """The shop when this is its address now. Raises Moved, NotFound."""
    if shop.slug is None:
        raise NotFound("shop")
    if shop.slug != slug:
        raise Moved("/".join([addresses.shop(shop.slug), *(quote(part) for part in rest)]))
    return shop


async def _shared(
    house: House, conn: db.Connection, asked: Asked, code: str, at: datetime
) -> Drawn:
    """What a share shows: its product, or the shop when that is no longer on sale."""
    share = await shares.get(conn, code)
    shop = await shops.find(conn, share.shop_id)
    if shop is None or shop.status == "opening" or shop.slug is None:
        raise NotFound("shop")
    setting = _Setting(house, conn, asked, shop, at, code, share.channel == shares.PERSONAL)
    if share.product_id is not None:
        try:
            return await _product(setting, share.product_id)
        except NotFound:
            pass  # taken off the shelf: the friend still finds the shop
    return await _shelf(setting)


async def _entered(
    house: House, conn: db.Connection, asked: Asked, code: str, at: datetime
) -> Drawn:
    """What an entrance shows: its shop."""
    entrance = await entrances.get(conn, code)
    shop = await shops.find(conn, entrance.shop_id)
    if shop is None or shop.status == "opening" or shop.slug is None:
        raise NotFound("shop")
    return await _shelf(_Setting(house, conn, asked, shop, at, code))


async def _shelf(setting: _Setting) -> Drawn:
    shop, asked = setting.shop, setting.asked
    rows = await products.listing(setting.conn, shop.shop_id, most=MOST_PRODUCTS)
    tags = Counter(row.category for row in rows if row.category).most_common()
    leaves = {name: -(-count // PAGE) for name, count in [("", len(rows)), *tags]}
    if setting.share_code or asked.tag not in leaves:  # a share shows all; a tag may be gone
        asked = msgspec.structs.replace(asked, tag=None)
    if setting.share_code or asked.page > leaves[asked.tag or ""]:
        asked = msgspec.structs.replace(asked, page=1)
    setting = msgspec.structs.replace(setting, asked=asked)
    chosen = [row for row in rows if asked.tag in (None, row.category)]
    here = chosen[(asked.page - 1) * PAGE :]
    left = max(0, len(here) - PAGE)
    return await _drawn(
        setting,
        "storefront/shop.html",
        tags=[
            SimpleNamespace(name=name, count=count, chosen=name == asked.tag)
            for name, count in tags
        ],
        total=len(rows),
        products=[views.tile(row) for row in here[:PAGE]],
        more=addresses.shelf(shop.slug or "", asked.tag, asked.page + 1) if left else None,
        left_more=left,
        leaves=leaves,
    )


async def _product(setting: _Setting, product_id: UUID) -> Drawn:
    shop, conn, asked = setting.shop, setting.conn, setting.asked
    row = await products.on_sale(conn, shop.shop_id, product_id)
    variants = await products.variants(conn, shop.shop_id, product_id)
    if not variants:
        raise NoLongerSold("product")
    pictures = await photos.of_product(conn, shop.shop_id, product_id)
    view, chosen = views.product(row, variants, pictures)
    ready = next(one for one in variants if list(one.choice) == chosen)
    today = setting.at.astimezone(ZoneInfo(shop.zone)).date()
    judged = await reviews.of(conn, shop.shop_id, product_id)
    said = await reviews.of_product(conn, shop.shop_id, product_id, most=opinions.ON_PRODUCT)
    return await _drawn(
        setting,
        "storefront/product.html",
        product_id=product_id,
        product=view,
        chosen=chosen,
        sending=postage_words.of_thing(asked.locale, await _facts(setting, variants), ready),
        arrives_on=checkouts.arrives_on(today) if shop.status == "open" else None,
        today=today,
        terms=TERMS,
        **await resale_doors.beside(conn, setting.house, row, asked.locale, setting.at),
        team=await _team(setting, product_id),
        rating=opinions.rating(judged),
        opinions=[opinions.opinion(each, shop.zone) for each in said],
    )


async def _team(setting: _Setting, product_id: UUID) -> SimpleNamespace | None:
    """How many people can buy it together, and what each pays at least."""
    known = await teams.offered(setting.conn, setting.shop.shop_id, product_id)
    if known is None or setting.shop.status != "open":
        return None
    price = Money(min(known.prices.values()), setting.shop.currency)
    differ = len(set(known.prices.values())) > 1
    return SimpleNamespace(seats=known.seats, price=price, differ=differ)


async def _facts(setting: _Setting, variants: Sequence[Variant]) -> dict[UUID, VariantFacts]:
    """What is known of a product's variants, as if the shop were open and all could be had."""
    only = [each.variant_id for each in variants]
    facts = await setting.house.loader.facts(setting.shop.shop_id, only)
    facts = await resale_doors.shipped_by_others(setting.conn, setting.shop.shop_id, facts)
    return {
        key: msgspec.structs.replace(fact, shop_status="open", sold=True)
        for key, fact in facts.items()
    }


async def _drawn(
    setting: _Setting,
    template: str,
    product_id: UUID | None = None,
    leaves: Mapping[str, int] | None = None,
    **context: Any,
) -> Drawn:
    """The page of a shop with what every such page has around it."""
    shop, asked, at = setting.shop, setting.asked, setting.at
    known = await figures.record(setting.conn, shop.shop_id, at)
    judged = await reviews.of(setting.conn, shop.shop_id)
    path = (
        addresses.product(shop.slug or "", product_id)
        if product_id
        else addresses.shelf(shop.slug or "", asked.tag, asked.page)
    )
    here = _reached(setting.share_code, path)
    text = pages.render(
        asked.locale,
        template,
        path=asked.path,
        host=asked.host,
        demo=setting.house.settings.mode == "demo",
        keeper=keepers.of_mode(setting.house.settings.escrow),
        shop=views.shop(shop, asked.locale),
        record=opinions.with_rating(asked.locale, views.record(asked.locale, known), judged),
        share_code=setting.share_code,
        elsewhere=addresses.elsewhere(shop.slug or "", product_id)
        if asked.container in containers.APPS
        else "",
        desk_qr=views.qr(asked.host + here) if asked.container == "desktop" else None,
        **context,
    )
    return Drawn(
        shop_id=shop.shop_id,
        version=shop.version,
        zone=shop.zone,
        text=text,
        until=min(at + LONGEST_LIFE, _midnight(at, shop.zone)),
        product_id=str(product_id) if product_id else None,
        share_code=setting.share_code,
        personal=setting.personal,
        leaves=leaves,
    )


def _reached(code: str | None, path: str) -> str:
    """The address by which a page was reached, for a code to scan at a desk."""
    if code is None:
        return path
    return addresses.entrance(code) if entrances.is_code(code) else addresses.share(code)


def _midnight(at: datetime, zone: str) -> datetime:
    """The end of the shop's day: "tomorrow" on a page means another day after it."""
    place = ZoneInfo(zone)
    tomorrow = at.astimezone(place).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), place)


async def uncached(request: Request) -> Response:
    """A page that the cache did not answer: moved, gone, or asked in an unusual way.

    Raises what stood in the way there, else NotFound, Moved.
    """
    if MET in request.scope:
        raise request.scope[MET]
    asked = _asked(request)
    drawn = await draw(http.house(request), asked, http.now(request))
    headers = pages.HEADERS | {
        "content-language": asked.locale,
        "content-security-policy": pages.content_policy(),
    }
    return Response(drawn.text, media_type="text/html", headers=headers)


async def entered(request: Request) -> Response:
    """GET /in/CODE: the shop. The platform's own opens the buyer's home: he has many shops."""
    code = request.path_params["code"]
    if not code.startswith("0-"):
        return await uncached(request)
    async with http.house(request).database.connection() as conn:
        await entrances.get(conn, code)  # raises NotFound
        platform = await shops.get(conn, shops.PLATFORM)
    request.app.state.counter.entered(request, platform, code)
    return RedirectResponse(addresses.MY, status_code=303, headers={"cache-control": "no-store"})


def _asked(request: Request) -> Asked:
    return Asked(
        host=names.origin(request),
        path=request.url.path,
        tag=request.query_params.get("tag") or None,
        page=_page_number(request.query_params.get("page", "")),
        locale=pages.locale_of(request),
        container=container(request),
    )


def _page_number(text: str) -> int:
    return int(text) if text.isdecimal() and 0 < len(text) < 4 and int(text) else 1


async def _here(request: Request, *rest: str) -> Shop:
    """The shop of the address, at most a second old. Raises NotFound, Moved."""
    return _current(await http.door(request), request.path_params["slug"], rest)


async def shop_mine(request: Request) -> Response:
    """What of a shop page differs from visitor to visitor: the basket, what is nearly gone,
    whether he follows."""
    shop = await _here(request, "mine")
    few: Few = request.app.state.few
    async with http.house(request).database.connection() as conn:
        basket = await carts.summary(conn, shop.shop_id, http.device(request))
        greeting = await greetings.of_visitor(request, conn, shop.shop_id, None)
        new = await conversation_lists.new_on(conn, shop.shop_id, http.device(request))
        known = await followers.of_visitor(request, conn, shop.shop_id)
    left, follows = await few.left(shop.shop_id), known is not None
    unread = sum(new.values())
    earns = await earning.somebody_earns(request, shop.shop_id)
    return _mine(
        request, shop, basket, left, greeting, talk=unread, floating=True, follows=follows,
        earns=earns,
    )  # fmt: skip


async def product_mine(request: Request) -> Response:
    """What of a product page differs from visitor to visitor: the basket, what is left."""
    product_id = http.uuid(request.path_params["product_id"])
    shop = await _here(request, "p", str(product_id), "mine")
    async with http.house(request).database.connection() as conn:
        left = await products.few_left(conn, shop.shop_id, product_id, FEW_ON_PAGE)
        basket = await carts.summary(conn, shop.shop_id, http.device(request))
        greeting = await greetings.of_visitor(request, conn, shop.shop_id, product_id)
        new = await conversation_lists.new_on(conn, shop.shop_id, http.device(request))
    own = await for_you.on_product(request, shop, product_id) if shop.offers else None
    unread = new.get(product_id, 0)
    earns = await earning.somebody_earns(request, shop.shop_id, product_id)
    return _mine(
        request, shop, basket, left, greeting, talk=unread, floating=False, own=own, earns=earns
    )


def _mine(
    request: Request,
    shop: Shop,
    basket: tuple[int, Money | None],
    left: Left,
    greeting: Share | None,
    *,
    talk: int,
    floating: bool,
    own: SimpleNamespace | None = None,
    follows: bool = False,
    earns: bool = False,
) -> Response:
    request.app.state.counter.returned(request, shop.shop_id)
    return pages.page(
        request,
        "storefront/mine.html",
        private=True,
        shop=views.shop(shop),
        basket=SimpleNamespace(count=basket[0], sum=basket[1]),
        left=[SimpleNamespace(id=thing, left=spare) for thing, spare in left],
        greeting=greeting,
        earns=earns,
        talk=talk,
        floating=floating,
        own=own,
        follows=follows,
    )


ROUTES = [
    Route("/@{slug}/mine", shop_mine, methods=["GET"]),
    Route("/@{slug}/p/{product_id}/mine", product_mine, methods=["GET"]),
    Route("/@{slug}/p/{product_id}", uncached, methods=["GET"]),
    Route("/@{slug}", uncached, methods=["GET"]),
    Route("/s/{code}", uncached, methods=["GET"]),
    Route("/in/{code}", entered, methods=["GET"]),
]
