"""Letting others sell a product: supply prices and bounds, who may, who does and what is owed."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import db, http, ids
from littleshop.catalog import products, resold
from littleshop.catalog.products import Variant
from littleshop.errors import NotFound, Refused
from littleshop.http import AtWork
from littleshop.i18n import SIGNS
from littleshop.ledger import accounts, chart
from littleshop.money import Money
from littleshop.sale import listing_resold
from littleshop.supply import resale_offers, resales
from littleshop.supply.resale_offers import Offer, Price
from littleshop.web import addresses, forms, names
from littleshop.web.console import frame, product
from littleshop.web.forms import Form

SUPPLY_BPS = 7000  # what a supply price proposes, of the shelf's
FIELDS = ("supply", "least", "most")


def link_token(request: Request, shop_id: int, product_id: UUID) -> str:
    """What stands in the link for whom the supplier chose: derived, so that the page shows it."""
    key = http.house(request).keyring.link_key
    return ids.link_token(key, shop_id, f"resale:{product_id}")


def need_platform_holds(request: Request) -> None:
    """Raises NotFound where an institution holds buyers' money: it splits off our share only."""
    if http.house(request).settings.escrow == "psp_escrow":
        raise NotFound


async def page(request: Request) -> Response:
    """GET root/goods/ID/resale"""
    need_platform_holds(request)
    return await _show(request, await http.at_work(request), {}, {})


async def _show(
    request: Request, work: AtWork, typed: dict[str, str], errors: dict[str, str], status: int = 200
) -> Response:
    found, variants, _ = await product.read(request, work)
    async with http.house(request).database.connection() as conn:
        if await resold.get(conn, work.shop.shop_id, found.product_id) is not None:
            raise NotFound("product")
        known = await resale_offers.get(conn, work.shop.shop_id, found.product_id)
        takers = await resale_offers.resellers(conn, work.shop.shop_id, found.product_id)
    stands = known is not None and known.stands
    return await frame.page(
        request,
        work,
        "resale.html",
        "goods",
        status=status,
        product={"id": found.product_id, "title": found.title},
        rows=[_row(place, each, known, typed) for place, each in enumerate(variants)],
        open_to=typed.get("open_to") or ("link" if known and not known.open_to_all else "all"),
        stands=stands,
        takers=sum(each.ended_at is None for each in takers),
        link=_link(request, work, found.product_id),
        errors=errors,
        sign=SIGNS.get(work.shop.currency, work.shop.currency),
    )


def _link(request: Request, work: AtWork, product_id: UUID) -> str:
    token = link_token(request, work.shop.shop_id, product_id)
    return names.public_url(request) + addresses.resale(work.shop.slug or "", product_id, token)


def _row(
    place: int, variant: Variant, known: Offer | None, typed: dict[str, str]
) -> dict[str, Any]:
    """A kind with its three fields, as typed or as it stands."""
    price = known.prices.get(variant.variant_id) if known else None
    proposed = variant.price.bps(SUPPLY_BPS).minor if known is None else None
    stands = {
        "supply": price.supply_minor if price else proposed,
        "least": price.least_minor if price else None,
        "most": price.most_minor if price else None,
    }
    named = {name: f"{name}-{place}" for name in FIELDS}
    return {
        "label": " · ".join(variant.choice),
        "alone": variant.price,
        "names": named,
        "values": {
            name: typed.get(at, forms.shown(stands[name], variant.currency))
            for name, at in named.items()
        },
    }


async def save(request: Request) -> Response:
    """POST root/goods/ID/resale: supply-N, least-N, most-N, open_to=all|link,
    then=offer|withdraw"""
    need_platform_holds(request)
    work, form = await http.at_work(request), await forms.read(request)
    found, variants, _ = await product.read(request, work)
    here = f"{frame.root(work.shop)}/goods/{found.product_id}/resale"
    if form.text("then", 20) == "withdraw":
        await _withdraw(request, work, found.product_id)
        return frame.go(request, here, "resale_withdrawn")
    prices, errors = _read(request, form, variants)
    if not errors:
        errors = await _offer(request, work, form, found.product_id, prices)
    if errors:
        typed = {name: form.text(name, 20) for name in _names(variants)}
        return await _show(request, work, typed, errors, 422)
    return frame.go(request, here, "resale_offered")


def _names(variants: list[Variant]) -> list[str]:
    return ["open_to", *(f"{name}-{at}" for at in range(len(variants)) for name in FIELDS)]


def _read(
    request: Request, form: Form, variants: list[Variant]
) -> tuple[list[Price], dict[str, str]]:
    """The prices of the kinds that have one, and what is wrong with which field."""
    prices, errors = [], {}
    for place, each in enumerate(variants):
        minors: dict[str, int | None] = {}
        for name in FIELDS:
            text = form.text(f"{name}-{place}", 20).strip()
            try:
                minors[name] = forms.price(text, each.currency) if text else None
            except Refused as no:
                errors[f"{name}-{place}"] = frame.sentence(request, no)
        if minors.get("supply") is None:
            if any(minors.values()):
                lacks = frame.sentence(request, Refused("resale_supply_missing"))
                errors.setdefault(f"supply-{place}", lacks)
            continue
        price = Price(
            each.variant_id, minors["supply"] or 0, minors.get("least"), minors.get("most")
        )
        try:
            prices.append(resale_offers.check(price, each.currency))
        except Refused as no:
            field = {"resale_least": "least", "resale_most": "most"}.get(no.code, "supply")
            errors[f"{field}-{place}"] = frame.sentence(request, no)
    if not prices and not errors:
        errors["supply-0"] = frame.sentence(request, Refused("resale_supply_missing"))
    return prices, errors


async def _offer(
    request: Request, work: AtWork, form: Form, product_id: UUID, prices: list[Price]
) -> dict[str, str]:
    """Write it; what is wrong with the whole."""
    token = link_token(request, work.shop.shop_id, product_id)
    try:
        await http.house(request).database.transaction(
            lambda conn: listing_resold.offer(
                conn,
                work.shop.shop_id,
                product_id,
                prices,
                open_to_all=form.text("open_to", 10) != "link",
                token_hash=ids.hashed(token),
                at=http.now(request),
            )
        )
    except NotFound:
        raise
    except Refused as no:
        return {"supply-0": frame.sentence(request, no)}
    return {}


async def _withdraw(request: Request, work: AtWork, product_id: UUID) -> None:
    at = http.now(request)
    await http.house(request).database.transaction(
        lambda conn: listing_resold.withdraw(conn, work.shop.shop_id, product_id, at)
    )


async def sellers(request: Request) -> Response:
    """GET root/resale: what others may sell, who does, what they sold and are owed"""
    work = await http.at_work(request)
    async with http.house(request).database.connection() as conn:
        things, rows = await _things(conn, work), await _sellers(conn, work)
    return await frame.page(request, work, "resellers.html", "goods", things=things, rows=rows)


async def _things(conn: db.Connection, work: AtWork) -> list[dict[str, Any]]:
    shop_id = work.shop.shop_id
    found = await resale_offers.offered(conn, shop_id)
    listed = await products.listing(conn, shop_id, all_states=True, only=found) if found else []
    takers = await resale_offers.resellers(conn, shop_id)
    offers = await resale_offers.of_products(conn, shop_id, found)
    sell = Counter(each.product_id for each in takers if each.ended_at is None)
    return [
        {
            "title": each.title,
            "picture_url": frame.picture(each.photo),
            "url": f"{frame.root(work.shop)}/goods/{each.product_id}/resale",
            "stands": offers[each.product_id].stands,
            "open_to_all": offers[each.product_id].open_to_all,
            "takers": sell[each.product_id],
        }
        for each in listed
    ]


async def _sellers(conn: db.Connection, work: AtWork) -> list[dict[str, Any]]:
    """The shops that sell or sold for this one, those that sold most first."""
    shop_id, currency = work.shop.shop_id, work.shop.currency
    sold = await resales.sold(conn, shop_id)
    takers = await resale_offers.resellers(conn, shop_id)
    ids_ = {each.reseller_shop_id for each in takers} | set(sold)
    balances = await accounts.balances(conn, shop_id)
    listed = Counter(each.reseller_shop_id for each in takers if each.ended_at is None)
    rows, nothing = [], Money(0, currency)
    for shop in await resale_offers.doors(conn, list(ids_)):
        reseller, of = shop.shop_id, sold.get(shop.shop_id)
        rows.append(
            {
                "name": shop.name,
                "face_url": frame.picture(shop.picture or ""),
                "url": addresses.shop(shop.slug) if shop.slug else "",
                "listed": listed[reseller],
                "orders": of.orders if of else 0,
                "sold": Money(of.total_minor, currency) if of else nothing,
                "owed": balances.get((chart.due_to(reseller), currency), nothing),
                "owes": balances.get((chart.due_from(reseller), currency), nothing),
            }
        )
    return sorted(rows, key=lambda row: (-row["sold"].minor, row["name"]))


ROUTES = [
    Route("/console/{shop_id}/goods/{product_id}/resale", page),
    Route("/console/{shop_id}/goods/{product_id}/resale", save, methods=["POST"]),
    Route("/console/{shop_id}/resale", sellers),
]
