"""A custody account at the bank: it is told each day whose the money is, and pays for a shop only
what that shop has there."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from littleshop.clock import SHANGHAI, BusinessCalendar
from littleshop.settlement import banks, custody, daily, payouts
from littleshop.settlement.bank_answers import Statement
from littleshop.settlement.bank_files import PayoutBatch, PayoutInstruction
from littleshop.settlement.banks import Bank
from littleshop.settlement.daily import Day
from littleshop.settlement.desks import Desk
from littleshop.settlement.payouts import Payout
from tests import sandbox_process
from tests.cast import CNY, Town
from tests.sandbox_process import Sandbox
from tests.settlement.paper_bank import PaperBank, beijing, sells, verify
from tests.settlement.test_settling import MON, TUE, bank, of_shop

__all__ = ["bank"]  # the fixture
OPENING = CNY("1000.00")


class Custodian:
    """The town and a custody account at a real bank process."""

    def __init__(self, town: Town, sandbox: Sandbox, at_bank: Bank) -> None:
        self.town, self.sandbox, self.bank = town, sandbox, at_bank
        self.start = datetime.now(UTC)
        first = self.start.astimezone(SHANGHAI).date()
        town.calendar = BusinessCalendar({first + timedelta(days=n): True for n in range(12)})
        town.at = self.start

    async def settles(self, days: int) -> Day:
        """The run of the day so many days after the start."""
        town = self.town
        town.at = self.start + timedelta(days=days)
        await self.sandbox.control("/control/clock", {"offset_seconds": days * 86400})
        desk = Desk(town.database, self.bank, town.keyring, town.calendar, custody=True)
        return await daily.settle_day(desk, town.at.astimezone(SHANGHAI).date(), town.at)

    async def told(self) -> dict[str, int]:
        """What the bank was told and agreed with last."""
        async with self.town.database.connection() as conn:
            ledger = await custody.latest(conn, self.bank.debtor.account)
        assert ledger is not None and ledger.taken_at is not None
        rows = json.loads(ledger.content)["balances"]
        assert sum(row["amount_minor"] for row in rows) == ledger.closing_minor
        return {row["owner"]: row["amount_minor"] for row in rows}


async def test_the_bank_pays_what_a_shop_has_there_and_agrees_every_day(
    town: Town, tmp_path: Path
) -> None:
    with sandbox_process.running(tmp_path) as sandbox:
        asked = {"name": "小店存管", "custody": True, "opening_minor": OPENING.minor}
        account = await sandbox.control("/control/bank/accounts", asked)
        rail = {
            "base_url": f"{sandbox.url}/bank",
            "debtor_name": "小店存管",
            "debtor_account": account["account"],
            "debtor_cnaps": account["cnaps"],
            "key": account["key"],
        }
        at_bank = banks.open({"bank": rail})
        assert at_bank is not None
        here = Custodian(town, sandbox, at_bank)
        await verify(town)
        await sells(town, CNY("168.00"))
        day = await here.settles(2)
        assert day.problems == []
        shop = custody.named(town.shop_id)
        assert await here.told() == {shop: 16800, "platform": 83200}
        await here.settles(4)
        assert [one.status for one in await of_shop(town)] == ["done"]
        assert await here.told() == {"platform": 83200}
        await town.books_balance()

        await sells(town, CNY("20.00"), "SF1408223100673")
        await here.settles(6)
        strange = await an_uncovered_payment(here)
        assert strange == "AM04"
        await at_bank.disconnect()


async def an_uncovered_payment(here: Custodian) -> str:
    """The bank is asked to pay more for the shop than its sub-balance: the code of its no."""
    (payout, *_) = await of_shop(here.town)
    batch = await batch_for(here, payout)
    await here.bank.submit(batch)
    await here.sandbox.control("/control/clock", {"offset_seconds": 8 * 86400})
    report = await here.bank.report(batch.message_id)
    assert report is not None
    status = report.of("ABCDEFGHIJKLMNOPQRST")
    assert status is not None
    return {"funds": "AM04"}.get(str(status.reason), status.code)


async def batch_for(here: Custodian, payout: Payout) -> PayoutBatch:
    """A file with one payment of 500 yuan, more than the shop has there."""
    async with here.town.database.connection() as conn:
        owner = await custody.owner(conn, payout.shop_id)
    instruction = PayoutInstruction(
        reference="ABCDEFGHIJKLMNOPQRST",
        amount=CNY("500.00"),
        name="林小满",
        account="6214830000001234",
        owner=owner,
    )
    return PayoutBatch(
        message_id="strange-1",
        created_at=here.town.at.replace(microsecond=0),
        execute_on=here.town.at.astimezone(SHANGHAI).date(),
        debtor=here.bank.debtor,
        instructions=(instruction,),
    )


async def test_nothing_leaves_while_the_books_and_the_statement_differ(
    town: Town, bank: PaperBank
) -> None:
    """The statement's balance is less than what the shops are due: a person must look."""
    await verify(town)
    await sells(town, CNY("168.00"))
    beijing(town, TUE, 8)
    bank.today = TUE
    asked = bank.statements

    async def poorer(on: object) -> list[Statement]:
        found = await asked(on)  # type: ignore[arg-type]
        return [
            Statement(
                statement_id=one.statement_id, account=one.account, entries=one.entries,
                opening=CNY("0"), closing=CNY("100.00"),
            )
            for one in found
        ]  # fmt: skip

    bank.statements = poorer  # type: ignore[method-assign]
    desk = Desk(town.database, bank, town.keyring, town.calendar, custody=True)
    day = await daily.settle_day(desk, TUE, town.at)
    assert bank.handed_in == 0 and bank.sub_ledgers == []
    assert any("sub-ledger of " in one for one in day.problems)
    async with town.database.connection() as conn:
        (payout,) = await payouts.of_run(conn, day.run.run_id)
    assert payout.status == "funded" and payout.run_on > MON
    await town.books_balance()
