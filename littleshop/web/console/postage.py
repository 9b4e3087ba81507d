"""What sending costs: nothing, one fee, or templates by region; where buyers can fetch things."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import db, http, ids
from littleshop.catalog import local_deliveries, shipping_rates
from littleshop.catalog.local_deliveries import Local
from littleshop.errors import NotFound, Refused
from littleshop.http import AtWork
from littleshop.i18n import SIGNS, t
from littleshop.money import Money
from littleshop.shop import shop_acts, shops
from littleshop.web import forms, meanwhile, pages, postage_words
from littleshop.web.console import frame, rate_presets, rates

POSTAGE = ("mode", "fee", "free_over", "rule", "pickup_place")


async def page(request: Request) -> Response:
    """GET root/settings/shipping"""
    work = await http.at_work(request)
    return await _page(request, work, _stands(work.shop), {})


def _stands(shop: shops.Shop) -> dict[str, str]:
    """The fields as the shop is now."""
    fee = forms.shown(shop.shipping_flat_minor, shop.currency) if shop.shipping_flat_minor else ""
    mode = "regions" if shop.rate_id else "flat" if shop.shipping_flat_minor else "free"
    return {
        "mode": mode,
        "fee": fee,
        "free_over": forms.shown(shop.shipping_free_over_minor, shop.currency),
        "rule": str(shop.rate_id or ""),
        "pickup_place": shop.pickup_place or "",
    }


async def _page(
    request: Request,
    work: AtWork,
    form: dict[str, str],
    errors: dict[str, str],
    status: int = 200,
) -> Response:
    locale, shop = pages.locale_of(request), work.shop
    async with http.house(request).database.connection() as conn:
        known = await shipping_rates.of(conn, shop.shop_id)
        local = await local_deliveries.of(conn, shop.shop_id)
    return await frame.page(
        request, work, "settings_shipping.html", "today",
        status=status, form=form, errors=errors, showed=meanwhile.mark(_stands(shop)),
        sign=SIGNS.get(shop.currency, shop.currency),
        local_line=_local_line(locale, shop, local),
        presets=[(each, t(locale, f"rates.preset.{each}")) for each in rate_presets.NAMES],
        rates=[
            {
                "id": str(each.rate_id),
                "name": each.name,
                "standard": each.rate_id == shop.rate_id,
                "products": each.products,
                "rows": postage_words.told(locale, each, shop.currency),
            }
            for each in known
        ],
    )  # fmt: skip


def _local_line(locale: str, shop: shops.Shop, local: Local | None) -> str:
    """How far the shop brings things itself, in one line."""
    if local is None:
        return t(locale, "local.settings_off")
    fee = Money(min(each.fee_minor for each in local.bands), shop.currency)
    return t(locale, "local.settings_on", km=f"{local.bands[-1].meters / 1000:g}", fee=fee)


class Postage(msgspec.Struct):
    """What a form says sending costs, in minor units; `errors` by the field they stand under."""

    flat_minor: int = 0
    free_over_minor: int | None = None
    errors: dict[str, str] = {}


async def save(request: Request) -> Response:
    """POST root/settings/shipping: mode=free|flat|regions, fee, free_over, rule (a template's id or
    the name of a preset), pickup_place"""
    work = await http.at_work(request)
    form, here = await forms.read(request), f"{frame.root(work.shop)}/settings"
    if meanwhile.is_stale(form, _stands(work.shop)):
        return frame.refuse(request, f"{here}/shipping", Refused("form_moved"))
    typed = form.typed(*POSTAGE)
    postage, made = await _try(request, work, typed)
    if postage.errors:
        return await _page(request, work, typed, postage.errors, status=422)
    if made is not None:
        return frame.go(request, f"{here}/shipping/rates/{made}", "rate_made")
    return frame.go(request, here, "shipping_saved")


async def _try(
    request: Request, work: AtWork, typed: dict[str, str]
) -> tuple[Postage, UUID | None]:
    """Write what was typed; what is wrong stands in its errors. And the template that was made."""
    postage, made = _postage(request, typed, work.shop.currency), None
    if not postage.errors:
        try:
            made = await _set(request, work, postage, typed)
        except NotFound:
            raise
        except Refused as refused:
            at = "rule" if refused.code.startswith("rate") else "fee"
            postage.errors[at] = forms.said(request, refused)
    return postage, made


def _postage(request: Request, typed: dict[str, str], currency: str) -> Postage:
    """The fee and from where it is waived, as typed; free sending asks for neither, and a template
    that exists has its own."""
    found = Postage(errors={})
    preset = typed["rule"] in rate_presets.NAMES
    if typed["mode"] == "free" or (typed["mode"] == "regions" and not preset):
        return found
    try:
        found.flat_minor = forms.price(typed["fee"], currency)
    except Refused as refused:
        found.errors["fee"] = forms.said(request, refused)
    over = typed["free_over"].strip()
    try:
        found.free_over_minor = forms.price(over, currency) if over else None
    except Refused as refused:
        found.errors["free_over"] = forms.said(request, refused)
    return found


async def _set(
    request: Request, work: AtWork, postage: Postage, typed: dict[str, str]
) -> UUID | None:
    """The template that a preset made. Raises Refused: shipping_fee, rate_unknown, and what
    shipping_rates.write raises."""
    shop, at, place = work.shop, http.now(request), typed["pickup_place"].strip()
    by_region, made = typed["mode"] == "regions", None
    chosen = _chosen(typed["rule"]) if by_region else None
    if by_region and typed["rule"] in rate_presets.NAMES:
        made = chosen = ids.uuid7(at)
    flat, over = postage.flat_minor, postage.free_over_minor
    if by_region and made is None:  # what stood there stays, for the day he goes back to it
        flat, over = shop.shipping_flat_minor, shop.shipping_free_over_minor

    async def set_it(conn: db.Connection) -> None:
        await shops.set_shipping(
            conn, shop.shop_id, flat_minor=flat, free_over_minor=over, pickup_place=place or None
        )
        if made is not None:
            drawn = rate_presets.made(pages.locale_of(request), typed["rule"], flat, over)
            drawn = await rates.named_apart(conn, shop.shop_id, drawn)
            await shipping_rates.write(conn, shop.shop_id, made, drawn, at)
        await shipping_rates.set_standard(conn, shop.shop_id, chosen)
        await shop_acts.note(conn, shop.shop_id, work.person.person_id, "shipping", at=at)

    await http.house(request).database.transaction(set_it)
    return made


def _chosen(text: str) -> UUID | None:
    """The template that was chosen. Raises Refused rate_unknown."""
    if text in rate_presets.NAMES:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise Refused("rate_unknown") from None


_ROOT = "/console/{shop_id}/settings/shipping"
ROUTES: list[Any] = [
    Route(_ROOT, page),
    Route(_ROOT, save, methods=["POST"]),
    *rates.ROUTES,
]
