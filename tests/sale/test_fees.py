"""What the platform takes: agreed when it is ordered, given back to the fen, never changed."""

from __future__ import annotations

from datetime import timedelta

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as some

from littleshop import db
from littleshop.money import Money
from littleshop.trade import fees
from littleshop.trade.fees import Rate
from tests.cast import CNY, Town
from tests.sale.after_sale import after
from tests.sale.charges import schedule

RATES = some.builds(
    lambda bps, fixed, lowest, more: Rate(
        bps, fixed, lowest, None if more is None else lowest + more
    ),
    some.integers(0, 10_000),
    some.integers(0, 500),
    some.integers(0, 500),
    some.none() | some.integers(0, 5_000),
)


@given(RATES, some.lists(some.integers(1, 50_000), min_size=1, max_size=8))
def test_partial_refunds_give_back_the_whole_fee_and_no_fen_more(
    rate: Rate, parts: list[int]
) -> None:
    left, given_back = Money(sum(parts), "CNY"), Money(0, "CNY")
    whole = rate.of(left)
    for minor in parts:
        part = Money(minor, "CNY")
        ours = rate.between(left - part, left)
        assert 0 <= ours.minor <= part.minor
        given_back, left = given_back + ours, left - part
    assert (given_back, left.minor) == (whole, 0)


@pytest.mark.parametrize(
    "rate, of, takes",
    [
        (Rate(60), "100.00", "0.60"),
        (Rate(60, 30), "100.00", "0.90"),
        (Rate(60, 0, 100), "100.00", "1.00"),
        (Rate(500, 0, 0, 300), "100.00", "3.00"),
        (Rate(60, 0, 100), "0.40", "0.40"),
        (Rate(60, 30, 100), "0.00", "0.00"),
    ],
)
async def test_a_rate_in_python_is_the_rate_in_the_audit(
    owner: db.Connection, rate: Rate, of: str, takes: str
) -> None:
    assert rate.of(CNY(of)) == CNY(takes)
    said = await owner.fetchval(
        "select fee_of($1, $2, $3, $4, $5)",
        CNY(of).minor, rate.bps, rate.fixed_minor, rate.lowest_minor, rate.highest_minor,
    )  # fmt: skip
    assert said == CNY(takes).minor


async def test_a_later_schedule_touches_no_order_that_was_placed(town: Town) -> None:
    await schedule(town, {"": Rate(300)})
    sale = await after(town)
    await schedule(town, {"": Rate(1000, 100)})
    await town.ships(sale.placed)
    await town.receives(sale.placed)
    assert await town.balance("commission") == CNY("3.00")
    later = await after(town)
    await town.ships(later.placed, "SF1408223100672")
    await town.receives(later.placed)
    assert await town.balance("commission") == CNY("14.00")
    await town.books_balance()


async def test_the_rail_it_was_paid_over_has_its_own_rate(town: Town) -> None:
    await schedule(town, {"": Rate(300), "alipay": Rate(100, 20), "wechat_pay": Rate(900)})
    sale = await after(town)
    await town.ships(sale.placed)
    await town.receives(sale.placed)
    assert await town.balance("commission") == CNY("1.20")
    for part in ("30.00", "33.33", "36.67"):
        await sale.asks("refund", part)
        await sale.seller_agrees()
        await sale.rail_sends_all_back()
    assert await town.balance("commission") == CNY("0.00")
    assert await town.balance("payable") == CNY("0.00")
    await town.books_balance()


async def test_a_shop_may_have_its_own_until_it_follows_the_platform_again(town: Town) -> None:
    await schedule(town, {"": Rate(300)}, name="标准")
    await schedule(town, {"": Rate(50)}, of_shop_id=town.shop_id, name="开业优惠")
    ends = town.at + timedelta(days=30)
    await schedule(town, {}, of_shop_id=town.shop_id, starts_at=ends, name="标准")

    async def named(at_days: int, shop_id: int = town.shop_id) -> str:
        async with town.database.connection() as conn:
            found = await fees.in_force(conn, shop_id, "CNY", town.at + timedelta(days=at_days))
        return found.name if found else ""

    assert [await named(0), await named(31)] == ["开业优惠", "标准"]
    assert await named(0, town.shop_id + 1) == "标准"
    async with town.database.connection() as conn:
        assert await fees.next_moment(conn, town.shop_id, "CNY", town.at) == ends
    async with town.database.connection() as conn:
        assert await fees.in_force(conn, town.shop_id, "USD", town.at) is None


async def test_without_any_schedule_the_commission_of_the_shop_holds(
    town: Town, owner: db.Connection
) -> None:
    await owner.execute("update shops set commission_bps = 250")
    sale = await after(town)
    await town.ships(sale.placed)
    await town.receives(sale.placed)
    assert await town.balance("commission") == CNY("2.50")
    assert await owner.fetchval("select count(*) from order_fees") == 0
    await town.books_balance()


async def test_the_program_cannot_change_what_was_agreed(town: Town) -> None:
    await schedule(town, {"": Rate(300)})
    for sql in ("update fee_rates set rate_bps = 900", "delete from fee_schedules"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with town.database.connection() as conn:
                await conn.execute(sql)
