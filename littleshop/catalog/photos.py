"""Photos of a product: the file's hash, its size, its colour while it loads, its place."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db, ids
from littleshop.errors import Refused
from littleshop.shop import shops

MOST = 9


class Photo(msgspec.Struct, frozen=True):
    """`file` is the content hash under /f/; width and height of the largest size, in pixels."""

    photo_id: UUID
    file: str
    width: int
    height: int
    colour: str
    alt: str


async def of_product(conn: db.Connection, shop_id: int, product_id: UUID) -> list[Photo]:
    """A product's photos, the first one first."""
    return await db.all(
        conn,
        Photo,
        "select photo_id, file, width, height, colour, alt from photos"
        " where shop_id = $1 and product_id = $2 order by sort_order, photo_id",
        shop_id,
        product_id,
    )


async def add(
    conn: db.Connection,
    shop_id: int,
    product_id: UUID,
    *,
    file: str,
    width: int,
    height: int,
    colour: str,
    at: datetime,
) -> None:
    """Put a photo at the end; the same picture a second time changes nothing.

    Raises Refused("photos_too_many", most=).
    """
    known = await of_product(conn, shop_id, product_id)
    if any(photo.file == file for photo in known):
        return
    if len(known) >= MOST:
        raise Refused("photos_too_many", most=MOST)
    await db.run(
        conn,
        "insert into photos"
        " (shop_id, photo_id, product_id, file, width, height, colour, sort_order)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8)",
        shop_id,
        ids.uuid7(at),
        product_id,
        file,
        width,
        height,
        colour,
        len(known),
    )
    await shops.touch(conn, shop_id)


async def arrange(
    conn: db.Connection, shop_id: int, product_id: UUID, order: Sequence[UUID]
) -> None:
    """Keep exactly the photos named, in this order; the others go."""
    await db.run(
        conn,
        "delete from photos where shop_id = $1 and product_id = $2 and photo_id <> all ($3)",
        shop_id,
        product_id,
        list(order),
    )
    await db.run(
        conn,
        "update photos p set sort_order = o.place - 1"
        "  from unnest($3::uuid[]) with ordinality as o(photo_id, place)"
        " where p.shop_id = $1 and p.product_id = $2 and p.photo_id = o.photo_id",
        shop_id,
        product_id,
        list(order),
    )
    await shops.touch(conn, shop_id)
