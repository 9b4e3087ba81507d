"""What each gateway method does: parameters in, the fields of the answer out."""

from collections.abc import Callable
from urllib.parse import urlencode

from sandbox.alipay import bills, holding, notices, orders, platforms, sellers, trades, transfers
from sandbox.alipay.trades import Denied
from sandbox.clock import beijing, stamp
from sandbox.store import Row
from sandbox.world import World, yuan

Params = dict[str, str]
Answer = dict[str, object]


def precreate(world: World, app: Row, params: Params) -> Answer:
    """A QR code for the counter; the trade begins when a buyer opens it."""
    biz = orders.read(params.get("biz_content", ""))
    method = "alipay.trade.precreate"
    wanted = orders.wanted(biz, method, world.clock.now(), "UNOPENED")
    trade = trades.create(world, app, method, params, wanted)
    code = f"{world.public_url}/alipay/qr/{trade['trade_no']}"
    return {"out_trade_no": trade["out_trade_no"], "qr_code": code}


def query(world: World, app: Row, params: Params) -> Answer:
    """How a trade stands."""
    trade = trades.find(world, app["app_id"], _names_a_trade(params))
    total = yuan(trade["total_minor"])
    answer: Answer = {
        "trade_no": trade["trade_no"],
        "out_trade_no": trade["out_trade_no"],
        "buyer_logon_id": "137******01",
        "trade_status": trade["status"],
        "total_amount": total,
        "subject": trade["subject"],
        "buyer_user_id": "2088000000000001",
        "buyer_user_type": "PRIVATE",
    }
    if trade["paid_at"]:
        answer |= {
            "send_pay_date": beijing(trade["paid_at"]),
            "receipt_amount": total,
            "buyer_pay_amount": total,
            "invoice_amount": total,
            "point_amount": "0.00",
        }
    options = _names_a_trade(params).get("query_options")
    if isinstance(options, list) and "trade_settle_info" in options:
        holding.settle_due(world)
        answer |= platforms.settle_info(world, trade)
    return answer


def close(world: World, app: Row, params: Params) -> Answer:
    """Close a trade nobody has paid."""
    trade = trades.find(world, app["app_id"], _names_a_trade(params))
    trades.close(world, trade)
    return {"trade_no": trade["trade_no"], "out_trade_no": trade["out_trade_no"]}


def cancel(world: World, app: Row, params: Params) -> Answer:
    """Undo whatever there is: close the unpaid, refund the paid, void an unopened QR."""
    biz = _names_a_trade(params)
    answer: Answer = {"out_trade_no": biz.get("out_trade_no"), "retry_flag": "N"}
    voided = world.store.run(
        "update alipay_trades set status = 'VOID' where app_id = ? and out_trade_no = ?"
        " and status = 'UNOPENED'",
        app["app_id"],
        str(biz.get("out_trade_no") or ""),
    )
    if voided:
        return answer
    try:
        trade = trades.find(world, app["app_id"], biz)
    except Denied:
        return answer  # nothing there is nothing to undo: the gateway calls that success
    answer["trade_no"] = trade["trade_no"]
    if trade["status"] == "WAIT_BUYER_PAY":
        trades.close(world, trade)
        return answer | {"action": "close"}
    left = trade["total_minor"] - trade["refunded_minor"]
    if trade["paid_at"] and left:
        request_no = f"cancel{trade['trade_no']}"
        trades.refund(world, trade, request_no, left, "cancel")
        holding.refund(world, trade, left, {})
        notices.announce_refund(world, trades.current(world, trade["trade_no"]), request_no)
        return answer | {"action": "refund"}
    return answer


def refund(world: World, app: Row, params: Params) -> Answer:
    """Give money back; the same out_request_no again moves nothing."""
    biz = _names_a_trade(params)
    trade = trades.find(world, app["app_id"], biz)
    holding.settle_due(world)
    if biz.get("refund_royalty_parameters"):
        if str(biz.get("refund_amount")) not in ("0", "0.00"):
            raise Denied("ACQ.INVALID_PARAMETER", "沙箱只支持仅退分账")
        return platforms.return_share(world, app, biz, trade)
    minor = orders.amount(biz.get("refund_amount"))
    request_no = str(biz.get("out_request_no") or "")
    if not request_no:
        if minor != trade["total_minor"]:
            raise Denied("ACQ.INVALID_PARAMETER", "部分退款需要out_request_no")
        request_no = trade["out_trade_no"]
    if len(request_no) > 64:
        raise Denied("ACQ.INVALID_PARAMETER", "out_request_no过长")
    reason = biz.get("refund_reason")
    moved = trades.refund(world, trade, request_no, minor, str(reason) if reason else None)
    if moved:
        holding.refund(world, trade, minor, biz)
    trade = trades.current(world, trade["trade_no"])
    if moved:
        notices.announce_refund(world, trade, request_no)
    done = trades.refund_of(world, trade, request_no)
    assert done is not None
    return {
        "trade_no": trade["trade_no"],
        "out_trade_no": trade["out_trade_no"],
        "buyer_logon_id": "137******01",
        "fund_change": "Y" if moved else "N",
        "refund_fee": yuan(trade["refunded_minor"]),
        "send_back_fee": yuan(minor if moved else 0),
        "gmt_refund_pay": beijing(done["refunded_at"]),
    }


def refund_query(world: World, app: Row, params: Params) -> Answer:
    """How one refund stands; an unknown number answers success without refund_status."""
    biz = _names_a_trade(params)
    request_no = orders.text(biz, "out_request_no", 64)
    trade = trades.find(world, app["app_id"], biz)
    done = trades.refund_of(world, trade, request_no)
    if done is None:
        return {}
    return {
        "trade_no": trade["trade_no"],
        "out_trade_no": trade["out_trade_no"],
        "out_request_no": request_no,
        "refund_reason": done["reason"] or "",
        "total_amount": yuan(trade["total_minor"]),
        "refund_amount": yuan(done["amount_minor"]),
        "refund_status": "REFUND_SUCCESS",
        "gmt_refund_pay": beijing(done["refunded_at"]),
    }


def bill(world: World, app: Row, params: Params) -> Answer:
    """Where to fetch a day's bill, for thirty seconds."""
    biz = orders.read(params.get("biz_content", ""))
    if biz.get("bill_type") != "trade":
        raise Denied("isp.bill_type_error", "只支持trade账单")
    token = bills.offer(world, app["app_id"], orders.text(biz, "bill_date", 10))
    past = f"/at/{stamp(world.clock.now())}" if world.clock.is_past else ""
    link = f"{world.own_url}{past}/alipay/bill.zip?{urlencode({'token': token})}"
    return {"bill_download_url": link}


def _names_a_trade(params: Params) -> dict[str, object]:
    biz = orders.read(params.get("biz_content", ""))
    if not (biz.get("out_trade_no") or biz.get("trade_no")):
        raise Denied("isv.missing-parameter", "out_trade_no和trade_no不能同时为空", "40001")
    return biz


METHODS: dict[str, Callable[[World, Row, Params], Answer]] = {
    "alipay.trade.precreate": precreate,
    "alipay.trade.query": query,
    "alipay.trade.close": close,
    "alipay.trade.cancel": cancel,
    "alipay.trade.refund": refund,
    "alipay.trade.fastpay.refund.query": refund_query,
    "alipay.trade.settle.confirm": platforms.confirm,
    "alipay.trade.order.settle": platforms.settle,
    "alipay.trade.order.settle.query": platforms.settle_query,
    "alipay.trade.royalty.relation.bind": platforms.bind,
    "ant.merchant.expand.indirect.zft.create": sellers.create,
    "ant.merchant.expand.indirect.zft.quickcreate": sellers.quickcreate,
    "ant.merchant.expand.indirect.zftorder.query": sellers.query,
    "alipay.fund.trans.uni.transfer": transfers.transfer,
    "alipay.fund.trans.common.query": transfers.query,
    "alipay.fund.account.query": transfers.funds,
    "alipay.data.dataservice.bill.downloadurl.query": bill,
}
PAGES = {"alipay.trade.wap.pay", "alipay.trade.page.pay"}
