"""How a seller is reached when nobody looks: switches, quiet hours, WeChat, mail, somebody else."""

from __future__ import annotations

import hmac
from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from littleshop import db, http
from littleshop.errors import GatewayError, NotFound, Refused
from littleshop.http import AtWork
from littleshop.identity import people
from littleshop.notify import mail, messages, ways
from littleshop.notify.messages import Recipient
from littleshop.notify.ways import Ways
from littleshop.pay.gateways import wechat_openid
from littleshop.shop import staff
from littleshop.web import containers, forms, names
from littleshop.web.console import frame

HERE = "/settings/notices"
STATE, STATE_KEPT = "wx_state", 600  # the same cookie as a buyer's way through WeChat, seconds


async def told(
    request: Request, work: AtWork, form: dict[str, str] | None = None
) -> dict[str, Any]:
    """What the page of notices says of them; `form` is what was typed and cannot be."""
    house, shop = http.house(request), work.shop
    async with house.database.connection() as conn:
        mine = await ways.of(conn, shop.shop_id, work.person.person_id)
        crew = await _crew(conn, work, house.keyring)
    address = house.keyring.open(mine.email_sealed) if mine.email_sealed else ""
    inside = containers.of(request.headers.get("user-agent", "")) == "wechat"
    return {
        "ways": mine,
        "hours": range(24),
        "crew": crew,
        "mail_on": "mail" in house.settings.rails,
        "address": (form or {}).get("address", address),
        "wechat_on": _wechat(request),
        "in_wechat": inside,
        "address_waits": bool(address) and mine.email_ok_at is None,
    }


def _wechat(request: Request) -> bool:
    """Whether people can be told by WeChat: a template, and a login of the same account."""
    house = http.house(request)
    official = house.settings.rails.get("wechat_official", {})
    same = house.settings.rails.get("wechat_pay", {}).get("appid") == official.get("app_id")
    return bool(official.get("template_id")) and house.wechat_login is not None and same


async def _crew(conn: db.Connection, work: AtWork, keyring: Any) -> list[dict[str, Any]]:
    """Who can be told in the second place, for the owner to pick: whoever works here too."""
    if work.role != "owner":
        return []
    found = []
    for each in await staff.of_shop(conn, work.shop.shop_id):
        person = await people.get(conn, each.person_id) if each.role != "owner" else None
        if person is not None:
            found.append(
                {"id": each.person_id, "phone": person.masked_phone(keyring), "role": each.role}
            )
    return found


async def save(request: Request) -> Response:
    """POST root/settings/notices/ways: push, wechat, sms, email (ticked), night=yes, quiet_from,
    quiet_until, second, address"""
    work, form = await http.at_work(request), await forms.read(request)
    back = f"{frame.root(work.shop)}{HERE}"
    try:
        proof = await _save(request, work, form)
    except NotFound:
        raise
    except Refused as refused:
        return frame.refuse(request, back, refused)
    return frame.go(request, back, "ways_proof" if proof else "ways_saved")


async def _save(request: Request, work: AtWork, form: forms.Form) -> bool:
    """Keep it; True when a new address is asked whose it is. Raises Refused: mail_address."""
    house, at, shop_id = http.house(request), http.now(request), work.shop.shop_id
    typed = form.text("address", 300)
    wanted = mail.address(typed) if typed.strip() else ""
    second = form.text("second", 40)
    hours = [_hour(form.text(name, 2)) for name in ("quiet_from", "quiet_until")]
    quiet = form.ticked("night") and None not in hours and hours[0] != hours[1]

    async def write(conn: db.Connection) -> bool:
        known = await ways.of(conn, shop_id, work.person.person_id)
        before = house.keyring.open(known.email_sealed) if known.email_sealed else ""
        crew = {str(each["id"]) for each in await _crew(conn, work, house.keyring)}
        made = msgspec.structs.replace(
            known, push=form.ticked("push"), wechat=form.ticked("wechat"),
            sms=form.ticked("sms"), email=form.ticked("email"),
            quiet_from=hours[0] if quiet else None, quiet_until=hours[1] if quiet else None,
            second_person=UUID(second) if second in crew else None,
        )  # fmt: skip
        if wanted != before:
            sealed = house.keyring.seal(wanted) if wanted else None
            made = msgspec.structs.replace(made, email_sealed=sealed, email_ok_at=None)
        await ways.keep(conn, shop_id, work.person.person_id, made, at)
        if wanted and wanted != before:
            await _ask_whose(conn, request, work, made, wanted)
        return bool(wanted) and wanted != before

    if wanted:
        http.check_limits(request, "remind", str(shop_id))
    return await house.database.transaction(write)


def _hour(text: str) -> int | None:
    hour = int(text) if text.isascii() and text.isdigit() else -1
    return hour if 0 <= hour < 24 else None


async def _ask_whose(
    conn: db.Connection, request: Request, work: AtWork, made: Ways, address: str
) -> None:
    """A letter to the address, whose link says that it is his."""
    person, shop = work.person, work.shop
    link = f"{frame.root(shop)}{HERE}/mail/{_proof(request, work, address)}"
    await messages.send(
        conn, shop.shop_id,
        [Recipient(person.person_id, None, person.locale, email=made.email_sealed)],
        about="mail_proof", subject=person.person_id, at=http.now(request),
        occasion=http.now(request).isoformat(), shop=shop.name, url=link,
    )  # fmt: skip


def _proof(request: Request, work: AtWork, address: str) -> str:
    signed = f"mail {work.shop.shop_id} {work.person.person_id} {address}"
    return http.house(request).keyring.sign(signed)


async def prove_page(request: Request) -> Response:
    """GET root/settings/notices/mail/PROOF: the button that says so"""
    work = await http.at_work(request)
    await _address(request, work)
    here = f"{frame.root(work.shop)}{HERE}/mail/{request.path_params['proof']}"
    return await frame.page(request, work, "settings_mail.html", "today", here=here)


async def _address(request: Request, work: AtWork) -> Ways:
    """His ways, when the link is of the address in them. Raises NotFound."""
    house = http.house(request)
    async with house.database.connection() as conn:
        mine = await ways.of(conn, work.shop.shop_id, work.person.person_id)
    known = house.keyring.open(mine.email_sealed) if mine.email_sealed else ""
    came = request.path_params["proof"].encode()
    if not known or not hmac.compare_digest(_proof(request, work, known).encode(), came):
        raise NotFound
    return mine


async def prove(request: Request) -> Response:
    """POST root/settings/notices/mail/PROOF: the address is his"""
    work, at = await http.at_work(request), http.now(request)
    mine = msgspec.structs.replace(await _address(request, work), email_ok_at=at)
    await _keep(request, work, mine)
    return frame.go(request, f"{frame.root(work.shop)}{HERE}", "mail_proven")


async def _keep(request: Request, work: AtWork, mine: Ways) -> None:
    shop_id, person_id, at = work.shop.shop_id, work.person.person_id, http.now(request)
    await http.house(request).database.transaction(
        lambda conn: ways.keep(conn, shop_id, person_id, mine, at)
    )


async def to_wechat(request: Request) -> Response:
    """GET root/settings/notices/wechat: to WeChat and back, to learn who he is there"""
    work, login = await http.at_work(request), http.house(request).wechat_login
    if login is None or not _wechat(request):
        return frame.go(request, f"{frame.root(work.shop)}{HERE}")
    begun = login.begin(f"{names.origin(request)}{frame.root(work.shop)}{HERE}/wechat/back")
    answer = RedirectResponse(begun.url, status_code=303)
    http.set_cookie(request, answer, STATE, begun.state, max_age=STATE_KEPT)
    return answer


async def from_wechat(request: Request) -> Response:
    """GET root/settings/notices/wechat/back?code=&state="""
    work = await http.at_work(request)
    back = f"{frame.root(work.shop)}{HERE}"
    try:
        openid = await _openid(request)
    except Refused as refused:
        return frame.refuse(request, back, refused)
    house = http.house(request)
    async with house.database.connection() as conn:
        mine = await ways.of(conn, work.shop.shop_id, work.person.person_id)
    sealed = house.keyring.seal(openid)
    await _keep(request, work, msgspec.structs.replace(mine, openid_sealed=sealed, wechat=True))
    return frame.go(request, back, "wechat_bound")


async def _openid(request: Request) -> str:
    """Raises Refused wechat_login."""
    login, query = http.house(request).wechat_login, request.query_params
    if login is None or not wechat_openid.is_same(request.cookies.get(STATE), query.get("state")):
        raise Refused("wechat_login")
    try:
        return await login.openid(query.get("code", ""))
    except GatewayError as fault:
        raise Refused("wechat_login") from fault


async def forget_wechat(request: Request) -> Response:
    """POST root/settings/notices/wechat/removal"""
    work = await http.at_work(request)
    async with http.house(request).database.connection() as conn:
        mine = await ways.of(conn, work.shop.shop_id, work.person.person_id)
    await _keep(request, work, msgspec.structs.replace(mine, openid_sealed=None))
    return frame.go(request, f"{frame.root(work.shop)}{HERE}", "ways_saved")


ROOT = f"/console/{{shop_id}}{HERE}"
ROUTES = [
    Route(f"{ROOT}/ways", save, methods=["POST"]),
    Route(f"{ROOT}/mail/{{proof}}", prove_page),
    Route(f"{ROOT}/mail/{{proof}}", prove, methods=["POST"]),
    Route(f"{ROOT}/wechat", to_wechat),
    Route(f"{ROOT}/wechat/back", from_wechat),
    Route(f"{ROOT}/wechat/removal", forget_wechat, methods=["POST"]),
]
