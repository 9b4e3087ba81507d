"""Takedowns: a product that an operator took off the shelf, why, and the seller's one appeal.

While one is open the product stays hidden: products.set_status and products.edit ask this table.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.catalog import products
from littleshop.catalog.drafts import tidy
from littleshop.errors import NotFound, Refused

APPEAL_LENGTH = 500


class Takedown(msgspec.Struct, frozen=True):
    """A row of takedowns; `why` is what the seller reads, `was` the status that the product had,
    `appeal` and `answer` are "" until they are written."""

    shop_id: int
    takedown_id: UUID
    product_id: UUID
    was: str
    why: str
    by: UUID
    at: datetime
    appeal: str
    appealed_at: datetime | None
    answer: str
    answered_at: datetime | None
    ended_at: datetime | None


_COLUMNS = ", ".join(Takedown.__struct_fields__)


async def take_down(
    conn: db.Connection,
    shop_id: int,
    product_id: UUID,
    takedown_id: UUID,
    *,
    why: str,
    by: UUID,
    at: datetime,
) -> bool:
    """Hide a product for as long as an operator says; False when it is down already.

    Raises NotFound.
    """
    product = await products.get(conn, shop_id, product_id)
    taken = await db.run(
        conn,
        "insert into takedowns (shop_id, takedown_id, product_id, was, why, by, at)"
        " values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
        shop_id,
        takedown_id,
        product_id,
        product.status,
        why,
        by,
        at,
    )
    if taken:
        await products.set_status(conn, shop_id, product_id, "hidden", at)
    return bool(taken)


async def of_product(conn: db.Connection, shop_id: int, product_id: UUID) -> Takedown | None:
    """The takedown in force of a product, or None."""
    return await db.one(
        conn,
        Takedown,
        f"select {_COLUMNS} from takedowns where shop_id = $1 and product_id = $2"
        " and ended_at is null",
        shop_id,
        product_id,
    )


async def get(conn: db.Connection, shop_id: int, takedown_id: UUID) -> Takedown:
    """A takedown of this shop. Raises NotFound."""
    found = await db.one(
        conn,
        Takedown,
        f"select {_COLUMNS} from takedowns where shop_id = $1 and takedown_id = $2",
        shop_id,
        takedown_id,
    )
    if found is None:
        raise NotFound("takedown")
    return found


async def appealed(conn: db.Connection, most: int = 100) -> list[Takedown]:
    """Appeals that nobody answered yet, the oldest first."""
    return await db.all(
        conn,
        Takedown,
        f"select /* all shops: the operator's desk */ {_COLUMNS} from takedowns"
        " where appealed_at is not null and answered_at is null order by appealed_at limit $1",
        most,
    )


async def appeal(
    conn: db.Connection, shop_id: int, takedown_id: UUID, words: str, at: datetime
) -> None:
    """The seller says why it should stand again, once; the same words again change nothing.

    Raises Refused: appeal_empty, appeal_length(have, most), appeal_once; NotFound.
    """
    words = "\n".join(filter(None, map(tidy, words.splitlines())))
    if not words:
        raise Refused("appeal_empty")
    if len(words) > APPEAL_LENGTH:
        raise Refused("appeal_length", have=len(words), most=APPEAL_LENGTH)
    if await db.changed(
        conn,
        "update takedowns set appeal = $3, appealed_at = $4 where shop_id = $1"
        " and takedown_id = $2 and appealed_at is null and ended_at is null",
        shop_id,
        takedown_id,
        words,
        at,
    ):
        return
    if (await get(conn, shop_id, takedown_id)).appeal != words:
        raise Refused("appeal_once")


async def answer(
    conn: db.Connection,
    shop_id: int,
    takedown_id: UUID,
    *,
    words: str,
    put_back: bool,
    at: datetime,
) -> None:
    """An operator's last word: it stays down, or it is put back as it was.

    Raises Refused("takedown_ended") when it is not in force or was answered; NotFound.
    """
    found = await get(conn, shop_id, takedown_id)
    if not await db.changed(
        conn,
        "update takedowns set answer = $3, answered_at = $4, ended_at = $5 where shop_id = $1"
        " and takedown_id = $2 and ended_at is null and answered_at is null",
        shop_id,
        takedown_id,
        words,
        at,
        at if put_back else None,
    ):
        raise Refused("takedown_ended")
    if put_back and found.was == "on_sale":
        await products.set_status(conn, shop_id, found.product_id, "on_sale", at)
