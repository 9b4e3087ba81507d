"""The order page behind a link: the link shows, only the device that ordered acts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import segno
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from littleshop import db, http, i18n, ids
from littleshop.errors import GatewayError, NotFound, Refused
from littleshop.pay import payments
from littleshop.pay.payments import Payment
from littleshop.sale import paying, receiving, refunding, shipping
from littleshop.shop import shops
from littleshop.shop.shops import Shop
from littleshop.trade import deliveries, orders, timers
from littleshop.trade.orders import Seen
from littleshop.web import addresses, containers, pages
from littleshop.web.storefront import order_views, views
from littleshop.web.storefront.checkouts import read_form

GATEWAY = "alipay"
ASK_AGAIN = timedelta(seconds=5)
BLOCKED = ("wechat",)  # chats whose browser cannot open this rail: the way out is shown


async def seen_here(request: Request) -> tuple[Seen, Shop, str]:
    """The order behind the link and its shop. Raises NotFound."""
    token = request.path_params["token"]
    shop_id = http.token_shop(token)
    async with http.house(request).database.connection() as conn:
        seen = await orders.by_link(conn, shop_id, ids.hashed(token), http.device(request))
        if seen is None:
            raise NotFound("order")
        return seen, await shops.get(conn, shop_id), token


async def _acting(request: Request) -> tuple[Seen, Shop, str]:
    """The same for an act. Raises Refused("only_look") on a device that did not order."""
    seen, shop, token = await seen_here(request)
    if not seen.may_act:
        raise Refused("only_look")
    return seen, shop, token


async def show(request: Request) -> Response:
    """The order."""
    return await _page(request, *await seen_here(request))


async def status(request: Request) -> Response:
    """The live piece of the order page."""
    return await _page(request, *await seen_here(request), fragment="status")


async def _page(
    request: Request,
    seen: Seen,
    shop: Shop,
    token: str,
    *,
    fragment: str | None = None,
    notice: str | None = None,
    code: int = 200,
) -> Response:
    house, locale, now = http.house(request), pages.locale_of(request), http.now(request)
    row = seen.order
    async with house.database.connection() as conn:
        things = await orders.items(conn, row.shop_id, row.order_id)
        clocks = await timers.of(conn, row.shop_id, row.order_id)
        attempts = await payments.of_order(conn, row.shop_id, row.order_id)
        parcels = await deliveries.of_order(conn, row.shop_id, row.order_id)
        history = await orders.history(conn, row.shop_id, row.order_id)
    known = order_views.context(
        shop.zone,
        shop=views.shop(shop),
        order=order_views.order(locale, seen, token, things, attempts, house.keyring),
        parcel=order_views.parcel(locale, parcels, history) if seen.may_act else None,
        due=order_views.due(row, clocks, house.calendar),
        may=order_views.may(seen, clocks, now),
        verify=not seen.may_act,
    )
    if row.way == "pickup" and row.status in orders.PAID:
        known["fetch_at"] = shop.pickup_place or ""
    if notice:
        known |= {"notice": notice, "bad": code >= 400}
    return pages.page(
        request,
        "storefront/order.html",
        status=code,
        fragment=fragment,
        private=True,
        form_targets=rail_origins(request),
        **known,
    )


def rail_origins(request: Request) -> list[str]:
    """Where a form of ours may end: browsers check the redirect that answers a form too."""
    return views.origins(http.house(request).settings.rails)


def methods(request: Request, chosen: str) -> list[SimpleNamespace]:
    """The ways to pay that can be offered in this container."""
    locale = pages.locale_of(request)
    container = containers.of(request.headers.get("user-agent", ""))
    if GATEWAY not in http.house(request).rails:
        return []
    outside = container in BLOCKED
    note = "outside" if outside else "desktop" if container == "desktop" else "here"
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


async def begin_payment(
    request: Request, shop: Shop, order_id: UUID, token: str, method: str
) -> Response:
    """Send the buyer to pay in the way his container can, or to the page that says how."""
    container = containers.of(request.headers.get("user-agent", ""))
    waiting = RedirectResponse(addresses.order_part(token, "payment"), status_code=303)
    if method != GATEWAY or GATEWAY not in http.house(request).rails or container in BLOCKED:
        return waiting
    device = http.device(request) or b""
    http.check_limits(request, "pay", order_id.bytes, device, http.address(request))
    try:
        if container == "desktop":
            await _draw_code(request, shop, order_id, token)
            return waiting
        payment = await _ask(request, shop.shop_id, order_id, "wap")
        answer = await _send(request, shop, payment, token)
    except Refused:
        return RedirectResponse(addresses.order(token), status_code=303)
    except GatewayError:
        failed = addresses.order_part(token, "payment?failed=1")
        return RedirectResponse(failed, status_code=303)
    assert answer.redirect_url is not None
    return RedirectResponse(answer.redirect_url, status_code=303)


async def _ask(request: Request, shop_id: int, order_id: UUID, method: str) -> Payment:
    return await http.house(request).database.transaction(
        lambda conn: paying.ask(
            conn, shop_id, order_id, gateway=GATEWAY, method=method, at=http.now(request)
        )
    )


async def _send(request: Request, shop: Shop, payment: Payment, token: str) -> Any:
    house = http.house(request)
    back = f"{house.settings.public_url}{addresses.order_part(token, 'payment')}?returned=1"
    return await paying.send(
        house.rails[payment.gateway],
        payment,
        subject=f"{shop.name}"[:60],
        return_url=back,
        notify_url=house.notify_url(payment.gateway),
    )


async def _draw_code(request: Request, shop: Shop, order_id: UUID, token: str) -> None:
    """Have the rail give a code for another phone, once per attempt."""
    payment = await _ask(request, shop.shop_id, order_id, "qr")
    if payment.code_url is None:
        answer = await _send(request, shop, payment, token)
        await http.house(request).database.transaction(
            lambda conn: payments.keep_code(
                conn, shop.shop_id, payment.reference, answer.code_url or ""
            )
        )


async def pay(request: Request) -> Response:
    """Pay now."""
    seen, shop, token = await _acting(request)
    form = await read_form(request)
    method = form.get("method") or GATEWAY
    return await begin_payment(request, shop, seen.order.order_id, token, method)


async def waiting(request: Request) -> Response:
    """The page that waits for the money; coming back from the rail it has the rail asked."""
    seen, shop, token = await seen_here(request)
    row, house, at = seen.order, http.house(request), http.now(request)
    async with house.database.connection() as conn:
        attempts = await payments.of_order(conn, row.shop_id, row.order_id)
        clocks = await timers.of(conn, row.shop_id, row.order_id)
    if row.status == "placed" and seen.may_act and "returned" in request.query_params:
        await house.database.transaction(partial(_have_asked, attempts, at))
    fragment = "status" if request.url.path.endswith("/status") else None
    known = await _paying_context(request, seen, shop, token, attempts)
    known["due_at"] = next((c.due_at for c in clocks if c.kind == "pay_by"), at)
    if (
        fragment is None
        and known["state"] in ("waiting", "asking", "failed")
        and not known["outside"]
    ):
        known["pay_url"] = await _pay_url(request, shop, seen, token)
    return pages.page(
        request, "storefront/paying.html", fragment=fragment, private=True,
        form_targets=rail_origins(request), **known,
    )  # fmt: skip


async def _have_asked(attempts: list[Payment], at: datetime, conn: db.Connection) -> None:
    """Have the rails asked about the open attempts, each every few seconds at most."""
    for attempt in attempts:
        if attempt.status == "asked":
            await paying.question(conn, attempt, at - ASK_AGAIN, at)


async def _paying_context(
    request: Request, seen: Seen, shop: Shop, token: str, attempts: list[Payment]
) -> dict[str, Any]:
    locale, row = pages.locale_of(request), seen.order
    container = containers.of(request.headers.get("user-agent", ""))
    open_ones = {one.method: one for one in attempts if one.status == "asked"}
    code = open_ones["qr"].code_url if "qr" in open_ones else None
    link = http.house(request).settings.public_url + addresses.order(token)
    state = {"placed": "waiting", "cancelled": "closed"}.get(row.status, "paid")
    if state == "waiting" and "failed" in request.query_params:
        state = "failed"
    if state == "waiting" and "returned" in request.query_params:
        state = "asking"
    return {
        "shop": views.shop(shop),
        "order": SimpleNamespace(token=token, number=str(row.number), total=row.total),
        "method": SimpleNamespace(code=GATEWAY, name=i18n.t(locale, "checkout.method.alipay")),
        "pay_url": None,
        "outside": link if container in BLOCKED else None,
        "qr": segno.make(code, error="m").svg_inline(scale=4, border=0, omitsize=True)
        if code and state != "paid"
        else None,
        "zone": ZoneInfo(shop.zone),
        "state": state,
    }


async def _pay_url(request: Request, shop: Shop, seen: Seen, token: str) -> str | None:
    """The rail's page for this browser: a signed address, nothing is sent."""
    if not seen.may_act:
        return None
    desktop = containers.of(request.headers.get("user-agent", "")) == "desktop"
    try:
        payment = await _ask(
            request, shop.shop_id, seen.order.order_id, "page" if desktop else "wap"
        )
        answer = await _send(request, shop, payment, token)
    except (Refused, GatewayError):
        return None
    url: str | None = answer.redirect_url
    return url


Act = Callable[[db.Connection, Seen], Awaitable[object]]


async def _act(request: Request, act: Act) -> Response:
    """Do one thing with the order and show it again; a no is said on the same page."""
    seen, shop, token = await _acting(request)
    try:
        await http.house(request).database.transaction(lambda conn: act(conn, seen))
    except Refused as no:
        said = i18n.t(pages.locale_of(request), f"errors.{no.code}", **no.details)
        seen, shop, token = await seen_here(request)
        return await _page(request, seen, shop, token, notice=said, code=409)
    return RedirectResponse(addresses.order(token), status_code=303)


async def receive(request: Request) -> Response:
    """The buyer has it all. A second press finds it done."""

    async def act(conn: db.Connection, seen: Seen) -> None:
        row = seen.order
        if row.status not in ("received", "closed"):
            await receiving.receive(
                conn,
                row.shop_id,
                row.order_id,
                by="buyer",
                at=http.now(request),
            )

    return await _act(request, act)


async def extend(request: Request) -> Response:
    """Three more days, once."""
    at = http.now(request)
    return await _act(
        request,
        lambda conn, seen: receiving.extend(conn, seen.order.shop_id, seen.order.order_id, at),
    )


async def remind(request: Request) -> Response:
    """Ask the seller to ship."""
    at = http.now(request)
    return await _act(
        request,
        lambda conn, seen: shipping.remind(conn, seen.order.shop_id, seen.order.order_id, at),
    )


async def cancel(request: Request) -> Response:
    """Call it off: before paying at any time, after it once the seller is late."""
    at = http.now(request)

    async def act(conn: db.Connection, seen: Seen) -> None:
        row = seen.order
        if row.status in ("cancelled", "refunded"):
            return
        if row.status == "placed":
            await paying.withdraw(conn, row.shop_id, row.order_id, at)
            return
        await refunding.call_off(
            conn, row.shop_id, row.order_id, by="buyer", reason="not_shipped", at=at
        )

    return await _act(request, act)


async def pickup(request: Request) -> Response:
    """The code the buyer shows with the goods in hand."""
    seen, shop, token = await _acting(request)
    row = seen.order
    if row.way != "pickup" or row.status != "to_ship":
        return RedirectResponse(addresses.order(token), status_code=303)
    code = shipping.pickup_code(http.house(request).keyring, row.shop_id, row.order_id)
    return pages.page(
        request,
        "storefront/pickup.html",
        private=True,
        shop=views.shop(shop),
        order=SimpleNamespace(token=token, number=str(row.number), total=row.total),
        code=code,
        qr=segno.make(code, error="m").svg_inline(scale=4, border=0, omitsize=True),
        place=shop.pickup_place,
    )


ROUTES = [
    Route("/o/{token}", show, methods=["GET"]),
    Route("/o/{token}/status", status, methods=["GET"]),
    Route("/o/{token}/payment", waiting, methods=["GET"]),
    Route("/o/{token}/payment/status", waiting, methods=["GET"]),
    Route("/o/{token}/payment", pay, methods=["POST"]),
    Route("/o/{token}/receipt", receive, methods=["POST"]),
    Route("/o/{token}/extension", extend, methods=["POST"]),
    Route("/o/{token}/reminder", remind, methods=["POST"]),
    Route("/o/{token}/cancellation", cancel, methods=["POST"]),
    Route("/o/{token}/pickup", pickup, methods=["GET"]),
]
