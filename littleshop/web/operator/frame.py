"""Who may see the pages of the desk, what stands around each of them, and how an act is answered.

Every page of the desk begins with `operator(request)`: a signed-in person who is an operator, on a
device that showed the second factor within the last hours. For everybody else who is signed in
there is no such page.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from littleshop import db, http
from littleshop.clock import SHANGHAI
from littleshop.errors import NotFound, Refused
from littleshop.http import SignInFirst, Somebody
from littleshop.identity import operators, people
from littleshop.web import flash, forms, pages

ROOT = "/operator"
CODE = f"{ROOT}/code"
_SAID = "operator.said."


class ProveFirst(Exception):
    """An operator whose device has not shown the second factor, or whose hours are over."""


@dataclass(frozen=True)
class AtDesk:
    """An operator at the desk, until `ends_at`."""

    operator: UUID
    ends_at: datetime


async def candidate(request: Request) -> tuple[Somebody, datetime | None]:
    """An operator who is signed in, and until when this device is his to work with, if it is.

    Raises SignInFirst; NotFound for who is no operator, as if there were no such page.
    """
    who = await http.somebody(request)
    if who is None:
        raise SignInFirst
    async with http.house(request).database.connection() as conn:
        seat = await operators.seat(conn, who.person.person_id, who.token, http.now(request))
    if seat is None:
        raise NotFound("page")
    return who, seat.ends_at


async def operator(request: Request) -> AtDesk:
    """The operator who asks; once more when his form was long on its way (http.arrived). Raises
    SignInFirst, ProveFirst, NotFound."""
    request.state.look_again = operator
    who, ends_at = await candidate(request)
    if ends_at is None:
        raise ProveFirst
    return AtDesk(who.person.person_id, ends_at)


async def on_prove_first(request: Request, fault: Exception) -> Response:
    """To the page of the second factor and back; a form that came too late leads back to its
    page, empty."""
    came_from = urlsplit(request.headers.get("referer", "")).path
    back = request.url.path if request.method in ("GET", "HEAD") else came_from
    return RedirectResponse(f"{CODE}?next={quote(inside(back))}", status_code=303)


def inside(path: str) -> str:
    """A page of the desk to go on to; its first one for anything else."""
    safe = path == ROOT or path.startswith(f"{ROOT}/")
    return path if safe and len(path) <= 300 and path.isprintable() and path != CODE else ROOT


def page(
    request: Request, at_desk: AtDesk, template: str, *, status: int = 200, **context: Any
) -> Response:
    """A page of the desk; `context` is what its template asks for beside the frame."""
    said, refused = flash.heard(request, _SAID)
    around: dict[str, Any] = {
        "root": ROOT,
        "said": said,
        "refused": refused,
        "ends_at": at_desk.ends_at,
        "now": http.now(request).astimezone(SHANGHAI),
    }
    answer = pages.page(
        request, f"operator/{template}", status=status, private=True, **(around | context)
    )
    flash.forget(request, answer)
    return answer


def go(request: Request, path: str, said: str, **facts: object) -> Response:
    """On to a page that begins with t("operator.said." + said, **facts)."""
    return flash.go(request, path, f"{_SAID}{said}", **facts)


Work = Callable[[db.Connection, str, datetime], Awaitable[object]]


async def act(request: Request, back: str, said: str, work: Work) -> Response:
    """Do `work(conn, reason, at)` in one transaction, with the reason of the form, and go back to
    a page that says what was done, or why it was not."""
    form = await forms.read(request)
    reason, at = form.text("reason", 2000), http.now(request)
    try:
        await http.house(request).database.transaction(lambda conn: work(conn, reason, at))
    except NotFound:
        raise
    except Refused as refused:
        return flash.refuse(request, back, refused)
    return go(request, back, said)


async def names(house: http.House, ids: Iterable[UUID | None]) -> dict[UUID | None, str]:
    """Operators as the others know them: their phones, masked; "" for the command line."""
    known: dict[UUID | None, str] = {None: ""}
    async with house.database.connection() as conn:
        for person_id in {each for each in ids if each is not None}:
            person = await people.get(conn, person_id)
            known[person_id] = person.masked_phone(house.keyring) if person else "?"
    return known
