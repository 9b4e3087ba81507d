"""Telling of a handover: who has an order open hears that somebody else keeps the shop now
(docs/decisions/0053-leaving-a-shop.md), once, however many orders he has there.

The takeover defers the job. It tells a handful in each transaction and keeps beside the handover
how far it came: killed anywhere it goes on there, and nobody is told twice. An order that another
shop sold is left out, since its buyer knows only that one; who bought here what another shop ships
is told by a job in that one, in other words: who ships, and whom he turns to, stays.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from littleshop import db, jobs
from littleshop.sale import telling, telling_news
from littleshop.shop import handovers, shops
from littleshop.trade import orders

HANDFUL = 100
RUNNING = (
    "waiting", "invited", "placed", "collecting", "claiming", "forming", "to_ship", "shipped",
    "delivered",
)  # fmt: skip
TELL_ELSEWHERE = "handovers.tell_buyer_elsewhere"


class Open(msgspec.Struct, frozen=True):
    """A buyer, and his newest order that is open, in the shop that ships it; one of this shop's own
    before what others ship."""

    phone_index: bytes
    shop_id: int
    order_id: UUID


async def tell(conn: db.Connection, shop_id: int, handover_id: UUID, at: datetime) -> int:
    """Tell the next handful, by day where the shop is; how many they are, 0 when all know."""
    told = await handovers.lock_told(conn, shop_id, handover_id)
    if told is None:
        return 0
    found = await _next(conn, shop_id, told.since, told.up_to)
    if not found:
        return 0
    shop = await shops.get(conn, shop_id)
    for each in found:
        if each.shop_id != shop_id:
            await jobs.defer(
                conn, TELL_ELSEWHERE, at=at, key=f"{handover_id}/{each.order_id}",
                shop_id=each.shop_id, order_id=str(each.order_id), handover_id=str(handover_id),
            )  # fmt: skip
            continue
        order = await orders.get(conn, shop_id, each.order_id)
        assert order is not None, each.order_id
        await telling.buyer(
            conn, order, "shop_has_new_owner", at,
            occasion=str(handover_id), after=until_day(shop.zone, at),
        )  # fmt: skip
    await handovers.tell_up_to(conn, shop_id, handover_id, found[-1].phone_index)
    return len(found)


async def tell_elsewhere(
    conn: db.Connection, shop_id: int, order_id: UUID, handover_id: UUID, at: datetime
) -> None:
    """The same to the buyer of an order that this shop ships and the other one sold; again is
    harmless."""
    order, shop = await orders.get(conn, shop_id, order_id), await shops.get(conn, shop_id)
    assert order is not None, order_id
    await telling.buyer(
        conn, order, "bought_in_has_new_owner", at,
        occasion=str(handover_id), after=until_day(shop.zone, at), by=shop.name,
    )  # fmt: skip


async def _next(
    conn: db.Connection, shop_id: int, since: datetime, beyond: bytes | None
) -> list[Open]:
    """Buyers who ordered from the one before and for whom something is still to come: an order
    that runs, or a request about one that was received. Of its own it reads no other."""
    return await db.all(
        conn,
        Open,
        """
        select /* all shops: what it sold and others ship */ distinct on (o.phone_index)
               o.phone_index, o.shop_id, o.order_id
          from (select * from orders
                 where shop_id = $1 and kind <> 'resale' and placed_at <= $2 and status = any ($5)
                 union all
                select told.* from cases c
                  join orders told on told.shop_id = c.shop_id and told.order_id = c.order_id
                 where c.shop_id = $1 and c.ended_at is null
                   and told.kind <> 'resale' and told.placed_at <= $2 and told.status = 'received'
                 union all
                select told.* from resold_orders r
                  join orders told on told.shop_id = r.from_shop_id and told.order_id = r.order_id
                 where r.shop_id = $1 and r.placed_at <= $2
                   and (told.status = any ($5) or told.status = 'received'
                        and exists (select from cases c where c.shop_id = told.shop_id
                                      and c.order_id = told.order_id and c.ended_at is null))) as o
         where $3::bytea is null or o.phone_index > $3
         order by o.phone_index, o.shop_id = $1 desc, o.placed_at desc, o.number desc
         limit $4""",
        shop_id,
        since,
        beyond,
        HANDFUL,
        list(RUNNING),
    )


def until_day(zone: str, at: datetime) -> timedelta:
    """How long until phones may ring where the shop is; nothing by day."""
    if telling_news.by_day(zone, at):
        return timedelta()
    local = at.astimezone(ZoneInfo(zone))
    day = local.date() + timedelta(days=local.time() >= telling_news.LATEST)
    return datetime.combine(day, telling_news.EARLIEST, local.tzinfo) - local


def tasks() -> dict[str, jobs.Task]:
    """The job of this flow."""

    async def run(context: jobs.Context, *, shop_id: int, handover_id: str) -> None:
        handful = partial(tell, shop_id=shop_id, handover_id=UUID(handover_id), at=context.at)
        while await context.database.transaction(handful):
            pass

    async def run_elsewhere(
        context: jobs.Context, *, shop_id: int, order_id: str, handover_id: str
    ) -> None:
        await context.database.transaction(
            lambda conn: tell_elsewhere(
                conn, shop_id, UUID(order_id), UUID(handover_id), context.at
            )
        )

    half_an_hour = timedelta(minutes=30)
    return {
        handovers.TELL_BUYERS: jobs.Task(run, attempts=40, longest_wait=half_an_hour),
        TELL_ELSEWHERE: jobs.Task(run_elsewhere, attempts=40, longest_wait=half_an_hour),
    }
