"""Telling sharers: what a shop earns by sharing what another one sells.

What comes is told once a day at most, for many orders as for one; what goes back, each time.
"""

from __future__ import annotations

from datetime import datetime

from littleshop import db
from littleshop.clock import SHANGHAI
from littleshop.money import Money
from littleshop.notify import messages
from littleshop.notify.messages import Fact
from littleshop.sale import sharing_out
from littleshop.shop import shops, staff


async def coming(conn: db.Connection, shop_id: int, at: datetime) -> None:
    """Somebody bought by a share: the shop earns when the days to send it back are over."""
    await _tell(conn, shop_id, "referral_coming", _day(at), at)


async def booked(
    conn: db.Connection, shop_id: int, kind: str, amount: Money, reference: str, at: datetime
) -> None:
    """The books of a sharer's shop have more by it (`kind` referral), or less (referral_back);
    nothing is told of other kinds."""
    if kind == sharing_out.REFERRED:
        await _tell(conn, shop_id, "referral_yours", _day(at), at)
    elif kind == sharing_out.UNREFERRED:
        await _tell(conn, shop_id, "referral_back", reference, at, amount=amount)


def _day(at: datetime) -> str:
    return at.astimezone(SHANGHAI).date().isoformat()


async def _tell(
    conn: db.Connection, shop_id: int, about: str, subject: str, at: datetime, **facts: Fact
) -> None:
    shop = await shops.get(conn, shop_id)
    to = await staff.recipients(conn, shop_id, owners=True)
    await messages.send(
        conn, shop_id, to, about=about, subject=subject, at=at,
        occasion="", shop=shop.name, url=f"/console/{shop_id}/earned", **facts,
    )  # fmt: skip
