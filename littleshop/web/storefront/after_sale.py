"""After paying: the buyer wants money back, sends goods back, or wants another piece.

Asking is three taps: what, why, how much and what is wrong. The link shows how a case stands;
words and photos of it are for the device that ordered, and only that one acts.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from littleshop import db, http, ids
from littleshop.errors import Refused
from littleshop.money import Money
from littleshop.sale import arbitrating, returning, sending_back
from littleshop.sale.returning import Wish
from littleshop.sale.shipping import tracking_number
from littleshop.trade import cases, gifts, roles
from littleshop.trade.cases import Case
from littleshop.web import addresses, case_story, couriers, evidence, flash, forms, pages
from littleshop.web.case_story import Facts
from littleshop.web.evidence import Shown
from littleshop.web.forms import Form
from littleshop.web.storefront import bought_at, orders
from littleshop.web.storefront.orders import OrderLink

REASONS = {  # what is offered for each kind, the likeliest first
    "refund": ("damaged", "missing", "not_as_described", "wrong_item", "not_arrived", "other"),
    "return": ("not_wanted", "damaged", "not_as_described", "wrong_item", "other"),
    "exchange": ("damaged", "wrong_item", "not_as_described", "other"),
}
NOT_SENT_YET = ("not_wanted", "not_arrived", "other")
FIELDS = {"case_amount": "amount", "case_words": "words", "case_photos": "photos"}


class Sheet(msgspec.Struct):
    """The form of a new case: as typed, and the sentences of what is wrong at each field."""

    amount: str = ""
    words: str = ""
    key: str = ""
    shown: Shown = evidence.NOTHING
    wrong: dict[str, str] = {}


def reasons(link: OrderLink, kind: str) -> tuple[str, ...]:
    """The reasons that make sense for this kind in the order's state."""
    return NOT_SENT_YET if link.order.status == "to_ship" else REASONS.get(kind, ())


def is_gift(link: OrderLink) -> bool:
    """Whether it is asked by a gift's recipient: all of it, no sum is named, and his giver gets
    it."""
    return link.seen.role == gifts.ROLE


def _here(link: OrderLink, case: Case | None = None) -> str:
    if case is None:
        return addresses.order_part(link.token, "cases")
    return addresses.case(link.token, case.number)


async def begin(request: Request) -> Response:
    """What is wrong, tap by tap: ?kind= and ?reason= as far as they are chosen."""
    link = await orders.behind(request)
    async with http.house(request).database.connection() as conn:
        known = await cases.open_of(conn, link.order.shop_id, link.order_id)
    if known is not None:
        return RedirectResponse(_here(link, known), status_code=303)
    if not link.seen.may(roles.ASK_BACK) or not returning.wanted(link.order):
        return RedirectResponse(addresses.order(link.token), status_code=303)
    return await _form(request, link, Sheet(key=str(uuid4())))


async def _form(request: Request, link: OrderLink, sheet: Sheet, status: int = 200) -> Response:
    """The step that is next, with what was typed when the last one comes back."""
    wish = await _chosen(request)
    kinds = returning.wanted(link.order)
    kind = wish["kind"] if wish["kind"] in kinds else kinds[0] if len(kinds) == 1 else ""
    reason = wish["reason"] if kind and wish["reason"] in reasons(link, kind) else ""
    async with http.house(request).database.connection() as conn:
        most = await returning.most(conn, link.order, kind or "refund", reason)
    if not sheet.wrong and not is_gift(link):
        sheet.amount = forms.shown(most.minor, most.currency)
    return pages.page(
        request,
        "storefront/case_new.html",
        status=status,
        private=True,
        shop=bought_at.face(link.sold_by, link.shop),
        ships=_ships(request, link),
        order=link.short,
        sent=link.order.status != "to_ship",
        kinds=kinds,
        kind=kind,
        reasons=reasons(link, kind),
        reason=reason,
        most=most,
        postage=link.order.shipping,
        sheet=sheet,
        gift=is_gift(link),
        carried=evidence.tokens(request, sheet.shown),
        answer_by=http.now(request) + returning.ANSWER,
        zone=ZoneInfo(link.shop.zone),
    )


def _ships(request: Request, link: OrderLink) -> str:
    """Where it was bought and who sees to it; "" where that is one shop."""
    if link.sold_by is None:
        return ""
    return bought_at.note(pages.locale_of(request), link.sold_by, link.shop)


async def _chosen(request: Request) -> dict[str, str]:
    """Kind and reason: from the address, else from the form that was sent."""
    if request.method == "GET":
        return {name: request.query_params.get(name, "") for name in ("kind", "reason")}
    return (await _read(request)).typed("kind", "reason")


async def _read(request: Request) -> Form:
    return await forms.read(request, photos=returning.MOST_PHOTOS)


async def ask(request: Request) -> Response:
    """POST kind, reason, amount, words, photos, photo_kept, form_key"""
    link, form = await orders.acting(request, roles.ASK_BACK), await _read(request)
    sheet = await _typed(request, link, form)
    wish = sheet if sheet.wrong else await _asked(request, link, form, sheet)
    if isinstance(wish, Case):
        return flash.onward(request, _here(link, wish))
    return await _form(request, link, wish, status=422)


async def _typed(request: Request, link: OrderLink, form: Form) -> Sheet:
    device = http.device(request)
    assert device is not None  # who may act has one
    sheet = Sheet(
        amount=form.text("amount", 40),
        words=case_story.spoken(form.text("words", 4 * returning.LONGEST_WORDS)),
        key=form.text("form_key", 40),
        shown=await evidence.take(request, form, device),
        wrong={},
    )
    if sheet.shown.wrong:
        sheet.wrong["photos"] = " ".join(sheet.shown.wrong)
    return sheet


async def _asked(request: Request, link: OrderLink, form: Form, sheet: Sheet) -> Case | Sheet:
    """The case, also when this press or another one opened it before; else what is wrong."""
    row, at, kind = link.order, http.now(request), form.text("kind", 20)
    database = http.house(request).database
    wish = Wish(kind, form.text("reason", 30), Money(0, row.currency), sheet.words,
                sheet.shown.files)  # fmt: skip
    key = forms.key(sheet.key, uuid4())
    facts = (str(row.order_id), kind, wish.reason, sheet.amount, sheet.words)
    case_id = ids.derived(key, repr(facts))
    try:
        if kind != "exchange" and is_gift(link):
            async with database.connection() as conn:
                whole = await returning.most(conn, row, kind, wish.reason)
            wish = msgspec.structs.replace(wish, amount=whole)
        elif kind != "exchange":
            wish = msgspec.structs.replace(wish, amount=_amount(sheet.amount, row.currency))
        return await database.transaction(
            lambda conn: returning.ask(conn, row.shop_id, row.order_id, wish, at, case_id=case_id)
        )
    except Refused as no:
        async with database.connection() as conn:
            known = await cases.open_of(conn, row.shop_id, row.order_id)
            most = await returning.most(conn, row, kind, wish.reason)
        if known is not None:
            return known
        if no.code == "case_amount":
            no = Refused("case_amount", most=most)
            sheet.amount = forms.shown(most.minor, most.currency)
        sheet.wrong[FIELDS.get(no.code, "form")] = forms.said(request, no)
        return sheet


def _amount(text: str, currency: str) -> Money:
    """Raises Refused("case_amount") for whatever is no amount."""
    try:
        return Money(forms.price(text, currency), currency)
    except Refused as no:
        raise Refused("case_amount", most=Money(0, currency)) from no


async def show(request: Request) -> Response:
    """How a case stands."""
    return await _page(request, await orders.behind(request))


async def _page(
    request: Request,
    link: OrderLink,
    *,
    no: Refused | None = None,
    shown: Shown = evidence.NOTHING,
) -> Response:
    """The case; with `no`, or photos that are `shown` wrongly, why nothing came of what was
    asked."""
    if link.order.kind == "gift" and not link.seen.may(roles.ASK_BACK):
        return RedirectResponse(addresses.order(link.token), status_code=303)
    async with http.house(request).database.connection() as conn:
        case = await case_story.find(conn, link.order, _number(request))
        facts = await case_story.read(conn, link.order, case)
    typed = await _read(request) if no or shown.wrong else None
    number = typed.text("tracking_number", 80) if typed else ""
    wrong = {} if no is None else {_field(request, no): forms.said(request, no)}
    if shown.wrong:
        wrong["say"] = " ".join(shown.wrong)
    return pages.page(
        request,
        "storefront/case.html",
        status=409 if wrong else 200,
        private=True,
        shop=bought_at.face(link.sold_by, link.shop),
        ships=_ships(request, link),
        order=link.short,
        zone=ZoneInfo(link.shop.zone),
        verify=not link.seen.may(roles.ASK_BACK),
        gift=is_gift(link),
        wrong=wrong,
        number=number,
        words=typed.text("words", 4 * returning.LONGEST_WORDS) if typed else "",
        carried=evidence.tokens(request, shown),
        carriers=couriers.choices(pages.locale_of(request), number),
        **_told(request, link, facts),
    )


def _told(request: Request, link: OrderLink, facts: Facts) -> dict[str, Any]:
    """The case for its page: words and photos only for the one who ordered."""
    locale, now, zone = pages.locale_of(request), http.now(request), ZoneInfo(link.shop.zone)
    case, seller, own = (
        facts.case,
        link.shop.seller or link.shop.name,
        link.seen.may(roles.ASK_BACK),
    )
    side, gift = "buyer" if own else "friend", is_gift(link)
    lines = case_story.lines(locale, side, facts, gift=gift, seller=seller)
    if not own:
        lines = [msgspec.structs.replace(each, words=(), photos=()) for each in lines]
    return {
        "case": case,
        "state": case_story.state(facts),
        "goes_back": None if gift else facts.goes_back,
        "silence": case_story.silence(
            locale, "recipient" if gift else side, facts, now, zone, seller=seller
        ),
        "where": case_story.where(facts) if own else "",
        "stopped": facts.stopped and case.is_open,
        "lines": lines,
        "may": SimpleNamespace(
            withdraw=own and case.status in ("asked", "returning", "refused", "disputed"),
            say=own and case.is_open,
            send_back=own and case.status == "returning",
            escalate=own and case.status == "refused",
        ),
    }


def _field(request: Request, no: Refused) -> str:
    """Where on the page a no is said: at the form that was sent, else on top."""
    part = request.url.path.rpartition("/")[2]
    if no.code in ("tracking_number", "carrier_unknown", "carrier_unclear"):
        return "number" if no.code == "tracking_number" else "carrier"
    if no.code in ("case_words", "case_photos"):
        return {"words": "say", "escalation": "escalate"}.get(part, "form")
    return "form"


def _number(request: Request) -> int:
    return http.number(request.path_params["number"])


Act = Callable[[db.Connection, int, UUID], Awaitable[object]]


async def _act(request: Request, act: Act) -> Response:
    """Do one thing with the case and show it again; a no is said on the same page."""
    link = await orders.acting(request, roles.ASK_BACK)
    database = http.house(request).database
    async with database.connection() as conn:
        case = await case_story.find(conn, link.order, _number(request))
    try:
        await database.transaction(lambda conn: act(conn, case.shop_id, case.case_id))
    except Refused as no:
        return await _page(request, await orders.behind(request), no=no)
    return flash.onward(request, _here(link, case))


async def withdraw(request: Request) -> Response:
    """POST: the buyer does not ask any more; a second press finds it done."""
    at = http.now(request)

    async def act(conn: db.Connection, shop_id: int, case_id: UUID) -> None:
        _, case = await returning.lock(conn, shop_id, case_id)
        if case.status != "withdrawn":
            await returning.withdraw(conn, shop_id, case_id, by="buyer", at=at)

    return await _act(request, act)


async def say(request: Request) -> Response:
    """POST words, photos: more to see for the seller and, later, for the platform."""
    link, form = await orders.acting(request, roles.ASK_BACK), await _read(request)
    at = http.now(request)
    shown = await evidence.take(request, form, http.device(request) or b"")
    if shown.wrong:
        return await _page(request, link, shown=shown)
    words = case_story.spoken(form.text("words", 4 * returning.LONGEST_WORDS))

    async def act(conn: db.Connection, shop_id: int, case_id: UUID) -> None:
        _, case = await returning.lock(conn, shop_id, case_id)
        if not await case_story.said_already(conn, case, "buyer", words, len(shown.kept), at):
            await returning.say(
                conn, shop_id, case_id, by="buyer", words=words, photos=shown.files, at=at
            )

    return await _act(request, act)


async def send_back(request: Request) -> Response:
    """POST tracking_number, carrier: the goods are on their way back."""
    form, at = await _read(request), http.now(request)
    number, carrier = form.text("tracking_number", 80), form.text("carrier", 20)

    async def act(conn: db.Connection, shop_id: int, case_id: UUID) -> None:
        chosen = couriers.choose(number, carrier)
        _, case = await returning.lock(conn, shop_id, case_id)
        if (case.status, case.tracking_number) != ("sent_back", tracking_number(number)):
            await sending_back.send_back(
                conn, shop_id, case_id, carrier=chosen, number=number, at=at
            )

    return await _act(request, act)


async def escalate(request: Request) -> Response:
    """POST words: the platform shall decide."""
    form, at = await _read(request), http.now(request)
    words = case_story.spoken(form.text("words", 4 * returning.LONGEST_WORDS))

    async def act(conn: db.Connection, shop_id: int, case_id: UUID) -> None:
        _, case = await returning.lock(conn, shop_id, case_id)
        if case.status != "disputed":
            await arbitrating.escalate(conn, shop_id, case_id, words=words, at=at)

    return await _act(request, act)


async def photo(request: Request) -> Response:
    """A photo of either side, for the one who ordered."""
    link = await orders.acting(request, roles.ASK_BACK)
    async with http.house(request).database.connection() as conn:
        case = await case_story.find(conn, link.order, _number(request))
    photo_id = http.uuid(request.path_params["photo_id"])
    return await evidence.stream(request, case.shop_id, case.case_id, photo_id)


ONE = "/o/{token}/cases/{number}"
ROUTES = [
    Route("/o/{token}/cases", begin, methods=["GET"]),
    Route("/o/{token}/cases", ask, methods=["POST"]),
    Route(ONE, show, methods=["GET"]),
    Route(f"{ONE}/withdrawal", withdraw, methods=["POST"]),
    Route(f"{ONE}/words", say, methods=["POST"]),
    Route(f"{ONE}/parcel", send_back, methods=["POST"]),
    Route(f"{ONE}/escalation", escalate, methods=["POST"]),
    Route(f"{ONE}/photos/{{photo_id}}", photo, methods=["GET"]),
]
