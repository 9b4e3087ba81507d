"""Transfers to people inside WeChat: each must be agreed to by the one who gets the money."""

import json
import re
import secrets
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sandbox.clock import stamp
from sandbox.pages import problem, render
from sandbox.store import Row
from sandbox.wechat_pay import login, merchants, pockets
from sandbox.wechat_pay.cashier import origin
from sandbox.wechat_pay.keys import PlatformKeys, Unreadable
from sandbox.wechat_pay.orders import Body, Denied, minor, text, wrong
from sandbox.world import World, world_of, yuan

NUMBER = re.compile(r"[0-9A-Za-z]{1,32}")
NAME_FROM = 200_000  # from 2,000 yuan on the name is needed
AGREE_WITHIN = timedelta(hours=24)
STRANGERS = ("不符", "mismatch")


def begin(world: World, merchant: Row, body: Body, sealed_by: str) -> Row:
    """Set money aside for a person; the same number again is the same transfer. Raises Denied."""
    wanted = _read(world, merchant, body, sealed_by)
    content = json.dumps(wanted, ensure_ascii=False, sort_keys=True)
    amount, name = minor(body, "transfer_amount"), str(body["out_bill_no"])
    known = of_number(world, merchant["mchid"], name)
    if known is not None:
        if known["content"] != content:
            raise Denied(400, "INVALID_REQUEST", "商户单号重复，参数不一致")
        return known
    if amount > pockets.balance(world, merchant["mchid"], "operation"):
        raise Denied(403, "NOT_ENOUGH", "运营账户资金余额不足")
    pockets.move(world, merchant["mchid"], "operation", -amount, "transfer", name)
    now = world.clock.now()
    world.store.run(
        "insert into wechat_transfers (transfer_bill_no, mchid, out_bill_no, content, openid,"
        " user_name, amount_minor, remark, package, state, made_at, due_at, changed_at)"
        " values (?, ?, ?, ?, ?, ?, ?, ?, ?, 'WAIT_USER_CONFIRM', ?, ?, ?)",
        "1330" + now.strftime("%Y%m%d") + secrets.token_hex(12),
        merchant["mchid"],
        name,
        content,
        wanted["openid"],
        wanted["name"],
        amount,
        wanted["remark"],
        secrets.token_urlsafe(24),
        stamp(now),
        stamp(now + AGREE_WITHIN),
        stamp(now),
    )
    found = of_number(world, merchant["mchid"], name)
    assert found is not None
    return found


def _read(world: World, merchant: Row, body: Body, sealed_by: str) -> dict[str, str]:
    if body.get("appid") != merchant["appid"]:
        raise Denied(400, "APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配")
    if not NUMBER.fullmatch(str(body.get("out_bill_no") or "")):
        raise wrong("out_bill_no不正确")
    infos = body.get("transfer_scene_report_infos")
    if not isinstance(infos, list) or not infos or not isinstance(infos[0], dict):
        raise wrong("transfer_scene_report_infos不正确")
    for info in infos:
        text(info, "info_type", 15), text(info, "info_content", 32)
    openid = text(body, "openid", 64)
    if not world.store.one(
        "select 1 from wechat_people where appid = ? and openid = ?", merchant["appid"], openid
    ):
        raise wrong("无效的openid")
    return {
        "openid": openid,
        "amount": str(minor(body, "transfer_amount")),
        "scene": text(body, "transfer_scene_id", 36),
        "remark": text(body, "transfer_remark", 32),
        "name": _name(world, body, sealed_by),
    }


def _name(world: World, body: Body, sealed_by: str) -> str:
    if "user_name" not in body:
        if minor(body, "transfer_amount") >= NAME_FROM:
            raise wrong("转账金额大于等于2000元时user_name必填")
        return ""
    try:
        return PlatformKeys(world.store).open(sealed_by, text(body, "user_name", 4096))
    except Unreadable as no:
        raise wrong("user_name敏感信息解密失败，请检查Wechatpay-Serial") from no


def of_number(world: World, mchid: str, out_bill_no: str) -> Row | None:
    """A transfer by the merchant's number, or None."""
    return world.store.one(
        "select * from wechat_transfers where mchid = ? and out_bill_no = ?", mchid, out_bill_no
    )


def confirm(world: World, transfer: Row) -> None:
    """The person takes the money; it arrives unless he is somebody else than was named."""
    named_wrong = any(word in str(transfer["user_name"]).lower() for word in STRANGERS)
    if named_wrong:
        _fail(world, transfer, "NAME_NOT_CORRECT")
    elif world.faults.strikes("wechat_pay.transfer.fail"):
        _fail(world, transfer, "PAYEE_ACCOUNT_ABNORMAL")
    else:
        _end(world, transfer, "SUCCESS", None)


def settle_due(world: World) -> None:
    """What nobody agreed to within a day goes back."""
    for transfer in world.store.all(
        "select * from wechat_transfers where due_at <= ? order by due_at",
        stamp(world.clock.now()),
    ):
        _fail(world, transfer, "OVERDUE_CLOSE")


def _fail(world: World, transfer: Row, why: str) -> None:
    if _end(world, transfer, "FAIL", why):
        number, amount = transfer["out_bill_no"], transfer["amount_minor"]
        pockets.move(world, transfer["mchid"], "operation", amount, "came_back", number)


def _end(world: World, transfer: Row, state: str, why: str | None) -> bool:
    ended = world.store.run(
        "update wechat_transfers set state = ?, fail_reason = ?, changed_at = ?, due_at = null"
        " where transfer_bill_no = ? and state = 'WAIT_USER_CONFIRM'",
        state,
        why,
        stamp(world.clock.now()),
        transfer["transfer_bill_no"],
    )
    return ended == 1


async def show(request: Request) -> Response:
    """GET /wechat/transfer: what a page handed to requestMerchantTransfer."""
    world, told = world_of(request), request.query_params
    transfer = _of_package(world, told.get("package", ""))
    merchant = merchants.of_app(world, told.get("appId", ""))
    if transfer is None or merchant is None or transfer["mchid"] != told.get("mchId"):
        return problem(request, "NOT_FOUND", "转账单不存在", 404)
    openid = login.openid_of(world, merchant["appid"], login.person_of(request))
    if openid != transfer["openid"]:
        return problem(request, "OPENID_MISMATCH", "收款人与当前微信用户不一致")
    back = told.get("back", "")
    return render(
        request,
        "wechat_transfer.html",
        forms_to=origin(back),
        transfer=transfer,
        payer=merchant["name"],
        amount=yuan(transfer["amount_minor"]),
        back=back if origin(back) else None,
    )


async def take(request: Request) -> Response:
    """POST /wechat/transfer: the person agrees; then back to the shop."""
    world = world_of(request)
    async with request.form() as form:
        package, back = str(form.get("package", "")), str(form.get("back", ""))
    transfer = _of_package(world, package)
    if transfer is None:
        return problem(request, "NOT_FOUND", "转账单不存在", 404)
    with world.store.transaction():
        confirm(world, transfer)
    if origin(back):
        return RedirectResponse(back, 303)
    return render(request, "left.html", again="/", back=None)


def _of_package(world: World, package: str) -> Row | None:
    return world.store.one("select * from wechat_transfers where package = ?", package)
