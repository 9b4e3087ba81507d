"""Where an opening ends: the shop is open, and its link is handed on."""

from __future__ import annotations

from typing import Any

import segno
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import db, http, i18n
from littleshop.entry import opening
from littleshop.entry.opening import Progress
from littleshop.http import AtWork
from littleshop.shop.shops import Shop
from littleshop.social import shares
from littleshop.social.shares import Share
from littleshop.web import addresses, registration
from littleshop.web.entry.signing_in import show, to


def console_url(shop_id: int) -> str:
    """A shop's back room."""
    return f"/console/{shop_id}"


def arrived(known: Progress) -> Response:
    """To the page on which a shop that has just opened is handed on."""
    return to(f"{console_url(known.shop.shop_id)}/opened")


def face_url(shop: Shop) -> str:
    """The shop's picture, or an empty text."""
    return addresses.photo(shop.picture, 360) if shop.picture else ""


async def _shares(conn: db.Connection, request: Request, work: AtWork) -> tuple[Share, Share]:
    """The first link and the first QR code of a shop: what they bring is counted apart."""
    label = i18n.t(work.shop.locale, "entry.first_share")
    at, person_id = http.now(request), work.person.person_id
    link, code = [
        await shares.make(
            conn,
            work.shop.shop_id,
            product_id=None,
            channel=channel,
            label=label,
            person_id=person_id,
            at=at,
        )
        for channel in ("link", "qr")
    ]
    return link, code


async def opened(request: Request) -> Response:
    """GET /console/{shop_id}/opened: the shop is open, hand it on."""
    work = await http.at_work(request)
    shop, root = work.shop, console_url(work.shop.shop_id)
    if shop.status == "opening" or shop.slug is None:
        return to(addresses.OPENING, shop=shop.shop_id)
    return show(
        request,
        "entry/opened.html",
        here=f"{root}/opened",
        **await _handed_on(request, work),
        **await _still_waits(request, work),
        goods_new_url=f"{root}/goods/new",
        console_url=root,
        first_time=True,
    )


async def _handed_on(request: Request, work: AtWork) -> dict[str, Any]:
    """The shop's face with a link and a QR code, which a share each stands behind."""
    house, shop = http.house(request), work.shop
    link, code = await house.database.transaction(lambda conn: _shares(conn, request, work))
    public = house.domains.public_url(link.code)
    drawn = segno.make(public + addresses.share(code.code), error="m")
    return {
        "shop": {
            "name": shop.name,
            "line": shop.line,
            "picture_url": face_url(shop),
            "awning": shop.awning,
            "public_url": public + addresses.share(link.code),
            "short_url": (public + addresses.shop(shop.slug or "")).partition("://")[2],
        },
        "qr_svg": drawn.svg_inline(border=0, omitsize=True),
        "share_title": shop.name,
        "share_text": shop.line,
    }


async def _still_waits(request: Request, work: AtWork) -> dict[str, Any]:
    """What a payout waits for, and where it is filled in; what being paid waits for."""
    house = http.house(request)
    async with house.database.connection() as conn:
        standing = await registration.to_say(conn, house, work.shop)
        waits = await opening.waits(conn, work.person.person_id, work.shop.shop_id)
    return {
        "waits": list(waits),
        "waits_url": f"{addresses.OPENING}?shop={work.shop.shop_id}",
        "registration": standing,
        "registration_url": f"{console_url(work.shop.shop_id)}/admission",
    }


ROUTES = [
    Route("/console/{shop_id}/opened", opened),
]
