"""Who did what when in a shop, for its owner: the table only grows."""

from __future__ import annotations

import uuid
from datetime import datetime

import msgspec

from littleshop import db, ids
from littleshop.db import Connection

PAGE = 30


class Act(msgspec.Struct, frozen=True):
    """Something a person did; `facts` fill the sentence "staff.act.<kind>"."""

    act_id: uuid.UUID
    person_id: uuid.UUID
    kind: str
    subject: str
    facts: dict[str, str | int]
    done_at: datetime


_COLUMNS = ", ".join(Act.__struct_fields__)


async def note(
    conn: Connection,
    shop_id: int,
    person_id: uuid.UUID,
    kind: str,
    *,
    at: datetime,
    subject: str = "",
    once: uuid.UUID | None = None,
    **facts: str | int,
) -> None:
    """Write down what a person did, in the transaction in which it is done; with `once`, the id of
    what was made, a second press of the same form writes nothing."""
    await db.run(
        conn,
        f"insert into shop_acts (shop_id, {_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7)"
        " on conflict on constraint shop_acts_pkey do nothing",
        shop_id,
        ids.uuid7(at) if once is None else ids.derived(once, kind),
        person_id,
        kind,
        subject,
        facts,
        at,
    )


async def page(conn: Connection, shop_id: int, beyond: uuid.UUID | None = None) -> list[Act]:
    """The newest acts first, PAGE and one more; `beyond` is the last one of the page before."""
    return await db.all(
        conn,
        Act,
        f"select {_COLUMNS} from shop_acts where shop_id = $1 and ($2::uuid is null or"
        " (done_at, act_id) < (select done_at, act_id from shop_acts"
        " where shop_id = $1 and act_id = $2))"
        f" order by done_at desc, act_id desc limit {PAGE + 1}",
        shop_id,
        beyond,
    )


async def was_removed(conn: Connection, shop_id: int, person_id: uuid.UUID) -> bool:
    """Whether somebody who does not work here once did."""
    found = await db.value(
        conn,
        "select 1 from shop_acts where shop_id = $1 and kind in ('staff_removed', 'handed_over')"
        " and subject = $2"
        " limit 1",
        shop_id,
        str(person_id),
    )
    return found is not None
