"""A letter to a payer as its page draws it, and what its sender sees of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Protocol
from zoneinfo import ZoneInfo

from littleshop import i18n
from littleshop.money import Money, digits
from littleshop.pay.payments import Payment
from littleshop.sale.asking_a_payer import asked_as
from littleshop.shop.shops import Shop
from littleshop.trade.letters import Letter
from littleshop.trade.orders import UNPAID, Order, OrderItem
from littleshop.trade.parts import Part
from littleshop.trade.timers import Timer
from littleshop.web.storefront import checkouts, giving, views

ENDS = {
    "unpaid": "expired", "withdrawn": "withdrawn", "replaced": "replaced",
    "letter_back": "letter_back",
}  # fmt: skip
MARKED = (
    "paid", "expired", "withdrawn", "replaced", "cancelled", "gone", "back", "letter_back",
    "letter_moved",
)  # fmt: skip
LETTERS = ("expired", "letter_back", "letter_moved")  # of the seller's letter it took up
ROUND = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)


class Found(Protocol):
    """A letter with what belongs to it (letters.Opened)."""

    @property
    def order(self) -> Order: ...
    @property
    def letter(self) -> Letter: ...
    @property
    def things(self) -> list[OrderItem]: ...
    @property
    def attempts(self) -> list[Payment]: ...
    @property
    def parts(self) -> list[Part]: ...
    @property
    def clocks(self) -> list[Timer]: ...
    @property
    def gone(self) -> str: ...


def state_of(order: Order, clocks: Sequence[Timer], now: datetime, *, gone: str) -> str:
    """open, `gone` (why it cannot be paid at the moment: gone, letter_back, letter_moved, expired),
    expired, withdrawn, replaced, cancelled, paid or back (all the money went back after it was
    paid)."""
    if order.status in UNPAID:
        at = till(clocks)
        if at is None or at <= now:
            return "expired"
        return gone or "open"
    if order.status == "cancelled":
        return ENDS.get(order.cancel_reason or "", "cancelled")
    return "back" if order.status == "refunded" else "paid"


def till(clocks: Sequence[Timer]) -> datetime | None:
    """Until when it can be paid; None when it cannot any more. By a letter that was taken back who
    is paying may finish, while its pieces are kept."""
    due = {clock.kind: clock.due_at for clock in clocks}
    return due.get("pay_by") or due.get("hold_by")


def head(locale: str, kind: str, name: str) -> str:
    """The heading: who asks for what."""
    key = f"payers.head.{kind}" + ("" if name else ".nobody")
    return i18n.t(locale, key, name=name)


def sheet(locale: str, shop: Shop, found: Found, state: str, now: datetime) -> SimpleNamespace:
    """What letter.sheet wants: the goods as lines for who pays all, as one line for friends."""
    order, letter, first = found.order, found.letter, found.things[0]
    here = letter.written_at.astimezone(ZoneInfo(shop.zone))
    name = letter.from_name or i18n.t(locale, "payers.nobody")
    when = i18n.when(locale, letter.written_at, now, ZoneInfo(shop.zone))
    picture = SimpleNamespace(digest=first.photo, alt=first.title) if first.photo else None
    whole = order.kind != "chip_in"
    return SimpleNamespace(
        face=SimpleNamespace(name=name, picture=None),
        head=head(locale, asked_as(order.kind), letter.from_name),
        from_where=i18n.t(locale, "payers.from_shop", shop=shop.name),
        words=letter.words,
        signed=i18n.t(locale, "payers.signed", name=name, when=when),
        stamp=SimpleNamespace(
            picture=picture,
            name=first.title,
            place=shop.place or shop.name,
            amount=order.total,
        ),
        postmark=(f"{here:%Y}", f"{here.month}.{here.day}"),
        ended=i18n.t(locale, f"payers.mark.{state}") if state in MARKED else "",
        lines=_lines(locale, order, found.things) if whole else [],
        total=order.total if whole else None,
        total_label=i18n.t(locale, "words.total"),
    )


def _lines(locale: str, order: Order, things: Sequence[OrderItem]) -> list[SimpleNamespace]:
    dot = i18n.t(locale, "words.dot")
    shown = [
        _line(
            dot.join(part for part in (each.title, each.choice) if part)
            + (f" × {each.quantity}" if each.quantity > 1 else ""),
            each.amount,
        )
        for each in things
    ]
    if order.discount_minor:
        off = Money(-order.discount_minor, order.currency)
        shown.append(_line(i18n.t(locale, "privileges.off"), off))
    if order.shipping_minor:
        shown.append(_line(i18n.t(locale, "checkout.postage"), order.shipping))
    return shown


def _line(label: str, amount: Money) -> SimpleNamespace:
    return SimpleNamespace(label=label, note="", amount=amount, said="", good=False)


def pot(found: Found) -> SimpleNamespace:
    """What several have given: so much is there, so much to go, and by whom."""
    order = found.order
    return SimpleNamespace(
        left=giving.left_of(order),
        total=order.total,
        there=Money(order.held_minor, order.currency),
        gifts=gifts(found),
        goods=", ".join(each.title for each in found.things),
    )


def gifts(found: Found) -> list[SimpleNamespace]:
    """Who gave what, the first one first, with the names and words they typed; what went back with
    it. Of an order that its chooser paid alone there are none."""
    known = {each.part_id: each for each in found.parts}
    paid = [each for each in found.attempts if each.outcome == "accepted" and each.part_id in known]
    return [
        SimpleNamespace(
            name=known[each.part_id].name if each.part_id else "",
            words=known[each.part_id].words if each.part_id else "",
            amount=each.amount,
            back=Money(each.refunded_minor, each.currency),
            at=each.paid_at,
        )
        for each in sorted(paid, key=lambda each: each.paid_at or each.asked_at)
    ]


def mine(found: Found, device: bytes | None) -> list[SimpleNamespace]:
    """What became of the money that was paid on this device."""
    own = {each.part_id for each in found.parts if device is not None and each.device == device}
    return [
        giving.state_of(found.order, each)
        for each in found.attempts
        if each.status == "paid" and each.part_id in own
    ]


def came_twice(found: Found) -> Money | None:
    """What arrived when it was paid already and goes back, whoever sent it."""
    back = [each.paid for each in found.attempts if each.outcome == "returned"]
    return sum(back[1:], back[0]) if back else None


def sums(order: Order) -> list[Money]:
    """Round sums that friends like to give, each less than what is still to go."""
    unit = 10 ** digits(order.currency)
    small = [each for each in ROUND if each * unit * 6 <= order.total_minor]
    place = len(small) - 1 if small else 0
    wanted = [each * unit for each in ROUND[place : place + 2]]
    left = giving.left_of(order)
    return [Money(each, order.currency) for each in wanted if each < left.minor]


def sent(locale: str, found: Found, link: str, device: bytes | None = None) -> SimpleNamespace:
    """What its sender sees: the link while it can be paid, whether it was opened, who gave what,
    and whether he is paying it himself on this `device`."""
    order, letter, kind = found.order, found.letter, asked_as(found.order.kind)
    why = found.gone if found.gone in LETTERS else ""
    is_open = order.status in ("placed", "invited", "collecting")
    link = link if is_open and not why else ""
    total = str(i18n.money(locale, order.total))
    return SimpleNamespace(
        kind=kind,
        link=link,
        why=why,
        title=head(locale, kind, letter.from_name),
        text=i18n.t(locale, f"payers.send.text.{kind}", amount=total),
        qr=views.qr(link) if link else "",
        seen_at=letter.seen_at,
        till=till(found.clocks),
        last=all(clock.kind != "pay_by" for clock in found.clocks),
        pot=pot(found),
        is_open=is_open,
        paying=order.status == "placed" and _pays_himself(found, device),
        by=letter.from_name,
        key=checkouts.fresh_key(),
    )


def _pays_himself(found: Found, device: bytes | None) -> bool:
    """Whether the last attempt is the sender's own: of no part, or of one set out on his device."""
    asked = [each for each in found.attempts if each.status == "asked"]
    if not asked:
        return False
    own = {each.part_id for each in found.parts if device is not None and each.device == device}
    return asked[-1].part_id is None or asked[-1].part_id in own
