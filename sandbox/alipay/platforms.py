"""What a platform (直付通) asks the gateway for beyond payments: settling, shares, their state."""

from sandbox.alipay import holding, orders, sellers, trades
from sandbox.alipay.trades import Denied
from sandbox.clock import beijing, stamp
from sandbox.store import Row
from sandbox.world import World, yuan

Answer = dict[str, object]
KINDS = {"transfer": "transfer", "transfer_refund": "transfer_refund"}


def confirm(world: World, app: Row, params: dict[str, str]) -> Answer:
    """alipay.trade.settle.confirm: once per trade, and for all that is left of it."""
    biz, trade, held = _held(world, app, params)
    number = orders.text(biz, "out_request_no", 64)
    if held["confirmed_at"]:
        if held["confirm_no"] != number:
            raise Denied("ACQ.TRADE_STATUS_ERROR", "交易已确认结算")
        return _confirmed(trade, held)
    minor = _amount_of(biz)
    if trade["paid_at"] is None:
        raise Denied("ACQ.TRADE_STATUS_ERROR", "交易未支付")
    if minor != holding.left(world, held, "unsettled"):
        raise Denied("ACQ.INVALID_PARAMETER", "结算金额须等于交易金额减去已退款金额")
    extra = biz.get("extend_params")
    freezes = isinstance(extra, dict) and str(extra.get("royalty_freeze")) == "true"
    holding.confirm(world, trade, held, number, world.clock.now(), freezes=freezes)
    settled = holding.of_trade(world, trade["trade_no"])
    assert settled is not None
    return _confirmed(trade, settled)


def _confirmed(trade: Row, held: Row) -> Answer:
    return {
        "trade_no": trade["trade_no"],
        "out_request_no": held["confirm_no"],
        "settle_amount": yuan(held["confirmed_minor"]),
    }


def _amount_of(biz: dict[str, object]) -> int:
    info = biz.get("settle_info")
    details = info.get("settle_detail_infos") if isinstance(info, dict) else None
    detail = details[0] if isinstance(details, list) and len(details) == 1 else None
    if not isinstance(detail, dict) or detail.get("trans_in_type") != "defaultSettle":
        raise Denied("ACQ.INVALID_PARAMETER", "settle_info不正确")
    return orders.amount(detail.get("amount"))


def settle(world: World, app: Row, params: dict[str, str]) -> Answer:
    """alipay.trade.order.settle: a share for the platform, or the end of the freeze."""
    biz, trade, held = _held(world, app, params)
    number = orders.text(biz, "out_request_no", 32)
    extra, royalties = biz.get("extend_params"), biz.get("royalty_parameters")
    finishes = isinstance(extra, dict) and str(extra.get("royalty_finish")) == "true"
    if not royalties and not finishes:
        raise Denied("ACQ.INVALID_PARAMETER", "royalty_parameters不正确")
    minor = _royalty(app, royalties, "trans_in") if royalties else 0
    if minor and finishes:
        raise Denied("ACQ.INVALID_PARAMETER", "沙箱不支持分账同时完结")
    known = holding.split_of(world, trade, number)
    if known is not None:
        wanted = ("transfer", minor) if minor else ("finish", known["amount_minor"])
        if (known["kind"], known["amount_minor"]) != wanted:
            raise Denied("ACQ.DISCORDANT_REPEAT_REQUEST", "重复请求的参数不一致")
    elif _elsewhere(world, trade, number):
        raise Denied("ACQ.DISCORDANT_REPEAT_REQUEST", "请求号已用于其他交易")
    elif minor:
        known = holding.split(world, trade, held, number, minor)
    else:
        known = holding.finish(world, trade, held, number)
    assert known is not None
    return {"trade_no": trade["trade_no"], "settle_no": known["settle_no"]}


def _elsewhere(world: World, trade: Row, number: str) -> bool:
    found = world.store.one(
        "select 1 from alipay_splits where app_id = ? and out_request_no = ? and trade_no <> ?",
        trade["app_id"],
        number,
        trade["trade_no"],
    )
    return found is not None


def _royalty(app: Row, royalties: object, whose: str) -> int:
    """The sum of the one royalty, whose other side is the platform itself."""
    one = royalties[0] if isinstance(royalties, list) and len(royalties) == 1 else None
    if not isinstance(one, dict) or one.get("royalty_type", "transfer") != "transfer":
        raise Denied("ACQ.INVALID_PARAMETER", "沙箱只支持一个transfer分账接收方")
    if one.get(whose) != app["seller_id"] or one.get(f"{whose}_type", "userId") != "userId":
        raise Denied("ACQ.ROYALTY_RECEIVER_INVALID", "分账接收方非法")
    return orders.amount(one.get("amount"))


def settle_query(world: World, app: Row, params: dict[str, str]) -> Answer:
    """alipay.trade.order.settle.query"""
    biz, trade, _ = _held(world, app, params)
    found = holding.split_of(world, trade, orders.text(biz, "out_request_no", 64))
    if found is None:
        raise Denied("ACQ.TRADE_SETTLE_NOT_EXIST", "分账请求不存在")
    answer: Answer = {
        "out_request_no": found["out_request_no"],
        "operation_dt": beijing(found["made_at"]),
        "royalty_detail_list": [],
    }
    if found["kind"] not in KINDS:
        return answer
    done = found["due_at"] <= stamp(world.clock.now())
    detail: Answer = {
        "operation_type": KINDS[found["kind"]],
        "detail_id": f"{found['settle_no']}01",
        "amount": yuan(found["amount_minor"]),
        "execute_dt": beijing(found["due_at"]),
        "state": found["state"] if done else "PROCESSING",
    }
    if done and found["state"] == "FAIL":
        detail |= {"error_code": "TXN_RESULT_ACCOUNT_STATUS_INVALID", "error_desc": "账户状态异常"}
    return answer | {"royalty_detail_list": [detail]}


def bind(world: World, app: Row, params: dict[str, str]) -> Answer:
    """alipay.trade.royalty.relation.bind; the platform itself is bound from the beginning."""
    sellers.require_platform(world, app)
    biz = orders.read(params.get("biz_content", ""))
    orders.text(biz, "out_request_no", 32)
    receivers = biz.get("receiver_list")
    if not isinstance(receivers, list) or not 0 < len(receivers) <= 20:
        raise Denied("ACQ.INVALID_PARAMETER", "receiver_list不正确")
    return {"result_code": "SUCCESS"}


def settle_info(world: World, trade: Row) -> Answer:
    """What trade.query tells of a held trade under `trade_settle_info`; nothing of others."""
    held = holding.of_trade(world, trade["trade_no"])
    if held is None or trade["paid_at"] is None:
        return {}
    details: list[Answer] = []
    if held["confirmed_at"]:
        details.append(
            {
                "operation_type": "settle",
                "operation_serial_no": held["confirm_no"],
                "operation_dt": beijing(held["confirmed_at"]),
                "amount": yuan(held["confirmed_minor"]),
            }
        )
    for split in world.store.all(
        "select * from alipay_splits where trade_no = ? and kind <> 'finish' and state = 'SUCCESS'"
        " and due_at <= ? order by rowid",
        trade["trade_no"],
        stamp(world.clock.now()),
    ):
        details.append(
            {
                "operation_type": KINDS[split["kind"]],
                "operation_serial_no": split["out_request_no"],
                "operation_dt": beijing(split["made_at"]),
                "amount": yuan(split["amount_minor"]),
            }
        )
    unsettled = yuan(holding.left(world, held, "unsettled"))
    told = {"trade_settle_detail_list": details, "trade_unsettled_amount": unsettled}
    return {"trade_settle_info": told}


def return_share(world: World, app: Row, biz: dict[str, object], trade: Row) -> Answer:
    """A refund of nothing but (part of) the platform's share."""
    held = holding.of_trade(world, trade["trade_no"])
    if held is None:
        raise Denied("ACQ.INVALID_PARAMETER", "交易不是直付通交易")
    number = orders.text(biz, "out_request_no", 64)
    minor = _royalty(app, biz.get("refund_royalty_parameters"), "trans_out")
    known = holding.split_of(world, trade, number)
    if known is not None:
        if (known["kind"], known["amount_minor"]) != ("transfer_refund", minor):
            raise Denied("ACQ.DISCORDANT_REPEAT_REQUEST", "重复请求的参数不一致")
    else:
        holding.give_back(world, trade, held, number, minor)
    return {
        "trade_no": trade["trade_no"],
        "out_trade_no": trade["out_trade_no"],
        "fund_change": "N" if known is not None else "Y",
        "refund_fee": yuan(trade["refunded_minor"]),
    }


def _held(world: World, app: Row, params: dict[str, str]) -> tuple[dict[str, object], Row, Row]:
    """biz_content, and the held trade it names. Raises Denied."""
    sellers.require_platform(world, app)
    holding.settle_due(world)
    biz = orders.read(params.get("biz_content", ""))
    trade = trades.find(world, app["app_id"], {"trade_no": orders.text(biz, "trade_no", 64)})
    held = holding.of_trade(world, trade["trade_no"])
    if held is None:
        raise Denied("ACQ.TRADE_STATUS_ERROR", "交易不是直付通交易")
    return biz, trade, held
