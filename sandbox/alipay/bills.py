"""The day's trade bill: a zip of a GBK csv, to be fetched within thirty seconds."""

import csv
import io
import secrets
import zipfile
from datetime import UTC, date, datetime, timedelta

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from sandbox.alipay.trades import Denied
from sandbox.clock import BEIJING, beijing, stamp
from sandbox.store import Row
from sandbox.world import World, digits, world_of, yuan

COLUMNS = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,"
    "终端号,对方账户,订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,"
    "商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,"
    "退款批次号/请求号,服务费（元）,分润（元）,备注"
)


def offer(world: World, app_id: str, day: str) -> str:
    """A token that opens the bill of a closed Beijing day. Raises Denied."""
    try:
        bill_on = date.fromisoformat(day)
    except ValueError as broken:
        raise Denied("isp.bill_date_error", "账单日期不正确") from broken
    now = world.clock.now()
    if bill_on >= now.astimezone(BEIJING).date():
        raise Denied("isp.bill_not_exist", "账单不存在")
    token = secrets.token_urlsafe(24)
    world.store.run(
        "insert into alipay_bills (token, app_id, bill_on, expires_at) values (?, ?, ?, ?)",
        token,
        app_id,
        bill_on.isoformat(),
        stamp(now + timedelta(seconds=30)),
    )
    return token


async def download(request: Request) -> Response:
    """GET /alipay/bill.zip?token= : the offered bill, while the offer stands."""
    world = world_of(request)
    offered = world.store.one(
        "select * from alipay_bills where token = ? and expires_at > ?",
        request.query_params.get("token", ""),
        stamp(world.clock.now()),
    )
    if offered is None:
        return PlainTextResponse("gone\n", 404)
    return Response(packed(world, offered), media_type="application/zip")


def bounds(day: date) -> tuple[str, str]:
    """A Beijing day as two stamps, first included, second not."""
    start = datetime(day.year, day.month, day.day, tzinfo=BEIJING).astimezone(UTC)
    return stamp(start), stamp(start + timedelta(days=1))


def packed(world: World, offered: Row) -> bytes:
    """The zip with two csv files: the day's payments and refunds, and their sums."""
    day = date.fromisoformat(offered["bill_on"])
    start, end = bounds(day)
    rows = [_payment(row) for row in _payments(world, offered["app_id"], start, end)]
    rows += [_refund(row) for row in _refunds(world, offered["app_id"], start, end)]
    rows = differing(world, rows)
    stem = f"{offered['app_id']}_{day:%Y%m%d}_业务明细"
    packed_ = io.BytesIO()
    with zipfile.ZipFile(packed_, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in ((stem, details(offered, rows)), (f"{stem}(汇总)", sums(offered, rows))):
            archive.writestr(f"{name}.csv", text.encode("gb18030"))
    return packed_.getvalue()


def details(offered: Row, rows: list[list[str]]) -> str:
    """The csv of single lines, with the lines of # around them that the real file has."""
    out = io.StringIO()
    out.write("#支付宝业务明细查询\n")
    out.write(f"#账号：[{offered['app_id']}]\n#起始日期：[{offered['bill_on']}]\n")
    out.write("#-----------------------------------------业务明细列表-------------------------\n")
    out.write(COLUMNS + "\n")
    csv.writer(out, lineterminator="\n").writerows(rows)
    out.write("#-----------------------------------------业务明细列表结束-----------------------\n")
    for kind in ("交易", "退款"):
        count, sum_ = _counted(rows, kind)
        out.write(f"#{kind}合计：{count}笔，商家实收共{sum_}元，商家优惠共0.00元\n")
    return out.getvalue()


def sums(offered: Row, rows: list[list[str]]) -> str:
    """The csv of sums per branch; there is one branch."""
    (paid, paid_sum), (back, back_sum) = _counted(rows, "交易"), _counted(rows, "退款")
    total = yuan(sum(_fen(row[12]) for row in rows))
    return (
        f"#支付宝业务汇总查询\n#账号：[{offered['app_id']}]\n"
        "门店编号,门店名称,交易订单总笔数,退款订单总笔数,订单金额（元）,商家实收（元）,退款金额（元）\n"
        f"合计,,{paid},{back},{paid_sum},{total},{back_sum}\n"
    )


def differing(world: World, rows: list[list[str]]) -> list[list[str]]:
    """The lines with whatever difference is planted in this copy of the bill."""
    strikes = world.faults.strikes
    rows = [list(row) for row in rows]
    if rows and strikes("alipay.bill.missing"):
        rows.pop()
    if rows and strikes("alipay.bill.amount"):
        minor = _fen(rows[0][11]) + 1
        rows[0][11:13] = [yuan(minor), yuan(minor)]
    if rows and strikes("alipay.bill.extra"):
        stranger = list(rows[0])
        stranger[0:2] = [f"2026112222001{digits(15)}\t", f"EXTRA{digits(15)}\t"]
        stranger[2], stranger[11], stranger[12], stranger[21] = "交易", "7.77", "7.77", ""
        rows.append(stranger)
    if rows and strikes("alipay.bill.unknown"):
        odd = list(rows[0])
        odd[2] = "分账"
        rows.append(odd)
    return rows


def _counted(rows: list[list[str]], kind: str) -> tuple[int, str]:
    """How many lines of a kind, and what the shop got by them."""
    found = [row for row in rows if row[2] == kind]
    return len(found), yuan(sum(_fen(row[12]) for row in found))


def _fen(text: str) -> int:
    return int(text.replace(".", ""))


def _payments(world: World, app_id: str, start: str, end: str) -> list[Row]:
    return world.store.all(
        "select * from alipay_trades where app_id = ? and paid_at >= ? and paid_at < ?"
        " order by paid_at, trade_no",
        app_id,
        start,
        end,
    )


def _refunds(world: World, app_id: str, start: str, end: str) -> list[Row]:
    return world.store.all(
        "select t.trade_no, t.subject, t.created_at, r.* from alipay_refunds r"
        " join alipay_trades t using (app_id, out_trade_no)"
        " where app_id = ? and refunded_at >= ? and refunded_at < ?"
        " order by refunded_at, out_request_no",
        app_id,
        start,
        end,
    )


def _payment(row: Row) -> list[str]:
    return _line(row, "交易", row["paid_at"], row["total_minor"], "", -row["fee_minor"])


def _refund(row: Row) -> list[str]:
    return _line(row, "退款", row["refunded_at"], -row["amount_minor"], row["out_request_no"], 0)


def _line(row: Row, kind: str, at: str, minor: int, request_no: str, fee: int) -> list[str]:
    # a tab after numbers keeps spreadsheets from rounding them, as in the real files
    head = [f"{row['trade_no']}\t", f"{row['out_trade_no']}\t", kind, row["subject"]]
    times = [beijing(row["created_at"]), beijing(at), "", "", "", "", "137******01"]
    sums = [yuan(minor), yuan(minor), "0.00", "0.00", "0.00", "0.00", "0.00", "", "0.00"]
    return [*head, *times, *sums, "0.00", request_no, yuan(fee), "0.00", ""]
