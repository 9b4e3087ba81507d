"""What settling and reconciling work with."""

from __future__ import annotations

from dataclasses import dataclass, field

from littleshop import db
from littleshop.clock import BusinessCalendar
from littleshop.crypto import Keyring
from littleshop.settlement.banks import Bank

CURRENCY = "CNY"  # what the bank's files carry; other balances wait for a rail of their own


@dataclass(frozen=True)
class Desk:
    """One pass over the bank and the books; calls to the bank are made outside of transactions.

    `problems` collects what the bank did not do in this pass; the next one tries it again.
    """

    database: db.Database
    bank: Bank
    keyring: Keyring
    calendar: BusinessCalendar
    problems: list[str] = field(default_factory=list)
