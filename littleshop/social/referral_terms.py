"""What sharers earn in a shop: rates for who shared a thing, and for who had brought him.

Nothing is ever changed: a row holds for the orders placed from its moment on, until the next one.
Never more for bringing sharers than for selling, and 30 percent at most for both: the database says
so too.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.errors import Refused
from littleshop.money import Money
from littleshop.trade import counters

MOST_BPS = 3000  # both levels together; rails that split payments give others no more


class Rates(msgspec.Struct, frozen=True):
    """Basis points of the goods' price: for the sharer, and for who brought him."""

    first_bps: int = 0
    second_bps: int = 0

    def __bool__(self) -> bool:
        return bool(self.first_bps)

    @property
    def both_bps(self) -> int:
        return self.first_bps + self.second_bps

    def of(self, level: int) -> int:
        """The rate of a level, 1 or 2."""
        return self.first_bps if level == 1 else self.second_bps


class LineRates(msgspec.Struct, frozen=True):
    """What a line of an order was sold for, minor units, and the rates of its thing."""

    position: int
    minor: int
    first_bps: int
    second_bps: int

    @property
    def rates(self) -> Rates:
        return Rates(self.first_bps, self.second_bps)


class _Row(msgspec.Struct, frozen=True):
    first_bps: int | None
    second_bps: int | None

    @property
    def rates(self) -> Rates | None:
        if self.first_bps is None or self.second_bps is None:
            return None
        return Rates(self.first_bps, self.second_bps)


class _OfProduct(msgspec.Struct, frozen=True):
    product_id: UUID
    first_bps: int
    second_bps: int


NOTHING = Rates()
# A row begins after the one before it and after every order of its shop (1), of whom none is placed
# meanwhile: clocks may stand apart and a form may be sent slowly, and what was agreed for an order
# must look the same ever after.
AFTER = "(select max(o.placed_at) + interval '1 microsecond' from orders o where o.shop_id = $1)"


def check(rates: Rates) -> None:
    """Raises Refused: referral_below_zero, referral_capped(most=), referral_second(most=)."""
    if rates.first_bps < 0 or rates.second_bps < 0:
        raise Refused("referral_below_zero")
    if rates.second_bps > rates.first_bps:
        raise Refused("referral_second")
    if rates.both_bps > MOST_BPS:
        raise Refused("referral_capped", most=MOST_BPS // 100)


def lost(price: Money, cost: Money | None, rates: Rates) -> Money | None:
    """By how much a thing is sold below its cost at these rates; None when it is not, or when its
    cost is not known."""
    if cost is None:
        return None
    left = Money(price.minor - price.minor * rates.both_bps // 10_000, price.currency)
    return cost - left if left < cost else None


async def of_shop(conn: db.Connection, shop_id: int) -> Rates:
    """What holds for a shop's things now."""
    row = await db.one(
        conn,
        _Row,
        "select first_bps, second_bps from referral_terms where shop_id = $1"
        " order by starts_at desc limit 1",
        shop_id,
    )
    return (row.rates if row else None) or NOTHING


async def exceptions(
    conn: db.Connection, shop_id: int, only: Sequence[UUID] | None = None
) -> dict[UUID, Rates]:
    """The things with rates of their own, all or among `only`."""
    rows = await db.all(
        conn,
        _OfProduct,
        "select product_id, first_bps, second_bps from ("
        "select distinct on (product_id) product_id, first_bps, second_bps"
        "  from referral_exceptions"
        " where shop_id = $1 and ($2::uuid[] is null or product_id = any ($2))"
        " order by product_id, starts_at desc) e where first_bps is not null",
        shop_id,
        None if only is None else list(only),
    )
    return {row.product_id: Rates(row.first_bps, row.second_bps) for row in rows}


async def of_product(conn: db.Connection, shop_id: int, product_id: UUID) -> Rates:
    """What holds for a thing now: its own rates, else the shop's."""
    own = await exceptions(conn, shop_id, [product_id])
    return own[product_id] if product_id in own else await of_shop(conn, shop_id)


async def highest(conn: db.Connection, shop_id: int) -> Rates:
    """The best that a sharer can earn in a shop now."""
    every = [await of_shop(conn, shop_id), *(await exceptions(conn, shop_id)).values()]
    return max(every, key=lambda rates: rates.first_bps)


async def agree(
    conn: db.Connection,
    shop_id: int,
    rates: Rates | None,
    *,
    seen: Rates | None,
    product_id: UUID | None = None,
    by: UUID,
    at: datetime,
) -> bool:
    """These rates hold from now on, for a shop or one of its things (None: as the shop's); False
    when they did. `seen` is what stood on the page.

    Raises Refused: form_moved when somebody else changed it meanwhile, and as `check`.
    """
    if rates is not None:
        check(rates)
    await counters.lock(conn, shop_id)
    own = None
    if product_id is None:
        own = await of_shop(conn, shop_id)
    else:
        own = (await exceptions(conn, shop_id, [product_id])).get(product_id)
    if own == rates:
        return False
    if own != seen:
        raise Refused("form_moved")
    await _write(conn, shop_id, product_id, rates, by, at)
    return True


async def _write(
    conn: db.Connection,
    shop_id: int,
    product_id: UUID | None,
    rates: Rates | None,
    by: UUID,
    at: datetime,
) -> None:
    first, second = (None, None) if rates is None else (rates.first_bps, rates.second_bps)
    told = (at, by, first, second)
    if product_id is None:
        await db.run(
            conn,
            "insert into referral_terms (shop_id, starts_at, set_by, first_bps, second_bps)"
            f" select $1, greatest($2, max(starts_at) + interval '1 microsecond', {AFTER}),"
            " $3, $4, $5 from referral_terms where shop_id = $1",
            shop_id,
            *told,
        )
    else:
        await db.run(
            conn,
            "insert into referral_exceptions"
            " (shop_id, product_id, starts_at, set_by, first_bps, second_bps)"
            f" select $1, $6, greatest($2, max(starts_at) + interval '1 microsecond', {AFTER}),"
            " $3, $4, $5 from referral_exceptions where shop_id = $1 and product_id = $6",
            shop_id,
            *told,
            product_id,
        )


async def of_order(
    conn: db.Connection, shop_id: int, order_id: UUID, placed_at: datetime
) -> list[LineRates]:
    """The lines of an order with what held for each when it was placed."""
    return await db.all(
        conn,
        LineRates,
        "select i.position, i.unit_minor * i.quantity - i.discount_minor as minor,"
        "       coalesce(x.first_bps, t.first_bps, 0) as first_bps,"
        "       coalesce(x.second_bps, t.second_bps, 0) as second_bps"
        "  from order_items i"
        "  left join lateral (select first_bps, second_bps from referral_terms"
        "     where shop_id = $1 and starts_at <= $3 order by starts_at desc limit 1) t on true"
        "  left join lateral (select first_bps, second_bps from referral_exceptions"
        "     where shop_id = $1 and product_id = i.product_id and starts_at <= $3"
        "     order by starts_at desc limit 1) x on true"
        " where i.shop_id = $1 and i.order_id = $2 order by i.position",
        shop_id,
        order_id,
        placed_at,
    )
