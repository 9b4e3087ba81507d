"""What templates need worked out: the steps of an order, facts for scripts and machines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import msgspec
from markupsafe import Markup

from littleshop import i18n
from littleshop.money import Money, digits
from littleshop.sale import returning
from littleshop.web import addresses


class Step(msgspec.Struct, frozen=True):
    """One row of the stepper; state is done, now, next or stopped."""

    state: str
    icon: str
    title: str
    reason: str
    day: str
    time: str


class Due(Protocol):
    """The timer that runs: register, invited, hold, pay, ship, confirm, payout or on_way."""

    @property
    def kind(self) -> str: ...
    @property
    def at(self) -> datetime: ...


class People(msgspec.Struct, frozen=True):
    """Who of an order pays, may call it off and receives it; "" is whoever looks. `shipper`: who
    ships it where another shop sold it, and both are paid; else ""."""

    payer: str = ""
    buyer: str = ""
    receiver: str = ""
    shipper: str = ""


YOU = People()
_WHO = {"paid": "payer", "sent": "buyer", "done": "buyer"}  # of a step; of all others the receiver


class Steppable(Protocol):
    """What of an order the stepper shows."""

    @property
    def state(self) -> str: ...
    @property
    def direct(self) -> bool: ...
    @property
    def handover(self) -> str: ...
    @property
    def placed_at(self) -> datetime: ...
    @property
    def paid_at(self) -> datetime | None: ...
    @property
    def shipped_at(self) -> datetime | None: ...
    @property
    def scanned(self) -> bool: ...
    @property
    def delivered_at(self) -> datetime | None: ...
    @property
    def received_at(self) -> datetime | None: ...
    @property
    def arrived_on(self) -> date | None: ...
    @property
    def is_back(self) -> bool: ...
    @property
    def ended_at(self) -> datetime | None: ...
    @property
    def people(self) -> People: ...


# each step: its name, its icon, the fact that makes it done, the timer that may stand at it
COURIER = (
    ("paid", "wallet", "paid_at", "pay"),
    ("sent", "package", "shipped_at", "ship"),
    ("delivered", "truck", "delivered_at", ""),
    ("confirmed", "hand", "received_at", "confirm"),
)
PAY_BY = {"invited": "pay", "hold": "pay"}
BY_HAND = (COURIER[0], ("handed", "hand", "received_at", "confirm"))
NONE = (COURIER[0], ("done", "handshake", "shipped_at", "ship"), COURIER[3])
WAYS = {"courier": COURIER, "by_hand": BY_HAND, "none": NONE}


def steps_of(
    locale: str,
    order: Steppable,
    seller: str,
    due: Due | None,
    now: datetime,
    zone: ZoneInfo,
    holds: str,
) -> list[Step]:
    """The money line of an order, upright: what happened, what is next, what an end stopped;
    `holds` says who keeps the money until then."""
    rows: list[Step] = []
    ended = order.ended_at if order.state in ("cancelled", "refunded") else None
    reached = False
    for name, icon, fact, timer in WAYS[order.handover]:
        at: datetime | None = getattr(order, fact)
        if name == "delivered" and at is None:
            continue  # no courier has told us
        state = "done" if at else "next" if reached or ended else "now"
        reached = reached or (at is None)
        if ended and at is None:
            continue
        if at is None and due is not None and PAY_BY.get(due.kind, due.kind) == timer:
            at = due.at
        who = getattr(order.people, _WHO.get(name, "receiver"))
        by = order.people.shipper if name == "sent" else ""
        if order.direct and name == "paid":
            name = "paid_direct"
        if name == "sent" and state == "done" and not order.scanned:
            name = "said_sent"
        rows.append(_step(locale, state, name, icon, (by or seller, holds, who), at, now, zone))
    if order.paid_at and not order.direct and (kept := _kept(order)):
        note = i18n.t(locale, f"storefront.step.paid.{kept}_note", seller=seller)
        rows[0] = msgspec.structs.replace(rows[0], reason=note)
    if ended:
        rows.append(
            _step(locale, "stopped", order.state, "ban", (seller, holds, ""), ended, now, zone)
        )
    elif not order.direct:
        rows.append(_payout(locale, order, seller, due, now, zone))
    return rows


def _kept(order: Steppable) -> str:
    """What became of the money that was paid and held; "" while it is."""
    if order.state == "refunded":
        return "back" if order.is_back else "going_back"
    if order.state != "received":
        return ""
    if order.people.shipper:  # two shops share it, each on its own day
        return "shops"
    return "paid_out" if order.arrived_on else "owed"


def _payout(
    locale: str,
    order: Steppable,
    seller: str,
    due: Due | None,
    now: datetime,
    zone: ZoneInfo,
) -> Step:
    """The last step: the bank names a day for it, no hour."""
    name = "payout_shops" if order.people.shipper else "payout"
    if order.arrived_on is None:
        state = "now" if order.state == "received" else "next"
        paid = due.at if due is not None and due.kind == "payout" else None
        return _step(locale, state, name, "wallet", (seller, "", ""), paid, now, zone)
    row = _step(locale, "done", "payout", "wallet", (seller, "", ""), None, now, zone)
    said = i18n.day(locale, order.arrived_on, now.astimezone(zone).date())
    return msgspec.structs.replace(row, day=said)


def _step(
    locale: str,
    state: str,
    name: str,
    icon: str,
    who: tuple[str, str, str],
    at: datetime | None,
    now: datetime,
    zone: ZoneInfo,
) -> Step:
    said = time = ""
    seller, holds, other = who
    if at is not None:
        said = i18n.day(locale, at.astimezone(zone).date(), now.astimezone(zone).date())
        time = i18n.clock(at, zone)
        if state in ("now", "next"):
            said = i18n.t(locale, "storefront.step.by", day=said)
    tense = "done" if state in ("done", "stopped") else "open"
    return Step(
        state,
        "check" if state == "done" else icon,
        _said(locale, f"storefront.step.{name}.{tense}", seller, other),
        _said(locale, f"storefront.step.{name}.{tense}_note", seller, other, holds=holds),
        said,
        time,
    )


def _said(locale: str, key: str, seller: str, other: str, **more: str) -> str:
    """A step's words; where they say "you" and mean somebody else, they name him."""
    if other and i18n.has(locale, f"{key}.they"):
        return i18n.t(locale, f"{key}.they", seller=seller, name=other, **more)
    return i18n.t(locale, key, seller=seller, **more)


def decimal(amount: Money) -> str:
    """An amount for machines: 168.00, without sign or grouping."""
    places = digits(amount.currency)
    whole, cents = divmod(abs(amount.minor), 10**places)
    minus = "-" if amount.minor < 0 else ""
    return f"{minus}{whole}.{cents:0{places}}" if places else f"{minus}{whole}"


def product_images(host: str, pictures: Sequence[Any]) -> list[str]:
    """Addresses of a product's pictures for JSON-LD."""
    return [host + addresses.photo(each.digest, 1080) for each in pictures]


def variants_json(locale: str, variants: Sequence[Any]) -> Markup:
    """What the variant picker of the page's script has to know; safe inside a <script>."""
    known = [
        {
            "id": str(each.id),
            "options": list(each.options),
            "price": i18n.money(locale, each.price),
            "gone": each.gone,
        }
        for each in variants
    ]
    return in_script(known)


def return_policy(no_return: str) -> dict[str, object]:
    """How a product may come back, for JSON-LD."""
    known: dict[str, object] = {"@type": "MerchantReturnPolicy", "applicableCountry": "CN"}
    category = "https://schema.org/MerchantReturn"
    if no_return:
        return known | {"returnPolicyCategory": f"{category}NotPermitted"}
    return known | {
        "returnPolicyCategory": f"{category}FiniteReturnWindow",
        "merchantReturnDays": returning.NO_REASON.days,
        "returnMethod": "https://schema.org/ReturnByMail",
        "returnFees": "https://schema.org/ReturnFeesCustomerResponsibility",
    }


def in_script(facts: object) -> Markup:
    """Facts as JSON with which nothing can close the element around it."""
    written = msgspec.json.encode(facts).decode()
    for mark, code in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
        written = written.replace(mark, code)
    return Markup(written)
