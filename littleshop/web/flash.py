"""What the next page says first: what was just done, or why it was not. Said once, in a cookie."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import date, timedelta

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from littleshop import http, i18n
from littleshop.errors import Refused
from littleshop.money import Money
from littleshop.web import pages

COOKIE = "said"
_FAULTS = (binascii.Error, ValueError, msgspec.MsgspecError, KeyError, UnicodeError)


def go(request: Request, path: str, key: str = "", **facts: object) -> Response:
    """Send the browser on; the next page begins with t(key, **facts).

    `facts` are shown as they are: numbers, sums, and texts that are formatted already.
    """
    answer = onward(request, path)
    if key:
        _tell(request, answer, key, facts)
    return answer


def refuse(request: Request, path: str, refused: Refused) -> Response:
    """Send the browser on; the next page begins with why it was not done."""
    answer = onward(request, path)
    _tell(request, answer, f"errors.{refused.code}", refused.details)
    return answer


def onward(request: Request, path: str) -> Response:
    """The way to the next page; a script that sent the form, to show how far the photos are, is
    told where (htmx's header) and goes there itself: following would use up what is said there."""
    return led(request, RedirectResponse(path, status_code=303))


def led(request: Request, answer: Response) -> Response:
    """A way to the next page, its cookies with it, as `onward` would say it."""
    if answer.status_code == 303 and request.headers.get("hx-request"):
        answer.status_code = 204
        answer.headers["hx-redirect"] = answer.headers["location"]
        del answer.headers["location"]
    return answer


def _tell(request: Request, answer: Response, key: str, facts: dict[str, object]) -> None:
    locale = pages.locale_of(request)
    shown = {name: _plain(locale, each) for name, each in in_words(locale, facts).items()}
    packed = base64.urlsafe_b64encode(msgspec.json.encode([key, shown])).decode()
    http.set_cookie(request, answer, COOKIE, packed, max_age=60)


def in_words(locale: str, facts: Mapping[str, object]) -> dict[str, object]:
    """The facts of a sentence as people say them: a rail has a name, a day its month."""
    return {name: _worded(locale, name, fact) for name, fact in facts.items()}


def _worded(locale: str, name: str, fact: object) -> object:
    key = f"operator.rail.{fact}"
    if name == "rail" and i18n.has(locale, key):
        return i18n.t(locale, key)
    return i18n.full_date(locale, fact) if type(fact) is date else fact


def _plain(locale: str, fact: object) -> int | str:
    if isinstance(fact, Money):
        return str(i18n.money(locale, fact))
    if isinstance(fact, timedelta):
        return i18n.within(locale, fact)
    return fact if isinstance(fact, int) else str(fact)


def heard(request: Request, done: str) -> tuple[str, str]:
    """What was done (a key that begins with `done`) and what was not; whatever cannot be read is
    silence."""
    packed = request.cookies.get(COOKIE)
    if not packed or len(packed) > 2000:
        return "", ""
    try:
        key, facts = msgspec.json.decode(
            base64.urlsafe_b64decode(packed), type=tuple[str, dict[str, int | str]]
        )
        locale = pages.locale_of(request)
        known = i18n.has(locale, key) or i18n.has(locale, f"{key}.other")  # a counted text
        if not key.startswith((done, "errors.")) or not known:
            return "", ""
        text = i18n.t(locale, key, **facts)
    except _FAULTS:
        return "", ""
    return (text, "") if key.startswith(done) else ("", text)


def forget(request: Request, answer: Response) -> None:
    """It was said."""
    if COOKIE in request.cookies:
        answer.delete_cookie(COOKIE, path="/")
