"""Where the platform has stopped referral commission: in a shop, or everywhere."""

from __future__ import annotations

from datetime import datetime

import msgspec

from littleshop import db
from littleshop.social.referral_terms import AFTER
from littleshop.trade import counters


class Stop(msgspec.Struct, frozen=True):
    """Since when nothing is earned in a shop (0: in any), and why, as sellers read it."""

    shop_id: int
    stopped_at: datetime
    why: str


_STOP = ", ".join(Stop.__struct_fields__)


async def current(conn: db.Connection, shop_id: int) -> Stop | None:
    """What stops a shop now: its own stop, else that of all."""
    return await db.one(
        conn,
        Stop,
        f"select {_STOP} from referral_stops where shop_id = $1 and lifted_at is null"
        f" union all select {_STOP} from referral_stops where shop_id = 0 and lifted_at is null"
        " order by shop_id desc limit 1",
        shop_id,
    )


async def standing(conn: db.Connection) -> dict[int, Stop]:
    """Every stop that stands, by its shop."""
    rows = await db.all(
        conn,
        Stop,
        f"select /* all shops: the operator's desk */ {_STOP} from referral_stops"
        " where lifted_at is null",
    )
    return {each.shop_id: each for each in rows}


async def stop(conn: db.Connection, shop_id: int, why: str, at: datetime) -> bool:
    """Nothing that is placed from now on earns sharers anything; False when it was so already."""
    if shop_id:  # the orders of all shops at once nobody can keep back
        await counters.lock(conn, shop_id)
    return await db.changed(
        conn,
        "insert into referral_stops (shop_id, stopped_at, why)"
        f" select $1, greatest($2, {AFTER}), $3"
        " where not exists (select from referral_stops where shop_id = $1 and lifted_at is null)",
        shop_id,
        at,
        why,
    )


async def lift(conn: db.Connection, shop_id: int, at: datetime) -> bool:
    """It goes on; False when nothing stopped it."""
    return await db.changed(
        conn,
        "update referral_stops set lifted_at = greatest($2, stopped_at)"
        " where shop_id = $1 and lifted_at is null",
        shop_id,
        at,
    )


async def giving(conn: db.Connection, most: int = 200) -> list[int]:
    """The shops that ever gave anything, the latest first."""
    rows = await conn.fetch(
        "select /* all shops: the operator's desk */ shop_id from ("
        "select shop_id, starts_at from referral_terms"
        " union all select shop_id, starts_at from referral_exceptions) t"
        " group by shop_id order by max(starts_at) desc limit $1",
        most,
    )
    return [row["shop_id"] for row in rows]
