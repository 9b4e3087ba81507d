"""Terms: what was agreed with a shop beyond its commission."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from littleshop import db
from littleshop.money import Money
from littleshop.shop import shops

A_MOMENT = timedelta(seconds=5)  # a page that somebody has just read may be that old


class Terms(msgspec.Struct, frozen=True):
    """`direct_since`: its money is payable when buyers pay (direct settlement), a privilege that
    buyers see before paying. `reserve_bps` of each payout is kept back for `reserve_days`;
    `retained_minor` is never paid out."""

    direct_since: datetime | None = None
    direct_why: str = ""
    reserve_bps: int = 0
    reserve_days: int = 0
    retained_minor: int = 0

    @property
    def reserve_for(self) -> timedelta:
        return timedelta(days=self.reserve_days)

    def retained(self, currency: str) -> Money:
        return Money(self.retained_minor, currency)


_COLUMNS = ", ".join(Terms.__struct_fields__)


async def get(conn: db.Connection, shop_id: int) -> Terms:
    """A shop's terms; the plain ones while nothing was agreed."""
    known = await db.one(
        conn, Terms, f"select {_COLUMNS} from shop_terms where shop_id = $1", shop_id
    )
    return known or Terms()


async def agree(conn: db.Connection, shop_id: int, terms: Terms, at: datetime) -> None:
    """Put other terms in place of a shop's; its pages say so from now on."""
    await db.run(
        conn,
        "insert into shop_terms (shop_id, direct_since, direct_why, reserve_bps, reserve_days,"
        " retained_minor, changed_at) values ($1, $2, $3, $4, $5, $6, $7)"
        " on conflict on constraint shop_terms_pkey do update set"
        " direct_since = excluded.direct_since, direct_why = excluded.direct_why,"
        " reserve_bps = excluded.reserve_bps, reserve_days = excluded.reserve_days,"
        " retained_minor = excluded.retained_minor, changed_at = excluded.changed_at",
        shop_id,
        *[getattr(terms, name) for name in Terms.__struct_fields__],
        at,
    )
    await shops.say_direct(conn, shop_id, terms.direct_since is not None)


async def is_direct(conn: db.Connection, shop_id: int, placed_at: datetime) -> bool:
    """Whether an order placed at that moment is settled directly: it was said to the buyer then,
    and the privilege stands."""
    since = (await get(conn, shop_id)).direct_since
    return since is not None and since + A_MOMENT <= placed_at
