"""Sharer shops: what a shop knows of those that its sharers share for, so that paying an order
looks at no other shop.

It is written when somebody says for which shop he shares, and looked at again every few minutes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

import msgspec

from littleshop import db


class SharerShop(msgspec.Struct, frozen=True):
    """A shop as those know it whose sharers share for it; `earns`: it is open, and nobody stopped
    its payouts."""

    earner_shop_id: int
    owner_id: UUID
    currency: str
    earns: bool
    crew: list[UUID]
    crew_phones: list[bytes]


class _Known(SharerShop, frozen=True):
    shop_id: int


_FACTS = ", ".join(SharerShop.__struct_fields__)


async def look(conn: db.Connection, shop_ids: Sequence[int], at: datetime) -> list[SharerShop]:
    """These shops as they are."""
    return await db.all(
        conn,
        SharerShop,
        "select /* all shops: sharers have shops of their own */ e.shop_id as earner_shop_id,"
        " t.person_id as owner_id, e.currency, e.status = 'open' and not exists ("
        "   select from payout_holds h where h.shop_id = e.shop_id and h.kind <> 'card_changed'"
        "      and h.lifted_at is null and (h.until_at is null or h.until_at > $2)) as earns,"
        " array(select c.person_id from staff c where c.shop_id = e.shop_id order by 1) as crew,"
        " array(select p.phone_index from staff c join people p on p.person_id = c.person_id"
        "        where c.shop_id = e.shop_id order by 1) as crew_phones"
        "  from shops e join staff t on t.shop_id = e.shop_id and t.role = 'owner'"
        " where e.shop_id = any ($1) order by e.shop_id",
        list(shop_ids),
        at,
    )


async def carry(conn: db.Connection, shop_id: int, known: SharerShop, at: datetime) -> None:
    """Write into a shop what it knows of another, unless it was looked at later than that."""
    await db.run(
        conn,
        f"insert into sharer_shops (shop_id, {_FACTS}, looked_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8)"
        " on conflict on constraint sharer_shops_pkey do update set owner_id = excluded.owner_id,"
        " currency = excluded.currency, earns = excluded.earns, crew = excluded.crew,"
        " crew_phones = excluded.crew_phones, looked_at = excluded.looked_at"
        " where sharer_shops.looked_at <= excluded.looked_at",
        shop_id,
        *[getattr(known, name) for name in SharerShop.__struct_fields__],
        at,
    )


async def look_again(database: db.Database, at: datetime, *, page: int = 500) -> int:
    """Carry over whatever has changed in the shops that sharers share for, a page of rows at a
    time; how many rows that was. May be repeated."""
    moved, last = 0, (0, 0)
    while True:
        async with database.connection() as conn:
            rows = await _page(conn, last, page)
            found = await look(conn, list({each.earner_shop_id for each in rows}), at)
        if not rows:
            return moved
        now = {each.earner_shop_id: each for each in found}
        for row in rows:
            before = SharerShop(*(getattr(row, name) for name in SharerShop.__struct_fields__))
            after = now.get(row.earner_shop_id) or msgspec.structs.replace(before, earns=False)
            if after != before:
                put_right = partial(_put_right, shop_id=row.shop_id, now=after, at=at)
                moved += await database.transaction(put_right)
            last = (row.shop_id, row.earner_shop_id)


async def _page(conn: db.Connection, after: tuple[int, int], most: int) -> list[_Known]:
    return await db.all(
        conn,
        _Known,
        f"select /* all shops: a sweep */ {_FACTS}, shop_id from sharer_shops"
        " where (shop_id, earner_shop_id) > ($1, $2) order by shop_id, earner_shop_id limit $3",
        *after,
        most,
    )


async def _put_right(conn: db.Connection, shop_id: int, now: SharerShop, at: datetime) -> bool:
    """Write what was found into a row that is there still, and was not looked at since."""
    return await db.changed(
        conn,
        "update sharer_shops set owner_id = $3, currency = $4, earns = $5, crew = $6,"
        " crew_phones = $7, looked_at = $8"
        " where shop_id = $1 and earner_shop_id = $2 and looked_at <= $8",
        shop_id,
        *[getattr(now, name) for name in SharerShop.__struct_fields__],
        at,
    )


async def forget(conn: db.Connection) -> None:
    """Forget the shops for which nobody shares any more."""
    await db.run(
        conn,
        "delete from sharer_shops k /* all shops: the worker's sweep */"
        " where not exists (select from sharers s where s.shop_id = k.shop_id"
        "                      and s.earner_shop_id = k.earner_shop_id)",
    )
