"""Former: what was released while somebody else kept the shop is his, and is paid to his card.

A handover writes down what stood in the balance. The runs after it pay that first, to the card it
names; what came back from there is owed again. Neither the wait for the new owner's papers nor
the 48 hours after her card keep it back; what an operator or a "not me" stopped is stopped for all.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.money import Money
from littleshop.risk import holds


class Share(msgspec.Struct, frozen=True):
    """What is still owed to who kept the shop before, and the card it goes to."""

    handover_id: UUID
    card_id: UUID
    from_person: UUID
    minor: int

    def of(self, amount: Money) -> Money:
        """So much of an amount as is his."""
        return Money(min(amount.minor, self.minor), amount.currency)

    def less(self, amount: Money) -> Share:
        """What is owed once this is paid."""
        return msgspec.structs.replace(self, minor=self.minor - amount.minor)


_OWED = """
    select h.handover_id, h.card_id, h.from_person, (h.owed_minor - coalesce((
             select sum(case when p.asked_at < h.ended_at then 0 else p.amount_minor end)
                    - sum(case when p.back_at >= h.ended_at then p.amount_minor else 0 end)
               from payouts p where p.shop_id = $1 and p.card_id = h.card_id), 0))::bigint as minor
      from handovers h
     where h.shop_id = $1 and h.status = 'done' and h.card_id is not null"""


async def share(conn: db.Connection, shop_id: int) -> Share | None:
    """What a run pays before anything else, of the handover that was first; mostly None."""
    return await db.one(
        conn,
        Share,
        f"select * from ({_OWED}) as owed where minor > 0 order by handover_id limit 1",
        shop_id,
    )


async def owing(conn: db.Connection, shop_id: int) -> int:
    """What of a shop's balance is still owed to all who kept it before, in minor units."""
    return int(
        await db.value(
            conn,
            f"select coalesce(sum(minor), 0) from ({_OWED}) as owed where minor > 0",
            shop_id,
        )
    )


async def keeper_of(conn: db.Connection, shop_id: int, card_id: UUID) -> UUID | None:
    """Whose card it was, when the shop has gone to another person since."""
    found: UUID | None = await db.value(
        conn,
        "select from_person from handovers"
        " where shop_id = $1 and card_id = $2 and status = 'done' limit 1",
        shop_id,
        card_id,
    )
    return found


async def stopped(conn: db.Connection, shop_id: int, at: datetime) -> bool:
    """Whether nobody is paid out of this shop until an operator has looked."""
    hold = await holds.current(conn, shop_id, at)
    return hold is not None and hold.until_at is None
