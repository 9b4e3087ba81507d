"""Strangers: phones that no code proved, which a press in a shop has ring by SMS all the same.

Who opens a shop in order to write to strangers from our number has neither time nor buyers. So a
shop gets the larger figures once it has been open for a while and sold to some people who kept it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from littleshop import db
from littleshop.errors import Refused
from littleshop.risk import limits
from littleshop.risk.limits import Spent

YOUNG = timedelta(days=14)
BUYERS = 5  # phones whose orders were received and not refunded


async def take(conn: db.Connection, shop_id: int, phone_index: bytes, at: datetime) -> Spent | None:
    """Count an SMS to this phone, or say whose share is used up: the `shop`'s or the `phone`'s;
    what was counted before that one stays counted."""
    rule = "strangers" if await is_known(conn, shop_id, at) else "strangers_young"
    full = await limits.take(conn, rule, (str(shop_id),), at)
    return full or await limits.take(conn, "text_unproven", (phone_index,), at)


async def need(conn: db.Connection, shop_id: int, phone_index: bytes, at: datetime) -> None:
    """Count an SMS to this phone.

    Raises Refused: stranger_phone_rested, stranger_shop_rested(count of hours).
    """
    _refuse(await take(conn, shop_id, phone_index, at))


async def need_invitation(
    conn: db.Connection, shop_id: int, phone_index: bytes, at: datetime
) -> None:
    """Count an invitation to work, whatever becomes of it; a shop needs few.

    Raises Refused: as `need`, stranger_shop_rested_long(count of days).
    """
    rule = "ask_to_work" if await is_known(conn, shop_id, at) else "ask_to_work_young"
    _refuse(await limits.take(conn, rule, (str(shop_id), str(shop_id)), at))
    await need(conn, shop_id, phone_index, at)


def _refuse(full: Spent | None) -> None:
    """The words must be true of whose share it is: the shop knows which phones it asked."""
    if full is None:
        return
    if full.of == "phone":
        raise Refused("stranger_phone_rested")
    if full.of == "month":
        raise Refused("stranger_shop_rested_long", count=-(-full.minutes // (24 * 60)))
    raise Refused("stranger_shop_rested", count=-(-full.minutes // 60))


async def is_known(conn: db.Connection, shop_id: int, at: datetime) -> bool:
    """Whether a shop is neither young nor without sales."""
    return bool(
        await db.value(
            conn,
            "select coalesce(opened_at <= $2, false) and $3 <= ("
            " select count(*) from (select phone_index from orders where shop_id = $1"
            " and received_at is not null and refunded_at is null"
            " group by phone_index limit $3) as buyers)"
            " from shops where shop_id = $1",
            shop_id,
            at - YOUNG,
            BUYERS,
        )
    )
