"""Calls to WeChat Pay v3: signed as it wants them, and only what it signed is believed.

Sources: PROTOCOLS 1.1 and 1.4. The gateway, the escrow and the transfers all speak through here.
"""

import asyncio
import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import httpx
import msgspec

from littleshop import wires
from littleshop.clock import Clock
from littleshop.config import Misconfigured
from littleshop.errors import GatewayError
from littleshop.pay.gateways import wechat_pay_keys
from littleshop.pay.gateways.contract import Declined, Reason
from littleshop.pay.gateways.wechat_pay_keys import UnknownKey, WechatPayKeys, WechatPaySettings

REFRESH_AT_MOST = timedelta(minutes=1)
BILL_LIMIT_BYTES = 64 * 1024 * 1024
USER_AGENT = "littleshop"
LONG_BASE64 = re.compile(r"[A-Za-z0-9+/]{60,}={0,2}")
PEM_BLOCKS = re.compile(r"-----BEGIN [^-]+-----.*?-----END [^-]+-----", re.DOTALL)

CODES = {
    "ORDER_NOT_EXIST": Reason.NOT_CREATED,
    "ORDERNOTEXIST": Reason.NOT_CREATED,
    "RESOURCE_NOT_EXISTS": Reason.NOT_CREATED,
    "RESOURCE_NOT_EXIST": Reason.NOT_CREATED,
    "NOT_FOUND": Reason.NOT_CREATED,
    "ORDERPAID": Reason.ALREADY_PAID,
    "ORDER_PAID": Reason.ALREADY_PAID,
    "ORDER_CLOSED": Reason.ALREADY_CLOSED,
    "ORDERCLOSED": Reason.ALREADY_CLOSED,
    "TRADE_ERROR": Reason.WRONG_STATE,
    "USERPAYING": Reason.WRONG_STATE,
    "NOT_ENOUGH": Reason.SELLER_FUNDS,
    "OUT_TRADE_NO_USED": Reason.CONFLICT,
    "RESOURCE_ALREADY_EXISTS": Reason.CONFLICT,
    "ALREADY_EXISTS": Reason.CONFLICT,
    "ACCOUNT_ERROR": Reason.BUYER_ACCOUNT,
    "USER_ACCOUNT_ABNORMAL": Reason.BUYER_ACCOUNT,
    "OPENID_MISMATCH": Reason.BUYER_ACCOUNT,
    "PARAM_ERROR": Reason.BAD_REQUEST,
    "INVALID_REQUEST": Reason.BAD_REQUEST,
    "ORDER_NOT_READY": Reason.UNKNOWN,  # in the first half minute after a payment
    "SIGN_ERROR": Reason.BAD_SIGNATURE,
    "APPID_MCHID_NOT_MATCH": Reason.NOT_ALLOWED,
    "MCH_NOT_EXISTS": Reason.NOT_ALLOWED,
    "NO_AUTH": Reason.NOT_ALLOWED,
    "RULE_LIMIT": Reason.NOT_ALLOWED,
    "RULELIMIT": Reason.NOT_ALLOWED,
    "FREQUENCY_LIMITED": Reason.UNKNOWN,
    "FREQUENCY_LIMIT_EXCEED": Reason.UNKNOWN,
    "RATELIMIT_EXCEEDED": Reason.UNKNOWN,
    "SYSTEM_ERROR": Reason.UNKNOWN,
    "SYSTEMERROR": Reason.UNKNOWN,
    "BANK_ERROR": Reason.UNKNOWN,
    "BANKERROR": Reason.UNKNOWN,
}


class Outcome(msgspec.Struct, frozen=True):
    """One answer: HTTP status, the reason when it was a no, WeChat's code, and the fields."""

    status: int
    reason: Reason | None
    code: str
    fields: dict[str, Any]

    @property
    def ok(self) -> bool:
        """Whether WeChat did what was asked."""
        return self.reason is None

    def text(self, name: str) -> str:
        """A field as text, empty when it is absent."""
        value = self.fields.get(name)
        return "" if value is None else str(value)


class WechatPayCalls:
    """The signed wire of one merchant."""

    def __init__(self, settings: WechatPaySettings, clock: Clock, wire: wires.Wire) -> None:
        """Raises Misconfigured when a key cannot be used."""
        self.settings = settings
        self.keys = WechatPayKeys(settings)
        self._clock = clock
        self._wire = wire
        self._base_path = httpx.URL(settings.base_url).raw_path.decode().rstrip("/")
        self._fetching = asyncio.Lock()
        self._fetched_at: datetime | None = None

    def __repr__(self) -> str:
        return f"WechatPayCalls(mchid={self.settings.mchid!r})"

    def now(self) -> datetime:
        """The present moment."""
        return self._clock.now()

    async def ask(
        self,
        method: str,
        path: str,
        content: Mapping[str, object] | None = None,
        *,
        sealed_by: str | None = None,
    ) -> Outcome:
        """Call, and return WeChat's own verdict, good or bad.

        `sealed_by` names the key with which parts of `content` were encrypted. Raises
        GatewayError(retryable=True) when nobody knows what happened: repeat the same number.
        """
        body = b"" if content is None else _json(content)
        reply = await self._send(method, path, body, sealed_by)
        if reply.status in (200, 204):
            await self._believe(reply)
            return Outcome(status=reply.status, reason=None, code="", fields=_fields(reply))
        return await self._refusal(reply)

    async def tell(
        self, method: str, path: str, content: Mapping[str, object] | None = None
    ) -> Outcome:
        """Call, and raise Declined when WeChat says no."""
        found = await self.ask(method, path, content)
        self.accept(found)
        return found

    def accept(self, found: Outcome) -> None:
        """Raise Declined unless WeChat did what was asked."""
        if found.reason is not None:
            told = self.scrub(f"{found.code} {found.text('message')}")[:300]
            raise Declined(f"wechat_pay: {told}", found.reason)

    async def download(self, url: str) -> bytes:
        """A file WeChat offers. Its address may only be WeChat's own, and is signed like a call.

        What it answers is not signed: the caller compares the digest that was.
        """
        reply = await self._send("GET", self._own(url), b"", None)
        self._wire.refuse(reply)
        return reply.body

    async def seal(self, texts: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        """Encrypt personal data for WeChat; the key's number goes into `sealed_by`."""
        try:
            return self.keys.seal(texts, self.now())
        except UnknownKey:
            await self.refresh_keys()
        try:
            return self.keys.seal(texts, self.now())
        except UnknownKey:
            raise GatewayError(
                "wechat_pay: no key of WeChat to encrypt with", retryable=True
            ) from None

    async def refresh_keys(self) -> None:
        """Fetch the platform certificates, at most once a minute however often it is asked.

        A merchant in public-key mode may have none: then nothing changes.
        """
        async with self._fetching:
            now = self.now()
            if self._fetched_at is not None and abs(now - self._fetched_at) < REFRESH_AT_MOST:
                return
            self._fetched_at = now
            reply = await self._send("GET", "/v3/certificates", b"", None)
            if reply.status == 404 and self.settings.public_key_id:
                return
            self._wire.refuse(reply)
            self.keys.learn(self._certificates(reply), now)
            await self._believe(reply, fetch=False)

    def scrub(self, text: str) -> str:
        """Return `text` without keys, certificates and signatures, fit for a log."""
        return LONG_BASE64.sub("[secret]", PEM_BLOCKS.sub("[secret]", self._wire.scrub(text)))

    async def disconnect(self) -> None:
        """Let the connections go."""
        await self._wire.close()

    async def upload(self, path: str, meta: bytes, body: bytes, kind: str) -> Outcome:
        """Send a file: of `body` (multipart, its type is `kind`) only `meta` is signed."""
        reply = await self._send("POST", path, body, None, signed=meta, kind=kind)
        if reply.status == 200:
            await self._believe(reply)
            return Outcome(status=reply.status, reason=None, code="", fields=_fields(reply))
        return await self._refusal(reply)

    async def _send(
        self,
        method: str,
        path: str,
        body: bytes,
        sealed_by: str | None,
        *,
        signed: bytes | None = None,
        kind: str = "application/json",
    ) -> wires.Answer:
        # The path is signed as it travels: httpx has the last word on percent-encoding.
        target = httpx.URL(self.settings.base_url + path).raw_path.decode()
        headers = {
            "Accept": "application/json",
            "User-Agent": USER_AGENT,
            "Authorization": self.keys.authorization(
                method, target, body if signed is None else signed, self.now()
            ),
        }
        if body:
            headers["Content-Type"] = kind
        named = sealed_by or self.keys.names_itself
        if named:
            headers["Wechatpay-Serial"] = named
        return await self._wire.send(method, path, headers=headers, content=body or None)

    async def _believe(self, reply: wires.Answer, *, fetch: bool = True) -> None:
        """Raise GatewayError(retryable=True) unless WeChat signed these bytes just now."""
        headers, at = reply.headers, self.now()
        signer, signature = (
            headers.get(f"wechatpay-{name}", "") for name in ("serial", "signature")
        )
        stamp, nonce = (headers.get(f"wechatpay-{name}", "") for name in ("timestamp", "nonce"))
        content = f"{stamp}\n{nonce}\n".encode() + reply.body + b"\n"
        try:
            if wechat_pay_keys.is_old(stamp, at):
                raise GatewayError("wechat_pay's answer is of another time", retryable=True)
            if not self.keys.verifies(signer, content, signature, at):
                raise GatewayError("wechat_pay's answer is not signed by it", retryable=True)
        except UnknownKey:
            if not fetch:
                raise GatewayError(
                    "wechat_pay signed with an unknown key", retryable=True
                ) from None
            await self.refresh_keys()
            await self._believe(reply, fetch=False)
        except ValueError:
            raise GatewayError("wechat_pay's answer is not signed", retryable=True) from None

    async def _refusal(self, reply: wires.Answer) -> Outcome:
        """A no in WeChat's form. Those it signs are checked; gateways in front of it sign none."""
        if reply.headers.get("wechatpay-signature"):
            await self._believe(reply)
        try:
            fields = msgspec.json.decode(reply.body, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            fields = {}
        code = str(fields.get("code") or "")
        if not code:
            # cut short, or of some other machine on the way: nobody knows what was done
            raise GatewayError(f"wechat_pay answered {reply.status} unreadably", retryable=True)
        reason = CODES.get(code, Reason.OTHER)
        if reply.status == 429 or reply.status >= 500:
            reason = Reason.UNKNOWN
        if reason is Reason.BAD_SIGNATURE and "timestamp" in str(fields.get("message")).lower():
            reason = Reason.UNKNOWN  # a clock was wrong for a moment: nothing was done
        return Outcome(status=reply.status, reason=reason, code=code, fields=fields)

    def _certificates(self, reply: wires.Answer) -> dict[str, Any]:
        """The certificates of the list. What the APIv3 key opens, nobody else has sealed."""
        try:
            return {
                str(one["serial_no"]): wechat_pay_keys.certificate(
                    self.keys.open(one["encrypt_certificate"])
                )
                for one in _fields(reply)["data"]
            }
        except (KeyError, TypeError, ValueError):
            raise GatewayError("wechat_pay's certificates cannot be read", retryable=True) from None

    def _own(self, url: str) -> str:
        """The path of an address that is WeChat's own; GatewayError for any other host.

        It is fetched from `base_url`, so that no answer can send us elsewhere (PROTOCOLS 15.16).
        """
        base = httpx.URL(self.settings.base_url)
        try:
            told = httpx.URL(url)
        except httpx.InvalidURL:
            told = httpx.URL()
        live = base.host.endswith("mch.weixin.qq.com") and told.host in (
            "api.mch.weixin.qq.com",
            "api2.mch.weixin.qq.com",
        )
        same = (told.scheme, told.host, told.port) == (base.scheme, base.host, base.port)
        target = told.raw_path.decode()
        if not (same or (live and told.scheme == "https")) or told.userinfo:
            raise GatewayError("wechat_pay offers a file of another host", retryable=False)
        if not target.startswith(f"{self._base_path}/v3/"):
            raise GatewayError("wechat_pay offers a file of another place", retryable=False)
        return target.removeprefix(self._base_path)


def open_calls(
    rail: Mapping[str, Any], clock: Clock, transport: httpx.AsyncBaseTransport | None = None
) -> WechatPayCalls:
    """The wire of the rail's settings; Misconfigured, without any secret, when unusable."""
    try:
        told = msgspec.convert(rail, WechatPaySettings)
    except msgspec.ValidationError as wrong:
        raise Misconfigured(f"wechat_pay: {wrong}") from None
    settings = wechat_pay_keys.checked(told)
    wire = wires.Wire(
        "wechat_pay",
        settings.base_url,
        secrets=settings.secrets,
        transport=transport,
        limit_bytes=BILL_LIMIT_BYTES,
    )
    return WechatPayCalls(settings, clock, wire)


def _json(content: Mapping[str, object]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _fields(reply: wires.Answer) -> dict[str, Any]:
    if not reply.body:
        return {}
    try:
        return msgspec.json.decode(reply.body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise GatewayError("wechat_pay's answer cannot be read", retryable=True) from None
