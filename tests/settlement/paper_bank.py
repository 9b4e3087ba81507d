"""A bank on paper behind the port: it keeps files, says what it is told to, prints statements."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Literal

from littleshop.clock import SHANGHAI
from littleshop.crypto import Keyring
from littleshop.db import Connection
from littleshop.errors import Conflict, GatewayError
from littleshop.money import Money
from littleshop.settlement import daily
from littleshop.settlement.bank_answers import (
    BankReason,
    PaymentStatus,
    Statement,
    StatementEntry,
    StatusReport,
)
from littleshop.settlement.bank_files import Debtor, PayoutBatch, write_pain001
from littleshop.settlement.daily import Day
from littleshop.settlement.desks import Desk
from littleshop.settlement.payouts import Payout
from littleshop.settlement.rails import PayoutRail
from littleshop.shop import cards, merchants
from littleshop.shop.merchants import LegalPerson
from tests.cast import Town

ACCOUNT = "6229000000000000001"


class PaperBank:
    """One account. `today` is the bank's day: the statements of earlier days can be had."""

    def __init__(self) -> None:
        self.debtor = Debtor(name="小店科技", account=ACCOUNT, cnaps="313290099992")
        self.today = date(2026, 11, 23)
        self.files: dict[str, bytes] = {}
        self.batches: list[PayoutBatch] = []
        self.handed_in = 0
        self.deaf = 0  # so many times it takes the file and the answer is lost
        self.away = False
        self.said: dict[str, PaymentStatus] = {}
        self.booked: dict[date, list[StatementEntry]] = {}
        self.others: tuple[PayoutRail, ...] = ()  # the payout rails beside it
        self.usual = "bank"
        self.sub_ledgers: list[bytes] = []
        self._number = 0

    async def submit(self, batch: PayoutBatch) -> None:
        if self.away:
            raise GatewayError("bank cannot be reached", retryable=True)
        self.handed_in += 1
        content = write_pain001(batch)
        if self.files.setdefault(batch.message_id, content) != content:
            raise Conflict("another file under this id")
        if all(known.message_id != batch.message_id for known in self.batches):
            self.batches.append(batch)
        if self.deaf:
            self.deaf -= 1
            raise GatewayError("bank cannot be reached", retryable=True)

    async def report(self, message_id: str) -> StatusReport | None:
        if message_id not in self.files:
            return None
        overall = PaymentStatus(outcome="pending", code="ACSP")
        return StatusReport(message_id=message_id, overall=overall, payments=dict(self.said))

    async def statements(self, on: date) -> list[Statement]:
        if self.away:
            raise GatewayError("bank cannot be reached", retryable=True)
        if on >= self.today:
            return []
        entries = tuple(self.booked.get(on, ()))
        return [Statement(statement_id=f"{on:%Y%m%d}", account=ACCOUNT, entries=entries)]

    async def hand_sub_ledger(self, content: bytes) -> None:
        self.sub_ledgers.append(content)

    async def disconnect(self) -> None:
        """Nothing is open."""

    def book(
        self,
        on: date,
        direction: Literal["debit", "credit"],
        amount: Money,
        *,
        reference: str | None = None,
        reason: BankReason | None = None,
        counterparty: str = "",
    ) -> str:
        """Something moves on the account; the answer is the entry's key."""
        self._number += 1
        entry = StatementEntry(
            key=f"E{self._number:012d}",
            direction=direction,
            amount=amount,
            booked_on=on,
            value_on=on,
            reference=reference,
            returned=reason is not None,
            reason=reason,
            counterparty=counterparty,
        )
        self.booked.setdefault(on, []).append(entry)
        return entry.key

    def lump(self, on: date, amount: Money) -> str:
        """The rail pays us a day's sum."""
        return self.book(on, "credit", amount, counterparty="ALIPAY")

    def pays(self, on: date, payout: Payout) -> str:
        """The bank carries a payout out."""
        self.says(payout, "done", "ACSC")
        return self.book(on, "debit", payout.amount, reference=payout.reference)

    def returns(self, on: date, payout: Payout, reason: BankReason) -> str:
        """It comes back."""
        return self.book(on, "credit", payout.amount, reference=payout.reference, reason=reason)

    def says(
        self,
        payout: Payout,
        outcome: Literal["done", "pending", "rejected"],
        code: str,
        reason: BankReason | None = None,
    ) -> None:
        """What pain.002 says of a payout."""
        self.said[payout.reference] = PaymentStatus(outcome=outcome, code=code, reason=reason)


def desk(town: Town, bank: PaperBank) -> Desk:
    """One pass over the town's books."""
    return Desk(town.database, bank, town.keyring, town.calendar, bank.others, bank.usual)


async def settle(town: Town, bank: PaperBank, on: date | None = None) -> Day:
    """The run of the town's day, as far as it goes now."""
    bank.today = town.at.astimezone(SHANGHAI).date()
    return await daily.settle_day(desk(town, bank), on or bank.today, town.at)


async def verify(
    town: Town, *, shop_id: int | None = None, number: str = "6214830000001234"
) -> None:
    """The shop's owner and card are known and right."""
    whose = shop_id or town.shop_id
    await town.database.transaction(
        lambda conn: _verify(conn, town.keyring, whose, number, town.at)
    )


async def _verify(
    conn: Connection, keyring: Keyring, shop_id: int, number: str, at: datetime
) -> None:
    person = LegalPerson("林小满", "CN", "id_card", "11010519491231002X", 1949)
    check_id, card_id = uuid.uuid4(), uuid.uuid4()
    await merchants.name(conn, keyring, shop_id, person, check_id=check_id, at=at)
    await merchants.hear(conn, shop_id, check_id, matched=True, reason="", at=at)
    card = cards.accept(number, confirmed=True)
    assert await cards.bind(
        conn,
        keyring,
        shop_id,
        card,
        card_id=card_id,
        holder=person.name,
        phone="+8613900001001",
        at=at,
    )
    await cards.hear(conn, shop_id, card_id, matched=True, reason="", at=at)


async def sells(town: Town, price: Money, tracking: str = "") -> None:
    """Somebody buys a thing, gets it and says so, all at this moment."""
    placed = await town.buys([await town.stock(price=price)], price)
    await town.ships(placed, tracking)
    await town.receives(placed)


def beijing(town: Town, day: date, hour: int) -> None:
    """It is this hour of this day in Beijing."""
    town.at = datetime(day.year, day.month, day.day, hour, tzinfo=SHANGHAI)
