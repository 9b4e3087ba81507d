"""Ticking: what happens when nobody acts. Each kind of timer names the flow that it starts."""

from __future__ import annotations

import logging
from datetime import datetime
from functools import partial
from uuid import UUID

from littleshop import db, jobs
from littleshop.sale import (
    alerting,
    gifting,
    inviting,
    parcelling,
    pausing,
    paying,
    recalling,
    receiving,
    returning,
    sending_back,
    teaming,
    telling,
    tracking,
)
from littleshop.trade import cases, order_events, orders, timers
from littleshop.trade.timers import Timer

RETRY = "timers.retry"
_log = logging.getLogger(__name__)


async def tick(conn: db.Connection, timer: Timer, at: datetime) -> bool:
    """Claim one due timer and act on it in the same transaction; False when it was gone."""
    if timer.kind == inviting.LAPSE:  # of an invitation, not of an order
        return await inviting.lapse(conn, timer, at)
    if timer.kind == teaming.LAPSE:
        return await teaming.close(conn, timer, at)
    if timer.kind == alerting.CLIMB:
        return await alerting.climb(conn, timer, at)
    if timer.kind == tracking.LOOK:  # of a parcel
        return await tracking.look(conn, timer, at)
    order = await orders.lock(conn, timer.shop_id, timer.subject)
    if not await timers.claim(conn, timer, at):
        return False
    shop_id, order_id = timer.shop_id, timer.subject
    match timer.kind:
        case "pay_by":
            await paying.expire(conn, shop_id, order_id, at)
        case "hold_by":
            if await paying.let_go(conn, shop_id, order_id, at):
                await recalling.end(shop_id, order_id, at, conn)
        case "form_by":
            await teaming.lapse(conn, order, at)
        case "claim_by":
            await gifting.lapse(conn, order, at)
        case "ship_by":
            # from here on the buyer may cancel alone: both are told, nothing moves yet
            await order_events.tell(conn, shop_id, order_id, "ship_late", by="clock", at=at)
            await telling.seller(conn, order, "ship_late", at)
        case "ship_at_last":
            await parcelling.call_off(
                conn, shop_id, order_id, by="clock", reason="never_shipped", at=at
            )
        case "confirm_soon":
            due = {clock.kind: clock.due_at for clock in await timers.of(conn, shop_id, order_id)}
            await telling.buyer(
                conn, order, "auto_confirm_soon", at, when=due.get("confirm_by", at)
            )
        case "confirm_by":
            await receiving.receive(conn, shop_id, order_id, by="clock", at=at)
        case "close":
            await receiving.close(conn, shop_id, order_id, at)
        case kind if kind in pausing.CASE_CLOCKS:
            await _tick_case(conn, timer, at)
        case _:
            raise AssertionError(f"no flow for timer {timer.kind}")
    return True


async def _tick_case(conn: db.Connection, timer: Timer, at: datetime) -> None:
    case = await cases.open_of(conn, timer.shop_id, timer.subject)
    assert case is not None, timer
    match timer.kind:
        case "case_answer":
            await returning.agree(conn, case.shop_id, case.case_id, by="clock", at=at)
        case "case_take_back":
            await sending_back.take_back(
                conn, case.shop_id, case.case_id, by="clock", to_shelf=False, at=at
            )
        case "case_replace":
            await sending_back.not_replaced(conn, case, at)
        case "case_send_back" | "case_escalate":
            await returning.withdraw(conn, case.shop_id, case.case_id, by="clock", at=at)


async def sweep(database: db.Database, at: datetime, most: int = 200) -> int:
    """Act on what is due, a transaction each; how many there were.

    Acting twice on one timer is impossible (it is claimed), losing one too (it is claimed in the
    transaction that acts). One that cannot be acted on is parked for a job of its own, which is
    held and seen, so that it never keeps the timers of other orders and shops waiting.
    """
    async with database.connection() as conn:
        waiting = await timers.due(conn, at, most)
    for timer in waiting:
        try:
            await database.transaction(partial(_tick, timer, at))
        except db.Unavailable:
            raise
        except Exception:
            _log.exception("timer parked", extra={"kind": timer.kind, "shop": timer.shop_id})
            await database.transaction(partial(_park, timer, at))
    return len(waiting)


async def retry(
    database: db.Database, shop_id: int, subject: UUID, kind: str, at: datetime
) -> None:
    """Act on a timer that was parked. Raises what went wrong again."""
    async with database.connection() as conn:
        parked = [timer for timer in await timers.of(conn, shop_id, subject) if timer.kind == kind]
    for timer in parked:
        await database.transaction(partial(_tick, timer, at))


async def _tick(timer: Timer, at: datetime, conn: db.Connection) -> bool:
    return await tick(conn, timer, at)


async def _park(timer: Timer, at: datetime, conn: db.Connection) -> None:
    if await timers.park(conn, timer, at):
        await jobs.defer(
            conn,
            RETRY,
            at=at,
            shop_id=timer.shop_id,
            subject=str(timer.subject),
            kind=timer.kind,
        )
