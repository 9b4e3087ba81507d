"""Where an order goes and to whom, as it is sealed in the order's row."""

from __future__ import annotations

import msgspec

from littleshop.crypto import Keyring


class Delivery(msgspec.Struct, frozen=True):
    """Where and to whom: sealed as JSON in the order."""

    name: str
    phone: str
    province: str = ""
    city: str = ""
    district: str = ""
    street: str = ""

    def seal(self, keyring: Keyring) -> bytes:
        return keyring.seal(msgspec.json.encode(self).decode())
