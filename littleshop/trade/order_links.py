"""Order links: a link shows, and the device that ordered, paid or claimed acts."""

from __future__ import annotations

from uuid import UUID

import msgspec

from littleshop import db
from littleshop.db import Connection
from littleshop.trade import orders, roles
from littleshop.trade.orders import Order


class Seen(msgspec.Struct, frozen=True):
    """An order reached by a link: which role the link is for, and whether this device may act."""

    order: Order
    role: str
    may_act: bool

    def may(self, act: str) -> bool:
        """Whether this person may see or do that (roles.py names it)."""
        return act in roles.rights(self.order.kind, self.role, own=self.may_act)


async def by_link(
    conn: Connection, shop_id: int, token_hash: bytes, device: bytes | None
) -> Seen | None:
    """The order behind a link; a device that did not order sees and cannot act."""
    row = await conn.fetchrow(
        "select l.order_id, l.role, exists (select from order_devices d where d.shop_id = $1"
        "  and d.order_id = l.order_id and d.role = l.role and d.device = $3) as may_act"
        "  from order_links l where l.shop_id = $1 and l.token_hash = $2",
        shop_id,
        token_hash,
        device,
    )
    if row is None:
        return None
    order = await orders.get(conn, shop_id, row["order_id"])
    assert order is not None
    return Seen(order, row["role"], row["may_act"])


async def add(conn: Connection, shop_id: int, order_id: UUID, role: str, token_hash: bytes) -> None:
    """Give another role of an order a link of its own; again is harmless."""
    await db.run(
        conn,
        "insert into order_links (shop_id, token_hash, order_id, role) values ($1, $2, $3, $4)"
        " on conflict on constraint order_links_pkey do nothing",
        shop_id,
        token_hash,
        order_id,
        role,
    )


async def trust_device(
    conn: Connection, shop_id: int, order_id: UUID, role: str, device: bytes
) -> None:
    """Let a device act for a role of an order, once its person has shown to be that role."""
    await db.run(
        conn,
        "insert into order_devices (shop_id, order_id, role, device) values ($1, $2, $3, $4)"
        " on conflict on constraint order_devices_pkey do nothing",
        shop_id,
        order_id,
        role,
        device,
    )


async def is_trusted(conn: Connection, order: Order, role: str, device: bytes) -> bool:
    """Whether a device may act for a role of an order."""
    found = await db.value(
        conn,
        "select true from order_devices"
        " where shop_id = $1 and order_id = $2 and role = $3 and device = $4",
        order.shop_id,
        order.order_id,
        role,
        device,
    )
    return found is not None


async def last_of(conn: Connection, shop_id: int, device: bytes) -> Order | None:
    """The last order in which somebody typed on this device where his things go."""
    return await db.one(
        conn,
        Order,
        f"select {orders.COLUMNS} from orders where shop_id = $1 and order_id ="
        "  (select o.order_id from order_devices d"
        "    join orders o on o.shop_id = $1 and o.order_id = d.order_id"
        "   where d.shop_id = $1 and d.device = $2 and d.role = 'chooser'"
        "     and o.kind in ('checkout', 'invitation')"
        "   order by o.placed_at desc, o.number desc limit 1)",
        shop_id,
        device,
    )
