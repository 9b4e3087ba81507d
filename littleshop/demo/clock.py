"""`./run clock [--advance 11d|3h|30m]`: the demo's time, for us and for the sandbox."""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from datetime import datetime, timedelta

import httpx

from littleshop import config, db, i18n, installation
from littleshop.clock import SHANGHAI, Clock
from littleshop.demo import sandboxed

TAKEN_AFTER = 1.2  # seconds; every process reads the offset once a second
QUIET = 2  # seconds in which no rail sends anything: a notice from another time is not believed
_SPAN = re.compile(r"(\d{1,4})([dhm])")
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}


def span(text: str) -> timedelta:
    """11d, 3h or 30m. Raises ValueError."""
    found = _SPAN.fullmatch(text)
    if not found or not int(found[1]):
        raise ValueError(f"11d, 3h or 30m, not {text!r}")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def command(arguments: list[str]) -> int:
    """Show the demo's time, or move it ahead; 1 when this is not a demo, 2 for a wrong use."""
    parser = argparse.ArgumentParser(prog="littleshop clock", description="演示时钟 · demo time")
    parser.add_argument("--advance", type=span, metavar="11d|3h|30m", default=timedelta())
    told = parser.parse_args(arguments)
    try:
        settings = config.read()
        if settings.mode != "demo":
            raise config.Misconfigured("only the demo has a clock · 只有演示有时钟")
        now = asyncio.run(advance(settings, told.advance))
    except (config.Misconfigured, httpx.HTTPError) as fault:
        print(fault, file=sys.stderr)
        return 1
    print(shown(now))
    return 0


async def advance(settings: config.Settings, by: timedelta) -> datetime:
    """Move our offset and the sandbox's by `by` and wait until all have taken it; the new time.

    Also with nothing to add the sandbox is told the offset: a kill between the two is mended.
    """
    database = await db.open_database(settings.database_url, size=1, name="littleshop clock")
    try:
        if by and settings.sandbox_url and "courier" in settings.rails:
            await sandboxed.tell_of_parcels(database, settings.sandbox_url)
        offset = await database.transaction(lambda conn: installation.advance_clock(conn, by))
    finally:
        await database.close()
    if settings.sandbox_url:
        async with httpx.AsyncClient(base_url=settings.sandbox_url, trust_env=False) as client:
            seconds = int(offset.total_seconds())
            answer = await client.post(
                "/control/clock", json={"offset_seconds": seconds, "quiet_seconds": QUIET}
            )
            answer.raise_for_status()
    if by:
        await asyncio.sleep(TAKEN_AFTER)
    return Clock(offset).now()


def shown(now: datetime) -> str:
    """The time in both languages, by the clocks of Beijing."""
    here = now.astimezone(SHANGHAI)
    # a year ahead: the words then name day, month and year and not only the hour
    far = now - timedelta(days=400)
    said = {locale: i18n.when(locale, now, far) for locale in i18n.LOCALES}
    return f"{here:%Y-%m-%d %H:%M:%S} Beijing · 北京\n{said['en']}\n{said['zh-CN']}"
