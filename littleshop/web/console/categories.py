"""The categories of the shelf: their order, their names, and which stands under which."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import db, http
from littleshop.catalog import categories
from littleshop.errors import NotFound, Refused
from littleshop.http import AtWork
from littleshop.shop import shop_acts
from littleshop.web import forms
from littleshop.web.console import frame
from littleshop.web.forms import Form

_ROOT = "/console/{shop_id}/goods/categories"


async def page(request: Request) -> Response:
    """GET root/goods/categories"""
    return await _show(request, await http.at_work(request))


async def _show(
    request: Request, work: AtWork, error: str = "", typed: str = "", name: str = ""
) -> Response:
    async with http.house(request).database.connection() as conn:
        rows = await categories.listing(conn, work.shop.shop_id)
    return await frame.page(
        request, work, "goods_categories.html", "goods", status=422 if error else 200,
        rows=rows, tops=[each.name for each in rows if each.parent is None],
        parents={each.parent for each in rows}, error=error, typed=typed, wrong=name,
    )  # fmt: skip


async def change(request: Request) -> Response:
    """POST root/goods/categories: then=add|rename|up|down|under|remove, name, typed, parent"""
    work, form = await http.at_work(request), await forms.read(request)
    at, shop_id = http.now(request), work.shop.shop_id
    then, name, typed = form.text("then", 20), form.text("name", 60), form.text("typed", 200)

    async def write(conn: db.Connection) -> None:
        told = await _do(conn, shop_id, then, name, form)
        if told:
            await shop_acts.note(conn, shop_id, work.person.person_id, f"category_{then}", at=at,
                                 subject=name, title=told)  # fmt: skip

    try:
        await http.house(request).database.transaction(write)
    except NotFound:
        raise
    except Refused as no:
        return await _show(request, work, forms.said(request, no), typed, name)
    return frame.go(request, f"{frame.root(work.shop)}/goods/categories")


async def _do(conn: db.Connection, shop_id: int, then: str, name: str, form: Form) -> str:
    """Do it; what is written down of it, "" for nothing. Raises Refused as catalog/categories."""
    if then == "add":
        return await categories.add(conn, shop_id, form.text("typed", 200))
    if then == "rename":
        new = await categories.rename(conn, shop_id, name, form.text("typed", 200))
        return "" if new == name else new
    if then == "under":
        await categories.put_under(conn, shop_id, name, form.text("parent", 60))
    elif then == "remove":
        await categories.remove(conn, shop_id, name)
        return name
    elif then in ("up", "down"):
        await categories.move(conn, shop_id, name, -1 if then == "up" else 1)
    return ""


ROUTES = [Route(_ROOT, page), Route(_ROOT, change, methods=["POST"])]
