"""Crediting: a shop has opened, and the shop, share and sharer that brought its keeper are told.

The new shop's row remembers what brought its keeper; a job writes it down in the other shop.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from littleshop import jobs
from littleshop.db import Connection, Database
from littleshop.shop import shops
from littleshop.shop.shops import Shop
from littleshop.social import descents

OPENED = "crediting.opened"


async def ask(conn: Connection, shop: Shop, owner_id: UUID) -> None:
    """Have the shop that brought this one told, if there is one."""
    if shop.brought_by_shop_id is not None and shop.opened_at is not None:
        await jobs.defer(
            conn, OPENED, at=shop.opened_at, shop_id=shop.shop_id, owner_id=str(owner_id)
        )


async def hear(database: Database, shop_id: int, owner_id: UUID) -> None:
    """Write it down where the keeper of this shop came from. Repeated, it changes nothing."""
    async with database.connection() as conn:
        shop = await shops.get(conn, shop_id)
    before, opened_at = shop.brought_by_shop_id, shop.opened_at
    if before is None or opened_at is None:
        return

    async def write(conn: Connection) -> None:
        await descents.bring(
            conn,
            before,
            shop_id,
            owner_id=owner_id,
            code=shop.brought_by_share,
            product_id=shop.brought_by_product_id,
            at=opened_at,
        )

    await database.transaction(write)


def tasks() -> dict[str, jobs.Task]:
    """The job of this flow."""

    async def opened(context: jobs.Context, *, shop_id: int, owner_id: str) -> None:
        await hear(context.database, shop_id, UUID(owner_id))

    return {OPENED: jobs.Task(opened, attempts=40, longest_wait=timedelta(minutes=30))}
