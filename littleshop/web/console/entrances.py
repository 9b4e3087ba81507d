"""Entrances of a shop: what each brought, making one, its code to print."""

from __future__ import annotations

import secrets
from typing import Any

import segno
from starlette.requests import Request
from starlette.responses import Response

from littleshop import db, http
from littleshop.errors import NotFound, Refused
from littleshop.http import AtWork
from littleshop.social import entrances
from littleshop.social.entrances import Entrance
from littleshop.web import addresses, forms, names, pages
from littleshop.web.console import brought, figures, frame


async def page(request: Request) -> Response:
    """GET root/entrances"""
    return await _show(request, await http.at_work(request))


async def _show(
    request: Request,
    work: AtWork,
    *,
    status: int = 200,
    form: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
) -> Response:
    async with http.house(request).database.connection() as conn:
        facts = await brought.read(conn, work.shop, http.now(request))
    rows = brought.entrances(facts, pages.locale_of(request))
    return await frame.page(
        request,
        work,
        "entrances.html",
        "today",
        status=status,
        rows=[brought.told(row, work.shop.currency) | {"depth": 0} for row in rows],
        kinds=entrances.KINDS,
        form=form or {},
        errors=errors or {},
        form_key=secrets.token_hex(8),
    )


async def table(request: Request) -> Response:
    """GET root/entrances.csv: the same rows for a spreadsheet."""
    work, locale = await http.at_work(request), pages.locale_of(request)
    async with http.house(request).database.connection() as conn:
        facts = await brought.read(conn, work.shop, http.now(request))
    rows = brought.table(brought.entrances(facts, locale), work.shop.currency, locale)
    return figures.download(rows, f"{work.shop.slug}-entrances.csv")


async def make(request: Request) -> Response:
    """POST root/entrances: kind, name; the same name of the same kind is the same entrance"""
    work, form = await http.at_work(request), await forms.read(request)
    try:
        entrance = await _made(request, work, form)
    except Refused as refused:
        typed = form.typed("kind", "name")
        said = {_field_of(refused.code): frame.sentence(request, refused)}
        return await _show(request, work, status=422, form=typed, errors=said)
    to = f"{frame.root(work.shop)}/entrances/{entrance.code}"
    return frame.go(request, to, "entrance_made", name=entrance.name)


def _field_of(code: str) -> str:
    return "kind" if code == "entrance_kind" else "name"


async def _made(request: Request, work: AtWork, form: forms.Form) -> Entrance:
    """Raises Refused as entrances.make, too_many."""
    person_id, at = work.person.person_id, http.now(request)
    http.check_limits(request, "share", str(person_id), http.address(request))

    async def write(conn: db.Connection) -> Entrance:
        return await entrances.make(
            conn,
            work.shop.shop_id,
            kind=form.text("kind", 24),
            name=form.text("name", 200),
            person_id=person_id,
            at=at,
        )

    return await http.house(request).database.transaction(write)


async def one(request: Request) -> Response:
    """GET root/entrances/CODE: its code to print, its address to paste into a menu"""
    work = await http.at_work(request)
    async with http.house(request).database.connection() as conn:
        found = await entrances.find(conn, work.shop.shop_id, request.path_params["code"])
    if found is None:
        raise NotFound("entrance")
    context = _printed(request, found) | {"kind": found.kind, "name": found.name}
    return await frame.page(request, work, "entrance.html", "today", **context)


def _printed(request: Request, entrance: Entrance) -> dict[str, Any]:
    url = names.public_url(request, entrance.code) + addresses.entrance(entrance.code)
    drawn = segno.make(url, error="q")  # it hangs in the sun and gets scratched
    return {"public_url": url, "qr_svg": drawn.svg_inline(border=0, omitsize=True)}
