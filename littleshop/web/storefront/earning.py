"""What a sharer earns, on the share sheet: how much, for which shop of his, and one press to say
so; and the word to a buyer that somebody earns by his coming.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from littleshop import db, http
from littleshop.catalog import resold
from littleshop.errors import NotFound
from littleshop.money import Money
from littleshop.shop import shops, staff
from littleshop.shop.shops import Shop
from littleshop.social import entrances, referral_stops, referral_terms, referrals
from littleshop.social.referral_terms import Rates
from littleshop.social.referrals import Sharing
from littleshop.trade.orders import Order
from littleshop.web import addresses, forms, touches
from littleshop.web.rates import percent
from littleshop.web.storefront.subjects import Subject
from littleshop.web.storefront.visitors import remember

WAY = "earning"  # below the sheet's address


class Earning(msgspec.Struct, frozen=True):
    """What the sheet says of it: `amount` of one piece of a thing (None: of all of the shop, at
    `rate`), `second` the rate of who brought a sharer ("" none); `mine` the shops of his own that
    can earn, `shop` the one that does. `known`: he is signed in; `action` where saying so goes."""

    amount: Money | None
    rate: str
    second: str
    known: bool
    mine: list[dict[str, Any]]
    shop: str
    on: bool
    action: str
    opening: str
    sign_in: str


async def told(request: Request, subject: Subject, device: bytes) -> Earning | None:
    """What sharing this earns; None where nothing does, and for who works in the shop."""
    shop, who = subject.shop, await http.somebody(request)
    if http.house(request).settings.escrow == "psp_escrow":
        return None
    async with http.house(request).database.connection() as conn:
        rates = await _rates(conn, subject)
        if not rates or await referral_stops.current(conn, shop.shop_id) is not None:
            return None
        mine: list[Shop] = []
        if who is not None:
            if await staff.role_of(conn, shop.shop_id, who.person.person_id) is not None:
                return None
            mine = await _own(conn, shop, who.person.person_id)
        now = await referrals.sharing(conn, shop.shop_id, device)
        if who is not None and now is not None and now.person_id != who.person.person_id:
            now = None  # somebody else said so on this device
    return _earning(subject, rates, mine, now, known=who is not None)


async def _rates(conn: db.Connection, subject: Subject) -> Rates:
    """What holds for what is shared; of what another shop ships nobody earns."""
    shop_id = subject.shop.shop_id
    if subject.product_id is not None:
        if await resold.get(conn, shop_id, subject.product_id) is not None:
            return referral_terms.NOTHING
        return await referral_terms.of_product(conn, shop_id, subject.product_id)
    return await referral_terms.highest(conn, shop_id)


async def _own(conn: db.Connection, here: Shop, person_id: UUID) -> list[Shop]:
    """The shops that this person owns and that can earn of sales here."""
    own = [each for each in await staff.shops_of(conn, person_id) if each.role == "owner"]
    found = [await shops.find(conn, each.shop_id) for each in own]
    return [
        shop
        for shop in found
        if shop is not None and shop.status == "open" and shop.currency == here.currency
        and shop.shop_id != here.shop_id
    ]  # fmt: skip


def _earning(
    subject: Subject, rates: Rates, mine: list[Shop], now: Sharing | None, *, known: bool
) -> Earning:
    price, slug = subject.price, subject.shop.slug or ""
    amount = None
    if price is not None and not subject.from_price:
        amount = Money(price.minor * rates.first_bps // 10_000, price.currency)
    sheet = addresses.shares(slug, subject.product_id)
    names = {each.shop_id: each.name for each in mine}
    return Earning(
        amount=amount,
        rate=percent(rates.first_bps),
        second=percent(rates.second_bps) if rates.second_bps else "",
        known=known,
        mine=[{"id": each.shop_id, "name": each.name} for each in mine],
        shop=names.get(now.earner_shop_id, "") if now else "",
        on=now is not None,
        action=addresses.share_by(slug, subject.product_id, WAY),
        opening=addresses.opening(slug, None, subject.product_id),
        sign_in=f"/sign-in?next={quote(sheet)}",
    )


async def say(request: Request) -> Response:
    """POST .../shares/earning: shop (the number of one's own), or none: not any more"""
    shop, form = await http.door(request), await forms.read(request)
    who = await http.somebody(request)
    if who is None:
        raise http.SignInFirst
    token, device = http.make_device(request)
    http.check_limits(request, "share", device, http.address(request))
    chosen, person_id = form.text("shop", 20), who.person.person_id
    async with http.house(request).database.connection() as conn:
        mine = {str(each.shop_id) for each in await _own(conn, shop, person_id)}
        works_here = await staff.role_of(conn, shop.shop_id, person_id) is not None
    if chosen and (chosen not in mine or works_here):
        raise NotFound("shop")
    await _write(request, shop, device, person_id, int(chosen) if chosen else None)
    to = addresses.shares(shop.slug or "", request.path_params.get("product_id"))
    return remember(request, RedirectResponse(to, status_code=303), token)


async def _write(
    request: Request, shop: Shop, device: bytes, person_id: UUID, earner: int | None
) -> None:
    at = http.now(request)
    await http.house(request).database.transaction(
        lambda conn: referrals.share_for(
            conn, shop.shop_id, device, person_id=person_id, earner_shop_id=earner, at=at
        )
    )


async def somebody_earns(request: Request, shop_id: int, product_id: UUID | None = None) -> bool:
    """Whether somebody earns when this visitor buys (this thing); nothing is read of one whom no
    share brought."""
    at, house = http.now(request), http.house(request)
    touched = touches.fresh(request.headers.get("cookie", ""), shop_id, at)
    if touched is None or entrances.is_code(touched.code) or house.settings.escrow == "psp_escrow":
        return False
    async with house.database.connection() as conn:
        if not await referrals.earns(conn, shop_id, touched.code, at):
            return False
        return product_id is None or await resold.get(conn, shop_id, product_id) is None


async def by_order(request: Request, order: Order) -> bool:
    """Whether somebody earns of an order; nothing is read of one that no share brought."""
    if order.share_code is None:
        return False
    async with http.house(request).database.connection() as conn:
        return bool(await referrals.of_order(conn, order.shop_id, order.order_id))


ROUTES = [
    Route(f"/@{{slug}}/shares/{WAY}", say, methods=["POST"]),
    Route(f"/@{{slug}}/p/{{product_id}}/shares/{WAY}", say, methods=["POST"]),
]
