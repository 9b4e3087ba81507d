"""Imports: sheets of goods that were handed in, what each of their things would do, and how far
that is done. An import reads, is ready to be looked at, runs, and ends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.catalog.incoming import Thing, Wrong
from littleshop.catalog.judging import Verdict
from littleshop.errors import NotFound, Refused

KEPT = timedelta(days=30)
VERDICTS = ("new", "changed", "unchanged", "refused")


class Import(msgspec.Struct, frozen=True):
    """A row of imports; `fault` and `facts`: why the whole file is refused, or else why its archive
    of pictures could not be read."""

    shop_id: int
    import_id: UUID
    made_by: UUID
    made_at: datetime
    file_name: str
    format: str
    with_pictures: bool
    status: str
    fault: str
    facts: dict[str, str | int]
    begun_at: datetime | None
    ended_at: datetime | None

    @property
    def files(self) -> tuple[str, str]:
        """Under which names its sheet and its archive of pictures are kept meanwhile."""
        own = (
            f"{self.shop_id}-{self.import_id.hex}"  # the id is the form's: another shop may say it
        )
        return f"{own}-sheet", f"{own}-pictures"


class Item(msgspec.Struct, frozen=True):
    """A row of import_items; `photo_faults`: pictures that could not be had, with the code why."""

    position: int
    line: int
    handle: str
    title: str
    verdict: str
    state: str
    why: str
    facts: dict[str, str | int]
    product_id: UUID | None
    photo_faults: list[tuple[str, str]]


class Waiting(msgspec.Struct, frozen=True):
    """A thing that is still to be written, or whose pictures are."""

    position: int
    thing: dict[str, Any]
    product_id: UUID | None

    @property
    def read(self) -> Thing:
        return msgspec.convert(self.thing, Thing)


class Counts(msgspec.Struct, frozen=True):
    """How many things have each verdict; of those to be written how many are `written`, `failed`,
    and `done` with their pictures; `faults`: pictures that could not be had."""

    new: int
    changed: int
    unchanged: int
    refused: int
    written: int
    done: int
    failed: int
    faults: int

    @property
    def to_do(self) -> int:
        return self.new + self.changed


_COLUMNS = ", ".join(Import.__struct_fields__)
_ITEM = ", ".join(Item.__struct_fields__)


async def begin(conn: db.Connection, made: Import) -> None:
    """Write down a sheet whose files are kept; a second press of the form writes nothing."""
    await db.run(
        conn,
        f"insert into imports ({_COLUMNS})"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
        " on conflict on constraint imports_pkey do nothing",
        *[getattr(made, name) for name in Import.__struct_fields__],
    )


async def is_known(conn: db.Connection, shop_id: int, import_id: UUID) -> bool:
    """Whether a shop handed this in before."""
    found = await db.value(
        conn,
        "select 1 from imports where shop_id = $1 and import_id = $2",
        shop_id,
        import_id,
    )
    return found is not None


async def get(conn: db.Connection, shop_id: int, import_id: UUID) -> Import:
    """Raises NotFound."""
    found = await db.one(
        conn,
        Import,
        f"select {_COLUMNS} from imports where shop_id = $1 and import_id = $2",
        shop_id,
        import_id,
    )
    if found is None:
        raise NotFound("import")
    return found


async def lock(conn: db.Connection, shop_id: int, import_id: UUID) -> str:
    """Nobody else goes on with it or stops it until we are done: its status."""
    found = await db.value(
        conn,
        "select status from imports where shop_id = $1 and import_id = $2 for no key update",
        shop_id,
        import_id,
    )
    return str(found or "cancelled")


async def listing(conn: db.Connection, shop_id: int) -> list[Import]:
    """The latest sheets first."""
    return await db.all(
        conn,
        Import,
        f"select {_COLUMNS} from imports where shop_id = $1"
        " order by made_at desc, import_id desc limit 20",
        shop_id,
    )


async def counts(conn: db.Connection, shop_id: int, import_id: UUID) -> Counts:
    """How far it is."""
    return await db.the_one(
        conn,
        Counts,
        "select count(*) filter (where verdict = 'new') as new,"
        " count(*) filter (where verdict = 'changed') as changed,"
        " count(*) filter (where verdict = 'unchanged') as unchanged,"
        " count(*) filter (where verdict = 'refused') as refused,"
        " count(*) filter (where state in ('written', 'done')) as written,"
        " count(*) filter (where state = 'done') as done,"
        " count(*) filter (where state = 'failed') as failed,"
        " coalesce(sum(jsonb_array_length(photo_faults)), 0)::bigint as faults"
        " from import_items where shop_id = $1 and import_id = $2",
        shop_id,
        import_id,
    )


async def items(
    conn: db.Connection,
    shop_id: int,
    import_id: UUID,
    verdict: str | None = None,
    *,
    faulty: bool = False,
    most: int = 50,
) -> list[Item]:
    """Its things in the order of the file, or those with a verdict, or those that went wrong."""
    return await db.all(
        conn,
        Item,
        f"select {_ITEM} from import_items where shop_id = $1 and import_id = $2"
        " and ($3::text is null or verdict = $3)"
        " and (not $4 or state = 'failed' or photo_faults <> '[]')"
        " order by position limit $5",
        shop_id,
        import_id,
        verdict,
        faulty,
        most,
    )


async def refuse(
    conn: db.Connection, shop_id: int, import_id: UUID, refused: Refused, at: datetime
) -> None:
    """The whole file cannot be read."""
    await db.run(
        conn,
        "update imports set status = 'refused', fault = $3, facts = $4, ended_at = $5"
        " where shop_id = $1 and import_id = $2 and status = 'reading'",
        shop_id,
        import_id,
        refused.code,
        refused.details,
        at,
    )


async def say_fault(conn: db.Connection, shop_id: int, import_id: UUID, refused: Refused) -> None:
    """Its archive of pictures cannot be read; its sheet can."""
    await db.run(
        conn,
        "update imports set fault = $3, facts = $4"
        " where shop_id = $1 and import_id = $2 and status in ('reading', 'importing')",
        shop_id,
        import_id,
        refused.code,
        refused.details,
    )


async def keep(
    conn: db.Connection,
    shop_id: int,
    import_id: UUID,
    position: int,
    found: Sequence[Verdict | Wrong],
) -> None:
    """Keep what was read from `position` on; what a reading before this one kept stays."""
    rows = [_row(position + at, each) for at, each in enumerate(found)]
    await conn.executemany(
        "insert into import_items (shop_id, import_id, position, line, handle, title, verdict,"
        " state, why, facts, thing, product_id)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
        " on conflict on constraint import_items_pkey do nothing",
        [(shop_id, import_id, *row) for row in rows],
    )


def _row(position: int, each: Verdict | Wrong) -> tuple[object, ...]:
    if isinstance(each, Wrong):
        told = (each.line, each.handle, each.title, "refused", "idle", each.code, each.details)
        return (position, *told, None, None)
    thing = each.thing
    title, handle = thing.title[:200], thing.handle[:200]
    if each.ware is None:
        told = (thing.line, handle, title, "refused", "idle", each.why, each.facts)
        return (position, *told, None, None)
    if each.kind == "unchanged":
        told = (thing.line, handle, title, each.kind, "idle", "", {})
        return (position, *told, None, each.ware.product_id)
    told = (thing.line, handle, title, each.kind, "waiting", "", {})
    return (position, *told, msgspec.to_builtins(thing), each.ware.product_id)


async def show(conn: db.Connection, shop_id: int, import_id: UUID, format: str) -> None:
    """It is read: the seller may look at it."""
    await db.run(
        conn,
        "update imports set status = 'ready', format = $3"
        " where shop_id = $1 and import_id = $2 and status = 'reading'",
        shop_id,
        import_id,
        format,
    )


async def start(conn: db.Connection, shop_id: int, import_id: UUID, at: datetime) -> bool:
    """Have it done; False when it was before. Raises Refused: import_running, import_over."""
    running = await db.value(
        conn,
        "select import_id from imports where shop_id = $1 and status = 'importing'",
        shop_id,
    )
    if running == import_id:
        return False
    if running is not None:
        raise Refused("import_running")
    begun = await db.changed(
        conn,
        "update imports set status = 'importing', begun_at = $3"
        " where shop_id = $1 and import_id = $2 and status = 'ready'",
        shop_id,
        import_id,
        at,
    )
    if not begun:
        raise Refused("import_over")
    return True


async def end(
    conn: db.Connection, shop_id: int, import_id: UUID, status: str, at: datetime
) -> bool:
    """`done`, or `cancelled` before: what was written stays. False when it had ended."""
    return await db.changed(
        conn,
        "update imports set status = $3, ended_at = $4 where shop_id = $1 and import_id = $2"
        " and (status = 'importing' or $3 = 'cancelled' and status in ('reading', 'ready'))",
        shop_id,
        import_id,
        status,
        at,
    )


async def waiting(
    conn: db.Connection, shop_id: int, import_id: UUID, state: str, most: int
) -> list[Waiting]:
    """The next things in this state, in the order of the file."""
    return await db.all(
        conn,
        Waiting,
        "select position, thing, product_id from import_items"
        " where shop_id = $1 and import_id = $2 and state = $3 order by position limit $4",
        shop_id,
        import_id,
        state,
        most,
    )


async def advance(
    conn: db.Connection,
    shop_id: int,
    import_id: UUID,
    told: Iterable[tuple[int, str, str, dict[str, str | int], Sequence[str], UUID | None]],
) -> None:
    """What became of things: position, state, why, facts, pictures to be had, product."""
    await conn.executemany(
        "update import_items set state = $4, why = $5, facts = $6,"
        " thing = jsonb_set(thing, '{photos}', $7), product_id = coalesce($8, product_id)"
        " where shop_id = $1 and import_id = $2 and position = $3",
        [(shop_id, import_id, *each[:4], list(each[4]), each[5]) for each in told],
    )


async def hung(
    conn: db.Connection,
    shop_id: int,
    import_id: UUID,
    told: Iterable[tuple[int, list[tuple[str, str]]]],
) -> None:
    """The pictures of things are done, but for those that could not be had."""
    await conn.executemany(
        "update import_items set state = 'done', photo_faults = $4"
        " where shop_id = $1 and import_id = $2 and position = $3",
        [(shop_id, import_id, position, faults) for position, faults in told],
    )


async def name_products(
    conn: db.Connection, shop_id: int, named: Iterable[tuple[str, UUID]]
) -> None:
    """By which name a sheet knows a product from now on."""
    await conn.executemany(
        "insert into product_handles (shop_id, handle, product_id) values ($1, $2, $3)"
        " on conflict do nothing",
        [(shop_id, handle, product_id) for handle, product_id in named],
    )


async def old(conn: db.Connection, before: datetime) -> list[Import]:
    """Sheets handed in before then."""
    return await db.all(
        conn,
        Import,
        f"select /* all shops: what is over is forgotten */ {_COLUMNS} from imports"
        " where made_at < $1 and status <> 'importing' order by made_at limit 100",
        before,
    )


async def forget(conn: db.Connection, shop_id: int, import_id: UUID) -> None:
    """The goods stay, what is known of the sheet goes."""
    items_gone = "delete from import_items where shop_id = $1 and import_id = $2"
    await db.run(conn, items_gone, shop_id, import_id)
    gone = "delete from imports where shop_id = $1 and import_id = $2"
    await db.run(conn, gone, shop_id, import_id)
