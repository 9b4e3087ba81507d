"""Escrow at the institution: money frozen at the seller's own sub-merchant until it is released.

WeChat's ecommerce (PROTOCOLS 6.1) and Alipay's ZFT (6.2) in one vocabulary.
"""

from datetime import datetime, timedelta
from typing import Literal, Protocol

import msgspec

from littleshop.money import Money
from littleshop.pay.gateways.contract import Reason
from littleshop.pay.gateways.transfers import TransferAnswer


class AdmissionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Have a seller admitted as a sub-merchant. `reference` is ours; a repeat is the same one.

    `id_card` are pictures (JPEG) of the side with the face and of the one with the emblem, for an
    institution that wants to see them.
    """

    reference: str
    shop_name: str
    legal_name: str
    id_number: str
    phone: str
    card_number: str
    bank_code: str
    bank_name: str
    id_card: tuple[bytes, bytes] | None = None


class Admission(msgspec.Struct, frozen=True, kw_only=True):
    """unknown: never heard of. signing: the seller must agree at `sign_url`. admitted: payments
    may name `merchant_id` (sub_mchid, smid). refused: `said` tells why."""

    status: Literal["unknown", "checking", "signing", "admitted", "refused"]
    merchant_id: str | None = None
    sign_url: str | None = None
    said: str = ""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A frozen payment: its reference, the rail's number, whose it is and what it was."""

    reference: str
    gateway_trade_no: str
    merchant_id: str
    amount: Money


class ShareAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """State of a release, a commission or its return. failed with an `amount`: it is known there
    and ended without moving anything; without one it was refused, and may be made yet."""

    status: Literal["unknown", "pending", "done", "failed"]
    amount: Money | None = None
    reason: Reason | None = None
    at: datetime | None = None


class Escrow(Protocol):
    """What an institution that holds money can do beside paying. Every reference is ours, and a
    repeat of it is the same act; Conflict when it had other content."""

    name: str
    holds_for: timedelta  # then the institution releases by itself
    wants_id_card: bool  # admits nobody without photos of both sides of the id card
    pays_out: bool  # a release is paid to the seller's card by the institution itself

    async def admit(self, request: AdmissionRequest) -> Admission:
        """Ask for a seller's admission."""
        ...

    async def admission(self, reference: str) -> Admission:
        """Ask what became of it."""
        ...

    async def take_commission(self, held: Held, share_reference: str, share: Money) -> ShareAnswer:
        """Split our commission off a frozen payment."""
        ...

    async def release(self, held: Held, release_reference: str, rest: Money) -> ShareAnswer:
        """Unfreeze all that is left (`rest`, after refunds and commission) for the seller.

        `release_reference` must differ from the commission's (PROTOCOLS 15.2).
        """
        ...

    async def share_query(self, held: Held, share_reference: str) -> ShareAnswer:
        """Ask what became of a commission or a release."""
        ...

    async def lapsed(self, held: Held) -> ShareAnswer:
        """Whether the institution let go of a payment by itself, its time being over: pending
        while any of it is frozen; done with what the seller got where it tells that."""
        ...

    async def return_commission(
        self, held: Held, share_reference: str, return_reference: str, share: Money
    ) -> ShareAnswer:
        """Give a commission back before a refund after the split."""
        ...

    async def balance(self, merchant_id: str) -> Money:
        """What a seller may withdraw at the institution now."""
        ...

    async def withdraw(self, merchant_id: str, reference: str, amount: Money) -> TransferAnswer:
        """Pay a seller's balance out to the card he was admitted with."""
        ...

    async def withdraw_query(self, merchant_id: str, reference: str) -> TransferAnswer:
        """Ask what became of a withdrawal."""
        ...

    async def disconnect(self) -> None:
        """Let the connections go."""
        ...
