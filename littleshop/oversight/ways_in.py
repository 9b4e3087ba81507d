"""Ways in: the platform's own entrances, made at the desk, and who came by them.

They belong to shop 0 and open the buyer's home. Nothing is sold there: they count who came.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from littleshop import clock, db
from littleshop.insights import sharing
from littleshop.insights.sharing import Brought
from littleshop.oversight import acts
from littleshop.oversight.acts import Act
from littleshop.shop import shops
from littleshop.shop.shops import PLATFORM
from littleshop.social import entrances
from littleshop.social.entrances import Entrance

DAYS = 90


class WayIn(msgspec.Struct, frozen=True):
    """An entrance of the platform, who came by it in the last DAYS days, the act that made it."""

    entrance: Entrance
    came: Brought
    last: Act | None


def subject(code: str) -> str:
    """What the log calls an entrance."""
    return f"entrance/{code}"


async def listed(conn: db.Connection, at: datetime) -> list[WayIn]:
    """The platform's entrances, the one by which most came first."""
    found = await entrances.of_shop(conn, PLATFORM)
    zone = (await shops.get(conn, PLATFORM)).zone
    since = clock.local_day(at, zone) - timedelta(days=DAYS - 1)
    came = {each.code: each for each in await sharing.brought(conn, PLATFORM, zone, since)}
    said = await acts.of_subjects(conn, [subject(each.code) for each in found])
    rows = [
        WayIn(each, came.get(each.code, Brought(each.code)), said.get(subject(each.code)))
        for each in found
    ]
    return sorted(rows, key=lambda row: -row.came.visitors)


async def make(
    conn: db.Connection, operator: UUID, *, kind: str, name: str, reason: str, at: datetime
) -> Entrance:
    """An entrance that leads to the buyer's home; one made before stays as it is. Raises Refused:
    reason_short, reason_long and as entrances.make."""
    reason = acts.why(reason)
    before = {each.code for each in await entrances.of_shop(conn, PLATFORM)}
    made = await entrances.make(conn, PLATFORM, kind=kind, name=name, person_id=operator, at=at)
    if made.code not in before:
        await acts.record(
            conn, operator, "entrance_made", subject(made.code), reason=reason, at=at,
            name=made.name, kind_of=made.kind,
        )  # fmt: skip
    return made
