"""Telling resellers: what becomes of what a shop sells and another ships."""

from __future__ import annotations

from datetime import datetime

from littleshop import db
from littleshop.notify import messages
from littleshop.notify.messages import Fact
from littleshop.shop import shops, staff
from littleshop.supply.resales import ResoldOrder


async def paid(conn: db.Connection, row: ResoldOrder, at: datetime) -> None:
    """An order that another shop ships was paid; once for each."""
    await _tell(
        conn,
        row.shop_id,
        "resale_paid",
        f"{row.from_shop_id}/{row.order_id}",
        at,
        number=row.number,
        amount=row.total,
        margin=row.margin,
        url=f"/console/{row.shop_id}/resold",
    )


async def off(
    conn: db.Connection, shop_id: int, product_id: object, title: str, why: str, at: datetime
) -> None:
    """A thing that another shop ships cannot be sold now, and why."""
    await _tell(
        conn,
        shop_id,
        f"resale_off_{why}",
        str(product_id),
        at,
        occasion=at.isoformat(),
        title=title,
        url=f"/console/{shop_id}/goods/{product_id}/resold",
    )


async def _tell(
    conn: db.Connection,
    shop_id: int,
    about: str,
    subject: str,
    at: datetime,
    *,
    occasion: str = "",
    **facts: Fact,
) -> None:
    shop = await shops.get(conn, shop_id)
    to = await staff.recipients(conn, shop_id)
    await messages.send(
        conn, shop_id, to, about=about, subject=subject, at=at, occasion=occasion,
        shop=shop.name, **facts,
    )  # fmt: skip
