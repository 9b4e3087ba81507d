"""Made of: the lines that a figure of the money page is the sum of, whichever was pressed."""

from __future__ import annotations

from datetime import datetime

import msgspec

from littleshop import db
from littleshop.ledger import chart
from littleshop.money import Money
from littleshop.shop import terms
from littleshop.shop.shops import Shop

MOST = 200  # lines of a page; what is left is one more line


class Component(msgspec.Struct, frozen=True):
    """A part of a figure: `kind` held, going_back, loan, repaid, released, margin (of what another
    shop ships), referral (for what a share brought another shop), rest; `number` is the order's,
    `count` how many are in one line."""

    kind: str
    amount: Money
    number: int | None = None
    at: datetime | None = None
    count: int = 1


class Kept(msgspec.Struct, frozen=True):
    """What stays in the balance: a sum that always does, and `bps` of what was released in the
    last days; `parts` are those releases."""

    retained: Money
    reserve: Money
    bps: int
    days: int
    parts: tuple[Component, ...]


class _Row(msgspec.Struct, frozen=True):
    kind: str
    number: int | None
    minor: int
    at: datetime | None
    whole: int
    everything: int


async def held(conn: db.Connection, shop: Shop) -> list[Component]:
    """The orders whose money is held, the latest first."""
    rows = await db.all(
        conn,
        _Row,
        "select case when status in ('refunded', 'received', 'closed') then 'going_back'"
        "            else 'held' end as kind, number, held_minor as minor, paid_at as at,"
        " (count(*) over ())::integer as whole,"
        " (sum(held_minor) over ())::bigint as everything"
        "  from orders where shop_id = $1 and held_minor > 0 order by number desc limit $2",
        shop.shop_id,
        MOST,
    )
    return _parts(rows, shop.currency)


async def owed(conn: db.Connection, shop: Shop) -> list[Component]:
    """What the platform lent and what was repaid, the latest first."""
    rows = await db.all(
        conn,
        _Row,
        "select kind, number, minor, at, (count(*) over ())::integer as whole,"
        " (sum(minor) over ())::bigint as everything from ("
        "select case when t.credit = $2 then 'loan' else 'repaid' end as kind, o.number,"
        " case when t.credit = $2 then t.amount_minor else -t.amount_minor end as minor,"
        " j.booked_at as at, j.journal_id"
        "  from journals j"
        "  join transfers t on t.shop_id = j.shop_id and t.journal_id = j.journal_id"
        "  left join orders o on o.shop_id = j.shop_id and o.order_id = j.order_id"
        " where j.shop_id = $1 and $2 in (t.credit, t.debit) and t.currency = $3) l"
        " order by at desc, journal_id desc limit $4",
        shop.shop_id,
        chart.DUE_TO_SHOP,
        shop.currency,
        MOST,
    )
    return _parts(rows, shop.currency)


async def kept(conn: db.Connection, shop: Shop, at: datetime) -> Kept:
    """What the shop's terms keep in its balance, and of what."""
    agreed = await terms.get(conn, shop.shop_id)
    parts: list[Component] = []
    if agreed.reserve_bps and agreed.reserve_days:
        rows = await _released(conn, shop, at - agreed.reserve_for)
        parts = _parts(rows, shop.currency)
    released = Money(max(sum(each.amount.minor for each in parts), 0), shop.currency)
    return Kept(
        agreed.retained(shop.currency),
        released.bps(agreed.reserve_bps),
        agreed.reserve_bps,
        agreed.reserve_days,
        tuple(parts),
    )


async def _released(conn: db.Connection, shop: Shop, since: datetime) -> list[_Row]:
    return await db.all(
        conn,
        _Row,
        "select case when source in ('referral', 'referral_back') then 'referral'"
        "            when number is null then 'margin' else 'released' end as kind,"
        " number, minor, at, (count(*) over ())::integer as whole,"
        " (sum(minor) over ())::bigint as everything from ("
        "select o.number, j.booked_at as at, j.journal_id, j.kind as source,"
        " sum(case $2 when t.credit then t.amount_minor"
        "             when t.debit then -t.amount_minor end)::bigint as minor"
        "  from journals j"
        "  join transfers t on t.shop_id = j.shop_id and t.journal_id = j.journal_id"
        "  left join orders o on o.shop_id = j.shop_id and o.order_id = j.order_id"
        " where j.shop_id = $1 and j.booked_at > $4 and t.currency = $3"
        "   and $2 in (t.credit, t.debit)"
        "   and j.kind in ('received', 'clawed_back', 'margin', 'margin_back',"
        "                  'referral', 'referral_back')"
        " group by o.number, j.booked_at, j.journal_id, j.kind) l"
        " order by at desc, journal_id desc limit $5",
        shop.shop_id,
        chart.PAYABLE,
        shop.currency,
        since,
        MOST,
    )


def _parts(rows: list[_Row], currency: str) -> list[Component]:
    """The rows, and in one line what did not fit."""
    parts = [Component(row.kind, Money(row.minor, currency), row.number, row.at) for row in rows]
    if rows and rows[0].whole > len(rows):
        left = rows[0].everything - sum(row.minor for row in rows)
        parts.append(Component("rest", Money(left, currency), count=rows[0].whole - len(rows)))
    return parts
