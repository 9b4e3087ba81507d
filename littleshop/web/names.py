"""Under which of our public names a page is asked for, and which a link drawn on it goes over."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from littleshop import http
from littleshop.social import probing
from littleshop.web import addresses


def origin(request: Request) -> str:
    """The origin of the name that this request came by: where its cookies are."""
    return http.house(request).domains.origin(request.headers.get("host", ""))


def public_url(request: Request, seed: str = "", *, stay: bool = False) -> str:
    """The origin for a link that is drawn now (Domains.public_url); with `stay` the one this
    request came by, when links still go over it."""
    here = request.headers.get("host", "") if stay else ""
    return http.house(request).domains.public_url(seed, here=here)


def share(request: Request, code: str) -> str:
    """The whole address of a share: over the name that falls to its code."""
    return public_url(request, code) + addresses.share(code)


async def answer(request: Request) -> Response:
    """GET /.well-known/littleshop/NONCE: a sign that this name leads to us"""
    nonce = request.path_params["nonce"]
    if len(nonce) != 32 or not nonce.isascii() or not nonce.isalnum():
        return PlainTextResponse("not found", status_code=404)
    said = probing.answer(http.house(request).keyring, request.headers.get("host", ""), nonce)
    return PlainTextResponse(said, headers={"cache-control": "no-store"})


ROUTES = [Route(probing.PATH + "{nonce}", answer, methods=["GET"])]
