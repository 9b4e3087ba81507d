"""Money that is frozen for a sub-merchant: the platform's share, the release, and returns.

Half a year after the payment what is left is released by itself (PROTOCOLS 6.1).
"""

from datetime import datetime, timedelta

from sandbox.clock import stamp
from sandbox.store import Row
from sandbox.wechat_pay import pockets, trades
from sandbox.wechat_pay.orders import Body, Denied, minor, number, text, wrong
from sandbox.world import World, digits

EARLIEST = timedelta(seconds=30)
FROZEN_FOR = timedelta(days=180)
MOST_BPS = 3_000


def split(world: World, merchant: Row, body: Body) -> Row:
    """The platform takes its share out of a frozen payment; the same number again is once."""
    trade = _held(world, merchant, body)
    receivers = body.get("receivers")
    if not isinstance(receivers, list) or len(receivers) != 1 or body.get("finish") is not False:
        raise wrong("沙箱只支持一个接收方、finish=false")
    receiver = receivers[0]
    if not isinstance(receiver, dict) or receiver.get("type") != "MERCHANT_ID":
        raise wrong("receivers不正确")
    if receiver.get("receiver_account") != merchant["mchid"]:
        raise Denied(403, "NO_AUTH", "分账接收方关系不存在")
    amount, what = minor(receiver, "amount"), text(receiver, "description", 80)
    known = of_number(world, merchant["mchid"], number(body, "out_order_no"))
    if known is not None:
        same = (known["kind"], known["amount_minor"], known["transaction_id"])
        if same != ("split", amount, trade["transaction_id"]):
            raise Denied(400, "INVALID_REQUEST", "商户分账单号重复，参数不一致")
        return known
    _may_split(world, trade, amount)
    result = "CLOSED" if world.faults.strikes("wechat_pay.split.fail") else "SUCCESS"
    if result == "SUCCESS":
        _move_share(world, trade, -amount, "split", str(body["out_order_no"]))
    return _write(world, trade, body, "split", amount, what, result)


def _may_split(world: World, trade: Row, amount: int) -> None:
    paid_at = str(trade["paid_at"])
    if stamp(world.clock.now() - EARLIEST) < paid_at:
        raise Denied(400, "ORDER_NOT_READY", "订单处理中，请稍后再试")
    if trade["finished_at"]:
        raise Denied(400, "INVALID_REQUEST", "订单已完结分账")
    if amount > pockets.frozen(world, trade["sub_mchid"], trade["transaction_id"]):
        raise Denied(403, "NOT_ENOUGH", "分账金额大于订单剩余待分金额")
    if amount * 10_000 > trade["total_minor"] * MOST_BPS:
        raise Denied(403, "RULE_LIMIT", "超出最大分账比例")


def _move_share(world: World, trade: Row, amount: int, kind: str, number: str) -> None:
    """Between what the sub-merchant has of a payment and the platform's takings."""
    seller, payment = trade["sub_mchid"], trade["transaction_id"]
    pocket = "available" if trade["finished_at"] else "frozen"
    pockets.move(world, seller, pocket, amount, kind, number if trade["finished_at"] else payment)
    pockets.move(world, trade["mchid"], "basic", -amount, kind, number)


def finish(world: World, merchant: Row, body: Body) -> Row:
    """Release what is left. With the number of a split it answers well, and releases nothing."""
    trade, what = _held(world, merchant, body), text(body, "description", 80)
    known = of_number(world, merchant["mchid"], number(body, "out_order_no"))
    if known is not None:
        if known["transaction_id"] != trade["transaction_id"]:
            raise Denied(400, "INVALID_REQUEST", "商户分账单号重复，参数不一致")
        return known
    if trade["finished_at"]:
        raise Denied(400, "INVALID_REQUEST", "订单已完结分账")
    if stamp(world.clock.now() - EARLIEST) < str(trade["paid_at"]):
        raise Denied(400, "ORDER_NOT_READY", "订单处理中，请稍后再试")
    left = _release(world, trade, "release", world.clock.now())
    return _write(world, trade, body, "finish", left, what, "SUCCESS")


def _release(world: World, trade: Row, kind: str, at: datetime) -> int:
    seller, payment = trade["sub_mchid"], trade["transaction_id"]
    left = pockets.frozen(world, seller, payment)
    pockets.move(world, seller, "frozen", -left, kind, payment, at)
    pockets.move(world, seller, "available", left, kind, payment, at)
    world.store.run(
        "update wechat_trades set finished_at = ? where transaction_id = ?", stamp(at), payment
    )
    return left


def unsplit(world: World, merchant: Row, payment: str) -> int:
    """What of a payment is frozen still. Raises Denied."""
    try:
        trade = trades.find(world, merchant["mchid"], "transaction_id", payment)
    except Denied as no:
        raise Denied(404, "RESOURCE_NOT_EXISTS", "订单不存在") from no
    return pockets.frozen(world, trade["sub_mchid"], payment)


def expire(world: World) -> None:
    """What has been frozen for half a year is the seller's."""
    limit = stamp(world.clock.now() - FROZEN_FOR)
    for trade in world.store.all(
        "select * from wechat_trades where sub_mchid is not null and finished_at is null"
        " and paid_at <= ? order by paid_at",
        limit,
    ):
        at = datetime.fromisoformat(trade["paid_at"].replace("Z", "+00:00")) + FROZEN_FOR
        _release(world, trade, "expiry", at)


def give_back(world: World, merchant: Row, body: Body) -> tuple[Row, Row]:
    """The platform returns (part of) a share; the return and its split. Raises Denied."""
    taken = of_number(world, merchant["mchid"], number(body, "out_order_no"))
    if taken is None or taken["kind"] != "split" or taken["sub_mchid"] != body.get("sub_mchid"):
        raise Denied(404, "RESOURCE_NOT_EXISTS", "分账单不存在")
    if body.get("return_mchid") != merchant["mchid"]:
        raise wrong("return_mchid不正确")
    amount, name = minor(body, "amount"), number(body, "out_return_no")
    text(body, "description", 80)
    known = return_of(world, merchant["mchid"], name)
    if known is not None:
        if (known["amount_minor"], known["order_id"]) != (amount, taken["order_id"]):
            raise Denied(400, "INVALID_REQUEST", "商户回退单号重复，参数不一致")
        return known, taken
    if taken["result"] != "SUCCESS" or taken["returned_minor"] + amount > taken["amount_minor"]:
        raise Denied(403, "NOT_ENOUGH", "回退金额大于可回退金额")
    trade = trades.current(world, taken["transaction_id"])
    _move_share(world, trade, amount, "return", name)
    world.store.run(
        "update wechat_splits set returned_minor = returned_minor + ? where order_id = ?",
        amount,
        taken["order_id"],
    )
    world.store.run(
        "insert into wechat_returns (return_no, mchid, order_id, out_return_no, amount_minor,"
        " made_at) values (?, ?, ?, ?, ?, ?)",
        "3008" + digits(24),
        merchant["mchid"],
        taken["order_id"],
        name,
        amount,
        stamp(world.clock.now()),
    )
    done = return_of(world, merchant["mchid"], name)
    assert done is not None
    return done, taken


def return_of(world: World, mchid: str, out_return_no: str) -> Row | None:
    """A return by the platform's number, or None."""
    return world.store.one(
        "select * from wechat_returns where mchid = ? and out_return_no = ?", mchid, out_return_no
    )


def of_number(world: World, mchid: str, out_order_no: str) -> Row | None:
    """A split or a release by the platform's number, or None."""
    return world.store.one(
        "select * from wechat_splits where mchid = ? and out_order_no = ?", mchid, out_order_no
    )


def _held(world: World, merchant: Row, body: Body) -> Row:
    payment = str(body.get("transaction_id"))
    try:
        trade = trades.find(world, merchant["mchid"], "transaction_id", payment)
    except Denied as no:
        raise Denied(404, "RESOURCE_NOT_EXISTS", "订单不存在") from no
    if trade["sub_mchid"] is None or trade["sub_mchid"] != body.get("sub_mchid"):
        raise Denied(404, "RESOURCE_NOT_EXISTS", "订单不存在")
    if trade["paid_at"] is None:
        raise Denied(400, "INVALID_REQUEST", "订单未支付")
    return trade


def _write(
    world: World, trade: Row, body: Body, kind: str, amount: int, what: str, result: str
) -> Row:
    now = world.clock.now()
    due = now + timedelta(seconds=world.faults.number("wechat_pay.split.after_seconds"))
    world.store.run(
        "insert into wechat_splits (order_id, mchid, sub_mchid, transaction_id, out_order_no, kind,"
        " amount_minor, description, result, made_at, due_at)"
        " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        "3008" + digits(24),
        trade["mchid"],
        trade["sub_mchid"],
        trade["transaction_id"],
        str(body["out_order_no"]),
        kind,
        amount,
        what,
        result,
        stamp(now),
        stamp(due),
    )
    found = of_number(world, trade["mchid"], str(body["out_order_no"]))
    assert found is not None
    return found
