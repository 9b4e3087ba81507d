"""Orders in lists: by state, by number, by phone; how many wait; what happened last.

Names and addresses are sealed row by row: they are found through blind indexes (order_words.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.crypto import Keyring
from littleshop.money import Money
from littleshop.trade.orders import Delivery

STATES = {
    "to_ship": ("to_ship",),
    "placed": ("placed", "invited"),  # whoever is to pay may do so now
    "waiting": ("waiting",),  # for a rail
    "gathering": ("collecting", "claiming", "forming"),  # friends, a recipient or a team is missing
    "shipped": ("shipped", "delivered"),
    "done": ("received", "closed"),
    "ended": ("cancelled", "refunded"),
}
PAGE = 30
_RECENT = 200  # orders that "just now" looks through


class OrderRow(msgspec.Struct, frozen=True):
    """An order in a list with its first thing; `ship_by` is None once that clock has struck."""

    order_id: UUID
    number: int
    status: str
    way: str
    delivery_sealed: bytes
    note: str
    currency: str
    total_minor: int
    placed_at: datetime
    paid_at: datetime | None
    shipped_at: datetime | None
    reminded_at: datetime | None
    title: str
    photo: str
    pieces: int
    ship_by: datetime | None
    ship_at_last: datetime | None  # when it ends by itself

    @property
    def total(self) -> Money:
        return Money(self.total_minor, self.currency)

    def delivery(self, keyring: Keyring) -> Delivery:
        return msgspec.json.decode(keyring.open(self.delivery_sealed), type=Delivery)


_ROW = """
    select o.order_id, o.number, o.status, o.way, o.delivery_sealed, o.note, o.currency,
           o.total_minor,
           o.placed_at, o.paid_at, o.shipped_at, o.reminded_at, i.title, i.photo, i.pieces,
           t.due_at as ship_by, z.due_at as ship_at_last
      from orders o
      join lateral (select (array_agg(title order by position))[1] as title,
                           (array_agg(photo order by position))[1] as photo,
                           sum(quantity)::integer as pieces
                      from order_items where shop_id = $1 and order_id = o.order_id) i on true
      left join timers t on t.shop_id = $1 and t.subject = o.order_id and t.kind = 'ship_by'
      left join timers z on z.shop_id = $1 and z.subject = o.order_id
       and z.kind = 'ship_at_last'
     where o.shop_id = $1"""


async def of_state(
    conn: db.Connection, shop_id: int, state: str, *, beyond: int | None = None, most: int = PAGE
) -> list[OrderRow]:
    """Orders of a list: those to ship late ones first and then oldest first, all others newest
    first.

    `state` is a key of STATES or "all"; `beyond` is the number of the last row of the page before.
    Each state is read off its own end of an index, so a page costs the same in any shop.
    """
    if state == "to_ship":
        return await of_numbers(conn, shop_id, await _to_ship(conn, shop_id, beyond, most))
    past, turn = "<", "desc"
    among = [f"and status = '{each}'" for each in STATES.get(state, ())] or [""]
    past = "" if beyond is None else f"and number {past} {int(beyond)}"
    page = " union all ".join(
        f"(select number from orders where shop_id = $1 {each} {past}"
        f" order by number {turn} limit $2)"
        for each in among
    )
    found = f"select number from ({page}) as found order by number {turn} limit $2"
    rows = await conn.fetch(found, shop_id, most)
    return await of_numbers(conn, shop_id, [row["number"] for row in rows])


async def _to_ship(conn: db.Connection, shop_id: int, beyond: int | None, most: int) -> list[int]:
    """The numbers of a page of what is to ship: what is late (as `duties` counts it), the rest."""
    rows = await conn.fetch(
        "select o.number from orders o left join timers t on t.shop_id = $1"
        "   and t.subject = o.order_id and t.kind = 'ship_by'"
        " where o.shop_id = $1 and o.status = 'to_ship' and o.way <> 'pickup' and t.due_at is null"
        " order by o.number",
        shop_id,
    )
    late = [int(row["number"]) for row in rows]
    if beyond is None or beyond in late:
        page, beyond = [each for each in late if each > (beyond or 0)][:most], 0
    else:
        page = []
    rows = await conn.fetch(
        "select number from orders where shop_id = $1 and status = 'to_ship' and number > $2"
        " and number <> all ($3::bigint[]) order by number limit $4",
        shop_id,
        beyond,
        late,
        most - len(page),
    )
    return page + [int(row["number"]) for row in rows]


async def of_numbers(conn: db.Connection, shop_id: int, numbers: Sequence[int]) -> list[OrderRow]:
    """The orders of these numbers that there are, in the order of the numbers."""
    found = await db.all(
        conn, OrderRow, f"{_ROW} and o.number = any ($2::bigint[])", shop_id, list(numbers)
    )
    place = {number: at for at, number in enumerate(numbers)}
    return sorted(found, key=lambda row: place[row.number])


async def numbers_of(conn: db.Connection, shop_id: int, order_ids: Sequence[UUID]) -> list[int]:
    """The numbers of these orders."""
    rows = await conn.fetch(
        "select number from orders where shop_id = $1 and order_id = any ($2)",
        shop_id,
        list(order_ids),
    )
    return [row["number"] for row in rows]


async def with_things(
    conn: db.Connection, shop_id: int, product_ids: Sequence[UUID], most: int = PAGE
) -> list[int]:
    """The numbers of the last orders in which one of these things is."""
    rows = await conn.fetch(
        "select distinct o.number from unnest($2::uuid[]) as p(product_id)"
        " cross join lateral (select order_id from order_items"
        "   where shop_id = $1 and product_id = p.product_id order by order_id desc limit $3) i"
        "  join orders o on o.shop_id = $1 and o.order_id = i.order_id"
        " order by o.number desc limit $3",
        shop_id,
        list(product_ids),
        most,
    )
    return [row["number"] for row in rows]


async def counted(conn: db.Connection, shop_id: int, state: str, most: int = 1000) -> int:
    """How many orders a list has; `most` stands for so many or more."""
    return int(
        await db.value(
            conn,
            "select count(*) from (select from orders where shop_id = $1 and status = any ($2)"
            " limit $3) as found",
            shop_id,
            list(STATES[state]),
            most,
        )
    )


async def by_number(conn: db.Connection, shop_id: int, number: int) -> list[OrderRow]:
    """The order of this number as a list of one, or of none."""
    return await db.all(conn, OrderRow, f"{_ROW} and o.number = $2", shop_id, number)


class ToJudge(msgspec.Struct, frozen=True):
    """What of an order says whether a row of a table may ship it; `undecided`: its buyer has asked
    for something of which nobody knows yet what it will cost."""

    order_id: UUID
    number: int
    status: str
    way: str
    kind: str
    phone_index: bytes
    undecided: bool


async def to_judge(conn: db.Connection, shop_id: int, numbers: Sequence[int]) -> list[ToJudge]:
    """The orders of these numbers that there are."""
    return await db.all(
        conn,
        ToJudge,
        "select o.order_id, o.number, o.status, o.way, o.kind, o.phone_index,"
        "       exists (select from cases c where c.shop_id = $1 and c.order_id = o.order_id"
        "                and c.ended_at is null and c.status <> 'refunding') as undecided"
        "  from orders o where o.shop_id = $1 and o.number = any ($2::bigint[])",
        shop_id,
        list(numbers),
    )


async def by_phone(
    conn: db.Connection, shop_id: int, phone_index: bytes, most: int = PAGE
) -> list[OrderRow]:
    """Orders of a phone, newest first."""
    return await db.all(
        conn,
        OrderRow,
        f"{_ROW} and o.phone_index = $2 order by o.placed_at desc limit $3",
        shop_id,
        phone_index,
        most,
    )


async def shipped_since(
    conn: db.Connection, shop_id: int, since: datetime, most: int = 3
) -> list[OrderRow]:
    """What a courier has got since then, the latest first."""
    return await db.all(
        conn,
        OrderRow,
        f"{_ROW} and o.status = 'shipped' and o.way = 'courier' and o.shipped_at > $2"
        " order by o.shipped_at desc limit $3",
        shop_id,
        since,
        most,
    )


async def next_to_ship(conn: db.Connection, shop_id: int, after: int) -> int | None:
    """The number of the order to ship after this one, the oldest other one else."""
    number = await db.value(
        conn,
        "select number from orders where shop_id = $1 and status = 'to_ship' and number <> $2"
        " and way = 'courier' order by number < $2, number limit 1",
        shop_id,
        after,
    )
    return None if number is None else int(number)


class Duties(msgspec.Struct, frozen=True):
    """What waits in a shop, counted."""

    to_ship: int
    pickup: int  # of those, the ones that somebody fetches
    late: int
    placed: int
    waiting: int  # no rail has admitted the shop yet
    invited: int  # it may be paid and holds nothing: since one has, or somebody else was asked
    gathering: int  # friends, a recipient or a team is missing
    on_the_way: int
    reminded: int
    held_orders: int
    held_minor: int
    next_due: datetime | None
    reminded_number: int | None
    reminded_due: datetime | None


async def duties(conn: db.Connection, shop_id: int) -> Duties:
    """Count what waits: a look at the open orders only."""
    found = await db.one(
        conn,
        Duties,
        """
        select count(*) filter (where o.status = 'to_ship') as to_ship,
               count(*) filter (where o.status = 'to_ship' and o.way = 'pickup') as pickup,
               count(*) filter (where o.status = 'to_ship' and o.way <> 'pickup'
                                  and t.due_at is null) as late,
               count(*) filter (where o.status = 'placed') as placed,
               count(*) filter (where o.status = 'waiting') as waiting,
               count(*) filter (where o.status = 'invited') as invited,
               count(*) filter (where o.status in ('collecting', 'claiming', 'forming'))
                 as gathering,
               count(*) filter (where o.status in ('shipped', 'delivered')) as on_the_way,
               count(*) filter (where o.status = 'to_ship' and o.reminded_at is not null)
                 as reminded,
               count(*) filter (where o.held_minor > 0) as held_orders,
               coalesce(sum(o.held_minor), 0)::bigint as held_minor,
               min(t.due_at) filter (where o.way <> 'pickup') as next_due,
               min(o.number) filter (where o.status = 'to_ship' and o.reminded_at is not null)
                 as reminded_number,
               min(t.due_at) filter (where o.reminded_at is not null) as reminded_due
          from orders o
          left join timers t on t.shop_id = $1 and t.subject = o.order_id
           and t.kind = 'ship_by' and o.status = 'to_ship'
         where o.shop_id = $1
           and o.status in ('waiting', 'invited', 'placed', 'collecting', 'claiming', 'forming',
                            'to_ship', 'shipped', 'delivered')""",
        shop_id,
    )
    assert found is not None
    return found


async def waiting(conn: db.Connection, shop_id: int) -> int:
    """How many orders are to be shipped or handed over."""
    return int(
        await db.value(
            conn,
            "select count(*) from orders where shop_id = $1 and status = 'to_ship'",
            shop_id,
        )
    )


async def placed_before(conn: db.Connection, shop_id: int, phone_index: bytes, number: int) -> int:
    """How many orders this phone paid before that one."""
    return int(
        await db.value(
            conn,
            "select count(*) from orders where shop_id = $1 and phone_index = $2 and number < $3"
            " and paid_at is not null",
            shop_id,
            phone_index,
            number,
        )
    )


class Happening(msgspec.Struct, frozen=True):
    """A line of an order's history with what the order was about."""

    kind: str
    number: int
    status: str
    currency: str
    total_minor: int
    share_code: str | None
    title: str
    photo: str
    at: datetime

    @property
    def total(self) -> Money:
        return Money(self.total_minor, self.currency)


async def happened(
    conn: db.Connection, shop_id: int, kinds: list[str], most: int = 8, number: int | None = None
) -> list[Happening]:
    """What happened last to the latest orders (or to one of them), the newest first.
    A shipping that was undone did not happen."""
    return await db.all(
        conn,
        Happening,
        """
        select e.kind, o.number, o.status, o.currency, o.total_minor, o.share_code, i.title,
               i.photo, e.at
          from (select order_id, number, status, currency, total_minor, share_code
                  from orders where shop_id = $1 and ($4::bigint is null or number = $4)
                 order by number desc limit $5) o
          join order_events e on e.shop_id = $1 and e.order_id = o.order_id
          join order_items i on i.shop_id = $1 and i.order_id = o.order_id and i.position =
               (select min(position) from order_items f
                 where f.shop_id = $1 and f.order_id = o.order_id)
         where e.shop_id = $1 and e.kind = any ($2)
           and not (e.kind = 'shipped' and exists (
             select from order_events u
              where u.shop_id = $1 and u.order_id = e.order_id and u.kind = 'unshipped'
                and (u.at, u.event_id) > (e.at, e.event_id)
                and u.details ->> 'number' = e.details ->> 'number'))
         order by e.at desc, e.event_id desc limit $3""",
        shop_id,
        kinds,
        most,
        number,
        _RECENT,
    )


class GoingBack(msgspec.Struct, frozen=True):
    """Orders that were called off and whose money the rail has not sent back yet."""

    orders: int
    minor: int


async def going_back(conn: db.Connection, shop_id: int) -> GoingBack:
    """Refunds under way: what escrow still holds for orders that ended."""
    found = await db.one(
        conn,
        GoingBack,
        "select count(*)::integer as orders, coalesce(sum(held_minor), 0)::bigint as minor"
        " from orders where shop_id = $1 and status = 'refunded' and held_minor > 0",
        shop_id,
    )
    assert found is not None
    return found
