"""Ways: how somebody wants to be reached about a shop, and when not to ring."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from littleshop import db


class Ways(msgspec.Struct, frozen=True):
    """Switches, the hours of the shop's day in which nothing rings, who is told in the second
    place, and the addresses that are not a phone. Without a row all is on that can be."""

    push: bool = True
    wechat: bool = True
    sms: bool = True
    email: bool = True
    quiet_from: int | None = None
    quiet_until: int | None = None
    second_person: UUID | None = None
    openid_sealed: bytes | None = None
    email_sealed: bytes | None = None
    email_ok_at: datetime | None = None

    def rings_at(self, zone: str, at: datetime) -> datetime:
        """`at`, or the end of the quiet hours that it falls into."""
        if self.quiet_from is None or self.quiet_until is None:
            return at
        local = at.astimezone(ZoneInfo(zone))
        until = datetime.combine(local.date(), time(self.quiet_until), local.tzinfo)
        if until <= local:
            until += timedelta(days=1)
        since = datetime.combine(until.date(), time(self.quiet_from), local.tzinfo)
        if since >= until:
            since -= timedelta(days=1)
        return until.astimezone(at.tzinfo) if since <= local else at


_COLUMNS = ", ".join(Ways.__struct_fields__)


async def of(conn: db.Connection, shop_id: int, person_id: UUID) -> Ways:
    """How this person wants to be reached."""
    found = await db.one(
        conn,
        Ways,
        f"select {_COLUMNS} from alert_ways where shop_id = $1 and person_id = $2",
        shop_id,
        person_id,
    )
    return found or Ways()


async def in_browsers(
    conn: db.Connection, shop_id: int, person_ids: Collection[UUID]
) -> list[UUID]:
    """Those of these people whom their browsers may tell, in the same order."""
    off = await conn.fetch(
        "select person_id from alert_ways where shop_id = $1 and person_id = any ($2) and not push",
        shop_id,
        list(person_ids),
    )
    silent = {row["person_id"] for row in off}
    return [each for each in person_ids if each not in silent]


async def keep(
    conn: db.Connection, shop_id: int, person_id: UUID, ways: Ways, at: datetime
) -> None:
    """Write all of it."""
    values = [getattr(ways, name) for name in Ways.__struct_fields__]
    holes = ", ".join(f"${place}" for place in range(3, 3 + len(values)))
    sets = ", ".join(f"{name} = excluded.{name}" for name in Ways.__struct_fields__)
    await db.run(
        conn,
        f"insert into alert_ways (shop_id, person_id, {_COLUMNS}, changed_at)"
        f" values ($1, $2, {holes}, ${3 + len(values)})"
        f" on conflict on constraint alert_ways_pkey do update set {sets},"
        " changed_at = excluded.changed_at",
        shop_id,
        person_id,
        *values,
        at,
    )


async def forget(conn: db.Connection, shop_id: int, person_id: UUID) -> None:
    """Somebody has nothing to do with the shop any more, nor we with his addresses."""
    await db.run(
        conn,
        "delete from alert_ways where shop_id = $1 and person_id = $2",
        shop_id,
        person_id,
    )
