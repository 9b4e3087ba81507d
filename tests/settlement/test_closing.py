"""Days at the desk: what was compared, what stands in the way, and closing one after another."""

from __future__ import annotations

from datetime import timedelta

import pytest

from littleshop import db
from littleshop.errors import Refused
from littleshop.settlement import closing
from tests.cast import Town
from tests.settlement.paper_bank import beijing
from tests.settlement.test_reconciling_bills import MON, TUE, Biller, closes, reads, sold


async def test_days_are_closed_one_after_another(town: Town, owner: db.Connection) -> None:
    rail = Biller()
    rail.took(await sold(town, owner), "100.00")
    rail.rows[TUE] = []
    beijing(town, TUE + timedelta(days=1), 10)
    await reads(town, rail)
    with pytest.raises(Refused, match="day_before_open"):
        await closes(town, rail, TUE)
    assert await closes(town, rail)
    assert await closes(town, rail, TUE)
    assert not await closes(town, rail, TUE)


async def test_the_days_say_what_was_compared_and_what_stands_in_the_way(
    town: Town, owner: db.Connection
) -> None:
    rail = Biller()
    rail.took(await sold(town, owner), "100.00")
    beijing(town, TUE + timedelta(days=1), 10)
    await reads(town, rail)
    async with town.database.connection() as conn:
        monday, tuesday = await closing.standings(conn, [rail], town.at)  # type: ignore[list-item]
    assert (monday.day, monday.compared, monday.hindrance) == (MON, ("alipay",), None)
    assert (tuesday.day, tuesday.missing) == (TUE, ("alipay",))
    assert tuesday.hindrance is not None and tuesday.hindrance.code == "day_bill_missing"
