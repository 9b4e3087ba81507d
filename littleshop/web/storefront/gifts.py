"""Claiming a gift: its recipient says of which kind it is to be, and where it goes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from littleshop import db, http
from littleshop.errors import NotFound, Refused
from littleshop.sale import gifting
from littleshop.trade import orders, roles
from littleshop.trade.orders import Delivery
from littleshop.web import addresses, pages
from littleshop.web.storefront import checkouts, gift_pages
from littleshop.web.storefront import orders as order_pages
from littleshop.web.storefront.checkouts import read_form
from littleshop.web.storefront.orders import OrderLink
from littleshop.web.storefront.visitors import remember


async def claim(request: Request) -> Response:
    """POST kind_N, recipient, phone, province, city, district, street: it is his, and goes there.
    then=split sorts out a pasted address; then=quote, which a script asks, changes nothing."""
    link, form = await order_pages.behind(request), await read_form(request)
    if not link.seen.may(roles.CLAIM):
        raise NotFound("gift")
    if form.get("then") in ("split", "quote"):
        return await gift_pages.show(request, link, form=checkouts.recounted(request, form)[0])
    delivery, wrong = checkouts.delivery_of(form, link.order.way)
    if delivery is None:
        return await gift_pages.show(request, link, form=form, wrong=wrong)
    return await _claim(request, link, form, delivery)


async def _claim(
    request: Request, link: OrderLink, form: Mapping[str, str], delivery: Delivery
) -> Response:
    token, device = http.make_device(request)
    try:
        checkouts.count(request, delivery, device)
        work = partial(_work, request, link, delivery, _swapped(form), device)
        await http.house(request).database.transaction(work)
    except Refused as no:
        if no.code == "too_many":
            raise
        again = await order_pages.behind(request)
        if no.code == "gift_not_delivered":
            return await gift_pages.show(request, again, form=form, wrong={"province": no})
        return await gift_pages.show(request, again, form=form, no=no)
    return remember(request, RedirectResponse(addresses.order(link.token), 303), token)


async def _work(
    request: Request,
    link: OrderLink,
    delivery: Delivery,
    swapped: Mapping[int, UUID],
    device: bytes,
    conn: db.Connection,
) -> orders.Order:
    return await gifting.claim(
        conn,
        http.house(request).keyring,
        link.shop.shop_id,
        link.order_id,
        delivery=delivery,
        swapped=swapped,
        device=device,
        locale=pages.locale_of(request),
        at=http.now(request),
    )


def _swapped(form: Mapping[str, str]) -> dict[int, UUID]:
    """The kinds that were chosen, by line. Raises Refused("gift_swap") for what is none."""
    chosen = {}
    for name, value in form.items():
        position = name.removeprefix("kind_")
        if name == position or not position.isdecimal():
            continue
        try:
            chosen[int(position)] = UUID(value)
        except ValueError:
            raise Refused("gift_swap") from None
    return chosen


ROUTES = [Route("/o/{token}/claim", claim, methods=["POST"])]
