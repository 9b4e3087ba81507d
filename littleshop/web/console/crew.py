"""Who works here, whom the owner asks in, and the list of who did what."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import db, http
from littleshop.crypto import mask_phone
from littleshop.entry import joining
from littleshop.errors import Refused
from littleshop.http import AtWork
from littleshop.identity import people
from littleshop.money import Money
from littleshop.shop import shop_acts, staff, staff_invitations
from littleshop.web import forms, pages
from littleshop.web.console import frame


async def listed(request: Request) -> Response:
    """GET root/staff"""
    return await _listed(request, await http.at_work(request), {})


async def _listed(
    request: Request, work: AtWork, form: dict[str, str], error: str = "", status: int = 200
) -> Response:
    shop_id, keyring = work.shop.shop_id, http.house(request).keyring
    async with http.house(request).database.connection() as conn:
        members = await staff.of_shop(conn, shop_id)
        seen = await staff.seen(conn, [each.person_id for each in members])
        phones = await _phones(request, conn, {each.person_id for each in members})
        waiting = await staff_invitations.open_ones(conn, shop_id, http.now(request))
    return await frame.page(
        request, work, "staff.html", "today", status=status, form=form, error=error,
        roles=staff.INVITED,
        members=[
            {"id": each.person_id, "phone": phones[each.person_id], "role": each.role,
             "since": each.added_at, "seen": seen.get(each.person_id)}
            for each in members
        ],
        asked=[
            {"id": each.invitation_id, "phone": mask_phone(keyring.open(each.phone_sealed)),
             "role": each.role, "until": each.expires_at}
            for each in waiting
        ],
    )  # fmt: skip


async def _phones(request: Request, conn: db.Connection, who: set[Any]) -> dict[Any, str]:
    """The phones of people as pages show them."""
    keyring = http.house(request).keyring
    known = [(each, await people.get(conn, each)) for each in who]
    return {each: "" if one is None else one.masked_phone(keyring) for each, one in known}


async def invite(request: Request) -> Response:
    """POST root/staff: phone, role"""
    work, house, form = await http.at_work(request), http.house(request), await forms.read(request)
    typed = {"phone": form.text("phone"), "role": form.text("role")}
    try:
        await joining.invite(
            house.database, house.keyring, work.person, work.shop.shop_id,
            typed["phone"], typed["role"],
            locale=pages.locale_of(request), at=http.now(request),
        )  # fmt: skip
    except Refused as refused:
        return await _listed(request, work, typed, forms.said(request, refused), 422)
    return frame.go(request, f"{frame.root(work.shop)}/staff", "staff_invited")


async def take_back(request: Request) -> Response:
    """POST root/staff/invitations/ID/removal"""
    work, house = await http.at_work(request), http.house(request)
    which = http.uuid(request.path_params["invitation_id"])
    await joining.take_back(
        house.database, house.keyring, work.person, work.shop.shop_id, which, http.now(request)
    )
    return frame.go(request, f"{frame.root(work.shop)}/staff", "staff_taken_back")


async def remove(request: Request) -> Response:
    """POST root/staff/ID/removal"""
    work, house = await http.at_work(request), http.house(request)
    gone = http.uuid(request.path_params["person_id"])
    await joining.remove(house.database, work.person, work.shop.shop_id, gone, http.now(request))
    return frame.go(request, f"{frame.root(work.shop)}/staff", "staff_removed")


async def acts(request: Request) -> Response:
    """GET root/acts?beyond=ID: who did what, the newest first."""
    work = await http.at_work(request)
    beyond = request.query_params.get("beyond")
    async with http.house(request).database.connection() as conn:
        found = await shop_acts.page(conn, work.shop.shop_id, http.uuid(beyond) if beyond else None)
        shown = found[: shop_acts.PAGE]
        phones = await _phones(request, conn, {each.person_id for each in shown})
    older = ""
    if len(found) > len(shown):
        older = f"{frame.root(work.shop)}/acts?beyond={shown[-1].act_id}"
    rows = [_row(each, phones[each.person_id]) for each in shown]
    return await frame.page(request, work, "acts.html", "today", acts=rows, older_url=older)


def _row(act: shop_acts.Act, who: str) -> dict[str, Any]:
    facts: dict[str, Any] = dict(act.facts)
    if "minor" in facts:
        facts["amount"] = Money(int(facts.pop("minor")), str(facts.pop("currency")))
    return {"kind": act.kind, "facts": facts, "at": act.done_at, "who": who}


_ROOT = "/console/{shop_id}/staff"
ROUTES = [
    Route(_ROOT, listed),
    Route(_ROOT, invite, methods=["POST"]),
    Route(f"{_ROOT}/invitations/{{invitation_id}}/removal", take_back, methods=["POST"]),
    Route(f"{_ROOT}/{{person_id}}/removal", remove, methods=["POST"]),
    Route("/console/{shop_id}/acts", acts),
]
