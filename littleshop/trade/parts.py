"""Parts: what somebody with a payer's link set out to pay of an order, and what he left with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.money import Money
from littleshop.trade.letters import Letter
from littleshop.trade.orders import Order


class Part(msgspec.Struct, frozen=True):
    """A row of parts, `amount_minor` in minor units of the order's currency; whether it is paid
    says the payment with its `part_id`."""

    part_id: UUID
    name: str
    words: str
    amount_minor: int
    device: bytes
    asked_at: datetime


COLUMNS = ", ".join(Part.__struct_fields__)
MOST = 20  # of an order: one part keeps its pieces for days, so it is more than a token


def least(total: Money, left: Money) -> Money:
    """The least that somebody may give while so much is still to go: a twentieth, or all of it."""
    return Money(min(left.minor, -(-total.minor // MOST)), total.currency)


async def ask(
    conn: db.Connection,
    shop_id: int,
    order_id: UUID,
    part_id: UUID,
    letter: Letter,
    amount_minor: int,
    device: bytes,
) -> Part:
    """Write down what is to be paid and the name and words that go with it; again under the same
    id the words are those of the last time."""
    return await db.the_one(
        conn,
        Part,
        "insert into parts (shop_id, order_id, part_id, name, words, amount_minor, device,"
        " asked_at) values ($1, $2, $3, $4, $5, $6, $7, $8)"
        " on conflict on constraint parts_pkey do update"
        f" set name = excluded.name, words = excluded.words returning {COLUMNS}",
        shop_id,
        order_id,
        part_id,
        letter.from_name,
        letter.words,
        amount_minor,
        device,
        letter.written_at,
    )


async def of_order(conn: db.Connection, shop_id: int, order_id: UUID) -> list[Part]:
    """Whatever people set out to pay of an order, paid or not, the first one first."""
    return await db.all(
        conn,
        Part,
        f"select {COLUMNS} from parts where shop_id = $1 and order_id = $2"
        " order by asked_at, part_id",
        shop_id,
        order_id,
    )


async def last_of(
    conn: db.Connection, shop_id: int, order_id: UUID, device: bytes | None
) -> Part | None:
    """What was last set out to be paid on this device."""
    mine = [each for each in await of_order(conn, shop_id, order_id) if each.device == device]
    return mine[-1] if mine else None


class _Own(msgspec.Struct, frozen=True):
    order_id: UUID
    paid_minor: int


async def paid_by_choosers(conn: db.Connection, orders: Sequence[Order]) -> dict[UUID, int]:
    """Of each of these orders what its own chooser paid, in minor units:
    alone, or as a part from a device of his. Who paid nothing is not in it."""
    rows = await db.all(
        conn,
        _Own,
        "select p.order_id, sum(p.amount_minor)::bigint as paid_minor"
        "  from unnest($1::bigint[], $2::uuid[]) as w(shop_id, order_id)"
        "  join payments p on p.shop_id = w.shop_id and p.order_id = w.order_id"
        "   and p.outcome = 'accepted'"
        "  left join parts t on t.shop_id = w.shop_id and t.order_id = w.order_id"
        "   and t.part_id = p.part_id"
        " where p.part_id is null or exists (select from order_devices d"
        "         where d.shop_id = w.shop_id and d.order_id = w.order_id"
        "           and d.role = 'chooser' and d.device = t.device)"
        " group by p.order_id",
        [each.shop_id for each in orders],
        [each.order_id for each in orders],
    )
    return {row.order_id: row.paid_minor for row in rows}
