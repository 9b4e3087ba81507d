"""Word to a seller climbs until somebody has seen it, and floods nobody."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from littleshop import db
from littleshop.identity import people, phones
from littleshop.notify import push, subscriptions, ways
from littleshop.notify.ways import Ways
from littleshop.sale import alerting, telling
from littleshop.shop import staff
from littleshop.trade import timers
from tests.cast import CNY, Town
from tests.notify.test_push import ENDPOINT, Browser, sender
from tests.sale.gates import Gate, race

PRICE = CNY("168.00")


async def sells(town: Town) -> None:
    await town.buys([await town.stock(price=PRICE)], PRICE)


async def told(town: Town) -> list[tuple[str, str]]:
    """What the shop's people were told so far, by which channel."""
    async with town.database.connection() as conn:
        rows = await conn.fetch(
            "select about, channel from messages where shop_id = $1 and person_id is not null"
            " order by asked_at, message_id",
            town.shop_id,
        )
    return [(row["about"], row["channel"]) for row in rows]


async def listens(town: Town, endpoint: str = ENDPOINT) -> None:
    """A browser of the owner wants to be told."""
    owner = town.person_id
    assert owner is not None
    browser = Browser()
    keys = {"p256dh": push.encoded(browser.point), "auth": push.encoded(browser.auth)}
    await town.database.transaction(
        lambda conn: subscriptions.add(
            conn, town.shop_id, owner, sender(), endpoint=endpoint, **keys, locale="en", at=town.at
        )
    )


async def wants(town: Town, chosen: Ways) -> None:
    owner = town.person_id
    assert owner is not None
    await town.database.transaction(
        lambda conn: ways.keep(conn, town.shop_id, owner, chosen, town.at)
    )


async def looks(town: Town) -> None:
    await alerting.look(town.database, town.shop_id, town.at, person_id=town.person_id)


async def packer(town: Town) -> UUID:
    async def work(conn: db.Connection) -> UUID:
        one = await people.meet(
            conn, town.keyring, phones.parse("13900001022"), locale="zh-CN", at=town.at
        )
        await staff.add(conn, town.shop_id, one.person_id, role="packer", at=town.at)
        return one.person_id

    return await town.database.transaction(work)


async def climbing(town: Town) -> int:
    async with town.database.connection() as conn:
        found = await timers.due(conn, town.at + timedelta(days=9))
    return len([each for each in found if each.kind == alerting.CLIMB])


async def test_it_climbs_from_browser_to_phone_to_mail_to_a_second_person_until_it_is_seen(
    town: Town,
) -> None:
    await listens(town)
    other = await packer(town)
    seal = town.keyring.seal
    await wants(
        town,
        Ways(second_person=other, openid_sealed=seal("oOpenid123"),
             email_sealed=seal("x@shop.example"), email_ok_at=town.at),
    )  # fmt: skip
    await sells(town)
    expected = [("order_paid", "push")]
    assert await told(town) == expected
    for minutes, channel in ((3, "wechat"), (5, "sms"), (15, "email"), (15, "sms")):
        town.later(minutes=minutes - 1)
        await town.clocks_strike()
        assert await told(town) == expected  # not before its time
        town.later(minutes=1)
        await town.clocks_strike()
        expected.append(("order_paid", channel))
        assert await told(town) == expected
    assert await climbing(town) == 0  # there is no further rung
    await looks(town)
    town.later(minutes=1)
    await sells(town)
    town.later(minutes=2)
    await looks(town)
    town.later(hours=2)
    await town.clocks_strike()
    assert (await told(town))[len(expected) :] == [("order_paid", "push")]
    assert await climbing(town) == 0
    await town.books_balance()


async def test_who_has_no_browser_hears_by_sms_at_once_and_of_many_in_one_sentence(
    town: Town,
) -> None:
    for _ in range(4):
        await sells(town)
        town.later(minutes=1)
    assert await told(town) == [("order_paid", "sms")]
    town.later(minutes=6)  # ten since the first
    await town.clocks_strike()
    await town.clocks_strike()
    assert await told(town) == [("order_paid", "sms"), ("orders_wait", "sms")]
    async with town.database.connection() as conn:
        facts = await conn.fetchval("select facts from messages where about = 'orders_wait'")
    assert facts["count"] == 3  # since the first
    town.later(hours=3)
    await town.clocks_strike()
    assert len(await told(town)) == 2 and await climbing(town) == 0


async def test_quiet_hours_hold_it_back_until_the_morning_and_a_switch_turns_a_way_off(
    town: Town,
) -> None:
    await wants(town, Ways(quiet_from=22, quiet_until=7))
    town.at = town.at.replace(hour=15)  # eleven at night in Beijing
    await sells(town)
    assert await told(town) == []
    town.later(hours=7, minutes=59)
    await town.clocks_strike()
    assert await told(town) == []
    town.later(minutes=1)
    await town.clocks_strike()
    assert await told(town) == [("order_paid", "sms")]
    await looks(town)
    await wants(town, Ways(sms=False))
    await sells(town)
    town.later(hours=3)
    await town.clocks_strike()
    assert await told(town) == [("order_paid", "sms")]


async def test_an_alert_that_is_told_twice_is_one(town: Town) -> None:
    for _ in range(2):
        await town.database.transaction(
            lambda conn: alerting.tell(
                conn, town.shop_id, "talk_asked", "one", town.at, occasion="1", name="", url="/"
            )
        )
    assert await told(town) == [("talk_asked", "sms")]


async def one_asks(town: Town, conn: db.Connection, which: str) -> None:
    await alerting.tell(conn, town.shop_id, "case_asked", which, town.at, url="/")


@pytest.mark.usefixtures("impatient")
async def test_of_two_things_at_once_one_rings_and_the_other_keeps_the_pace(
    town: Town, twin: Town, gate: Gate
) -> None:
    async with town.database.connection() as conn, conn.transaction():
        await one_asks(town, conn, "one")
        other = asyncio.ensure_future(
            twin.database.transaction(lambda conn: one_asks(twin, conn, "two"))
        )
        await gate.queue([other])
    await other
    assert await told(town) == [("case_asked", "sms")]
    assert await climbing(town) == 2


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("turn", [1, -1], ids=["as_said", "the_other_way"])
async def test_two_that_climb_while_somebody_looks_wait_for_one_another(
    town: Town, twin: Town, gate: Gate, turn: int
) -> None:
    """Each wants to speak for the other too, and who looks sees both."""
    await sells(town)  # rings, and the next two wait for ten minutes to be over
    for _ in range(2):
        await sells(town)
    twin.at = town.later(minutes=10)
    async with town.database.connection() as conn:
        clocks = [each for each in await timers.due(conn, town.at) if each.kind == alerting.CLIMB]
    assert len(clocks) == 2
    held = "select from alerts where shop_id = $1 order by raised_at for update"
    await gate.shut(held, town.shop_id)
    acts = [
        lambda: town.database.transaction(lambda conn: alerting.climb(conn, clocks[0], town.at)),
        lambda: twin.database.transaction(lambda conn: alerting.climb(conn, clocks[1], twin.at)),
        lambda: looks(town),
    ]
    ends = await race(gate, *acts[::turn])
    assert not [each for each in ends if isinstance(each, BaseException)], ends
    assert await told(town) in (
        [("order_paid", "sms"), ("orders_wait", "sms")], [("order_paid", "sms")],
    )  # fmt: skip
    assert await climbing(town) == 0


async def hired(town: Town, how_many: int) -> None:
    """So many more may ship, and have browsers that listen."""

    async def work(conn: db.Connection) -> None:
        for each in range(how_many):
            phone = phones.parse(f"139000020{each:02d}")
            one = await people.meet(conn, town.keyring, phone, locale="zh-CN", at=town.at)
            await staff.add(conn, town.shop_id, one.person_id, role="manager", at=town.at)
            browser = Browser()
            keys = {"p256dh": push.encoded(browser.point), "auth": push.encoded(browser.auth)}
            await subscriptions.add(
                conn, town.shop_id, one.person_id, sender(), **keys, locale="en", at=town.at,
                endpoint=f"{ENDPOINT}{each}",
            )  # fmt: skip

    await town.database.transaction(work)


@pytest.mark.parametrize("about", ["remind_ship", "codes_short"])  # one climbs, the other does not
async def test_a_crew_of_eight_is_looked_up_in_as_many_reads_as_one_of_two(
    town: Town, about: str
) -> None:
    placed = await town.buys([await town.stock(price=PRICE)], PRICE)
    order, reads = await town.order(placed), []
    for crew in (2, 8):
        await hired(town, crew)
        asked: list[str] = []
        async with town.database.connection() as conn:
            with conn.query_logger(lambda record, kept=asked: kept.append(record.query)):
                await telling.seller(conn, order, about, town.at, occasion=str(crew))
        reads.append(sum(each.lstrip().startswith("select") for each in asked))
        assert len([each for each in await told(town) if each[0] == about]) >= crew
    assert reads[0] == reads[1] > 3
