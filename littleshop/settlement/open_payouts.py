"""Open payouts: what is promised and not gone, summed and counted for a run and its rails."""

from __future__ import annotations

from uuid import UUID

from littleshop import db
from littleshop.settlement.payouts import BANK


async def waiting(conn: db.Connection, shop_id: int) -> dict[str, int]:
    """The sums, minor units, of a shop's payouts that its accounts have still to bear, by rail:
    what waits for its rail's money, and at the bank what the statement does not show gone."""
    rows = await conn.fetch(
        "select rail, sum(amount_minor)::bigint as minor from payouts where shop_id = $1"
        " and (status = 'asked' or rail = $2 and status in ('funded', 'sent')) group by rail",
        shop_id,
        BANK,
    )
    return {row["rail"]: row["minor"] for row in rows}


async def shops_before_leaving(conn: db.Connection, run_ids: list[UUID]) -> list[int]:
    """The shops with a payout in these runs that no rail has been handed yet."""
    rows = await conn.fetch(
        "select /* all shops: whose money may leave next */ distinct shop_id from payouts"
        " where run_id = any ($1) and status in ('asked', 'funded') order by shop_id",
        run_ids,
    )
    return [row["shop_id"] for row in rows]


async def open_over_others(
    conn: db.Connection, run_ids: list[UUID], rails: list[str]
) -> dict[str, int]:
    """How many payouts of these runs are under way over rails that are not among `rails`."""
    rows = await conn.fetch(
        "select /* all shops: the rails are everybody's */ rail, count(*) as count from payouts"
        " where run_id = any ($1) and status in ('asked', 'funded', 'sent')"
        "   and rail <> all ($2) group by rail",
        run_ids,
        rails,
    )
    return {row["rail"]: row["count"] for row in rows}
