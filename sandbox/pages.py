"""Pages for people: templates, two languages, and headers that forbid scripts."""

import json
from functools import cache
from pathlib import Path
from typing import Any  # what a template may be given is anything
from urllib.parse import urlsplit

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

HERE = Path(__file__).parent
LOCALES = ("en", "zh-CN")
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@cache
def _templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _words(locale: str) -> dict[str, str]:
    words: dict[str, str] = json.loads((HERE / "locales" / f"{locale}.json").read_text("utf-8"))
    return words


def locale_of(request: Request) -> str:
    """zh-CN when the browser prefers Chinese to English, else en."""
    ranked: list[tuple[float, int, str]] = []
    for part in request.headers.get("accept-language", "").lower().split(","):
        name, _, rest = part.strip().partition(";q=")
        try:
            weight = float(rest or 1)
        except ValueError:
            weight = 0.0
        ranked.append((-weight, len(ranked), name))
    for _, _, name in sorted(ranked):
        if name.startswith("zh"):
            return "zh-CN"
        if name.startswith("en"):
            return "en"
    return "en"


def say(locale: str, key: str, **params: object) -> str:
    """A text in one language; a missing key is a mistake and raises KeyError."""
    return _words(locale)[key].format(**params)


def policy(forms_to: str = "") -> str:
    """Nothing but our own style sheet; forms come back here (and where they redirect to)."""
    return (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none';"
        f" frame-ancestors 'none'; form-action 'self' {forms_to}".strip()
    )


def render(
    request: Request, name: str, status: int = 200, forms_to: str = "", **values: Any
) -> Response:
    """A page in the reader's language. `forms_to`: other origins its forms may lead to."""
    locale = locale_of(request)

    def t(key: str, **params: object) -> str:
        return say(locale, key, **params)

    text = _templates().get_template(name).render(t=t, locale=locale, **values)
    headers = {**HEADERS, "Content-Security-Policy": policy(forms_to), "Vary": "Accept-Language"}
    return HTMLResponse(text, status, headers)


def way_back(request: Request) -> str:
    """Where the reader of a page came from, as its address says (`?back=`); "" unless it is the
    address of a page: nobody is led to a script."""
    back = request.query_params.get("back", "")
    return back if urlsplit(back).scheme in ("http", "https") else ""


def shown_again(request: Request) -> Response:
    """After a form: the page it stood on, by its whole address."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(request.url.path + query, 303)


def problem(request: Request, code: str, words: str, status: int = 400) -> Response:
    """A page that says what is wrong, with the rail's own code for developers."""
    return render(request, "problem.html", status, code=code, words=words)


async def stylesheet(_request: Request) -> Response:
    """GET /sandbox.css"""
    text = (HERE / "static" / "sandbox.css").read_text("utf-8")
    return Response(text, media_type="text/css", headers={"Cache-Control": "max-age=300"})


async def icon(_request: Request) -> Response:
    """GET /sandbox.svg"""
    text = (HERE / "static" / "sandbox.svg").read_text("utf-8")
    return Response(text, media_type="image/svg+xml", headers={"Cache-Control": "max-age=300"})
