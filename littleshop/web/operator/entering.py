"""The second factor: a page between signing in and the desk; and leaving it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from littleshop import http
from littleshop.errors import Refused
from littleshop.http import Somebody
from littleshop.identity import codes, operators
from littleshop.oversight import entering
from littleshop.web import forms, pages
from littleshop.web.operator import frame


async def page(request: Request) -> Response:
    """GET /operator/code"""
    who, ends_at = await frame.candidate(request)
    back = frame.inside(request.query_params.get("next", ""))
    if ends_at is not None:
        return RedirectResponse(back, status_code=303)
    return await _show(request, who, back)


async def confirm(request: Request) -> Response:
    """POST /operator/code: code, next"""
    who, ends_at = await frame.candidate(request)
    form = await forms.read(request)
    back = frame.inside(form.text("next", 300))
    if ends_at is None:  # else it is the second half of a double click
        try:
            await _prove(request, who, form.text("code", 32))
        except Refused as refused:
            return await _show(request, who, back, forms.said(request, refused))
    return RedirectResponse(back, status_code=303)


async def _prove(request: Request, who: Somebody, digits: str) -> None:
    """Raises Refused totp_empty, code_length, too_many, totp_wrong, totp_used; NotFound."""
    if not digits.strip():  # no SMS was sent: the app shows it
        raise Refused("totp_empty")
    codes.check_typed(digits)
    person_id, house = who.person.person_id, http.house(request)
    await http.check_exactly(request, "operator_code", str(person_id), str(person_id))
    device, at = request.headers.get("user-agent", ""), http.now(request)
    try:
        await house.database.transaction(
            lambda conn: entering.prove(
                conn, house.keyring, person_id, who.token, digits, device=device, at=at
            )
        )
    except Refused:
        await _warn(house, person_id, at)
        raise


async def _warn(house: http.House, person_id: UUID, at: datetime) -> None:
    """The quarter's last try was wrong too: he is told."""
    window = await house.meters.spent_exactly("operator_code", str(person_id), at)
    if window is not None:
        await house.database.transaction(lambda conn: entering.warn(conn, person_id, window, at))


async def _show(request: Request, who: Somebody, back: str, error: str = "") -> Response:
    house = http.house(request)
    shown = ""
    if house.settings.mode == "demo":
        async with house.database.connection() as conn:
            shown = await entering.code_for_the_demo(
                conn, house.keyring, who.person.person_id, http.now(request)
            )
    return pages.page(
        request,
        "operator/code.html",
        status=422 if error else 200,
        private=True,
        phone=who.person.masked_phone(house.keyring),
        here=frame.CODE,
        next_url=back,
        error=error,
        shown=shown,
    )


async def leave(request: Request) -> Response:
    """POST /operator/leaving: this device is nobody's at the desk any more."""
    who, _ = await frame.candidate(request)
    await http.house(request).database.transaction(lambda conn: operators.stand_up(conn, who.token))
    return RedirectResponse("/", status_code=303)
