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


class NewPhoto(msgspec.Struct, frozen=True):
    """A picture whose files are kept, for a product; `source` is where it came from."""

    product_id: UUID
    source: str
    file: str
    width: int
    height: int
    colour: str


async def add_many(
    conn: db.Connection, shop_id: int, found: Sequence[NewPhoto], at: datetime
) -> None:
    """Put pictures behind those of their products, as many as there is room for, and remember
    where each came from; one that hangs there already changes nothing."""
    wanted = sorted({each.product_id for each in found})
    rows = await conn.fetch(
        "select product_id, file from photos where shop_id = $1 and product_id = any ($2)",
        shop_id,
        wanted,
    )
    hanging: dict[UUID, list[str]] = {product_id: [] for product_id in wanted}
    for row in rows:
        hanging[row["product_id"]].append(row["file"])
    new = []
    for each in found:
        known = hanging[each.product_id]
        if each.file not in known and len(known) < MOST:
            size = (each.width, each.height, each.colour, len(known))
            new.append((shop_id, ids.uuid7(at), each.product_id, each.file, *size))
            known.append(each.file)
    await conn.executemany(
        "insert into photos"
        " (shop_id, photo_id, product_id, file, width, height, colour, sort_order)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8)",
        new,
    )
    await conn.executemany(
        "insert into photo_sources (shop_id, product_id, source, file) values ($1, $2, $3, $4)"
        " on conflict on constraint photo_sources_pkey do update set file = excluded.file",
        [(shop_id, each.product_id, each.source, each.file) for each in found],
    )
    if new:
        await shops.touch(conn, shop_id)


async def of_products(
    conn: db.Connection, shop_id: int, products: Sequence[UUID]
) -> dict[UUID, list[str]]:
    """The files of the photos of each product, the first one first."""
    rows = await conn.fetch(
        "select product_id, file from photos where shop_id = $1 and product_id = any ($2)"
        " order by product_id, sort_order, photo_id",
        shop_id,
        list(products),
    )
    found: dict[UUID, list[str]] = {}
    for row in rows:
        found.setdefault(row["product_id"], []).append(row["file"])
    return found


async def widths(conn: db.Connection, shop_id: int, products: Sequence[UUID]) -> dict[str, int]:
    """How wide the largest size of each file of these products is, in pixels."""
    rows = await conn.fetch(
        "select file, max(width) as width from photos"
        " where shop_id = $1 and product_id = any ($2) group by file",
        shop_id,
        list(products),
    )
    return {row["file"]: row["width"] for row in rows}


async def sources(
    conn: db.Connection, shop_id: int, products: Sequence[UUID]
) -> set[tuple[UUID, str]]:
    """From where photos that hang there came, with their product."""
    rows = await conn.fetch(
        "select s.product_id, s.source from photo_sources s where s.shop_id = $1"
        " and s.product_id = any ($2) and exists (select from photos f where f.shop_id = $1"
        "  and f.product_id = s.product_id and f.file = s.file)",
        shop_id,
        list(products),
    )
    return {(row["product_id"], row["source"]) for row in rows}


async def known(conn: db.Connection, shop_id: int, file: str) -> Photo | None:
    """A photo of this file that some product of the shop has."""
    return await db.one(
        conn,
        Photo,
        "select photo_id, file, width, height, colour, alt from photos"
        " where shop_id = $1 and file = $2 limit 1",
        shop_id,
        file,
    )


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
