"""A product's team price: how many people, and what each of them pays for which kind."""

from __future__ import annotations

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import db, http
from littleshop.catalog.products import Variant
from littleshop.errors import NotFound, Refused
from littleshop.http import AtWork
from littleshop.i18n import SIGNS
from littleshop.money import Money
from littleshop.sale import listing_resold
from littleshop.shop import shops
from littleshop.trade import teams
from littleshop.web import forms, meanwhile
from littleshop.web.console import frame, product
from littleshop.web.forms import Form

LEAST, MOST = 2, 200
USUAL_BPS = 8500  # what a price field proposes, of the price alone


async def page(request: Request) -> Response:
    """GET root/goods/ID/team"""
    work = await http.at_work(request)
    return await _show(request, work, {}, {})


async def _show(
    request: Request, work: AtWork, typed: dict[str, str], errors: dict[str, str], status: int = 200
) -> Response:
    found, variants, _ = await product.read(request, work)
    known = await _known(request, work, found.product_id)
    prices = known.prices if known else {}
    rows = [
        {
            "name": f"price-{place}",
            "label": " · ".join(each.choice),
            "alone": each.price,
            "value": typed.get(f"price-{place}") or _proposed(each, prices.get(each.variant_id)),
        }
        for place, each in enumerate(variants)
    ]
    return await frame.page(
        request,
        work,
        "team_price.html",
        "goods",
        status=status,
        product={"id": found.product_id, "title": found.title},
        rows=rows,
        seats=typed.get("seats") or str(known.seats if known else 3),
        offered=known.seats if known else 0,
        errors=errors,
        showed=meanwhile.mark(_stands(known)),
        sign=SIGNS.get(work.shop.currency, work.shop.currency),
    )


async def _known(request: Request, work: AtWork, product_id: UUID) -> teams.Offer | None:
    async with http.house(request).database.connection() as conn:
        return await teams.offered(conn, work.shop.shop_id, product_id)


def _stands(known: teams.Offer | None) -> dict[str, str]:
    prices = sorted((str(which), minor) for which, minor in known.prices.items()) if known else []
    return {"team": f"{known.seats if known else 0} {prices}"}


def _proposed(variant: Variant, known: int | None) -> str:
    return forms.shown(known or variant.price.bps(USUAL_BPS).minor, variant.currency)


async def save(request: Request) -> Response:
    """POST root/goods/ID/team: seats, price-0.., then=offer|withdraw"""
    work, form = await http.at_work(request), await forms.read(request)
    found, variants, _ = await product.read(request, work)
    here = f"{frame.root(work.shop)}/goods/{found.product_id}"
    if meanwhile.is_stale(form, _stands(await _known(request, work, found.product_id))):
        return frame.refuse(request, f"{here}/team", Refused("form_moved"))
    if form.text("then", 20) == "withdraw":
        await _write(request, work, found.product_id, 0, {})
        return frame.go(request, here, "team_withdrawn")
    seats, prices, errors = _read(request, work, form, variants)
    if errors:
        return await _show(request, work, _typed(form, variants), errors, 422)
    if said := await _refused(request, work, found.product_id, seats, prices):
        return await _show(request, work, _typed(form, variants), {"seats": said}, 422)
    return frame.go(request, here, "team_offered")


def _typed(form: Form, variants: list[Variant]) -> dict[str, str]:
    names = ["seats", *(f"price-{place}" for place in range(len(variants)))]
    return {name: form.text(name, 20) for name in names}


def _read(
    request: Request, work: AtWork, form: Form, variants: list[Variant]
) -> tuple[int, dict[UUID, int], dict[str, str]]:
    """Seats, prices by variant, and what is wrong with which field."""
    errors: dict[str, str] = {}
    text = form.text("seats", 5).strip()
    seats = int(text) if text.isascii() and text.isdigit() else 0
    if not LEAST <= seats <= MOST:
        errors["seats"] = frame.sentence(request, Refused("team_seats"))
    prices: dict[UUID, int] = {}
    for place, each in enumerate(variants):
        try:
            prices[each.variant_id] = _price(form.text(f"price-{place}", 20), each)
        except Refused as no:
            errors[f"price-{place}"] = frame.sentence(request, no)
    return seats, prices, errors


def _price(text: str, variant: Variant) -> int:
    """Raises Refused: what forms.price raises, team_price(most=)."""
    minor = forms.price(text, variant.currency)
    if minor >= variant.price_minor:
        raise Refused("team_price", most=Money(variant.price_minor, variant.currency))
    return minor


async def _refused(
    request: Request, work: AtWork, product_id: UUID, seats: int, prices: dict[UUID, int]
) -> str:
    """Write it; the sentence that says why not, or "". Raises NotFound."""
    try:
        await _write(request, work, product_id, seats, prices)
    except NotFound:
        raise
    except Refused as no:
        return frame.sentence(request, no)
    return ""


async def _write(
    request: Request, work: AtWork, product_id: UUID, seats: int, prices: dict[UUID, int]
) -> None:
    shop_id, at = work.shop.shop_id, http.now(request)

    async def write(conn: db.Connection) -> None:
        if prices:
            await listing_resold.need_own(conn, shop_id, product_id)
            await teams.offer(conn, shop_id, product_id, seats, prices, at)
        else:
            await teams.withdraw(conn, shop_id, product_id)
        await shops.touch(conn, shop_id)  # a visitor sees it on the product's page

    await http.house(request).database.transaction(write)


ROUTES = [
    Route("/console/{shop_id}/goods/{product_id}/team", page),
    Route("/console/{shop_id}/goods/{product_id}/team", save, methods=["POST"]),
]
