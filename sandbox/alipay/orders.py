"""Reading biz_content: what a merchant may ask for, strictly."""

import json
import re
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sandbox.alipay.trades import Denied
from sandbox.clock import BEIJING, from_beijing

INVALID = "40002"
OUT_TRADE_NO = re.compile(r"[0-9A-Za-z_-]{1,64}")
AMOUNT = re.compile(r"(0|[1-9]\d{0,8})(\.\d{1,2})?")
PERIOD = re.compile(r"([1-9]\d{0,2})d")
SPAN = re.compile(r"([1-9]\d{0,4})([mhd])|1c")
PRODUCTS = {
    "alipay.trade.wap.pay": {"QUICK_WAP_WAY", "QUICK_WAP_PAY"},
    "alipay.trade.page.pay": {"FAST_INSTANT_TRADE_PAY"},
    "alipay.trade.precreate": {"FACE_TO_FACE_PAYMENT", "QR_CODE_OFFLINE", ""},
}


def read(text: str) -> dict[str, object]:
    """biz_content as an object. Raises Denied."""
    try:
        biz = json.loads(text or "{}")
    except ValueError as broken:
        raise Denied("isv.invalid-parameter", "biz_content不是JSON", INVALID) from broken
    if not isinstance(biz, dict):
        raise Denied("isv.invalid-parameter", "biz_content不是JSON对象", INVALID)
    return biz


def amount(value: object) -> int:
    """A yuan text (or JSON number) as fen. Raises Denied."""
    text = str(value) if isinstance(value, str | int | float) else ""
    if not AMOUNT.fullmatch(text):
        raise Denied("ACQ.INVALID_PARAMETER", "金额格式不正确")
    yuan, _, cents = text.partition(".")
    minor = int(yuan) * 100 + int(cents.ljust(2, "0") or 0)
    if not 1 <= minor <= 10_000_000_000:
        raise Denied("ACQ.INVALID_PARAMETER", "金额超出范围")
    return minor


def text(biz: dict[str, object], name: str, longest: int) -> str:
    """A required text. Raises Denied."""
    value = biz.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise Denied("ACQ.INVALID_PARAMETER", f"{name}不正确")
    return value


def wanted(biz: dict[str, object], method: str, now: datetime, status: str) -> dict[str, object]:
    """What `trades.create` needs, out of biz_content. Raises Denied."""
    number = text(biz, "out_trade_no", 64)
    if not OUT_TRADE_NO.fullmatch(number):
        raise Denied("ACQ.INVALID_PARAMETER", "out_trade_no不正确")
    if str(biz.get("product_code") or "") not in PRODUCTS[method]:
        raise Denied("ACQ.INVALID_PARAMETER", "product_code不正确")
    quit_url = biz.get("quit_url")
    if quit_url is not None:
        check_url("quit_url", str(quit_url))
    return {
        "out_trade_no": number,
        "subject": text(biz, "subject", 256),
        "total_minor": amount(biz.get("total_amount")),
        "expires_at": _expiry(biz, now),
        "quit_url": quit_url,
        "passback_params": biz.get("passback_params"),
        "status": status,
        **_holding(biz),
    }


def _holding(biz: dict[str, object]) -> dict[str, object]:
    """For whom a payment is held, and for how many days; neither for a plain one."""
    merchant, info = biz.get("sub_merchant"), biz.get("settle_info")
    if merchant is None and info is None:
        return {"smid": None, "days": None}
    details = info.get("settle_detail_infos") if isinstance(info, dict) else None
    detail = details[0] if isinstance(details, list) and len(details) == 1 else None
    if not isinstance(merchant, dict) or not isinstance(info, dict) or not isinstance(detail, dict):
        raise Denied("ACQ.INVALID_PARAMETER", "sub_merchant或settle_info不正确")
    if detail.get("trans_in_type") != "defaultSettle":
        raise Denied("ACQ.INVALID_PARAMETER", "沙箱只支持defaultSettle")
    if amount(detail.get("amount")) != amount(biz.get("total_amount")):
        raise Denied("ACQ.INVALID_PARAMETER", "结算金额须等于交易金额")
    days = PERIOD.fullmatch(str(info.get("settle_period_time") or ""))
    if days is None or not 1 <= int(days[1]) <= 365:
        raise Denied("ACQ.INVALID_PARAMETER", "settle_period_time不正确")
    return {"smid": text(merchant, "merchant_id", 32), "days": int(days[1])}


def _expiry(biz: dict[str, object], now: datetime) -> datetime | None:
    absolute = biz.get("time_expire")
    if absolute:
        try:
            return from_beijing(str(absolute))
        except ValueError as broken:
            raise Denied("ACQ.INVALID_PARAMETER", "time_expire不正确") from broken
    span = str(biz.get("timeout_express") or biz.get("qr_code_timeout_express") or "")
    if not span:
        return None
    match = SPAN.fullmatch(span)
    if not match:
        raise Denied("ACQ.INVALID_PARAMETER", "timeout_express不正确")
    if span == "1c":
        midnight = now.astimezone(BEIJING).replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight + timedelta(days=1)
    unit = {"m": 60, "h": 3600, "d": 86400}[match[2]]
    return now + timedelta(seconds=int(match[1]) * unit)


def check_url(name: str, url: str) -> None:
    """Refuse what is not a plain http(s) address of at most 256 characters."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or len(url) > 256:
        raise Denied("isv.invalid-parameter", f"{name}不正确", INVALID)
