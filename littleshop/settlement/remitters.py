"""Remitters: what a rail that takes payouts one by one is asked, in one vocabulary.

`ByTransfer` (by_transfer.py) does the rest. `Sending` pays from our own account at the rail,
`Withdrawing` has an institution pay what it holds for the shop, `PaysItself` has nothing to ask.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from littleshop import db
from littleshop.crypto import Keyring
from littleshop.errors import GatewayError
from littleshop.ledger import chart
from littleshop.money import Money
from littleshop.pay.gateways.contract import Reason
from littleshop.pay.gateways.escrow import Escrow
from littleshop.pay.gateways.transfers import (
    Payee,
    PayeeKind,
    TransferAnswer,
    TransferRequest,
    Transfers,
)
from littleshop.settlement import rails
from littleshop.settlement.payouts import Payout
from littleshop.settlement.rails import Claim
from littleshop.shop import admissions, cards, payees


class Goal(msgspec.Struct, frozen=True):
    """Where a payout goes: a payee, or the sub-merchant it is withdrawn from."""

    payee: Payee | None = None
    merchant_id: str = ""


class Found(msgspec.Struct, frozen=True):
    """A payout that the rail knows and we may have forgotten; `amount` None while it does not
    tell it."""

    amount: Money | None
    held_for: str = ""


class Remitter(Protocol):
    """The wire of one rail. Network trouble is GatewayError(retryable=True)."""

    name: str
    source: str  # the account its payouts are funded from
    pays_by_itself: bool

    def part(self, claim: Claim) -> Money:
        """How much of what is left it can remit to this shop now."""
        ...

    async def goal(self, conn: db.Connection, keyring: Keyring, payout: Payout) -> Goal | None:
        """Where a payout goes, read from the books; None when there is no such place now."""
        ...

    async def covers(self, payout: Payout, goal: Goal, spent: Money) -> str | None:
        """From which sub-merchant the rail can pay it now ("" from our own account there), None
        while the money lacks; `spent` is what was promised to others since the rail was asked."""
        ...

    async def remit(self, payout: Payout, goal: Goal) -> TransferAnswer:
        """Hand it in; the same reference again is the same transfer."""
        ...

    async def ask(self, payout: Payout, goal: Goal) -> TransferAnswer:
        """Ask what became of it."""
        ...

    async def shops(self, conn: db.Connection) -> list[int]:
        """The shops that may have been paid over it."""
        ...

    async def find(self, conn: db.Connection, shop_id: int, reference: str) -> Found | None:
        """What it knows of a payout that is not in the books; None when it never heard of it or
        did not pay it."""
        ...


class Sending:
    """Transfers from our own account at a rail."""

    pays_by_itself = False

    def __init__(self, name: str, transfers: Transfers, *, ending: bool = False) -> None:
        """`ending`: it takes no new payouts, and those that are open go on."""
        self.name, self._ending = name, ending
        self.source = chart.gateway_clearing(transfers.name)
        self._transfers = transfers
        self._to_cards = name == rails.ALIPAY

    def part(self, claim: Claim) -> Money:
        """What of the rail's money is the shop's, where this is the shop's way."""
        wanted = claim.chose(self.name) and (self._to_cards or claim.payee is not None)
        if self._ending or not wanted:
            return claim.up_to(0)
        return claim.of_the_platform(claim.stands_on(self.source, self.name))

    async def goal(self, conn: db.Connection, keyring: Keyring, payout: Payout) -> Goal | None:
        """The payee the shop chose, or its card."""
        card = await cards.get(conn, payout.shop_id, payout.card_id)
        assert card is not None, payout.payout_id
        name = keyring.open(card.holder_sealed)
        if payout.payee_id is None:
            bank = cards.bank(card.bank_code)
            number, bank_name = keyring.open(card.number_sealed), bank.zh if bank else ""
            return Goal(
                Payee(
                    kind="bank_card",
                    account=number,
                    name=name,
                    bank_code=card.bank_code,
                    bank_name=bank_name,
                )
            )
        chosen = await payees.get(conn, payout.shop_id, payout.payee_id)
        assert chosen is not None, payout.payout_id
        account = keyring.open(chosen.account_sealed)
        kind: PayeeKind = "openid" if chosen.rail == rails.WECHAT_PAY else "account"
        return Goal(Payee(kind=kind, account=account, name=name))

    async def covers(self, payout: Payout, goal: Goal, spent: Money) -> str | None:
        """Whether our account there has enough."""
        funds = await self._transfers.funds()
        return "" if (funds - spent).minor >= payout.amount_minor else None

    async def remit(self, payout: Payout, goal: Goal) -> TransferAnswer:
        """Pay it."""
        return await self._transfers.transfer(_request(payout, goal))

    async def ask(self, payout: Payout, goal: Goal) -> TransferAnswer:
        """Ask what became of it."""
        return await self._transfers.transfer_query(_request(payout, goal))

    async def shops(self, conn: db.Connection) -> list[int]:
        """Who has a card, or chose this rail at some time."""
        rows = await conn.fetch(
            "select /* all shops: any may have been paid */ shop_id from cards where active and $2"
            " union select shop_id from payees where rail = $1 order by shop_id",
            self.name,
            self._to_cards,
        )
        return [row["shop_id"] for row in rows]

    async def find(self, conn: db.Connection, shop_id: int, reference: str) -> Found | None:
        """Ask in every way in which it may have been paid."""
        for kind in _KINDS[self.name]:
            answer = await self._transfers.transfer_find(reference, kind)
            if answer.status not in ("unknown", "failed"):
                return Found(answer.amount)
        return None


_KINDS: dict[str, tuple[PayeeKind, ...]] = {
    rails.ALIPAY: ("bank_card", "account"),
    rails.WECHAT_PAY: ("openid",),
}


def _request(payout: Payout, goal: Goal) -> TransferRequest:
    assert goal.payee is not None, payout.payout_id
    return TransferRequest(
        reference=payout.reference,
        amount=payout.amount,
        payee=goal.payee,
        title=f"littleshop {payout.run_on:%Y-%m-%d}",
    )


class Withdrawing:
    """Withdrawals of what an institution holds for a shop, to the card it was admitted with."""

    pays_by_itself = False

    def __init__(self, name: str, escrow: Escrow) -> None:
        self.name = name
        self.source = chart.withdrawable(escrow.name)
        self._escrow = escrow

    def part(self, claim: Claim) -> Money:
        """What was released there."""
        return claim.stands_on(self.source, self.name)

    async def goal(self, conn: db.Connection, keyring: Keyring, payout: Payout) -> Goal | None:
        """The shop's sub-merchant there; it has one, also when it was admitted anew."""
        known = payout.held_for or (await admissions.open_for(conn, payout.shop_id)).get(
            self._escrow.name
        )
        return Goal(merchant_id=known) if known else None

    async def covers(self, payout: Payout, goal: Goal, spent: Money) -> str | None:
        """The sub-merchant, when all of it may be withdrawn there."""
        there = await self._escrow.balance(goal.merchant_id)
        return goal.merchant_id if there.minor >= payout.amount_minor else None

    async def remit(self, payout: Payout, goal: Goal) -> TransferAnswer:
        """Withdraw it."""
        return await self._escrow.withdraw(_held_for(payout), payout.reference, payout.amount)

    async def ask(self, payout: Payout, goal: Goal) -> TransferAnswer:
        """Ask what became of it."""
        answer = await self._escrow.withdraw_query(_held_for(payout), payout.reference)
        if answer.amount not in (None, payout.amount):
            raise GatewayError(f"withdrawal {payout.reference} has another sum", retryable=False)
        return answer

    async def shops(self, conn: db.Connection) -> list[int]:
        """Those that were admitted there."""
        rows = await conn.fetch(
            "select /* all shops: any may have been paid */ shop_id from admissions"
            " where gateway = $1 and status = 'admitted' order by shop_id",
            self._escrow.name,
        )
        return [row["shop_id"] for row in rows]

    async def find(self, conn: db.Connection, shop_id: int, reference: str) -> Found | None:
        """Ask under the shop's sub-merchant."""
        merchant_id = (await admissions.open_for(conn, shop_id)).get(self._escrow.name)
        if merchant_id is None:
            return None
        answer = await self._escrow.withdraw_query(merchant_id, reference)
        if answer.status in ("unknown", "failed"):
            return None
        return Found(answer.amount, merchant_id)


def _held_for(payout: Payout) -> str:
    assert payout.held_for is not None, payout.payout_id
    return payout.held_for


class PaysItself:
    """An institution that paid the shop when it released: here it is only booked."""

    pays_by_itself = True

    def __init__(self, name: str, gateway: str) -> None:
        self.name = name
        self.source = chart.withdrawable(gateway)

    def part(self, claim: Claim) -> Money:
        """What was released there."""
        return claim.stands_on(self.source, self.name)

    async def goal(self, conn: db.Connection, keyring: Keyring, payout: Payout) -> Goal | None:
        """Nothing need be known."""
        return Goal()

    async def covers(self, payout: Payout, goal: Goal, spent: Money) -> str | None:
        """It was there when it was paid."""
        return ""

    async def remit(self, payout: Payout, goal: Goal) -> TransferAnswer:
        """Done when it was released."""
        return TransferAnswer(status="done", amount=payout.amount)

    async def ask(self, payout: Payout, goal: Goal) -> TransferAnswer:
        """As it was."""
        return TransferAnswer(status="done", amount=payout.amount)

    async def shops(self, conn: db.Connection) -> list[int]:
        """Nothing can be forgotten that is not in the books of releases."""
        return []

    async def find(self, conn: db.Connection, shop_id: int, reference: str) -> Found | None:
        """It has no names for its payouts."""
        return None


def lacks_money(answer: TransferAnswer) -> bool:
    """Whether it failed for our own account's emptiness: the same request may be made again."""
    return answer.status == "failed" and answer.reason is Reason.SELLER_FUNDS
