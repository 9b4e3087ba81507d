"""What the payment resolver must do, in a page: no database, no money in parts but one.

It knows one order, what each rail took, and what of it is kept; the flows are held against it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

TOTAL = 100_00
PART = 30_00


@dataclass
class Model:
    """`kept` is what of the accepted payment neither went back nor is going back; `own_back` how
    many of the refunds under way are of it."""

    status: str = "placed"
    why: str = ""
    accepted: str = ""
    kept: int = 0
    taken: set[str] = field(default_factory=set)
    heard: set[str] = field(default_factory=set)
    going_back: int = 0
    own_back: int = 0
    case: bool = False
    charged_back: bool = False
    losing: bool = False

    def hear(self, rail: str, *, right: bool = True) -> None:
        """A rail says that it was paid; known once it was heard."""
        self.taken.add(rail)
        if rail in self.heard:
            return
        self.heard.add(rail)
        if not right:
            self.going_back += 1
            return
        if self.status == "placed" or (self.status, self.why) == ("cancelled", "unpaid"):
            self.status, self.accepted, self.kept = "to_ship", rail, TOTAL
            return
        self.going_back += 1

    def give_back(self, amount: int) -> bool:
        """Buyer and seller agree that so much goes back."""
        if self.status not in ("to_ship", "shipped", "received") or self.case or self.losing:
            return False
        if not 0 < amount <= self.kept:
            return False
        self.kept -= amount
        self.going_back += 1
        self.own_back += 1
        self.case = True
        if self.kept == 0 and self.status != "received":
            self.status = "refunded"
        return True

    def play(self, event: str) -> bool:
        """Whether it happens; then the world is as it is after it."""
        return bool(getattr(self, event)())

    def hold_expires(self) -> bool:
        if self.status != "placed":
            return False
        self.status, self.why = "cancelled", "unpaid"
        return True

    def buyer_pays(self) -> bool:
        if "a" in self.taken:
            return False
        self.taken.add("a")
        return True

    def notice_comes(self) -> bool:
        if "a" not in self.taken:
            return False
        self.hear("a")
        return True

    def browser_returns(self) -> bool:
        if "a" not in self.taken or "a" in self.heard:
            return False
        self.hear("a")
        return True

    def wrong_amount_comes(self) -> bool:
        if "b" in self.taken:
            return False
        self.hear("b", right=False)
        return True

    wrong_currency_comes = wrong_amount_comes

    def other_rail_pays(self) -> bool:
        if "b" in self.taken:
            return False
        self.hear("b")
        return True

    def buyer_cancels(self) -> bool:
        if self.status != "placed":
            return False
        self.status, self.why = "cancelled", "withdrawn"
        return True

    def seller_calls_off(self) -> bool:
        if self.status != "to_ship" or self.losing:
            return False
        self.status, self.kept = "refunded", 0
        self.going_back += 1
        self.own_back += 1
        return True

    def seller_ships(self) -> bool:
        if self.status != "to_ship" or self.losing:
            return False
        self.status = "shipped"
        return True

    def buyer_receives(self) -> bool:
        if self.status != "shipped" or self.losing:
            return False
        self.status = "received"
        return True

    def all_is_agreed_back(self) -> bool:
        return self.give_back(self.kept)

    def a_part_is_agreed_back(self) -> bool:
        return self.give_back(PART)

    def rail_sends_back(self) -> bool:
        if not self.going_back:
            return False
        self.going_back, self.own_back, self.case = 0, 0, False
        return True

    def bank_takes_it_back(self) -> bool:
        if "a" not in self.heard or self.charged_back:
            return False
        self.charged_back = True
        if self.accepted == "a" and self.own_back:
            self.losing = True
        elif self.accepted == "a":
            self._lose()
        return True

    def rail_says_what_the_loss_met(self) -> bool:
        """None of what was going back of it goes any more."""
        if not self.losing:
            return False
        self.losing = False
        self.going_back -= self.own_back
        if self.own_back:
            self.own_back, self.case = 0, False
        self._lose()
        return True

    def _lose(self) -> None:
        self.kept = 0
        if self.status in ("to_ship", "shipped"):
            self.status = "refunded"
