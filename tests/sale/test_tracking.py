"""A parcel's way: what couriers say comes late, twice, out of order, of another parcel or never;
what it does to the money, and what stops it."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from littleshop import db, tasks
from littleshop.clock import Clock
from littleshop.errors import Refused
from littleshop.jobs import Context
from littleshop.money import Money
from littleshop.notify import alerts, messages
from littleshop.sale import delivering, receiving, returning, shipping, tracking, undoing
from littleshop.sale.placing import Placed
from littleshop.sale.returning import Wish
from littleshop.trade import deliveries, timers, trackings
from littleshop.trade.deliveries import Parcel
from littleshop.trade.timers import Timer
from littleshop.trade.trackers import Scan, Told
from tests.cast import CNY, Town

PRICE = CNY("168.00")


async def sold(town: Town) -> Placed:
    return await town.buys([await town.stock()], PRICE)


async def parcels(town: Town, placed: Placed) -> list[Parcel]:
    async with town.database.connection() as conn:
        return await deliveries.of_order(conn, town.shop_id, placed.order_id)


def scan(at: datetime, state: str, words: str = "") -> Scan:
    return Scan(at, state, words or f"快件{state}")


async def says(town: Town, placed: Placed, *scans: Scan, number: str = "", nth: int = 0) -> None:
    """The tracking service says so of a parcel."""
    parcel = (await parcels(town, placed))[nth]
    told = Told(number or parcel.tracking_number, scans)

    async def work(conn: db.Connection) -> None:
        known = await trackings.get(conn, town.shop_id, parcel.parcel_id)
        assert known is not None
        await delivering.hear(conn, town.keyring, known, told, town.at)

    await town.database.transaction(work)


async def clock(town: Town, placed: Placed, kind: str = "confirm_by") -> Timer:
    async with town.database.connection() as conn:
        running = await timers.of(conn, town.shop_id, placed.order_id)
    return next(each for each in running if each.kind == kind)


async def state(town: Town, placed: Placed, nth: int = 0) -> str:
    parcel = (await parcels(town, placed))[nth]
    async with town.database.connection() as conn:
        known = await trackings.get(conn, town.shop_id, parcel.parcel_id)
    assert known is not None
    return known.state


async def objects(town: Town, placed: Placed) -> None:
    order = await town.order(placed)
    await town.database.transaction(lambda conn: delivering.object_to(conn, order, town.at))


async def told_buyer(town: Town, placed: Placed) -> list[tuple[str, str]]:
    async with town.database.connection() as conn:
        said = await messages.of(conn, town.shop_id, placed.order_id)
    return [(each.about, each.status) for each in said if each.about.startswith("order_")]


async def test_two_days_after_delivery_the_seller_has_the_money(town: Town) -> None:
    placed = await sold(town)
    await town.ships(placed)
    left = town.at
    town.later(hours=26)
    await says(town, placed, scan(left + timedelta(hours=1), "picked_up"))
    assert (await town.order(placed)).status == "shipped"
    came = town.at - timedelta(minutes=30)
    await says(town, placed, scan(came, "delivered"))
    order = await town.order(placed)
    assert (order.status, order.delivered_at) == ("delivered", came)
    assert (await clock(town, placed)).due_at == town.at + timedelta(days=2)
    assert ("order_delivered", "waiting") in await told_buyer(town, placed)
    town.later(days=1, hours=23)
    await town.clocks_strike()
    assert (await town.balance("payable")) == CNY("0.00")
    town.later(hours=1)
    await town.clocks_strike()
    assert (await town.order(placed)).status == "received"
    assert (await town.balance("payable")) == PRICE
    await town.books_balance()


async def test_a_number_of_a_parcel_that_is_there_long_since_starts_no_clock(town: Town) -> None:
    """A seller's way to his money eight days sooner, were it not for this."""
    placed = await sold(town)
    await town.ships(placed)
    due = (await clock(town, placed)).due_at
    await says(town, placed, scan(town.at - timedelta(hours=60), "delivered"))
    assert (await town.order(placed)).status == "shipped"
    assert (await clock(town, placed)).due_at == due


async def test_news_that_come_late_twice_and_out_of_order_are_put_in_the_couriers_order(
    town: Town,
) -> None:
    placed = await sold(town)
    await town.ships(placed)
    left = town.later(hours=30) - timedelta(hours=30)
    first = scan(left + timedelta(hours=1), "picked_up", "已揽收")
    last = scan(left + timedelta(hours=29), "delivered", "已签收")
    await says(town, placed, last)
    due = (await clock(town, placed)).due_at
    town.later(hours=5)
    await says(town, placed, first)  # late: it was before
    await says(town, placed, first, last)  # and everything again
    assert await state(town, placed) == "delivered"
    assert (await clock(town, placed)).due_at == due
    async with town.database.connection() as conn:
        way = await trackings.scans_of(conn, town.shop_id, placed.order_id)
    assert [each.words(town.keyring) for each in way] == ["已签收", "已揽收"]


async def test_what_couriers_and_alerts_said_is_forgotten_when_its_term_is_over(
    town: Town,
) -> None:
    placed = await sold(town)
    await town.ships(placed)
    await says(town, placed, scan(town.at, "delivered", "本人签收"))
    began = town.at
    for term, table in ((alerts.KEPT, "alerts"), (trackings.SCANS_KEPT, "scans")):
        for after, left in ((timedelta(), 1), (timedelta(seconds=1), 0)):
            await tasks.sweep_forgotten(
                Context(town.database, Clock(), began + term + after, uuid4(), 1)
            )
            async with town.database.connection() as conn:
                assert await conn.fetchval(f"select count(*) from {table}") == left
    assert await state(town, placed) == "delivered"  # the order's page still says where it came to


async def test_what_is_said_of_another_parcel_of_last_year_or_of_tomorrow_counts_for_nothing(
    town: Town,
) -> None:
    placed = await sold(town)
    await town.ships(placed)
    town.later(hours=20)
    await says(town, placed, scan(town.at, "delivered"), number="SF0000000000000")
    await says(town, placed, scan(town.at - timedelta(days=300), "delivered"))
    await says(town, placed, scan(town.at + timedelta(days=1), "delivered"))
    assert (await town.order(placed)).status == "shipped"
    assert await state(town, placed) == "unknown"


async def test_of_several_parcels_the_last_one_starts_the_two_days(town: Town) -> None:
    item = await town.stock(pieces=4)
    placed = await town.buys([type(item)(item.variant_id, 3)], PRICE * 3)

    async def part(number: str, pieces: dict[int, int] | None) -> None:
        await town.database.transaction(
            lambda conn: shipping.ship(
                conn, town.shop_id, placed.order_id, carrier="sf", number=number,
                at=town.at, pieces=pieces,
            )
        )  # fmt: skip

    await part("SF1408223100001", {1: 1})
    town.later(hours=20)
    await says(town, placed, scan(town.at, "delivered"))
    assert (await town.order(placed)).status == "to_ship"
    await part("SF1408223100002", {1: 1})
    town.later(hours=1)
    await part("SF1408223100003", None)
    left = town.at
    town.later(hours=20)
    await says(town, placed, scan(town.at, "delivered"), nth=1)
    assert (await town.order(placed)).status == "shipped"
    assert (await clock(town, placed)).due_at == left + timedelta(days=10)
    await says(town, placed, scan(town.at, "delivered"), nth=2)
    assert (await town.order(placed)).status == "delivered"
    assert (await clock(town, placed)).due_at == town.at + timedelta(days=2)
    await town.books_balance()


async def test_nothing_is_paid_while_the_buyer_wants_it_back(town: Town) -> None:
    placed = await sold(town)
    await town.ships(placed)
    town.later(hours=10)
    wish = Wish("refund", "damaged", Money(1000, "CNY"), "a chip")
    case = await town.database.transaction(
        lambda conn: returning.ask(conn, town.shop_id, placed.order_id, wish, town.at)
    )
    town.later(hours=10)
    await says(town, placed, scan(town.at, "delivered"))
    assert (await town.order(placed)).status == "delivered"
    assert (await clock(town, placed)).paused_at == town.at
    assert "order_delivered" not in dict(await told_buyer(town, placed))
    town.later(days=1)
    await town.database.transaction(
        lambda conn: returning.withdraw(conn, town.shop_id, case.case_id, by="buyer", at=town.at)
    )
    assert (await clock(town, placed)).due_at == town.at + timedelta(days=2)  # all of them
    town.later(days=2)
    await town.clocks_strike()
    assert (await town.order(placed)).status == "received"
    await town.books_balance()


async def test_the_three_days_more_are_kept_when_it_is_delivered(town: Town) -> None:
    placed = await sold(town)
    await town.ships(placed)
    await town.database.transaction(
        lambda conn: receiving.extend(conn, town.shop_id, placed.order_id, town.at)
    )
    town.later(hours=20)
    await says(town, placed, scan(town.at, "delivered"))
    assert (await clock(town, placed)).due_at == town.at + timedelta(days=5)


async def test_who_has_nothing_says_so_and_no_courier_says_otherwise_again(town: Town) -> None:
    placed = await sold(town)
    await town.ships(placed)
    left = town.at
    with pytest.raises(Refused):
        await objects(town, placed)  # nobody said that it came
    town.later(hours=20)
    await says(town, placed, scan(town.at, "delivered"))
    town.later(hours=5)
    await objects(town, placed)
    assert (await town.order(placed)).status == "shipped"
    assert (await clock(town, placed)).due_at == left + timedelta(days=10)
    await says(town, placed, scan(town.at, "delivered", "已签收，本人"))
    assert (await town.order(placed)).status == "shipped"
    town.later(days=2)
    await town.clocks_strike()
    assert await town.balance("payable") == CNY("0.00")
    await town.books_balance()


async def test_what_was_delivered_and_comes_back_has_not_been_delivered(town: Town) -> None:
    placed = await sold(town)
    await town.ships(placed)
    left = town.at
    town.later(hours=20)
    await says(town, placed, scan(town.at, "delivered"))
    town.later(days=1)
    await says(town, placed, scan(town.at, "returning"))
    order = await town.order(placed)
    assert (order.status, order.delivered_at) == ("shipped", None)
    assert (await clock(town, placed)).due_at == left + timedelta(days=10)


async def test_a_wrong_number_is_corrected_and_what_was_said_of_it_is_forgotten(
    town: Town,
) -> None:
    placed = await sold(town)
    await town.ships(placed)
    town.later(hours=20)
    await says(town, placed, scan(town.at, "delivered"))
    [parcel] = await parcels(town, placed)
    order = await town.order(placed)
    await town.database.transaction(
        lambda conn: shipping.correct(
            conn, town.shop_id, order, parcel.parcel_id, carrier="zto",
            number="75301186440201", at=town.at,
        )
    )  # fmt: skip
    assert (await town.order(placed)).status == "shipped"
    assert await state(town, placed) == "unknown"


async def test_a_parcel_that_nobody_speaks_of_is_asked_about_until_it_is_there(
    town: Town, owner: db.Connection
) -> None:
    placed = await sold(town)
    await town.ships(placed)

    async def asked() -> int:
        await town.clocks_strike()
        sql = "select count(*) from jobs where name = $1"
        return int(await owner.fetchval(sql, tracking.QUERY))

    town.later(hours=11)
    assert await asked() == 0
    town.later(hours=1)
    assert await asked() == 1
    await owner.execute("delete from jobs where name = $1", tracking.QUERY)
    town.later(hours=2)
    await says(town, placed, scan(town.at, "in_transit"))
    town.later(hours=11)
    assert await asked() == 0  # it was heard of meanwhile
    town.later(hours=1)
    assert await asked() == 1
    await town.receives(placed)
    await owner.execute("delete from jobs where name = $1", tracking.QUERY)
    town.later(days=3)
    assert await asked() == 0


async def undo(town: Town, placed: Placed, parcel_id: UUID | None = None) -> None:
    which = parcel_id or (await parcels(town, placed))[-1].parcel_id
    await town.database.transaction(
        lambda conn: undoing.undo(conn, town.shop_id, placed.order_id, which, town.at)
    )


async def test_a_shipping_is_undone_as_long_as_nobody_was_told(town: Town) -> None:
    placed = await sold(town)
    before = (await clock(town, placed, "ship_by")).due_at
    town.later(hours=3)
    await town.ships(placed)
    town.later(seconds=20)
    await undo(town, placed)
    assert (await town.order(placed)).status == "to_ship"
    assert (await clock(town, placed, "ship_by")).due_at == before
    assert await parcels(town, placed) == []
    assert [each for each in await told_buyer(town, placed) if each[0] == "order_shipped"] == [
        ("order_shipped", "unwanted")
    ]
    await town.books_balance()
    await town.ships(placed)  # and with the same number after all
    assert [s for a, s in await told_buyer(town, placed) if a == "order_shipped"] == [
        "unwanted",
        "waiting",
    ]
    town.later(seconds=30)
    with pytest.raises(Refused):
        await undo(town, placed)
    await town.receives(placed)
    assert await town.balance("payable") == PRICE
    await town.books_balance()


async def test_the_barcode_of_a_thing_on_the_shelf_is_no_parcels_number(
    town: Town, owner: db.Connection
) -> None:
    placed = await sold(town)
    await owner.execute("update variants set barcode = '3014260115531'")
    with pytest.raises(Refused) as no:
        await town.ships(placed, "3014260115531")
    assert (no.value.code, no.value.details) == ("barcode_of_own", {"title": "青灰釉盖碗"})
    assert (await town.order(placed)).status == "to_ship"
