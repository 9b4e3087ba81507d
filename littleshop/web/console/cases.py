"""Requests: what buyers want back, when an answer is due, and what silence does to the money."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import db, http, i18n, ids
from littleshop.crypto import Keyring
from littleshop.errors import Refused
from littleshop.http import AtWork
from littleshop.money import Money
from littleshop.sale import parcelling, refunding, returning, sending_back
from littleshop.sale.shipping import tracking_number
from littleshop.shop import shop_acts
from littleshop.trade import carriers, case_lists, cases, handed_out, orders, returned_goods
from littleshop.trade.case_lists import CaseRow
from littleshop.trade.cases import Case
from littleshop.trade.handed_out import HandedOut
from littleshop.trade.orders import Order, OrderItem
from littleshop.trade.returned_goods import TakenIn
from littleshop.web import case_story, couriers, evidence, forms, pages
from littleshop.web.case_story import Facts
from littleshop.web.console import frame, order_page, sold_by
from littleshop.web.evidence import Shown

# The act of an address -> where on the page its no is said.
FIELDS = {"refusal": "refuse", "words": "say", "agreement": "agree"}
OFFER_FIELDS = {"case_amount": "amount", "offer_beyond": "amount", "case_words": "refund_reason"}


async def listed(request: Request) -> Response:
    """GET root/cases: what is open, the nearest first; then what is over."""
    work = await http.at_work(request)
    async with http.house(request).database.connection() as conn:
        waiting = await case_lists.open_ones(conn, work.shop.shop_id)
        over = await case_lists.ended_ones(conn, work.shop.shop_id)
    root, keyring = frame.root(work.shop), http.house(request).keyring
    return await frame.page(
        request,
        work,
        "cases.html",
        "orders",
        yours=[row(each, root, keyring) for each in waiting if each.sellers_turn],
        theirs=[row(each, root, keyring) for each in waiting if not each.sellers_turn],
        over=[row(each, root, keyring) for each in over],
    )


def row(each: CaseRow, root: str, keyring: Keyring) -> dict[str, Any]:
    """A case as a row of a list."""
    exchanged = each.status == "done" and not each.agreed_minor
    return {
        "number": each.order_number,
        "name": each.delivery(keyring).name,
        "kind": "offered" if each.reason == cases.OFFERED else each.kind,
        "reason": each.reason,
        "state": "exchanged" if exchanged else each.status,
        "title": each.title,
        "picture_url": frame.picture(each.photo),
        "pieces": each.pieces,
        "amount": each.amount if each.amount else None,
        "due_at": each.due_at,
        "at": each.ended_at or each.escalated_at or each.asked_at,
        "url": f"{root}/orders/{each.order_number}/cases/{each.number}",
    }


@dataclass(frozen=True)
class Seen:
    """A case that its seller looks at."""

    work: AtWork
    facts: Facts
    must_take_back: bool
    name: str
    where: str  # the address for returns that was written last
    given: list[HandedOut]
    yours: Money  # what of the rest is the seller's in the end
    taken_in: TakenIn | None
    sold_by: str  # another shop that sold it, or ""

    @property
    def case(self) -> Case:
        return self.facts.case


async def _see(request: Request) -> Seen:
    """The case of the address. Raises NotFound, also for another shop's."""
    work, house = await http.at_work(request), http.house(request)
    async with house.database.connection() as conn:
        order = await order_page.find(conn, work.shop.shop_id, request.path_params["number"])
        case = await case_story.find(conn, order, http.number(request.path_params["case"]))
        facts = await case_story.read(conn, order, case)
        must = await returning.must_take_back(conn, order, case)
        where = await case_lists.last_address(conn, work.shop.shop_id)
        given = await handed_out.of_order(conn, work.shop.shop_id, order.order_id)
        yours = await sold_by.share(conn, order, facts.left)
        shop = await sold_by.name(conn, order)
        taken_in = await returned_goods.of_case(conn, work.shop.shop_id, case.case_id)
    name = order.delivery(house.keyring).name
    return Seen(work, facts, must, name, where, given, yours, taken_in, shop)


def _here(seen: Seen) -> str:
    order = seen.facts.order
    return f"{frame.root(seen.work.shop)}/orders/{order.number}/cases/{seen.case.number}"


async def page(request: Request) -> Response:
    """GET root/orders/NUMBER/cases/CASE"""
    seen = await _see(request)
    await frame.looked(request, seen.work, seen.facts.order.order_id)
    return await _page(request, seen)


async def _page(
    request: Request, seen: Seen, *, no: Refused | None = None, shown: Shown = evidence.NOTHING
) -> Response:
    """The case; with `no`, or photos that are `shown` wrongly, the form again and why."""
    typed = await _read(request) if no or shown.wrong else None
    number = typed.text("tracking_number", 80) if typed else ""
    wrong = {} if no is None else {_field(request, no): frame.sentence(request, no)}
    if shown.wrong:
        wrong["say"] = " ".join(shown.wrong)
    return await frame.page(
        request,
        seen.work,
        "case.html",
        "orders",
        status=422 if wrong else 200,
        here=_here(seen),
        order_url=_here(seen).rpartition("/cases")[0],
        errors=wrong,
        form=typed.typed("words", "tracking_number", "carrier") if typed else {},
        carried=evidence.tokens(request, shown),
        carriers=couriers.choices(pages.locale_of(request), number),
        form_key=secrets.token_hex(8),
        **_told(request, seen),
    )


def _told(request: Request, seen: Seen) -> dict[str, Any]:
    """The case as its seller reads it."""
    locale, facts, case = pages.locale_of(request), seen.facts, seen.case
    zone, now = ZoneInfo(seen.work.shop.zone), http.now(request)
    return {
        "order_number": facts.order.number,
        "case": case,
        "name": seen.name,
        "state": case_story.state(facts),
        "goes_back": facts.goes_back,
        "silence": case_story.silence(
            locale, "seller", facts, now, zone, yours=seen.yours, buyer=seen.name
        ),
        "stopped": facts.stopped and case.is_open,
        "lines": case_story.lines(locale, "seller", facts, buyer=seen.name),
        "sources": facts.sources,
        "left": facts.left,
        "where": seen.where,
        "taken_in": seen.taken_in,
        "sold_by": seen.sold_by,
        "handed_out": bool(seen.given),
        "opened_at": next((each.opened_at for each in seen.given if each.opened_at), None),
        "carrier_name": _carrier(case, locale),
        "must_take_back": seen.must_take_back and case.status == "asked",
        "can": {
            "agree": case.status in ("asked", "refused"),
            "refuse": case.status == "sent_back"
            or (case.status == "asked" and not seen.must_take_back),
            "take_back": case.status == "sent_back",
            "replace": case.status == "replacing",
            "say": case.is_open,
        },
    }


def _carrier(case: Case, locale: str) -> str:
    known = carriers.CARRIERS.get(case.carrier)
    return known.name(locale) if known else ""


def _field(request: Request, no: Refused) -> str:
    part = request.url.path.rpartition("/")[2]
    if no.code in ("tracking_number", "case_where"):
        return "agree" if no.code == "case_where" else "tracking_number"
    if no.code in ("carrier_unknown", "carrier_unclear"):
        return "carrier"
    return FIELDS.get(part, "top") if no.code in ("case_words", "case_photos") else "top"


async def _read(request: Request) -> forms.Form:
    return await forms.read(request, photos=returning.MOST_PHOTOS)


def _words(form: forms.Form) -> str:
    return case_story.spoken(form.text("words", 4 * returning.LONGEST_WORDS))


Act = Callable[[db.Connection, Case, datetime], Awaitable[object]]


async def _act(request: Request, seen: Seen, said: str, act: Act) -> Response:
    """Do one thing with the case, locked and as it is by now, and show it again."""
    at, told = http.now(request), seen.case

    async def work(conn: db.Connection) -> None:
        _, case = await returning.lock(conn, told.shop_id, told.case_id)
        await act(conn, case, at)
        if said != "case_said" and await cases.get(conn, told.shop_id, told.case_id) != case:
            await shop_acts.note(
                conn, told.shop_id, seen.work.person.person_id, said, at=at,
                subject=str(told.case_id), number=seen.facts.order.number,
            )  # fmt: skip

    try:
        await http.house(request).database.transaction(work)
    except Refused as no:
        return await _page(request, await _see(request), no=no)
    return frame.go(request, _here(seen), said, name=seen.name, number=seen.facts.order.number)


async def agree(request: Request) -> Response:
    """POST .../agreement: words (where to send it); the second press finds it agreed"""
    seen, words = await _see(request), _words(await _read(request))

    async def act(conn: db.Connection, case: Case, at: datetime) -> None:
        if case.kind != "refund" and not words:
            raise Refused("case_where")
        if case.status not in ("returning", "refunding"):
            await returning.agree(conn, case.shop_id, case.case_id, by="seller", words=words, at=at)

    return await _act(request, seen, "case_agreed", act)


async def refuse(request: Request) -> Response:
    """POST .../refusal: words; the second press finds it refused"""
    seen, words = await _see(request), _words(await _read(request))

    async def act(conn: db.Connection, case: Case, at: datetime) -> None:
        if case.status != "refused":
            await returning.refuse(conn, case.shop_id, case.case_id, words=words, at=at)

    return await _act(request, seen, "case_refused", act)


async def say(request: Request) -> Response:
    """POST .../words: words, photos, photo_kept"""
    seen, form = await _see(request), await _read(request)
    shown = await evidence.take(request, form, seen.work.person.person_id.bytes)
    if shown.wrong:
        return await _page(request, seen, shown=shown)
    words = _words(form)

    async def act(conn: db.Connection, case: Case, at: datetime) -> None:
        if not await case_story.said_already(conn, case, "seller", words, len(shown.kept), at):
            await returning.say(
                conn, case.shop_id, case.case_id, by="seller", words=words, photos=shown.files,
                at=at,
            )  # fmt: skip

    return await _act(request, seen, "case_said", act)


async def take_back(request: Request) -> Response:
    """POST .../receipt: to_shelf=yes|no; the second press finds it taken back"""
    seen, form = await _see(request), await _read(request)
    to_shelf = form.text("to_shelf") == "yes"

    async def act(conn: db.Connection, case: Case, at: datetime) -> None:
        if case.got_back_at is None:
            await sending_back.take_back(
                conn, case.shop_id, case.case_id, by="seller", to_shelf=to_shelf, at=at
            )

    return await _act(request, seen, "case_taken_back", act)


async def replace(request: Request) -> Response:
    """POST .../replacement: tracking_number, carrier; the second press finds it sent"""
    seen, form = await _see(request), await _read(request)
    number, carrier = form.text("tracking_number", 80), form.text("carrier", 20)

    async def act(conn: db.Connection, case: Case, at: datetime) -> None:
        chosen, plain = couriers.choose(number, carrier), tracking_number(number)
        if case.status != "done":
            await sending_back.replace(
                conn, case.shop_id, case.case_id, carrier=chosen, number=plain, at=at
            )

    return await _act(request, seen, "case_replaced", act)


async def photo(request: Request) -> Response:
    """GET .../photos/PHOTO: for the shop's staff"""
    seen, photo_id = await _see(request), http.uuid(request.path_params["photo_id"])
    return await evidence.stream(request, seen.case.shop_id, seen.case.case_id, photo_id)


async def offer(request: Request) -> Response:
    """POST root/orders/NUMBER/refunds: amount, reason, form_key, then=propose with pieces
    back-POSITION to have the sum worked out; money that nobody asked for"""
    work, form = await http.at_work(request), await forms.read(request)
    async with http.house(request).database.connection() as conn:
        order = await order_page.find(conn, work.shop.shop_id, request.path_params["number"])
    if form.text("then", 10) == "propose":
        return await _propose(request, work, order, form)
    typed, path = form.typed("amount", "reason"), f"{frame.root(work.shop)}/orders/{order.number}"
    try:
        case = await _offered(request, work, order, form)
    except Refused as no:
        if no.code not in OFFER_FIELDS:  # somebody was quicker: the order says what he did
            return frame.refuse(request, path, no)
        said = {OFFER_FIELDS[no.code]: frame.sentence(request, no)}
        return await order_page.show(request, work, status=422, errors=said, form=typed)
    amount = i18n.money(pages.locale_of(request), case.amount)
    return frame.go(request, path, "case_offered", number=order.number, amount=amount)


async def _propose(request: Request, work: AtWork, order: Order, form: forms.Form) -> Response:
    """The form again with what was paid for the chosen pieces in it; nothing goes back yet."""
    typed = form.typed("amount", "reason")
    async with http.house(request).database.connection() as conn:
        items = await orders.items(conn, order.shop_id, order.order_id)
        counts = {each.position: form.text(f"back-{each.position}", 8).strip() for each in items}
        typed |= {f"back-{at}": text for at, text in counts.items()}
        try:
            pieces = {each.position: _of(each, counts[each.position]) for each in items}
            amount = await parcelling.price_of(conn, order, pieces)
        except Refused as no:
            said = {"amount": frame.sentence(request, no)}
            return await order_page.show(request, work, status=422, errors=said, form=typed)
        left = await refunding.left_of(conn, order)
    typed["amount"] = forms.shown(min(amount.minor, left.minor), order.currency)
    return await order_page.show(request, work, form=typed | {"proposed": "yes"})


def _of(item: OrderItem, text: str) -> int:
    """How many pieces of a line. Raises Refused("quantity_wrong", most=)."""
    if text and not (text.isascii() and text.isdigit() and int(text) <= item.quantity):
        raise Refused("quantity_wrong", most=item.quantity)
    return int(text or "0")


async def _offered(request: Request, work: AtWork, order: Order, form: forms.Form) -> Case:
    """Raises Refused: as returning.offer."""
    key, words = forms.key(form.text("form_key", 40), uuid4()), _line(form.text("reason", 500))
    amount = Money(0, order.currency)
    try:
        amount = Money(forms.price(form.text("amount", 40), order.currency), order.currency)
    except Refused:
        pass  # whatever is no amount does not fit, and returning.offer says what would
    case_id: UUID = ids.derived(key, f"{order.order_id} {amount.minor} {words}")
    at = http.now(request)

    async def write(conn: db.Connection) -> Case:
        case = await returning.offer(
            conn, order.shop_id, order.order_id, amount, words=words, case_id=case_id, at=at
        )
        await shop_acts.note(
            conn, order.shop_id, work.person.person_id, "refund_offered", at=at, once=case_id,
            subject=str(case_id), number=order.number, minor=case.amount.minor,
            currency=order.currency,
        )  # fmt: skip
        return case

    return await http.house(request).database.transaction(write)


def _line(text: str) -> str:
    return " ".join(case_story.spoken(text).split())[:120]


ROOT = "/console/{shop_id}"
ONE = f"{ROOT}/orders/{{number}}/cases/{{case}}"
ROUTES = [
    Route(f"{ROOT}/cases", listed),
    Route(f"{ROOT}/orders/{{number}}/refunds", offer, methods=["POST"]),
    Route(ONE, page),
    Route(f"{ONE}/agreement", agree, methods=["POST"]),
    Route(f"{ONE}/refusal", refuse, methods=["POST"]),
    Route(f"{ONE}/words", say, methods=["POST"]),
    Route(f"{ONE}/receipt", take_back, methods=["POST"]),
    Route(f"{ONE}/replacement", replace, methods=["POST"]),
    Route(f"{ONE}/photos/{{photo_id}}", photo),
]
