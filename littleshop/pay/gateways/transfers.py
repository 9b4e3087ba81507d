"""Payouts over a payment rail: money from our own account there to a seller's card or account."""

from datetime import datetime
from typing import Literal, Protocol

import msgspec

from littleshop.money import Money
from littleshop.pay.gateways.contract import Reason

PayeeKind = Literal["bank_card", "account", "openid"]


class Payee(msgspec.Struct, frozen=True, kw_only=True):
    """Who is paid. `account` is a card number, an account at the rail or an openid, by `kind`;
    `bank_code` is ours (ICBC, CMB ...) and empty unless it is a card."""

    kind: PayeeKind
    account: str
    name: str
    bank_code: str = ""
    bank_name: str = ""


class TransferRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Pay `amount` out. `reference` is payouts.reference: it makes a repeat harmless."""

    reference: str
    amount: Money
    payee: Payee
    title: str


class TransferAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """State of one transfer. unknown: the rail never heard of the reference. done may become
    returned days later (PROTOCOLS 2.2), so a done one is asked about again by the bill or query.
    `reason` is set when failed or returned; `confirm_with` when the payee must agree first: what
    his page inside WeChat hands to `requestMerchantTransfer`.
    """

    status: Literal["unknown", "pending", "done", "failed", "returned"]
    gateway_no: str | None = None
    amount: Money | None = None
    reason: Reason | None = None
    said: str = ""
    at: datetime | None = None
    confirm_with: dict[str, str] | None = None


class Transfers(Protocol):
    """A rail that pays out. Network trouble is GatewayError(retryable=True)."""

    name: str

    async def transfer(self, request: TransferRequest) -> TransferAnswer:
        """Pay; the same reference again is the same transfer. Conflict when it had other content.

        An unclear answer is pending: never pay under a new reference before it is final.
        """
        ...

    async def transfer_query(self, request: TransferRequest) -> TransferAnswer:
        """Ask what became of a transfer."""
        ...

    async def transfer_find(self, reference: str, kind: PayeeKind) -> TransferAnswer:
        """What the rail knows of a transfer whose content we lost; `amount` is None while it does
        not tell it."""
        ...

    async def funds(self) -> Money:
        """What can be paid out now."""
        ...
