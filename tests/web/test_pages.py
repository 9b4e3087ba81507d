"""A page's headers and its language; assets as they travel."""

from __future__ import annotations

from types import SimpleNamespace

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import config
from littleshop.social.domains import Domains
from littleshop.web import assets, pages
from tests.web import storefront_samples as kept


async def legal(request: Request) -> Response:
    """The short page about who we are."""
    return pages.page(request, "storefront/legal.html", operator=None, terms=kept.TERMS)


async def secret(request: Request) -> Response:
    """The same under a token, with a form that ends at a rail."""
    targets = ["https://rail.example"]
    return pages.page(
        request,
        "storefront/legal.html",
        private=True,
        form_targets=targets,
        operator=None,
        terms=kept.TERMS,
    )


def browser(mode: str = "live") -> httpx.AsyncClient:
    """A browser in front of two pages and the assets."""
    app = Starlette(
        routes=[
            Route("/legal", legal),
            Route("/o/TOKEN", secret),
            Route("/static/{path:path}", assets.serve),
        ]
    )
    app.state.mode = mode
    settings = config.read({"PUBLIC_URL": "http://shop.example"})
    app.state.house = SimpleNamespace(settings=settings, domains=Domains(settings))
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(transport=transport, base_url="http://shop.example")


async def test_a_page_forbids_what_it_did_not_bring() -> None:
    policy = (await browser().get("/legal")).headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert "form-action 'self'" in policy and "frame-ancestors 'none'" in policy


async def test_a_private_page_travels_compressed_to_who_reads_that() -> None:
    person = browser()
    squeezed = await person.get("/o/TOKEN", headers={"accept-encoding": "gzip"})
    plain = await person.get("/o/TOKEN", headers={"accept-encoding": "identity"})
    assert squeezed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers and squeezed.text == plain.text
    small, whole = (int(each.headers["content-length"]) for each in (squeezed, plain))
    assert small * 2 < whole
    assert "accept-encoding" in squeezed.headers["vary"]
    shared = await person.get("/legal", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in shared.headers  # who keeps it compresses it, once


async def test_a_page_under_a_token_leaves_no_trace() -> None:
    headers = (await browser().get("/o/TOKEN")).headers
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert "noindex" in headers["x-robots-tag"]
    assert headers["content-security-policy"].endswith("form-action 'self' https://rail.example")


async def test_a_chosen_language_is_kept_on_this_phone() -> None:
    person = browser()
    assert "Who runs this" in (await person.get("/legal?lang=en")).text
    assert "Who runs this" in (await person.get("/legal", headers={"accept-language": "zh"})).text
    assert 'lang="zh-CN"' in (await person.get("/legal?lang=zh-CN")).text


async def test_the_demo_says_so_on_every_page() -> None:
    person = browser()
    assert "ribbon" not in (await person.get("/legal")).text
    assert "ribbon" in (await browser("demo").get("/legal")).text


async def test_an_asset_with_its_hash_is_kept_for_ever_and_travels_compressed() -> None:
    person = browser()
    answer = await person.get(assets.static("storefront.css"), headers={"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/css")
    plain = await person.get(
        "/static/storefront.css?v=old", headers={"accept-encoding": "identity"}
    )
    assert "immutable" not in plain.headers["cache-control"] and plain.text == answer.text
    known = {"if-none-match": answer.headers["etag"]}
    assert (await person.get("/static/storefront.css", headers=known)).status_code == 304


async def test_nothing_outside_the_static_folder_is_served() -> None:
    assert (await browser().get("/static/%2e%2e/config.py")).status_code == 404
    assert (await browser().get("/static/css/nothing.css")).status_code == 404
