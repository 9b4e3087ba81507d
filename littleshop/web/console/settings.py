"""What can be set: an overview, a pause. How the shop looks is facade.py, what sending costs
postage.py, how the seller is told notices.py."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import db, http, i18n, jobs
from littleshop.entry import opening
from littleshop.errors import NotFound
from littleshop.http import AtWork
from littleshop.money import Money
from littleshop.notify import subscriptions
from littleshop.risk import holds
from littleshop.shop import cards, payees, shop_acts, shops, staff
from littleshop.shop.cards import BankCard
from littleshop.shop.payees import Payee
from littleshop.shop.shops import Shop
from littleshop.web import addresses, forms, pages
from littleshop.web.console import facade, frame, notices, postage


async def overview(request: Request) -> Response:
    """GET root/settings"""
    work = await http.at_work(request)
    house, locale = http.house(request), pages.locale_of(request)
    async with house.database.connection() as conn:
        told = await _told(conn, work, locale)
        given_up = len(await jobs.held(conn, shop_id=work.shop.shop_id))
    shown = work.role == "owner" and (given_up or house.settings.mode == "demo")
    return await frame.page(
        request, work, "settings.html", "today",
        phone_masked=work.person.masked_phone(house.keyring),
        shipping_line=shipping_line(locale, work.shop),
        held_jobs=given_up if shown else None,
        payee_shown=work.role == "owner" and bool(told["payee_line"] or _can_ask(house)),
        held_jobs_url=f"{frame.root(work.shop)}/held",
        **told,
    )  # fmt: skip


def _can_ask(house: http.House) -> bool:
    """Whether shops can be paid to accounts at a rail here (settlement/routing.py)."""
    return bool(house.settings.rails.get("payouts", {}).get("over"))


async def _told(conn: db.Connection, work: AtWork, locale: str) -> dict[str, Any]:
    """What the overview says of a person and the shop: card, what waits, browsers, other shops."""
    shop, person_id = work.shop, work.person.person_id
    card = await cards.active(conn, shop.shop_id)
    payee = await payees.active(conn, shop.shop_id)
    push = await subscriptions.of(conn, shop.shop_id, [person_id])
    known = [await shops.get(conn, each.shop_id) for each in await staff.shops_of(conn, person_id)]
    return {
        "card_line": _card(locale, card),
        "payee_line": _payee(locale, payee),
        "card_url": f"{frame.root(shop)}/card" if work.role == "owner" else "",
        "waits": await _waits(conn, work),
        "waits_url": f"{addresses.OPENING}?shop={shop.shop_id}",
        "push_on": bool(push.get(person_id)),
        "shops": [
            {"name": each.name, "url": frame.root(each), "here": each.shop_id == shop.shop_id}
            for each in known
            if each.status != "opening"
        ],
    }


def _card(locale: str, card: BankCard | None) -> str:
    bank = cards.bank(card.bank_code) if card else None
    return f"{bank.name(locale)} **** {card.tail}" if card and bank else ""


def _payee(locale: str, payee: Payee | None) -> str:
    """The account at a rail where a shop is paid instead of to its card, "" for none."""
    if payee is None:
        return ""
    return f"{i18n.t(locale, f'checkout.method.{payee.rail}')} **** {payee.tail}"


async def payee_page(request: Request) -> Response:
    """GET root/settings/payee: where payouts go, and how to ask for another place. It is only
    shown: who asks is made sure of by a person (entry/choosing_payee.py)."""
    work, house = await http.at_work(request), http.house(request)
    locale, shop_id = pages.locale_of(request), work.shop.shop_id
    async with house.database.connection() as conn:
        payee = await payees.active(conn, shop_id)
        card = await cards.active(conn, shop_id)
        hold = await holds.current(conn, shop_id, http.now(request))
    return await frame.page(
        request, work, "settings_payee.html", "today",
        payee_line=_payee(locale, payee), since=payee.chosen_at if payee else None,
        card_line=_card(locale, card), until=hold.until_at if hold else None,
        card_url=f"{frame.root(work.shop)}/card", shop_id=shop_id,
    )  # fmt: skip


async def _waits(conn: db.Connection, work: AtWork) -> list[str]:
    """The papers without which nothing is paid out; the owner's are not for staff to see."""
    try:
        known = await opening.progress(conn, work.person.person_id, work.shop.shop_id)
    except NotFound:
        return []
    return list(known.waits)


def shipping_line(locale: str, shop: Shop) -> str:
    """What sending costs, in one line."""
    if shop.rate_id is not None:
        return i18n.t(locale, "console.settings.by_region")
    if not shop.shipping_flat_minor:
        return i18n.t(locale, "console.shipping.free")
    fee = Money(shop.shipping_flat_minor, shop.currency)
    if shop.shipping_free_over_minor is None:
        return i18n.t(locale, "console.settings.fee_line", fee=fee)
    over = Money(shop.shipping_free_over_minor, shop.currency)
    return i18n.t(locale, "console.settings.fee_line_over", fee=fee, over=over)


async def _note(conn: db.Connection, work: AtWork, kind: str, request: Request) -> None:
    await shop_acts.note(conn, work.shop.shop_id, work.person.person_id, kind, at=http.now(request))


async def pause(request: Request) -> Response:
    """POST root/settings/pause: state=paused|open; what it is already stays so"""
    work = await http.at_work(request)
    form = await forms.read(request)
    wanted = "paused" if form.text("state") == "paused" else "open"
    turn = shops.pause if wanted == "paused" else shops.resume

    async def set_it(conn: db.Connection) -> None:
        if await turn(conn, work.shop.shop_id):
            await _note(conn, work, f"shop_{wanted}", request)

    await http.house(request).database.transaction(set_it)
    said = "" if work.shop.status == "closed" else f"shop_{wanted}"
    return frame.go(request, f"{frame.root(work.shop)}/settings", said)


ROOT = "/console/{shop_id}/settings"
ROUTES = [
    Route(ROOT, overview),
    *postage.ROUTES,
    Route(f"{ROOT}/payee", payee_page),
    Route(f"{ROOT}/pause", pause, methods=["POST"]),
    *facade.ROUTES,
    *notices.ROUTES,
]
