"""WeChat Pay's daily trade bill: fetched, checked against its digest, read row by row.

Sources: PROTOCOLS 1.2; pay.weixin.qq.com/docs/merchant/products/bill-download/format-trade.html.
Cells begin with a backtick, the last two lines are the totals, amounts are yuan. This is the only
place, beside Alipay's, where yuan text exists.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from littleshop.clock import SHANGHAI
from littleshop.errors import GatewayError
from littleshop.money import Money
from littleshop.pay.gateways.contract import Bill, BillNotReady, BillRow
from littleshop.pay.gateways.wechat_pay_calls import WechatPayCalls
from littleshop.pay.gateways.wechat_pay_keys import WechatPaySettings

READY = time(12, 0)  # WeChat promises ten o'clock; later "no bill" means a day without trades
NO_BILL = ("NO_STATEMENT_EXIST", "STATEMENT_CREATING")
YUAN = re.compile(r"(-?)(\d{1,11})(?:\.(\d{1,6}))?", re.ASCII)
TOTALS = "总交易单数"
REFUNDED = ("SUCCESS", "PROCESSING", "CHANGE", "")
ROW_SIGNS = 300


async def fetch(calls: WechatPayCalls, day: date) -> Bill:
    """Fetch and read one day's bill. Raises BillNotReady, GatewayError."""
    now = calls.now().astimezone(SHANGHAI)
    if day >= now.date():
        raise BillNotReady("wechat_pay", day)
    query = urlencode({"bill_date": day.isoformat(), "bill_type": "ALL"})
    found = await calls.ask("GET", f"/v3/bill/tradebill?{query}")
    if found.code in NO_BILL:
        over = datetime.combine(day + timedelta(days=1), READY, SHANGHAI)
        if found.code == "STATEMENT_CREATING" or now < over:
            raise BillNotReady("wechat_pay", day)
        return read(calls.settings, day, b"")
    calls.accept(found)
    content = await calls.download(found.text("download_url"))
    digest = hashlib.sha1(content, usedforsecurity=False).hexdigest()
    if found.text("hash_type") != "SHA1" or digest != found.text("hash_value").lower():
        raise GatewayError("wechat_pay's bill is not the one it signed for", retryable=True)
    return read(calls.settings, day, content)


def read(settings: WechatPaySettings, day: date, content: bytes) -> Bill:
    """Read a bill; what cannot be understood is kept as `unread`. GatewayError when not text."""
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise GatewayError("wechat_pay's bill cannot be read", retryable=True) from None
    lines = [line for line in lines if line.strip()]
    rows: list[BillRow] = []
    unread: list[str] = []
    head = lines[0].split(",") if lines else []
    for at, line in enumerate(lines[1:], 1):
        if line.startswith(TOTALS):
            unread += _wrong_totals(lines[at:], rows, len(unread))
            break
        try:
            rows.append(_row(settings, dict(zip(head, _cells(line), strict=True)), day))
        except (KeyError, ValueError):
            unread.append(line[:ROW_SIGNS])
    else:
        unread += ["no totals"] if lines else []
    return Bill(
        gateway="wechat_pay",
        day=day,
        rows=tuple(rows),
        unread=tuple(unread),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def _cells(line: str) -> list[str]:
    """The cells of a line: nothing is quoted, but each begins with a backtick."""
    return line.strip().removeprefix("`").split(",`")


def _row(settings: WechatPaySettings, cells: Mapping[str, str], day: date) -> BillRow:
    """One payment or refund of ours on that day. Raises KeyError, ValueError."""
    if (cells["公众账号ID"], cells["商户号"]) != (settings.appid, settings.mchid):
        raise ValueError("another merchant's")
    if cells["货币种类"] != "CNY":
        raise ValueError("another currency")
    local = datetime.strptime(cells["交易时间"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=SHANGHAI)
    known: dict[str, Any] = {
        "reference": _filled(cells["商户订单号"]),
        "gateway_trade_no": _filled(cells["微信订单号"]),
        "fee": fen(cells["手续费"]),
        "at": local.astimezone(UTC),
    }
    if cells["交易状态"] == "SUCCESS":
        if local.date() != day:
            raise ValueError("another day's")
        paid = fen(cells["订单金额"])
        return BillRow(kind="payment", refund_reference=None, amount=_positive(paid), **known)
    if cells["交易状态"] != "REFUND" or cells["退款状态"] not in REFUNDED:
        raise ValueError("neither a payment nor a refund")
    back, number = fen(cells["申请退款金额"]), _filled(cells["商户退款单号"])
    return BillRow(kind="refund", refund_reference=number, amount=_positive(back), **known)


def _wrong_totals(lines: list[str], rows: list[BillRow], unread: int) -> list[str]:
    """What the totals say otherwise than the rows do; nothing when all were read and agree."""
    try:
        names, cells = lines
        told = dict(zip(names.split(","), _cells(cells), strict=True))
        paid = sum(row.amount.minor for row in rows if row.kind == "payment")
        back = sum(row.amount.minor for row in rows if row.kind == "refund")
        fees = sum(row.fee.minor for row in rows)
        agree = (
            int(told[TOTALS]) == len(rows) + unread
            and fen(told["订单总金额"]).minor == paid
            and fen(told["申请退款总金额"]).minor == back
            and fen(told["手续费总金额"]).minor == fees
        )
    except (KeyError, ValueError):
        agree = False
    return [] if agree or unread else ["totals: " + ";".join(lines)[:ROW_SIGNS]]


def fen(text: str) -> Money:
    """Yuan with up to six decimals as whole fen; ValueError for parts of a fen."""
    if not YUAN.fullmatch(text):
        raise ValueError("not an amount in yuan")
    minor = Decimal(text) * 100
    if minor != int(minor):
        raise ValueError("parts of a fen")
    return Money(int(minor), "CNY")


def _positive(amount: Money) -> Money:
    if amount.minor <= 0:
        raise ValueError("no sum")
    return amount


def _filled(text: str) -> str:
    if not text or text == "0":
        raise ValueError("an empty number")
    return text
