"""Payout rails: the ways in which payouts leave, behind one port.

The bank takes files (handing_in), every other rail takes each payout by itself (by_transfer). A
run asks them in their order how much of what a shop is owed each can carry.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

import msgspec

from littleshop.ledger import chart
from littleshop.money import Money
from littleshop.recoveries import Recovery
from littleshop.settlement.payouts import BANK
from littleshop.settlement.runs import Run
from littleshop.shop.payees import Payee

if TYPE_CHECKING:
    from littleshop.settlement.desks import Desk

ALIPAY = "alipay"  # from our own account there, to a card or an account
WECHAT_PAY = "wechat_pay"  # from our own account there, to a person who agrees
ALIPAY_SETTLE = "alipay_settle"  # the institution has paid it by itself
WECHAT_PAY_WITHDRAW = "wechat_pay_withdraw"  # what it holds for the shop, to the shop's card

_INSTITUTIONS = (ALIPAY_SETTLE, WECHAT_PAY_WITHDRAW)  # pay of what they hold themselves
_HELD = (chart.held_at(""), chart.withdrawable(""))
_RAILS = chart.gateway_clearing("")


class Claim(msgspec.Struct, frozen=True):
    """What is left to be paid to a shop in a run, what stands on its accounts (minor units) and
    whom it goes to when that is not the card. `waiting` are sums by rail that earlier payouts have
    been promised and that stand on its accounts still; `usual` is the rail of shops that chose
    none. `escrowed` of what lies with the platform is buyers' still."""

    shop_id: int
    left: Money
    balances: Mapping[str, int]
    waiting: Mapping[str, int]
    payee: Payee | None
    usual: str
    escrowed: int = 0

    def up_to(self, minor: int) -> Money:
        """What is left, or this much when it is less."""
        return Money(max(min(self.left.minor, minor), 0), self.left.currency)

    def stands_on(self, account: str, rail: str) -> Money:
        """What is left, as far as this account has it and no payout over the rail waits for it."""
        return self.up_to(self.balances.get(account, 0) - self.waiting.get(rail, 0))

    def chose(self, rail: str) -> bool:
        """Whether this is the rail of the shop's payee, or the usual one while it has none."""
        return rail == (self.usual if self.payee is None else self.payee.rail)

    @property
    def at_the_platform(self) -> int:
        """What of the shop's money lies where the bank's files are paid from, or comes there.

        What earlier payouts were promised is not there any more, and what the platform lent is its
        own, and what orders hold there is their buyers'. Our commission is not the shop's, but for
        what an institution took as its fee: that is the platform's to bear. It can bear no more
        than lies there.
        """
        brought = sum(minor for name, minor in self.balances.items() if name.startswith(_RAILS))
        there = brought + self.balances.get(chart.BANK, 0) - self.balances.get(chart.DUE_TO_SHOP, 0)
        there -= sum(minor for rail, minor in self.waiting.items() if rail not in _INSTITUTIONS)
        there -= self.escrowed + chart.owed_to_sellers(self.balances)
        fees = self.balances.get(chart.GATEWAY_FEE, 0)
        return min(there, there - self.balances.get(chart.COMMISSION, 0) + fees)

    def of_the_platform(self, amount: Money) -> Money:
        """So much of it as need not come from an institution that holds a part for the shop."""
        if not self.is_held_elsewhere:
            return amount
        return Money(max(min(amount.minor, self.at_the_platform), 0), amount.currency)

    @property
    def is_held_elsewhere(self) -> bool:
        """Whether an institution holds a part of it."""
        return held_elsewhere(self.balances)


def held_elsewhere(balances: Mapping[str, int]) -> bool:
    """Whether an institution holds a part of what these accounts have."""
    return any(minor and name.startswith(_HELD) for name, minor in balances.items())


class PayoutRail(Protocol):
    """One way out: brings the money, hands payouts in under their references, hears the end.

    Every step looks at what is written and does what is missing. Calls of the wire are made
    outside of transactions. `halted` are shops of which nothing may leave.
    """

    name: str
    pays_by_itself: bool  # neither a hold nor the shop's terms keep it back: it is gone already

    def part(self, claim: Claim) -> Money:
        """How much of what is left it can carry to this shop now."""
        ...

    async def fund(self, desk: Desk, run: Run, halted: Collection[int], at: datetime) -> None:
        """Bring the money for what was asked; what it does not reach waits for more."""
        ...

    async def hand_in(self, desk: Desk, run: Run, halted: Collection[int], at: datetime) -> None:
        """Hand in what is funded; a repeat under the same reference is the same payout."""
        ...

    async def hear(self, desk: Desk, run: Run, at: datetime) -> None:
        """Ask about what was handed in and act on the answer."""
        ...

    async def look_back(self, desk: Desk, at: datetime) -> None:
        """Ask again about what was done lately: it may have come back."""
        ...

    async def recover(self, desk: Desk, recovery: Recovery, at: datetime) -> None:
        """After a restore: learn what was handed in since the backup. What cannot be learned
        stands aside. Raises GatewayError while the rail does not tell."""
        ...


def part_of_bank(claim: Claim) -> Money:
    """What the bank's files carry: all, or what does not lie at an institution."""
    return claim.of_the_platform(claim.left)


def place(rail: str) -> str:
    """The account on which the money of payouts under way over a rail stands."""
    return chart.BANK if rail == BANK else chart.leaving(rail)
