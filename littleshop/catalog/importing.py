"""Importing goods: a sheet is read and judged, looked at by its seller, then written a batch at a
time, and then its pictures are hung.

Every batch is one transaction that also says how far it is, so that a process that is killed
between two leaves nothing half done, and the next one goes on where it stopped. The pages of the
shop move once for a batch. Pictures are fetched and developed while no transaction is open.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, time
from functools import partial
from itertools import islice
from pathlib import Path
from uuid import UUID

import httpx
import msgspec

from littleshop import db, jobs, pictures, sheets
from littleshop.catalog import (
    imports,
    incoming,
    judging,
    own_sheet,
    photos,
    shopify_sheet,
    taobao_sheet,
    wares,
)
from littleshop.catalog.fetching import Archive, Web
from littleshop.catalog.imports import Import, Waiting
from littleshop.catalog.incoming import Thing, Wrong
from littleshop.catalog.judging import Verdict
from littleshop.catalog.photos import NewPhoto
from littleshop.errors import Refused
from littleshop.files import Files
from littleshop.jobs import Context, Daily, Every, Task
from littleshop.shop import shops

READ, WRITE, HANG, SWEEP = "imports.read", "imports.write", "imports.hang", "imports.sweep"
TIMETABLE: dict[str, Every | Daily] = {SWEEP: Daily(time(4, 40))}
FORMATS = (shopify_sheet.FORMAT, taobao_sheet.FORMAT, own_sheet.FORMAT)
READ_AT_ONCE = 200
BATCH = 100  # things of a transaction
HUNG_AT_ONCE = 12  # things whose pictures are fetched together


def tasks(files: Files, transport: httpx.AsyncBaseTransport | None = None) -> dict[str, Task]:
    """The jobs of an import; a test brings its own internet."""
    return {
        READ: Task(partial(read, files), attempts=10),
        WRITE: Task(write, attempts=40),
        HANG: Task(partial(hang, files, transport), attempts=40),
        SWEEP: Task(partial(sweep, files), attempts=3),
    }


async def hand_in(conn: db.Connection, made: Import, at: datetime) -> None:
    """Keep a sheet whose files are staged, and have it read."""
    await imports.begin(conn, made)
    await _defer(conn, READ, made.shop_id, made.import_id, at)


async def start(conn: db.Connection, shop_id: int, import_id: UUID, at: datetime) -> bool:
    """The seller says yes. Raises Refused: import_running, import_over."""
    begun = await imports.start(conn, shop_id, import_id, at)
    if begun:
        await _defer(conn, WRITE, shop_id, import_id, at)
    return begun


async def _defer(
    conn: db.Connection, job: str, shop_id: int, import_id: UUID, at: datetime
) -> None:
    key = str(import_id)
    await jobs.defer(conn, job, at=at, key=key, shop_id=shop_id, import_id=key)


@asynccontextmanager
async def _fetched(files: Files, name: str) -> AsyncIterator[Path | None]:
    """A staged file as a path of this machine, None when it is gone."""
    with tempfile.TemporaryDirectory(prefix="littleshop-") as folder:
        path = Path(folder) / "file"
        yield path if await files.fetch_staged(name, path) else None


async def read(files: Files, context: Context, *, shop_id: int, import_id: str) -> None:
    """Judge every thing of a sheet and keep what it would do."""
    async with context.database.connection() as conn:
        made = await imports.get(conn, shop_id, UUID(import_id))
        currency = (await shops.get(conn, shop_id)).currency
    if made.status != "reading":
        return
    async with _fetched(files, made.files[0]) as path:
        try:
            if path is None:
                raise Refused("sheet_empty")
            format = await _read(context, made, path, currency)
        except Refused as refused:
            no = refused
            await context.database.transaction(
                lambda conn: imports.refuse(conn, shop_id, made.import_id, no, context.at)
            )
            return
    fault = await _fault_of(files, made)

    async def show(conn: db.Connection) -> None:
        if fault is not None:
            await imports.say_fault(conn, shop_id, made.import_id, fault)
        await imports.show(conn, shop_id, made.import_id, format)

    await context.database.transaction(show)


async def _fault_of(files: Files, made: Import) -> Refused | None:
    """Why its archive of pictures cannot be read, while its seller can still hand in another."""
    if not made.with_pictures:
        return None
    async with _fetched(files, made.files[1]) as path:
        archive = await asyncio.to_thread(_opened, path)
    if isinstance(archive, Archive):
        archive.close()
        return None
    return archive


def _opened(path: Path | None) -> Archive | Refused:
    """The archive, or why it cannot be read."""
    try:
        return Archive(path) if path is not None else Refused("pictures_unreadable")
    except Refused as refused:
        return refused


async def _read(context: Context, made: Import, path: Path, currency: str) -> str:
    """Keep the verdicts, some at a time; the sheet's format. Raises Refused as
    incoming.open_rows."""
    opened = await asyncio.to_thread(incoming.open_rows, sheets.rows(path), FORMATS, currency)
    position, codes = 0, dict[str, str]()
    while found := await asyncio.to_thread(_next, opened.things):
        at, some = position, found

        async def keep(conn: db.Connection, at: int = at, some: list[Thing | Wrong] = some) -> bool:
            if await imports.lock(conn, made.shop_id, made.import_id) != "reading":
                return False
            judged = await _judged(conn, made, some, codes)
            await imports.keep(conn, made.shop_id, made.import_id, at, judged)
            return True

        if not await context.database.transaction(keep):
            break
        position += len(found)
    if not position:
        raise Refused("sheet_empty")
    return opened.format.name


def _next(things: Iterator[Thing | Wrong]) -> list[Thing | Wrong]:
    return list(islice(things, READ_AT_ONCE))


async def _judged(
    conn: db.Connection, made: Import, found: Sequence[Thing | Wrong], codes: dict[str, str]
) -> list[Verdict | Wrong]:
    """Verdicts in the order of the file; `codes`: which thing of this sheet has a code already."""
    things = [each for each in found if isinstance(each, Thing)]
    verdicts = iter(await judging.judge(conn, made.shop_id, made.import_id, things))
    judged: list[Verdict | Wrong] = []
    for each in found:
        judged.append(each if isinstance(each, Wrong) else _once(next(verdicts), codes))
    return judged


def _once(verdict: Verdict, codes: dict[str, str]) -> Verdict:
    """A code of stock that two things of one sheet have refuses the second, if it does anything."""
    if verdict.ware is None:
        return verdict
    handle = verdict.thing.handle
    for kind in verdict.ware.kinds:
        if kind.sku and codes.setdefault(kind.sku, handle) != handle:
            if verdict.kind == "unchanged":
                continue
            facts: dict[str, str | int] = {"sku": kind.sku}
            why = "import_sku_twice"
            return Verdict("refused", verdict.thing, why=why, facts=facts)
    return verdict


async def write(context: Context, *, shop_id: int, import_id: str) -> None:
    """Write what is waiting, a batch at a time; then the pictures."""
    which = UUID(import_id)
    async with context.database.connection() as conn:
        made = await imports.get(conn, shop_id, which)
    while await context.database.transaction(
        lambda conn: write_batch(conn, made, context.clock.now())
    ):
        pass

    async def on(conn: db.Connection) -> None:
        if await imports.lock(conn, shop_id, which) == "importing":
            await _defer(conn, HANG, shop_id, which, context.clock.now())

    await context.database.transaction(on)


async def write_batch(conn: db.Connection, made: Import, at: datetime) -> int:
    """Write the next things of an import, judged anew; how many it looked at."""
    shop_id, import_id = made.shop_id, made.import_id
    if await imports.lock(conn, shop_id, import_id) != "importing":
        return 0
    waiting = await imports.waiting(conn, shop_id, import_id, "waiting", BATCH)
    if not waiting:
        return 0
    there = [each.product_id for each in waiting if each.product_id is not None]
    await wares.lock(conn, shop_id, there)
    things = [each.read for each in waiting]
    verdicts = await judging.judge(conn, shop_id, import_id, things)
    writing = [each for each in verdicts if each.kind in ("new", "changed") and each.ware]
    bettered = [each.ware for each in writing if _differs(each)]
    before = {each.before.product_id: each.before for each in writing if each.before}
    chosen = [each for each in bettered if each is not None]
    await wares.write(conn, shop_id, chosen, before, at=at, person_id=made.made_by)
    named = [(each.thing.handle, each.ware.product_id) for each in verdicts if each.ware]
    await imports.name_products(conn, shop_id, named)
    told = [_told(item, verdict) for item, verdict in zip(waiting, verdicts, strict=True)]
    await imports.advance(conn, shop_id, import_id, told)
    return len(waiting)


def _differs(verdict: Verdict) -> bool:
    """Whether its words, kinds or prices are to be written, not only its pictures."""
    ware = verdict.ware
    return ware is not None and (verdict.before is None or not verdict.before.same(ware))


def _told(
    item: Waiting, verdict: Verdict
) -> tuple[int, str, str, dict[str, str | int], Sequence[str], UUID | None]:
    if verdict.ware is None:
        return item.position, "failed", verdict.why, verdict.facts, (), None
    state = "written" if verdict.photos else "done"
    return item.position, state, "", {}, verdict.photos, verdict.ware.product_id


class _Hung(msgspec.Struct):
    """A thing with the pictures that came and the codes of those that did not."""

    position: int
    photos: list[NewPhoto]
    faults: list[tuple[str, str]]


async def hang(
    files: Files,
    transport: httpx.AsyncBaseTransport | None,
    context: Context,
    *,
    shop_id: int,
    import_id: str,
) -> None:
    """Hang the pictures of what was written; then the import is done."""
    which = UUID(import_id)
    async with context.database.connection() as conn:
        made = await imports.get(conn, shop_id, which)
    async with Web(transport) as web, _fetched(files, made.files[1]) as path:
        archive = await asyncio.to_thread(_opened, path) if made.with_pictures else None
        if isinstance(archive, Refused):  # each picture of it is missing, and said so
            no = archive
            await context.database.transaction(
                lambda conn: imports.say_fault(conn, shop_id, which, no)
            )
        readable = archive if isinstance(archive, Archive) else None
        hanger = Hanger(context.database, files, web, readable)
        while await hanger.batch(made, context.clock.now()):
            pass
        if readable is not None:
            readable.close()
    await context.database.transaction(
        lambda conn: imports.end(conn, shop_id, which, "done", context.clock.now())
    )
    for name in made.files:
        await files.remove_staged(name)


class Hanger:
    """Brings pictures from where a sheet says they are to where they are shown."""

    def __init__(
        self, database: db.Database, files: Files, web: Web, archive: Archive | None
    ) -> None:
        self._database = database
        self._files = files
        self._web = web
        self._archive = archive

    async def batch(self, made: Import, at: datetime) -> int:
        """The pictures of the next things; how many things."""
        async with self._database.connection() as conn:
            if (await imports.get(conn, made.shop_id, made.import_id)).status != "importing":
                return 0
            waiting = await imports.waiting(
                conn, made.shop_id, made.import_id, "written", HUNG_AT_ONCE
            )
        found = await asyncio.gather(*(self._of(made.shop_id, each) for each in waiting))

        async def keep(conn: db.Connection) -> None:
            await imports.lock(conn, made.shop_id, made.import_id)
            new = [photo for each in found for photo in each.photos]
            await photos.add_many(conn, made.shop_id, new, at)
            told = [(each.position, each.faults) for each in found]
            await imports.hung(conn, made.shop_id, made.import_id, told)

        if found:
            await self._database.transaction(keep)
        return len(found)

    async def _of(self, shop_id: int, item: Waiting) -> _Hung:
        """The pictures of one thing, in their order."""
        assert item.product_id is not None, item.position
        hung = _Hung(item.position, [], [])
        for source in item.read.photos:
            try:
                hung.photos.append(await self._bring(shop_id, item.product_id, source))
            except Refused as refused:
                hung.faults.append((source[:200], refused.code))
        return hung

    async def _bring(self, shop_id: int, product_id: UUID, source: str) -> NewPhoto:
        """Raises Refused: as Web.get, Archive.read and pictures.process."""
        if file := judging.file_of(source):
            async with self._database.connection() as conn:
                known = await photos.known(conn, shop_id, file)
            if known is not None:
                size = (known.width, known.height, known.colour)
                return NewPhoto(product_id, source, file, *size)
        if self._archive is not None and source in self._archive:
            photo = await asyncio.to_thread(self._archive.read, source)
        elif "://" in source:
            photo = await self._web.get(source)
        else:
            raise Refused("picture_missing")
        made = await pictures.process(photo)
        await self._files.put(made)
        return NewPhoto(product_id, source, made.hash, made.width, made.height, made.colour)


async def sweep(files: Files, context: Context) -> None:
    """Forget sheets that were handed in long ago, and their files."""
    async with context.database.connection() as conn:
        old = await imports.old(conn, context.at - imports.KEPT)
    for each in old:
        for name in each.files:
            await files.remove_staged(name)
        await context.database.transaction(
            partial(_forget, shop_id=each.shop_id, import_id=each.import_id)
        )


async def _forget(conn: db.Connection, shop_id: int, import_id: UUID) -> None:
    await imports.forget(conn, shop_id, import_id)
