"""Stripe's objects as we read them, and what they mean in our words. No SDK is needed here.

Sources: PROTOCOLS 4; the fields are those of Stripe's published API reference.
"""

from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from littleshop import money
from littleshop.errors import Conflict, GatewayError
from littleshop.money import Money
from littleshop.pay.gateways.contract import (
    PaymentState,
    QueryAnswer,
    Reason,
    RefundAnswer,
    RefundRequest,
)

# Stripe's lists of currencies without decimals and with three; all others have two.
WITHOUT_DECIMALS = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA"]
    + ["PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"]
)
WITH_THREE = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])
REFUND_FAILURES = {
    "expired_or_canceled_card": Reason.BUYER_ACCOUNT,
    "lost_or_stolen_card": Reason.BUYER_ACCOUNT,
    "declined": Reason.BUYER_ACCOUNT,
    "insufficient_funds": Reason.SELLER_FUNDS,
}


class Charge(msgspec.Struct, frozen=True):
    """The part of an intent that took the money."""

    id: str
    created: int


class Intent(msgspec.Struct, frozen=True):
    """A PaymentIntent."""

    id: str
    status: str
    amount_received: int
    currency: str
    latest_charge: Charge | str | None = None


class Session(msgspec.Struct, frozen=True):
    """A Checkout Session. Its intent is None until the buyer presses, then expanded or a number."""

    id: str
    status: str
    payment_status: str
    amount_total: int
    currency: str
    url: str | None = None
    payment_intent: Intent | str | None = None

    @property
    def intent(self) -> Intent | None:
        """The expanded intent."""
        return self.payment_intent if isinstance(self.payment_intent, Intent) else None


class Product(msgspec.Struct, frozen=True):
    """What a session is for; its metadata says which session that is."""

    id: str
    metadata: dict[str, str] = {}


class Refund(msgspec.Struct, frozen=True):
    """One refund of an intent."""

    id: str
    amount: int
    currency: str
    status: str
    metadata: dict[str, str] = {}
    failure_reason: str | None = None


Read = TypeVar("Read", bound=msgspec.Struct)


def read(fields: dict[str, Any], kind: type[Read]) -> Read:
    """An object of Stripe's; GatewayError(retryable=True) when it is not what was asked for."""
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as wrong:
        told = f"stripe's answer cannot be read ({wrong})"
    raise GatewayError(told, retryable=True)


def is_known(currency: str) -> bool:
    """Whether Stripe and we count the same decimals in a currency."""
    decimals = 0 if currency in WITHOUT_DECIMALS else 3 if currency in WITH_THREE else 2
    return len(currency) == 3 and currency.isupper() and money.digits(currency) == decimals


def moment(seconds: int) -> datetime:
    """Stripe's seconds as aware UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def state(session: Session) -> PaymentState:
    """How a payment stands: the session says whether it goes on, the intent whether it went."""
    if session.status == "expired":
        return PaymentState.CLOSED
    if session.status == "open":
        return PaymentState.PENDING
    if session.payment_status == "paid":
        return PaymentState.PAID
    status = session.intent.status if session.intent else ""
    if status == "canceled":
        return PaymentState.CLOSED
    return PaymentState.FAILED if status == "requires_payment_method" else PaymentState.PENDING


def query_answer(session: Session) -> QueryAnswer:
    """A session in our words."""
    found, intent = state(session), session.intent
    paid = found is PaymentState.PAID and intent is not None
    minor = intent.amount_received if paid and intent else session.amount_total
    charge = intent.latest_charge if intent else None
    at = moment(charge.created) if paid and isinstance(charge, Charge) else None
    return QueryAnswer(
        state=found,
        amount=Money(minor, session.currency.upper()),
        gateway_trade_no=intent.id if intent else None,
        paid_at=at,
    )


def refund_answer(refund: Refund, request: RefundRequest) -> RefundAnswer:
    """A refund in our words. Conflict when its number stands for another sum."""
    amount = Money(refund.amount, refund.currency.upper())
    if amount != request.amount:
        raise Conflict(f"refund {request.refund_reference} was made with another sum")
    if refund.status == "succeeded":
        return RefundAnswer(status="done", amount=amount)
    if refund.status in ("failed", "canceled"):
        why = REFUND_FAILURES.get(refund.failure_reason or "", Reason.OTHER)
        return RefundAnswer(status="failed", amount=amount, reason=why)
    return RefundAnswer(status="pending", amount=amount)
