"""Team prices for buyers: what a team pays, who of one is still missing, and its checkout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from types import SimpleNamespace
from uuid import UUID
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import db, http, i18n, ids
from littleshop.catalog import photos, products, provinces
from littleshop.catalog.products import Product, Variant
from littleshop.errors import NotFound, Refused
from littleshop.http import House
from littleshop.money import Money
from littleshop.pricing import postage
from littleshop.pricing.facts import VariantFacts
from littleshop.pricing.quotes import Agreed
from littleshop.sale import teaming
from littleshop.sale.placing import Placed, Placing
from littleshop.shop import shops
from littleshop.shop.shops import Shop
from littleshop.trade import claims, teams
from littleshop.trade.teams import Offer, Team
from littleshop.web import addresses, keepers, names, pages
from littleshop.web.storefront import cashier, views
from littleshop.web.storefront.visitors import shop_here, works_here

NEW = "new"  # in place of a team's token: the first seat of one's own


async def offer(request: Request) -> Response:
    """GET /@slug/p/ID/team: what a team pays and how that goes; a press opens one."""
    shop, product_id = await shop_here(request), http.uuid(request.path_params["product_id"])
    async with http.house(request).database.connection() as conn:
        product = await products.on_sale(conn, shop.shop_id, product_id)
        known = await teams.offered(conn, shop.shop_id, product_id)
    if known is None or await cashier.waits(request, shop):
        raise NotFound("team")
    return await _page(request, shop, product, known, None)


async def team(request: Request) -> Response:
    """GET /t/TOKEN: a team for whoever was sent its link; it shows, it does not act."""
    token = request.path_params["token"]
    shop_id = http.token_shop(token)
    async with http.house(request).database.connection() as conn:
        found = await teams.by_token(conn, shop_id, ids.hashed(token))
        if found is None:
            raise NotFound("team")
        shop = await shops.get(conn, shop_id)
        product = await products.get(conn, shop_id, found.product_id)
        known = await teams.offered(conn, shop_id, found.product_id)
    return await _page(request, shop, product, known, found)


async def _page(
    request: Request, shop: Shop, product: Product, known: Offer | None, found: Team | None
) -> Response:
    house, locale = http.house(request), pages.locale_of(request)
    async with house.database.connection() as conn:
        variants = await products.variants(conn, shop.shop_id, product.product_id)
        pictures = await photos.of_product(conn, shop.shop_id, product.product_id)
        seats = await _seats(request, conn, found)
    kinds = _kinds(shop, known, variants, request.query_params.get("kind", ""))
    files = [each.file for each in pictures]
    zone, now = ZoneInfo(shop.zone), http.now(request)
    day = (found.opened_at if found else now).astimezone(zone).date()
    state = _state(request, found, seats, kinds)
    postage = await _postage(house, locale, shop, _chosen(kinds))
    team_view = SimpleNamespace(
        token=teaming.link(house.keyring, found) if found else NEW,
        seats=found.seats if found else known.seats if known else 0,
        till=found.closes_at if found else None,
        left=found.seats - seats.paid if found else 0,
        last=found is not None and seats.left == 1,
    )
    return pages.page(
        request,
        "storefront/team.html",
        private=True,
        shop=views.shop(shop),
        it=_letter(locale, shop, product, files, kinds, state, team_view, day, postage),
        state=state,
        kinds=kinds,
        chosen=_chosen(kinds),
        team=team_view,
        product_url=addresses.product(shop.slug or "", product.product_id),
        link=names.public_url(request) + addresses.team(team_view.token) if found else "",
        order_url=None,
        keeper=keepers.of_rails(house.settings.escrow, []),
        now=now,
        zone=zone,
    )


async def _seats(request: Request, conn: db.Connection, found: Team | None) -> SimpleNamespace:
    """How many seats are paid and can be had, and whether this device has one."""
    if found is None:
        return SimpleNamespace(paid=0, left=1, mine=False)
    device = http.device(request)
    return SimpleNamespace(
        paid=len(await teams.paid(conn, found)),
        left=(await claims.get(conn, found.shop_id, found.team_id)).left,
        mine=device is not None and await teams.is_in(conn, found, b"", device),
    )


def _kinds(
    shop: Shop, known: Offer | None, variants: Sequence[Variant], wanted: str
) -> list[SimpleNamespace]:
    """What a seat can be: a variant with the team's price beside the shelf's. The one that is
    wanted stands ready; the cheapest where none is, or it cannot be had."""
    prices = known.prices if known else {}
    there = [each for each in variants if each.variant_id in prices and each.spare > 0]
    asked = [each for each in there if str(each.variant_id) == wanted]
    ready = min(asked or there, key=lambda each: prices[each.variant_id], default=None)
    return [
        SimpleNamespace(
            id=each.variant_id,
            only=f"{each.variant_id}:1",
            name=" · ".join(each.choice),
            price=Money(prices[each.variant_id], shop.currency),
            alone=each.price,
            gone=each.spare < 1,
            ready=each is ready,
        )
        for each in variants
        if each.variant_id in prices
    ]


async def _postage(house: House, locale: str, shop: Shop, chosen: SimpleNamespace | None) -> str:
    """What sending a seat's piece costs: the team's price may stay below what is sent for free. ""
    where nothing is sent."""
    facts = await house.loader.facts(shop.shop_id, [chosen.id]) if chosen else {}
    if chosen is None or chosen.id not in facts or facts[chosen.id].virtual is not None:
        return ""
    piece = postage.Piece(facts[chosen.id], 1, chosen.price.minor)
    made = postage.of([piece], provinces.UNKNOWN)
    if not made.minor and not made.depends:
        return i18n.t(locale, "storefront.postage_free")
    fee = str(i18n.money(locale, Money(made.minor, shop.currency)))
    return i18n.t(locale, "teams.postage_from" if made.depends else "teams.postage", fee=fee)


def _state(
    request: Request, found: Team | None, seats: SimpleNamespace, kinds: Sequence[SimpleNamespace]
) -> str:
    """new | open | mine | taken (all seats ordered, not all paid) | full | failed | gone"""
    if found is not None and found.status != "forming":
        return found.status
    if found is not None and found.closes_at <= http.now(request):
        return "failed"
    if seats.mine:
        return "mine"
    if all(each.gone for each in kinds):
        return "gone"
    return "new" if found is None else "open" if seats.left else "taken"


def _letter(
    locale: str,
    shop: Shop,
    product: Product,
    pictures: Sequence[str],
    kinds: Sequence[SimpleNamespace],
    state: str,
    team_view: SimpleNamespace,
    day: date,
    postage: str,
) -> SimpleNamespace:
    """The goods as a stamp, the two prices under the perforation."""
    view = views.shop(shop)
    lines: list[SimpleNamespace] = []
    chosen = _chosen(kinds)
    if chosen is not None:
        alone = i18n.t(locale, "teams.alone")
        lines = [SimpleNamespace(label=alone, note="", amount=chosen.alone, said="", good=False)]
    if postage:
        label = i18n.t(locale, "checkout.postage")
        lines.append(SimpleNamespace(label=label, note="", amount=None, said=postage, good=False))
    ended = i18n.t(locale, f"teams.ended.{state}") if state in ("full", "failed") else ""
    picture = SimpleNamespace(digest=pictures[0], alt=product.title) if pictures else None
    return SimpleNamespace(
        face=view,
        head=i18n.t(locale, f"teams.head.{state}", count=team_view.left, seats=team_view.seats),
        from_where=product.title,
        words="",
        signed="",
        stamp=SimpleNamespace(
            picture=picture,
            name=product.title,
            place=shop.place or shop.name,
            amount=chosen.price if chosen else None,
        ),
        postmark=(f"{day.year}", f"{day.month}.{day.day}"),
        ended=ended,
        lines=lines,
        total=chosen.price if chosen else None,
        total_label=i18n.t(locale, "teams.price", count=team_view.seats),
    )


def _chosen(kinds: Sequence[SimpleNamespace]) -> SimpleNamespace | None:
    """The kind whose prices are shown: the one that stands ready, of none left the cheapest."""
    ready = [each for each in kinds if each.ready]
    return min(ready or kinds, key=lambda each: each.price.minor, default=None)


async def agreed(
    request: Request, shop: Shop, wanted: str, facts: Mapping[UUID, VariantFacts]
) -> Agreed | None:
    """The prices of a checkout for a team's seat; None for any other. Raises Refused: team_gone."""
    if not wanted:
        return None
    known = None
    for each in facts.values():
        async with http.house(request).database.connection() as conn:
            known = await teams.offered(conn, shop.shop_id, each.product_id)
    if known is None or len(facts) != 1 or not set(facts) <= set(known.prices):
        raise Refused("team_gone")
    return teaming.agreed(known)


async def place(
    request: Request, wanted: str, wish: Placing, facts: Mapping[UUID, VariantFacts]
) -> Placed:
    """Order a seat. Raises Refused: what teaming.begin and teaming.join raise; NotFound."""
    house, at = http.house(request), http.now(request)
    if await works_here(request, wish.shop_id):
        raise Refused("team_own_shop")

    async def work(conn: db.Connection) -> Placed:
        if wanted == NEW:
            product_id = next(each.product_id for each in facts.values())
            return await teaming.begin(conn, house.keyring, wish, product_id, at)
        found = await teams.by_token(conn, wish.shop_id, ids.hashed(wanted))
        if found is None:
            raise NotFound("team")
        return await teaming.join(conn, house.keyring, wish, found, at)

    return await house.database.transaction(work)


ROUTES = [
    Route("/@{slug}/p/{product_id}/team", offer, methods=["GET"]),
    Route("/t/{token}", team, methods=["GET"]),
]
