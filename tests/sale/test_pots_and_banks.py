"""What several chip in for, when a part is paid twice, given back, or taken by a bank."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from littleshop import db, ids
from littleshop.errors import Conflict, Refused
from littleshop.ledger import chart
from littleshop.money import Money
from littleshop.pay import payments
from littleshop.sale import charging_back, paying, refunding
from littleshop.sale.paying import PartDue
from littleshop.sale.placing import Placed
from littleshop.trade import claims, teams, timers
from tests.cast import CNY, WANTING, Town
from tests.sale import test_teaming as seats
from tests.sale.test_kinds_of_orders import BOWL, chips_in, places, sent_back, wish


async def pot(town: Town, *parts: Money) -> tuple[Placed, list[str]]:
    """A bowl that friends chip in for, and the references of what they gave."""
    bowl = await town.stock(pieces=1)
    placed = await places(town, wish(town, [bowl], BOWL, "chip_in", WANTING))
    given = []
    for part in parts:
        town.later(minutes=1)
        given.append((await chips_in(town, placed, part))[0])
    return placed, given


async def asks(town: Town, placed: Placed, part: PartDue, method: str) -> str:
    async def work(conn: db.Connection) -> str:
        asked = await paying.ask(
            conn, town.shop_id, placed.order_id, gateway="alipay", method=method, part=part,
            at=town.at,
        )  # fmt: skip
        return asked.reference

    return await town.database.transaction(work)


async def bank_asks(town: Town, reference: str, amount: Money) -> None:
    await town.database.transaction(
        lambda conn: charging_back.hear_opened(conn, town.shop_id, reference, amount, town.at)
    )


async def bank_decides(town: Town, reference: str, amount: Money, *, won: bool) -> None:
    await town.database.transaction(
        lambda conn: charging_back.hear_ended(
            conn, town.shop_id, reference, amount, won=won, at=town.at
        )
    )


async def gives_back(town: Town, placed: Placed, amount: Money) -> None:
    async def give(conn: db.Connection) -> None:
        order = await town.order(placed)
        await refunding.give_back(
            conn, order, amount, reason="offered", refund_id=ids.uuid7(town.at), at=town.at
        )

    await town.database.transaction(give)
    await sent_back(town, placed)


async def test_one_part_paid_two_ways_is_kept_once(town: Town) -> None:
    placed, _ = await pot(town)
    part = PartDue(ids.uuid7(town.at), CNY("50.00"))
    first, second = [await asks(town, placed, part, method) for method in ("wap", "qr")]
    assert await town.money_arrives(first, part.amount) == "accepted"
    assert await town.money_arrives(second, part.amount) == "returned"
    with pytest.raises(Refused, match="not_payable"):
        await asks(town, placed, part, "page")
    await sent_back(town, placed)
    await town.books_balance()


async def test_a_refund_after_receipt_takes_each_share_back_under_its_own_number(
    town: Town,
) -> None:
    placed, _ = await pot(town, CNY("100.00"), CNY("68.00"))
    await town.ships(placed)
    await town.receives(placed)
    await gives_back(town, placed, CNY("90.00"))
    await town.books_balance()


async def test_a_pot_of_which_a_bank_takes_a_part_ends_and_the_others_get_theirs(
    town: Town,
) -> None:
    placed, given = await pot(town, CNY("60.00"), CNY("40.00"))
    begun = await asks(town, placed, PartDue(ids.uuid7(town.at), CNY("68.00")), "wap")
    await bank_decides(town, given[0], CNY("60.00"), won=False)
    assert (await town.order(placed)).status == "cancelled"
    assert await town.money_arrives(begun, CNY("68.00")) == "returned"
    await sent_back(town, placed)
    assert await town.balance(chart.ESCROW) == CNY("0.00")
    await town.books_balance()


async def test_a_bank_takes_no_more_of_a_part_than_had_not_gone_back(town: Town) -> None:
    placed, given = await pot(town, CNY("100.00"), CNY("68.00"))
    await gives_back(town, placed, CNY("20.00"))  # of the last part
    await bank_decides(town, given[1], CNY("68.00"), won=False)
    order = await town.order(placed)
    assert (order.held_minor, order.refunded_minor) == (10000, 6800)
    await town.books_balance()


async def test_a_pot_whose_hour_strikes_while_a_bank_decides_gives_back_afterwards(
    town: Town,
) -> None:
    placed, given = await pot(town, CNY("60.00"), CNY("40.00"))
    await bank_asks(town, given[0], CNY("60.00"))
    town.later(hours=30)
    await town.clocks_strike()
    assert (await town.order(placed)).status == "collecting"
    await bank_decides(town, given[0], CNY("60.00"), won=True)
    town.later(hours=30)
    await town.clocks_strike()
    assert (await town.order(placed)).status == "cancelled"
    await sent_back(town, placed)
    await town.books_balance()


async def test_a_pot_that_fills_while_a_bank_decides_starts_no_clock_of_the_seller(
    town: Town,
) -> None:
    placed, given = await pot(town, CNY("60.00"))
    await bank_asks(town, given[0], CNY("60.00"))
    await chips_in(town, placed, CNY("108.00"))
    async with town.database.connection() as conn:
        clocks = await timers.of(conn, town.shop_id, placed.order_id)
    assert clocks and all(clock.paused_at for clock in clocks)
    await town.books_balance()


async def test_a_seat_that_a_bank_took_is_free_again(town: Town) -> None:
    bowl = await seats.offers(town)
    first, team = await seats.begins(town, bowl)
    reference = await town.opens_cashier(first)
    await town.money_arrives(reference, seats.SEAT)
    await bank_decides(town, reference, seats.SEAT, won=False)
    others = [await seats.joins(town, bowl, team, number) for number in (2, 3, 4)]
    for each in others:
        await seats.pays(town, each)
    assert await seats.states(town, first, *others) == ["refunded", *["to_ship"] * 3]
    await town.books_balance()


async def test_a_page_of_a_pot_pays_nothing_as_another_kind(town: Town) -> None:
    bowl = await town.stock(pieces=2)
    asked = wish(town, [bowl], BOWL, "chip_in", WANTING)
    await places(town, asked)
    with pytest.raises(Conflict):
        await places(town, msgspec.structs.replace(asked, kind="pay_for_me"))


async def test_the_same_press_in_two_processes_opens_one_team(town: Town, twin: Town) -> None:
    bowl = await seats.offers(town)
    asked = seats.wish(town, bowl, seats.somebody(1))
    pressed = await asyncio.gather(*(seats.presses(each, asked) for each in (town, twin, town)))
    assert pressed[0] == pressed[1] == pressed[2]
    async with town.database.connection() as conn:
        team = await teams.of_order(conn, town.shop_id, pressed[0].order_id)
        assert team is not None
        assert (await claims.get(conn, town.shop_id, team.team_id)).taken == 1
        assert await payments.of_order(conn, town.shop_id, pressed[0].order_id) == []
    await town.books_balance()
