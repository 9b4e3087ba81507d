"""Stopping a handover: the link in the word to the phones of who keeps a shop. It needs no sign-in:
whoever holds one of these phones can end the offer, or stop all payouts after it was taken."""

from __future__ import annotations

from datetime import datetime

import msgspec

from littleshop.db import Connection, Database
from littleshop.entry.changing_card import OBJECTION
from littleshop.errors import NotFound, Refused
from littleshop.identity import sessions
from littleshop.risk import holds, telling
from littleshop.risk.holds import Hold
from littleshop.shop import handovers, shops
from littleshop.shop.handovers import Handover


class Objection(msgspec.Struct, frozen=True):
    """A handover as the link in the word shows it to whoever holds that phone; `hold` is what an
    objection placed, lifted or not."""

    handover: Handover
    shop_name: str
    hold: Hold | None


async def behind(conn: Connection, shop_id: int, token: str) -> Objection:
    """The handover that a link in the word is about. Raises NotFound."""
    found = await handovers.behind_objection(conn, shop_id, token)
    shop = await shops.find(conn, shop_id)
    if found is None or shop is None:
        raise NotFound("handover")
    hold = await holds.get(conn, shop_id, holds.identity(found.handover_id, "not_me"))
    return Objection(found, shop.name, hold)


async def object_to(database: Database, shop_id: int, token: str, *, at: datetime) -> None:
    """Whoever got the word says that it was not he: the offer is over, payouts stop until an
    operator has looked, and whoever is signed in as him is not any more.

    Raises Refused objection_late(days); NotFound.
    """

    async def stop(conn: Connection) -> Handover:
        found = (await behind(conn, shop_id, token)).handover
        if found.asked_at + OBJECTION <= at:
            raise Refused("objection_late", days=OBJECTION.days)
        handover_id = found.handover_id
        await handovers.end(conn, shop_id, handover_id, "taken_back", at)
        await handovers.object_to(conn, shop_id, handover_id, at)
        if await holds.place(
            conn, shop_id, handover_id, "not_me", reason="handing over: not me", at=at
        ):
            await telling.held(conn, shop_id, holds.identity(handover_id, "not_me"), at)
        return found

    found = await database.transaction(stop)
    await database.transaction(lambda conn: sessions.end_all(conn, found.from_person, at))
