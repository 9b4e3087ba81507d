"""微信收款, "Collect": letters that ask to be paid, written, sent on, watched and taken back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import crypto, db, http, i18n
from littleshop.errors import Refused
from littleshop.http import AtWork
from littleshop.i18n import SIGNS
from littleshop.money import Money
from littleshop.sale import inviting
from littleshop.social import outlets
from littleshop.trade import invitation_lists, invitations, takers, wishes
from littleshop.trade.invitations import Invitation, Line
from littleshop.trade.takers import Taker
from littleshop.web import addresses, containers, forms, letter_views, names, pages, wish_views
from littleshop.web.console import frame, letter_asked, letter_form
from littleshop.web.console.letter_asked import Asked
from littleshop.web.console.letter_form import Written

FILTERS = ("open", "paid", "ended", "draft")
_FILTER = {"sent": "open", "seen": "open", "expired": "ended", "cancelled": "ended"}


async def listed(request: Request) -> Response:
    """GET root/collect?state=open|paid|ended|draft"""
    work, at = await http.at_work(request), http.now(request)
    shop_id, asked = work.shop.shop_id, request.query_params.get("state", "open")
    async with http.house(request).database.connection() as conn:
        found = await invitations.listing(conn, shop_id)
        wanted = await wishes.listing(conn, shop_id)
        rows = [await _row(conn, work, each, at) for each in found]
    chosen = asked if asked in FILTERS else "open"
    counts = {name: sum(row["filter"] == name for row in rows) for name in FILTERS}
    return await frame.page(
        request, work, "collect.html", "today",
        rows=[row for row in rows if row["filter"] == chosen],
        counts=counts, chosen=chosen, any=bool(rows),
        wishes=sum(each.waits for each in wanted), wished=len(wanted),
    )  # fmt: skip


async def _row(conn: db.Connection, work: AtWork, each: Invitation, at: datetime) -> dict[str, Any]:
    lines = await invitations.lines(conn, each.shop_id, each.invitation_id)
    state = each.state(at)
    return {
        "name": each.to_name,
        "title": lines[0].title,
        "more": len(lines) - 1,
        "picture_url": frame.picture(lines[0].photo),
        "total": letter_views.total(each, lines),
        "state": state,
        "filter": _FILTER.get(state, state),
        "refused": each.refused_at is not None and state in ("sent", "seen"),
        "uses": each.uses,
        "paid": each.paid,
        "at": each.sent_at or each.created_at,
        "expires_at": each.expires_at,
        "url": _at(work, each.invitation_id),
    }


def _at(work: AtWork, invitation_id: UUID) -> str:
    return f"{frame.root(work.shop)}/collect/{invitation_id}"


async def new(request: Request) -> Response:
    """GET root/collect/new?kind=goods|amount&variant=ID&wish=ID"""
    work, asked = await http.at_work(request), dict(request.query_params)
    async with http.house(request).database.connection() as conn:
        wish = await letter_asked.read(conn, work, asked.get("wish"), http.house(request).keyring)
        about = wish.product_id if wish else None
        things = await letter_form.shelf(conn, work.shop.shop_id, about)
    kind = "amount" if asked.get("kind") == "amount" else "goods"
    if wish is not None:
        asked["name"] = wish.name
        if thing := next((each for each in things if each.product_id == wish.product_id), None):
            asked.setdefault("variant", str(thing.variant.variant_id))
    written = letter_form.blank(work, kind, things, asked)
    return await _form(request, work, written, things, wish)


async def _form(
    request: Request,
    work: AtWork,
    written: Written,
    things: list[letter_form.Thing],
    wish: Asked | None,
    status: int = 200,
) -> Response:
    return await frame.page(
        request, work, "collect_new.html", "today", status=status,
        wish={"id": str(wish.wish_id), "name": wish.name, "top": wish.top} if wish else None,
        **letter_form.context(request, work, written, things),
    )  # fmt: skip


async def write(request: Request) -> Response:
    """POST root/collect (multipart): the letter; then=send|keep, form_key"""
    work, house = await http.at_work(request), http.house(request)
    form = await forms.read(request, photos=letter_form.PHOTOS)
    async with house.database.connection() as conn:
        wish = await letter_asked.read(conn, work, form.text("wish", 40), house.keyring)
        about = wish.product_id if wish else None
        things = await letter_form.shelf(conn, work.shop.shop_id, about)
    wish_id = wish.wish_id if wish else None
    written = await letter_form.read(request, work, form, things, wish_id)
    if written.letter is not None:
        await _try(request, work, written, send=form.text("then") != "keep")
    if written.errors:
        return await _form(request, work, written, things, wish, status=422)
    return frame.go(request, _at(work, written.form_key))


async def _try(request: Request, work: AtWork, written: Written, *, send: bool) -> None:
    """Write it, or say over the form why not."""
    try:
        await _write(request, work, written, send=send)
    except Refused as no:
        no = Refused("invitation_empty") if no.code == "cart_empty" else no
        written.errors["form"] = forms.said(request, no)


async def _write(request: Request, work: AtWork, written: Written, *, send: bool) -> None:
    """Raises Refused as inviting.write and inviting.send."""
    house, at, shop_id = http.house(request), http.now(request), work.shop.shop_id
    letter = written.letter
    assert letter is not None

    async def act(conn: db.Connection) -> None:
        await inviting.write(
            conn, house.keyring, shop_id, written.form_key, letter, written.picked, written.own,
            person_id=work.person.person_id, at=at,
        )  # fmt: skip
        if send:
            await inviting.send(conn, shop_id, written.form_key, at)

    await house.database.transaction(act)


async def one(request: Request) -> Response:
    """GET root/collect/ID: what became of it, and the link to send"""
    return await _one(request, await http.at_work(request), {}, {})


async def _one(
    request: Request, work: AtWork, form: Mapping[str, str], errors: Mapping[str, str]
) -> Response:
    house, at, shop_id = http.house(request), http.now(request), work.shop.shop_id
    invitation_id = http.uuid(request.path_params["invitation_id"])
    async with house.database.connection() as conn:
        row = await invitations.get(conn, shop_id, invitation_id)
        lines = await invitations.lines(conn, shop_id, invitation_id)
        taken = await takers.of(conn, shop_id, invitation_id)
        past = await invitation_lists.past_paying(conn, shop_id, at)
    state = row.state(at)
    known = _context(request, work, row, lines, taken, state, past)
    if state in ("sent", "seen", "paid", "expired"):
        known |= _sending(request, row, letter_views.total(row, lines), work)
    return await frame.page(
        request, work, "collect_one.html", "today",
        status=422 if errors else 200,
        form=form or _terms(work, row, lines), errors=errors,
        sign=SIGNS.get(work.shop.currency, work.shop.currency), hours=letter_form.HOURS, **known,
    )  # fmt: skip


def _context(
    request: Request,
    work: AtWork,
    row: Invitation,
    lines: list[Line],
    taken: list[Taker],
    state: str,
    past: Mapping[UUID, str],
) -> dict[str, Any]:
    phone = http.house(request).keyring.open(row.phone_sealed) if row.phone_sealed else ""
    open_now = state in ("sent", "seen")
    return {
        "state": state,
        "here": _at(work, row.invitation_id),
        "name": row.to_name,
        "words": row.words,
        "lines": [
            {
                "id": str(line.variant_id),
                "title": line.title,
                "choice": line.choice,
                "quantity": line.quantity,
                "amount": line.amount,
                "picture_url": frame.picture(line.photo),
            }
            for line in lines
        ],
        "way": row.way,
        "shipping": None if row.shipping_minor is None else row.shipping,
        "total": letter_views.total(row, lines),
        "uses": row.uses,
        "paid": row.paid,
        "left": row.left,
        "holding": row.holding,
        "expires_at": row.expires_at,
        "refused_at": row.refused_at if open_now else None,
        "phone_masked": crypto.mask_phone(phone) if phone else "",
        "reminders": row.reminders,
        "may_remind": open_now and bool(phone) and row.reminders < invitations.MOST_REMINDERS,
        "may_amend": open_now and row.taken == 0,
        "history": _history(row, taken),
        "orders": [_order(each, work, past) for each in taken],
    }


def _order(taker: Taker, work: AtWork, past: Mapping[UUID, str]) -> dict[str, Any]:
    return {
        "number": taker.number,
        "url": f"{frame.root(work.shop)}/orders/{taker.number}",
        "state": past.get(taker.order_id, taker.status),
        "total": taker.total,
    }


def _history(row: Invitation, taken: list[Taker]) -> list[dict[str, Any]]:
    """What happened to it, the last thing first."""
    told: list[tuple[str, Any, int]] = [
        ("written", row.created_at, 0),
        ("sent", row.sent_at, 0),
        ("seen", row.seen_at, 0),
        ("refused", row.refused_at, 0),
        ("amended", row.amended_at, 0),
        ("reminded", row.reminded_at, 0),
        ("cancelled", row.cancelled_at, 0),
    ]
    for each in taken:
        told.append(("ordered", each.placed_at, each.number))
        told.append(("paid", each.paid_at, each.number))
        told.append(("unpaid", each.cancelled_at, each.number))
        told.append(("refunded", each.refunded_at, each.number))
    known = [
        {"at": at, "name": name, "number": number} for name, at, number in told if at is not None
    ]
    known.sort(key=lambda each: each["at"])  # of one moment they stay in their order
    known.reverse()
    return known


def _terms(work: AtWork, row: Invitation, lines: list[Line]) -> dict[str, str]:
    """The terms that can be changed, as they stand in their fields."""
    currency = work.shop.currency
    prices = {f"p-{line.variant_id}": forms.shown(line.unit_minor, currency) for line in lines}
    return {"words": row.words, "shipping": forms.shown(row.shipping_minor, currency)} | prices


def _sending(request: Request, row: Invitation, total: Money, work: AtWork) -> dict[str, Any]:
    """Its link, its code, and where it can be sent on to."""
    locale, shop = pages.locale_of(request), work.shop
    token = inviting.token(http.house(request).keyring, row.shop_id, row.invitation_id)
    link = names.public_url(request, token) + addresses.invitation(token)
    told = i18n.t(locale, "letters.send.text", shop=shop.name, amount=total)
    agent = request.headers.get("user-agent", "")
    first, rest = outlets.arranged(containers.of(agent), locale)
    said = {"url": link, "title": shop.name, "text": told, "picture": "", "site": "littleshop"}
    return {
        "link": link,
        "text": told,
        "qr_svg": letter_views.qr(link),
        "outlets": [
            {"name": each.name, "mark": each.mark, "address": each.address(said)}
            for each in (*first, *rest)
            if each.page and each.closed_on is None and each.name not in ("qzone", "weibo", "x")
        ],
    }


async def _act(request: Request, act: Any, said: str) -> Response:
    """Do one thing with it and show it again; a no is said on the same page."""
    work = await http.at_work(request)
    invitation_id = http.uuid(request.path_params["invitation_id"])
    to, shop_id = _at(work, invitation_id), work.shop.shop_id
    try:
        await http.house(request).database.transaction(
            lambda conn: act(conn, shop_id, invitation_id)
        )
    except Refused as no:
        return frame.refuse(request, to, no)
    return frame.go(request, to, said)


async def send(request: Request) -> Response:
    """POST root/collect/ID/sending: a draft is opened"""
    at = http.now(request)
    return await _act(
        request, lambda conn, shop_id, which: inviting.send(conn, shop_id, which, at), ""
    )


async def cancel(request: Request) -> Response:
    """POST root/collect/ID/cancellation"""
    at = http.now(request)
    return await _act(
        request,
        lambda conn, shop_id, which: inviting.cancel(conn, shop_id, which, at),
        "letter_cancelled",
    )


async def remind(request: Request) -> Response:
    """POST root/collect/ID/reminder: an SMS with the link, twice at most"""
    work, at, locale = await http.at_work(request), http.now(request), pages.locale_of(request)
    http.check_limits(request, "remind", str(work.shop.shop_id))
    return await _act(
        request,
        lambda conn, shop_id, which: inviting.remind(conn, shop_id, which, locale=locale, at=at),
        "letter_reminded",
    )


async def amend(request: Request) -> Response:
    """POST root/collect/ID/terms: words, shipping, p-VARIANT, hours ("" stays)"""
    work, form = await http.at_work(request), await forms.read(request)
    invitation_id = http.uuid(request.path_params["invitation_id"])
    async with http.house(request).database.connection() as conn:
        lines = await invitations.lines(conn, work.shop.shop_id, invitation_id)
    names_ = ("words", "shipping", "hours", *(f"p-{each.variant_id}" for each in lines))
    typed = {name: form.text(name, 2000) for name in names_}
    prices, errors = _prices(request, work, typed)
    try:
        hours = letter_form.chosen("hours", typed["hours"]) if typed["hours"] else None
    except Refused as no:
        errors["hours"] = forms.said(request, no)
    if errors:
        return await _one(request, work, typed, errors)
    return await _act(request, _amending(request, work, typed, prices, hours), "letter_amended")


def _amending(
    request: Request,
    work: AtWork,
    typed: Mapping[str, str],
    prices: dict[str, int],
    hours: int | None,
) -> Any:
    at, shipping = http.now(request), None
    if not letter_form.by_region(work, typed["shipping"]):
        shipping = Money(prices["shipping"], work.shop.currency)
    return lambda conn, shop_id, which: inviting.amend(
        conn, shop_id, which, words=wish_views.words(typed["words"]), shipping=shipping,
        prices={UUID(name[2:]): minor for name, minor in prices.items() if name != "shipping"},
        hours=hours, at=at,
    )  # fmt: skip


def _prices(
    request: Request, work: AtWork, typed: Mapping[str, str]
) -> tuple[dict[str, int], dict[str, str]]:
    found: dict[str, int] = {}
    errors: dict[str, str] = {}
    for name in typed:
        if name != "shipping" and not name.startswith("p-"):
            continue
        try:
            found[name] = forms.fee(typed[name], work.shop.currency)
        except Refused as no:
            errors[name] = forms.said(request, no)
    return found, errors


ROOT = "/console/{shop_id}/collect"
_ONE = f"{ROOT}/{{invitation_id}}"
ROUTES = [
    Route(ROOT, listed, methods=["GET"]),
    Route(ROOT, write, methods=["POST"]),
    Route(f"{ROOT}/new", new),
    Route(_ONE, one),
    Route(f"{_ONE}/sending", send, methods=["POST"]),
    Route(f"{_ONE}/cancellation", cancel, methods=["POST"]),
    Route(f"{_ONE}/reminder", remind, methods=["POST"]),
    Route(f"{_ONE}/terms", amend, methods=["POST"]),
]
