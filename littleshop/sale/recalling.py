"""Recalling: a seller took a letter back. Whoever is at the till may still pay, for as long as his
pieces are kept; an order that another was asked to pay, and that nobody is paying, ends with it.

`inviting.cancel` shuts the claim and leaves the orders to a job, since who pays locks his order
before the claim. One that was being paid and was not ends when its half hour is over.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from littleshop import db, jobs
from littleshop.sale import paying, taking_up, telling
from littleshop.sale.taking_up import LETTER_BACK, RECALL
from littleshop.trade import order_events, orders


async def end(shop_id: int, order_id: UUID, at: datetime, conn: db.Connection) -> bool:
    """End an order that waits, when its letter was taken back, and tell who asked; False when
    somebody pays it just now, or it was ended before."""
    order = await orders.lock(conn, shop_id, order_id)
    letter = await taking_up.of_invited(conn, order)
    if letter is None or letter.status != "cancelled":
        return False
    ended = await paying.end(conn, shop_id, order_id, LETTER_BACK, at)
    assert ended is not None, order_id
    await order_events.tell(conn, shop_id, order_id, LETTER_BACK, by="seller", at=at)
    await telling.buyer(conn, ended, LETTER_BACK, at)
    await paying.close_attempts(conn, shop_id, order_id, at)
    return True


def tasks() -> dict[str, jobs.Task]:
    """The job of this flow."""

    async def recall(context: jobs.Context, *, shop_id: int, order_id: str) -> None:
        await context.database.transaction(partial(end, shop_id, UUID(order_id), context.at))

    return {RECALL: jobs.Task(recall, attempts=40, longest_wait=timedelta(minutes=30))}
