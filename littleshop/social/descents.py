"""Who brought whom: a share that came of another share, a shop that came of either.

A share comes of what its maker had himself come by when he made it. Nobody comes of himself: where
the maker, on the same device or signed in, stands among those before him, it comes of nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db

DEEPEST = 64  # how far up a line is followed


class Descent(msgspec.Struct, frozen=True):
    """A share and the code it came of."""

    code: str
    parent_code: str


class BroughtShop(msgspec.Struct, frozen=True):
    """A shop that was brought: the share or entrance, and whose share it was."""

    brought_shop_id: int
    code: str | None
    device: bytes | None
    person_id: UUID | None
    product_id: UUID | None
    opened_at: datetime


_LINE = f"""
with recursive line as (
  select $2::text as code, 1 as depth
  union
  select d.parent_code, line.depth + 1
    from line join share_descents d on d.shop_id = $1 and d.code = line.code
   where line.depth < {DEEPEST})"""


async def note(
    conn: db.Connection, shop_id: int, codes: Sequence[str], parent_code: str, at: datetime
) -> None:
    """The shares with these codes, made at `at`, came of `parent_code`: a share or an entrance of
    this shop. Older ones, and those of somebody who stands among those before, stay as they are."""
    await db.run(
        conn,
        f"""{_LINE}
        insert into share_descents (shop_id, code, parent_code, at)
        select $1, h.code, $2, $4 from shares h
         where h.shop_id = $1 and h.code = any ($3) and h.created_at = $4
           and not h.code = any (select code from line)
           and (exists (select from shares p where p.shop_id = $1 and p.code = $2)
                or exists (select from entrances e where e.shop_id = $1 and e.code = $2))
           and not exists (select from line join shares p on p.shop_id = $1 and p.code = line.code
                            where p.device = h.device or p.person_id = h.person_id)
        on conflict on constraint share_descents_pkey do nothing""",
        shop_id,
        parent_code,
        list(codes),
        at,
    )


async def begins_with(
    conn: db.Connection,
    shop_id: int,
    code: str,
    device: bytes | None,
    phone_index: bytes,
    person_id: UUID | None,
) -> bool:
    """Whether this buyer made a share that `code` came of: his own order would come back to him.
    He is known by his device, by the phone he orders with and, signed in, as `person_id`."""
    return bool(
        await db.value(
            conn,
            f"""{_LINE}
            select exists (
              select from line join shares h on h.shop_id = $1 and h.code = line.code
               where h.device = $3
                  or h.person_id in (select person_id from people where phone_index = $4)
                  or h.person_id = $5
                  or exists (select from sharers x
                              where x.shop_id = $1 and x.device = h.device
                                and (x.person_id = $5 or x.person_id in (
                                       select person_id from people where phone_index = $4)))
                  or exists (select from orders o join order_devices d
                                  on d.shop_id = o.shop_id and d.order_id = o.order_id
                              where o.shop_id = $1 and o.phone_index = $4
                                and d.device = h.device))""",
            shop_id,
            code,
            device,
            phone_index,
            person_id,
        )
    )


async def of_shop(conn: db.Connection, shop_id: int, *, most: int) -> list[Descent]:
    """What came of what, the newest first."""
    return await db.all(
        conn,
        Descent,
        "select code, parent_code from share_descents where shop_id = $1"
        " order by at desc, code limit $2",
        shop_id,
        most,
    )


async def bring(
    conn: db.Connection,
    shop_id: int,
    brought_shop_id: int,
    *,
    owner_id: UUID,
    code: str | None,
    product_id: UUID | None,
    at: datetime,
) -> None:
    """A shop was opened by `owner_id`, who had come from this one. Repeated, it changes nothing.

    Whoever works here brings nobody by opening another; whoever made the share is not brought by
    it; a code that is neither a share's nor an entrance's of this shop is none.
    """
    await db.run(
        conn,
        """
        insert into brought_shops
          (shop_id, brought_shop_id, code, device, person_id, product_id, opened_at)
        select $1, $2, coalesce(h.code, e.code), h.device, h.person_id, $5, $6
          from (select 1) as one
          left join shares h on h.shop_id = $1 and h.code = $3 and h.person_id is distinct from $4
          left join entrances e on e.shop_id = $1 and e.code = $3
         where not exists (select from staff s where s.shop_id = $1 and s.person_id = $4)
        on conflict on constraint brought_shops_pkey do nothing""",
        shop_id,
        brought_shop_id,
        code,
        owner_id,
        product_id,
        at,
    )


async def brought_shops(
    conn: db.Connection, shop_id: int, since: datetime, *, most: int
) -> list[BroughtShop]:
    """The shops that came of this one, the newest first."""
    return await db.all(
        conn,
        BroughtShop,
        f"select {', '.join(BroughtShop.__struct_fields__)} from brought_shops"
        " where shop_id = $1 and opened_at >= $2 order by opened_at desc, brought_shop_id limit $3",
        shop_id,
        since,
        most,
    )
