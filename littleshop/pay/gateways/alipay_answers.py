"""Reading what Alipay sends: synchronous answers, notices, amounts, times and codes.

Sources: PROTOCOLS 2.1 to 2.3. The only place, with alipay.py, where yuan text exists.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal
from urllib.parse import parse_qsl

import msgspec

from littleshop.clock import SHANGHAI
from littleshop.errors import GatewayError
from littleshop.money import Money
from littleshop.pay.gateways.alipay_keys import AlipayKeys, joined
from littleshop.pay.gateways.contract import Notice, NoticeRefused, PaymentState, Reason

YUAN = re.compile(r"(\d{1,11})(?:\.(\d{1,2}))?", re.ASCII)
NOTICE_LIMIT_BYTES = 64 * 1024
NOTICE_LIFE = timedelta(hours=26)  # Alipay gives up after 25: what comes later is a replay

TRADE_STATES = {
    "WAIT_BUYER_PAY": PaymentState.PENDING,
    "TRADE_SUCCESS": PaymentState.PAID,
    "TRADE_FINISHED": PaymentState.PAID,
    "TRADE_CLOSED": PaymentState.CLOSED,
}

SUB_CODES = {
    "ACQ.TRADE_NOT_EXIST": Reason.NOT_CREATED,
    "ACQ.TRADE_HAS_SUCCESS": Reason.ALREADY_PAID,
    "ACQ.TRADE_HAS_FINISHED": Reason.WRONG_STATE,
    "ACQ.TRADE_HAS_CLOSE": Reason.ALREADY_CLOSED,
    "ACQ.TRADE_STATUS_ERROR": Reason.WRONG_STATE,
    "ACQ.REASON_TRADE_STATUS_INVALID": Reason.WRONG_STATE,
    "ACQ.SELLER_BALANCE_NOT_ENOUGH": Reason.SELLER_FUNDS,
    "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL": Reason.AMOUNT,
    "ACQ.REFUND_FEE_ERROR": Reason.AMOUNT,
    "ACQ.TOTAL_FEE_EXCEED": Reason.AMOUNT,
    "ACQ.DISCORDANT_REPEAT_REQUEST": Reason.CONFLICT,
    "ACQ.CONTEXT_INCONSISTENT": Reason.CONFLICT,
    "ACQ.BUYER_ERROR": Reason.BUYER_ACCOUNT,
    "ACQ.BUYER_NOT_EXIST": Reason.BUYER_ACCOUNT,
    "ACQ.BUYER_ENABLE_STATUS_FORBID": Reason.BUYER_ACCOUNT,
    "ACQ.INVALID_PARAMETER": Reason.BAD_REQUEST,
    "ACQ.ACCESS_FORBIDDEN": Reason.NOT_ALLOWED,
    "ACQ.SYSTEM_ERROR": Reason.UNKNOWN,
    "SYSTEM_ERROR": Reason.UNKNOWN,
    # platforms (直付通)
    "ACQ.TRADE_SETTLE_ERROR": Reason.UNKNOWN,  # repeat with the same parameters
    "ACQ.ALLOC_AMOUNT_VALIDATE_ERROR": Reason.AMOUNT,
    "ACQ.REFUND_ROYALTY_AMOUNT_ERROR": Reason.AMOUNT,
    "ACQ.ROYALTY_RECEIVER_INVALID": Reason.BAD_REQUEST,
    "ACQ.TRADE_SETTLE_NOT_EXIST": Reason.NOT_CREATED,
    # transfers; what may be repeated under the same number is UNKNOWN
    "REQUEST_PROCESSING": Reason.UNKNOWN,
    "INST_PAY_UNABLE": Reason.UNKNOWN,
    "ORDER_NOT_EXIST": Reason.NOT_CREATED,
    "PAYMENT_INFO_INCONSISTENCY": Reason.CONFLICT,
    "PAYER_BALANCE_NOT_ENOUGH": Reason.SELLER_FUNDS,
    "BALANCE_IS_NOT_ENOUGH": Reason.SELLER_FUNDS,
    "PAYEE_NOT_EXIST": Reason.BUYER_ACCOUNT,
    "PAYEE_USER_INFO_ERROR": Reason.BUYER_ACCOUNT,
    "PAYEE_ACC_OCUPIED": Reason.BUYER_ACCOUNT,  # Alipay's spelling
    "PAYEE_CARD_INFO_ERROR": Reason.BUYER_ACCOUNT,
    "CARD_BIN_ERROR": Reason.BUYER_ACCOUNT,
    "PERM_AML_NOT_REALNAME_REV": Reason.BUYER_ACCOUNT,
    "PERMIT_NON_BANK_LIMIT_PAYEE": Reason.BUYER_ACCOUNT,
    "EXCEED_LIMIT_SM_AMOUNT": Reason.AMOUNT,
    "EXCEED_LIMIT_MM_AMOUNT": Reason.AMOUNT,
    "EXCEED_LIMIT_SM_MIN_AMOUNT": Reason.AMOUNT,
    "INVALID_PARAMETER": Reason.BAD_REQUEST,
    "PAYER_STATUS_ERROR": Reason.NOT_ALLOWED,
    "PAYCARD_UNABLE_PAYMENT": Reason.NOT_ALLOWED,
    "isv.invalid-signature": Reason.BAD_SIGNATURE,
    "isv.invalid-app-id": Reason.NOT_ALLOWED,
    "isv.invalid-timestamp": Reason.UNKNOWN,  # a clock was wrong for a moment: nothing was done
    "isp.unknow-error": Reason.UNKNOWN,
    "aop.unknow-error": Reason.UNKNOWN,
}
CODES = {
    "20000": Reason.UNKNOWN,
    "10003": Reason.UNKNOWN,
    "20001": Reason.NOT_ALLOWED,
    "40001": Reason.BAD_REQUEST,
    "40002": Reason.BAD_REQUEST,
    "40006": Reason.NOT_ALLOWED,
}
UNSIGNED_REASONS = (
    Reason.BAD_REQUEST,
    Reason.BAD_SIGNATURE,
    Reason.NOT_ALLOWED,
    Reason.UNKNOWN,
)


class Outcome(msgspec.Struct, frozen=True):
    """One answer: whether code 10000, the reason when not, Alipay's code, and the fields."""

    ok: bool
    reason: Reason | None
    code: str
    fields: dict[str, object]

    def text(self, name: str) -> str:
        """A field as text, empty when it is absent."""
        value = self.fields.get(name)
        return "" if value is None else str(value)


def outcome(keys: AlipayKeys, method: str, raw: str) -> Outcome:
    """Verify and read a synchronous answer to `method`.

    A signed answer is what Alipay says. An unsigned one can only be a complaint about how we
    asked (Alipay cannot sign when it does not know who asks); anything else unsigned, wrongly
    signed or unreadable is GatewayError(retryable=True): we do not know what happened.
    """
    parts = top_level(raw)
    name = method.replace(".", "_") + "_response"
    inner = parts.get(name) or parts.get("error_response")
    if inner is None or not isinstance(inner[1], dict):
        raise GatewayError("alipay answered something else than was asked", retryable=True)
    signature = parts.get("sign")
    serial = parts.get("alipay_cert_sn")
    if serial is not None and keys.alipay_cert_sn not in (None, serial[1]):
        raise GatewayError("alipay signed with a certificate we do not hold", retryable=True)
    if signature is not None and not keys.verifies(inner[0].encode(), str(signature[1])):
        raise GatewayError("alipay's answer is not signed by alipay", retryable=True)
    found = _judged(inner[1])
    if (signature is None or name not in parts) and found.reason not in UNSIGNED_REASONS:
        raise GatewayError("alipay's answer is not signed", retryable=True)
    return found


def top_level(raw: str) -> dict[str, tuple[str, object]]:
    """Each member of the outermost JSON object with its raw text and its value.

    The raw text is what was signed: `}` inside values and escapes such as `\\/` stay as they
    were, because a JSON decoder finds the end, not a count of braces.
    """
    decoder = json.JSONDecoder()
    found: dict[str, tuple[str, object]] = {}
    try:
        at = _skip(raw, 0, "{")
        while True:
            name, at = decoder.raw_decode(raw, at)
            start = _skip(raw, at, ":")
            value, end = decoder.raw_decode(raw, start)
            if not isinstance(name, str) or name in found:
                raise ValueError("a doubled or nameless member")
            found[name] = (raw[start:end], value)
            at = _blank(raw, end)
            if raw[at : at + 1] == "}":
                break
            at = _skip(raw, at, ",")
        if raw[at + 1 :].strip():
            raise ValueError("more after the end")
    except (ValueError, RecursionError):
        raise GatewayError("alipay's answer cannot be read", retryable=True) from None
    return found


def notice(keys: AlipayKeys, app_id: str, seller_id: str, body: bytes, now: datetime) -> Notice:
    """Verify and translate a trade_status_sync notice. Raises NoticeRefused."""
    form = _form(body)
    signature = form.get("sign", "")
    signed = {k: v for k, v in form.items() if k not in ("sign", "sign_type")}
    right_kind = form.get("sign_type") == "RSA2"
    if not right_kind or not keys.verifies(joined(signed).encode(), signature):
        raise NoticeRefused("signature")
    if form.get("app_id") != app_id:
        raise NoticeRefused("app")
    if form.get("seller_id") != seller_id:
        raise NoticeRefused("seller")
    try:
        if abs(now - moment(form["notify_time"])) > NOTICE_LIFE:
            raise NoticeRefused("old")
        return _translated(form, body)
    except (KeyError, ValueError):
        raise NoticeRefused("malformed") from None


def yuan(amount: Money) -> str:
    """Money as Alipay writes it, "88.88". The amount is positive and in CNY."""
    assert amount.currency == "CNY" and amount.minor > 0, amount
    return f"{amount.minor // 100}.{amount.minor % 100:02d}"


def money(text: str) -> Money:
    """Alipay's "88.88" (also "88", "88.8") as Money in CNY; ValueError when it is not that."""
    match = YUAN.fullmatch(text)
    if match is None:
        raise ValueError("not an amount in yuan")
    return Money(int(match[1]) * 100 + int((match[2] or "").ljust(2, "0")), "CNY")


def moment(text: str) -> datetime:
    """Alipay's Beijing time without a zone as aware UTC; ValueError when it is not that."""
    local = datetime.strptime(text[:19], "%Y-%m-%d %H:%M:%S")
    return local.replace(tzinfo=SHANGHAI).astimezone(UTC)


def beijing(at: datetime) -> str:
    """An aware time as Alipay writes it: Beijing time, to the second, without a zone."""
    assert at.tzinfo is not None
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")


def _judged(fields: Mapping[str, object]) -> Outcome:
    code, sub_code = str(fields.get("code", "")), str(fields.get("sub_code", ""))
    ok = code == "10000"
    reason = None if ok else SUB_CODES.get(sub_code) or CODES.get(code, Reason.OTHER)
    return Outcome(ok=ok, reason=reason, code=sub_code or code, fields=dict(fields))


def _form(body: bytes) -> dict[str, str]:
    if len(body) > NOTICE_LIMIT_BYTES:
        raise NoticeRefused("malformed")
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=True,
            encoding="utf-8", errors="strict", max_num_fields=100,
        )  # fmt: skip
    except ValueError:
        raise NoticeRefused("malformed") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise NoticeRefused("malformed")
    return form


def _translated(form: Mapping[str, str], body: bytes) -> Notice:
    if form["notify_type"] != "trade_status_sync":
        raise ValueError("another family of notices")
    kind = _kind(form)
    happened = {"paid": "gmt_payment", "refunded": "gmt_refund", "closed": "gmt_close"}
    at = form.get(happened.get(kind, "")) or form["notify_time"]
    refunded = kind == "refunded"
    return Notice(
        gateway="alipay",
        notice_id=_filled(form["notify_id"]),
        reference=_filled(form["out_trade_no"]),
        kind=kind,
        amount=money(form["refund_fee"] if refunded else form["total_amount"]),
        gateway_trade_no=_filled(form["trade_no"]),
        at=moment(at),
        raw=body.decode("ascii"),
        refund_reference=(form.get("out_biz_no") or None) if refunded else None,
    )


def _kind(
    form: Mapping[str, str],
) -> Literal["paid", "refunded", "closed", "finished", "pending"]:
    """A refund comes as the same notice with refund_fee: it is no second payment."""
    state = form["trade_status"]
    if state not in TRADE_STATES:
        raise ValueError("a trade status we do not know")
    if state == "TRADE_FINISHED":
        return "finished"
    if state == "WAIT_BUYER_PAY":
        return "pending"
    if money(form.get("refund_fee") or "0"):
        return "refunded"
    return "paid" if state == "TRADE_SUCCESS" else "closed"


def _filled(text: str) -> str:
    if not text:
        raise ValueError("an empty number")
    return text


def _blank(raw: str, at: int) -> int:
    while at < len(raw) and raw[at] in " \t\r\n":
        at += 1
    return at


def _skip(raw: str, at: int, mark: str) -> int:
    """The place after `mark` and the blanks around it."""
    at = _blank(raw, at)
    if raw[at : at + 1] != mark:
        raise ValueError(f"no {mark} where one belongs")
    return _blank(raw, at + 1)
