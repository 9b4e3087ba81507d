"""The page that waits for the money: what it shows of an order, and the ways to pay on it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request

from littleshop import http, i18n
from littleshop.pay.gateways import How
from littleshop.pay.payments import Payment
from littleshop.trade import roles
from littleshop.trade.orders import PAYABLE
from littleshop.trade.timers import Timer
from littleshop.web import addresses, names, pages
from littleshop.web.storefront import giving, in_wechat, leaving, views
from littleshop.web.storefront.orders import OrderLink

UNTIL = ("pay_by", "hold_by")


def given(payment: Payment, at: datetime) -> str | None:
    """What the rail gave our page for an attempt, while it can be used."""
    given = payment.code_url
    if given is None or payment.method != How.JSAPI:
        return given
    return given if in_wechat.is_fresh(given, at) else None


def shown(
    request: Request, link: OrderLink, clocks: Sequence[Timer], attempts: Sequence[Payment]
) -> dict[str, Any]:
    """What the page shows of the order: where it stands, and until when."""
    return {
        "shop": views.shop(link.bought_in),
        "order": link.short,
        "gift": link.order.kind == "gift",
        "zone": ZoneInfo(link.shop.zone),
        "state": _state(request, link, attempts),
        "kept": link.order.status in ("placed", "collecting"),
        "due_at": next((c.due_at for c in clocks if c.kind in UNTIL), http.now(request)),
        "till": _till(clocks),
    }


def _till(clocks: Sequence[Timer]) -> datetime | None:
    """Until when an order can still be paid whose things are kept for a shorter while."""
    due = {clock.kind: clock.due_at for clock in clocks}
    return due.get("pay_by") if "hold_by" in due else None


def _state(request: Request, link: OrderLink, attempts: Sequence[Payment]) -> str:
    """Where the payment stands. Who was invited to pay, or pays a part, chooses how first. Who is
    back from the rail (`back`: the piece of that page) waits for its word, and chooses no more."""
    order, begun = link.order, any(each.status == "asked" for each in attempts)
    if giving.gives(link):
        over = giving.ended(order, attempts)
    else:
        paid = "" if order.status in PAYABLE else "paid"
        over = "closed" if order.status == "cancelled" else paid
    if over:
        return over
    asked = request.query_params
    if begun and ("returned" in asked or "back" in asked):
        return "asking"
    if "failed" in asked:
        return "failed"
    choosing = order.status == "invited" or giving.gives(link)
    return "choose" if choosing and link.seen.may(roles.PAY) and not begun else "waiting"


def tried(request: Request, attempts: Sequence[Payment]) -> str:
    """The rail that was tried last, as far as anybody knows."""
    asked = request.query_params.get("way", "")
    if asked in http.house(request).rails:
        return asked
    return attempts[-1].gateway if attempts else ""


def choices(
    request: Request, link: OrderLink, attempts: Sequence[Payment], every: Sequence[SimpleNamespace]
) -> dict[str, Any]:
    """Of the ways to pay those for who may pay here, and what the rail gave for the one that was
    begun."""
    locale, last = pages.locale_of(request), tried(request, attempts)
    mine = link.seen.may(roles.PAY) and link.order.status in PAYABLE
    begun, gift = _begun(attempts, last, http.now(request)) if mine else (None, None)
    is_code = begun is not None and begun.method == How.QR
    every = every if mine else []
    shown = [one for one in every if one.way == "here"]
    blocked = [one for one in every if one.way == "outside"]
    name = last or next((one.code for one in shown), "")
    if is_code and last != "alipay":  # its code is all there is at a desk
        shown = [one for one in shown if one.code != last]
    way_out = names.public_url(request, stay=True) + addresses.order(link.token)
    return {
        "methods": sorted(shown, key=lambda one: not one.chosen),
        "method": SimpleNamespace(
            code=name, name=i18n.t(locale, f"checkout.method.{name}") if name else ""
        ),
        "outside": leaving.out(request, way_out) if blocked else None,
        "blocked": blocked,
        "qr": views.qr(gift) if is_code and gift else None,
        "invoke": None if is_code else gift,
        "on_screen": "alipay" if is_code and last == "alipay" else None,
    }


def _begun(
    attempts: Sequence[Payment], gateway: str, at: datetime
) -> tuple[Payment | None, str | None]:
    """The open attempt over a rail that goes on from our page, and what the rail gave for it."""
    for each in reversed(attempts):
        known = given(each, at) if each.status == "asked" and each.gateway == gateway else None
        if known:
            return each, known
    return None, None
