"""Sellers whom a platform has admitted as sub-merchants: applied for, checked, signed."""

import json
import re
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from sandbox.clock import stamp
from sandbox.pages import problem, render, shown_again, way_back
from sandbox.store import Row
from sandbox.wechat_pay import media
from sandbox.wechat_pay.keys import PlatformKeys, Unreadable
from sandbox.wechat_pay.orders import Body, Denied, number, text, wrong
from sandbox.world import World, digits, world_of

STRANGERS = ("不符", "mismatch")
PERSONS = {"2401", "2500", "4"}
CARD = re.compile(r"\d{12,19}")


def apply(world: World, merchant: Row, body: Body, sealed_by: str) -> Row:
    """An application; a repeat is the same one, another content only after a refusal."""
    wanted = _read(world, body, sealed_by)
    for side in ("id_card_copy", "id_card_national"):
        if side in _part(body, "id_card_info"):
            media.check(world, merchant, _part(body, "id_card_info")[side])
    content = json.dumps(wanted, ensure_ascii=False, sort_keys=True)
    known = of_number(world, merchant["mchid"], number(body, "out_request_no"))
    if known is not None and known["state"] != "REJECTED":
        if known["content"] != content:
            raise Denied(400, "RESOURCE_ALREADY_EXISTS", "存在流程进行中的申请单，内容不一致")
        return known
    if known is not None:
        world.store.run(
            "delete from wechat_applyments where applyment_id = ?", known["applyment_id"]
        )
    now = world.clock.now()
    refused = world.faults.strikes("wechat_pay.admission.refuse") or any(
        word in wanted["name"].lower() for word in STRANGERS
    )
    due = now + timedelta(seconds=world.faults.number("wechat_pay.admission.after_seconds"))
    world.store.run(
        "insert into wechat_applyments (applyment_id, mchid, out_request_no, content, shop_name,"
        " card_tail, state, refusal, due_at, made_at)"
        " values (?, ?, ?, ?, ?, ?, 'CHECKING', ?, ?, ?)",
        "2000" + digits(12),
        merchant["mchid"],
        str(body["out_request_no"]),
        content,
        wanted["shop"],
        wanted["card"][-4:],
        "证件信息与银行卡开户名不一致" if refused else None,
        stamp(due),
        stamp(now),
    )
    found = of_number(world, merchant["mchid"], str(body["out_request_no"]))
    assert found is not None
    return found


def _read(world: World, body: Body, sealed_by: str) -> dict[str, str]:
    """What an application says, unsealed. Raises Denied."""
    if str(body.get("organization_type")) not in PERSONS:
        raise wrong("organization_type不正确")
    account, identity = _part(body, "account_info"), _part(body, "id_card_info")
    contact, scene = _part(body, "contact_info"), _part(body, "sales_scene_info")
    if str(account.get("bank_account_type")) != "75":
        raise wrong("个人卖家须使用对私账户")
    if contact.get("contact_type") != "65":
        raise wrong("contact_type不正确")
    told = {
        "name": _unsealed(world, sealed_by, identity, "id_card_name"),
        "id": _unsealed(world, sealed_by, identity, "id_card_number"),
        "holder": _unsealed(world, sealed_by, account, "account_name"),
        "card": _unsealed(world, sealed_by, account, "account_number"),
        "contact": _unsealed(world, sealed_by, contact, "contact_name"),
        "contact_id": _unsealed(world, sealed_by, contact, "contact_id_card_number"),
        "phone": _unsealed(world, sealed_by, contact, "mobile_phone"),
        "bank": text(account, "account_bank", 128),
        "store": text(scene, "store_name", 256),
        "shop": text(body, "merchant_shortname", 64),
    }
    if not CARD.fullmatch(told["card"]) or told["holder"] != told["name"]:
        raise wrong("account_info不正确")
    return told


def _part(body: Body, name: str) -> Body:
    part = body.get(name)
    if not isinstance(part, dict):
        raise wrong(f"{name}不正确")
    return part


def _unsealed(world: World, sealed_by: str, part: Body, name: str) -> str:
    try:
        return PlatformKeys(world.store).open(sealed_by, text(part, name, 4096))
    except Unreadable as no:
        raise wrong(f"{name}敏感信息解密失败，请检查Wechatpay-Serial") from no


def of_number(world: World, mchid: str, out_request_no: str) -> Row | None:
    """An application by the platform's number, as it is now."""
    settle_due(world)
    return world.store.one(
        "select * from wechat_applyments where mchid = ? and out_request_no = ?",
        mchid,
        out_request_no,
    )


def settle_due(world: World) -> None:
    """Applications whose time has come are checked."""
    world.store.run(
        "update wechat_applyments set due_at = null,"
        " state = case when refusal is null then 'NEED_SIGN' else 'REJECTED' end"
        " where state = 'CHECKING' and due_at <= ?",
        stamp(world.clock.now()),
    )


def sign(world: World, applyment: Row) -> None:
    """The seller agrees: he is a sub-merchant from now on, and stays the one he is, also when he
    applies again with another card."""
    person = json.loads(applyment["content"])["id"]
    before = world.store.one(
        "select sub_mchid from wechat_applyments where mchid = ? and sub_mchid is not null"
        " and json_extract(content, '$.id') = ? order by rowid limit 1",
        applyment["mchid"],
        person,
    )
    world.store.run(
        "update wechat_applyments set state = 'FINISH', sub_mchid = ?"
        " where applyment_id = ? and state = 'NEED_SIGN'",
        "17" + digits(8) if before is None else before["sub_mchid"],
        applyment["applyment_id"],
    )


def admitted(world: World, mchid: str, sub_mchid: str) -> Row:
    """A platform's sub-merchant, with the card he named last. Raises Denied."""
    found = world.store.one(
        "select * from wechat_applyments where mchid = ? and sub_mchid = ?"
        " order by rowid desc limit 1",
        mchid,
        sub_mchid,
    )
    if found is None:
        raise Denied(403, "NO_AUTH", "商户号与二级商户无受理关系")
    return found


async def show(request: Request) -> Response:
    """GET /wechat/sign/{applyment_id}: what the seller is to agree to."""
    applyment = _of_page(request)
    if applyment is None:
        return problem(request, "RESOURCE_NOT_EXISTS", "申请单不存在", 404)
    return render(request, "wechat_sign.html", applyment=applyment, back=way_back(request))


async def agree(request: Request) -> Response:
    """POST /wechat/sign/{applyment_id}"""
    world, applyment = world_of(request), _of_page(request)
    if applyment is None:
        return problem(request, "RESOURCE_NOT_EXISTS", "申请单不存在", 404)
    sign(world, applyment)
    return shown_again(request)


def _of_page(request: Request) -> Row | None:
    world = world_of(request)
    settle_due(world)
    return world.store.one(
        "select * from wechat_applyments where applyment_id = ?",
        request.path_params["applyment_id"],
    )
