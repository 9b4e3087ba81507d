"""What every audience needs: style sheets, pictures, rules for robots, the imprint."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from littleshop import http
from littleshop.errors import NotFound
from littleshop.files import CONTENT_TYPES, Files
from littleshop.web import assets, pages
from littleshop.web.terms import TERMS

FOR_EVER = "public, max-age=31536000, immutable"
WIDEST = 99_999
_PICTURE_HEADERS = {
    "cache-control": FOR_EVER,
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "cross-origin",
}
_OTHER_KINDS = {"avif": ("avif", "webp", "jpg"), "webp": ("webp", "avif", "jpg"), "jpg": ("jpg",)}
_ROBOTS = """User-agent: *
Disallow: /console
Disallow: /open
Disallow: /sign-in
Disallow: /o/
Disallow: /i/
Disallow: /w/
Disallow: /my
Disallow: /callbacks/
Disallow: /*/basket
Disallow: /*/checkout
Disallow: /*/shares
Disallow: /*/mine
Disallow: /*/elsewhere
"""


async def picture(request: Request) -> Response:
    """A public picture; one that is smaller than the width asked for comes in its own width."""
    digest, kind = request.path_params["digest"], request.path_params["kind"]
    width = http.number(request.path_params["width"])
    kept = http.house(request).files
    if kind not in CONTENT_TYPES or width > WIDEST:
        raise NotFound("picture")
    found = await kept.picture_response_parts(digest, f"{width}.{kind}")
    if found is None:
        found = await _nearest(kept, digest, width, kind)
    if found is None:
        raise NotFound("picture")
    content, media_type = found
    return Response(content, media_type=media_type, headers=_PICTURE_HEADERS)


async def _nearest(kept: Files, digest: str, width: int, kind: str) -> tuple[bytes, str] | None:
    """The file of a picture nearest to what was asked for: the same kind first, then the width."""
    names = [name.rpartition(".") for name in await kept.names(digest)]
    for other in _OTHER_KINDS[kind]:
        widths = [int(stem) for stem, _, end in names if end == other and stem.isdigit()]
        if widths:
            best = min(widths, key=lambda each: (abs(each - width), -each))
            return await kept.picture_response_parts(digest, f"{best}.{other}")
    return None


async def robots(request: Request) -> Response:
    """What crawlers need not read: pages of one person, pages under a token."""
    return PlainTextResponse(_ROBOTS, headers={"cache-control": "public, max-age=86400"})


async def favicon(request: Request) -> Response:
    """Browsers that do not read the page's own icon."""
    return RedirectResponse(assets.static("icons/littleshop.svg"), status_code=301)


async def legal(request: Request) -> Response:
    """Who runs this, where the money is, what is kept about people."""
    photographs = getattr(request.app.state, "credits", ())  # of the demo town; live has none
    return pages.page(
        request, "storefront/legal.html", operator=None, terms=TERMS, photographs=photographs
    )


ROUTES = [
    Route("/static/{path:path}", assets.serve, methods=["GET"]),
    Route("/f/{digest}/{width}.{kind}", picture, methods=["GET"]),
    Route("/robots.txt", robots, methods=["GET"]),
    Route("/favicon.ico", favicon, methods=["GET"]),
    Route("/legal", legal, methods=["GET"]),
]
