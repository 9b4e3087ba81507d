"""Rails on paper behind their ports: one that pays out of our account there, and an institution
that pays what it holds for a seller."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from littleshop.errors import Conflict, GatewayError
from littleshop.money import Money
from littleshop.pay.gateways.contract import Reason
from littleshop.pay.gateways.escrow import Escrow
from littleshop.pay.gateways.transfers import PayeeKind, TransferAnswer, TransferRequest, Transfers
from littleshop.settlement import rails
from littleshop.settlement.by_transfer import ByTransfer
from littleshop.settlement.remitters import PaysItself, Sending, Withdrawing
from tests.cast import CNY
from tests.sale.institution import Institution


@dataclass
class PaperTransfers:
    """Our account at a rail. `ends` is what becomes of the next transfers; `lost` answers get lost
    after the act; it `refuses` everything for this reason; `heard` counts transfers."""

    name: str = "alipay"
    left: Money = field(default_factory=lambda: CNY("9000.00"))
    ends: str = "done"
    lost: int = 0
    away: bool = False
    refuses: Reason | None = None
    closed: bool = False  # our settings open nothing there
    heard: int = 0
    asked: dict[str, TransferRequest] = field(default_factory=dict)
    stands: dict[str, TransferAnswer] = field(default_factory=dict)

    async def transfer(self, request: TransferRequest) -> TransferAnswer:
        self._hears()
        self.heard += 1
        if self.asked.get(request.reference, request) != request:
            raise Conflict("it had other content")
        if self.refuses is not None:
            return TransferAnswer(status="failed", reason=self.refuses, said="no")
        if request.reference not in self.stands:
            if self.left.minor < request.amount.minor:
                return TransferAnswer(status="failed", reason=Reason.SELLER_FUNDS)
            self.asked[request.reference] = request
            self.ends_as(request.reference, self.ends)
            self.left -= request.amount
        if self.lost:
            self.lost -= 1
            raise GatewayError("the answer was lost", retryable=True)
        return self.stands[request.reference]

    async def transfer_query(self, request: TransferRequest) -> TransferAnswer:
        return await self.transfer_find(request.reference, request.payee.kind)

    async def transfer_find(self, reference: str, kind: PayeeKind) -> TransferAnswer:
        self._hears()
        known = self.asked.get(reference)
        if known is None or known.payee.kind != kind:
            return TransferAnswer(status="unknown")
        return self.stands[reference]

    async def funds(self) -> Money:
        self._hears()
        return self.left

    def ends_as(self, reference: str, status: str) -> None:
        """From now on it stands so; what failed or came back is ours again."""
        bad = status in ("failed", "returned")
        if bad and reference in self.stands:
            self.left += self.asked[reference].amount
        self.stands[reference] = TransferAnswer(
            status=status,  # type: ignore[arg-type]
            gateway_no=f"No{reference}",
            amount=self.asked[reference].amount,
            reason=Reason.BUYER_ACCOUNT if bad else None,
            confirm_with={"package": "abc"} if status == "pending" else None,
        )

    def _hears(self) -> None:
        if self.away:
            raise GatewayError("away", retryable=True)
        if self.closed:
            raise GatewayError("no such key", retryable=False)


@dataclass
class PaperInstitution(Institution):
    """It withdraws, too."""

    gone: dict[str, tuple[str, Money]] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)

    async def balance(self, merchant_id: str) -> Money:
        return Money(self.available[merchant_id], "CNY")

    async def withdraw(self, merchant_id: str, reference: str, amount: Money) -> TransferAnswer:
        if self.gone.setdefault(reference, (merchant_id, amount)) != (merchant_id, amount):
            raise Conflict("it had other content")
        if reference not in self.states:
            self.available[merchant_id] -= amount.minor
            self.states[reference] = "done"
        return await self.withdraw_query(merchant_id, reference)

    async def withdraw_query(self, merchant_id: str, reference: str) -> TransferAnswer:
        if self.gone.get(reference, ("",))[0] != merchant_id:
            return TransferAnswer(status="unknown")
        return TransferAnswer(
            status=self.states[reference],  # type: ignore[arg-type]
            gateway_no=f"W{reference}",
            amount=self.gone[reference][1],
            reason=Reason.BUYER_ACCOUNT if self.states[reference] == "returned" else None,
        )

    def sends_back(self, reference: str) -> None:
        """The seller's bank did not want it."""
        merchant_id, amount = self.gone[reference]
        self.available[merchant_id] += amount.minor
        self.states[reference] = "returned"


def sending(paper: PaperTransfers, *, ending: bool = False) -> ByTransfer:
    """The payout rail over it."""
    return ByTransfer(Sending(paper.name, cast(Transfers, paper), ending=ending))


def withdrawing(paper: PaperInstitution) -> ByTransfer:
    """The payout rail over it."""
    if paper.pays_out:
        return ByTransfer(PaysItself(rails.ALIPAY_SETTLE, paper.name))
    return ByTransfer(Withdrawing(rails.WECHAT_PAY_WITHDRAW, cast(Escrow, paper)))
