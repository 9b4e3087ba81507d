"""Finding a shop or a person; what is inside is shown to who said within the hour why he looks."""

from __future__ import annotations

import uuid
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from littleshop import http, i18n
from littleshop.errors import NotFound
from littleshop.http import House
from littleshop.identity import people
from littleshop.oversight import looking_up
from littleshop.oversight.looking_up import Found, PersonSheet, ShopSheet
from littleshop.settlement.payouts import Payout
from littleshop.shop import cards
from littleshop.shop.shops import Shop
from littleshop.web import addresses, pages, registration
from littleshop.web.operator import frame, log

SHOPS, PEOPLE = f"{frame.ROOT}/shops", f"{frame.ROOT}/people"


async def page(request: Request) -> Response:
    """GET /operator/look-up?q="""
    at_desk, house = await frame.operator(request), http.house(request)
    asked = request.query_params.get("q", "")[:200].strip()
    async with house.database.connection() as conn:
        found = await looking_up.find(conn, house.keyring, asked) if asked else None
    told = _found(house, found)
    return frame.page(request, at_desk, "look_up.html", q=asked, found=found is not None, **told)


def _found(house: House, found: Found | None) -> dict[str, Any]:
    """Only what everybody may know, and a person's phone as it was typed, masked."""
    return {
        "shops": [_shop(each) for each in found.shops] if found else [],
        "people": [
            {
                "url": f"{PEOPLE}/{each.person_id}",
                "phone": each.masked_phone(house.keyring),
                "since": each.created_at,
            }
            for each in (found.people if found else [])
        ],
    }


def _shop(shop: Shop) -> dict[str, Any]:
    """What everybody may know of a shop."""
    return {
        "url": f"{SHOPS}/{shop.shop_id}",
        "number": shop.shop_id,
        "name": shop.name,
        "slug": shop.slug or "",
        "status": shop.status,
        "public_url": addresses.shop(shop.slug) if shop.slug else "",
    }


async def shop(request: Request) -> Response:
    """GET /operator/shops/SHOP: the sheet, or first the question why"""
    at_desk, house = await frame.operator(request), http.house(request)
    shop_id, at = http.number(request.path_params["shop_id"]), http.now(request)
    async with house.database.connection() as conn:
        known = await looking_up.known_shop(conn, shop_id)
        subject = f"shop/{shop_id}"
        if not await looking_up.may_read(conn, at_desk.operator, "shop_opened", subject, at):
            return _ask_why(request, at_desk, f"{SHOPS}/{shop_id}", known.name, "")
        sheet = await looking_up.shop_sheet(conn, house.keyring, house.calendar, shop_id, at)
    told = await _shop_sheet(house, sheet, pages.locale_of(request))
    return frame.page(request, at_desk, "shop.html", **told)


def _ask_why(request: Request, at_desk: frame.AtDesk, here: str, name: str, phone: str) -> Response:
    return frame.page(
        request, at_desk, "why.html", open_url=f"{here}/opening", name=name, phone=phone
    )


async def _shop_sheet(house: House, sheet: ShopSheet, locale: str) -> dict[str, Any]:
    money, here = sheet.money, f"{SHOPS}/{sheet.shop.shop_id}"
    return {
        "shop": _shop(sheet.shop) | {"opened_at": sheet.shop.opened_at},
        "team": [
            {"phone": each.phone, "role": each.role, "url": f"{PEOPLE}/{each.person_id}"}
            for each in sheet.team
        ],
        "legal_name": sheet.legal_name,
        "identity": sheet.identity,
        "card": _card(sheet, locale),
        "payee": _payee(sheet, locale),
        "available": money.available,
        "held": money.held,
        "hold": money.hold,
        "holds": sheet.holds,
        "payouts": [_payout(each, locale) for each in sheet.payouts],
        "counts": sheet.counts,
        "acts": await log.rows(house, sheet.acts, locale),
        "admissions": [
            {
                "name": i18n.t(locale, f"checkout.method.{each.gateway}"),
                "state": each.stands,
                "at": each.admitted_at or each.asked_at,
                "said": each.said,
            }
            for each in registration.latest(sheet.admissions)
        ],
        "hold_url": f"{here}/holds",
        "form_key": str(uuid.uuid4()),
    }  # fmt: skip


def _card(sheet: ShopSheet, locale: str) -> dict[str, Any] | None:
    card = sheet.card
    if card is None:
        return None
    return {"bank": _bank(card.bank_code, locale), "tail": card.tail, "verdict": card.verdict}


def _payee(sheet: ShopSheet, locale: str) -> dict[str, Any] | None:
    """The account at a rail to which payouts go instead of to the card."""
    payee = sheet.payee
    if payee is None:
        return None
    rail = i18n.t(locale, f"settlement.rail.{payee.rail}")
    return {"rail": rail, "tail": payee.tail, "since": payee.chosen_at}


def _bank(code: str, locale: str) -> str:
    known = cards.bank(code)
    return known.name(locale) if known else code


def _payout(payout: Payout, locale: str) -> dict[str, Any]:
    return {
        "on": payout.run_on,
        "url": f"{frame.ROOT}/runs/{payout.run_on}",
        "amount": payout.amount,
        "status": payout.status,
        "reason": payout.reason,
        "rail": i18n.t(locale, f"settlement.rail.{payout.rail}"),
        "bank": _bank(payout.bank_code, locale) if payout.bank_code else "",
        "tail": payout.tail,
    }


async def open_shop(request: Request) -> Response:
    """POST /operator/shops/SHOP/opening: reason"""
    at_desk = await frame.operator(request)
    shop_id = http.number(request.path_params["shop_id"])
    return await frame.act(
        request,
        f"{SHOPS}/{shop_id}",
        "opened",
        lambda conn, reason, at: looking_up.open_shop(
            conn, at_desk.operator, shop_id, reason=reason, at=at
        ),
    )


async def person(request: Request) -> Response:
    """GET /operator/people/PERSON: the sheet, or first the question why"""
    at_desk, house = await frame.operator(request), http.house(request)
    person_id, at = http.uuid(request.path_params["person_id"]), http.now(request)
    async with house.database.connection() as conn:
        known = await people.get(conn, person_id)
        if known is None:
            raise NotFound("person")
        here, subject = f"{PEOPLE}/{person_id}", f"person/{person_id}"
        if not await looking_up.may_read(conn, at_desk.operator, "person_opened", subject, at):
            phone = known.masked_phone(house.keyring)
            return _ask_why(request, at_desk, here, "", phone)
        sheet = await looking_up.person_sheet(conn, house.keyring, person_id, at)
    return frame.page(request, at_desk, "person.html", **_person_sheet(sheet))


def _person_sheet(sheet: PersonSheet) -> dict[str, Any]:
    person_ = sheet.person
    return {
        "phone": sheet.phone,
        "country": person_.country,
        "language": person_.locale,
        "since": person_.created_at,
        "devices": sheet.devices,
        "is_operator": sheet.is_operator,
        "shops": [_shop(shop_) | {"role": one.role} for one, shop_ in sheet.shops],
    }


async def open_person(request: Request) -> Response:
    """POST /operator/people/PERSON/opening: reason"""
    at_desk = await frame.operator(request)
    person_id: UUID = http.uuid(request.path_params["person_id"])
    return await frame.act(
        request,
        f"{PEOPLE}/{person_id}",
        "opened",
        lambda conn, reason, at: looking_up.open_person(
            conn, at_desk.operator, person_id, reason=reason, at=at
        ),
    )
