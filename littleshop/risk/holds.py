"""Holds: why nothing is paid out to a shop for a while. What is owed stays in its balance."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from littleshop import db, ids

Kind = Literal["card_changed", "not_me", "operator"]


class Hold(msgspec.Struct, frozen=True):
    """Payouts wait from `from_at` until `until_at`, or until `lifted_by` lifts it when that is
    None. `reason` is for the operator; the seller is told by the kind."""

    shop_id: int
    hold_id: UUID
    kind: Kind
    reason: str
    from_at: datetime
    until_at: datetime | None
    lifted_at: datetime | None
    lifted_by: UUID | None


def objected(hold: Hold | None) -> Literal["open", "stopped", "over"]:
    """What a "not me" led to: nobody said it; payouts are stopped; an operator has looked."""
    if hold is None:
        return "open"
    return "stopped" if hold.lifted_at is None else "over"


_COLUMNS = ", ".join(Hold.__struct_fields__)


async def place(
    conn: db.Connection,
    shop_id: int,
    cause: UUID,
    kind: Kind,
    *,
    reason: str,
    at: datetime,
    until_at: datetime | None = None,
) -> bool:
    """Hold a shop's payouts; False when this cause did so before, whatever became of it.

    `cause` is the id of what it is about, so that a repeat finds itself.
    """
    placed = await db.run(
        conn,
        "insert into payout_holds (shop_id, hold_id, kind, reason, from_at, until_at)"
        " values ($1, $2, $3, $4, $5, $6) on conflict on constraint payout_holds_pkey do nothing",
        shop_id,
        identity(cause, kind),
        kind,
        reason,
        at,
        until_at,
    )
    return placed == 1


def identity(cause: UUID, kind: Kind) -> UUID:
    """The id of the hold that this cause brings about."""
    return ids.derived(cause, kind)


async def current(conn: db.Connection, shop_id: int, at: datetime) -> Hold | None:
    """The hold that keeps this shop's payouts back at `at`, of several the one that ends last."""
    return await db.one(
        conn,
        Hold,
        f"select {_COLUMNS} from payout_holds where shop_id = $1 and lifted_at is null"
        " and (until_at is null or until_at > $2) order by until_at desc nulls first limit 1",
        shop_id,
        at,
    )


async def stopped(conn: db.Connection) -> set[int]:
    """The shops of which somebody said that the money goes to the wrong card, and those that an
    operator holds."""
    rows = await conn.fetch(
        "select distinct /* all shops: the run asks for all that it pays */ shop_id"
        "  from payout_holds where kind in ('not_me', 'operator') and lifted_at is null"
    )
    return {row["shop_id"] for row in rows}


async def get(conn: db.Connection, shop_id: int, hold_id: UUID) -> Hold | None:
    """A hold of this shop, lifted or not."""
    return await db.one(
        conn,
        Hold,
        f"select {_COLUMNS} from payout_holds where shop_id = $1 and hold_id = $2",
        shop_id,
        hold_id,
    )


async def of_shop(conn: db.Connection, shop_id: int, most: int = 10) -> list[Hold]:
    """A shop's holds, the latest first."""
    return await db.all(
        conn,
        Hold,
        f"select {_COLUMNS} from payout_holds where shop_id = $1 order by from_at desc limit $2",
        shop_id,
        most,
    )


async def in_force(conn: db.Connection, at: datetime, most: int = 100) -> list[Hold]:
    """What keeps payouts of any shop back at `at`: first what nobody but an operator ends."""
    return await db.all(
        conn,
        Hold,
        f"select /* all shops: the operator's desk */ {_COLUMNS} from payout_holds"
        " where lifted_at is null and (until_at is null or until_at > $1)"
        " order by until_at nulls first, from_at limit $2",
        at,
        most,
    )


async def lift(conn: db.Connection, shop_id: int, hold_id: UUID, *, by: UUID, at: datetime) -> bool:
    """Let payouts go on, as far as no other hold keeps them; False when it was lifted before."""
    lifted = await db.run(
        conn,
        "update payout_holds set lifted_at = $3, lifted_by = $4"
        " where shop_id = $1 and hold_id = $2 and lifted_at is null",
        shop_id,
        hold_id,
        at,
        by,
    )
    return lifted == 1
