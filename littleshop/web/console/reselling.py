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
from littleshop.supply import prospects, resale_offers, resales
from littleshop.supply.resale_offers import Offer, Price
from littleshop.web import addresses, forms, meanwhile, names
from littleshop.web.console import frame, margins, product
from littleshop.web.console.margins import Margin
from littleshop.web.forms import Form

CUT = Margin("percent", 3000)  # what is proposed to leave to who sells, of the shelf's price
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
    stands, several = known is not None and known.stands, len(variants) > 1
    return await frame.page(
        request,
        work,
        "resale.html",
        "goods",
        status=status,
        product={"id": found.product_id, "title": found.title},
        rows=[_row(place, each, known, typed, several) for place, each in enumerate(variants)],
        margin=margins.shown(typed, "" if known else "30") if several else None,
        open_to=typed.get("open_to") or ("link" if known and not known.open_to_all else "all"),
        stands=stands,
        takers=sum(each.ended_at is None for each in takers),
        link=_link(request, work, found.product_id),
        errors=errors,
        showed=meanwhile.mark(_stands(known)),
        sign=SIGNS.get(work.shop.currency, work.shop.currency),
    )


async def _known(request: Request, work: AtWork, product_id: UUID) -> Offer | None:
    async with http.house(request).database.connection() as conn:
        return await resale_offers.get(conn, work.shop.shop_id, product_id)


def _stands(known: Offer | None) -> dict[str, str]:
    if known is None or not known.stands:
        return {"offer": ""}
    prices = sorted((str(which), repr(price)) for which, price in known.prices.items())
    return {"offer": f"{known.open_to_all} {prices}"}


def _link(request: Request, work: AtWork, product_id: UUID) -> str:
    token = link_token(request, work.shop.shop_id, product_id)
    return names.public_url(request) + addresses.resale(work.shop.slug or "", product_id, token)


def _row(
    place: int, variant: Variant, known: Offer | None, typed: dict[str, str], several: bool
) -> dict[str, Any]:
    """A kind with its three fields, as typed or as it stands; of several kinds none has a supply
    price of its own at first."""
    price = known.prices.get(variant.variant_id) if known else None
    alone = variant.price_minor - CUT.of(variant.price_minor)
    stands = {
        "supply": price.supply_minor if price else None if known or several else alone,
        "least": price.least_minor if price else None,
        "most": price.most_minor if price else None,
    }
    named = {name: f"{name}-{place}" for name in FIELDS}
    ticked = known is None or price is not None
    return {
        "label": " · ".join(variant.choice),
        "alone": variant.price,
        "asks": Money(price.supply_minor, variant.currency) if price else None,
        "kind": f"kind-{place}",
        "offered": typed.get(f"kind-{place}") == "yes" if "kinds" in typed else ticked,
        "names": named,
        "values": {
            name: typed.get(at, forms.shown(stands[name], variant.currency))
            for name, at in named.items()
        },
    }


async def save(request: Request) -> Response:
    """POST root/goods/ID/resale: more, by=percent|sum, kinds=yes and kind-N=yes, supply-N, least-N,
    most-N, open_to=all|link, then=offer|withdraw"""
    need_platform_holds(request)
    work, form = await http.at_work(request), await forms.read(request)
    found, variants, _ = await product.read(request, work)
    here = f"{frame.root(work.shop)}/goods/{found.product_id}/resale"
    if meanwhile.is_stale(form, _stands(await _known(request, work, found.product_id))):
        return frame.refuse(request, here, Refused("form_moved"))
    if form.text("then", 20) == "withdraw":
        await _withdraw(request, work, found.product_id)
        return frame.go(request, here, "resale_withdrawn")
    if errors := await _offer(request, work, form, found.product_id, variants):
        typed = {name: form.text(name, 20) for name in _names(variants) if name in form}
        return await _show(request, work, typed, errors, 422)
    return frame.go(request, here, "resale_offered")


def _names(variants: list[Variant]) -> list[str]:
    fields = ("kind", *FIELDS)
    each = [f"{name}-{at}" for at in range(len(variants)) for name in fields]
    return ["open_to", "kinds", *margins.FIELDS, *each]


def _read(
    request: Request, form: Form, variants: list[Variant], known: Offer | None
) -> tuple[list[Price], dict[str, str]]:
    """The prices of the kinds that are offered, and what is wrong with which field."""
    prices: list[Price] = []
    errors: dict[str, str] = {}
    margin = None
    try:
        margin = margins.read(form, variants[0].currency) if len(variants) > 1 else None
    except Refused as no:
        errors["more"] = frame.sentence(request, no)
    for place, each in enumerate(variants):
        if "kinds" in form and not form.ticked(f"kind-{place}"):
            continue
        before = known.prices.get(each.variant_id) if known else None
        price, wrong = _price(request, form, each, place, (margin, before))
        errors |= {key: said for key, said in wrong.items() if "more" not in errors}
        prices += [price] if price else []
    if not prices and not errors:
        errors["supply-0"] = frame.sentence(request, Refused("resale_supply_missing"))
    return prices, errors


def _price(
    request: Request,
    form: Form,
    variant: Variant,
    place: int,
    besides: tuple[Margin | None, Price | None],
) -> tuple[Price | None, dict[str, str]]:
    """What is said of a kind: its own supply price goes before the margin for all, unless it is the
    one it had."""
    (margin, before), errors, minors = besides, {}, dict[str, int | None]()
    for name in FIELDS:
        text = form.text(f"{name}-{place}", 20).strip()
        try:
            minors[name] = forms.price(text, variant.currency) if text else None
        except Refused as no:
            errors[f"{name}-{place}"] = frame.sentence(request, no)
    supply = minors.get("supply")
    if margin is not None and (supply is None or (before and supply == before.supply_minor)):
        supply = max(variant.price_minor - margin.of(variant.price_minor), 0)
    if supply is None:
        if any(minors.values()) or "kinds" in form:
            lacks = frame.sentence(request, Refused("resale_supply_missing"))
            errors.setdefault(f"supply-{place}", lacks)
        return None, errors
    price = Price(variant.variant_id, supply, minors.get("least"), minors.get("most"))
    try:
        return resale_offers.check(price, variant.currency), errors
    except Refused as no:
        field = {"resale_least": "least", "resale_most": "most"}.get(no.code, "supply")
        errors[f"{field}-{place}"] = frame.sentence(request, no)
    return None, errors


async def _offer(
    request: Request, work: AtWork, form: Form, product_id: UUID, variants: list[Variant]
) -> dict[str, str]:
    """Write it; what is wrong, by field."""
    async with http.house(request).database.connection() as conn:
        known = await resale_offers.get(conn, work.shop.shop_id, product_id)
    prices, errors = _read(request, form, variants, known)
    if errors:
        return errors
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
    ahead = await prospects.going(conn, shop_id)
    listed = Counter(each.reseller_shop_id for each in takers if each.ended_at is None)
    rows, nothing = [], Money(0, currency)
    for shop in await resale_offers.partners(conn, list(ids_)):
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
                "expected": prospects.total(
                    [each for each in ahead if each.other_shop_id == reseller], currency
                ),
                "owes": balances.get((chart.due_from(reseller), currency), nothing),
            }
        )
    return sorted(rows, key=lambda row: (-row["sold"].minor, row["name"]))


ROUTES = [
    Route("/console/{shop_id}/goods/{product_id}/resale", page),
    Route("/console/{shop_id}/goods/{product_id}/resale", save, methods=["POST"]),
    Route("/console/{shop_id}/resale", sellers),
]
