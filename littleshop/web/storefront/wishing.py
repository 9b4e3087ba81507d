""" "Buy for me": a buyer asks the seller to get something, and reads and writes on in the thread.

The link shows the thread; only the device that asked writes in it.
"""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from littleshop import http, ids
from littleshop.catalog.drafts import tidy
from littleshop.errors import NotFound, Refused
from littleshop.i18n import SIGNS
from littleshop.identity import phones
from littleshop.sale import inviting, talking, wishing
from littleshop.shop import shops
from littleshop.shop.shops import Shop
from littleshop.trade import conversations, invitations, wishes
from littleshop.trade.wishes import Asked, Wish
from littleshop.web import addresses, forms, pages, talk_views, wish_views
from littleshop.web.forms import Form, Kept
from littleshop.web.storefront import prefilling, views
from littleshop.web.storefront.visitors import is_person, remember, shop_here


class Sheet(msgspec.Struct):
    """The form of a wish: as typed, what is wrong, the photo of a refused try."""

    key: UUID
    form: dict[str, str]
    about: str = ""
    wrong: dict[str, str] = {}
    kept: Kept | None = None


async def new(request: Request) -> Response:
    """GET /@SLUG/wishes?about=TOKEN of a letter"""
    shop = await shop_here(request)
    known = await prefilling.on_this_device(request, shop)
    form = {"name": known.get("recipient", ""), "phone": known.get("phone", "")}
    sheet = Sheet(uuid4(), form, request.query_params.get("about", "")[:80], {})
    return _form(request, shop, sheet)


def _form(request: Request, shop: Shop, sheet: Sheet, status: int = 200) -> Response:
    keyring = http.house(request).keyring
    return pages.page(
        request,
        "storefront/wish_new.html",
        status=status,
        private=True,
        shop=views.shop(shop),
        form=sheet.form,
        wrong=sheet.wrong,
        key=str(sheet.key),
        about=sheet.about,
        kept=forms.seal(keyring, sheet.kept) if sheet.kept else "",
        sign=SIGNS.get(shop.currency, shop.currency),
    )


async def ask(request: Request) -> Response:
    """POST /@SLUG/wishes (multipart): words, photo, link, top, name, phone, about, form_key"""
    shop = await shop_here(request)
    token, device = http.make_device(request)
    http.check_limits(request, "wish", device, http.address(request))
    form = await forms.read(request, photos=1)
    sheet, asked = await _read(request, shop, form, device)
    if asked is None:
        return _form(request, shop, sheet, 422)
    to = await _write(request, shop, sheet, asked, device)
    return remember(request, RedirectResponse(to, status_code=303), token)


async def _read(
    request: Request, shop: Shop, form: Form, device: bytes
) -> tuple[Sheet, Asked | None]:
    """The form as typed, and the wish when nothing is wrong with it."""
    typed = form.typed("words", "link", "top", "name", "phone")
    sheet = Sheet(forms.key(form.text("form_key", 40), uuid4()), typed, form.text("about", 80), {})
    sheet.kept, bad = await wish_views.photo_of(request, form, device)
    sheet.form["words"] = wish_views.words(typed["words"], 1000)
    if bad:
        sheet.wrong["photo"] = bad
    if not sheet.form["words"] and sheet.kept is None:
        sheet.wrong["words"] = forms.said(request, Refused("wish_empty"))
    name = tidy(typed["name"])[:40]
    if not name:
        sheet.wrong["name"] = forms.said(request, Refused("recipient_empty"))
    top, phone = None, ""
    try:
        phone = phones.parse(typed["phone"]).e164
    except Refused as no:
        sheet.wrong["phone"] = forms.said(request, no)
    try:
        top = forms.fee(typed["top"], shop.currency) or None
    except Refused as no:
        sheet.wrong["top"] = forms.said(request, no)
    link = wish_views.link_of(typed["link"])
    if typed["link"].strip() and not link:
        sheet.wrong["link"] = forms.said(request, Refused("wish_link"))
    if sheet.wrong:
        return sheet, None
    house = http.house(request)
    about = await _about(request, shop, sheet.about)
    locale = pages.locale_of(request)
    return sheet, Asked(name, house.keyring.seal(phone), locale, link, top, shop.currency, about)


async def _about(request: Request, shop: Shop, token: str) -> UUID | None:
    """The letter that a question is about."""
    try:
        async with http.house(request).database.connection() as conn:
            found = await invitations.by_token(conn, shop.shop_id, ids.hashed(token))
    except NotFound:
        return None
    return found.invitation_id


async def _write(request: Request, shop: Shop, sheet: Sheet, asked: Asked, device: bytes) -> str:
    """Write it down; where its thread is."""
    house, at = http.house(request), http.now(request)
    await house.database.transaction(
        lambda conn: wishing.ask(
            conn, house.keyring, shop.shop_id, sheet.key, asked, words=sheet.form["words"],
            photo=sheet.kept.file if sheet.kept else None, device=device, at=at,
        )
    )  # fmt: skip
    return addresses.wish(wishing.token(house.keyring, shop.shop_id, sheet.key))


async def _behind(request: Request) -> tuple[Shop, Wish]:
    """The wish behind the link of the address. Raises NotFound."""
    token = request.path_params["token"]
    shop_id = http.token_shop(token)
    async with http.house(request).database.connection() as conn:
        wish = await wishes.by_token(conn, shop_id, ids.hashed(token))
        return await shops.get(conn, shop_id), wish


async def show(request: Request) -> Response:
    """GET /w/TOKEN: the thread"""
    shop, wish = await _behind(request)
    return await _thread(request, shop, wish)


async def _thread(
    request: Request, shop: Shop, wish: Wish, no: Refused | None = None, said: str = ""
) -> Response:
    house, at = http.house(request), http.now(request)
    token = request.path_params["token"]
    async with house.database.connection() as conn:
        talk = await conversations.get(conn, shop.shop_id, wish.wish_id)
        said_ = await conversations.remarks(conn, shop.shop_id, wish.wish_id)
        letters = await invitations.of_wish(conn, shop.shop_id, wish.wish_id)

    own = http.device(request) == wish.device
    if own and is_person(request):
        await house.database.transaction(
            lambda conn: talking.read(conn, talk, "buyer", len(said_), at)
        )

    def letter_url(invitation_id: UUID) -> str:
        return addresses.invitation(inviting.token(house.keyring, shop.shop_id, invitation_id))

    return pages.page(
        request,
        "storefront/wish.html",
        status=409 if no else 200,
        private=True,
        shop=views.shop(shop),
        wish=_shown(wish),
        rows=talk_views.rows(
            said_, letters, lambda at: f"{addresses.wish(token)}/photos/{at}", letter_url, at
        ),
        token=token,
        own=own,
        key=str(uuid4()),
        typed=said,
        wrong=forms.said(request, no) if no else "",
        now=at,
        zone=ZoneInfo(shop.zone),
    )


def _shown(wish: Wish) -> Any:
    return SimpleNamespace(link=wish.link, top=wish.top, status=wish.status, waits=wish.waits)


async def say(request: Request) -> Response:
    """POST /w/TOKEN/words (multipart): words, photo, form_key"""
    shop, wish = await _own(request)
    http.check_limits(request, "wish", wish.device, http.address(request))
    form, at = await forms.read(request, photos=1), http.now(request)
    words = wish_views.words(form.text("words", 4000), 1000)
    kept, _bad = await wish_views.photo_of(request, form, wish.device)
    try:
        await _say(request, wish, forms.key(form.text("form_key", 40), uuid4()), words, kept, at)
    except Refused as no:
        return await _thread(request, shop, wish, no, words)
    return RedirectResponse(addresses.wish(request.path_params["token"]), status_code=303)


async def _say(
    request: Request, wish: Wish, key: UUID, words: str, kept: Kept | None, at: datetime
) -> None:
    photo = kept.file if kept else None
    await http.house(request).database.transaction(
        lambda conn: wishing.say(conn, wish, key, words=words, photo=photo, at=at)
    )


async def _own(request: Request) -> tuple[Shop, Wish]:
    """The same for the device that asked. Raises Refused("only_look") for every other."""
    shop, wish = await _behind(request)
    if http.device(request) != wish.device:
        raise Refused("only_look")
    return shop, wish


async def withdraw(request: Request) -> Response:
    """POST /w/TOKEN/withdrawal: not wanted any more"""
    (shop, wish), at = await _own(request), http.now(request)
    await http.house(request).database.transaction(
        lambda conn: wishing.withdraw(conn, shop.shop_id, wish.wish_id, at)
    )
    return RedirectResponse(addresses.wish(request.path_params["token"]), status_code=303)


async def photo(request: Request) -> Response:
    """GET /w/TOKEN/photos/N, for the device that asked: a link shows the words, no private photo"""
    shop, wish = await _behind(request)
    if http.device(request) != wish.device:
        raise NotFound("photo")
    position = http.number(request.path_params["position"])
    return await talk_views.stream(request, shop.shop_id, wish.wish_id, position)


ROUTES = [
    Route("/@{slug}/wishes", new, methods=["GET"]),
    Route("/@{slug}/wishes", ask, methods=["POST"]),
    Route("/w/{token}", show, methods=["GET"]),
    Route("/w/{token}/words", say, methods=["POST"]),
    Route("/w/{token}/withdrawal", withdraw, methods=["POST"]),
    Route("/w/{token}/photos/{position}", photo, methods=["GET"]),
]
