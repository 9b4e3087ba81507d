"""Fee schedules as tests agree on them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import uuid4

from littleshop import db
from littleshop.oversight import acts, charging
from littleshop.trade import fees
from littleshop.trade.fees import Rate, Schedule
from tests.cast import Town


async def schedule(
    town: Town,
    rates: Mapping[str, Rate],
    *,
    of_shop_id: int = 0,
    starts_at: datetime | None = None,
    name: str = "标准",
) -> Schedule:
    """From now on (or from `starts_at`) this is taken; no rates: the shop follows the platform."""
    agreed = Schedule(
        uuid4(), of_shop_id, name, "CNY", not rates, starts_at or town.at, town.at, None
    )
    assert await town.database.transaction(lambda conn: _agree(conn, agreed, rates))
    town.later(seconds=1)
    return agreed


async def _agree(conn: db.Connection, agreed: Schedule, rates: Mapping[str, Rate]) -> bool:
    """It stands in the log, as one that an operator sets."""
    subject = charging.subject(agreed.schedule_id)
    new = await fees.agree(conn, agreed, rates)
    await acts.record(conn, None, "fees_set", subject, reason="as agreed", at=agreed.set_at)
    return new
