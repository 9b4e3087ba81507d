"""Names for things: sortable ids, derived ids, references for the rails, tokens for people."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import uuid
from datetime import datetime

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_CODE_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # read aloud without 0/o, 1/l/i


def uuid7(at: datetime) -> uuid.UUID:
    """A time-ordered id (RFC 9562 version 7) for a row made at `at`."""
    millis = int(at.timestamp() * 1000)
    value = millis << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62
    return uuid.UUID(int=value | secrets.randbits(62))


def derived(namespace: uuid.UUID, name: str) -> uuid.UUID:
    """The same id for the same cause, so that a repeated run recognises its own rows."""
    return uuid.uuid5(namespace, name)


def reference(seed: bytes | None = None) -> str:
    """20 characters of [0-9A-Z] carrying 100 random bits: what we call a payment at a rail.

    With `seed` the reference is derived, for run-made payouts that must recognise themselves.
    """
    number = int.from_bytes(
        secrets.token_bytes(16) if seed is None else hashlib.sha256(seed).digest()[:16], "big"
    )
    letters = []
    for _ in range(20):
        number, rest = divmod(number, 36)
        letters.append(_ALPHABET[rest])
    return "".join(letters)


def _shop_prefix(shop_id: int) -> str:
    letters = ""
    while shop_id:
        shop_id, rest = divmod(shop_id, 32)
        letters = "0123456789abcdefghijklmnopqrstuv"[rest] + letters
    return letters or "0"


def token(shop_id: int) -> str:
    """An unguessable public token that carries its shop: base32(shop_id) and 128 random bits."""
    return link_token(secrets.token_bytes(32), shop_id, "")


def link_token(key: bytes, shop_id: int, seed: str) -> str:
    """A token derived from our key, so that a repeated request finds the first one's link."""
    digest = hmac.digest(key, f"{shop_id}:{seed}".encode(), "sha256")[:16]
    return f"{_shop_prefix(shop_id)}-{base64.b32encode(digest).decode().rstrip('=').lower()}"


def order_token(key: bytes, shop_id: int, order_id: uuid.UUID | str) -> str:
    """The token of an order's link: derived, so that a message can carry it."""
    return link_token(key, shop_id, f"order:{order_id}")


def objection_token(key: bytes, shop_id: int, card_id: uuid.UUID | str) -> str:
    """The token of a link by which a change of card is objected to, derived like an order's."""
    return link_token(key, shop_id, f"objection to card {card_id}")


def follow_token(key: bytes, shop_id: int, follow_id: uuid.UUID | str) -> str:
    """The token of a follower's link, in every message to him: derived like an order's."""
    return link_token(key, shop_id, f"follow:{follow_id}")


def invitation_token(key: bytes, shop_id: int, invitation_id: uuid.UUID | str) -> str:
    """The token of an invitation to pay, shown again whenever its seller asks for it."""
    return link_token(key, shop_id, f"invitation:{invitation_id}")


def wish_token(key: bytes, shop_id: int, wish_id: uuid.UUID | str) -> str:
    """The token by which a buyer finds what he asked a seller to get."""
    return link_token(key, shop_id, f"wish:{wish_id}")


def talk_token(key: bytes, shop_id: int, conversation_id: uuid.UUID | str) -> str:
    """The token of a conversation's link: what it shows is for the buyer's own devices."""
    return link_token(key, shop_id, f"talk:{conversation_id}")


def work_token(key: bytes, shop_id: int, subject: object) -> str:
    """The token of a link that asks a phone to work in a shop, shown only."""
    return link_token(key, shop_id, f"work of {subject}")


def handover_token(key: bytes, shop_id: int, handover_id: object) -> str:
    """The token of a link that offers a shop to a phone, shown only."""
    return link_token(key, shop_id, f"handover {handover_id}")


def tracking_token(key: bytes, shop_id: int, parcel_id: object) -> str:
    """The token of the address that a parcel's news are pushed to."""
    return link_token(key, shop_id, f"tracking {parcel_id}")


def share_code(shop_id: int) -> str:
    """A short code for a share: it carries its shop and is hard enough to guess by chance."""
    tail = "".join(secrets.choice(_CODE_ALPHABET) for _ in range(6))
    return f"{_shop_prefix(shop_id)}-{tail}"


def shop_of(text: str) -> int:
    """The shop a token or share code belongs to. Raises ValueError when it is not one of ours."""
    prefix, dash, rest = text.partition("-")
    if not dash or not rest or len(prefix) > 13 or len(rest) > 64 or not rest.isascii():
        raise ValueError("not a token")
    shop_id = int(prefix, 32)
    if not 0 <= shop_id < 2**63 or _shop_prefix(shop_id) != prefix:
        raise ValueError("not a token")
    return shop_id


def hashed(text: str) -> bytes:
    """How a token is kept: 32 bytes that do not give the token away."""
    return hashlib.sha256(text.encode()).digest()
