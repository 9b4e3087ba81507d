"""Who asks for a price, as far as his device has shown it: what he has in the shop goes by it.

A privilege is somebody's whose phone is proven here, by signing in or by a code typed on this very
device; a phone that is only typed counts uses of coupons and shows nothing of its owner's.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from uuid import UUID

from starlette.requests import Request

from littleshop import http, i18n
from littleshop.customers import coupons
from littleshop.errors import Refused
from littleshop.identity import codes, phones
from littleshop.money import Money
from littleshop.pricing.offers import Asker
from littleshop.pricing.quotes import Line, Quote
from littleshop.shop.shops import Shop
from littleshop.web import touches


async def proven(request: Request, typed: bytes | None = None) -> bytes | None:
    """The index of the phone that is proven here: of who is signed in, else of who typed a code on
    this device; the `typed` one where there are several."""
    who = await http.somebody(request)
    if who is not None:
        return who.person.phone_index
    device = http.device(request)
    if device is None:
        return None
    async with http.house(request).database.connection() as conn:
        known = await codes.proven_on(conn, device, http.now(request))
    return typed if typed in known else next(iter(known), None)


async def asking(
    request: Request,
    shop: Shop,
    form: Mapping[str, str] | None = None,
    *,
    placing: bool = False,
    cart_id: UUID | None = None,
) -> Asker | None:
    """Who asks; None in a shop that gives nothing, so that nothing is looked up. `placing`: the
    phone in the form counts as its buyer's."""
    code = code_of(form)
    if not shop.offers:
        return Asker(http.now(request), code=code) if code else None
    typed = _index(request, form) if placing else None
    phone = await proven(request, typed)
    touched = touches.fresh(request.headers.get("cookie", ""), shop.shop_id, http.now(request))
    return Asker(
        at=http.now(request),
        phone=phone,
        buyer=typed or phone,
        device=http.device(request),
        code=code,
        channel=touched.code if touched is not None else None,
        cart_id=cart_id,
    )


def code_of(form: Mapping[str, str] | None) -> str:
    """The coupon that was typed."""
    return coupons.code_of(form.get("coupon", "")) if form else ""


def _index(request: Request, form: Mapping[str, str] | None) -> bytes | None:
    try:
        phone = phones.parse(form.get("phone", "") if form else "")
    except Refused:
        return None
    return http.house(request).keyring.index(phone.e164)


def lines(locale: str, quote: Quote, seller: str) -> list[SimpleNamespace]:
    """What is off, as its buyer reads it: what it is called, and who gave it for what."""
    return [
        SimpleNamespace(
            label=line.label, amount=line.amount, reason=why(locale, line, seller), good=True
        )
        for line in quote.lines
        if line.source is not None and line.kind != "shipping"
    ]


def why(locale: str, line: Line, seller: str) -> str:
    """Who gave it, and for what."""
    return i18n.t(locale, f"privileges.why.{line.reason}", seller=seller)


def is_unused(quote: Quote, code: str) -> bool:
    """Whether a coupon was typed and no coupon takes anything off."""
    return bool(code) and not any(line.kind == "coupon" for line in quote.lines)


def hints(locale: str, quote: Quote) -> list[str]:
    """Why what was typed or kept is not used."""
    return [
        i18n.t(
            locale,
            f"privileges.hint.{each.why}",
            label=each.label,
            amount=Money(each.minor, quote.total.currency),
        )
        for each in quote.hints
    ]
