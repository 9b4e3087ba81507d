"""Alerts: what somebody in a shop should see, how far it has climbed, and whether it was seen.

Several rows of a shop are locked by whoever has its turn (`take_turn`) and by nobody else.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from littleshop import db, ids

KEPT = timedelta(days=90)  # seen or not; longer than anything climbs or is told twice
_NAMES = UUID("5b0c3f0e-7f57-4a1e-9b86-0a8f1f1f8f35")


class Alert(msgspec.Struct, frozen=True):
    """`rung` is the next channel to try; `facts` fill the text `about`."""

    shop_id: int
    alert_id: UUID
    about: str
    subject: str
    facts: dict[str, str | int | dict[str, str | int]]
    raised_at: datetime
    rung: int
    told_by: str | None
    told_at: datetime | None
    seen_at: datetime | None


_COLUMNS = ", ".join(Alert.__struct_fields__)


def identity(shop_id: int, about: str, subject: str, occasion: str) -> UUID:
    """The same thing told twice is one alert."""
    return ids.derived(_NAMES, f"{shop_id}:{about}:{subject}:{occasion}")


async def note(
    conn: db.Connection,
    shop_id: int,
    alert_id: UUID,
    about: str,
    subject: str,
    facts: Mapping[str, object],
    at: datetime,
) -> Alert | None:
    """Write one down; None when it was."""
    return await db.one(
        conn,
        Alert,
        "insert into alerts (shop_id, alert_id, about, subject, facts, raised_at)"
        " values ($1, $2, $3, $4, $5, $6) on conflict on constraint alerts_pkey do nothing"
        f" returning {_COLUMNS}",
        shop_id,
        alert_id,
        about,
        subject,
        dict(facts),
        at,
    )


async def take_turn(conn: db.Connection, shop_id: int, at: datetime) -> None:
    """From here to the end of the transaction nobody else rings this shop's phones, nor sees."""
    await db.run(
        conn,
        "insert into alert_turns (shop_id, taken_at) values ($1, $2)"
        " on conflict on constraint alert_turns_pkey do update set taken_at = excluded.taken_at",
        shop_id,
        at,
    )


async def lock(conn: db.Connection, shop_id: int, alert_id: UUID) -> Alert | None:
    """One alert, which nobody else moves until we commit."""
    return await db.one(
        conn,
        Alert,
        f"select {_COLUMNS} from alerts where shop_id = $1 and alert_id = $2 for update",
        shop_id,
        alert_id,
    )


async def behind(conn: db.Connection, alert: Alert, rung: int) -> list[Alert]:
    """What else of the same kind nobody has seen and that comes to this rung or is before it."""
    return await db.all(
        conn,
        Alert,
        f"select {_COLUMNS} from alerts where shop_id = $1 and about = $2 and seen_at is null"
        " and rung <= $3 and alert_id <> $4 order by raised_at, alert_id for update",
        alert.shop_id,
        alert.about,
        rung,
        alert.alert_id,
    )


async def climb(
    conn: db.Connection,
    shop_id: int,
    which: Collection[UUID],
    told_by: str,
    rung: int,
    at: datetime,
) -> None:
    """They were told by this channel; `rung` is tried next."""
    await db.run(
        conn,
        "update alerts set told_by = $3, told_at = $4, rung = $5"
        " where shop_id = $1 and alert_id = any ($2)",
        shop_id,
        list(which),
        told_by,
        at,
        rung,
    )


async def last_told(conn: db.Connection, shop_id: int, channel: str) -> datetime | None:
    """When this shop was last told anything by a channel."""
    at: datetime | None = await db.value(
        conn,
        "select max(told_at) from alerts where shop_id = $1 and told_by = $2"
        " and told_at is not null",
        shop_id,
        channel,
    )
    return at


async def unseen(conn: db.Connection, shop_id: int) -> bool:
    """Whether anything waits to be seen: asked by pages before they write."""
    found = await db.value(
        conn, "select 1 from alerts where shop_id = $1 and seen_at is null limit 1", shop_id
    )
    return found is not None


async def see(
    conn: db.Connection, shop_id: int, subject: str | None, person_id: UUID | None, at: datetime
) -> list[UUID]:
    """Somebody has seen what is about a subject, or all of it (None); which they were."""
    rows = await conn.fetch(
        "update alerts set seen_at = $3, seen_by = $4 where shop_id = $1 and seen_at is null"
        " and raised_at <= $3 and ($2::text is null or subject = $2) returning alert_id",
        shop_id,
        subject,
        at,
        person_id,
    )
    return [row["alert_id"] for row in rows]


async def sweep(conn: db.Connection, before: datetime) -> int:
    """Forget what was raised before this moment; returns how many."""
    return await db.run(
        conn, "delete /* all shops: what is old */ from alerts where raised_at < $1", before
    )
