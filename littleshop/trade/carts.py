"""Carts: what a device has put aside in a shop; it holds no stock and no price."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from littleshop import db, ids
from littleshop.errors import Refused
from littleshop.money import Money

MOST_LINES = 50
MOST_PIECES = 999
KEPT = timedelta(days=90)  # a basket that nobody touched for so long is not come back to


class CartItem(msgspec.Struct, frozen=True):
    """A line of a cart."""

    variant_id: UUID
    quantity: int


class Cart(msgspec.Struct, frozen=True):
    """A device's cart in a shop; it ends with the order placed from it."""

    cart_id: UUID
    items: tuple[CartItem, ...]


async def find(conn: db.Connection, shop_id: int, device: bytes | None) -> Cart | None:
    """The cart of this device in this shop, or None."""
    if device is None:
        return None
    rows = await conn.fetch(
        "select c.cart_id, i.variant_id, i.quantity from carts c"
        " left join cart_items i on i.shop_id = c.shop_id and i.cart_id = c.cart_id"
        " where c.shop_id = $1 and c.device = $2 order by i.added_at, i.variant_id",
        shop_id,
        device,
    )
    if not rows:
        return None
    items = (CartItem(r["variant_id"], r["quantity"]) for r in rows if r["variant_id"])
    return Cart(rows[0]["cart_id"], tuple(items))


async def add(
    conn: db.Connection,
    shop_id: int,
    device: bytes,
    variant_id: UUID,
    quantity: int,
    at: datetime,
) -> None:
    """Put more of a variant in. Raises Refused: quantity_wrong(most=), cart_full(most=)."""
    if not 1 <= quantity <= MOST_PIECES:
        raise Refused("quantity_wrong", most=MOST_PIECES)
    cart_id = await _open(conn, shop_id, device, at)
    lines = await db.value(
        conn,
        "select count(*) from cart_items where shop_id = $1 and cart_id = $2 and variant_id <> $3",
        shop_id,
        cart_id,
        variant_id,
    )
    if lines >= MOST_LINES:
        raise Refused("cart_full", most=MOST_LINES)
    await db.run(
        conn,
        "insert into cart_items as i (shop_id, cart_id, variant_id, quantity, added_at)"
        " values ($1, $2, $3, $4, $5)"
        " on conflict on constraint cart_items_pkey do update"
        " set quantity = least(i.quantity + excluded.quantity, $6)",
        shop_id,
        cart_id,
        variant_id,
        quantity,
        at,
        MOST_PIECES,
    )


async def set_quantity(
    conn: db.Connection,
    shop_id: int,
    device: bytes,
    variant_id: UUID,
    quantity: int,
) -> None:
    """Have so many of a variant; 0 takes it out. Raises Refused("quantity_wrong", most=)."""
    if not 0 <= quantity <= MOST_PIECES:
        raise Refused("quantity_wrong", most=MOST_PIECES)
    if quantity == 0:
        await db.run(
            conn,
            "delete from cart_items where shop_id = $1 and variant_id = $3"
            " and cart_id = (select cart_id from carts where shop_id = $1 and device = $2)",
            shop_id,
            device,
            variant_id,
        )
        return
    await db.run(
        conn,
        "update cart_items set quantity = $4 where shop_id = $1 and variant_id = $3"
        " and cart_id = (select cart_id from carts where shop_id = $1 and device = $2)",
        shop_id,
        device,
        variant_id,
        quantity,
    )


async def _open(conn: db.Connection, shop_id: int, device: bytes, at: datetime) -> UUID:
    cart_id = await db.value(
        conn,
        "insert into carts (shop_id, cart_id, device, created_at, touched_at)"
        " values ($1, $2, $3, $4, $4)"
        " on conflict on constraint carts_one_per_device do update"
        " set touched_at = excluded.touched_at returning cart_id",
        shop_id,
        ids.uuid7(at),
        device,
        at,
    )
    return UUID(str(cart_id))


async def summary(
    conn: db.Connection, shop_id: int, device: bytes | None
) -> tuple[int, Money | None]:
    """How many pieces a device has put aside, and what they cost now without shipping."""
    if device is None:
        return 0, None
    row = await conn.fetchrow(
        "select sum(i.quantity)::integer as pieces, sum(i.quantity * v.price_minor)::bigint as sum,"
        " s.currency from carts c"
        " join cart_items i on i.shop_id = c.shop_id and i.cart_id = c.cart_id"
        " join variants v on v.shop_id = i.shop_id and v.variant_id = i.variant_id"
        " join shops s on s.shop_id = c.shop_id"
        " where c.shop_id = $1 and c.device = $2 group by s.currency",
        shop_id,
        device,
    )
    return (0, None) if row is None else (row["pieces"], Money(row["sum"], row["currency"]))


async def sweep(conn: db.Connection, before: datetime) -> int:
    """Forget carts that nobody touched since `before`, in all shops; returns how many."""
    return await db.run(
        conn, "delete from carts where touched_at < $1 /* all shops: a sweep */", before
    )
