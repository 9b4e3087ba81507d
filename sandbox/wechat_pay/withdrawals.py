"""Withdrawals of sub-merchants to the card they were admitted with; some come back days later."""

from datetime import timedelta

from sandbox.clock import stamp, unstamp
from sandbox.store import Row
from sandbox.wechat_pay import pockets, sellers
from sandbox.wechat_pay.orders import Body, Denied, minor, number
from sandbox.world import World, digits

BACK_AFTER = timedelta(days=2)
FAILS = {"0002": "银行卡已注销", "0003": "卡号错误", "0004": "银行卡限额", "0006": "银行卡已冻结"}
COMES_BACK = {"0010": "户名与卡号不符", "0011": "银行卡已注销"}


def withdraw(world: World, merchant: Row, body: Body) -> Row:
    """Take money out of `available` and send it. Raises Denied."""
    seller = sellers.admitted(world, merchant["mchid"], str(body.get("sub_mchid")))
    amount, name = minor(body, "amount"), number(body, "out_request_no")
    known = of_number(world, merchant["mchid"], name)
    if known is not None:
        if (known["amount_minor"], known["sub_mchid"]) != (amount, seller["sub_mchid"]):
            raise Denied(400, "INVALID_REQUEST", "商户提现单号重复，参数不一致")
        return known
    if amount > pockets.balance(world, seller["sub_mchid"], "available"):
        raise Denied(403, "NOT_ENOUGH", "提现金额大于可用余额")
    becomes, reason = _fate(world, seller["card_tail"])
    now = world.clock.now()
    due = now + timedelta(seconds=world.faults.number("wechat_pay.withdraw.after_seconds"))
    pockets.move(world, seller["sub_mchid"], "available", -amount, "withdraw", name)
    world.store.run(
        "insert into wechat_withdrawals (withdraw_id, mchid, sub_mchid, out_request_no,"
        " amount_minor, status, becomes, reason, made_at, due_at, changed_at)"
        " values (?, ?, ?, ?, ?, 'CREATE_SUCCESS', ?, ?, ?, ?, ?)",
        digits(32),
        merchant["mchid"],
        seller["sub_mchid"],
        name,
        amount,
        becomes,
        reason,
        stamp(now),
        stamp(due),
        stamp(now),
    )
    found = of_number(world, merchant["mchid"], name)
    assert found is not None
    return found


def _fate(world: World, tail: str) -> tuple[str, str | None]:
    if world.faults.strikes("wechat_pay.withdraw.fail"):
        return "FAIL", "卡号错误"
    if world.faults.strikes("wechat_pay.withdraw.refund"):
        return "REFUND", "银行退票"
    if tail in FAILS:
        return "FAIL", FAILS[tail]
    return ("REFUND", COMES_BACK[tail]) if tail in COMES_BACK else ("SUCCESS", None)


def of_number(world: World, mchid: str, out_request_no: str) -> Row | None:
    """A withdrawal by the platform's number, or None."""
    return world.store.one(
        "select * from wechat_withdrawals where mchid = ? and out_request_no = ?",
        mchid,
        out_request_no,
    )


def settle_due(world: World) -> None:
    """What the clock has reached arrives, fails, or comes back two days after it arrived."""
    now = stamp(world.clock.now())
    while due := world.store.all(
        "select * from wechat_withdrawals where due_at <= ? order by due_at", now
    ):
        for row in due:
            _turn(world, row)


def _turn(world: World, row: Row) -> None:
    arrives_first = row["becomes"] == "REFUND" and row["status"] == "CREATE_SUCCESS"
    status = "SUCCESS" if arrives_first else row["becomes"]
    later = stamp(unstamp(row["due_at"]) + BACK_AFTER) if arrives_first else None
    world.store.run(
        "update wechat_withdrawals set status = ?, changed_at = due_at, due_at = ?"
        " where withdraw_id = ?",
        status,
        later,
        row["withdraw_id"],
    )
    if status != "SUCCESS":
        at = unstamp(row["due_at"])
        number = row["out_request_no"]
        amount = row["amount_minor"]
        pockets.move(world, row["sub_mchid"], "available", amount, "came_back", number, at)
