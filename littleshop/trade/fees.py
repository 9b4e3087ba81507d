"""Fees: what the platform takes of a sale, by schedules, and what was agreed for each order.

A schedule is the platform's (for every shop without one of its own) or a shop's, and never
changes; a later one holds for the orders placed from its moment on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.money import Money
from littleshop.trade import orders
from littleshop.trade.orders import Order

EVERY_RAIL = ""  # the rate of every rail without one of its own


class Rate(msgspec.Struct, frozen=True):
    """`bps` of what is released, plus a fixed part per order, within bounds (None: no upper one);
    minor units."""

    bps: int = 0
    fixed_minor: int = 0
    lowest_minor: int = 0
    highest_minor: int | None = None

    def of(self, released: Money) -> Money:
        """Our part of what is released of an order, never more than that; nothing of nothing."""
        fee = released.bps(self.bps).minor + self.fixed_minor
        if self.highest_minor is not None:
            fee = min(fee, self.highest_minor)
        return Money(min(max(fee, self.lowest_minor), released.minor), released.currency)

    def between(self, less: Money, more: Money) -> Money:
        """Our part of what is released beyond `less`: such parts sum to the whole fee."""
        return self.of(more) - self.of(less)


class Schedule(msgspec.Struct, frozen=True):
    """A named schedule; with `follows_platform` its shop has none of its own from then on."""

    schedule_id: UUID
    of_shop_id: int
    name: str
    currency: str
    follows_platform: bool
    starts_at: datetime
    set_at: datetime
    set_by: UUID | None


class _RateRow(msgspec.Struct, frozen=True):
    schedule_id: UUID
    gateway: str
    rate_bps: int
    fixed_minor: int
    lowest_minor: int
    highest_minor: int | None

    @property
    def rate(self) -> Rate:
        return Rate(self.rate_bps, self.fixed_minor, self.lowest_minor, self.highest_minor)


_SCHEDULE = ", ".join(Schedule.__struct_fields__)
_RATE = ", ".join(_RateRow.__struct_fields__)


async def of_order(conn: db.Connection, order: Order) -> Rate:
    """What was agreed for an order; the plain commission when nothing else was."""
    row = await db.one(
        conn,
        _RateRow,
        f"select {_RATE} from order_fees where shop_id = $1 and order_id = $2",
        order.shop_id,
        order.order_id,
    )
    return row.rate if row else Rate(order.commission_bps)


async def paid_over(
    conn: db.Connection, order: Order, gateway: str, most: Money | None = None
) -> None:
    """An order was paid over this rail: of what was agreed, the rail's own rate holds, if any, and
    no fee is above `most`, which an institution that holds the payment gives us of it."""
    shop_id, order_id = order.shop_id, order.order_id
    await db.run(
        conn,
        "update order_fees o set gateway = r.gateway, rate_bps = r.rate_bps,"
        " fixed_minor = r.fixed_minor, lowest_minor = r.lowest_minor,"
        " highest_minor = r.highest_minor from fee_rates r where o.shop_id = $1"
        " and o.order_id = $2 and r.schedule_id = o.schedule_id and r.gateway = $3",
        shop_id,
        order_id,
        gateway,
    )
    if most is not None:
        await _at_most(conn, order, most)


async def _at_most(conn: db.Connection, order: Order, most: Money) -> None:
    """Cap what was agreed where the fee of the whole order is above it; less never is then."""
    await db.run(
        conn,
        "update order_fees set lowest_minor = least(lowest_minor, $3), highest_minor = $3"
        " where shop_id = $1 and order_id = $2"
        " and fee_of($4, rate_bps, fixed_minor, lowest_minor, highest_minor) > $3",
        order.shop_id,
        order.order_id,
        most.minor,
        order.total.minor,
    )
    if order.total:
        await orders.cap_commission(conn, order, most.minor * 10_000 // order.total.minor)


async def agree(conn: db.Connection, schedule: Schedule, rates: Mapping[str, Rate]) -> bool:
    """Write a schedule down with its rates by rail; False when it was written before."""
    new = await db.run(
        conn,
        f"insert into fee_schedules ({_SCHEDULE}) values ($1, $2, $3, $4, $5, $6, $7, $8)"
        " on conflict on constraint fee_schedules_pkey do nothing",
        *[getattr(schedule, name) for name in Schedule.__struct_fields__],
    )
    if not new:
        return False
    assert schedule.follows_platform or EVERY_RAIL in rates, rates
    for gateway, rate in rates.items():
        await db.run(
            conn,
            f"insert into fee_rates ({_RATE}) values ($1, $2, $3, $4, $5, $6)",
            schedule.schedule_id,
            gateway,
            *[getattr(rate, name) for name in Rate.__struct_fields__],
        )
    return True


async def in_force(
    conn: db.Connection, shop_id: int, currency: str, at: datetime
) -> Schedule | None:
    """The schedule that an order placed at that moment would get."""
    return await db.one(
        conn,
        Schedule,
        f"select {_SCHEDULE} from fee_schedules where schedule_id ="
        " (select f.schedule_id from fees_agreed($1, $2, $3) f)",
        shop_id,
        currency,
        at,
    )


async def of_shop(
    conn: db.Connection, of_shop_id: int, currency: str | None = None
) -> list[Schedule]:
    """The schedules set for a shop (or the platform: 0), the latest first."""
    return await db.all(
        conn,
        Schedule,
        f"select {_SCHEDULE} from fee_schedules where of_shop_id = $1"
        " and ($2::text is null or currency = $2) order by starts_at desc, set_at desc limit 50",
        of_shop_id,
        currency,
    )


async def next_moment(
    conn: db.Connection, shop_id: int, currency: str, at: datetime
) -> datetime | None:
    """When something else begins to hold for this shop, as far as it is set today."""
    moment = await db.value(
        conn,
        "select min(starts_at) from fee_schedules where of_shop_id in (0, $1) and currency = $2"
        " and starts_at > $3",
        shop_id,
        currency,
        at,
    )
    assert moment is None or isinstance(moment, datetime)
    return moment


async def rates(conn: db.Connection, schedule_ids: Sequence[UUID]) -> dict[UUID, dict[str, Rate]]:
    """The rates of these schedules by rail, that of every other rail first."""
    rows = await db.all(
        conn,
        _RateRow,
        f"select {_RATE} from fee_rates where schedule_id = any ($1) order by schedule_id, gateway",
        list(schedule_ids),
    )
    told: dict[UUID, dict[str, Rate]] = {each: {} for each in schedule_ids}
    for row in rows:
        told[row.schedule_id][row.gateway] = row.rate
    return told
