"""What settling and reconciling work with, and how one bad part is kept from the others."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from littleshop import db
from littleshop.clock import BusinessCalendar
from littleshop.crypto import Keyring
from littleshop.settlement.banks import Bank
from littleshop.settlement.payouts import BANK

if TYPE_CHECKING:
    from littleshop.settlement.rails import PayoutRail

CURRENCY = "CNY"  # what the bank's files carry; other balances wait for a rail of their own
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Aside:
    """A part of a pass that was set aside and needs a person; `day` of a statement."""

    what: str
    fault: str
    day: date | None = None


@dataclass(frozen=True)
class Desk:
    """One pass over the bank and the books; calls to the bank are made outside of transactions.

    `problems` collects what the bank did not do in this pass; the next one tries it again.
    `asides` are those of them that time alone will not mend.
    """

    database: db.Database
    bank: Bank | None
    keyring: Keyring
    calendar: BusinessCalendar
    others: tuple[PayoutRail, ...] = ()  # the payout rails beside the bank, in their order
    usual: str = BANK  # the rail of shops that chose none
    custody: bool = False  # the bank keeps a sub-balance of every shop
    problems: list[str] = field(default_factory=list)
    asides: list[Aside] = field(default_factory=list)

    @property
    def at_bank(self) -> Bank:
        """The bank, where something is to be done there."""
        assert self.bank is not None, "no bank is set up"
        return self.bank

    def set_aside(self, what: str, fault: str, day: date | None = None) -> None:
        """This part needs a person; the others go on."""
        self.problems.append(f"{what}: {fault}")
        self.asides.append(Aside(what, fault, day))

    @contextmanager
    def apart(self, what: str, day: date | None = None) -> Iterator[None]:
        """Do one part by itself: what goes wrong with it is told and stops nothing else.

        A database that is away ends the whole pass (Unavailable).
        """
        try:
            yield
        except db.Unavailable:
            raise
        except Exception as fault:
            _log.exception("settling: set aside", extra={"what": what})
            self.set_aside(what, f"{type(fault).__name__} {fault}".strip(), day)
