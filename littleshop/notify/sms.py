"""SMS by Aliyun, signed by hand: its own SDK puts phone and code into the URL (PROTOCOLS 8.1).

Signature: ACS3-HMAC-SHA256, https://help.aliyun.com/document_detail/2712195.html
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from littleshop.crypto import mask_phone
from littleshop.errors import GatewayError
from littleshop.wires import Wire

ALGORITHM = "ACS3-HMAC-SHA256"
LONGEST_VALUE = 35  # the vendor refuses longer values of a variable
_UNWANTED = ("isv.MOBILE_NUMBER_ILLEGAL", "isv.BLACK_KEY_CONTROL_LIMIT", "isv.MOBILE_COUNT_OVER")
_LATER = (
    "isv.BUSINESS_LIMIT_CONTROL",
    "isp.",
    "Throttling",
    "ServiceUnavailable",
    "InternalError",
    "InvalidTimeStamp",  # a clock that was wrong for a moment
)


class Unwanted(Exception):
    """The address does not take this, now or ever; nobody has to look into it."""


class Sms:
    """One account at Aliyun. Make it once per process, close it at shutdown."""

    def __init__(self, rail: Mapping[str, Any], wire: Wire | None = None) -> None:
        """`rail`: base_url, access_key_id, access_key_secret, sign_name and, where the vendor
        gave them, `templates` as {"order_paid.zh-CN": "SMS_1234567"}.
        """
        self._key_id = str(rail["access_key_id"])
        self._secret = str(rail["access_key_secret"])
        self._sign_name = str(rail["sign_name"])
        self._templates: Mapping[str, str] = rail.get("templates") or {}
        self._base_url = str(rail["base_url"]).rstrip("/")
        self._wire = wire or Wire("sms", self._base_url, secrets=[self._secret])

    async def close(self) -> None:
        await self._wire.close()

    def template(self, about: str, locale: str) -> str:
        """The vendor's name of a text; without a list of names, one that speaks for itself."""
        return self._templates.get(f"{about}.{locale}") or template_name(about, locale)

    async def send(
        self,
        phone: str,
        about: str,
        locale: str,
        values: Mapping[str, str],
        *,
        out_id: str,
        at: datetime,
    ) -> str:
        """Send one SMS to `phone` (E.164); the vendor's id of it.

        `out_id` is ours and comes back in reports. Raises Unwanted for a number that takes
        nothing, GatewayError otherwise; after a retryable one it may have been sent.
        """
        form = {
            "PhoneNumbers": _as_dialled(phone),
            "SignName": self._sign_name,
            "TemplateCode": self.template(about, locale),
            "TemplateParam": json.dumps(
                {name: value[:LONGEST_VALUE] for name, value in values.items()},
                ensure_ascii=False,
            ),
            "OutId": out_id,
        }
        body = urlencode(form, quote_via=quote).encode()
        answer = await self._wire.post(
            "", headers=self._headers("SendSms", "2017-05-25", body, at), content=body
        )
        return self._heard(answer.status, answer.body, phone)

    def _headers(self, action: str, version: str, body: bytes, at: datetime) -> dict[str, str]:
        address = urlsplit(self._base_url)
        headers = {
            "host": address.netloc,
            "content-type": "application/x-www-form-urlencoded",
            "x-acs-action": action,
            "x-acs-content-sha256": hashlib.sha256(body).hexdigest(),
            "x-acs-date": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "x-acs-signature-nonce": secrets.token_hex(16),
            "x-acs-version": version,
        }
        headers["authorization"] = authorization(
            self._key_id, self._secret, "POST", address.path or "/", {}, headers
        )
        return headers

    def _heard(self, status: int, body: bytes, phone: str) -> str:
        """HTTP 200 says nothing: only Code OK is success."""
        try:
            told = json.loads(body)
            code, said = str(told["Code"]), str(told.get("Message", ""))[:200]
        except (ValueError, KeyError, TypeError, AttributeError):
            again = status >= 500 or status == 429 or status == 200
            raise GatewayError(f"sms answered {status} without a code", retryable=again) from None
        if code == "OK":
            return str(told.get("BizId", ""))
        if code in _UNWANTED:
            raise Unwanted(code)
        again = code.startswith(_LATER) or status >= 500 or status == 429
        # the vendor likes to repeat the number in his answer: it is not for logs
        said = said.replace(phone, mask_phone(phone)).replace(_as_dialled(phone), mask_phone(phone))
        raise GatewayError(self._wire.scrub(f"sms refused: {code} {said}"), retryable=again)


def authorization(
    key_id: str,
    secret: str,
    method: str,
    path: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
) -> str:
    """The Authorization header over all given headers (names in lower case).

    `headers` must hold x-acs-content-sha256, the hash of the body.
    """
    names = sorted(headers)
    asked = "&".join(f"{_escaped(name)}={_escaped(query[name])}" for name in sorted(query))
    canonical = "\n".join(
        (
            method,
            quote(path, safe="/~"),
            asked,
            "".join(f"{name}:{headers[name].strip()}\n" for name in names),
            ";".join(names),
            headers["x-acs-content-sha256"],
        )
    )
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    signature = hmac.new(secret.encode(), f"{ALGORITHM}\n{digest}".encode(), hashlib.sha256)
    return (
        f"{ALGORITHM} Credential={key_id},SignedHeaders={';'.join(names)},"
        f"Signature={signature.hexdigest()}"
    )


def _escaped(text: str) -> str:
    return quote(text, safe="~")


def _as_dialled(phone: str) -> str:
    """+8613800002046 -> 13800002046; abroad the country code without its plus."""
    return phone.removeprefix("+86") if phone.startswith("+86") else phone.removeprefix("+")


def template_name(about: str, locale: str) -> str:
    """What a text is called at a vendor who lets us choose (the sandbox)."""
    return f"LITTLESHOP_{about}_{locale}".upper().replace("-", "_")
