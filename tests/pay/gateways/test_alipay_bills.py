"""Alipay's bill: fetched only from where bills are, read within bounds, nothing in it lost."""

import io
import zipfile
from datetime import UTC, date, datetime

import httpx
import pytest

from littleshop.errors import GatewayError
from littleshop.money import Money
from littleshop.pay.gateways import alipay_bills as bills
from littleshop.pay.gateways.alipay import open_rail
from littleshop.pay.gateways.contract import BillNotReady, BillRow
from tests.pay.gateways.conftest import StillClock
from tests.pay.gateways.small_alipay import SmallAlipay

DAY = date(2026, 11, 21)
LIVE = "https://openapi.alipay.com/gateway.do"
HERE = "http://127.0.0.1:8123/alipay/gateway.do"
HOSTS = ("dwbillcenter.alipay.com",)
HEADING = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,"
    "对方账户,订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,"
    "券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注"
)


def line(
    kind: str = "交易",
    amount: str = "88.88",
    fee: str = "-0.53",
    again: str = "",
    title: str = "茶",
) -> str:
    """A line as merchants see it, tabs and all."""
    head = f"20261121220010001\t,R1\t,{kind}\t,{title},2026-11-21 10:00:00,2026-11-21 10:00:09"
    sums = f"{amount},{amount},0.00,0.00,0.00,0.00,0.00,,0.00\t,0.00"
    return f"{head},\t,\t,\t,\t,*杨(137****2600)\t,{sums},{again}\t,{fee},0.00,"


def packed(*lines: str, **more: bytes) -> bytes:
    """A zip around these lines, and whatever other files."""
    text = "\r\n".join(["#支付宝业务明细查询", "#账号：[2088]", HEADING, *lines, ""])
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("2088_20261121_业务明细(汇总).csv", "门店编号,合计\n,1\n".encode("gbk"))
        archive.writestr("2088_20261121_业务明细.csv", text.encode("gb18030"))
        for name, content in more.items():
            archive.writestr(name.replace("_csv", ".csv"), content)
    return out.getvalue()


def test_lines_become_rows() -> None:
    bill = bills.read(packed(line(), line("退款", "-30.00", "0.18", "F1")), DAY)
    assert bill.unread == ()
    at = datetime(2026, 11, 21, 2, 0, 9, tzinfo=UTC)
    number = "20261121220010001"
    assert bill.rows == (
        BillRow(
            kind="payment",
            reference="R1",
            refund_reference=None,
            gateway_trade_no=number,
            amount=Money(8888, "CNY"),
            fee=Money(53, "CNY"),
            at=at,
        ),
        BillRow(
            kind="refund",
            reference="R1",
            refund_reference="F1",
            gateway_trade_no=number,
            amount=Money(3000, "CNY"),
            fee=Money(-18, "CNY"),
            at=at,
        ),
    )


@pytest.mark.parametrize(
    "odd",
    [
        line("分账"),
        line(amount="-1.00"),
        line(amount="0.00"),
        line(amount="1e2"),
        line(fee=""),
        line("退款", "30.00", again="F1"),
        line("退款", "-30.00", again=""),
        line() + ",one,too,many",
        "20261121220010001,R1",
        line().replace("2026-11-21 10:00:09", "yesterday"),
        "=cmd|' /C calc'!A0",
    ],
)
def test_a_line_that_is_not_understood_is_kept(odd: str) -> None:
    bill = bills.read(packed(line(), odd, line()), DAY)
    assert len(bill.rows) == 2 and len(bill.unread) == 1
    assert "137" not in bill.unread[0] or odd.count(",") != line().count(",")


def test_a_quote_in_a_title_hides_no_other_line() -> None:
    bill = bills.read(packed(line(title='"茶'), line(), line(title='"a, b"')), DAY)
    assert (len(bill.rows), bill.unread) == (3, ())


def test_a_count_that_does_not_fit_the_lines_is_told() -> None:
    total = "#交易合计：3笔，商家实收共266.64元，商家优惠共0.00元"
    bill = bills.read(packed(line(), line(), total, "#退款合计：0笔，商家实收共0.00元"), DAY)
    assert bill.unread == (total,)


def bomb() -> bytes:
    """Seventy megabytes in seventy kilobytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("a.csv", b"\0" * (70 * 1024 * 1024))
    return out.getvalue()


def understated() -> bytes:
    """A zip that says its file is one byte long."""
    good = packed(line())
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        size = archive.infolist()[1].file_size
    return good.replace(size.to_bytes(4, "little"), (1).to_bytes(4, "little"))


@pytest.mark.parametrize(
    "file",
    [
        b"",
        b"<html>busy</html>",
        packed(line())[:-30],
        packed(line())[: len(packed(line())) // 2],
        bomb(),
        understated(),
        packed(**{f"f{n}_csv": b"" for n in range(20)}),
    ],
    ids=["empty", "page", "cut", "half", "bomb", "lying", "many"],
)
def test_a_file_that_is_no_bill_is_asked_for_again(file: bytes) -> None:
    with pytest.raises(GatewayError) as told:
        bills.read(file, DAY)
    assert told.value.retryable


def test_a_bill_without_a_column_is_not_guessed_at() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.csv", HEADING.replace("服务费（元）", "其他").encode("gbk"))
    with pytest.raises(GatewayError, match="lacks a column"):
        bills.read(out.getvalue(), DAY)


@pytest.mark.parametrize(
    ("told", "gateway", "fetched"),
    [
        (
            "http://dwbillcenter.alipay.com/d?token=1",
            LIVE,
            "https://dwbillcenter.alipay.com/d?token=1",
        ),
        ("https://dwbillcenter.alipay.com/d", LIVE, "https://dwbillcenter.alipay.com/d"),
        ("https://DWBILLCENTER.alipay.com/d", LIVE, "https://dwbillcenter.alipay.com/d"),
        (
            "http://127.0.0.1:8123/alipay/bill.zip?t",
            HERE,
            "http://127.0.0.1:8123/alipay/bill.zip?t",
        ),
    ],
)
def test_a_bill_is_fetched_from_where_bills_are(told: str, gateway: str, fetched: str) -> None:
    assert bills.address(told, gateway, HOSTS) == fetched


@pytest.mark.parametrize(
    ("told", "gateway"),
    [
        ("http://169.254.169.254/latest/meta-data", LIVE),
        ("http://127.0.0.1:8123/alipay/bill.zip", LIVE),
        ("https://dwbillcenter.alipay.com.evil.test/d", LIVE),
        ("https://evil.test/dwbillcenter.alipay.com", LIVE),
        ("https://evil.test@dwbillcenter.alipay.com/d", LIVE),
        ("https://dwbillcenter.alipay.com:8443/d", LIVE),
        ("https://dwbillcenter.alipay.com:x/d", LIVE),
        ("file:///etc/passwd", LIVE),
        ("//dwbillcenter.alipay.com/d", LIVE),
        ("", LIVE),
        ("http://127.0.0.1:9999/alipay/bill.zip", HERE),
        ("https://dwbillcenter.alipay.com/d", HERE),
        ("http://[::1]:8123/bill.zip", HERE),
        ("http://127.0.0.1:8123@evil.test/bill.zip", HERE),
    ],
)
def test_an_answer_may_not_send_us_elsewhere(told: str, gateway: str) -> None:
    with pytest.raises(GatewayError) as no:
        bills.address(told, gateway, HOSTS)
    assert not no.value.retryable


class Downloads(SmallAlipay):
    """A small Alipay whose bills are at a host of their own."""

    def __init__(self, link: str, reply: httpx.Response) -> None:
        super().__init__()
        self.answers[bills.METHOD] = {"bill_download_url": link}
        self.reply = reply
        self.fetched: list[str] = []

    def transport(self) -> httpx.MockTransport:
        def handle(request: httpx.Request) -> httpx.Response:
            if "gateway.do" in request.url.path:
                return self._handle(request)
            self.fetched.append(str(request.url))
            return self.reply

        return httpx.MockTransport(handle)


async def test_the_live_bill_is_fetched_by_https() -> None:
    link = "http://dwbillcenter.alipay.com/downloadBillFile.resource?token=abcdef123"
    small = Downloads(link, httpx.Response(200, content=packed(line())))
    rail = open_rail(small.rail, StillClock(), small.transport())
    assert len((await rail.fetch_bill(DAY)).rows) == 1
    assert small.fetched == [link.replace("http:", "https:")]
    assert small.content()["bill_date"] == "2026-11-21"
    await rail.disconnect()


@pytest.mark.parametrize(
    "reply",
    [
        httpx.Response(302, headers={"Location": "http://169.254.169.254/"}),
        httpx.Response(200, content=b"x" * (bills.ZIP_LIMIT_BYTES + 1)),
        httpx.Response(404, text="gone token=abcdef123"),
    ],
    ids=["elsewhere", "endless", "gone"],
)
async def test_a_download_that_goes_wrong_fetches_nothing_else(reply: httpx.Response) -> None:
    link = "https://dwbillcenter.alipay.com/d?token=abcdef123"
    small = Downloads(link, reply)
    rail = open_rail(small.rail, StillClock(), small.transport())
    with pytest.raises(GatewayError) as told:
        await rail.fetch_bill(DAY)
    assert small.fetched == [link] and "abcdef123" not in str(told.value)
    await rail.disconnect()


@pytest.mark.parametrize("code", sorted(bills.NOT_THERE))
async def test_a_bill_that_is_not_there_yet_is_waited_for(code: str) -> None:
    small = Downloads("", httpx.Response(500))
    small.answers[bills.METHOD] = {"code": "40004", "sub_code": code}
    rail = open_rail(small.rail, StillClock(), small.transport())
    with pytest.raises(BillNotReady):
        await rail.fetch_bill(DAY)
    assert small.fetched == []
    with pytest.raises(BillNotReady):
        await rail.fetch_bill(date(2026, 11, 19))
    assert (await rail.fetch_bill(date(2026, 11, 18))).rows == ()  # there was nothing to bill
    await rail.disconnect()
