"""Does this name belong to this identity number (and this card, and this phone)?

A paid authority answers that in life; `Verifier` is the port, `SignedVerifier` the client of
one that takes JSON signed by HMAC-SHA256. What is sent is as secret as it gets: it appears in
no error, no log and no repr, and nothing of it is kept here.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Literal, Protocol

import httpx
import msgspec

from littleshop import wires
from littleshop.config import Misconfigured
from littleshop.errors import GatewayError

MismatchReason = Literal["no_such_number", "name", "card", "phone", "other"]
REASONS: dict[str, MismatchReason] = {
    "no_such_number": "no_such_number",
    "name": "name",
    "card": "card",
    "phone": "phone",
}


class Verdict(msgspec.Struct, frozen=True):
    """What the authority said; `reason` is which fact does not fit, None on a match."""

    match: bool
    reason: MismatchReason | None = None


class Told(msgspec.Struct, frozen=True):
    """The authority's own answer."""

    match: bool
    reason: str | None = None


class Verifier(Protocol):
    """Checks two to four facts about one person against the authority's registers."""

    async def verify(
        self, name: str, id_number: str, card_number: str | None = None, phone: str | None = None
    ) -> Verdict:
        """Whether all given facts belong together. GatewayError when nobody can say."""
        ...

    async def disconnect(self) -> None:
        """Let the connections go."""
        ...


class IdentitySettings(msgspec.Struct, frozen=True, kw_only=True):
    """The rail `identity` in DIR/rails.json."""

    base_url: str
    key: str

    def __repr__(self) -> str:
        return f"IdentitySettings({self.base_url!r}, …)"


class SignedVerifier:
    """The client of an authority that answers `{"match": bool, "reason": str | null}`."""

    def __init__(self, settings: IdentitySettings, transport: httpx.AsyncBaseTransport | None):
        self._key = settings.key.encode()
        self._wire = wires.Wire(
            "identity",
            settings.base_url.rstrip("/"),
            secrets=(settings.key,),
            transport=transport,
        )

    def __repr__(self) -> str:
        return "SignedVerifier(…)"

    async def verify(
        self, name: str, id_number: str, card_number: str | None = None, phone: str | None = None
    ) -> Verdict:
        """Ask once. GatewayError(retryable=True) when the authority cannot answer now."""
        facts = {"name": name, "id_number": id_number, "card_number": card_number, "phone": phone}
        body = msgspec.json.encode({k: v for k, v in facts.items() if v is not None})
        signature = hmac.new(self._key, body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "X-Identity-Signature": signature}
        answer = await self._wire.post("/verify", headers=headers, content=body)
        if answer.status != 200:
            # The body may repeat what was asked: only the number is told.
            again = answer.status == 429 or answer.status >= 500
            raise GatewayError(f"identity answered {answer.status}", retryable=again)
        try:
            told = msgspec.json.decode(answer.body, type=Told)
        except msgspec.DecodeError:
            raise GatewayError("identity's answer cannot be read", retryable=True) from None
        if told.match:
            return Verdict(True)
        return Verdict(False, REASONS.get(told.reason or "", "other"))

    async def disconnect(self) -> None:
        """Let the connections go."""
        await self._wire.close()


def open(
    rails: Mapping[str, Mapping[str, Any]],
    transport: httpx.AsyncBaseTransport | None = None,
) -> Verifier | None:
    """The verifier of these settings, or None when it is off; Misconfigured when unusable."""
    rail = rails.get("identity")
    if not rail:
        return None
    try:
        settings = msgspec.convert(rail, IdentitySettings)
    except msgspec.ValidationError as wrong:
        raise Misconfigured(f"identity: {wrong}") from None
    return SignedVerifier(settings, transport)
