"""How Baidu Wallet writes: GBK in the query, a digest under a shared key, XML in the answers.

Sources: PROTOCOLS 3.1. Answers are not signed: they are believed because of TLS, and only when
they name our merchant and our number.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import parse_qsl, quote_plus

import msgspec
from lxml import etree

from littleshop.clock import SHANGHAI
from littleshop.errors import GatewayError
from littleshop.money import Money
from littleshop.pay.gateways.contract import Notice, NoticeRefused, PaymentState

LIMIT_BYTES = 16 * 1024
FEN = re.compile(r"[0-9]{1,12}", re.ASCII)
MOMENT = "%Y%m%d%H%M%S"
DIGESTS = {"1": hashlib.md5, "2": hashlib.sha1}  # what this rail speaks; both under a shared key
# The two families of queries number the same states differently: never mix them up.
BY_ORDER_NO = {"1": PaymentState.PAID, "2": PaymentState.PENDING, "3": PaymentState.PAID}
BY_TRANSACTION = {
    "1": PaymentState.PENDING,
    "2": PaymentState.PAID,
    "3": PaymentState.PAID,
    "5": PaymentState.CLOSED,
    "10": PaymentState.FAILED,
}


class BaiduWalletSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The rail `baidu_wallet` in DIR/rails.json. Off unless `enabled`: whether Baidu still takes
    new merchants on these addresses is not known (PROTOCOLS 3.2).

    `sign_method` is 2 (SHA-1), or 1 (MD5) for an account that knows nothing else.
    """

    sp_no: str
    key: str
    base_url: str = "https://www.baifubao.com"
    sign_method: Literal["1", "2"] = "2"
    refund_notify_url: str | None = None
    enabled: bool = False

    def __repr__(self) -> str:
        return f"BaiduWalletSettings(sp_no={self.sp_no!r}, …)"


def signature(fields: Mapping[str, str], key: str, sign_method: str) -> str:
    """The digest of all fields but `sign`, sorted, raw in GBK, the key at the end."""
    pairs = [f"{name}={fields[name]}" for name in sorted(fields) if name != "sign"]
    text = "&".join([*pairs, f"key={key}"]).encode("gbk")
    return DIGESTS[sign_method](text, usedforsecurity=False).hexdigest()


def query(fields: Mapping[str, str], key: str, sign_method: str) -> str:
    """The signed query of a call or of the cashier's address."""
    signed = {**fields, "sign": signature(fields, key, sign_method)}
    return "&".join(f"{name}={quote_plus(value.encode('gbk'))}" for name, value in signed.items())


def plain(text: str, most_bytes: int) -> str:
    """A text that GBK can write, without control characters, cut at a whole character."""
    known = text.encode("gbk", "ignore").decode("gbk")
    words = " ".join("".join(sign if sign.isprintable() else " " for sign in known).split())
    return words.encode("gbk")[:most_bytes].decode("gbk", "ignore").strip()


def beijing(at: datetime) -> str:
    """An aware time as Baidu writes it: Beijing time, digits only."""
    assert at.tzinfo is not None
    return at.astimezone(SHANGHAI).strftime(MOMENT)


def moment(text: str) -> datetime:
    """Baidu's Beijing time as aware UTC; ValueError when it is not that."""
    if not re.fullmatch(r"[0-9]{14}", text, re.ASCII):
        raise ValueError("not a time")
    return datetime.strptime(text, MOMENT).replace(tzinfo=SHANGHAI).astimezone(UTC)


def fen(text: str) -> Money:
    """Whole fen as Money; ValueError when it is not that."""
    if not FEN.fullmatch(text):
        raise ValueError("not an amount in fen")
    return Money(int(text), "CNY")


def answer(body: bytes) -> dict[str, str]:
    """The elements of an XML answer (GBK or UTF-8 by its own word) by their names.

    Raises GatewayError(retryable=True) for what cannot be read: it says nothing.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(body, parser)
        if root.getroottree().docinfo.doctype:
            raise ValueError("a document type")
        found = {str(each.tag): (each.text or "").strip() for each in root.iter(etree.Element)}
    except (etree.XMLSyntaxError, ValueError):
        raise GatewayError("baidu_wallet's answer cannot be read", retryable=True) from None
    return found


def notice(settings: BaiduWalletSettings, body: bytes, now: datetime) -> Notice | None:
    """Verify and translate the query of a notice: of a payment, or of a refund.

    None for a refund that did not come about. A notice of a refund bears no time: it gets `now`.
    """
    fields = _fields(body)
    given = fields.get("sign", "").lower()
    method = fields.get("sign_method")
    try:
        right = signature(fields, settings.key, settings.sign_method)
    except UnicodeEncodeError:
        raise NoticeRefused("malformed") from None
    if method != settings.sign_method or not hmac.compare_digest(given.encode(), right.encode()):
        raise NoticeRefused("signature")
    if fields.get("sp_no") != settings.sp_no:
        raise NoticeRefused("seller")
    try:
        return (_refunded if "sp_refund_no" in fields else _paid)(fields, body.decode(), now)
    except (KeyError, ValueError):
        raise NoticeRefused("malformed") from None


def _fields(body: bytes) -> dict[str, str]:
    if len(body) > LIMIT_BYTES or not re.fullmatch(rb"[\x21-\x7e]+", body):
        raise NoticeRefused("malformed")
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=True,
            encoding="gbk", errors="strict", max_num_fields=100,
        )  # fmt: skip
    except ValueError:
        raise NoticeRefused("malformed") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise NoticeRefused("malformed")
    return fields


def _paid(fields: Mapping[str, str], raw: str, _now: datetime) -> Notice:
    if fields["currency"] != "1":
        raise ValueError("another currency")
    kind: Literal["paid", "pending"] = "paid" if fields["pay_result"] == "1" else "pending"
    return Notice(
        gateway="baidu_wallet",
        notice_id=f"{kind} {_filled(fields['bfb_order_no'])}",
        reference=_filled(fields["order_no"]),
        kind=kind,
        amount=fen(fields["total_amount"]),
        gateway_trade_no=fields["bfb_order_no"],
        at=moment(fields["pay_time"]),
        raw=raw,
    )


def _refunded(fields: Mapping[str, str], raw: str, now: datetime) -> Notice | None:
    if fields["ret_code"] != "1":
        return None
    return Notice(
        gateway="baidu_wallet",
        notice_id=f"refund {_filled(fields['sp_refund_no'])}",
        reference=_filled(fields["order_no"]),
        kind="refunded",
        amount=fen(fields["cashback_amount"]),
        gateway_trade_no=_filled(fields["bfb_order_no"]),
        at=now,
        raw=raw,
        refund_reference=fields["sp_refund_no"],
    )


def _filled(text: str) -> str:
    if not text:
        raise ValueError("an empty number")
    return text
