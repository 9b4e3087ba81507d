"""Sending: what a rail is asked about a refund, and what its answer means."""

from __future__ import annotations

from littleshop.errors import GatewayError
from littleshop.pay.gateways import Gateway, Reason, RefundAnswer, RefundRequest
from littleshop.pay.payments import Payment
from littleshop.pay.refunds import Refund

# A no that may be a yes tomorrow: our balance at the rail, or something nobody named.
MENDS_ITSELF = frozenset({None, Reason.SELLER_FUNDS, Reason.UNKNOWN, Reason.OTHER})
# A no about the refund itself. Any other (our key, our rights, a number in use, something nobody
# named) says nothing of what an earlier asking under the same number came to.
ABOUT_IT = frozenset(
    {
        Reason.NOT_CREATED,
        Reason.ALREADY_CLOSED,
        Reason.WRONG_STATE,
        Reason.AMOUNT,
        Reason.BAD_REQUEST,
        Reason.SELLER_FUNDS,
    }
)


class NotMade(GatewayError):
    """The rail has made no refund under this number, and says why it makes none now."""


class Undeliverable(GatewayError):
    """The rail cannot deliver a refund where its payment came from; resending.py goes on.
    `advanced` as the rail's answer has it."""

    def __init__(self, message: str, advanced: bool | None = None) -> None:
        super().__init__(message, retryable=False)
        self.advanced = advanced


def request(payment: Payment, refund: Refund) -> RefundRequest:
    """What a rail is asked about a refund, the same each time."""
    return RefundRequest(
        reference=payment.reference,
        refund_reference=refund.reference,
        amount=refund.amount,
        paid=payment.paid,
        reason=refund.reason,
        advance=refund.advanced_at is not None,
    )


async def send(gateway: Gateway, payment: Payment, refund: Refund) -> bool | None:
    """Ask the rail for it, again and again with one reference, until it says done; whether we
    have paid it for the seller, None when it does not tell.

    Raises GatewayError: retryable while pending, not when the rail refuses for good; NotMade when
    that is about this refund, Undeliverable when what took the money takes none back.
    """
    return need_done(refund, await gateway.refund(request(payment, refund)))


def need_done(refund: Refund, answer: RefundAnswer) -> bool | None:
    """What `send` makes of an answer; who paid, when the rail has done it."""
    if answer.status == "failed" and answer.reason is Reason.BUYER_ACCOUNT:
        raise Undeliverable(f"refund {refund.reference} has nowhere to go", answer.advanced)
    if answer.status != "done":
        no = NotMade if answer.status == "failed" and answer.reason in ABOUT_IT else GatewayError
        raise no(
            f"refund {refund.reference} is {answer.status} ({answer.reason})",
            retryable=answer.status == "pending" or answer.reason in MENDS_ITSELF,
        )
    return answer.advanced
