"""The cashier of an order: the ways to pay, the wait for the money, and going to the rail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from littleshop import db, http, i18n
from littleshop.errors import GatewayError, Refused
from littleshop.pay import payments
from littleshop.pay.gateways import PayAnswer
from littleshop.pay.payments import Payment
from littleshop.sale import paying
from littleshop.shop.shops import Shop
from littleshop.trade import timers
from littleshop.trade.timers import Timer
from littleshop.web import addresses, pages
from littleshop.web.storefront import orders, views
from littleshop.web.storefront.checkouts import read_form
from littleshop.web.storefront.orders import OrderLink
from littleshop.web.storefront.visitors import container

GATEWAY = "alipay"
ASK_AGAIN = timedelta(seconds=5)
BLOCKED = ("wechat",)  # chats whose browser cannot open this rail: the way out is shown


class Payable(Protocol):
    """An order that is to be paid, and the token of its link."""

    @property
    def order_id(self) -> UUID: ...
    @property
    def token(self) -> str: ...


def methods(request: Request, chosen: str) -> list[SimpleNamespace]:
    """The ways to pay that can be offered in this container."""
    locale, here = pages.locale_of(request), container(request)
    if GATEWAY not in http.house(request).rails:
        return []
    outside = here in BLOCKED
    note = "outside" if outside else "desktop" if here == "desktop" else "here"
    return [
        SimpleNamespace(
            code=GATEWAY,
            name=i18n.t(locale, f"checkout.method.{GATEWAY}"),
            mark=i18n.t(locale, f"checkout.method.{GATEWAY}.mark"),
            note=i18n.t(locale, f"checkout.method.{GATEWAY}.{note}"),
            way="outside" if outside else "here",
            chosen=chosen == GATEWAY,
        )
    ]


async def pay(request: Request) -> Response:
    """Pay now."""
    link, form = await orders.acting(request), await read_form(request)
    return await begin(request, link.shop, link, form.get("method") or GATEWAY)


async def begin(request: Request, shop: Shop, order: Payable, method: str) -> Response:
    """Send the buyer to pay in the way his container can, or to the page that says how."""
    here, to = container(request), addresses.order_part(order.token, "payment")
    if method != GATEWAY or GATEWAY not in http.house(request).rails or here in BLOCKED:
        return RedirectResponse(to, status_code=303)
    device = http.device(request) or b""
    http.check_limits(request, "pay", order.order_id.bytes, device, http.address(request))
    try:
        if here == "desktop":
            await _draw_code(request, shop, order)
        else:
            to = await _rail_page(request, shop, order, "wap")
    except Refused:
        to = addresses.order(order.token)
    except GatewayError:
        to = f"{to}?failed=1"
    return RedirectResponse(to, status_code=303)


async def _rail_page(request: Request, shop: Shop, order: Payable, method: str) -> str:
    """The rail's page for this browser: a signed address. Raises Refused, GatewayError."""
    payment = await _ask(request, shop, order, method)
    answer = await _send(request, shop, order, payment)
    assert answer.redirect_url is not None
    return answer.redirect_url


async def _draw_code(request: Request, shop: Shop, order: Payable) -> None:
    """Have the rail give a code for another phone, once per attempt.

    Raises Refused, GatewayError.
    """
    payment = await _ask(request, shop, order, "qr")
    if payment.code_url is not None:
        return
    answer = await _send(request, shop, order, payment)
    await http.house(request).database.transaction(
        lambda conn: payments.keep_code(
            conn, shop.shop_id, payment.reference, answer.code_url or ""
        )
    )


async def _ask(request: Request, shop: Shop, order: Payable, method: str) -> Payment:
    at = http.now(request)
    return await http.house(request).database.transaction(
        lambda conn: paying.ask(
            conn, shop.shop_id, order.order_id, gateway=GATEWAY, method=method, at=at
        )
    )


async def _send(request: Request, shop: Shop, order: Payable, payment: Payment) -> PayAnswer:
    house = http.house(request)
    back = f"{house.settings.public_url}{addresses.order_part(order.token, 'payment')}?returned=1"
    return await paying.send(
        house.rails[payment.gateway],
        payment,
        subject=shop.name[:60],
        return_url=back,
        notify_url=house.notify_url(payment.gateway),
    )


async def waiting(request: Request) -> Response:
    """The page that waits for the money; coming back from the rail it has the rail asked."""
    link, house = await orders.behind(request), http.house(request)
    piece = request.url.path.endswith("/status")
    async with house.database.connection() as conn:
        attempts = await payments.of_order(conn, link.shop.shop_id, link.order_id)
        clocks = await timers.of(conn, link.shop.shop_id, link.order_id)
    await _have_asked(request, link, attempts)
    shown = _shown(request, link, attempts, clocks)
    shown["pay_url"] = None if piece else await _pay_url(request, link)
    return pages.page(
        request, "storefront/paying.html", fragment="status" if piece else None, private=True,
        form_targets=views.rail_origins(house), **shown,
    )  # fmt: skip


async def _have_asked(request: Request, link: OrderLink, attempts: Sequence[Payment]) -> None:
    """Who comes back from the rail has it asked about the open attempts, each every few seconds at
    most: that he comes back says nothing."""
    back = link.seen.may_act and "returned" in request.query_params
    open_ones = [each for each in attempts if each.status == "asked"]
    if not back or link.order.status != "placed":
        return
    at = http.now(request)

    async def work(conn: db.Connection) -> None:
        for attempt in open_ones:
            await paying.question(conn, attempt, at - ASK_AGAIN, at)

    await http.house(request).database.transaction(work)


def _shown(
    request: Request, link: OrderLink, attempts: Sequence[Payment], clocks: Sequence[Timer]
) -> dict[str, Any]:
    """What the page shows of the order: where it stands, until when, and the ways to pay it."""
    locale, order, outside = pages.locale_of(request), link.order, container(request) in BLOCKED
    state = {"placed": "waiting", "cancelled": "closed"}.get(order.status, "paid")
    if state == "waiting" and "failed" in request.query_params:
        state = "failed"
    if state == "waiting" and "returned" in request.query_params:
        state = "asking"
    drawn = [each for each in attempts if each.method == "qr" and each.status == "asked"]
    code = drawn[-1].code_url if drawn and state != "paid" else None
    way_out = http.house(request).settings.public_url + addresses.order(link.token)
    return {
        "shop": views.shop(link.shop),
        "order": link.short,
        "method": SimpleNamespace(code=GATEWAY, name=i18n.t(locale, "checkout.method.alipay")),
        "outside": way_out if outside else None,
        "qr": views.qr(code) if code else None,
        "zone": ZoneInfo(link.shop.zone),
        "state": state,
        "due_at": next((c.due_at for c in clocks if c.kind == "pay_by"), http.now(request)),
    }


async def _pay_url(request: Request, link: OrderLink) -> str | None:
    """The rail's page for who may pay here; None for everybody else."""
    here = container(request)
    if link.order.status != "placed" or not link.seen.may_act or here in BLOCKED:
        return None
    try:
        return await _rail_page(request, link.shop, link, "page" if here == "desktop" else "wap")
    except (Refused, GatewayError):
        return None


ROUTES = [
    Route("/o/{token}/payment", waiting, methods=["GET"]),
    Route("/o/{token}/payment/status", waiting, methods=["GET"]),
    Route("/o/{token}/payment", pay, methods=["POST"]),
]
