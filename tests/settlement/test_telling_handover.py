"""Buyers with something open hear, once, that somebody else keeps the shop now."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import msgspec
import pytest

from littleshop import db, jobs
from littleshop.clock import Clock
from littleshop.sale import telling_handover
from littleshop.sale.placing import Placed
from littleshop.shop import staff
from littleshop.trade.orders import Delivery
from tests.cast import CNY, PRIYA, WANTING, Town
from tests.sale.resold import Pair, pair
from tests.settlement.paper_bank import verify
from tests.settlement.test_handing_over import meets, offers, takes

ABOUT, ELSEWHERE = "shop_has_new_owner", "bought_in_has_new_owner"
NEIGHBOURS = [
    msgspec.structs.replace(WANTING, phone=f"+86138000031{place:02}") for place in range(7)
]


async def buys(town: Town, who: Delivery = WANTING, **more: object) -> str:
    """Somebody buys a bowl; the order's id."""
    bowl, phone = await town.stock("盖碗", CNY("168.00")), who.phone.encode().rjust(32)
    placed = await town.buys([bowl], CNY("168.00"), who=who, device=phone, **more)
    return str(placed.order_id)


async def pays(two: Pair, placed: Placed) -> None:
    reference = await two.town.opens_cashier(placed)
    assert await two.town.money_arrives(reference, CNY("80.00")) == "accepted"


async def owner(town: Town, shop_id: int) -> UUID:
    async with town.database.connection() as conn:
        crew = await staff.of_shop(conn, shop_id)
    return crew[0].person_id


async def changes_hands(town: Town) -> UUID:
    return (await takes(town, await meets(town), await offers(town))).handover_id


async def told(town: Town, about: str = ABOUT) -> list[str]:
    """The orders about which somebody was told, sorted."""
    async with town.database.connection() as conn:
        rows = await conn.fetch(
            "select subject from messages where shop_id = $1 and about = $2", town.shop_id, about
        )
    return sorted(row["subject"] for row in rows)


async def works(town: Town) -> None:
    """The job of this flow is done."""
    at = Clock(town.at - Clock().now())
    await jobs.drain(town.database, telling_handover.tasks(), at)


async def test_who_waits_for_something_hears_once_of_the_new_owner_and_nobody_else(
    town: Town,
) -> None:
    await verify(town)
    await buys(town)
    newest = await buys(town)  # the same phone: one word, about this one
    abroad = await buys(town, PRIYA)
    done = await town.buys([await town.stock("茶则")], CNY("168.00"), who=NEIGHBOURS[0])
    await town.ships(done)
    await town.receives(done)
    await changes_hands(town)
    town.later(minutes=1)
    await buys(town, NEIGHBOURS[1])  # from the new owner
    await works(town)
    assert await told(town) == sorted([newest, abroad])
    await works(town)
    assert await told(town) == sorted([newest, abroad])
    await town.books_balance()


async def test_a_kill_after_any_handful_leaves_nobody_out_and_tells_nobody_twice(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling_handover, "HANDFUL", 3)
    await verify(town)
    asked = [await buys(town, who) for who in NEIGHBOURS]
    handover_id = await changes_hands(town)
    handful = partial(
        telling_handover.tell, shop_id=town.shop_id, handover_id=handover_id, at=town.at
    )
    town.later(minutes=1)
    assert await town.database.transaction(handful) == 3  # and then the worker died

    async def dies(conn: db.Connection) -> None:
        assert await handful(conn) == 3
        raise RuntimeError("killed before it was written")

    with pytest.raises(RuntimeError):
        await town.database.transaction(dies)
    assert len(await told(town)) == 3
    late = await buys(town, NEIGHBOURS[0])  # who was told orders again meanwhile
    await works(town)
    assert await told(town) == sorted(asked)
    assert late not in await told(town)


async def test_who_bought_there_what_another_shop_ships_hears_who_ships_it(town: Town) -> None:
    """Once as well, in the shop that ships; not where the shop's own order was told of."""
    two = await pair(town)
    hers = replace(town, shop_id=two.reseller, person_id=await owner(town, two.reseller))
    await verify(hers)
    await two.offers()
    thing = await two.lists()
    both = await two.buys(thing, "80.00")
    await buys(hers)  # the same phone, of her own things
    for who in (NEIGHBOURS[0], NEIGHBOURS[0], NEIGHBOURS[1]):
        await pays(two, await two.places(thing, "80.00", who))
    last = await two.places(thing, "80.00", NEIGHBOURS[1])
    await two.jobs_are_done()
    await changes_hands(hers)
    hers.later(minutes=1)
    town.at = hers.at
    await two.buys(thing, "80.00")
    for _ in range(2):
        await works(hers)
    heard = await told(town, ELSEWHERE)
    assert len(heard) == 2 and str(last.order_id) in heard and str(both.order_id) not in heard
    assert len(await told(hers)) == 1 and await told(town) == []
    async with town.database.connection() as conn:
        facts = await conn.fetchval("select facts from messages where about = $1", ELSEWHERE)
    assert (facts["shop"], facts["by"]) == ("晓晓的小铺", "小满茶器")
    await town.books_balance()


async def test_by_night_the_word_waits_for_the_morning(town: Town) -> None:
    await verify(town)
    order = await buys(town)
    await changes_hands(town)
    town.at = datetime(2026, 11, 25, 15, 30, tzinfo=UTC)  # half past eleven at night
    await works(town)
    async with town.database.connection() as conn:
        due = await conn.fetchval(
            "select j.due_at from jobs j join messages m on m.message_id::text ="
            " j.arguments ->> 'message_id' where m.about = $1",
            ABOUT,
        )
    assert (await told(town), due) == ([order], datetime(2026, 11, 26, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("hour", "waits"), [(9, 0), (20, 0), (21, 12), (0, 9), (8, 1)], ids=lambda hour: f"{hour} h"
)
async def test_phones_wait_until_nine(hour: int, waits: int) -> None:
    at = datetime(2026, 11, 25, hour, tzinfo=UTC) - timedelta(hours=8)
    assert telling_handover.until_day("Asia/Shanghai", at) == timedelta(hours=waits)
