"""A paper institution: what WeChat or Alipay would do with money held for sellers, in memory.

It keeps its own books (frozen per payment, available per seller, our own), answers a repeat like
the first time, and has the trap: with a number of a commission a release releases nothing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

from littleshop.errors import Conflict, GatewayError
from littleshop.money import Money
from littleshop.pay.gateways import Reason, RefundAnswer, RefundRequest
from littleshop.pay.gateways.escrow import Admission, AdmissionRequest, Held, ShareAnswer


@dataclass
class Institution:
    """`away` calls fail before they are heard, `lost` answers get lost after the act, `slow` acts
    are pending once."""

    name: str = "wechat_pay"
    holds_for: timedelta = timedelta(days=180)
    pays_out: bool = False
    wants_id_card: bool = False
    away: int = 0
    lost: int = 0
    slow: int = 0
    closes: int = 0  # commissions that it closes without moving anything
    fee: int = 0  # what it keeps of a release
    refuses: bool = False  # to release
    frozen: Counter[str] = field(default_factory=Counter)
    available: Counter[str] = field(default_factory=Counter)
    ours: int = 0
    done: dict[str, ShareAnswer] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    asked: dict[str, AdmissionRequest] = field(default_factory=dict)
    standing: dict[str, Admission] = field(default_factory=dict)

    def _hears(self, what: str, reference: str) -> None:
        self.calls.append((what, reference))
        if self.away:
            self.away -= 1
            raise GatewayError("away", retryable=True)

    def _answers(self, reference: str, answer: ShareAnswer) -> ShareAnswer:
        self.done[reference] = answer
        if self.lost:
            self.lost -= 1
            raise GatewayError("the answer was lost", retryable=True)
        return answer

    def _pending(self) -> ShareAnswer | None:
        if not self.slow:
            return None
        self.slow -= 1
        return ShareAnswer(status="pending")

    async def admit(self, request: AdmissionRequest) -> Admission:
        self._hears("admit", request.reference)
        known = self.asked.setdefault(request.reference, request)
        if known != request:
            raise Conflict("asked for with other data")
        self.standing.setdefault(request.reference, Admission(status="checking"))
        return self.standing[request.reference]

    async def admission(self, reference: str) -> Admission:
        self._hears("admission", reference)
        return self.standing.get(reference, Admission(status="unknown"))

    async def take_commission(self, held: Held, share_reference: str, share: Money) -> ShareAnswer:
        self._hears("share", share_reference)
        known = self.done.get(share_reference)
        if known is not None:
            return known
        if self.closes:
            self.closes -= 1
            failed = ShareAnswer(status="failed", reason=Reason.OTHER)
            return self._answers(share_reference, failed)
        if (waits := self._pending()) is not None:
            return waits
        assert self.frozen[held.reference] >= share.minor
        self.frozen[held.reference] -= share.minor
        self.ours += share.minor
        return self._answers(share_reference, ShareAnswer(status="done", amount=share))

    async def release(self, held: Held, release_reference: str, rest: Money) -> ShareAnswer:
        self._hears("release", release_reference)
        known = self.done.get(release_reference)
        if known is not None:
            return known
        if (waits := self._pending()) is not None:
            return waits
        if self.refuses:
            return ShareAnswer(status="failed", reason=Reason.OTHER)
        kept = min(self.fee, self.frozen[held.reference])
        amount = Money(self.frozen.pop(held.reference, 0) - kept, rest.currency)
        self.available[held.merchant_id] += amount.minor
        return self._answers(release_reference, ShareAnswer(status="done", amount=amount))

    def lets_go(self, reference: str, merchant_id: str) -> None:
        """It has held this for too long."""
        self.available[merchant_id] += self.frozen.pop(reference)

    async def lapsed(self, held: Held) -> ShareAnswer:
        self._hears("lapsed", held.reference)
        if self.frozen[held.reference]:
            return ShareAnswer(status="pending")
        return ShareAnswer(status="done")

    async def share_query(self, held: Held, share_reference: str) -> ShareAnswer:
        return self.done.get(share_reference, ShareAnswer(status="unknown"))

    async def return_commission(
        self, held: Held, share_reference: str, return_reference: str, share: Money
    ) -> ShareAnswer:
        self._hears("return", return_reference)
        known = self.done.get(return_reference)
        if known is not None:
            return known
        assert self.done[share_reference].status == "done"
        self.ours -= share.minor
        self.available[held.merchant_id] += share.minor
        return self._answers(return_reference, ShareAnswer(status="done", amount=share))

    async def disconnect(self) -> None: ...


@dataclass
class HoldingRail:
    """The paying side of the same institution: only what a refund takes from where. So many
    (`poor`) refunds it believes to lack money; an `abnormal` one it has taken and cannot deliver.
    Of its fee it gives back so much (`fee_back`) with each refund of what was released.
    """

    at: Institution
    merchant_id: str
    refunds: dict[str, RefundAnswer] = field(default_factory=dict)
    advanced: int = 0
    poor: int = 0
    abnormal: bool = False
    fee_back: int = 0

    async def refund(self, request: RefundRequest) -> RefundAnswer:
        if request.refund_reference in self.refunds:
            return self.refunds[request.refund_reference]
        pocket, key, minor = self.at.frozen, request.reference, request.amount.minor
        if request.reference not in pocket:
            pocket, key, minor = self.at.available, self.merchant_id, minor - self.fee_back
        lacking = pocket[key] < minor or bool(self.poor)
        self.poor = max(self.poor - 1, 0)
        if lacking and not request.advance:
            return RefundAnswer(status="failed", reason=Reason.SELLER_FUNDS)
        if lacking:
            self.at.ours -= request.amount.minor
            self.advanced += 1
        else:  # that we would advance it is a leave, no order
            pocket[key] -= minor
        answer = RefundAnswer(status="done", amount=request.amount, advanced=lacking)
        if self.abnormal:
            reason = Reason.BUYER_ACCOUNT
            answer = RefundAnswer(status="failed", reason=reason, advanced=lacking)
        self.refunds[request.refund_reference] = answer
        return answer
