"""The pay-days of the past: the T+1 runs of forty days, with the bank asked as of each morning.

The calls are the real ones. Their address names the moment (`/at/<stamp>/bank`), so the sandbox
bank answers, executes and books as it would have done then; nothing of it is invented here.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from littleshop.clock import SHANGHAI
from littleshop.demo.past import Past, done, mark
from littleshop.demo.planning import DAYS
from littleshop.demo.sandboxed import stamp
from littleshop.http import House
from littleshop.settlement import banks, settling
from littleshop.settlement.desks import Desk


async def play(house: House, until: datetime) -> None:
    """Every morning up to `until` that is not played yet; without a bank nothing is paid out."""
    if house.settings.sandbox_url is None or "bank" not in house.settings.rails:
        return
    today = until.astimezone(SHANGHAI).date()
    for back in range(DAYS - 2, -1, -1):
        day = today - timedelta(days=back)
        at = datetime.combine(day, settling.RUN_AT, tzinfo=SHANGHAI)
        if at <= until:
            await _morning(house, day, at)


async def _morning(house: House, day: date, at: datetime) -> None:
    name = f"payday {day.isoformat()}"
    async with house.database.connection() as conn:
        if await done(conn, name):
            return
    rail = dict(house.settings.rails["bank"])
    rail["base_url"] = f"{house.settings.sandbox_url}/at/{stamp(at)}/bank"
    bank = banks.open({"bank": rail})
    assert bank is not None
    try:
        past = Past(house.database)
        custody = house.settings.escrow == "bank_custody"
        desk = Desk(past, bank, house.keyring, house.calendar, custody=custody)
        if house.calendar.is_working(day):
            await settling.open_run(desk, day, at)
        await settling.advance(desk, at)
        assert not desk.problems, desk.problems
    finally:
        await bank.disconnect()
    await house.database.transaction(lambda conn: mark(conn, name, at))
