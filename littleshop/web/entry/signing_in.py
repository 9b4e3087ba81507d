"""Pages of signing in: the phone, the code that was sent to it, and out again."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from littleshop import crypto, db, http
from littleshop.entry import signing_in
from littleshop.entry.signing_in import SignedIn
from littleshop.errors import Refused
from littleshop.identity import phones, sessions
from littleshop.identity.codes import Asker
from littleshop.web import addresses, browsers, forms, pages

ASKED = "asked"  # a cookie: whose code this device waits for
ASKED_SECONDS = 900
PHONE, CODE, AGAIN = "/sign-in", "/sign-in/code", "/sign-in/code/again"
OUT = "/sign-out"


class Asked(msgspec.Struct, frozen=True):
    """A code that is on its way, as the cookie carries it (sealed)."""

    phone: str
    resend_at: datetime
    next: str


def inside(text: str) -> str:
    """A path of ours to go on to, or an empty text: nobody is sent elsewhere after signing in."""
    safe = text.startswith("/") and not text.startswith(("//", "/\\"))
    return text if safe and len(text) <= 300 and text.isprintable() else ""


def show(
    request: Request, template: str, *, here: str, status: int = 200, **context: Any
) -> Response:
    """A page for one person: never kept by a browser. `here` shows it again by GET."""
    return pages.page(request, template, status=status, private=True, here=here, **context)


def to(path: str, **query: object) -> RedirectResponse:
    """On to a page by GET, so that a reload repeats nothing."""
    asked = {name: str(value) for name, value in query.items() if value is not None}
    return RedirectResponse(path + (f"?{urlencode(asked)}" if asked else ""), status_code=303)


async def phone_page(request: Request) -> Response:
    """GET /sign-in"""
    back = inside(request.query_params.get("next", ""))
    if await http.somebody(request) is not None:
        return to(back or "/console")
    return _phone(request, back, {}, {})


def _phone(
    request: Request, back: str, form: dict[str, str], errors: dict[str, str], status: int = 200
) -> Response:
    return show(
        request,
        "entry/sign_in.html",
        here=PHONE + (f"?{urlencode({'next': back})}" if back else ""),
        status=status,
        form=form,
        errors=errors,
        refused="",
        next_url=back,
        form_key=browsers.new_key(),
        terms_url=addresses.LEGAL_TERMS,
    )


async def ask(request: Request) -> Response:
    """POST /sign-in: phone, next, form_key"""
    form = await forms.read(request)
    back = inside(form.text("next"))
    try:
        return await send_code(request, form, back, CODE)
    except Refused as refused:
        errors = {"phone": forms.said(request, refused)}
        return _phone(request, back, form.typed("phone"), errors, status=422)


async def send_code(request: Request, form: forms.Form, back: str, page: str) -> Response:
    """Have a code sent to the phone of the form and go to the page where it is typed.

    Raises Refused.
    """
    browser = browsers.named(request, form.text("form_key", 64))
    return await _send(request, form.text("phone", 64), browser, back, page)


async def send_again(request: Request, waits: Asked, page: str) -> Response:
    """Have another code sent to the phone that waits for one. Raises Refused."""
    return await _send(request, waits.phone, http.make_device(request), waits.next, page)


async def _send(
    request: Request, phone: str, named: tuple[str | None, bytes], back: str, page: str
) -> Response:
    token, browser = named
    await http.check_code(request, browser, phones.parse(phone).country)
    house = http.house(request)
    asker = Asker(browser, http.address(request))
    locale, at = pages.locale_of(request), http.now(request)
    asked = await signing_in.ask_code(
        house.database, house.keyring, phone, asker, locale=locale, at=at
    )
    answer = to(page)
    _remember(request, answer, Asked(asked.phone.e164, asked.resend_at, back))
    if token is not None:
        http.set_cookie(request, answer, http.DEVICE, token)
    return answer


def _remember(request: Request, answer: Response, waits: Asked) -> None:
    sealed = forms.seal(http.house(request).keyring, waits)
    http.set_cookie(request, answer, ASKED, sealed, max_age=ASKED_SECONDS)


def waiting(request: Request) -> Asked | None:
    """The code this device waits for."""
    return forms.unseal(http.house(request).keyring, request.cookies.get(ASKED), Asked)


def seconds_left(request: Request, until: datetime) -> int:
    """Whole seconds until a moment, 0 when it is over."""
    return max(0, -int(-(until - http.now(request)).total_seconds() // 1))


def code_context(
    request: Request, waits: Asked, *, code: str, again: str, change: str
) -> dict[str, Any]:
    """What the piece entry/steps/code.html needs."""
    return {
        "phone_masked": crypto.mask_phone(waits.phone),
        "resend_after": seconds_left(request, waits.resend_at),
        "code_url": code,
        "resend_url": again,
        "change_phone_url": change,
    }


async def code_page(request: Request) -> Response:
    """GET /sign-in/code"""
    waits = waiting(request)
    if waits is None:
        return to(PHONE)
    return _code(request, waits, {}, {})


def _code(
    request: Request,
    waits: Asked,
    form: dict[str, str],
    errors: dict[str, str],
    status: int = 200,
) -> Response:
    change = PHONE + (f"?{urlencode({'next': waits.next})}" if waits.next else "")
    context = code_context(request, waits, code=CODE, again=AGAIN, change=change)
    return show(
        request,
        "entry/sign_in_code.html",
        here=CODE,
        status=status,
        form=form,
        errors=errors,
        refused="",
        **context,
    )


async def confirm(request: Request) -> Response:
    """POST /sign-in/code: code"""
    waits = waiting(request)
    if waits is None:  # the form is older than a quarter of an hour, or was answered already
        return to("/console" if await http.somebody(request) else PHONE)
    form = await forms.read(request)
    try:
        signed_in = await try_code(request, waits, form)
    except Refused as refused:
        errors = {"code": forms.said(request, refused)}
        return _code(request, waits, form.typed("code"), errors, status=422)
    answer = to(waits.next or "/console")
    welcome(request, answer, signed_in)
    return answer


async def try_code(request: Request, waits: Asked, form: forms.Form) -> SignedIn:
    """Sign in with the typed code; the second half of a double click is the same press.

    Raises Refused.
    """
    _, browser = http.make_device(request)
    http.check_limits(request, "try_code", browser, http.address(request))
    house = http.house(request)
    return await signing_in.confirm_code(
        house.database,
        house.keyring,
        waits.phone,
        form.text("code", 32),
        browser=browser,
        device=request.headers.get("user-agent", "")[:200],
        locale=pages.locale_of(request),
        at=http.now(request),
    )


def welcome(request: Request, answer: Response, signed_in: SignedIn) -> None:
    """Give this device its session and forget the code it waited for."""
    http.set_cookie(request, answer, http.SESSION, signed_in.token)
    answer.delete_cookie(ASKED, path="/")


async def again(request: Request) -> Response:
    """POST /sign-in/code/again: another code; too soon is said on the page of the code"""
    waits = waiting(request)
    if waits is None:
        return to(PHONE)
    try:
        return await send_again(request, waits, CODE)
    except Refused as refused:
        return _code(request, waits, {}, {"code": forms.said(request, refused)}, status=429)


async def sign_out(request: Request) -> Response:
    """POST /sign-out: this device only; a second time changes nothing."""
    token = request.cookies.get(http.SESSION)
    if token:
        at = http.now(request)

        async def end(conn: db.Connection) -> None:
            await sessions.end(conn, token, at)

        await http.house(request).database.transaction(end)
    answer = to("/")
    answer.delete_cookie(http.SESSION, path="/")
    answer.delete_cookie(ASKED, path="/")
    return answer


async def stay_out(request: Request) -> Response:
    """GET /sign-out: a link that was kept; it ends nothing."""
    return to("/console")


ROUTES = [
    Route(PHONE, phone_page),
    Route(PHONE, ask, methods=["POST"]),
    Route(CODE, code_page),
    Route(CODE, confirm, methods=["POST"]),
    Route(AGAIN, again, methods=["POST"]),
    Route(AGAIN, code_page),
    Route(OUT, sign_out, methods=["POST"]),
    Route(OUT, stay_out),
]
