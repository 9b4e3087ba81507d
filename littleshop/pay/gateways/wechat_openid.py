"""Who is in front of a page inside WeChat: a redirect for a code, and the code for an openid.

Sources: PROTOCOLS 1.4 (OAuth of official accounts, snsapi_base: nobody is asked anything).
"""

import hmac
import re
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import httpx
import msgspec

from littleshop import wires
from littleshop.config import Misconfigured
from littleshop.errors import GatewayError
from littleshop.pay.gateways import wechat_pay_keys
from littleshop.pay.gateways.contract import Declined, Reason
from littleshop.pay.gateways.wechat_pay_keys import WechatPaySettings

OPENID = re.compile(r"[0-9A-Za-z_-]{6,128}")
CODE = re.compile(r"[0-9A-Za-z_-]{1,512}")
REASONS = {
    -1: Reason.UNKNOWN,  # busy
    45011: Reason.UNKNOWN,  # too often
    40029: Reason.BAD_REQUEST,  # no such code, or five minutes old
    40163: Reason.BAD_REQUEST,  # used before
    41008: Reason.BAD_REQUEST,
    40013: Reason.NOT_ALLOWED,  # appid
    40125: Reason.NOT_ALLOWED,  # app_secret
    40164: Reason.NOT_ALLOWED,  # our address is not on the list
}


class Begun(msgspec.Struct, frozen=True):
    """Where to send the person, and the state that must come back with him: keep it in his
    cookie, and compare it by `is_same`."""

    url: str
    state: str


class WechatOpenid:
    """The login of one official account."""

    def __init__(self, settings: WechatPaySettings, wire: wires.Wire) -> None:
        """Raises Misconfigured without an app_secret."""
        if not settings.app_secret:
            raise Misconfigured("wechat_pay: app_secret is needed to know people inside WeChat")
        self._settings = settings
        self._secret = settings.app_secret
        self._wire = wire

    def __repr__(self) -> str:
        return f"WechatOpenid(appid={self._settings.appid!r})"

    def begin(self, redirect_uri: str) -> Begun:
        """Send the person to WeChat; he comes back to `redirect_uri` with code and state."""
        state = secrets.token_urlsafe(24)
        query = urlencode(
            {
                "appid": self._settings.appid,
                "redirect_uri": redirect_uri,
                "response_type": "code",
                "scope": "snsapi_base",
                "state": state,
            }
        )
        base = self._settings.open_base_url.rstrip("/")
        return Begun(f"{base}/connect/oauth2/authorize?{query}#wechat_redirect", state)

    async def openid(self, code: str) -> str:
        """The openid behind a code, which counts once and for five minutes.

        Raises Declined: BAD_REQUEST when the code is of no use (begin again), UNKNOWN when
        WeChat is busy (retryable).
        """
        if not CODE.fullmatch(code):
            raise Declined("wechat: no code", Reason.BAD_REQUEST)
        params = {
            "appid": self._settings.appid,
            "secret": self._secret,
            "code": code,
            "grant_type": "authorization_code",
        }
        reply = await self._wire.get("/sns/oauth2/access_token", params=params)
        self._wire.refuse(reply)
        try:
            told = msgspec.json.decode(reply.body, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise GatewayError("wechat's answer cannot be read", retryable=True) from None
        if told.get("errcode"):
            reason = REASONS.get(told["errcode"], Reason.OTHER)
            words = self._wire.scrub(str(told.get("errmsg")))[:200]
            raise Declined(f"wechat: {told['errcode']} {words}", reason)
        openid = told.get("openid")
        if not isinstance(openid, str) or not OPENID.fullmatch(openid):
            raise GatewayError("wechat's answer names nobody", retryable=True)
        return openid

    async def disconnect(self) -> None:
        """Let the connections go."""
        await self._wire.close()


def is_same(kept: str | None, came: str | None) -> bool:
    """Whether the state that came back is the one that was given out."""
    return bool(kept and came) and hmac.compare_digest(str(kept).encode(), str(came).encode())


def open_login(
    rail: Mapping[str, Any], transport: httpx.AsyncBaseTransport | None = None
) -> WechatOpenid:
    """Open the login of the rail's settings; Misconfigured, without any secret, when unusable."""
    try:
        told = msgspec.convert(rail, WechatPaySettings)
    except msgspec.ValidationError as wrong:
        raise Misconfigured(f"wechat_pay: {wrong}") from None
    settings = wechat_pay_keys.checked(told)
    base = settings.api_base_url.rstrip("/")
    wire = wires.Wire("wechat", base, secrets=settings.secrets, transport=transport)
    return WechatOpenid(settings, wire)
