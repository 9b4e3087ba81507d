"""Alipay's daily bill: a zip of GBK csv files, fetched from a host we know, read within bounds.

Sources: PROTOCOLS 2.2; the columns are those of the 业务明细 file that merchants download.
"""

import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Collection, Iterator
from datetime import date, timedelta
from urllib.parse import urlsplit

from littleshop import zips
from littleshop.config import is_loopback
from littleshop.errors import GatewayError
from littleshop.money import Money
from littleshop.pay.gateways import alipay_answers as answers
from littleshop.pay.gateways.contract import Bill, BillRow

METHOD = "alipay.data.dataservice.bill.downloadurl.query"
# Documented and observed names of the same answer; a day without any trade gives it for ever.
NOT_THERE = frozenset({"isp.bill_not_exist", "isv.bill-not-exist", "BILL_NOT_EXIST"})
MADE_WITHIN = timedelta(days=3)  # by nine the next morning, as documented; delays happen
ZIP_LIMIT_BYTES = 8 * 1024 * 1024
TEXT_LIMIT_BYTES = 64 * 1024 * 1024  # a quarter of a million rows
MOST_FILES = 16
LONGEST_UNREAD = 300

TRADE_NO, NUMBER, KIND = "支付宝交易号", "商户订单号", "业务类型"
DONE_AT, BUYER, SUM, REFUND_NO, FEE = (
    "完成时间",
    "对方账户",
    "订单金额(元)",
    "退款批次号/请求号",
    "服务费(元)",
)
NEEDED = (TRADE_NO, NUMBER, KIND, DONE_AT, SUM, REFUND_NO, FEE)
TOTAL = re.compile(r"#(交易|退款)合计[：:](\d+)笔")
SIGNED = re.compile(r"(-?)(.+)")


def address(url: str, gateway_url: str, hosts: Collection[str]) -> str:
    """The address to fetch a bill from, or GatewayError: an answer may not send us anywhere.

    Of the live gateway only its known hosts, by https (older answers still say http); of one on
    this machine only that very origin.
    """
    try:
        told, own = urlsplit(url), urlsplit(gateway_url)
        plain = told.username is None and told.password is None and told.port in (None, 443)
    except ValueError:
        raise GatewayError("alipay's bill has no proper address", retryable=False) from None
    if is_loopback(gateway_url):
        if (told.scheme, told.netloc) == (own.scheme, own.netloc):
            return url
    elif plain and told.scheme in ("http", "https") and told.hostname in hosts:
        return told._replace(scheme="https", netloc=told.hostname or "").geturl()
    raise GatewayError("alipay's bill is at a host we do not know", retryable=False)


def empty(day: date) -> Bill:
    """The bill of a day without any trade, for which Alipay makes none."""
    nothing = hashlib.sha256(b"").hexdigest()
    return Bill(gateway="alipay", day=day, rows=(), unread=(), sha256=nothing)


def read(packed: bytes, day: date) -> Bill:
    """The bill in a zip. GatewayError(retryable=True) when the file is broken or too large.

    Of the csv files the one of single lines is read; each line by itself, so that a stray quote
    in a title hides no other line. What cannot be understood is kept in `unread`, without the
    buyer's account.
    """
    try:
        texts = list(_files(packed))
    except zips.BROKEN:
        raise GatewayError("alipay's bill is no zip that can be read", retryable=True) from None
    digest = hashlib.sha256(b"\0".join(sorted(texts)))
    for text in texts:
        try:
            lines = text.decode("gb18030").splitlines()
        except UnicodeDecodeError:
            raise GatewayError("alipay's bill is not GBK", retryable=True) from None
        start = next((at for at, line in enumerate(lines) if _is_heading(line)), None)
        if start is not None:
            rows, unread = _rows(_cells(lines[start]), lines[start + 1 :])
            return Bill(
                gateway="alipay",
                day=day,
                rows=tuple(rows),
                unread=tuple(unread),
                sha256=digest.hexdigest(),
            )
    raise GatewayError("alipay's bill lists nothing we can read", retryable=True)


def _files(packed: bytes) -> Iterator[bytes]:
    """The contents of the csv files; a zip may lie about sizes, so what comes out is counted."""
    left = TEXT_LIMIT_BYTES
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        found = [one for one in archive.infolist() if one.filename.lower().endswith(".csv")]
        if len(found) > MOST_FILES:
            raise GatewayError("alipay's bill holds too many files", retryable=True)
        for one in found:
            with archive.open(one) as file:
                text = file.read(left + 1)
            left -= len(text)
            if left < 0:
                raise GatewayError("alipay's bill is too large", retryable=True)
            yield text


def _is_heading(line: str) -> bool:
    return {TRADE_NO, NUMBER, KIND} <= set(_cells(line))


def _cells(line: str) -> list[str]:
    """The cells of one line, without the tabs that keep spreadsheets from rounding numbers."""
    try:
        cells = next(csv.reader([line]), [])
    except csv.Error:
        cells = line.split(",")
    return [_plain(cell) for cell in cells]


def _plain(cell: str) -> str:
    return cell.strip().replace("（", "(").replace("）", ")")


def _rows(names: list[str], lines: list[str]) -> tuple[list[BillRow], list[str]]:
    rows: list[BillRow] = []
    unread: list[str] = []
    counted = {"交易": 0, "退款": 0}
    if not set(NEEDED) <= set(names):
        raise GatewayError("alipay's bill lacks a column", retryable=True)
    for line in lines:
        if total := TOTAL.match(line):
            if counted[total[1]] != int(total[2]):
                unread.append(_shown(names, line))
            continue
        if line.startswith("#") or not line.strip():
            continue
        named = _named(names, line)
        if named.get(KIND) in counted:
            counted[named[KIND]] += 1
        try:
            rows.append(_row(named))
        except (KeyError, ValueError):
            unread.append(_shown(names, line))
    return rows, unread


def _named(names: list[str], line: str) -> dict[str, str]:
    """The cells by column; nothing when the line has another number of them either way."""
    for cells in (_cells(line), [_plain(cell) for cell in line.split(",")]):
        if len(cells) == len(names):
            return dict(zip(names, cells, strict=True))
    return {}


def _row(named: dict[str, str]) -> BillRow:
    """One line as ours; ValueError or KeyError when it is something else."""
    payment = named[KIND] == "交易"
    amount, fee = _signed(named[SUM]), _signed(named[FEE])
    if not payment and named[KIND] != "退款":
        raise ValueError("another kind of business")
    if not (named[NUMBER] and named[TRADE_NO]) or (not payment and not named[REFUND_NO]):
        raise ValueError("a number is missing")
    if (amount.minor > 0) != payment or not amount:
        raise ValueError("a sum of the wrong sign")
    return BillRow(
        kind="payment" if payment else "refund",
        reference=named[NUMBER],
        refund_reference=None if payment else named[REFUND_NO],
        gateway_trade_no=named[TRADE_NO],
        amount=amount if payment else -amount,
        fee=-fee,
        at=answers.moment(named[DONE_AT]),
    )


def _signed(text: str) -> Money:
    match = SIGNED.fullmatch(text)
    if match is None:
        raise ValueError("no sum")
    money = answers.money(match[2])
    return -money if match[1] else money


def _shown(names: list[str], line: str) -> str:
    """A line for a person to explain, without whose account it was."""
    named = _named(names, line)
    if named:
        named[BUYER] = ""
        line = ",".join(named.values())
    return re.sub(r"[\x00-\x1f\x7f]", " ", line)[:LONGEST_UNREAD]
