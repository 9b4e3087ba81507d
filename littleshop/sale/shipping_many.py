"""Shipping many: the rows of a filled-in table, judged before anything is shipped, then one by one.

Each order is shipped in a transaction of its own and guarded by its state, so the same table again
ships nothing twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from littleshop import db
from littleshop.errors import Refused
from littleshop.sale import parcelling, shipping
from littleshop.trade import deliveries, order_lists, orders
from littleshop.trade.deliveries import Holder
from littleshop.trade.order_lists import ToJudge


class Row(msgspec.Struct, frozen=True):
    """A row of a table: `line` as the file counts; `number` as read, None when it is no number;
    `carrier` a code; `fault` why it cannot be read."""

    line: int
    number: int | None
    carrier: str
    tracking: str
    fault: str = ""


class Verdict(msgspec.Struct, frozen=True):
    """What becomes of a row: good, skipped (nothing is to be done) or bad; `why` names a sentence,
    `other` the order it speaks of."""

    row: Row
    state: str
    why: str = ""
    other: int = 0


_GONE = frozenset({"shipped", "delivered", "received", "closed"})


async def judge(conn: db.Connection, shop_id: int, rows: Sequence[Row]) -> list[Verdict]:
    """What would become of each row, the rows above it done; the orders and what is in parcels of
    these numbers are read at once."""
    readable = [row for row in rows if not row.fault and row.number is not None]
    numbers = [row.number for row in readable if row.number is not None]
    named = {each.number: each for each in await order_lists.to_judge(conn, shop_id, numbers)}
    held: dict[str, list[Holder]] = {}
    for each in await deliveries.holders(conn, shop_id, [row.tracking for row in readable]):
        held.setdefault(each.tracking, []).append(each)
    seen: dict[int, Row] = {}
    taken: dict[str, tuple[int, bytes]] = {}
    return [_of(row, named, held, seen, taken) for row in rows]


def _of(
    row: Row,
    named: Mapping[int, ToJudge],
    held: Mapping[str, list[Holder]],
    seen: dict[int, Row],
    taken: dict[str, tuple[int, bytes]],
) -> Verdict:
    if row.fault:
        return Verdict(row, "skipped" if row.fault == "empty" else "bad", row.fault)
    assert row.number is not None, row.line
    order = named.get(row.number)
    if order is None:
        return Verdict(row, "bad", "not_yours")
    before = seen.setdefault(row.number, row)
    if before is not row:
        again = before.tracking == row.tracking
        return Verdict(row, "skipped" if again else "bad", "twice", before.line)
    if order.status in _GONE:
        return Verdict(row, "skipped", "shipped")
    if order.status != "to_ship" or order.way != "courier":
        return Verdict(row, "bad", "not_to_ship")
    if order.undecided:
        return Verdict(row, "bad", "case_open")
    beside = held.get(row.tracking, [])
    try:
        parcelling.check_holders(order, beside, together=True)
    except Refused as refused:
        other = refused.details.get("number", 0)
        return Verdict(row, "bad", refused.code, other if isinstance(other, int) else 0)
    first, buyer = taken.setdefault(row.tracking, (row.number, order.phone_index))
    if buyer != order.phone_index:
        return Verdict(row, "bad", "number_of_another", first)
    other_order = first if first != row.number else beside[0].number if beside else 0
    return Verdict(row, "good", "together" if other_order else "", other_order)


async def ship(database: db.Database, shop_id: int, row: Row, at: datetime) -> Verdict:
    """Ship the order of a good row, all that is left of it."""

    async def work(conn: db.Connection) -> Verdict:
        [verdict] = await judge(conn, shop_id, [row])
        if verdict.state != "good" or row.number is None:
            return verdict
        order = await orders.by_number(conn, shop_id, row.number)
        assert order is not None, row.number
        await shipping.ship(
            conn,
            shop_id,
            order.order_id,
            carrier=row.carrier,
            number=row.tracking,
            at=at,
            together=True,
        )
        return verdict

    try:
        return await database.transaction(work)
    except Refused as refused:
        return Verdict(row, "bad", refused.code)
