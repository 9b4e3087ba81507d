"""What an asker has in a shop, as the rows say now: privileges and coupons, facts of a quote.

Privileges are a person's only when his phone is proven where he asks; a coupon is anybody's who
types its code or keeps it from a link.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec


class Asker(msgspec.Struct, frozen=True):
    """Who asks what it costs. `phone`: the index of a phone proven on this device, never of one
    that is only typed; `buyer`: of the one that was typed, by which coupons are counted; `channel`:
    the share or entrance he came by; `cart_id`: what an unpaid order of this cart holds is his."""

    at: datetime
    phone: bytes | None = None
    buyer: bytes | None = None
    device: bytes | None = None
    code: str = ""
    channel: str | None = None
    cart_id: UUID | None = None

    @property
    def asks(self) -> bool:
        """Whether he can have anything at all."""
        return bool(self.phone or self.device or self.code)

    def told(self, variants: Sequence[UUID]) -> dict[str, Any]:
        """As the database function offers_of takes it."""
        return {
            "at": self.at.isoformat(),
            "phone": self.phone.hex() if self.phone else None,
            "buyer": self.buyer.hex() if self.buyer else None,
            "device": self.device.hex() if self.device else None,
            "code": self.code or None,
            "channel": self.channel,
            "cart": str(self.cart_id) if self.cart_id else None,
            "variants": [str(variant) for variant in variants],
        }


class Privilege(msgspec.Struct, frozen=True):
    """What a customer or his group has; amounts in minor units. `left`: uses, or of a credit the
    sum that is still to be spent; `prices` of one piece by variant; `goods` that it opens."""

    id: UUID
    kind: str
    label: str
    bps: int | None = None
    minor: int | None = None
    below_cost: bool = False
    claim: UUID | None = None
    until: datetime | None = None
    left: int = 1
    prices: dict[UUID, int] | None = None
    goods: frozenset[UUID] | None = None


class Coupon(msgspec.Struct, frozen=True):
    """A coupon that was typed or kept; `no` says why it cannot be used: paused, early, over,
    channel or gone. `claim` is of its buyer's own uses, None while nobody has said his phone."""

    id: UUID
    code: str
    kind: str
    label: str
    bps: int | None = None
    minor: int | None = None
    least: int = 0
    below_cost: bool = False
    most: int | None = None
    each: int = 1
    claim: UUID | None = None
    typed: bool = False
    until: datetime | None = None
    no: str | None = None


class Offers(msgspec.Struct, frozen=True):
    """All of an asker; in the order in which they were made."""

    privileges: tuple[Privilege, ...] = ()
    coupons: tuple[Coupon, ...] = ()

    def opens(self, product_id: UUID) -> bool:
        """Whether he may see and buy what is not on the shelf."""
        return any(product_id in (each.goods or ()) for each in self.privileges)


NOTHING = Offers()


def read(row: object) -> Offers:
    """Offers as offers_of returned them; None has nothing."""
    return NOTHING if row is None else msgspec.convert(row, Offers)
