"""WeChat template messages: an official account tells one of its people something.

POST https://api.weixin.qq.com/cgi-bin/message/template/send?access_token=..., with touser (his
openid), template_id, url and data; HTTP 200 always, errcode 0 is success. Texts are templates that
WeChat approved: two fields of ours, {{thing1.DATA}} (20 characters) and {{thing2.DATA}}.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from datetime import datetime
from typing import Any, Protocol

import msgspec

from littleshop import wires
from littleshop.errors import GatewayError
from littleshop.notify.sms import Unwanted

LONGEST = 20  # characters of a "thing"
GONE = frozenset({40003, 43004, 43019, 43101})  # no such person, he left, or wants none
STALE = frozenset({40001, 40014, 42001})  # the access token is not, or no longer, the current one
PASSING = frozenset({-1, 45009, 45011})


class Token(Protocol):
    """The account's access token; another one than `refused`, which WeChat forgot."""

    def __call__(self, at: datetime, *, refused: str = "") -> Awaitable[str | None]: ...


class _Stale(GatewayError):
    """Somebody had WeChat make another token."""


class WechatNotices:
    """The template of one official account. Make it once per process, close it at shutdown."""

    def __init__(self, wire: wires.Wire, template_id: str, token: Token) -> None:
        self._wire = wire
        self._template_id = template_id
        self._token = token

    async def close(self) -> None:
        await self._wire.close()

    async def send(self, openid: str, title: str, text: str, url: str, at: datetime) -> str:
        """Tell one person; WeChat's id of it. Raises Unwanted for who left the account,
        GatewayError otherwise."""
        told = {
            "touser": openid,
            "template_id": self._template_id,
            "url": url,
            "data": {
                "thing1": {"value": _short(title)},
                "thing2": {"value": _short(text)},
            },
        }
        token = await self._current(at)
        try:
            return await self._say(told, token)
        except _Stale:
            return await self._say(told, await self._current(at, refused=token))

    async def _current(self, at: datetime, *, refused: str = "") -> str:
        token = await self._token(at, refused=refused)
        if token is None:
            raise GatewayError("wechat: no access token for now", retryable=True)
        return token

    async def _say(self, told: Mapping[str, Any], token: str) -> str:
        reply = await self._wire.post(
            "/cgi-bin/message/template/send",
            params={"access_token": token},
            content=msgspec.json.encode(told),
            headers={"content-type": "application/json"},
        )
        self._wire.refuse(reply)
        return self._heard(reply.body)

    def _heard(self, body: bytes) -> str:
        try:
            told = msgspec.json.decode(body, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise GatewayError("wechat's answer cannot be read", retryable=True) from None
        code = told.get("errcode")
        if code == 0:
            return str(told.get("msgid", ""))
        if code in GONE:
            raise Unwanted(f"wechat: {code}")
        words = self._wire.scrub(str(told.get("errmsg")))[:200]
        if code in STALE:
            raise _Stale(f"wechat: {code} {words}", retryable=True)
        raise GatewayError(f"wechat: {code} {words}", retryable=code in PASSING)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def open_notices(rail: Mapping[str, Any], token: Token) -> WechatNotices | None:
    """The account's template of the settings ("wechat_official"), None when it has none."""
    template = str(rail.get("template_id", ""))
    if not template:
        return None
    base = str(rail.get("base_url", "https://api.weixin.qq.com")).rstrip("/")
    return WechatNotices(wires.Wire("wechat_notices", base), template, token)
