"""The buyer's home: what waits for him, his orders in all shops, his shops and addresses.

He comes in by a code to his phone, in the browser that asked for it, or as the account that an app
knows him by. The address bar holds no token here: an order is opened by a press, which lets this
device act for it and leads to its page.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from littleshop import crypto, db, http, i18n
from littleshop.entry import signing_in
from littleshop.entry.signing_in import SignedIn
from littleshop.errors import NotFound, Refused
from littleshop.http import Somebody
from littleshop.identity import codes, familiars, phones, sessions
from littleshop.identity.codes import Asker
from littleshop.sale import inviting, placing
from littleshop.shop.shops import Shop
from littleshop.trade import invitation_lists, order_links, parts, person_orders, regions
from littleshop.web import addresses, browsers, forms, pages
from littleshop.web.storefront import bought_at, in_wechat, my_sources, views
from littleshop.web.storefront.checkouts import read_form
from littleshop.web.storefront.my_sources import Asked
from littleshop.web.storefront.visitors import agent, container, remember

HERE = addresses.MY
CODE, OUT, WECHAT = f"{HERE}/code", f"{HERE}/leaving", f"{HERE}/wechat"
MANIFEST = f"{HERE}/manifest.webmanifest"
KIND = "application/manifest+json"
NAMED, NAMED_FOR = "my_wx", timedelta(minutes=10)  # who WeChat said this is, to be shown a phone


async def home(request: Request) -> Response:
    """GET /my"""
    who = await http.somebody(request)
    if who is None:
        return _phone(request)
    async with http.house(request).database.connection() as conn:
        told = await _told(request, _asked(request, conn, who), _page_number(request))
    return pages.page(request, "storefront/my.html", private=True, **told)


def _asked(request: Request, conn: db.Connection, who: Somebody) -> Asked:
    keyring, locale = http.house(request).keyring, pages.locale_of(request)
    return Asked(conn, keyring, who.person, locale, http.now(request))


def _page_number(request: Request) -> int:
    text = request.query_params.get("page", "")
    return min(int(text), 1000) if text.isascii() and text.isdigit() and len(text) < 5 else 1


async def _told(request: Request, asked: Asked, page: int) -> dict[str, Any]:
    """All that the page shows."""
    index, at = asked.person.phone_index, max(page, 1)
    past = (at - 1) * person_orders.PAGE
    found = await person_orders.of_phone(asked.conn, index, past=past)
    clocks = await person_orders.clocks(asked.conn, found)
    known = await my_sources.shops_by_id(asked.conn, [each.order.shop_id for each in found])
    sold_at = await bought_at.names(asked.conn, [each.order for each in found])
    shared = [each.order for each in found if each.order.kind in my_sources.SHARED]
    own = await parts.paid_by_choosers(asked.conn, shared)
    total = await person_orders.count(asked.conn, index)
    waits = [each for source in my_sources.WAITING for each in await source(asked)]
    return {
        "phone": asked.person.masked_phone(asked.keyring),
        "waiting": sorted(waits, key=lambda each: (each.until is None, each.until or asked.at)),
        "orders": [
            my_sources.order_row(
                asked,
                each,
                known[each.order.shop_id],
                clocks.get(each.order.order_id, []),
                own.get(each.order.order_id),
                sold_at.get(each.order.order_id),
            )
            for each in found
            if each.order.shop_id in known
        ],
        "older": f"{HERE}?page={at + 1}" if total > past + person_orders.PAGE else "",
        "newer": f"{HERE}?page={at - 1}" if at > 1 else "",
        "shops": await _shops(asked),
        "places": await _places(asked),
        "manifest": MANIFEST,
    }


async def _shops(asked: Asked) -> list[tuple[str, list[views.ShopView]]]:
    """His shops by why they are his; one that is in an earlier list is not in a later one."""
    seen: set[int] = set()
    lists = []
    for why, source in my_sources.SHOPS:
        ids = [each for each in await source(asked) if each not in seen]
        seen.update(ids)
        known = await my_sources.shops_by_id(asked.conn, ids)
        shown = [_shop(asked, known[each]) for each in ids if each in known]
        if shown:
            lists.append((why, shown))
    return lists


def _shop(asked: Asked, shop: Shop) -> views.ShopView:
    return views.shop(shop, asked.locale)


async def _places(asked: Asked) -> list[SimpleNamespace]:
    found = await my_sources.addresses_of(asked.conn, asked.keyring, asked.person.phone_index)
    return [
        SimpleNamespace(
            name=each.name,
            phone=crypto.mask_phone(each.phone),
            where=regions.line(each.province, each.city, each.district, each.street),
        )
        for each in found
    ]


def _phone(
    request: Request, typed: str = "", no: Refused | None = None, *, sent: bool = False
) -> Response:
    """The field for the phone; with `sent` the one for the code, with `no` why nothing came."""
    in_app = container(request) == "wechat" and http.house(request).wechat_login is not None
    first = in_app and not sent and request.query_params.get("in") == "wechat"
    return pages.page(
        request,
        "storefront/my_phone.html",
        status=422 if no else 200,
        private=True,
        typed=typed,
        masked=crypto.mask_phone(phones.parse(typed).e164) if sent else "",
        sent=sent,
        problem=forms.said(request, no) if no else None,
        in_app=in_app and not first,
        first=first,
        form_key=browsers.new_key(),
        manifest=MANIFEST,
    )


async def code(request: Request) -> Response:
    """POST /my/code: phone, form_key; with digits also those. Without them a code is sent."""
    form = await read_form(request)
    typed, digits = form.get("phone", "")[:64], form.get("digits")
    try:
        if digits is not None:
            return await _come_in(request, typed, digits[:32])
        return await _send_code(request, typed, form.get("form_key", ""))
    except Refused as no:
        return _phone(
            request, typed, no, sent=digits is not None and not no.code.startswith("phone")
        )


async def _send_code(request: Request, typed: str, form_key: str) -> Response:
    """Raises Refused: phone_*, too_many, code_too_soon, code_too_many."""
    house, phone = http.house(request), phones.parse(typed)
    token, device = browsers.named(request, form_key)
    await http.check_code(request, device, phone.country)
    try:
        await signing_in.ask_code(
            house.database,
            house.keyring,
            phone.e164,
            Asker(device, http.address(request)),
            locale=pages.locale_of(request),
            at=http.now(request),
        )
    except Refused as no:
        if not await _is_sent(request, phone, device):
            raise
        return remember(request, _phone(request, typed, no, sent=True), token)
    return remember(request, _phone(request, typed, sent=True), token)


async def _is_sent(request: Request, phone: phones.Phone, device: bytes) -> bool:
    """Whether a code of this browser's is on its way already."""
    house = http.house(request)
    async with house.database.connection() as conn:
        found = await codes.live(conn, house.keyring, phone, device, purpose=signing_in.PURPOSE)
    return found is not None and found.expires_at > http.now(request)


async def _come_in(request: Request, typed: str, digits: str) -> Response:
    """Raises Refused: too_many, phone_*, code_empty, code_wrong(left), code_expired, code_spent."""
    _, device = http.make_device(request)
    http.check_limits(request, "try_code", device, http.address(request))
    house = http.house(request)
    signed_in = await signing_in.confirm_code(
        house.database,
        house.keyring,
        typed,
        digits,
        browser=device,
        device=agent(request)[:200],
        locale=pages.locale_of(request),
        at=http.now(request),
    )
    await _make_familiar(request, signed_in)
    return _welcome(request, signed_in.token)


def _welcome(request: Request, token: str) -> Response:
    answer = RedirectResponse(HERE, status_code=303)
    http.set_cookie(request, answer, http.SESSION, token)
    return answer


async def _make_familiar(request: Request, signed_in: SignedIn) -> None:
    """The account that WeChat named moments ago, and that showed this phone now, is known from now
    on. An older word of WeChat's may be of somebody else who had this phone in his hand."""
    house = http.house(request)
    told = forms.unseal(house.keyring, request.cookies.get(NAMED), _Named)
    if told is not None and told.until > http.now(request):
        person_id, at = signed_in.person.person_id, http.now(request)
        await house.database.transaction(
            lambda conn: familiars.remember(conn, house.keyring, "wechat", told.sign, person_id, at)
        )


class _Named(msgspec.Struct, frozen=True):
    """Who WeChat said this is, as a cookie carries it (sealed)."""

    sign: str
    until: datetime


async def with_wechat(request: Request) -> Response:
    """POST /my/wechat: come in as the account that this WeChat has; it is asked each time."""
    if http.house(request).wechat_login is None:
        raise NotFound("page")
    return in_wechat.log_in(request, WECHAT)


async def back_from_wechat(request: Request) -> Response:
    """GET /my/wechat: back with a code; without one nothing happens."""
    if "code" not in request.query_params:
        return RedirectResponse(HERE, status_code=303)
    try:
        sign = await in_wechat.logged_in(request)
    except Refused as no:
        return _phone(request, no=no)
    answer = in_wechat.remember(request, await _recognised(request, sign), sign)
    told = _Named(sign, http.now(request) + NAMED_FOR)
    sealed = forms.seal(http.house(request).keyring, told)
    http.set_cookie(request, answer, NAMED, sealed, max_age=int(NAMED_FOR.total_seconds()))
    return answer


async def _recognised(request: Request, sign: str) -> Response:
    """To his page, who showed his phone in this account before; who did not shows it now."""
    house, at = http.house(request), http.now(request)

    async def work(conn: db.Connection) -> str | None:
        person_id = await familiars.find(conn, house.keyring, "wechat", sign)
        if person_id is None:
            return None
        token, _ = await sessions.start(conn, person_id, device=agent(request)[:200], at=at)
        return token

    token = await house.database.transaction(work)
    if token is None:
        return RedirectResponse(f"{HERE}?in=wechat", status_code=303)
    return _welcome(request, token)


async def open_order(request: Request) -> Response:
    """POST /my/orders/SHOP/NUMBER: this device acts for the order from now on. Raises NotFound."""
    who = await http.somebody(request)
    if who is None:
        return RedirectResponse(HERE, status_code=303)
    token, device = http.make_device(request)
    index = who.person.phone_index
    link = await http.house(request).database.transaction(
        lambda conn: _trust(request, conn, index, device)
    )
    return remember(request, RedirectResponse(addresses.order(link), status_code=303), token)


async def _trust(request: Request, conn: db.Connection, index: bytes, device: bytes) -> str:
    """Let a device act for the order of the address when it is this phone's; its link's token.
    Raises NotFound."""
    shop_id, number = (http.number(request.path_params[name]) for name in ("shop_id", "number"))
    order = await person_orders.get(conn, index, shop_id, number)
    if order is None:
        raise NotFound("order")
    await order_links.trust_device(conn, shop_id, order.order_id, "chooser", device)
    return placing.link(http.house(request).keyring, shop_id, order.order_id)


async def open_letter(request: Request) -> Response:
    """POST /my/letters/SHOP/ID: to the letter, whose phone it is. Raises NotFound."""
    who = await http.somebody(request)
    if who is None:
        return RedirectResponse(HERE, status_code=303)
    shop_id = http.number(request.path_params["shop_id"])
    letter_id = http.uuid(request.path_params["letter"])
    house, index, at = http.house(request), who.person.phone_index, http.now(request)
    async with house.database.connection() as conn:
        mine = await invitation_lists.to_phone(conn, index, at)
    if (shop_id, letter_id) not in {(each.shop_id, each.invitation_id) for each in mine}:
        raise NotFound("invitation")
    token = inviting.token(house.keyring, shop_id, letter_id)
    return RedirectResponse(addresses.invitation(token), status_code=303)


async def leave(request: Request) -> Response:
    """POST /my/leaving: this device only, which has proved no phone any more; the app that knew
    him forgets him too."""
    token, sign = request.cookies.get(http.SESSION), in_wechat.openid(request)
    house, at, device = http.house(request), http.now(request), http.device(request)

    async def work(conn: db.Connection) -> None:
        if token:
            await sessions.end(conn, token, at)
        if device is not None:
            await codes.forget(conn, device)
        if sign is not None:
            await familiars.forget(conn, house.keyring, "wechat", sign)

    await house.database.transaction(work)
    answer = RedirectResponse(HERE, status_code=303)
    for cookie in (http.SESSION, NAMED):
        answer.delete_cookie(cookie, path="/")
    return answer


async def manifest(request: Request) -> Response:
    """GET /my/manifest.webmanifest: what a phone needs to keep the page on its home screen."""
    told = _manifest(pages.locale_of(request))
    return JSONResponse(told, media_type=KIND, headers={"vary": "accept-language, cookie"})


def _manifest(locale: str) -> dict[str, Any]:
    icons = [
        {
            "src": f"/static/manifest/icon-{size}.png",
            "sizes": f"{size}x{size}",
            "type": "image/png",
            "purpose": purpose,
        }
        for size in (192, 512)
        for purpose in ("any", "maskable")
    ]
    return {
        "id": HERE,
        "name": i18n.t(locale, "my.app.name"),
        "short_name": i18n.t(locale, "my.app.short"),
        "lang": locale,
        "start_url": HERE,
        "scope": "/",
        "display": "standalone",
        "background_color": "#F6F4EF",
        "theme_color": "#F6F4EF",
        "icons": icons,
    }


async def to_home(request: Request) -> Response:
    """An address that only takes presses, asked for by hand."""
    return RedirectResponse(HERE, status_code=303)


ROUTES = [
    Route(HERE, home, methods=["GET"]),
    Route(CODE, code, methods=["POST"]),
    Route(CODE, to_home, methods=["GET"]),
    Route(OUT, leave, methods=["POST"]),
    Route(OUT, to_home, methods=["GET"]),
    Route(WECHAT, with_wechat, methods=["POST"]),
    Route(WECHAT, back_from_wechat, methods=["GET"]),
    Route(MANIFEST, manifest, methods=["GET"]),
    Route(HERE + "/orders/{shop_id}/{number}", open_order, methods=["POST"]),
    Route(HERE + "/orders/{shop_id}/{number}", to_home, methods=["GET"]),
    Route(HERE + "/letters/{shop_id}/{letter}", open_letter, methods=["POST"]),
    Route(HERE + "/letters/{shop_id}/{letter}", to_home, methods=["GET"]),
]
