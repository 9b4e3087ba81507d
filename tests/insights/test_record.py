"""What a shop has shown so far."""

from __future__ import annotations

from littleshop.insights import figures
from littleshop.insights.figures import Record
from tests.cast import CNY, Town

PRICE = CNY("168.00")


async def test_what_is_late_and_was_never_sent_counts_against_sent_on_time(town: Town) -> None:
    placed = [await town.buys([await town.stock(price=PRICE)], PRICE) for _ in range(4)]
    town.later(hours=10)
    await town.ships(placed[0])
    assert await shown(town) == (1, 1)  # the others have time
    town.later(hours=39)
    await town.ships(placed[1])
    assert await shown(town) == (4, 1)  # one was sent late, two are late
    town.later(days=8)
    await town.clocks_strike()
    assert {(await town.order(each)).status for each in placed[2:]} == {"refunded"}
    assert await shown(town) == (4, 1)  # money that went back makes nothing good


async def shown(town: Town) -> tuple[int, int]:
    async with town.database.connection() as conn:
        known: Record = await figures.record(conn, town.shop_id, town.at)
    return known.due, known.on_time
