"""The way out of an app whose browser cannot do what is wanted: its own menu, a code, the link."""

from __future__ import annotations

from types import SimpleNamespace

from starlette.requests import Request

from littleshop.web import containers
from littleshop.web.storefront import views
from littleshop.web.storefront.visitors import container


def out(request: Request, link: str) -> SimpleNamespace:
    """What parts/leaving.html shows: which app this is ("" no app), the link that is to be opened
    elsewhere, and its code for another phone."""
    here = container(request)
    return SimpleNamespace(
        app=here if here in containers.APPS else "", link=link, qr=views.qr(link)
    )
