"""Templates to responses: one Jinja environment per language, fragments, headers of a page.

Every template sees, besides its own context:
    locale, locales     the language of the page and all there are
    t(key, **params)    a text;  th(key, **params) a text that carries marks
    money, pieces       filters: "¥168.00" and its (sign, whole, cents)
    when(now[, zone]), day(today), clock([zone]), within   filters for moments, dates and spans
    static(name), url   addresses of assets and of pages (littleshop.web.addresses)
    ui, goods, forms, sharing, letter   the macros of templates/parts/
and in a page for a request: path, now, demo, host, keeper (littleshop.web.keepers).
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from littleshop import clock, i18n
from littleshop.social import outlets
from littleshop.web import addresses, assets, drawing, keepers, names

FOLDER = Path(__file__).parent.parent / "templates"
PARTS = ("ui", "goods", "forms", "sharing", "letter")
COOKIE = "lang"
LEAST_SQUEEZED = 1200  # bytes: what fits into one packet anyway
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "strict-origin-when-cross-origin",
    "cross-origin-opener-policy": "same-origin",
    "vary": "accept-language, cookie",
}
PRIVATE = {
    "referrer-policy": "same-origin",  # nothing leaves us, and old browsers can say where from
    "x-robots-tag": "noindex, nofollow",
    "cache-control": "no-store",
}


def content_policy(form_targets: Sequence[str] = (), scripts: Sequence[str] = ()) -> str:
    """The Content-Security-Policy of our pages.

    `form_targets` are origins a form may end at (a rail's gateway): browsers check the redirect
    that answers a form against form-action too. `scripts` are origins scripts may come from.
    """
    targets = " ".join(("'self'", *form_targets))
    sources = " ".join(("'self'", *scripts))
    return (
        f"default-src 'none'; script-src {sources}; style-src 'self'; img-src 'self' data: blob:; "
        "connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; "
        f"frame-ancestors 'none'; form-action {targets}"
    )


def locale_of(request: Request) -> str:
    """The language to answer in: ?lang=, the cookie, Accept-Language."""
    chosen = getattr(request.state, "locale", None)
    if chosen is not None:
        return str(chosen)
    return i18n.choose(
        request.query_params.get("lang"),
        request.cookies.get(COOKIE),
        request.headers.get("accept-language"),
    )


def render(locale: str, template: str, *, fragment: str | None = None, **context: Any) -> str:
    """A template, or one block of it, as text; raises jinja2.TemplateNotFound or KeyError."""
    context = {
        "path": "/",
        "now": None,
        "demo": False,
        "host": "",
        "keeper": keepers.US,
        **context,
    }
    found = environment(locale).get_template(template)
    if fragment is None:
        return found.render(context)
    return "".join(found.blocks[fragment](found.new_context(context)))


def page(
    request: Request,
    template: str,
    *,
    status: int = 200,
    fragment: str | None = None,
    private: bool = False,
    form_targets: Sequence[str] = (),
    scripts: Sequence[str] = (),
    **context: Any,
) -> Response:
    """The answer to a request: a whole page, or the block `fragment` of it.

    `private` is for pages under a token: nothing of the address leaves us, no index, no cache.
    """
    locale = locale_of(request)
    around = {
        "path": request.url.path,
        "now": getattr(request.state, "now", None),
        "demo": getattr(request.app.state, "mode", "live") == "demo",
        "host": names.origin(request),
        "status": status,
        "keeper": keepers.of_page(request),
    }
    text = render(locale, template, fragment=fragment, **(around | context))
    headers = HEADERS | {"content-language": locale} | (PRIVATE if private else {})
    if private and request.method == "POST":  # no-store would make Back end in an error page
        headers["cache-control"] = "private, no-cache"
    headers["content-security-policy"] = content_policy(form_targets, scripts)
    content = _squeezed(request, text, headers) if private else text
    answer = HTMLResponse(content, status_code=status, headers=headers)
    if request.query_params.get("lang") in i18n.LOCALES:
        answer.set_cookie(COOKIE, locale, max_age=31_536_000, samesite="lax", path="/")
    return answer


def _squeezed(request: Request, text: str, headers: dict[str, str]) -> str | bytes:
    """A page that is kept nowhere, compressed where its reader takes that and it is worth it; one
    that is kept is compressed once, by who keeps it (docs/decisions/0054-private-pages.md)."""
    raw = text.encode()
    if len(raw) < LEAST_SQUEEZED or "gzip" not in request.headers.get("accept-encoding", ""):
        return raw
    headers |= {"content-encoding": "gzip", "vary": f"{headers['vary']}, accept-encoding"}
    return gzip.compress(raw, 4, mtime=0)


@cache
def environment(locale: str) -> Environment:
    """The templates of one language; texts are bound to it, so that macros need no context."""
    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals |= {
        "locale": locale,
        "locales": i18n.LOCALES,
        "t": partial(i18n.t, locale),
        "th": partial(i18n.html, locale),
        "t_in": i18n.t,
        "has_text": partial(i18n.has, locale),
        "static": cache(assets.static),
        "url": addresses,
        "svg": Markup,
        "steps_of": partial(drawing.steps_of, locale),
        "holds": lambda keeper: i18n.t(locale, f"keeper.holds.{keeper}"),
        "variants_json": partial(drawing.variants_json, locale),
        "product_images": drawing.product_images,
        "return_policy": drawing.return_policy,
        "jsonld": _jsonld,
        "in_script": drawing.in_script,
        "cut": outlets.cut,
    }
    made.filters |= _filters(locale)
    for part in PARTS:
        made.globals[part] = made.get_template(f"parts/{part}.html").module
    return made


def _filters(locale: str) -> dict[str, Any]:
    def when(at: datetime, now: datetime | None, zone: ZoneInfo = clock.SHANGHAI) -> str:
        return i18n.when(locale, at, now or at, zone)

    return {
        "t": partial(i18n.t, locale),
        "money": lambda amount, plus=False: str(i18n.money(locale, amount, plus=plus)),
        "pieces": partial(i18n.money, locale),
        "when": when,
        "day": partial(i18n.day, locale),
        "full_date": partial(i18n.full_date, locale),
        "clock": i18n.clock,
        "within": partial(i18n.within, locale),
        "iso": lambda at: at.astimezone(UTC).isoformat(timespec="seconds"),
        "grouped": _grouped,
        "decimal": drawing.decimal,
    }


def _grouped(number: str) -> str:
    """A long number in groups of four, as couriers' and orders' numbers are read out."""
    return " ".join(number[at : at + 4] for at in range(0, len(number), 4))


def _jsonld(facts: dict[str, Any]) -> Markup:
    """Facts about this page for machines (schema.org), for inside a <script>."""
    return drawing.in_script({"@context": "https://schema.org", **facts})
