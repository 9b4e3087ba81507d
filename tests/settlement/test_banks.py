"""The bank's client signs what it sends and believes only what is about us."""

import hashlib
import hmac
from datetime import date
from typing import Any

import httpx
import pytest

from littleshop.config import Misconfigured
from littleshop.errors import Conflict, GatewayError
from littleshop.settlement import banks
from tests.settlement.bank_texts import camt053, pain002
from tests.settlement.test_bank_files import batch

RAIL = {
    "base_url": "https://bank.test/bank",
    "debtor_name": "小店科技",
    "debtor_account": "6229000000000000001",
    "debtor_cnaps": "313290099992",
    "key": "a-key-shared-with-the-bank",
}


class SmallBank:
    """Checks signatures and answers what the test says."""

    def __init__(self, status: int, content: bytes = b"") -> None:
        self.answer = httpx.Response(status, content=content)
        self.asked = ""

    def handle(self, request: httpx.Request) -> httpx.Response:
        """One call."""
        signed = request.content or request.url.query
        wanted = hmac.new(RAIL["key"].encode(), signed, hashlib.sha256).hexdigest()
        assert request.headers["X-Bank-Signature"] == wanted
        assert request.headers["X-Bank-Account"] == RAIL["debtor_account"]
        self.asked = f"{request.method} {request.url}"
        return self.answer

    def client(self) -> banks.Bank:
        """Our client, wired to this bank."""
        bank = banks.open({"bank": RAIL}, httpx.MockTransport(self.handle))
        assert bank is not None
        return bank


async def test_a_batch_is_handed_in_signed() -> None:
    small = SmallBank(202)
    bank = small.client()
    await bank.submit(batch())
    assert small.asked == "POST https://bank.test/bank/pain.001"
    await bank.disconnect()


async def test_another_batch_under_the_same_id_is_a_conflict() -> None:
    with pytest.raises(Conflict):
        await SmallBank(409).client().submit(batch())


@pytest.mark.parametrize(("status", "again"), [(400, False), (401, False), (503, True)])
async def test_a_refused_batch_says_whether_to_try_again(status: int, again: bool) -> None:
    body = f"{RAIL['key']} {RAIL['debtor_account']}".encode()
    bank = SmallBank(status, body).client()
    with pytest.raises(GatewayError) as told:
        await bank.submit(batch())
    shown = f"{told.value!r} {bank!r}"
    assert told.value.retryable is again
    assert RAIL["key"] not in shown
    assert RAIL["debtor_account"] not in shown


async def test_what_the_bank_does_not_know_is_none() -> None:
    bank = SmallBank(404).client()
    assert await bank.report("M1") is None
    assert await bank.statements(date(2026, 11, 23)) == []


async def test_a_report_is_fetched_for_our_file_only() -> None:
    small = SmallBank(200, pain002("ACSC"))
    report = await small.client().report("M1")
    assert small.asked == "GET https://bank.test/bank/pain.002?message_id=M1"
    assert report is not None
    with pytest.raises(GatewayError):
        await small.client().report("M2")


async def test_a_statement_is_fetched_for_our_account_only() -> None:
    small = SmallBank(200, camt053())
    (statement,) = await small.client().statements(date(2026, 11, 23))
    assert small.asked == "GET https://bank.test/bank/camt.053?date=2026-11-23"
    assert statement.entries == ()
    other = camt053().replace(b"6229000000000000001", b"6229000000000000002")
    with pytest.raises(GatewayError):
        await SmallBank(200, other).client().statements(date(2026, 11, 23))


def test_a_bank_without_settings_is_off() -> None:
    assert banks.open({}) is None


@pytest.mark.parametrize("changes", [{"key": 5}, {"debtor_cnaps": None}])
def test_unusable_settings_are_told_without_their_text(changes: dict[str, Any]) -> None:
    with pytest.raises(Misconfigured) as told:
        banks.open({"bank": {**RAIL, **changes}})
    assert RAIL["key"] not in str(told.value)
