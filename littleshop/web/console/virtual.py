"""What buyers of a thing get that nobody carries: a text, a file, a code for each piece."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import db, http
from littleshop.catalog import products, virtual
from littleshop.catalog.drafts import tidy
from littleshop.catalog.virtual import Content
from littleshop.errors import NotFound, Refused
from littleshop.http import AtWork
from littleshop.sale import handing_out
from littleshop.web import forms
from littleshop.web.console import frame, product
from littleshop.web.forms import Form

FIELDS = ("kind", "text")
_FIELDS = {"virtual_text_empty": "text", "virtual_file_empty": "file", "virtual_file_large": "file"}


async def page(request: Request) -> Response:
    """GET root/goods/ID/virtual"""
    work = await http.at_work(request)
    return await _page(request, work, None, {})


async def _page(
    request: Request,
    work: AtWork,
    typed: dict[str, str] | None,
    errors: dict[str, str],
    status: int = 200,
) -> Response:
    found, variants, _ = await product.read(request, work)
    house = http.house(request)
    async with house.database.connection() as conn:
        now = await virtual.of(conn, work.shop.shop_id, found.product_id)
        codes = await virtual.codes_of(conn, work.shop.shop_id, found.product_id)
    form = typed or {"kind": now.kind or "", "text": now.text(house.keyring)}
    rows = [
        {
            "id": each.variant_id,
            "label": " · ".join(each.choice) or found.title,
            "left": codes[each.variant_id].left if each.variant_id in codes else 0,
            "given": codes[each.variant_id].given if each.variant_id in codes else 0,
        }
        for each in variants
    ]
    return await frame.page(
        request, work, "product_virtual.html", "goods",
        status=status, here=product.here(work, found.product_id), title=found.title, form=form,
        errors=errors, kinds=virtual.KINDS, now_kind=now.kind, file_name=now.file_name, rows=rows,
    )  # fmt: skip


async def save(request: Request) -> Response:
    """POST root/goods/ID/virtual: kind ("" a real thing|text|file|codes), text, file"""
    work = await http.at_work(request)
    form = await forms.read_file(request, virtual.FILE_BYTES)
    product_id = http.uuid(request.path_params["product_id"])
    try:
        await _say(request, work, product_id, form)
    except NotFound:
        raise
    except Refused as no:
        errors = {_FIELDS.get(no.code, "kind"): forms.said(request, no)}
        return await _page(request, work, form.typed(*FIELDS), errors, status=422)
    return frame.go(request, f"{product.here(work, product_id)}/virtual", "virtual_saved")


async def _say(request: Request, work: AtWork, product_id: UUID, form: Form) -> None:
    """Raises Refused: what _file and virtual.say raise; NotFound."""
    house, kept = http.house(request), await _file(request, work, form)

    async def work_on(conn: db.Connection) -> None:
        before = await virtual.of(conn, work.shop.shop_id, product_id)
        text = form.text("text", virtual.TEXT_LENGTH).strip()
        content = Content(
            form.text("kind", 10) or None,
            house.keyring.seal(text) if text else None,
            *(kept or (before.file, before.file_name)),
        )
        await virtual.say(conn, work.shop.shop_id, product_id, content, http.now(request))

    await house.database.transaction(work_on)


async def _file(request: Request, work: AtWork, form: Form) -> tuple[str, str] | None:
    """The file that was chosen, kept privately: its name with us and with buyers. Raises Refused
    virtual_file_large(most=)."""
    chosen: list[UploadFile] = form.files("file")
    if not chosen:
        return None
    http.check_limits(request, "upload", work.person.person_id.bytes)
    content = await chosen[0].read(virtual.FILE_BYTES + 1)
    for each in chosen:
        await each.close()
    if len(content) > virtual.FILE_BYTES:
        raise Refused("virtual_file_large", most=virtual.FILE_BYTES // 1024 // 1024)
    bare = tidy((chosen[0].filename or "").replace("\\", "/").rpartition("/")[2])[-120:]
    return await http.house(request).files.put_private(content), bare or "file"


async def add_codes(request: Request) -> Response:
    """POST root/goods/ID/virtual/codes: variant, codes (one on each line)"""
    work, form = await http.at_work(request), await forms.read(request)
    product_id = http.uuid(request.path_params["product_id"])
    try:
        added = await _put_in(request, work, product_id, form)
    except NotFound:
        raise
    except Refused as no:
        return await _page(request, work, None, {"codes": forms.said(request, no)}, status=422)
    here = f"{product.here(work, product_id)}/virtual"
    return frame.go(request, here, "codes_added", count=added)


async def _put_in(request: Request, work: AtWork, product_id: UUID, form: Form) -> int:
    """Put codes in; what waited for them has them in transactions of their own. Raises Refused."""
    house, at, shop_id = http.house(request), http.now(request), work.shop.shop_id
    variant_id = http.uuid(form.text("variant", 40))
    lines = form.text("codes", forms.MOST_BYTES).splitlines()
    added = await house.database.transaction(
        lambda conn: _add(request, conn, work, product_id, variant_id, lines)
    )
    await handing_out.catch_up(house.database, shop_id, product_id, at)
    return added


async def _add(
    request: Request,
    conn: db.Connection,
    work: AtWork,
    product_id: UUID,
    variant_id: UUID,
    lines: list[str],
) -> int:
    """Raises NotFound for a variant of another product, and what virtual.add_codes raises."""
    known = await products.variants(conn, work.shop.shop_id, product_id)
    if variant_id not in {each.variant_id for each in known}:
        raise NotFound("variant")
    return await virtual.add_codes(
        conn, http.house(request).keyring, work.shop.shop_id, variant_id, lines,
        person_id=work.person.person_id, at=http.now(request),
    )  # fmt: skip


_ROOT = "/console/{shop_id}/goods/{product_id}/virtual"
ROUTES: list[Any] = [
    Route(_ROOT, page),
    Route(_ROOT, save, methods=["POST"]),
    Route(f"{_ROOT}/codes", add_codes, methods=["POST"]),
]
