"""The bank that carries payouts, behind a port that another bank's dialect can fill.

`IsoBank` speaks ISO 20022 files over https: POST pain.001, GET pain.002 and camt.053, each
signed by HMAC-SHA256 under a key shared with the bank (PROTOCOLS 5).
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import date
from typing import Any, Protocol
from urllib.parse import urlencode

import httpx
import msgspec

from littleshop import wires
from littleshop.config import Misconfigured
from littleshop.errors import Conflict, GatewayError
from littleshop.settlement import bank_answers, bank_files
from littleshop.settlement.bank_answers import Statement, StatusReport
from littleshop.settlement.bank_files import Debtor, PayoutBatch


class Bank(Protocol):
    """One account at one bank. Network trouble is GatewayError(retryable=True)."""

    debtor: Debtor

    async def submit(self, batch: PayoutBatch) -> None:
        """Hand the batch in; handing the same batch in again changes nothing.

        Raises Conflict when the bank holds another batch under this message id.
        """
        ...

    async def report(self, message_id: str) -> StatusReport | None:
        """What the bank says of a batch, or None when it does not know it (yet)."""
        ...

    async def statements(self, on: date) -> list[Statement]:
        """The booked statements of our account for a day; none before it is closed."""
        ...

    async def hand_sub_ledger(self, content: bytes) -> None:
        """Hand in whose the money on our custody account is (custody.py); the same bytes again
        change nothing. Raises GatewayError(retryable=False) when the bank does not agree."""
        ...

    async def disconnect(self) -> None:
        """Let the connections go."""
        ...


class BankSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The rail `bank` in DIR/rails.json."""

    base_url: str
    debtor_name: str
    debtor_account: str
    debtor_cnaps: str
    key: str

    def __repr__(self) -> str:
        return f"BankSettings({self.base_url!r}, …)"


class IsoBank:
    """A bank that takes ISO 20022 files as they are."""

    def __init__(self, settings: BankSettings, wire: wires.Wire) -> None:
        self.debtor = Debtor(
            name=settings.debtor_name,
            account=settings.debtor_account,
            cnaps=settings.debtor_cnaps,
        )
        self._key = settings.key.encode()
        self._wire = wire

    def __repr__(self) -> str:
        return f"IsoBank(…{self.debtor.account[-4:]})"

    async def submit(self, batch: PayoutBatch) -> None:
        """Post the pain.001; Conflict when the bank holds another file under this message id."""
        content = bank_files.write_pain001(batch)
        headers = {**self._signed(content), "Content-Type": "application/xml"}
        answer = await self._wire.post("/pain.001", headers=headers, content=content)
        if answer.status == 409:
            raise Conflict(f"the bank holds another file under {batch.message_id}")
        self._wire.refuse(answer, accepted=(202,))

    async def report(self, message_id: str) -> StatusReport | None:
        """Fetch the pain.002 of a batch."""
        content = await self._fetch("/pain.002", {"message_id": message_id})
        if content is None:
            return None
        report = bank_answers.read_pain002(content)
        if report.message_id != message_id:
            raise GatewayError("the bank reported on another file", retryable=False)
        return report

    async def statements(self, on: date) -> list[Statement]:
        """Fetch the camt.053 of a day."""
        content = await self._fetch("/camt.053", {"date": on.isoformat()})
        found = [] if content is None else bank_answers.read_camt053(content)
        if any(statement.account != self.debtor.account for statement in found):
            raise GatewayError("the bank sent the statement of another account", retryable=False)
        return found

    async def hand_sub_ledger(self, content: bytes) -> None:
        """Post the sub-ledger. Banks have no standard for it: this is our own wire."""
        headers = {**self._signed(content), "Content-Type": "application/json"}
        answer = await self._wire.post("/sub-ledger", headers=headers, content=content)
        if answer.status in (409, 422):
            raise GatewayError(
                f"the bank does not agree with the sub-ledger ({answer.status})", retryable=False
            )
        self._wire.refuse(answer, accepted=(202,))

    async def disconnect(self) -> None:
        """Let the connections go."""
        await self._wire.close()

    async def _fetch(self, path: str, query: Mapping[str, str]) -> bytes | None:
        text = urlencode(query)
        answer = await self._wire.get(f"{path}?{text}", headers=self._signed(text.encode()))
        if answer.status in (204, 404):
            return None
        self._wire.refuse(answer)
        return answer.body

    def _signed(self, content: bytes) -> dict[str, str]:
        signature = hmac.new(self._key, content, hashlib.sha256).hexdigest()
        return {"X-Bank-Account": self.debtor.account, "X-Bank-Signature": signature}


def open(
    rails: Mapping[str, Mapping[str, Any]],
    transport: httpx.AsyncBaseTransport | None = None,
) -> Bank | None:
    """The bank of these settings, or None when it is off; Misconfigured when unusable."""
    rail = rails.get("bank")
    if not rail:
        return None
    try:
        settings = msgspec.convert(rail, BankSettings)
    except msgspec.ValidationError as wrong:
        raise Misconfigured(f"bank: {wrong}") from None
    wire = wires.Wire(
        "bank",
        settings.base_url.rstrip("/"),
        secrets=(settings.key, settings.debtor_account),
        transport=transport,
        limit_bytes=bank_answers.FILE_LIMIT_BYTES,
    )
    return IsoBank(settings, wire)
