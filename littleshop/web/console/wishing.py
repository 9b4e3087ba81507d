"""Wishes in the console: who asks for what, the thread with each, and the way to a letter."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import crypto, http
from littleshop.errors import Refused
from littleshop.http import AtWork
from littleshop.sale import wishing
from littleshop.trade import invitations, wishes
from littleshop.web import forms, wish_views
from littleshop.web.console import frame


async def listed(request: Request) -> Response:
    """GET root/wishes"""
    work = await http.at_work(request)
    async with http.house(request).database.connection() as conn:
        found = await wishes.listing(conn, work.shop.shop_id)
    rows = [
        {
            "name": each.name,
            "words": each.words,
            "top": each.top,
            "state": "waits" if each.waits else each.status,
            "at": each.said_at,
            "url": _at(work, each.wish_id),
        }
        for each in found
    ]
    return await frame.page(request, work, "wishes.html", "today", rows=rows)


def _at(work: AtWork, wish_id: UUID) -> str:
    return f"{frame.root(work.shop)}/wishes/{wish_id}"


async def one(request: Request) -> Response:
    """GET root/wishes/ID: the thread"""
    work, house, at = await http.at_work(request), http.house(request), http.now(request)
    wish_id, shop_id = http.uuid(request.path_params["wish_id"]), work.shop.shop_id
    async with house.database.connection() as conn:
        wish = await wishes.get(conn, shop_id, wish_id)
        words = await wishes.words(conn, shop_id, wish_id)
        letters = await invitations.of_wish(conn, shop_id, wish_id)
    here = _at(work, wish_id)
    photos, letter_at = f"{here}/photos/", f"{frame.root(work.shop)}/collect/"
    rows = wish_views.thread(
        words, letters, lambda place: f"{photos}{place}", lambda which: f"{letter_at}{which}", at
    )
    shown = _shown(work, wish, crypto.mask_phone(house.keyring.open(wish.phone_sealed)))
    return await frame.page(
        request, work, "wish.html", "today", rows=rows, here=here, form_key=str(uuid4()), **shown
    )


def _letter(work: AtWork, invitation_id: UUID) -> str:
    return f"{frame.root(work.shop)}/collect/{invitation_id}"


def _shown(work: AtWork, wish: wishes.Wish, phone: str) -> dict[str, Any]:
    answer = f"{frame.root(work.shop)}/collect/new?wish={wish.wish_id}"
    return {
        "name": wish.name,
        "phone_masked": phone,
        "link": wish.link,
        "top": wish.top,
        "stands": wish.status,
        "about_url": _letter(work, wish.about_id) if wish.about_id else "",
        "answer_url": answer,
    }


async def say(request: Request) -> Response:
    """POST root/wishes/ID/words: words, form_key"""
    work, form, at = await http.at_work(request), await forms.read(request), http.now(request)
    wish_id = http.uuid(request.path_params["wish_id"])
    words, key = wish_views.words(form.text("words", 4000), 1000), form.text("form_key", 40)
    async with http.house(request).database.connection() as conn:
        wish = await wishes.get(conn, work.shop.shop_id, wish_id)
    try:
        await http.house(request).database.transaction(
            lambda conn: wishing.say(
                conn, wish, forms.key(key, uuid4()), by_whom="seller", words=words, at=at
            )
        )
    except Refused as no:
        return frame.refuse(request, _at(work, wish_id), no)
    return frame.go(request, _at(work, wish_id))


async def decline(request: Request) -> Response:
    """POST root/wishes/ID/refusal: can't or won't"""
    work, at = await http.at_work(request), http.now(request)
    wish_id = http.uuid(request.path_params["wish_id"])
    await http.house(request).database.transaction(
        lambda conn: wishing.decline(conn, work.shop.shop_id, wish_id, at)
    )
    return frame.go(request, _at(work, wish_id), "wish_declined")


async def photo(request: Request) -> Response:
    """GET root/wishes/ID/photos/N"""
    work = await http.at_work(request)
    wish_id = http.uuid(request.path_params["wish_id"])
    position = http.number(request.path_params["position"])
    return await wish_views.stream(request, work.shop.shop_id, wish_id, position)


ROOT = "/console/{shop_id}/wishes"
_ONE = f"{ROOT}/{{wish_id}}"
ROUTES = [
    Route(ROOT, listed),
    Route(_ONE, one),
    Route(f"{_ONE}/words", say, methods=["POST"]),
    Route(f"{_ONE}/refusal", decline, methods=["POST"]),
    Route(f"{_ONE}/photos/{{position}}", photo),
]
