"""Transfers out of a merchant's Alipay account; those to cards take time, and some come back."""

import json
import re
from datetime import timedelta

from sandbox.alipay import orders, pockets
from sandbox.alipay.trades import Denied
from sandbox.clock import beijing, stamp, unstamp
from sandbox.store import Row
from sandbox.world import World, digits, yuan

CARDS, ACCOUNTS = "TRANS_BANKCARD_NO_PWD", "TRANS_ACCOUNT_NO_PWD"
CARD_TYPES = {"BANKCARD_ACCOUNT", "BANKCARD_NO"}
LEAST_MINOR = 10  # of a transfer to an account
REMARK_FROM = 5_000_000
BACK_AFTER = timedelta(days=2)
NUMBER = re.compile(r"[0-9A-Za-z]{1,64}")
CARD = re.compile(r"\d{12,19}")
USER_ID = re.compile(r"2088\d{12}")
LOGIN = re.compile(r"1\d{10}|[^@\s]+@[^@\s]+")
STRANGERS = ("不符", "mismatch")
FAILS = {
    "0002": ("PAYEE_CARD_INFO_ERROR", "银行卡已注销"),
    "0003": ("CARD_BIN_ERROR", "卡号错误"),
    "0004": ("PAYEE_CARD_INFO_ERROR", "银行卡限额"),
    "0006": ("PAYEE_CARD_INFO_ERROR", "银行卡已冻结"),
}
COMES_BACK = {"0010": "户名与卡号不符", "0011": "银行卡已注销"}
Answer = dict[str, object]


def transfer(world: World, app: Row, params: dict[str, str]) -> Answer:
    """alipay.fund.trans.uni.transfer; the same out_biz_no again is the same transfer."""
    _certified(app)
    settle_due(world)
    biz = orders.read(params.get("biz_content", ""))
    wanted = _read(biz)
    content = json.dumps(wanted, ensure_ascii=False, sort_keys=True)
    known = of_number(world, app["app_id"], str(wanted["out_biz_no"]))
    if known is not None:
        if known["content"] != content:
            raise Denied("PAYMENT_INFO_INCONSISTENCY", "两次请求商户单号一样，但是参数不一致")
        return _answer(known)
    if int(str(wanted["minor"])) > pockets.balance(world, app["seller_id"], "funds"):
        raise Denied("PAYER_BALANCE_NOT_ENOUGH", "付款方余额不足")
    made = _write(world, app, wanted, content)
    number, amount = made["out_biz_no"], made["amount_minor"]
    pockets.move(world, app["seller_id"], "funds", -amount, "transfer", number)
    return _answer(made)


def query(world: World, app: Row, params: dict[str, str]) -> Answer:
    """alipay.fund.trans.common.query"""
    settle_due(world)
    biz = orders.read(params.get("biz_content", ""))
    found = world.store.one(
        "select * from alipay_transfers where app_id = ?"
        " and (order_id = ? or (out_biz_no = ? and product_code = ?))",
        app["app_id"],
        str(biz.get("order_id") or ""),
        str(biz.get("out_biz_no") or ""),
        str(biz.get("product_code") or ""),
    )
    if found is None:
        raise Denied("ORDER_NOT_EXIST", "转账订单不存在")
    fields = _answer(found)
    fields["pay_date"] = fields.pop("trans_date")
    if found["status"] == "SUCCESS":
        fields["trans_amount"] = yuan(found["amount_minor"])
    if found["status"] in ("FAIL", "REFUND"):
        fields |= {"error_code": found["error_code"], "fail_reason": found["fail_reason"]}
    return fields


def funds(world: World, app: Row, params: dict[str, str]) -> Answer:
    """alipay.fund.account.query, of the merchant's own account."""
    _certified(app)
    settle_due(world)
    biz = orders.read(params.get("biz_content", ""))
    if biz.get("account_type") != "ACCTRANS_ACCOUNT":
        raise Denied("INVALID_PARAMETER", "account_type不正确")
    if biz.get("alipay_user_id") != app["seller_id"]:
        raise Denied("isv.insufficient-isv-permissions", "只能查询自己的账户", "40006")
    available = pockets.balance(world, app["seller_id"], "funds")
    return {"available_amount": yuan(available), "freeze_amount": "0.00"}


def _certified(app: Row) -> None:
    if app["mode"] != "cert":
        raise Denied("isv.insufficient-isv-permissions", "资金类接口须使用公钥证书", "40006")


def _read(biz: dict[str, object]) -> dict[str, str]:
    """What a transfer says. Raises Denied."""
    product, number = str(biz.get("product_code")), str(biz.get("out_biz_no") or "")
    payee = biz.get("payee_info")
    if product not in (CARDS, ACCOUNTS) or biz.get("biz_scene") != "DIRECT_TRANSFER":
        raise Denied("INVALID_PARAMETER", "product_code或biz_scene不正确")
    if not NUMBER.fullmatch(number) or not isinstance(payee, dict):
        raise Denied("INVALID_PARAMETER", "out_biz_no或payee_info不正确")
    minor = orders.amount(biz.get("trans_amount"))
    if product == ACCOUNTS and minor < LEAST_MINOR:
        raise Denied("EXCEED_LIMIT_SM_MIN_AMOUNT", "单笔最低转账金额0.1元")
    if minor >= REMARK_FROM and not biz.get("remark"):
        raise Denied(
            "MEMO_REQUIRED_IN_TRANSFER_ERROR", "单笔转账金额达到50000元时，需要填写付款理由"
        )
    read = _card(payee) if product == CARDS else _account(payee)
    title = orders.text(biz, "order_title", 128)
    told = {"out_biz_no": number, "product": product, "minor": str(minor), "title": title}
    return told | read


def _card(payee: dict[str, object]) -> dict[str, str]:
    extra = payee.get("bankcard_ext_info")
    if payee.get("identity_type") not in CARD_TYPES or not isinstance(extra, dict):
        raise Denied("INVALID_PARAMETER", "identity_type或bankcard_ext_info不正确")
    if extra.get("account_type") not in ("1", "2"):
        raise Denied("INVALID_PARAMETER", "account_type不正确")
    number = str(payee.get("identity") or "")
    if not CARD.fullmatch(number):
        raise Denied("CARD_BIN_ERROR", "收款人银行账号不正确")
    return {"payee": number, "name": orders.text(payee, "name", 128)}


def _account(payee: dict[str, object]) -> dict[str, str]:
    kind, number = payee.get("identity_type"), str(payee.get("identity") or "")
    pattern = {"ALIPAY_USER_ID": USER_ID, "ALIPAY_LOGON_ID": LOGIN}.get(str(kind))
    if pattern is None:
        raise Denied("INVALID_PARAMETER", "identity_type不正确")
    if not pattern.fullmatch(number) or number.endswith("0002"):
        raise Denied("PAYEE_NOT_EXIST", "收款账号不存在")
    name = str(payee.get("name") or "")
    if kind == "ALIPAY_LOGON_ID" and not name:
        raise Denied("INVALID_PARAMETER", "name不能为空")
    if _is_strange(name):
        raise Denied("PAYEE_USER_INFO_ERROR", "支付宝账号和姓名不匹配，请确认姓名是否正确")
    return {"payee": number, "name": name}


def _is_strange(name: str) -> bool:
    return any(word in name.lower() for word in STRANGERS)


def _fate(world: World, wanted: dict[str, str]) -> tuple[str, str | None, str | None]:
    """What becomes of a transfer to a card, and why."""
    tail = wanted["payee"][-4:]
    if world.faults.strikes("alipay.transfer.fail"):
        return "FAIL", "PAYEE_CARD_INFO_ERROR", "收款方卡信息错误"
    if world.faults.strikes("alipay.transfer.refund"):
        return "REFUND", "PAYEE_CARD_INFO_ERROR", "银行退票"
    if wanted["product"] == ACCOUNTS:
        return "SUCCESS", None, None
    if _is_strange(wanted["name"]):
        return "FAIL", "PAYEE_CARD_INFO_ERROR", "卡号与姓名不一致"
    if tail in FAILS:
        return "FAIL", *FAILS[tail]
    if tail in COMES_BACK:
        return "REFUND", "PAYEE_CARD_INFO_ERROR", COMES_BACK[tail]
    return "SUCCESS", None, None


def _write(world: World, app: Row, wanted: dict[str, str], content: str) -> Row:
    now = world.clock.now()
    becomes, code, reason = _fate(world, wanted)
    at_once = wanted["product"] == ACCOUNTS
    due = now + timedelta(seconds=world.faults.number("alipay.transfer.after_seconds"))
    status = "DEALING" if not at_once or becomes == "FAIL" else "SUCCESS"
    world.store.run(
        "insert into alipay_transfers (order_id, app_id, out_biz_no, content, product_code, payee,"
        " payee_name, amount_minor, title, status, becomes, error_code, fail_reason, made_at,"
        " due_at, changed_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        now.strftime("%Y%m%d") + "110070000006" + digits(18),
        app["app_id"],
        wanted["out_biz_no"],
        content,
        wanted["product"],
        wanted["payee"],
        wanted["name"],
        int(wanted["minor"]),
        wanted["title"],
        status,
        becomes,
        code,
        reason,
        stamp(now),
        None if status == becomes else stamp(due),
        stamp(now),
    )
    found = of_number(world, app["app_id"], wanted["out_biz_no"])
    assert found is not None
    return found


def of_number(world: World, app_id: str, out_biz_no: str) -> Row | None:
    """A transfer by the merchant's number, or None."""
    return world.store.one(
        "select * from alipay_transfers where app_id = ? and out_biz_no = ?", app_id, out_biz_no
    )


def settle_due(world: World) -> None:
    """What the clock has reached arrives, fails, or comes back two days after it arrived."""
    now = stamp(world.clock.now())
    while due := world.store.all(
        "select * from alipay_transfers where due_at <= ? order by due_at", now
    ):
        for row in due:
            arrives_first = row["becomes"] == "REFUND" and row["status"] == "DEALING"
            status = "SUCCESS" if arrives_first else row["becomes"]
            later = stamp(unstamp(row["due_at"]) + BACK_AFTER) if arrives_first else None
            _turn(world, row, status, row["due_at"], later)


def send_back(world: World, row: Row) -> bool:
    """The payee's bank sends an arrived transfer back now; whether there was one to send."""
    if row["status"] != "SUCCESS":
        return False
    world.store.run(
        "update alipay_transfers set error_code = 'PAYEE_CARD_INFO_ERROR', fail_reason = '银行退票'"
        " where order_id = ?",
        row["order_id"],
    )
    _turn(world, row, "REFUND", stamp(world.clock.now()), None)
    return True


def _turn(world: World, row: Row, status: str, at: str, later: str | None) -> None:
    world.store.run(
        "update alipay_transfers set status = ?, changed_at = ?, due_at = ? where order_id = ?",
        status,
        at,
        later,
        row["order_id"],
    )
    if status != "SUCCESS":
        owner = world.store.one("select seller_id from alipay_apps where app_id = ?", row["app_id"])
        assert owner is not None
        number, amount = row["out_biz_no"], row["amount_minor"]
        pockets.move(world, owner["seller_id"], "funds", amount, "came_back", number, unstamp(at))


def _answer(found: Row) -> Answer:
    return {
        "out_biz_no": found["out_biz_no"],
        "order_id": found["order_id"],
        "pay_fund_order_id": "2" + found["order_id"][1:],
        "status": found["status"],
        "trans_date": beijing(found["changed_at"]),
    }
