"""Sellers whom a platform has admitted (直付通): applied for, checked, confirmed, known by a smid.

`zft.create` tells who the seller is; he confirms in his Alipay. `zft.quickcreate` tells less and
answers with a link under which he confirms.
"""

import json
import re
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from sandbox.alipay import orders
from sandbox.alipay.trades import Denied
from sandbox.clock import beijing, stamp
from sandbox.pages import problem, render, shown_again, way_back
from sandbox.store import Row
from sandbox.world import World, digits, world_of

STRANGERS = ("不符", "mismatch")
CARD = re.compile(r"\d{12,19}")
LOGIN = re.compile(r"1\d{10}|[^@\s]+@[^@\s]+")
INDIVIDUAL, IDENTITY_CARD, WEBSITE = "06", "100", "01"
Answer = dict[str, object]


def require_platform(world: World, app: Row) -> None:
    """Raises Denied unless the application has the platform's contract."""
    if not world.store.one("select 1 from alipay_platforms where app_id = ?", app["app_id"]):
        raise Denied("isv.insufficient-isv-permissions", "未签约互联网平台直付通", "40006")


def create(world: World, app: Row, params: dict[str, str]) -> Answer:
    """ant.merchant.expand.indirect.zft.create: with the seller's identity."""
    biz = orders.read(params.get("biz_content", ""))
    if biz.get("merchant_type") != INDIVIDUAL or biz.get("cert_type") != IDENTITY_CARD:
        raise Denied("INVALID_PARAMETER", "沙箱只接受个人商户(06)与身份证(100)")
    orders.text(biz, "cert_no", 20)
    return _apply(world, app, biz, by_link=False)


def quickcreate(world: World, app: Row, params: dict[str, str]) -> Answer:
    """ant.merchant.expand.indirect.zft.quickcreate: the seller's own Alipay says who he is."""
    return _apply(world, app, orders.read(params.get("biz_content", "")), by_link=True)


def _apply(world: World, app: Row, biz: dict[str, object], *, by_link: bool) -> Answer:
    require_platform(world, app)
    wanted = _read(biz)
    content = json.dumps(wanted, ensure_ascii=False, sort_keys=True)
    known = of_number(world, app["app_id"], wanted["external_id"])
    if known is not None and known["status"] != "-1":
        if known["content"] != content:
            raise Denied("INVALID_PARAMETER", "external_id已存在")
        return {"order_id": known["order_id"]}
    if known is not None:
        world.store.run("delete from alipay_sellers where order_id = ?", known["order_id"])
    order_id = _write(world, app, wanted, content, by_link)
    return {"order_id": order_id}


def _write(world: World, app: Row, wanted: dict[str, str], content: str, by_link: bool) -> str:
    now = world.clock.now()
    refused = world.faults.strikes("alipay.admission.refuse") or any(
        word in wanted["name"].lower() for word in STRANGERS
    )
    asks = by_link or world.faults.strikes("alipay.admission.confirm")
    due = now + timedelta(seconds=world.faults.number("alipay.admission.after_seconds"))
    order_id = now.strftime("%Y%m%d") + "00502" + digits(15)
    world.store.run(
        "insert into alipay_sellers (order_id, app_id, external_id, content, name, alias_name,"
        " settles_to, target_tail, by_link, status, audit, sub_confirm, refusal, due_at, made_at)"
        " values (?, ?, ?, ?, ?, ?, ?, ?, ?, '031', 'CREATE', ?, ?, ?, ?)",
        order_id,
        app["app_id"],
        wanted["external_id"],
        content,
        wanted["name"],
        wanted["alias"],
        wanted["settles_to"],
        wanted["target"][-4:],
        int(by_link),
        "CREATE" if asks else "SKIP",
        "商户名称与证件或支付宝账号实名不一致" if refused else None,
        stamp(due),
        stamp(now),
    )
    return order_id


def _read(biz: dict[str, object]) -> dict[str, str]:
    """What an application says. Raises Denied."""
    login = str(biz.get("binding_alipay_logon_id") or "")
    if not LOGIN.fullmatch(login):
        raise Denied("INVALID_PARAMETER", "binding_alipay_logon_id不正确")
    contacts, services = biz.get("contact_infos"), biz.get("service")
    if not isinstance(contacts, list) or not contacts or not isinstance(contacts[0], dict):
        raise Denied("INVALID_PARAMETER", "contact_infos不正确")
    orders.text(contacts[0], "name", 64), orders.text(contacts[0], "mobile", 20)
    if not isinstance(services, list) or not services:
        raise Denied("INVALID_PARAMETER", "service不正确")
    _check_sites(biz, services)
    settles_to, target = _target(biz)
    return {
        "external_id": orders.text(biz, "external_id", 64),
        "name": orders.text(biz, "name", 128),
        "alias": orders.text(biz, "alias_name", 128),
        "mcc": orders.text(biz, "mcc", 4),
        "login": login,
        "settles_to": settles_to,
        "target": target,
    }


def _check_sites(biz: dict[str, object], services: list[object]) -> None:
    """Who sells on web pages tells which."""
    if not {"wap支付", "电脑支付"} & {str(service) for service in services}:
        return
    sites = biz.get("sites")
    told = sites[0] if isinstance(sites, list) and sites else None
    if not isinstance(told, dict) or told.get("site_type") != WEBSITE:
        raise Denied("INVALID_PARAMETER", "sites须包含类型为01的站点")
    orders.check_url("site_url", orders.text(told, "site_url", 256))
    orders.text(told, "site_name", 128)


def _target(biz: dict[str, object]) -> tuple[str, str]:
    """Where the seller's money goes: a card told with the application, or an Alipay account."""
    rule = biz.get("default_settle_rule")
    if not isinstance(rule, dict):
        raise Denied("INVALID_PARAMETER", "default_settle_rule不正确")
    target = str(rule.get("default_settle_target") or "")
    if rule.get("default_settle_type") == "alipayAccount":
        if target != biz.get("alipay_logon_id") or not LOGIN.fullmatch(target):
            raise Denied("INVALID_PARAMETER", "结算支付宝账号不正确")
        return "account", target
    cards = biz.get("biz_cards")
    card = cards[0] if isinstance(cards, list) and cards else None
    if rule.get("default_settle_type") != "bankCard" or not isinstance(card, dict):
        raise Denied("INVALID_PARAMETER", "default_settle_type或biz_cards不正确")
    if target != card.get("account_no") or not CARD.fullmatch(target):
        raise Denied("INVALID_PARAMETER", "结算银行卡不正确")
    if card.get("account_holder_name") != biz.get("name"):
        raise Denied("INVALID_PARAMETER", "卡户名与商户名称不一致")
    return "card", target


def query(world: World, app: Row, params: dict[str, str]) -> Answer:
    """ant.merchant.expand.indirect.zftorder.query"""
    require_platform(world, app)
    biz = orders.read(params.get("biz_content", ""))
    settle_due(world)
    found = world.store.one(
        "select * from alipay_sellers where app_id = ? and (order_id = ? or external_id = ?)",
        app["app_id"],
        str(biz.get("order_id") or ""),
        str(biz.get("external_id") or ""),
    )
    if found is None:
        raise Denied("ORDER_NOT_EXIST", "申请单不存在")
    order: Answer = {
        "order_id": found["order_id"],
        "external_id": found["external_id"],
        "merchant_name": found["name"],
        "apply_type": "ZFT_CREATE",
        "apply_time": beijing(found["made_at"]),
        "status": found["status"],
        "fk_audit": found["audit"],
        "kz_audit": found["audit"],
        "sub_confirm": found["sub_confirm"],
    }
    if found["refusal"] and found["status"] == "-1":
        order |= {"reason": found["refusal"], "kz_audit_memo": found["refusal"]}
    if found["by_link"] and found["sub_confirm"] == "NOT_CONFIRM":
        order["sub_sign_short_chain_url"] = f"{world.public_url}/alipay/sign/{found['order_id']}"
    if found["smid"]:
        order["smid"] = found["smid"]
    return {"orders": [order]}


def of_number(world: World, app_id: str, external_id: str) -> Row | None:
    """An application by the platform's number, as it is now."""
    settle_due(world)
    return world.store.one(
        "select * from alipay_sellers where app_id = ? and external_id = ?", app_id, external_id
    )


def settle_due(world: World) -> None:
    """Applications whose time has come are checked."""
    for row in world.store.all(
        "select * from alipay_sellers where status = '031' and due_at <= ?",
        stamp(world.clock.now()),
    ):
        if row["refusal"]:
            refuse(world, row, row["refusal"])
        else:
            check(world, row)


def check(world: World, row: Row) -> None:
    """Alipay finds nothing wrong: admitted, or asked to confirm."""
    world.store.run(
        "update alipay_sellers set due_at = null, audit = 'PASS', sub_confirm ="
        " case sub_confirm when 'CREATE' then 'NOT_CONFIRM' else sub_confirm end"
        " where order_id = ? and status = '031'",
        row["order_id"],
    )
    if row["sub_confirm"] == "SKIP":
        _admit(world, row)


def ask_to_sign(world: World, row: Row) -> None:
    """An application that is being checked will have to be confirmed by link."""
    world.store.run(
        "update alipay_sellers set by_link = 1, sub_confirm = 'CREATE'"
        " where order_id = ? and status = '031' and audit = 'CREATE'",
        row["order_id"],
    )


def refuse(world: World, row: Row, why: str) -> None:
    """Alipay says no."""
    world.store.run(
        "update alipay_sellers set due_at = null, audit = 'REJECT', status = '-1', refusal = ?"
        " where order_id = ? and status = '031'",
        why,
        row["order_id"],
    )


def sign(world: World, row: Row) -> None:
    """The seller confirms in his Alipay: he is a sub-merchant from now on."""
    signed = world.store.run(
        "update alipay_sellers set sub_confirm = 'FINISH'"
        " where order_id = ? and status = '031' and sub_confirm = 'NOT_CONFIRM'",
        row["order_id"],
    )
    if signed:
        _admit(world, row)


def _admit(world: World, row: Row) -> None:
    """Who was admitted before, with the same Alipay, stays the sub-merchant he is."""
    login = json.loads(row["content"])["login"]
    before = world.store.one(
        "select smid from alipay_sellers where app_id = ? and smid is not null"
        " and json_extract(content, '$.login') = ? order by rowid limit 1",
        row["app_id"],
        login,
    )
    world.store.run(
        "update alipay_sellers set status = '99', smid = ? where order_id = ? and smid is null",
        before["smid"] if before else "2088" + digits(12),
        row["order_id"],
    )


def admitted(world: World, app_id: str, smid: str) -> Row | None:
    """A platform's sub-merchant as he was last told of, or None."""
    return world.store.one(
        "select * from alipay_sellers where app_id = ? and smid = ? order by rowid desc limit 1",
        app_id,
        smid,
    )


async def show(request: Request) -> Response:
    """GET /alipay/sign/{order_id}: what the seller is to agree to."""
    row = _of_page(request)
    if row is None:
        return problem(request, "ORDER_NOT_EXIST", "申请单不存在", 404)
    return render(request, "alipay_sign.html", seller=row, back=way_back(request))


async def agree(request: Request) -> Response:
    """POST /alipay/sign/{order_id}"""
    world, row = world_of(request), _of_page(request)
    if row is None:
        return problem(request, "ORDER_NOT_EXIST", "申请单不存在", 404)
    with world.store.transaction():
        sign(world, row)
    return shown_again(request)


def _of_page(request: Request) -> Row | None:
    world = world_of(request)
    settle_due(world)
    return world.store.one(
        "select * from alipay_sellers where order_id = ?", request.path_params["order_id"]
    )
