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
from littleshop.sale import handing_out, listing_resold
from littleshop.web import forms
from littleshop.web.console import frame, product
from littleshop.web.forms import Form

_FIELDS = {"virtual_text_empty": "text", "virtual_file_empty": "file", "virtual_file_large": "file"}
_REAL = "real"  # a thing that is carried, as addresses and forms call it
_CHOICES = (_REAL, *virtual.KINDS)
_SAID = {(_REAL, True): "virtual_real", ("codes", True): "virtual_codes"}  # by what it became


async def page(request: Request) -> Response:
    """GET root/goods/ID/virtual?kind=real|text|file|codes: what that kind needs, and nothing of the
    others; without one what it is now. The kinds to choose from for a real thing, and kind=other"""
    work = await http.at_work(request)
    return await _page(request, work, request.query_params.get("kind", ""), {})


async def _page(
    request: Request,
    work: AtWork,
    asked: str,
    errors: dict[str, str],
    status: int = 200,
    *,
    typed: str | None = None,
) -> Response:
    found, variants, _ = await product.read(request, work)
    house = http.house(request)
    async with house.database.connection() as conn:
        now = await virtual.of(conn, work.shop.shop_id, found.product_id)
        codes = await virtual.codes_of(conn, work.shop.shop_id, found.product_id)
    asked = asked or now.kind or ""
    text = now.text(house.keyring) if typed is None else typed
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
        status=status, here=product.here(work, found.product_id), title=found.title, text=text,
        kind=asked if asked in _CHOICES else "", errors=errors, kinds=_CHOICES,
        now_kind=now.kind or _REAL, file_name=now.file_name, rows=rows,
    )  # fmt: skip


async def save(request: Request) -> Response:
    """POST root/goods/ID/virtual: kind (real|text|file|codes), text, file"""
    work = await http.at_work(request)
    form = await forms.read_file(request, virtual.FILE_BYTES)
    product_id, kind = http.uuid(request.path_params["product_id"]), form.text("kind", 10)
    try:
        said = await _say(request, work, product_id, form)
    except NotFound:
        raise
    except Refused as no:
        errors = {_FIELDS.get(no.code, "kind"): forms.said(request, no)}
        return await _page(request, work, kind, errors, 422, typed=form.text("text"))
    here = product.here(work, product_id)
    return frame.go(request, here if kind == _REAL else f"{here}/virtual", said)


async def _say(request: Request, work: AtWork, product_id: UUID, form: Form) -> str:
    """Which sentence says it. Raises Refused: what _file, virtual.say and
    listing_resold.need_unoffered raise; NotFound."""
    house, kept, kind = http.house(request), await _file(request, work, form), form.text("kind", 10)

    async def work_on(conn: db.Connection) -> str:
        before = await virtual.of(conn, work.shop.shop_id, product_id)
        text = form.text("text", virtual.TEXT_LENGTH).strip()
        sealed = house.keyring.seal(text) if text else None
        content = Content(
            None if kind == _REAL else kind,
            sealed if "text" in form else before.text_sealed,  # what is not asked for stays
            *(kept or (before.file, before.file_name)),
        )
        if content.kind is not None:
            await listing_resold.need_unoffered(conn, work.shop.shop_id, product_id)
        await virtual.say(conn, work.shop.shop_id, product_id, content, http.now(request))
        return _SAID.get((kind, before.kind != kind), "virtual_saved")

    return await house.database.transaction(work_on)


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
        return await _page(request, work, "", {"codes": forms.said(request, no)}, 422)
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
