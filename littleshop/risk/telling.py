"""Telling a shop's owner that payouts are stopped or go on: what it does to his money, never why
the platform looked; and that a product was taken off the shelf or put back, with where he reads
why."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from littleshop import db
from littleshop.notify import live, messages
from littleshop.notify.live import Event
from littleshop.risk import holds
from littleshop.shop import shops, staff


async def held(conn: db.Connection, shop_id: int, hold_id: UUID, at: datetime) -> None:
    """Payouts are stopped until an operator lets them go on; told once for each hold."""
    await _tell(conn, shop_id, "payouts_held", hold_id, at)


async def lifted(conn: db.Connection, shop_id: int, hold_id: UUID, at: datetime) -> None:
    """A hold was lifted: nothing is said while another one keeps payouts back."""
    if await holds.current(conn, shop_id, at) is None:
        await _tell(conn, shop_id, "payouts_lifted", hold_id, at)


async def taken_down(
    conn: db.Connection, shop_id: int, takedown_id: UUID, product_id: UUID, title: str, at: datetime
) -> None:
    """A product is off the shelf until an operator puts it back; told once."""
    url = f"goods/{product_id}/takedown"
    await _tell(conn, shop_id, "taken_down", takedown_id, at, url, title=title)


async def put_back(
    conn: db.Connection, shop_id: int, takedown_id: UUID, product_id: UUID, title: str, at: datetime
) -> None:
    """A product that was taken down is the seller's again."""
    await _tell(conn, shop_id, "put_back", takedown_id, at, f"goods/{product_id}", title=title)


async def _tell(
    conn: db.Connection,
    shop_id: int,
    about: str,
    cause: UUID,
    at: datetime,
    page: str = "money",
    **facts: str,
) -> None:
    """By SMS and to his browsers, about a page of his console; every one that is open now looks
    again."""
    shop = await shops.get(conn, shop_id)
    url = f"/console/{shop_id}/{page}"
    for to in await staff.recipients(conn, shop_id, owners=True):
        await messages.send(
            conn, shop_id, [to],
            about=about, subject=cause, at=at, shop=shop.name, url=url, **facts,
        )  # fmt: skip
    await live.publish(conn, shop_id, Event(about), at=at)
