"""The pay-days of the past: the T+1 runs of forty days, with the bank asked as of each morning.

The calls are the real ones. Their address names the moment (`/at/<stamp>/bank`), so the sandbox
bank answers, executes and books as it would have done then; nothing of it is invented here.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from littleshop import db
from littleshop.clock import SHANGHAI
from littleshop.demo.past import Past, done, mark
from littleshop.demo.planning import DAYS
from littleshop.demo.sandboxed import stamp
from littleshop.http import House
from littleshop.oversight import acts, appointing
from littleshop.pay.gateways import Gateway
from littleshop.settlement import banks, closing, reconciling_bills, settling
from littleshop.settlement.desks import Desk

_log = logging.getLogger(__name__)


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


async def close_days(house: House) -> None:
    """The bills of the past are read and compared, and the days that agree are closed: nobody who
    starts a demo finds the work of two weeks before him. What differs stays to be explained."""
    at, rails = house.clock.now(), list(house.rails.values())
    for rail in rails:
        if rail.has_bills:
            for fault in await reconciling_bills.read(house.database, rail, at):
                _log.warning("bill not read: %s", fault)
    await house.database.transaction(lambda conn: _close(conn, rails, at))


async def _close(conn: db.Connection, rails: Sequence[Gateway], at: datetime) -> None:
    for one in await closing.standings(conn, rails, at):
        if one.hindrance is not None and one.hindrance.code != "day_before_open":
            return
        if await closing.close_day(conn, rails, one.day, by="demo", at=at):
            of, why = f"day/{one.day}", appointing.WITH_DEMO
            await acts.record(conn, None, "day_closed", of, reason=why, at=at, day=one.day)
