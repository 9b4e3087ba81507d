"""An order as its page shows it: to the device that ordered, or to a friend with the link."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from types import SimpleNamespace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from littleshop import i18n
from littleshop.clock import SHANGHAI, BusinessCalendar, UncoveredYear, value_date
from littleshop.crypto import Keyring
from littleshop.ledger import chart
from littleshop.money import Money
from littleshop.pay.payments import Payment
from littleshop.pay.refunds import Refund
from littleshop.sale import bringing, returning
from littleshop.settlement.due import pays_on
from littleshop.shop.shops import Shop
from littleshop.trade import carriers, regions, roles
from littleshop.trade.cases import Case
from littleshop.trade.deliveries import Parcel
from littleshop.trade.order_discounts import OrderDiscount
from littleshop.trade.order_events import OrderEvent
from littleshop.trade.order_links import Seen
from littleshop.trade.orders import GATHERING, UNPAID, Order, OrderItem
from littleshop.trade.timers import Timer
from littleshop.web import addresses, case_story, discount_words, drawing, parcel_ways
from littleshop.web.case_story import Facts
from littleshop.web.parcel_ways import Ways

DUE = {
    "pay_by": "pay",
    "hold_by": "hold",
    "claim_by": "claim",
    "form_by": "form",
    "ship_by": "ship",
    "confirm_by": "confirm",
}
# What that clock means to such an order.
PAY_BY = {"waiting": "register", "invited": "invited", "collecting": "collect"}
HANDOVER = {"courier": "courier", "pickup": "by_hand", "none": "none"}
PAYOUT_AT = time(12, 0)


def order(
    locale: str,
    seen: Seen,
    token: str,
    things: Sequence[OrderItem],
    attempts: Sequence[Payment],
    back: Sequence[Refund],
    keyring: Keyring,
    arrived_on: date | None = None,
    off: Sequence[OrderDiscount] = (),
    seller: str = "",
) -> SimpleNamespace:
    """The order for the template; a friend does not see the address at all, the device that
    ordered sees it as it was written. `arrived_on` is when the seller's bank had the money; `off`
    is what `seller` took off it."""
    row = seen.order
    returned = _sum(row, back)
    return SimpleNamespace(
        token=token,
        direct=row.direct,
        back=returned,
        is_back=all(each.status == "done" for each in back),
        left=row.total - returned,
        number=str(row.number),
        state="received" if row.status == "closed" else row.status,
        handover=HANDOVER[row.way],
        brought=bringing.is_brought(keyring, row),
        total=row.total,
        lines=_lines(locale, row, things, off, seller),
        things=[thing(item) for item in things],
        method=_method(locale, attempts),
        placed_at=row.placed_at,
        paid_at=row.paid_at,
        shipped_at=row.shipped_at,
        delivered_at=row.delivered_at,
        received_at=row.received_at,
        arrived_on=arrived_on,
        ended_at=row.cancelled_at or row.refunded_at,
        end_reason=_end_reason(locale, row),
        anew=_anew(row, things) if seen.may_act else None,
        address=_address(row, keyring) if seen.may(roles.SEE_ADDRESS) else None,
        recipient=_recipient(row, keyring) if seen.may(roles.SEE_ADDRESS) else None,
    )


def people(locale: str, seen: Seen, sent: Any, gift: Any, shipper: str = "") -> drawing.People:
    """Who is who of an order for whoever looks: a friend with the link is none of them, a giver
    does not receive, and who asked others does not pay."""
    kind = seen.order.kind
    buyer = "" if seen.may_act else i18n.t(locale, "kinds.who.buyer")
    payer = receiver = buyer
    asked = "pay_for_me" if sent and kind == "invitation" else kind
    if kind == "chip_in" or (asked == "pay_for_me" and not (sent and sent.paying)):
        payer = i18n.t(locale, f"kinds.who.{asked}")
    if kind == "gift":
        receiver = (gift.to if gift else "") or i18n.t(locale, "kinds.who.recipient")
    return drawing.People(payer, buyer, receiver, shipper)


def _sum(row: Order, back: Sequence[Refund]) -> Money:
    """What of an order went back or is on its way."""
    gone = [each.amount for each in back if each.paid_from == chart.ESCROW]
    return sum(gone, Money(0, row.currency))


def _lines(
    locale: str,
    row: Order,
    things: Sequence[OrderItem],
    off: Sequence[OrderDiscount],
    seller: str,
) -> list[SimpleNamespace]:
    pieces = sum(item.quantity for item in things)
    goods = i18n.t(locale, "storefront.basket.lines", count=pieces)
    shown = [SimpleNamespace(label=goods, amount=row.goods, reason=None, good=False)]
    shown += discount_words.lines(locale, off, row.currency, seller)
    if row.way != "none":
        label = i18n.t(
            locale,
            "checkout.postage"
            if row.way == "courier" or row.shipping_minor
            else "checkout.by_hand",
        )
        why = discount_words.postage(locale, off, seller)
        shown.append(
            SimpleNamespace(label=label, amount=row.shipping, reason=why, good=why is not None)
        )
    return shown


def thing(item: OrderItem) -> SimpleNamespace:
    """A thing of an order with its picture."""
    picture = SimpleNamespace(digest=item.photo, alt=item.called) if item.photo else None
    return SimpleNamespace(
        title=item.called,
        choice=item.choice,
        picture=picture,
        price=Money(item.unit_minor, item.currency),
        quantity=item.quantity,
    )


def _method(locale: str, attempts: Sequence[Payment]) -> str | None:
    paid = next((attempt for attempt in attempts if attempt.outcome == "accepted"), None)
    return i18n.t(locale, f"checkout.method.{paid.gateway}") if paid else None


def _end_reason(locale: str, row: Order) -> str | None:
    key = f"checkout.ended.{row.cancel_reason or row.status}"
    ended = row.status in ("cancelled", "refunded")
    return i18n.t(locale, key) if ended and i18n.has(locale, key) else None


def _anew(row: Order, things: Sequence[OrderItem]) -> UUID | None:
    """The thing to go to for who would order it once more: of what was never paid, unless a letter
    agreed on it or another shop ships it."""
    if row.status != "cancelled" or row.kind in ("invitation", "resale") or not things:
        return None
    return things[0].product_id


def _address(row: Order, keyring: Keyring) -> str | None:
    to = row.delivery(keyring)
    if not to.city:
        return None
    return regions.line(to.province, to.city, to.district, to.street)


def _recipient(row: Order, keyring: Keyring) -> str:
    to = row.delivery(keyring)
    return f"{to.name} {to.phone.removeprefix('+86')}"


def parcel(
    locale: str,
    parcels: Sequence[Parcel],
    history: Sequence[OrderEvent],
    ways: Ways,
    now: datetime,
    seller: str,
    seen: Seen,
) -> SimpleNamespace | None:
    """The parcel under way with what is known of its journey: where it is, by the courier's word;
    of one that nobody was asked about only what happened to its order."""
    sent = [one for one in parcels if one.way == "courier"]
    if not sent or not seen.may(roles.SEE_PARCEL):
        return None
    last = sent[-1]
    known = carriers.CARRIERS.get(last.carrier)
    scans = [
        SimpleNamespace(text=i18n.t(locale, f"checkout.event.{event.kind}"), at=event.at)
        for event in reversed(history)
        if i18n.has(locale, f"checkout.event.{event.kind}")
    ]
    return SimpleNamespace(
        carrier=known.name(locale) if known else last.carrier,
        number=last.tracking_number,
        way=parcel_ways.told(locale, last, ways, now, seller=seller),
        scans=scans,
        url=None,
    )


def due(
    row: Order,
    clocks: Sequence[Timer],
    calendar: BusinessCalendar,
    now: datetime,
    arrived_on: date | None = None,
) -> SimpleNamespace | None:
    """What happens by itself next, and when; of a payout whose hour has passed nobody has heard
    yet, so it names none."""
    for timer in clocks:
        if timer.kind in DUE and timer.paused_at is None:
            kind = DUE[timer.kind]
            kind = PAY_BY.get(row.status, kind) if kind == "pay" else kind
            return SimpleNamespace(kind=kind, at=timer.due_at, extended=row.extended_at is not None)
    if row.status == "received" and row.received_at is not None and not row.direct:
        if arrived_on is not None:
            return None
        try:
            day = pays_on(calendar, value_date(row.received_at))
        except UncoveredYear:
            return None  # nobody has announced that year's working days yet
        at = datetime.combine(day, PAYOUT_AT, SHANGHAI)
        if row.kind == "resale" and now >= at:
            return None  # two shops' banks get it, each in its time
        return SimpleNamespace(kind="payout" if now < at else "on_way", at=at, extended=False)
    return None


def may(
    seen: Seen,
    clocks: Sequence[Timer],
    asked: Sequence[Case],
    left: Money,
    now: datetime,
    *,
    gone: bool,
) -> SimpleNamespace:
    """What this device may do now; `asked` are the order's cases, `left` what may still go back,
    `gone` that an invited order's pieces are somebody else's."""
    row, kinds = seen.order, {timer.kind for timer in clocks}
    undecided = any(case.is_open and case.status != "refunding" for case in asked)
    waited = row.reminded_at is None or (now - row.reminded_at).days >= 1
    under_way = row.status in ("shipped", "delivered") and not undecided
    return SimpleNamespace(
        pay=seen.may(roles.PAY) and row.status in ("placed", "invited", "collecting") and not gone,
        confirm=seen.may(roles.RECEIVE) and under_way,
        extend=seen.may(roles.RECEIVE) and under_way and row.extended_at is None,
        remind=seen.may(roles.REMIND) and row.status == "to_ship" and waited,
        cancel=seen.may(roles.CALL_OFF)
        and (
            row.status in (*UNPAID, *GATHERING)
            or (row.status == "to_ship" and "ship_by" not in kinds)
        ),
        show_code=seen.may(roles.FETCH)
        and row.way == "pickup"
        and row.status in ("to_ship", "shipped")
        and not undecided,
        ask=seen.may(roles.ASK_BACK)
        and bool(left)
        and bool(returning.wanted(row))
        and not any(case.is_open for case in asked),
    )


def asked(
    locale: str,
    seen: Seen,
    token: str,
    known: Sequence[Case],
    facts: Facts | None,
    shop: Shop,
    now: datetime,
) -> list[SimpleNamespace]:
    """The order's cases, the last one first; `facts` of the one that is open."""
    side = "buyer" if seen.may(roles.ASK_BACK) else "friend"
    side = "recipient" if seen.role == "recipient" else side
    seller, zone = shop.seller or shop.name, ZoneInfo(shop.zone)
    rows = []
    for case in reversed(known):
        is_open = facts is not None and facts.case.case_id == case.case_id
        told = case_story.state(facts) if facts and is_open else case_story.ended(case)
        silence = None
        if facts and is_open:
            silence = case_story.silence(locale, side, facts, now, zone, seller=seller)
        rows.append(
            SimpleNamespace(
                url=addresses.case(token, case.number),
                kind=case.kind,
                reason=case.reason,
                state=told,
                is_open=is_open,
                silence=silence,
                amount=_asked_back(case) if seen.may(roles.SEE_PRICE) else None,
                at=case_story.since(case),
            )
        )
    return rows


def _asked_back(case: Case) -> Money | None:
    return case.agreed or (case.amount if case.amount_minor else None)


def context(zone: str, **known: Any) -> dict[str, Any]:
    """What every order page carries beside the order."""
    return {"zone": ZoneInfo(zone), "notice": None, **known}
