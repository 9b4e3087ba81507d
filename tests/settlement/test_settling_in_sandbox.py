"""A payout's whole life at a real bank process, from the run to the statement."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest_asyncio

from littleshop.clock import SHANGHAI, BusinessCalendar
from littleshop.settlement import banks, daily, payouts
from littleshop.settlement.banks import Bank
from littleshop.settlement.daily import Day
from littleshop.settlement.desks import Desk
from tests import sandbox_process
from tests.cast import CNY, Town
from tests.sandbox_process import Sandbox
from tests.settlement.paper_bank import sells, verify


@pytest_asyncio.fixture
async def outside(tmp_path: Path) -> AsyncIterator[tuple[Sandbox, Bank]]:
    """A sandbox and our account at its bank."""
    with sandbox_process.running(tmp_path) as sandbox:
        told = await sandbox.control("/control/bank/accounts", {"name": "小店科技"})
        rail = {
            "base_url": f"{sandbox.url}/bank",
            "debtor_name": "小店科技",
            "debtor_account": told["account"],
            "debtor_cnaps": told["cnaps"],
            "key": told["key"],
        }
        bank = banks.open({"bank": rail})
        assert bank is not None
        yield sandbox, bank
        await bank.disconnect()


async def test_a_seller_is_paid_and_a_closed_account_gives_it_back(
    town: Town, outside: tuple[Sandbox, Bank]
) -> None:
    sandbox, bank = outside
    start = datetime.now(UTC)
    first = start.astimezone(SHANGHAI).date()
    # every day works, whatever day this test runs on
    town.calendar = BusinessCalendar({first + timedelta(days=n): True for n in range(12)})
    town.at = start
    await verify(town)
    await sells(town, CNY("168.00"))
    shop = town.shop_id
    await town.open_shop("远山茶铺", "yuanshan", "+8613900001003")
    await verify(town, number="6214830000000010")  # its bank sends everything back
    await sells(town, CNY("12.00"), "SF1408223100672")

    async def settle(days: int) -> tuple[date, Day]:
        town.at = start + timedelta(days=days)
        await sandbox.control("/control/clock", {"offset_seconds": days * 86400})
        on = town.at.astimezone(SHANGHAI).date()
        return on, await daily.settle_day(
            Desk(town.database, bank, town.keyring, town.calendar), on, town.at
        )

    _, sent = await settle(2)
    assert {one.status for one in sent.payouts} == {"sent"}, sent.problems
    assert sent.problems == []
    await settle(4)
    async with town.database.connection() as conn:
        states = {
            one.shop_id: (one.status, one.reason)
            for one in await payouts.of_run(conn, sent.run.run_id)
        }
    assert states == {shop: ("done", ""), town.shop_id: ("returned", "wrong_account")}
    assert await town.balance("payable") == CNY("12.00")
    _, again = await settle(6)  # heard after the cut-off, it counts for the day after
    assert [(one.amount, one.need) for one in again.payouts] == [(CNY("12.00"), CNY("0.00"))]
    await town.books_balance()
