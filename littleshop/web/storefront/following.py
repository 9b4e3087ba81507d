"""Following a shop: by a code to one's phone, or by one press on the page of one's own order.

Every message leads to the follower's page, /n/TOKEN: what is new, and the way out. The link shows;
the press on the page acts. Whoever left comes back only with a new code to his phone.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from littleshop import crypto, db, http, ids
from littleshop.catalog import products
from littleshop.entry import signing_in
from littleshop.errors import NotFound, Refused
from littleshop.identity import phones
from littleshop.identity.codes import Asker
from littleshop.identity.phones import Phone
from littleshop.notify import subscriptions
from littleshop.notify.push import Push
from littleshop.shop import shops
from littleshop.shop.shops import Shop
from littleshop.social import follows
from littleshop.social.follows import Follow
from littleshop.web import addresses, browsers, forms, listening, pages
from littleshop.web.listening import BrowserSubscription
from littleshop.web.storefront import afterwards, followers, orders, views
from littleshop.web.storefront.checkouts import read_form
from littleshop.web.storefront.visitors import remember, shop_here

PURPOSE = "follow"


async def begin(request: Request) -> Response:
    """GET /@SLUG/follow: a phone can be typed here; who follows already sees that he does."""
    shop = await shop_here(request)
    async with http.house(request).database.connection() as conn:
        known = await followers.of_visitor(request, conn, shop.shop_id)
    if known is not None:
        return RedirectResponse(_own_page(request, known), status_code=303)
    return _form(request, shop)


def _own_page(request: Request, follow: Follow) -> str:
    key = http.house(request).keyring.link_key
    return addresses.news(ids.follow_token(key, follow.shop_id, follow.follow_id))


def _form(
    request: Request,
    shop: Shop,
    *,
    phone: str = "",
    sent: str = "",
    wrong: Refused | None = None,
) -> Response:
    """The field for a phone, or, once a code was `sent` to that masked phone, for its digits."""
    return pages.page(
        request,
        "storefront/follow.html",
        status=422 if wrong else 200,
        private=True,
        shop=views.shop(shop, pages.locale_of(request)),
        phone=phone,
        sent=sent,
        problem=forms.said(request, wrong) if wrong else "",
        form_key=browsers.new_key(),
    )


async def prove(request: Request) -> Response:
    """POST phone, form_key: send a code. POST phone, digits: follow when they are the code's."""
    shop, form = await shop_here(request), await read_form(request)
    typed, digits = form.get("phone", "")[:40], form.get("digits")
    sent = ""
    try:
        phone = phones.parse(typed)
        sent = crypto.mask_phone(phone.e164) if digits is not None else ""
        if digits is None:
            return await _send_code(request, shop, phone, form.get("form_key", ""))
        return await _follow(request, shop, phone, digits)
    except Refused as no:
        return _form(request, shop, phone=typed, sent=sent, wrong=no)


async def _send_code(request: Request, shop: Shop, phone: Phone, form_key: str) -> Response:
    """Raises Refused: too_many, and as signing_in.ask_code."""
    house = http.house(request)
    token, device = browsers.named(request, form_key)
    await http.check_code(request, device, phone.country)
    await signing_in.ask_code(
        house.database,
        house.keyring,
        phone.e164,
        Asker(device, http.address(request)),
        locale=pages.locale_of(request),
        at=http.now(request),
        purpose=PURPOSE,
    )
    answer = _form(request, shop, phone=phone.e164, sent=crypto.mask_phone(phone.e164))
    return remember(request, answer, token)


async def _follow(request: Request, shop: Shop, phone: Phone, digits: str) -> Response:
    """Raises Refused: too_many, code_empty, code_wrong(left), code_expired, code_spent."""
    house, at = http.house(request), http.now(request)
    token, device = http.make_device(request)
    http.check_limits(request, "try_code", device, http.address(request))
    await signing_in.check_code(
        house.database, house.keyring, phone, digits, browser=device, purpose=PURPOSE, at=at
    )
    known = await _begin(request, shop.shop_id, phone.e164, device, proven=True)
    return remember(request, RedirectResponse(_own_page(request, known), 303), token)


async def _begin(
    request: Request, shop_id: int, phone: str, device: bytes, *, proven: bool
) -> Follow:
    """Let a phone follow; the follower as he stands then, also when he left and stays away."""
    house, at, locale = http.house(request), http.now(request), pages.locale_of(request)
    index = house.keyring.index(phone)

    async def work(conn: db.Connection) -> Follow:
        await follows.follow(
            conn,
            shop_id,
            index,
            house.keyring.seal(phone),
            device=device,
            key=house.keyring.link_key,
            locale=locale,
            at=at,
            proven=proven,
        )
        return await follows.get(conn, shop_id, follows.identity(shop_id, index))

    return await house.database.transaction(work)


async def from_order(request: Request) -> Response:
    """POST /o/TOKEN/following: one press of the device that ordered and whose order is paid; a
    phone that nobody paid with may be a stranger's."""
    link, device = await orders.behind(request), http.device(request)
    phone = afterwards.own_phone(http.house(request).keyring, link.seen)
    if phone is None or device is None:
        raise Refused("only_look")
    known = await _begin(request, link.order.shop_id, phone, device, proven=False)
    if known.left_at is not None:
        return RedirectResponse(addresses.follow(link.shop.slug or ""), status_code=303)
    return RedirectResponse(_own_page(request, known), status_code=303)


class Own(msgspec.Struct, frozen=True):
    """A follower behind the link of a message, and the shop."""

    follow: Follow
    shop: Shop
    token: str


async def _own(request: Request) -> Own:
    """Raises NotFound."""
    token = request.path_params["token"]
    shop_id = http.token_shop(token)
    async with http.house(request).database.connection() as conn:
        found = await follows.by_link(conn, shop_id, token)
        return Own(found, await shops.get(conn, shop_id), token)


async def news(request: Request) -> Response:
    """GET /n/TOKEN: what is new, and whether messages come."""
    own, push = await _own(request), listening.push_of(request)
    his = push is not None and _is_his(request, own.follow)
    return pages.page(
        request,
        "storefront/news.html",
        private=True,
        shop=views.shop(own.shop, pages.locale_of(request)),
        token=own.token,
        left=own.follow.left_at is not None,
        phone=crypto.mask_phone(http.house(request).keyring.open(own.follow.phone_sealed)),
        push=SimpleNamespace(key=push.public_key) if push and his else None,
        **await _told(request, own),
    )


async def _told(request: Request, own: Own) -> dict[str, Any]:
    """What is new, and whether a browser of his is told."""
    shop_id, follow = own.shop.shop_id, own.follow
    async with http.house(request).database.connection() as conn:
        fresh = await follows.lately(conn, shop_id, http.now(request))
        only = [each.product_id for each in fresh]
        rows = await products.listing(conn, shop_id, only=only) if only else []
        heard = await subscriptions.of(conn, shop_id, [follow.follow_id])
    return {"products": [views.tile(row) for row in rows], "listens": bool(heard)}


def _is_his(request: Request, follow: Follow) -> bool:
    """Whether this is the device on which he began: a link alone switches nothing on."""
    return follow.left_at is None and http.device(request) == follow.device


async def leave(request: Request) -> Response:
    """POST /n/TOKEN/leaving: no message from this shop any more."""
    own, at = await _own(request), http.now(request)
    await http.house(request).database.transaction(
        lambda conn: follows.leave(conn, own.shop.shop_id, own.follow.follow_id, at)
    )
    return RedirectResponse(addresses.news(own.token), status_code=303)


async def listen(request: Request) -> Response:
    """POST /n/TOKEN/browser: what the browser's subscribe() gave, as JSON: he is told there."""
    own, push = await _own(request), listening.push_of(request)
    if push is None or not _is_his(request, own.follow):
        raise NotFound
    try:
        told = msgspec.json.decode(await forms.body(request, 8192), type=BrowserSubscription)
        await _listen(request, own, push, told)
    except msgspec.DecodeError:
        return Response(status_code=400)
    except Refused as refused:
        return Response(forms.said(request, refused), status_code=422)
    return Response(status_code=204)


async def _listen(request: Request, own: Own, push: Push, told: BrowserSubscription) -> None:
    """Raises Refused(push_endpoint | push_keys)."""
    await http.house(request).database.transaction(
        lambda conn: listening.add(
            conn, own.shop.shop_id, own.follow.follow_id, push, told,
            locale=pages.locale_of(request), at=http.now(request),
        )
    )  # fmt: skip


ROUTES = [
    Route("/@{slug}/follow", begin, methods=["GET"]),
    Route("/@{slug}/follow", prove, methods=["POST"]),
    Route("/o/{token}/following", from_order, methods=["POST"]),
    Route("/n/{token}", news, methods=["GET"]),
    Route("/n/{token}/leaving", leave, methods=["POST"]),
    Route("/n/{token}/browser", listen, methods=["POST"]),
]
