"""Posters to save and pass on, and the square pictures of link cards."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import http, i18n
from littleshop.errors import NotFound
from littleshop.files import Files
from littleshop.social.posters import FORMATS, Card, Order, Posters
from littleshop.web import names, pages
from littleshop.web.shared import FOR_EVER
from littleshop.web.storefront import sharing, subjects, views, visitors
from littleshop.web.storefront.subjects import Subject

_PICTURE = {"x-content-type-options": "nosniff", "content-security-policy": "default-src 'none'"}
_LARGE = ("1080.webp", "1200.jpg", "720.webp", "720.jpg", "360.webp")
_SMALL = ("360.webp", "720.webp")


def _posters(request: Request) -> Posters:
    return Posters(http.house(request).settings.home / "posters")


async def page(request: Request) -> Response:
    """GET .../shares/poster?format=: the poster, its formats, saving it."""
    sharer = await sharing.begin(request)
    if isinstance(sharer, Response):
        return sharer
    code = (await sharing.codes(request, sharer, ["poster"]))["poster"]
    asked = request.query_params.get("format", "tall")
    answer = sharing.shown(
        request,
        sharer.subject,
        "share_poster",
        format=asked if asked in FORMATS else "tall",
        formats={name: size[:2] for name, size in FORMATS.items()},
        code=code,
    )
    return visitors.remember(request, answer, sharer.token)


async def poster(request: Request) -> Response:
    """GET /s/{code}/{format}.jpg: the poster of a share. Raises NotFound, Refused too_many,
    poster_not_drawn."""
    code, asked = request.path_params["code"], request.path_params["format"]
    if asked not in FORMATS:
        raise NotFound("poster")
    async with http.house(request).database.connection() as conn:
        subject = await subjects.of_share(conn, code)
    order = _order(request, subject, code, asked)
    content = _posters(request).find(order)
    if content is None:
        _, device = http.make_device(request)
        http.check_limits(request, "poster", device, http.address(request))
        content = await _drawn(request, order)
    headers = _PICTURE | {"cache-control": "private, max-age=300", "x-robots-tag": "noindex"}
    return Response(content, media_type="image/jpeg", headers=headers)


async def _drawn(request: Request, order: Order) -> bytes:
    files = http.house(request).files
    photo = await _first(files, order.photo, _LARGE)
    face = await _first(files, order.face, _SMALL)
    return await _posters(request).draw(order, photo, face)


async def _first(files: Files, digest: str, wanted: tuple[str, ...]) -> bytes:
    """A picture in the first size that it has; b"" for none."""
    for name in wanted if digest else ():
        content = await files.get(digest, name)
        if content is not None:
            return content
    return b""


def _order(request: Request, subject: Subject, code: str, asked: str) -> Order:
    locale, shop = pages.locale_of(request), views.shop(subject.shop)
    opened = i18n.t(locale, "sharing.poster.since", year=shop.since)
    price: tuple[str, ...] = ()
    if subject.price is not None:
        cut = i18n.money(locale, subject.price)
        price = (cut.sign, cut.whole, cut.cents)
    return Order(
        format=asked,
        title=subject.name,
        shop=shop.name,
        place=i18n.t(locale, "words.comma").join(part for part in (shop.place, opened) if part),
        awning=shop.awning,
        link=names.share(request, code),
        call=i18n.t(locale, _call(subject)),
        promise=i18n.t(locale, "sharing.poster.direct" if shop.direct else "sharing.poster.safe"),
        price=price,
        note=_note(locale, subject),
        line="" if subject.product else subject.shop.line,
        photo=subject.photo,
        face=subject.shop.picture or "",
    )


def _call(subject: Subject) -> str:
    if subject.product is None or subject.sold_out:
        return "sharing.poster.look"
    return "sharing.poster.buy"


def _note(locale: str, subject: Subject) -> str:
    if subject.sold_out and subject.product is not None:
        return i18n.t(locale, "sharing.poster.sold_out")
    return i18n.t(locale, "sharing.poster.from") if subject.from_price else ""


async def card(request: Request) -> Response:
    """GET /cards/{digest}.jpg: a picture cut square, 600 px, under 300 kB. Raises NotFound."""
    files, order = http.house(request).files, Card(request.path_params["digest"])
    content = _posters(request).find(order)
    if content is None:
        photo = await _first(files, order.photo, _LARGE)
        if not photo:
            raise NotFound("picture")
        content = await _posters(request).draw(order, photo)
    headers = _PICTURE | {"cache-control": FOR_EVER, "cross-origin-resource-policy": "cross-origin"}
    return Response(content, media_type="image/jpeg", headers=headers)


ROUTES = [
    Route("/@{slug}/shares/poster", page, methods=["GET"]),
    Route("/@{slug}/p/{product_id}/shares/poster", page, methods=["GET"]),
    Route("/s/{code}/{format}.jpg", poster, methods=["GET"]),
    Route("/cards/{digest}.jpg", card, methods=["GET"]),
]
