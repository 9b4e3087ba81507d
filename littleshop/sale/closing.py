"""Closing: a shop takes nothing new and keeps every promise it made.

Placing refuses by the shop's state, so no order, letter or seat comes after it; what was ordered
runs on by its own clocks, and what is released is paid out as before. Its addresses stay its own.

A shop that owes, because money it was paid out went back to buyers, closes when its owner has read
how much: an open shop nobody sells in pays no more than a closed one. The sum is kept with the
closing, and the operator's desk lists who closed and owes (oversight/owing.py).
"""

from __future__ import annotations

from datetime import datetime

from littleshop import db
from littleshop.db import Connection
from littleshop.errors import NotFound, Refused
from littleshop.identity.people import Person
from littleshop.ledger import accounts, chart
from littleshop.money import Money
from littleshop.notify import live, messages
from littleshop.notify.live import Event
from littleshop.shop import closings, shop_acts, shops, staff

HINT = "shop_closed"


async def close(
    database: db.Database, owner: Person, shop_id: int, at: datetime, *, owed_seen: int = 0
) -> bool:
    """Close the shop; False when it was closed already. Its owner hears of it. `owed_seen` is what
    he read that it owes, minor units. Raises Refused: closing_owes(sum) when it is more;
    NotFound."""

    async def end(conn: Connection) -> bool:
        await _owned(conn, shop_id, owner)
        owed = await owes(conn, shop_id)
        if not await closings.close(conn, shop_id, owner.person_id, owed.minor, at):
            return False
        if owed.minor > owed_seen:
            raise Refused("closing_owes", sum=owed)
        await shop_acts.note(conn, shop_id, owner.person_id, "shop_closed", at=at)
        shop = await shops.get(conn, shop_id)
        for to in await staff.recipients(conn, shop_id, owners=True):
            await messages.send(
                conn, shop_id, [to], about="shop_closed", subject=f"{shop_id}:{at:%Y%m%d%H%M}",
                at=at, shop=shop.name, url=f"/console/{shop_id}/settings/closing",
            )  # fmt: skip
        await live.publish(conn, shop_id, Event(HINT), at=at)
        return True

    return await database.transaction(end)


async def owes(conn: Connection, shop_id: int) -> Money:
    """What a shop was paid out and has gone back since: what its balance is below zero."""
    currency = (await shops.get(conn, shop_id)).currency
    held = await accounts.lock(conn, shop_id, [chart.PAYABLE], currency)
    return Money(max(-held.get(chart.PAYABLE, 0), 0), currency)


async def reopen(database: db.Database, owner: Person, shop_id: int, at: datetime) -> bool:
    """Open it again; False when it was not closed. Raises Refused: reopen_late(days); NotFound."""

    async def begin(conn: Connection) -> bool:
        await _owned(conn, shop_id, owner)
        if not await closings.reopen(conn, shop_id, owner.person_id, at):
            return False
        await shop_acts.note(conn, shop_id, owner.person_id, "shop_reopened", at=at)
        return True

    return await database.transaction(begin)


async def refuse(conn: Connection, shop_id: int) -> None:
    """Raises Refused shop_closed_for_good of a closed shop: nothing new begins there."""
    if (await shops.get(conn, shop_id)).status == "closed":
        raise Refused("shop_closed_for_good")


async def _owned(conn: Connection, shop_id: int, owner: Person) -> None:
    if await staff.role_of(conn, shop_id, owner.person_id) != "owner":
        raise NotFound("shop")
