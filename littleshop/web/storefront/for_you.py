"""What a shop gives who asks: privileges with their reasons, a birthday, goods only they see, and
coupons that a link offers."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote as quoted
from uuid import UUID
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from littleshop import db, http, i18n
from littleshop.catalog import choosing, products
from littleshop.customers import coupons, privileges
from littleshop.customers.coupons import Coupon
from littleshop.errors import NotFound, Refused
from littleshop.money import Money
from littleshop.pricing import facts as pricing_facts
from littleshop.pricing import offers, quotes
from littleshop.pricing.facts import VariantFacts
from littleshop.pricing.offers import Offers, Privilege
from littleshop.pricing.quotes import Item
from littleshop.shop.shops import Shop
from littleshop.web import addresses, forms, pages
from littleshop.web.storefront import askers, checkouts, views
from littleshop.web.storefront.visitors import remember, shop_here


async def page(request: Request) -> Response:
    """GET /@SLUG/for-you"""
    return await _show(request, await shop_here(request))


async def _show(request: Request, shop: Shop, no: Refused | None = None) -> Response:
    locale, phone = pages.locale_of(request), await askers.proven(request)
    at = http.now(request)
    async with http.house(request).database.connection() as conn:
        own, wares = await _own(request, conn, shop)
        said = await privileges.birthday(conn, shop.shop_id, phone) if phone else None
    here = addresses.for_you(shop.slug or "")
    return pages.page(
        request,
        "storefront/for_you.html",
        status=409 if no else 200,
        private=True,
        shop=views.shop(shop),
        known=phone is not None,
        sign_in=f"/sign-in?next={quoted(here)}",
        rows=[_row(locale, shop, each, at) for each in own.privileges],
        coupons=[_coupon(locale, shop, each, at) for each in own.coupons if each.no is None],
        wares=wares,
        birthday=i18n.t(locale, "privileges.day", month=said.month, day=said.day) if said else "",
        problem=forms.said(request, no) if no else None,
    )


async def _own(
    request: Request, conn: db.Connection, shop: Shop
) -> tuple[Offers, list[SimpleNamespace]]:
    """What he has, and the goods that only it opens."""
    asker = await askers.asking(request, shop)
    if asker is None or not shop.offers:
        return offers.NOTHING, []
    own = offers.read(await pricing_facts.offers_of(conn, shop.shop_id, asker))
    opened = sorted({product for each in own.privileges for product in each.goods or ()})
    named = await choosing.variants_of(conn, shop.shop_id, opened)
    known = await pricing_facts.load(conn, shop.shop_id, named)
    return own, [_ware(shop, known[each]) for each in named if known[each].unlisted]


def _ware(shop: Shop, known: VariantFacts) -> SimpleNamespace:
    only = checkouts.items_text([Item(known.variant_id, 1)])
    return SimpleNamespace(
        title=known.title,
        choice=known.choice,
        price=Money(known.price_minor, known.currency),
        left=known.spare,
        url=addresses.checkout(shop.slug or "", only),
    )


def _row(locale: str, shop: Shop, each: Privilege, at: datetime) -> SimpleNamespace:
    left = Money(each.left, shop.currency)
    off = i18n.t(locale, f"privileges.is.{each.kind}", percent=_percent(each.bps), amount=left)
    return SimpleNamespace(
        label=each.label,
        what=off,
        why=i18n.t(locale, f"privileges.why.{each.kind}", seller=views.shop(shop).seller),
        until=_day(locale, shop, each.until, at),
        spent=each.left < 1,
    )


def _day(locale: str, shop: Shop, until: datetime | None, at: datetime) -> str:
    if until is None:
        return ""
    zone = ZoneInfo(shop.zone)
    return i18n.day(locale, until.astimezone(zone).date(), at.astimezone(zone).date())


def _percent(bps: int | None) -> str:
    return f"{(bps or 0) / 100:g}%"


def _coupon(locale: str, shop: Shop, each: offers.Coupon | Coupon, at: datetime) -> SimpleNamespace:
    kept = isinstance(each, offers.Coupon)
    minor = each.minor if isinstance(each, offers.Coupon) else each.off_minor
    bps = each.bps if isinstance(each, offers.Coupon) else each.off_bps
    least = each.least if isinstance(each, offers.Coupon) else each.least_minor
    until = each.until if isinstance(each, offers.Coupon) else each.until_at
    kind = "fixed" if minor is not None else "percent"
    return SimpleNamespace(
        label=each.label,
        code=each.code,
        what=i18n.t(
            locale,
            f"privileges.coupon.is.{kind}",
            amount=Money(minor or 0, shop.currency),
            percent=_percent(bps),
        ),
        least=Money(least, shop.currency) if least else None,
        until=_day(locale, shop, until, at),
        kept=kept,
    )


async def birthday(request: Request) -> Response:
    """POST /@SLUG/for-you: month, day of who is proven here"""
    shop, form = await shop_here(request), await checkouts.read_form(request)
    phone, at = await askers.proven(request), http.now(request)
    if phone is None:
        raise NotFound("person")
    month, day = checkouts.pieces(form.get("month", "")), checkouts.pieces(form.get("day", ""))
    try:
        await http.house(request).database.transaction(
            lambda conn: privileges.say_birthday(conn, shop.shop_id, phone, month, day, at)
        )
    except Refused as no:
        return await _show(request, shop, no)
    return RedirectResponse(addresses.for_you(shop.slug or ""), status_code=303)


async def coupon(request: Request) -> Response:
    """GET /@SLUG/coupons/CODE: what it is; nothing is kept by looking"""
    shop = await shop_here(request)
    return _coupon_page(request, shop, await _found(request, shop))


async def _found(request: Request, shop: Shop) -> Coupon:
    """Raises NotFound, and Refused too_many: codes are short, so looking is counted."""
    _, device = http.make_device(request)
    http.check_limits(request, "passcode", device, http.address(request))
    code = coupons.code_of(request.path_params["code"])
    async with http.house(request).database.connection() as conn:
        found = await coupons.by_code(conn, shop.shop_id, code)
    if found is None:
        raise NotFound("coupon")
    return found


def _coupon_page(
    request: Request, shop: Shop, found: Coupon, no: Refused | None = None
) -> Response:
    at = http.now(request)
    over = found.paused or (found.until_at is not None and found.until_at <= at)
    return pages.page(
        request,
        "storefront/coupon.html",
        status=409 if no else 200,
        private=True,
        shop=views.shop(shop),
        coupon=_coupon(pages.locale_of(request), shop, found, at),
        over=over,
        problem=forms.said(request, no) if no else None,
    )


async def keep(request: Request) -> Response:
    """POST /@SLUG/coupons/CODE: this device has it at its next checkouts"""
    shop = await shop_here(request)
    found, at = await _found(request, shop), http.now(request)
    token, device = http.make_device(request)
    http.check_limits(request, "share", device, http.address(request))
    try:
        await http.house(request).database.transaction(
            lambda conn: coupons.keep(conn, shop.shop_id, device, found.coupon_id, at)
        )
    except Refused as no:
        return _coupon_page(request, shop, found, no)
    to = RedirectResponse(addresses.for_you(shop.slug or ""), status_code=303)
    return remember(request, to, token)


async def on_product(request: Request, shop: Shop, product_id: UUID) -> SimpleNamespace | None:
    """What one piece of a product costs who asks, where that is less than the shelf's price."""
    asker = await askers.asking(request, shop)
    if asker is None or (asker.phone is None and asker.device is None):
        return None
    async with http.house(request).database.connection() as conn:
        variants = await products.variants(conn, shop.shop_id, product_id)
    ready = next((each for each in variants if each.spare > 0), None)
    if ready is None:
        return None
    facts = await http.house(request).loader.facts(shop.shop_id, [ready.variant_id], asker)
    try:
        quote = quotes.quote(facts, [Item(ready.variant_id, 1)], "courier")
    except Refused:
        return None
    given = [each for each in quote.lines if each.kind == "privilege"]
    if not given:
        return None
    why = askers.why(pages.locale_of(request), given[0], views.shop(shop).seller)
    price = sum((each.amount for each in given), quote.goods)
    return SimpleNamespace(price=price, label=given[0].label, why=why)


ROUTES: list[Any] = [
    Route("/@{slug}/for-you", page, methods=["GET"]),
    Route("/@{slug}/for-you", birthday, methods=["POST"]),
    Route("/@{slug}/coupons/{code}", coupon, methods=["GET"]),
    Route("/@{slug}/coupons/{code}", keep, methods=["POST"]),
]
