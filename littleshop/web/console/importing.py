"""Goods out as a sheet and in again: handed in, looked at, run with a bar, and its report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import db, http, i18n
from littleshop.catalog import fetching, importing, imports, incoming, own_sheet, photos, shelf
from littleshop.catalog import wares as wares_of
from littleshop.catalog.imports import Counts, Import, Item
from littleshop.catalog.shelf import Filter
from littleshop.errors import NotFound, Refused
from littleshop.http import AtWork
from littleshop.shop import shop_acts
from littleshop.web import addresses, forms, pages
from littleshop.web.console import figures, frame
from littleshop.web.forms import Form

_ROOT = "/console/{shop_id}/goods/imports"
_ONE = f"{_ROOT}/{{import_id}}"
MEGABYTE = 1024 * 1024
SHOWN = 20  # refused rows on the page; all are in the report
REPORTED = 50_000


async def page(request: Request) -> Response:
    """GET root/goods/imports"""
    return await _show(request, await http.at_work(request))


async def _show(request: Request, work: AtWork, error: Refused | None = None) -> Response:
    async with http.house(request).database.connection() as conn:
        rows = await imports.listing(conn, work.shop.shop_id)
        goods = len(await shelf.find(conn, work.shop.shop_id, Filter()))
    return await frame.page(
        request, work, "goods_imports.html", "goods", status=422 if error else 200,
        rows=rows, goods=goods, form_key=str(uuid4()),
        error=forms.said(request, error) if error else "",
        most=incoming.MOST_BYTES // MEGABYTE, most_pictures=fetching.MOST_ARCHIVE_BYTES // MEGABYTE,
        most_things=incoming.MOST_THINGS,
    )  # fmt: skip


async def hand_in(request: Request) -> Response:
    """POST root/goods/imports (multipart): sheet, pictures, form_key"""
    work = await http.at_work(request)
    try:
        made = await _uploaded(request, work)
    except Refused as refused:
        return await _show(request, work, refused)
    await http.house(request).database.transaction(
        lambda conn: importing.hand_in(conn, made, http.now(request))
    )
    return frame.go(request, f"{frame.root(work.shop)}/goods/imports/{made.import_id}")


async def _uploaded(request: Request, work: AtWork) -> Import:
    """What came, staged; the files lie on disk while they come. Raises Refused: import_too_large,
    form_broken, and as _kept."""
    most = incoming.MOST_BYTES + fetching.MOST_ARCHIVE_BYTES + MEGABYTE
    length = request.headers.get("content-length", "0")
    if not length.isdigit() or int(length) > most:  # nothing of it is read
        raise _too_large()
    http.expect(request, most)
    try:
        async with request.form(max_files=2, max_fields=10) as fields:
            await http.arrived(request)
            return await _kept(request, work, Form(fields))
    except HTTPException:
        raise Refused("form_broken") from None


def _too_large() -> Refused:
    most, archive = incoming.MOST_BYTES // MEGABYTE, fetching.MOST_ARCHIVE_BYTES // MEGABYTE
    return Refused("import_too_large", most=most, archive=archive)


async def _kept(request: Request, work: AtWork, form: Form) -> Import:
    """Stage the files of a form. Raises Refused: sheet_missing, import_too_large,
    pictures_unreadable."""
    house, files, archives = http.house(request), form.files("sheet"), form.files("pictures")
    if not files:
        raise Refused("sheet_missing")
    if (files[0].size or 0) > incoming.MOST_BYTES:
        raise _too_large()
    import_id = forms.key(form.text("form_key"), uuid4())
    name = (files[0].filename or "")[-80:]
    made = Import(
        work.shop.shop_id, import_id, work.person.person_id, http.now(request), name, "",
        bool(archives), "reading", "", {}, None, None,
    )  # fmt: skip
    async with house.database.connection() as conn:
        if await imports.is_known(conn, work.shop.shop_id, import_id):
            return made  # the form once more: what was looked at stays as it is
    if archives:  # before anything is kept
        await _check_archive(archives[0])
    await house.files.put_staged(made.files[0], files[0].file)
    if archives:
        await house.files.put_staged(made.files[1], archives[0].file)
    return made


async def _check_archive(file: UploadFile) -> None:
    head = await file.read(4)
    await file.seek(0)
    if head != b"PK\x03\x04":
        raise Refused("pictures_unreadable")


async def one(request: Request) -> Response:
    """GET root/goods/imports/ID: what it would do, how far it is, what became of it"""
    work = await http.at_work(request)
    context = await _context(request, work)
    return await frame.page(request, work, "goods_import.html", "goods", **context)


async def progress(request: Request) -> Response:
    """GET root/goods/imports/ID/progress: the piece of the page that moves"""
    work = await http.at_work(request)
    context = await _context(request, work) | {"root": frame.root(work.shop)}
    return pages.page(
        request, "console/goods_import.html", fragment="progress", private=True, **context
    )


async def _context(request: Request, work: AtWork) -> dict[str, Any]:
    shop_id, import_id = work.shop.shop_id, http.uuid(request.path_params["import_id"])
    async with http.house(request).database.connection() as conn:
        made = await imports.get(conn, shop_id, import_id)
        counts = await imports.counts(conn, shop_id, import_id)
        refused = await imports.items(conn, shop_id, import_id, "refused", most=SHOWN)
        faulty = await imports.items(conn, shop_id, import_id, faulty=True, most=SHOWN)
    return {
        "made": made,
        "counts": counts,
        "all_read": counts.new + counts.changed + counts.unchanged + counts.refused,
        "stage": _stage(made, counts),
        "refused_rows": [_told(request, each) for each in refused],
        "faulty_rows": [_told(request, each) for each in faulty],
        "fault": _said(request, made.fault, made.facts) if made.fault else "",
    }


def _stage(made: Import, counts: Counts) -> dict[str, int | str]:
    """Goods first, then their pictures: of how many how many are done."""
    done = counts.written + counts.failed
    if done < counts.to_do:
        return {"name": "goods", "done": done, "of": counts.to_do}
    return {"name": "pictures", "done": counts.done + counts.failed, "of": counts.to_do}


def _said(request: Request, code: str, facts: dict[str, str | int]) -> str:
    return i18n.t(pages.locale_of(request), f"errors.{code}", **facts)


def _told(request: Request, each: Item) -> dict[str, Any]:
    """A thing that is not taken, or whose pictures are not, in words."""
    return {
        "line": each.line,
        "title": each.title or each.handle,
        "why": _said(request, each.why, each.facts) if each.why else "",
        "pictures": [(source, _picture(request, code)) for source, code in each.photo_faults],
    }


def _picture(request: Request, code: str) -> str:
    facts: dict[str, str | int] = {"megabytes": 20, "megapixels": 50, "status": ""}
    return _said(request, code, facts)


async def start(request: Request) -> Response:
    """POST root/goods/imports/ID/start"""
    work, at = await http.at_work(request), http.now(request)
    shop_id, import_id = work.shop.shop_id, http.uuid(request.path_params["import_id"])

    async def write(conn: db.Connection) -> None:
        made = await imports.get(conn, shop_id, import_id)
        if await importing.start(conn, shop_id, import_id, at):
            counts = await imports.counts(conn, shop_id, import_id)
            await _note(conn, work, request, "goods_imported", made, counts.to_do)

    return await _press(request, work, import_id, write)


async def cancel(request: Request) -> Response:
    """POST root/goods/imports/ID/cancellation: what was written stays"""
    work, at = await http.at_work(request), http.now(request)
    shop_id, import_id = work.shop.shop_id, http.uuid(request.path_params["import_id"])

    async def write(conn: db.Connection) -> None:
        made = await imports.get(conn, shop_id, import_id)
        if not await imports.end(conn, shop_id, import_id, "cancelled", at):
            raise Refused("import_over")
        counts = await imports.counts(conn, shop_id, import_id)
        await _note(conn, work, request, "import_stopped", made, counts.written)

    return await _press(request, work, import_id, write)


async def _note(
    conn: db.Connection, work: AtWork, request: Request, kind: str, made: Import, count: int
) -> None:
    await shop_acts.note(
        conn, work.shop.shop_id, work.person.person_id, kind, at=http.now(request),
        once=made.import_id, subject=str(made.import_id), name=made.file_name, count=count,
    )  # fmt: skip


async def _press(request: Request, work: AtWork, import_id: UUID, write: Any) -> Response:
    here = f"{frame.root(work.shop)}/goods/imports/{import_id}"
    try:
        await http.house(request).database.transaction(write)
    except NotFound:
        raise
    except Refused as refused:
        return frame.refuse(request, here, refused)
    return frame.go(request, here)


async def report(request: Request) -> Response:
    """GET root/goods/imports/ID/report.csv: what became of every row that named a product"""
    work, locale = await http.at_work(request), pages.locale_of(request)
    import_id = http.uuid(request.path_params["import_id"])
    async with http.house(request).database.connection() as conn:
        await imports.get(conn, work.shop.shop_id, import_id)
        found = await imports.items(conn, work.shop.shop_id, import_id, most=REPORTED)
    names = ("line", "handle", "title", "verdict", "state", "why")
    rows = [[i18n.t(locale, f"catalogue.report.{name}") for name in names]]
    for each in found:
        told = _told(request, each)
        why = "; ".join([told["why"], *(f"{source}: {no}" for source, no in told["pictures"])])
        verdict = i18n.t(locale, f"catalogue.verdict.{each.verdict}")
        state = "" if each.state == "idle" else i18n.t(locale, f"catalogue.state.{each.state}")
        cells = [each.handle, each.title, verdict, state, why.strip("; ")]
        rows.append([str(each.line), *cells])
    return figures.download(rows, f"{work.shop.slug}-import.csv")


async def table(request: Request) -> Response:
    """GET root/goods.csv: the whole shelf as our own sheet"""
    work, locale = await http.at_work(request), pages.locale_of(request)
    shop, origin = work.shop, http.house(request).settings.public_url.rstrip("/")
    async with http.house(request).database.connection() as conn:
        found = [each for each, _ in await shelf.find(conn, shop.shop_id, Filter())]
        wares = await wares_of.of(conn, shop.shop_id, found)
        files = await photos.of_products(conn, shop.shop_id, found)
        widths = await photos.widths(conn, shop.shop_id, found)
    rows: list[Sequence[str]] = [own_sheet.head(locale)]
    for product_id, ware in wares.items():
        if not ware.resold and ware.kinds:
            hung = files.get(product_id, [])
            urls = [origin + addresses.photo(file, widths[file]) for file in hung]
            rows += own_sheet.rows(ware, urls, shop.currency)
    return figures.download(rows, f"{shop.slug}-goods-{http.now(request):%Y-%m-%d}.csv")


ROUTES = [
    Route("/console/{shop_id}/goods.csv", table),
    Route(_ROOT, page),
    Route(_ROOT, hand_in, methods=["POST"]),
    Route(_ONE, one),
    Route(f"{_ONE}/progress", progress),
    Route(f"{_ONE}/report.csv", report),
    Route(f"{_ONE}/start", start, methods=["POST"]),
    Route(f"{_ONE}/cancellation", cancel, methods=["POST"]),
]
