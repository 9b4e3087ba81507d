"""Where an opening ends: the shop is open, and its link is handed on."""

from __future__ import annotations

import segno
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import db, http, i18n
from littleshop.entry import opening
from littleshop.errors import NotFound
from littleshop.http import AtWork
from littleshop.shop.shops import Shop
from littleshop.social import shares
from littleshop.social.shares import Share
from littleshop.web import addresses
from littleshop.web.entry.signing_in import show, to


def console_url(shop_id: int) -> str:
    """A shop's back room."""
    return f"/console/{shop_id}"


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
    at_work = await http.at_work(request)
    shop = at_work.shop
    if shop.status == "opening" or shop.slug is None:
        return to(addresses.OPENING, shop=shop.shop_id)
    house = http.house(request)
    async with house.database.connection() as conn:
        try:
            known = await opening.progress(conn, at_work.person.person_id, shop.shop_id)
            waits = list(known.waits)
        except NotFound:  # staff, or a shop of the demo town
            waits = []
    link, code = await house.database.transaction(lambda conn: _shares(conn, request, at_work))
    public = house.settings.public_url
    url = public + addresses.share(link.code)
    drawn = segno.make(public + addresses.share(code.code), error="m")
    root = console_url(shop.shop_id)
    return show(
        request,
        "entry/opened.html",
        here=f"{root}/opened",
        shop={
            "name": shop.name,
            "line": shop.line,
            "picture_url": face_url(shop),
            "awning": shop.awning,
            "public_url": url,
            "short_url": (public + addresses.shop(shop.slug)).partition("://")[2],
        },
        qr_svg=drawn.svg_inline(border=0, omitsize=True),
        share_title=shop.name,
        share_text=shop.line,
        waits=waits,
        goods_new_url=f"{root}/goods/new",
        console_url=root,
        waits_url=f"{addresses.OPENING}?shop={shop.shop_id}",
        first_time=True,
    )


ROUTES = [
    Route("/console/{shop_id}/opened", opened),
]
