"""An official account's side of api.weixin.qq.com that sharing needs: token, ticket, signature.

Source: PROTOCOLS 10. The token and the ticket live for two hours and WeChat counts how often they
are asked for: social/tickets.py keeps them for all processes. Nothing here knows a database.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import httpx
import msgspec

from littleshop import wires
from littleshop.config import Misconfigured, plain_host
from littleshop.errors import GatewayError

SCRIPT_URL = "https://res.wx.qq.com/open/js/jweixin-1.6.0.js"
STALE = frozenset({40001, 40014, 42001})  # the access token is not, or no longer, the current one
PASSING = frozenset({-1, 45009, 45011})  # busy, or asked too often


class OfficialSettings(msgspec.Struct, frozen=True):
    """The account's section of the rails' settings ("wechat_official"). `hosts` are the names that
    are written down there as safe for its JS-SDK; none: all of ours are."""

    app_id: str
    app_secret: str
    base_url: str = "https://api.weixin.qq.com"
    script_url: str = SCRIPT_URL
    hosts: tuple[str, ...] = ()


class StaleToken(GatewayError):
    """WeChat does not know this access token any more: fetch another one and ask again."""


class Lent(msgspec.Struct, frozen=True):
    """What WeChat gave, and for how many seconds."""

    value: str
    seconds: int


class Official:
    """One official account."""

    def __init__(self, settings: OfficialSettings, wire: wires.Wire) -> None:
        self.app_id = settings.app_id
        self.script_url = settings.script_url
        self.hosts = frozenset(plain_host(host) for host in settings.hosts)
        self._secret = settings.app_secret
        self._wire = wire

    def __repr__(self) -> str:
        return f"Official(app_id={self.app_id!r})"

    async def access_token(self) -> Lent:
        """The account's current access token (POST /cgi-bin/stable_token: asked twice, WeChat
        gives the same one, so nobody else's is made useless). Raises GatewayError."""
        asked = {
            "grant_type": "client_credential",
            "appid": self.app_id,
            "secret": self._secret,
            "force_refresh": False,
        }
        reply = await self._wire.post(
            "/cgi-bin/stable_token",
            content=msgspec.json.encode(asked),
            headers={"content-type": "application/json"},
        )
        return self._lent(reply, "access_token")

    async def ticket(self, access_token: str) -> Lent:
        """The ticket that signs pages (GET /cgi-bin/ticket/getticket). Raises StaleToken,
        GatewayError."""
        params = {"access_token": access_token, "type": "jsapi"}
        reply = await self._wire.get("/cgi-bin/ticket/getticket", params=params)
        return self._lent(reply, "ticket")

    def _lent(self, reply: wires.Answer, name: str) -> Lent:
        self._wire.refuse(reply)
        try:
            told = msgspec.json.decode(reply.body, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise GatewayError("wechat's answer cannot be read", retryable=True) from None
        code = told.get("errcode", 0)
        if code:
            words = self._wire.scrub(str(told.get("errmsg")))[:200]
            if code in STALE:
                raise StaleToken(f"wechat: {code} {words}", retryable=True)
            raise GatewayError(f"wechat: {code} {words}", retryable=code in PASSING)
        value, seconds = told.get(name), told.get("expires_in")
        if not isinstance(value, str) or not 8 <= len(value) <= 1024:
            raise GatewayError(f"wechat's answer holds no {name}", retryable=True)
        if not isinstance(seconds, int) or not 0 < seconds <= 86_400:
            raise GatewayError("wechat's answer says no time", retryable=True)
        return Lent(value, seconds)

    async def disconnect(self) -> None:
        """Let the connections go."""
        await self._wire.close()


def signature(ticket: str, nonce: str, timestamp: int, url: str) -> str:
    """What wx.config wants: SHA-1 over these four in this order and spelling; `url` is the exact
    address of the page as the browser has it, without #."""
    told = f"jsapi_ticket={ticket}&noncestr={nonce}&timestamp={timestamp}&url={url}"
    return hashlib.sha1(told.encode(), usedforsecurity=False).hexdigest()


def open_account(
    rail: Mapping[str, Any], transport: httpx.AsyncBaseTransport | None = None
) -> Official:
    """Open the account of the settings; Misconfigured, without any secret, when unusable."""
    try:
        settings = msgspec.convert(rail, OfficialSettings)
    except msgspec.ValidationError as wrong:
        raise Misconfigured(f"wechat_official: {wrong}") from None
    wires.refuse_plain_http(settings.script_url)
    base = settings.base_url.rstrip("/")
    wire = wires.Wire("wechat_official", base, secrets=[settings.app_secret], transport=transport)
    return Official(settings, wire)
