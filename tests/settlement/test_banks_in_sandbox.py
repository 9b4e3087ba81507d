"""A payout file's whole life at a real bank process: taken, settled, rejected, returned."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from littleshop.clock import SHANGHAI
from littleshop.errors import Conflict, GatewayError
from littleshop.identity import verifier
from littleshop.settlement import banks
from littleshop.settlement.bank_answers import BankReason, StatementEntry
from littleshop.settlement.bank_files import PayoutBatch, PayoutInstruction
from tests import sandbox_process
from tests.settlement.test_bank_files import batch, payout

TODAY = datetime.now(UTC).astimezone(SHANGHAI).date()


class Town:
    """A bank of our own in a sandbox of our own."""

    def __init__(self, sandbox: sandbox_process.Sandbox, bank: banks.Bank) -> None:
        self.sandbox = sandbox
        self.bank = bank

    def batch(self, *instructions: PayoutInstruction) -> PayoutBatch:
        """A file of today from our account."""
        return msgspec.structs.replace(
            batch(*instructions), debtor=self.bank.debtor, execute_on=TODAY
        )

    async def later(self, days: int) -> None:
        """Let days go by at the bank."""
        await self.sandbox.control("/control/clock", {"offset_seconds": days * 86400})

    async def booked(self, days: int) -> list[StatementEntry]:
        """Everything booked in the days that are over."""
        return [
            entry
            for ahead in range(days)
            for statement in await self.bank.statements(TODAY + timedelta(days=ahead))
            for entry in statement.entries
        ]


@pytest_asyncio.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    """A sandbox with one account."""
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
        yield Town(sandbox, bank)
        await bank.disconnect()


async def test_a_payout_is_settled_and_stands_on_the_statement(town: Town) -> None:
    await town.bank.submit(town.batch(payout(1, 1746), payout(2, 500)))
    await town.bank.submit(town.batch(payout(1, 1746), payout(2, 500)))
    report = await town.bank.report(town.batch().message_id)
    assert report is not None
    before = report.of("P0000000000000000001")
    assert before is not None
    assert before.outcome == "pending"
    assert await town.bank.statements(TODAY) == []
    await town.later(3)
    report = await town.bank.report(town.batch().message_id)
    assert report is not None
    assert {status.outcome for status in report.payments.values()} == {"done"}
    entries = await town.booked(3)
    assert [(e.direction, e.reference, e.amount.minor) for e in entries] == [
        ("debit", "P0000000000000000001", 1746),
        ("debit", "P0000000000000000002", 500),
    ]


async def test_a_rejected_and_a_returned_payout_are_told_apart(town: Town) -> None:
    closed = msgspec.structs.replace(payout(1, 1000), account="6225880000000002")
    gone = msgspec.structs.replace(payout(2, 2000), account="6225880000000010")
    await town.bank.submit(town.batch(closed, gone))
    await town.later(4)
    report = await town.bank.report(town.batch().message_id)
    assert report is not None
    rejected, done = report.of(closed.reference), report.of(gone.reference)
    assert rejected is not None
    assert done is not None
    assert (rejected.outcome, rejected.reason) == ("rejected", BankReason.ACCOUNT_CLOSED)
    assert done.outcome == "done"
    left, back = await town.booked(4)
    assert (left.direction, left.returned, left.reference) == ("debit", False, gone.reference)
    assert (back.direction, back.returned, back.reference) == ("credit", True, gone.reference)
    assert (back.reason, back.amount.minor) == (BankReason.WRONG_ACCOUNT, 2000)


async def test_another_file_under_the_same_id_is_a_conflict(town: Town) -> None:
    await town.bank.submit(town.batch(payout(1, 1746)))
    with pytest.raises(Conflict):
        await town.bank.submit(town.batch(payout(1, 1747)))


async def test_a_bank_that_took_the_file_unheard_takes_it_once(town: Town) -> None:
    faults = {"bank": {"timeout": 1, "timeout_seconds": 0}}
    await town.sandbox.control("/control/faults", faults)
    with pytest.raises(GatewayError) as told:
        await town.bank.submit(town.batch(payout(1, 1746)))
    assert told.value.retryable
    await town.bank.submit(town.batch(payout(1, 1746)))
    await town.later(3)
    assert [entry.amount.minor for entry in await town.booked(3)] == [1746]


async def test_an_unknown_file_has_no_report(town: Town) -> None:
    assert await town.bank.report("0199ffff") is None


async def test_the_authority_next_door_answers(town: Town) -> None:
    told = await town.sandbox.control("/control/identity/keys")
    rail = {"base_url": f"{town.sandbox.url}/identity", "key": told["key"]}
    client = verifier.open({"identity": rail})
    assert client is not None
    assert (await client.verify("王小满", "11010519491231002X")).match
    wrong = await client.verify("王小满", "110105194912310021")
    assert (wrong.match, wrong.reason) == (False, "no_such_number")
    await client.disconnect()
