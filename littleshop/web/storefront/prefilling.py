"""What a checkout knows of its buyer already, so that he types it once."""

from __future__ import annotations

from starlette.requests import Request

from littleshop import http
from littleshop.pay import payments
from littleshop.shop.shops import Shop
from littleshop.trade import order_links
from littleshop.web.storefront import my_sources


async def known(request: Request, shop: Shop) -> dict[str, str]:
    """The address field by field of somebody who is signed in here: where this shop sent him
    something, else where another did; nothing for everybody else."""
    who = await http.somebody(request)
    if who is None:
        return {}
    house = http.house(request)
    async with house.database.connection() as conn:
        places = await my_sources.addresses_of(
            conn, house.keyring, who.person.phone_index, shop.shop_id
        )
    if not places:
        return {}
    to = places[0]
    return {
        "recipient": to.name,
        "phone": to.phone.removeprefix("+86"),
        "province": to.province,
        "city": to.city,
        "district": to.district,
        "street": to.street,
    }


async def on_this_device(request: Request, shop: Shop) -> dict[str, str]:
    """What this very device typed here the last time, and how it paid; never from a link."""
    house, device = http.house(request), http.device(request)
    if device is None:
        return {}
    async with house.database.connection() as conn:
        last = await order_links.last_of(conn, shop.shop_id, device)
        if last is None:
            return {}
        attempts = await payments.of_order(conn, shop.shop_id, last.order_id)
    to = last.delivery(house.keyring)
    paid = [each.gateway for each in attempts if each.outcome == "accepted"]
    return {
        "recipient": to.name,
        "phone": to.phone.removeprefix("+86"),
        "province": to.province,
        "city": to.city,
        "district": to.district,
        "street": to.street,
        "method": paid[-1] if paid else "",
    }
