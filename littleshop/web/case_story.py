"""A case as both sides are told of it: what happened, and what happens if nobody acts.

`side` is buyer, seller, or a friend with the link: the texts of each stand under cases.SIDE.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from markupsafe import Markup

from littleshop import db, i18n, ids
from littleshop.catalog.drafts import tidy
from littleshop.errors import NotFound
from littleshop.money import Money
from littleshop.pay import chargebacks, refunds
from littleshop.sale import refunding
from littleshop.sale.refunding import Sources
from littleshop.trade import carriers, cases, timers
from littleshop.trade.cases import Case, CaseEvent
from littleshop.trade.orders import Order
from littleshop.trade.timers import Timer

CLOCKS = {
    "asked": "case_answer",
    "returning": "case_send_back",
    "sent_back": "case_take_back",
    "replacing": "case_replace",
    "refused": "case_escalate",
}
A_MOMENT = timedelta(minutes=1)
GIVES_UP = ("returning", "refused")  # the buyer's silence ends the case


class Facts(msgspec.Struct, frozen=True):
    """A case with what its page is made of. `left` is what of the order may still go back;
    `sources` where the money comes from, None for an exchange and once nothing goes back;
    `stopped`: the buyer's bank takes the payment back, and all stands still."""

    order: Order
    case: Case
    history: list[CaseEvent]
    clocks: list[Timer]
    left: Money
    sources: Sources | None
    stopped: bool

    @property
    def due_at(self) -> datetime | None:
        """When silence decides."""
        kind = CLOCKS.get(self.case.status)
        running = (each for each in self.clocks if each.kind == kind and each.paused_at is None)
        return next((each.due_at for each in running), None)

    @property
    def goes_back(self) -> Money | None:
        """What is asked back, or was agreed to; None for an exchange without money."""
        return self.case.agreed or (self.case.amount if self.case.amount_minor else None)


async def find(conn: db.Connection, order: Order, number: int) -> Case:
    """The case of this number of an order. Raises NotFound."""
    for case in await cases.of_order(conn, order.shop_id, order.order_id):
        if case.number == number:
            return case
    raise NotFound("case")


async def read(conn: db.Connection, order: Order, case: Case) -> Facts:
    """Everything about a case."""
    shop_id, order_id = order.shop_id, order.order_id
    return Facts(
        order=order,
        case=case,
        history=await cases.history(conn, shop_id, case.case_id),
        clocks=await timers.of(conn, shop_id, order_id),
        left=await refunding.left_of(conn, order),
        sources=await _sources(conn, order, case),
        stopped=await chargebacks.open_of(conn, shop_id, order_id) is not None,
    )


async def _sources(conn: db.Connection, order: Order, case: Case) -> Sources | None:
    refund = await refunds.get(conn, case.shop_id, ids.derived(case.case_id, "refund"))
    if refund is not None:
        return await refunding.came_from(conn, refund)
    if not case.is_open or not case.amount_minor:
        return None
    return await refunding.sources(conn, order, case.amount)


def state(facts: Facts) -> str:
    """The state as pages name it: `done` says what was done, and an order that ended by itself
    is not called a withdrawal."""
    case = facts.case
    told = {event.kind for event in facts.history}
    if case.status == "withdrawn" and "withdrawn" not in told:
        return "overtaken"
    return ended(case)


def where(facts: Facts) -> str:
    """Where the seller wants the goods sent, as he wrote it; "" when he did not."""
    told = (event.words for event in reversed(facts.history) if event.kind == "agreed")
    return next(told, "") if facts.case.status == "returning" else ""


async def said_already(
    conn: db.Connection, case: Case, side: str, words: str, photos: int, at: datetime
) -> bool:
    """Whether this was said to a locked case a moment ago: the second half of a double press."""
    this = ("said", side, words, photos)
    return any(
        (line.kind, line.by_role, line.words, len(line.photos)) == this
        for line in await cases.history(conn, case.shop_id, case.case_id)
        if at - line.at < A_MOMENT
    )


def since(case: Case) -> datetime:
    """When a case came to the state it is in."""
    steps = (case.answered_at, case.sent_back_at, case.got_back_at, case.escalated_at)
    return case.ended_at or max((at for at in steps if at is not None), default=case.asked_at)


def ended(case: Case) -> str:
    """The state of a case that is over, without its history."""
    return "exchanged" if case.status == "done" and not case.agreed_minor else case.status


def silence(
    locale: str,
    side: str,
    facts: Facts,
    now: datetime,
    zone: ZoneInfo,
    *,
    yours: Money | None = None,
    **names: str,
) -> Markup | None:
    """What happens if nobody acts, when, and to which money; None where no clock runs. `yours`:
    what of it the seller has in the end, where he is told so."""
    case, at = facts.case, facts.due_at
    if at is None:
        return None
    key = f"cases.{side}.silence.{case.status}"
    if side in ("friend", "recipient"):
        pass  # neither's money: one sentence for each state
    elif case.status in GIVES_UP:
        key += f".{_fate(facts)}"
        if side == "buyer" and facts.order.kind == "resale" and not key.endswith("to_ship"):
            key += ".shops"  # the money is not only his who ships
    elif case.status != "replacing":
        key += f".{case.kind}"
    amount = case.amount if case.status in ("asked", "sent_back") else facts.left
    if yours is not None and case.status in GIVES_UP:
        amount = yours
    then = _then(facts, at)
    return i18n.html(
        locale,
        key,
        when=i18n.when(locale, at, now, zone),
        then=i18n.when(locale, then, now, zone) if then else "",
        amount=amount,
        **names,
    )


def _fate(facts: Facts) -> str:
    """What becomes of the money when the buyer gives up: the seller ships first, is paid later,
    or has it."""
    if facts.order.status == "to_ship":
        return "to_ship"
    return "held" if _then(facts, facts.case.asked_at) else "kept"


def _then(facts: Facts, ends_at: datetime) -> datetime | None:
    """When the seller is paid should the case end at that moment without money: the order's own
    clock goes on from where it stopped."""
    if facts.order.direct:
        return None
    clock = next((each for each in facts.clocks if each.kind == "confirm_by"), None)
    if clock is None:
        return None
    return clock.due_at if clock.paused_at is None else clock.due_at + (ends_at - clock.paused_at)


class Line(msgspec.Struct, frozen=True):
    """A line of the history. `by`: buyer, seller, operator or clock; `photos` their ids."""

    by: str
    title: str
    words: tuple[str, ...]
    photos: tuple[UUID, ...]
    at: datetime


def lines(locale: str, side: str, facts: Facts, *, gift: bool = False, **names: str) -> list[Line]:
    """What happened, oldest first, as `side` reads it: he himself is "you". To the recipient of a
    `gift` no sum is named."""
    known = {role: i18n.t(locale, f"cases.who.{role}") for role in ("buyer", "operator", "clock")}
    known |= names | {side: i18n.t(locale, "cases.who.you")}
    found = [_line(locale, facts.case, event, known, gift=gift) for event in facts.history]
    if facts.case.status == "done" and facts.case.agreed and facts.case.ended_at:
        title = i18n.t(locale, "cases.line.paid_back", amount=facts.case.agreed)
        if gift:
            title = i18n.t(locale, "cases.line.paid_back.gift")
        found.append(Line("operator", title, (), (), facts.case.ended_at))
    return found


def _line(locale: str, case: Case, event: CaseEvent, names: dict[str, str], *, gift: bool) -> Line:
    key = f"cases.line.{event.kind}"
    if event.by_role == "clock" and i18n.has(locale, f"{key}.clock"):
        key += ".clock"
    elif event.kind in ("asked", "agreed", "taken_back") and i18n.has(locale, f"{key}.{case.kind}"):
        key += f".{case.kind}"
    elif event.kind == "decided" and not case.agreed:
        key += ".no"
    if gift and i18n.has(locale, f"{key}.gift"):
        key += ".gift"
    carrier = carriers.CARRIERS.get(str(event.details.get("carrier", "")))
    title = i18n.t(
        locale,
        key,
        who=names[event.by_role],
        amount=case.agreed if event.kind == "decided" and case.agreed else case.amount,
        carrier=carrier.name(locale) if carrier else "",
        number=grouped(str(event.details.get("number", ""))),
    )
    return Line(
        event.by_role, title, tuple(event.words.splitlines()), tuple(event.photos), event.at
    )


def grouped(number: str) -> str:
    """A courier's number in groups of four, as people read it out."""
    return " ".join(number[at : at + 4] for at in range(0, len(number), 4))


def spoken(text: str) -> str:
    """What somebody wrote, without marks that no text holds; lines stay lines."""
    told = [tidy(line) for line in text.replace("\r\n", "\n").split("\n")]
    kept: Sequence[str] = [line for line in told if line]
    return "\n".join(kept)
