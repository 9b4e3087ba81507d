"""Debts: which shops owe another, or the platform that lent it something, how much and since when.

Two shops that owe one another owe the difference. A debt is as old as the day from which on it was
never nothing.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from littleshop import db
from littleshop.money import Money


class Debt(msgspec.Struct, frozen=True):
    """What a shop owes another; `to_shop_id` 0 is the platform."""

    shop_id: int
    to_shop_id: int
    currency: str
    minor: int
    since: datetime

    @property
    def amount(self) -> Money:
        return Money(self.minor, self.currency)


_LISTED = """
    select /* all shops: what they owe one another */
           d.shop_id, d.to_shop_id, d.currency, d.minor, s.since
      from (select shop_id, currency, case account when 'due_to_shop' then 0
                     else split_part(account, ':', 2)::bigint end as to_shop_id,
                   sum(credits_minor - debits_minor)::bigint as minor
              from accounts
             where shop_id <> 0 and ($1::bigint is null or shop_id = $1)
               and (account like 'due_to_shop%' or account like 'due_from_shop:%')
             group by 1, 2, 3) n
     cross join lateral (select n.*, case n.to_shop_id when 0 then 'due_to_shop'
                                     else 'due_to_shop:' || n.to_shop_id end as account) d
     cross join lateral (
        select min(r.booked_at) as since
          from (select m.*, max(case when m.running <= 0 then m.place end) over () as even
                  from (select j.booked_at, row_number() over w as place,
                               sum(case t.credit when d.account then t.amount_minor
                                                 else -t.amount_minor end) over w as running
                          from transfers t
                          join journals j
                            on j.shop_id = t.shop_id and j.journal_id = t.journal_id
                         where t.shop_id = d.shop_id and t.currency = d.currency
                           and d.account in (t.debit, t.credit)
                        window w as (order by j.booked_at, j.journal_id, t.position)) m) r
         where r.place > coalesce(r.even, 0)) s
     where d.minor > 0
     order by s.since, d.shop_id, d.to_shop_id limit $2"""


async def listed(conn: db.Connection, shop_id: int | None = None, most: int = 200) -> list[Debt]:
    """What shops owe, or one of them; the oldest first."""
    return await db.all(conn, Debt, _LISTED, shop_id, most)
