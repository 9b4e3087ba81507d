"""The signed wire to Alipay: a call, its verified answer, and what may be said of either.

Sources: PROTOCOLS 2.1. Used by the payment gateway, the escrow and the transfers.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx
import msgspec

from littleshop import wires
from littleshop.clock import Clock
from littleshop.config import Misconfigured
from littleshop.errors import GatewayError
from littleshop.pay.gateways import alipay_answers as answers
from littleshop.pay.gateways.alipay_keys import AlipayKeys, AlipaySettings, joined
from littleshop.pay.gateways.contract import Declined, Reason

SUBJECT_LENGTH = 256
# Alipay refuses / = & in the subject; characters outside the basic plane (emoji) and control
# characters break its cashier.
SUBJECT_REFUSES = re.compile("[/=&\\x00-\\x1f\\x7f\\ud800-\\udfff]|[^\\u0000-\\uffff]")
SIGNATURES = re.compile(r"""(sign["']?\s*[:=]\s*["']?)[A-Za-z0-9+/=%]{16,}""")
PEM_BLOCKS = re.compile(r"-----BEGIN [^-]+-----.*?-----END [^-]+-----", re.DOTALL)


class AlipayCalls:
    """One app of one seller at Alipay, by its signed calls."""

    def __init__(
        self,
        settings: AlipaySettings,
        clock: Clock,
        wire: wires.Wire,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Raises Misconfigured when a key or certificate cannot be read."""
        self.settings = settings
        self.keys = AlipayKeys(settings)
        self.transport = transport
        self._clock = clock
        self._wire = wire

    def __repr__(self) -> str:
        return f"AlipayCalls(app_id={self.settings.app_id!r})"

    def now(self) -> datetime:
        """The present moment."""
        return self._clock.now()

    async def ask(
        self,
        method: str,
        content: Mapping[str, object],
        urls: Mapping[str, str] | None = None,
    ) -> answers.Outcome:
        """Call and return Alipay's own verdict, good or bad.

        Raises GatewayError(retryable=True) when nobody knows what happened.
        """
        signed = self.signed(method, content, urls or {})
        # As Alipay's SDKs do: the body holds only biz_content, so that `charset` is known
        # before the body is decoded.
        form = {"biz_content": signed.pop("biz_content")}
        reply = await self._wire.post(params=signed, form=form)
        self._wire.refuse(reply)
        return answers.outcome(self.keys, method, reply.text())

    async def tell(
        self,
        method: str,
        content: Mapping[str, object],
        urls: Mapping[str, str] | None = None,
    ) -> answers.Outcome:
        """Call, and raise Declined when Alipay says no."""
        found = await self.ask(method, content, urls)
        self.accept(found)
        return found

    def accept(self, found: answers.Outcome) -> None:
        """Raise Declined unless Alipay did what was asked."""
        if not found.ok:
            raise Declined(f"alipay: {self.said(found)}", found.reason or Reason.OTHER)

    def said(self, found: answers.Outcome) -> str:
        """Why Alipay said no, without any secret."""
        return self.scrub(f"{found.code} {found.text('sub_msg') or found.text('msg')}")

    def signed(
        self, method: str, content: Mapping[str, object], urls: Mapping[str, str]
    ) -> dict[str, str]:
        """All parameters of a call with their signature."""
        parameters = {
            "app_id": self.settings.app_id,
            "method": method,
            "format": "JSON",
            "charset": "utf-8",
            "sign_type": "RSA2",
            "timestamp": answers.beijing(self.now()),
            "version": "1.0",
            "biz_content": json.dumps(content, ensure_ascii=False, separators=(",", ":")),
            **self.keys.serials,
            **urls,
        }
        filled = {name: value for name, value in parameters.items() if value}
        return {**filled, "sign": self.keys.sign(joined(filled))}

    def scrub(self, text: str) -> str:
        """Return `text` without keys, certificates and signatures, fit for a log."""
        text = PEM_BLOCKS.sub("[secret]", self._wire.scrub(text))
        return SIGNATURES.sub(r"\1[secret]", text)

    async def disconnect(self) -> None:
        """Let the connections go."""
        await self._wire.close()


def open_calls(
    rail: Mapping[str, Any], clock: Clock, transport: httpx.AsyncBaseTransport | None = None
) -> AlipayCalls:
    """Open the wire of the rail's settings; Misconfigured, without any secret, when unusable."""
    try:
        settings = msgspec.convert(rail, AlipaySettings)
    except msgspec.ValidationError as wrong:
        raise Misconfigured(f"alipay: {wrong}") from None
    lines = [line for line in settings.private_key.split() if "-----" not in line]
    wire = wires.Wire(
        "alipay",
        settings.base_url,
        secrets=(settings.private_key, "".join(lines), *lines),
        transport=transport,
    )
    return AlipayCalls(settings, clock, wire, transport)


def filled(found: answers.Outcome, name: str) -> str:
    """A field that must be there; GatewayError(retryable=True) when it is not."""
    if not found.text(name):
        raise GatewayError(f"alipay's answer lacks {name}", retryable=True)
    return found.text(name)


def plain_subject(text: str) -> str:
    """A title that Alipay takes: without / = &, emoji and control characters, 256 at most."""
    return " ".join(SUBJECT_REFUSES.sub(" ", text).split())[:SUBJECT_LENGTH]
