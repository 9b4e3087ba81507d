"""Arbitrating: what buyer and seller cannot settle, an operator decides with what both showed."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from littleshop import db
from littleshop.errors import Refused
from littleshop.money import Money
from littleshop.sale import pausing, refunding, returning, telling
from littleshop.trade import cases, timers
from littleshop.trade.cases import Case


async def escalate(
    conn: db.Connection, shop_id: int, case_id: UUID, *, words: str, at: datetime
) -> Case:
    """The buyer does not take the seller's no. Raises Refused: case_moved, case_words."""
    order, case = await returning.lock(conn, shop_id, case_id)
    moved = await cases.move(conn, case, "disputed", left=("refused",), stamp="escalated_at", at=at)
    if moved is None:
        raise Refused("case_moved")
    await returning.add_words(conn, moved, "escalated", by="buyer", words=words, at=at)
    await timers.cancel(conn, shop_id, order.order_id, *pausing.CASE_CLOCKS)
    await telling.seller(conn, order, "case_escalated", at, occasion=str(case.number))
    return moved


async def decide(
    conn: db.Connection,
    shop_id: int,
    case_id: UUID,
    *,
    back: Money,
    words: str,
    operator: UUID,
    at: datetime,
) -> Case:
    """An operator's last word: so much goes back (zero: the seller was right).

    Two operators may press at once: one decision stands. Raises Refused: case_moved, case_words,
    refund_too_large(left=).
    """
    order, case = await returning.lock(conn, shop_id, case_id)
    if case.status != "disputed":
        raise Refused("case_moved")
    if not words.strip():
        raise Refused("case_words")
    if back.minor > (left := await refunding.left_of(conn, order)).minor:
        raise Refused("refund_too_large", left=left)
    await returning.add_words(conn, case, "decided", by="operator", words=words, at=at)
    if back:
        decided = await returning.give_back(
            conn, order, case, back, left=("disputed",), stamp="", decided_by=operator, at=at
        )
    else:
        decided = await returning.reject(conn, order, case, operator, at)
    await telling.seller(conn, order, "case_decided", at, occasion=str(case.number))
    await telling.buyer(conn, order, "case_decided", at, occasion=str(case.number))
    return decided
