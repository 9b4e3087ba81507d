"""The demo town: furnished at once, its forty days played behind it, and both only once."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from datetime import datetime

import uvloop

from littleshop import config, db, demo, logs
from littleshop import home as homes
from littleshop.demo import furnishing, neighbours, payday, planning, playing, sandboxed
from littleshop.demo.past import Past, done, mark
from littleshop.demo.planning import Plan
from littleshop.http import House, open_house
from littleshop.insights import visits

FURNISHED = "furnished"
PLAYED = "played"


def command(arguments: list[str]) -> int:
    """`littleshop furnish`: furnish the town and play its past, or what is missing of both."""
    assert not arguments, arguments
    logs.start()
    settings = config.read()
    if settings.mode != "demo":
        print("only the demo has a town · 只有演示有小镇", file=sys.stderr)
        return 1
    uvloop.run(build(settings))
    return 0


async def build(settings: config.Settings) -> None:
    """Furnish the town, introduce it in DIR/demo.json, then play; says what took how long."""
    began = time.monotonic()
    async with open_house(settings, name="littleshop town", size=3) as house:
        plans = await prepare(house)
        await furnish(house, plans)
        print(f"furnished in {time.monotonic() - began:.2f} s", flush=True)
        await play(house, plans)
        print(f"played in {time.monotonic() - began:.1f} s", flush=True)


async def prepare(house: House) -> list[Plan]:
    """The plan of every shop, leading to the moment at which the town was first begun."""
    until = await house.database.transaction(
        lambda conn: mark(conn, "begun", house.clock.now().replace(microsecond=0))
    )
    town = demo.as_written()
    return [planning.make(town, store, until) for store in town.shops]


async def furnish(house: House, plans: list[Plan]) -> None:
    """Shops, people, goods, pictures, once; DIR/demo.json each time, the address may be new."""
    told = furnishing.introduced(demo.as_written(), house.settings.public_url)
    text = json.dumps(told, ensure_ascii=False, indent=1)
    if not await _known(house.database, FURNISHED):
        past = Past(house.database)
        pictures = asyncio.create_task(furnishing.hang_pictures(house.files))
        for plan in plans:
            await furnishing.furnish(past, house.keyring, plan.store, plan)
        await pictures
        await house.database.transaction(lambda conn: mark(conn, FURNISHED, plans[0].until))
    homes.write(house.settings.home / "demo.json", text)


async def play(house: House, plans: list[Plan]) -> None:
    """The forty days: orders and visits shop by shop, then what the rail and the bank know."""
    if await _known(house.database, PLAYED):
        return
    past, until = Past(house.database), plans[0].until
    for plan in plans:
        async with house.database.connection() as conn:
            stage = await furnishing.stage(conn, house.keyring, house.calendar, plan.store)
        await playing.play(past, stage, plan)
        await neighbours.speak(past, stage, plan)
    await visits.fold(house.database, until)
    await sandboxed.tell_rail(house, until)
    await sandboxed.tell_couriers(house, until)
    await _analyze(house.settings)
    await payday.play(house, until)
    await payday.close_days(house)
    await house.database.transaction(lambda conn: mark(conn, PLAYED, until))


async def _analyze(settings: config.Settings) -> None:
    """Have the tables counted, as autovacuum would a minute later: the books are proved before each
    pay-day, and as if the tables were empty that took most of the town's time."""
    owner = await db.open_database(settings.database_url, role=None, size=1, name="littleshop town")
    try:
        async with owner.connection() as conn:
            await conn.execute("analyze")
    finally:
        await owner.close()


async def _known(database: db.Database, name: str) -> datetime | None:
    async with database.connection() as conn:
        return await done(conn, name)
