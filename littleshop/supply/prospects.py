"""What re-sold orders will bring once their buyers have them: to who sold them, by who ships."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.money import Money

OPEN = timedelta(days=180)  # no order is on its way longer


class Prospect(msgspec.Struct, frozen=True):
    """An order that is paid and not received: `minor` of it is the margin after our fee, of what
    has not gone back; `due_at`: when it is at the latest, None before it is shipped, which
    `sent` says."""

    other_shop_id: int
    order_id: UUID
    currency: str
    minor: int
    due_at: datetime | None
    sent: bool

    @property
    def amount(self) -> Money:
        return Money(self.minor, self.currency)


_PROSPECT = """
       o.order_id, o.currency, resale_due(r.margin_minor, o.total_minor,
         o.total_minor - o.refunded_minor,
         fee_of(o.total_minor - o.refunded_minor, coalesce(f.rate_bps, o.commission_bps),
                coalesce(f.fixed_minor, 0), coalesce(f.lowest_minor, 0), f.highest_minor)) as minor,
       t.due_at, o.status <> 'to_ship' as sent"""
_FACTS = """
  left join order_fees f on f.shop_id = o.shop_id and f.order_id = o.order_id
  left join timers t on t.shop_id = o.shop_id and t.subject = o.order_id
   and t.kind = 'confirm_by' and t.paused_at is null"""
_OPEN = "o.status in ('to_ship', 'shipped', 'delivered')"


async def coming(conn: db.Connection, shop_id: int, at: datetime) -> list[Prospect]:
    """What this shop sold that others ship, by the shop that ships it."""
    return await db.all(
        conn,
        Prospect,
        f"select /* all shops: its orders' own */ r.from_shop_id as other_shop_id, {_PROSPECT}"
        "  from resold_orders r"
        "  join orders o on o.shop_id = r.from_shop_id and o.order_id = r.order_id"
        f" {_FACTS} where r.shop_id = $1 and r.placed_at > $2 and {_OPEN} order by r.placed_at",
        shop_id,
        at - OPEN,
    )


async def going(conn: db.Connection, shop_id: int) -> list[Prospect]:
    """What others sold that this shop ships, by the shop that sold it."""
    return await db.all(
        conn,
        Prospect,
        f"select r.sold_by_shop_id as other_shop_id, {_PROSPECT} from orders o"
        "  join resales r on r.shop_id = o.shop_id and r.order_id = o.order_id"
        f" {_FACTS} where o.shop_id = $1 and o.kind = 'resale' and {_OPEN} order by o.number",
        shop_id,
    )


def total(found: Iterable[Prospect], currency: str) -> Money:
    """The margins in all."""
    return sum((each.amount for each in found), Money(0, currency))
