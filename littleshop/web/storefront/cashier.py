"""The cashier of an order: the ways to pay, the wait for the money, and going to the rail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, Protocol
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from littleshop import db, http, i18n
from littleshop.errors import GatewayError, Refused
from littleshop.pay import payments, switches
from littleshop.pay.gateways import How, PayAnswer
from littleshop.pay.payments import Payment
from littleshop.sale import paying
from littleshop.sale.paying import PartDue
from littleshop.shop import admissions
from littleshop.shop.shops import Shop
from littleshop.trade import roles, timers
from littleshop.trade.orders import PAYABLE
from littleshop.trade.timers import Timer
from littleshop.web import addresses, flash, keepers, names, pages, wechat_bridge
from littleshop.web.storefront import (
    giving,
    in_wechat,
    letters,
    orders,
    paying_page,
    price_views,
    views,
    ways,
)
from littleshop.web.storefront.checkouts import read_form
from littleshop.web.storefront.orders import OrderLink
from littleshop.web.storefront.visitors import container, remember
from littleshop.web.storefront.ways import Way

ASK_AGAIN = timedelta(seconds=5)
SHOWN_HERE = (How.QR, How.JSAPI)  # what goes on from our own page: a code, or WeChat's bridge
# WeChat's phone page refuses who comes from nowhere: it may learn our origin, never the token.
FROM_HERE = {"referrer-policy": "strict-origin"}


class Payable(Protocol):
    """An order that is to be paid, and the token of its link."""

    @property
    def order_id(self) -> UUID: ...
    @property
    def token(self) -> str: ...


class Bill(msgspec.Struct, frozen=True):
    """The same with the name of the shop that its buyer knows, and with what of it is paid now;
    None: all, by its buyer."""

    order_id: UUID
    token: str
    seller: str
    part: PartDue | None = None


async def open_rails(request: Request, shop: Shop) -> frozenset[str]:
    """The rails of this house over which the shop can be paid; in psp_escrow those that have
    admitted it. Without any its orders wait."""
    house = http.house(request)
    if house.settings.escrow != "psp_escrow":
        return frozenset(house.rails)
    async with house.database.connection() as conn:
        return frozenset(await admissions.open_for(conn, shop.shop_id))


async def waits(request: Request, shop: Shop) -> bool:
    """Whether no rail has admitted the shop yet."""
    house = http.house(request)
    return house.settings.escrow == "psp_escrow" and not await open_rails(request, shop)


async def offered(request: Request, shop: Shop, where: str = "") -> list[Way]:
    """The ways to pay this shop from where the page is open (or from the container `where`), the
    first one proposed."""
    house, usable = http.house(request), await open_rails(request, shop)
    async with house.database.connection() as conn:
        off = await switches.off(conn)
    locale = pages.locale_of(request)
    rails = {name: rail for name, rail in house.rails.items() if name in usable}
    strange = ways.strangers(house.settings.rails, urlsplit(names.origin(request)).netloc)
    found = ways.offered(rails, off, where or container(request), shop.currency, locale, strange)
    return [way for way in found if way.how is not How.JSAPI or house.wechat_login is not None]


def methods(request: Request, found: Sequence[Way], chosen: str) -> list[SimpleNamespace]:
    """The ways as the checkout shows them; `chosen`, else the first that works here."""
    locale, here = pages.locale_of(request), [way.gateway for way in found if not way.outside]
    picked = chosen if chosen in here else here[0] if here else chosen
    return [
        SimpleNamespace(
            code=way.gateway,
            name=i18n.t(locale, f"checkout.method.{way.gateway}"),
            mark=i18n.t(locale, f"checkout.method.{way.gateway}.mark"),
            note=i18n.t(locale, f"checkout.method.{way.gateway}.{_note(request, way)}"),
            way="outside" if way.outside else "here",
            chosen=way.gateway == picked,
            folded=way.rare,
        )
        for way in found
    ]


def _note(request: Request, way: Way) -> str:
    if way.outside:
        return "outside"
    return "desktop" if container(request) == "desktop" else "here"


async def stopped(request: Request, shop: Shop, method: str) -> dict[str, Refused]:
    """What is wrong with a way that cannot be gone from here: said before anything is ordered."""
    found = [way for way in await offered(request, shop) if method in (way.gateway, "")]
    return {"method": Refused("way_outside")} if found and found[0].outside else {}


async def pay(request: Request) -> Response:
    """Pay now, the way that was pressed; by a payer's link whoever has it."""
    link, form = await orders.acting(request, roles.PAY), await read_form(request)
    if no := price_views.moved(link.order, form.get("seen", "")):
        if giving.gives(link):
            return await letters.refused(request, link, no)
        return flash.refuse(request, addresses.order(link.token), no)
    if giving.gives(link):
        return await _give(request, link, form)
    method, how = form.get("method", ""), form.get("how", "")
    return await begin(request, link.shop, link, method, how, sold_by=link.sold_by)


async def _give(request: Request, link: OrderLink, form: Mapping[str, str]) -> Response:
    """Pay a part, or all for another: the sum first, then the way where there are several."""
    if link.order.status not in PAYABLE:
        return RedirectResponse(addresses.order(link.token), status_code=303)
    token, device = http.make_device(request)
    try:
        http.check_limits(request, "give", device, http.address(request))
        part = await giving.ask(request, link, form, device)
    except Refused as no:
        return await letters.refused(request, link, no)
    method = form.get("method", "")
    here = [way for way in await offered(request, link.shop) if not way.outside]
    if not method and len(here) != 1:
        to = addresses.order_part(link.token, "payment")
        return remember(request, RedirectResponse(to, status_code=303), token)
    answer = await begin(
        request, link.shop, link, method, form.get("how", ""), part, sold_by=link.sold_by
    )
    return remember(request, answer, token)


async def begin(
    request: Request,
    shop: Shop,
    order: Payable,
    method: str,
    how: str = "",
    part: PartDue | None = None,
    *,
    sold_by: Shop | None = None,
) -> Response:
    """Send the buyer to pay in the way his container can, or to the page that says how.

    `how` page: at a desktop, to the rail's own page instead of a code. `part`: what is paid of it.
    `sold_by`: the shop in which it was bought, where another ships it.
    """
    to = addresses.order_part(order.token, "payment")
    found = [way for way in await offered(request, shop) if method in (way.gateway, "")]
    if not found or found[0].how is None:
        off = f"?failed=1&way={method}" if not found and method in http.house(request).rails else ""
        return RedirectResponse(to + off, status_code=303)
    device = (
        http.device(request) or order.order_id.bytes
    )  # his first act here: he has no cookie yet
    subject = part.part_id if part else order.order_id  # friends don't use up each other's
    http.check_limits(request, "pay", subject.bytes, device, http.address(request))
    wanted = How.PAGE if how == "page" and found[0].how is How.QR else found[0].how
    if wanted is How.JSAPI and in_wechat.openid(request) is None:
        return in_wechat.log_in(request, addresses.order_part(order.token, "payment/wechat"))
    bill = Bill(order.order_id, order.token, (sold_by or shop).name, part)
    return await go_on(request, shop, bill, Way(found[0].gateway, wanted))


async def go_on(
    request: Request, shop: Shop, order: Bill, way: Way, *, openid: str | None = None
) -> Response:
    """To the rail's page, or to ours with what the rail gave for it."""
    to = addresses.order_part(order.token, "payment")
    try:
        if way.how in SHOWN_HERE:
            openid = openid or in_wechat.openid(request)
            await _prepare(request, shop, order, way, openid)
            to = f"{to}?way={way.gateway}"
        else:
            to = await _rail_page(request, shop, order, way)
    except Refused as no:
        to = addresses.order(order.token)
        said = order.part is not None or no.code in ("held_too_often", "held_enough")
        return flash.refuse(request, to, no) if said else RedirectResponse(to, 303)
    except GatewayError:
        to = f"{to}?failed=1&way={way.gateway}"
    return RedirectResponse(to, status_code=303, headers=FROM_HERE)


async def _rail_page(request: Request, shop: Shop, order: Bill, way: Way) -> str:
    """The rail's page for this browser. Raises Refused, GatewayError."""
    answer = await _send(request, shop, order, await _ask(request, shop, order, way))
    if answer.redirect_url is None:
        raise GatewayError(f"{way.gateway} gave no page", retryable=True)
    return answer.redirect_url


async def _prepare(request: Request, shop: Shop, order: Bill, way: Way, openid: str | None) -> None:
    """Have the rail give what our page shows: a code, or the parameters of WeChat's bridge; once
    per attempt, and again when those are too old. Raises Refused, GatewayError."""
    payment = await _ask(request, shop, order, way)
    if paying_page.given(payment, http.now(request)) is not None:
        return
    answer = await _send(request, shop, order, payment, openid)
    given = answer.code_url or ""
    if answer.invoke is not None:
        given = msgspec.json.encode(answer.invoke).decode()
    await http.house(request).database.transaction(
        lambda conn: payments.keep_code(conn, shop.shop_id, payment.reference, given)
    )


async def _ask(request: Request, shop: Shop, order: Bill, way: Way) -> Payment:
    at, how = http.now(request), way.how
    assert how is not None, way
    return await http.house(request).database.transaction(
        lambda conn: paying.ask(
            conn,
            shop.shop_id,
            order.order_id,
            gateway=way.gateway,
            method=how.value,
            escrow=http.house(request).settings.escrow,
            part=order.part,
            at=at,
        )
    )


async def _send(
    request: Request, shop: Shop, order: Bill, payment: Payment, openid: str | None = None
) -> PayAnswer:
    house = http.house(request)
    back = f"{names.origin(request)}{addresses.order_part(order.token, 'payment')}?returned=1"
    return await paying.send(
        house.rails[payment.gateway],
        payment,
        subject=order.seller[:60],
        return_url=back,
        notify_url=house.notify_url(payment.gateway),
        openid=openid,
        client_ip=http.address(request),
    )


async def known_to_wechat(request: Request) -> Response:
    """Back from WeChat with a code for the openid: the payment goes on where it stopped."""
    link = await orders.acting(request, roles.PAY)
    try:
        found = await in_wechat.logged_in(request)
    except Refused:
        failed = f"{addresses.order_part(link.token, 'payment')}?failed=1&way=wechat_pay"
        return RedirectResponse(failed, status_code=303)
    part = giving.part_of(link, await giving.mine(request, link))
    if giving.gives(link) and part is None:
        return RedirectResponse(addresses.order(link.token), status_code=303)
    bill = Bill(link.order_id, link.token, link.bought_in.name, part)
    way = Way("wechat_pay", How.JSAPI)
    answer = await go_on(request, link.shop, bill, way, openid=found)
    return in_wechat.remember(request, answer, found)


async def waiting(request: Request) -> Response:
    """The page that waits for the money; coming back from the rail it has the rail asked."""
    link = await orders.behind(request, payer=True)
    part = giving.part_of(link, await giving.mine(request, link))
    pays = link.seen.may(roles.SEE_PRICE) and link.order.status != "waiting"
    if not pays or (giving.gives(link) and part is None):
        return RedirectResponse(addresses.order(link.token), status_code=303)
    attempts, clocks = await _attempts(request, link, part)
    await _have_asked(request, link, attempts)
    if "sign" in request.query_params:
        return _clean(link)
    told = await _told(request, link, attempts) | await letters.around(request, link, part)
    told |= paying_page.shown(request, link, clocks, attempts)
    return _page(request, told, "status" if request.url.path.endswith("/status") else None)


async def _told(request: Request, link: OrderLink, attempts: Sequence[Payment]) -> dict[str, Any]:
    """Who keeps the money, and the ways to pay."""
    paid = [each.gateway for each in attempts if each.outcome == "accepted"]
    found, tried = await offered(request, link.shop), paying_page.tried(request, attempts)
    every = methods(request, found, tried)
    keeper = keepers.of_rails(http.house(request).settings.escrow, paid)
    return {"keeper": keeper} | paying_page.choices(request, link, attempts, every)


async def _attempts(
    request: Request, link: OrderLink, part: PartDue | None
) -> tuple[list[Payment], list[Timer]]:
    """The attempts that are this person's to see, and the order's clocks."""
    async with http.house(request).database.connection() as conn:
        attempts = await payments.of_order(conn, link.shop.shop_id, link.order_id)
        clocks = await timers.of(conn, link.shop.shop_id, link.order_id)
    part_id = part.part_id if part else None
    return [each for each in attempts if each.part_id == part_id], clocks


def _clean(link: OrderLink) -> Response:
    """The same page without what the rail hung on to its address: that says nothing to us."""
    to = f"{addresses.order_part(link.token, 'payment')}?returned=1"
    return RedirectResponse(to, status_code=303)


def _page(request: Request, told: dict[str, Any], piece: str | None) -> Response:
    around = _around(request)
    answer = pages.page(
        request, "storefront/paying.html", fragment=piece, private=True, **around, **told
    )
    answer.headers.update(FROM_HERE)
    return answer


def _around(request: Request) -> dict[str, Any]:
    """What the browser lets this page reach beside us."""
    return {
        "form_targets": views.rail_origins(http.house(request)),
        "scripts": wechat_bridge.script_origins(request),
        "bridge": wechat_bridge.address(request),
    }


async def _have_asked(request: Request, link: OrderLink, attempts: Sequence[Payment]) -> None:
    """Who comes back from the rail has it asked about the open attempts, each every few seconds at
    most: that he comes back says nothing."""
    back = link.seen.may(roles.PAY) and "returned" in request.query_params
    open_ones = [each for each in attempts if each.status == "asked"]
    if not back or link.order.status not in PAYABLE:
        return
    at = http.now(request)

    async def work(conn: db.Connection) -> None:
        for attempt in open_ones:
            await paying.question(conn, attempt, at - ASK_AGAIN, at)

    await http.house(request).database.transaction(work)


ROUTES = [
    Route("/o/{token}/payment", waiting, methods=["GET"]),
    Route("/o/{token}/payment/status", waiting, methods=["GET"]),
    Route("/o/{token}/payment", pay, methods=["POST"]),
    Route("/o/{token}/payment/wechat", known_to_wechat, methods=["GET"]),
]
