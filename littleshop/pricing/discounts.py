"""Discounts: pure arithmetic from what somebody has to what is taken off each line, and why.

In this order, whoever asks: the best price of each line (price lists, percents and birthdays
exclude one another), then the one best coupon, then credit of the shop. Nothing goes below what
the goods cost their seller unless he said so; a credit he gave is such a word. A fen stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from littleshop.money import Money
from littleshop.pricing.offers import Coupon, Offers, Privilege

PRICED = ("prices", "percent", "birthday")


class Thing(msgspec.Struct, frozen=True):
    """A line of goods at the shelf's price; `cost_minor` of one piece where the seller said it."""

    variant_id: UUID
    price_minor: int
    quantity: int
    cost_minor: int | None = None

    @property
    def amount(self) -> int:
        return self.price_minor * self.quantity

    @property
    def cost(self) -> int:
        return (self.cost_minor or 0) * self.quantity


class Discount(msgspec.Struct, frozen=True):
    """What one privilege, coupon or credit takes off: `parts` by line, in minor units. `floored`:
    it would be more, but for the cost."""

    kind: str  # privilege, coupon, credit
    reason: str
    label: str
    source: UUID
    parts: tuple[int, ...]
    floored: bool = False

    @property
    def minor(self) -> int:
        return sum(self.parts)


class Take(msgspec.Struct, frozen=True):
    """So much of a claim that placing takes: uses, or minor units of a credit."""

    claim: UUID
    kind: str
    most: int
    amount: int


class Hint(msgspec.Struct, frozen=True):
    """Why a coupon is not used: what its row says, short (of its threshold), unknown, better, or
    low (nothing can come off these goods any more)."""

    why: str
    label: str = ""
    minor: int = 0


class Taken(msgspec.Struct, frozen=True):
    """What is taken off, what of, and what is not."""

    discounts: tuple[Discount, ...] = ()
    takes: tuple[Take, ...] = ()
    hints: tuple[Hint, ...] = ()

    def of_line(self, place: int) -> int:
        """How much of one line."""
        return sum(each.parts[place] for each in self.discounts)


def work_out(things: Sequence[Thing], offers: Offers, postage: int, code: str = "") -> Taken:
    """What `offers` take off these lines, where `postage` in minor units is paid besides them."""
    found, takes = _prices(things, offers.privileges, postage)
    coupon, more, hints = _coupon(things, found, offers.coupons, postage)
    found, takes = [*found, *coupon], [*takes, *more]
    if code and not any(each.typed for each in offers.coupons):
        hints = [Hint("unknown", code), *hints]
    for each in offers.privileges:
        if each.kind == "credit" and each.claim is not None:
            spent = _credit(things, found, each, postage)
            if spent is not None:
                found.append(spent)
                takes.append(Take(each.claim, "credit", each.minor or 0, spent.minor))
    return Taken(tuple(found), tuple(takes), tuple(hints))


def left(things: Sequence[Thing], found: Sequence[Discount]) -> list[int]:
    """What of each line is still to be paid."""
    return [
        thing.amount - sum(each.parts[place] for each in found)
        for place, thing in enumerate(things)
    ]


def _room(
    things: Sequence[Thing], found: Sequence[Discount], postage: int, *, below_cost: bool
) -> tuple[list[int], int]:
    """How much may go off each line, and off all of them."""
    rest = left(things, found)
    floors = [0 if below_cost else thing.cost for thing in things]
    room = [max(now - floor, 0) for now, floor in zip(rest, floors, strict=True)]
    return room, max(min(sum(room), sum(rest) + postage - 1), 0)


def _split(minor: int, room: Sequence[int]) -> tuple[int, ...]:
    """A sum over the lines by largest remainder; none gets more than its room."""
    if not minor:
        return (0,) * len(room)
    return tuple(part.minor for part in Money(minor, "").split(room))


def _prices(
    things: Sequence[Thing], privileges: Sequence[Privilege], postage: int
) -> tuple[list[Discount], list[Take]]:
    """Each line at the best price that its buyer has; equal ones: the first, a birthday last."""
    usable = [each for each in privileges if each.kind in PRICED and each.left > 0]
    usable.sort(key=lambda each: each.kind == "birthday")  # stable
    parts = {each.id: [0] * len(things) for each in usable}
    floored: set[UUID] = set()
    for place, thing in enumerate(things):
        best: tuple[int, Privilege] | None = None
        for each in usable:
            wish = _off(thing, each)
            most = thing.amount if each.below_cost else max(thing.amount - thing.cost, 0)
            if wish > most:
                floored.add(each.id)
            if min(wish, most) > (best[0] if best else 0):
                best = min(wish, most), each
        if best is not None:
            parts[best[1].id][place] = best[0]
    found = [
        Discount(
            "privilege", each.kind, each.label, each.id, tuple(parts[each.id]), each.id in floored
        )
        for each in usable
        if any(parts[each.id])
    ]
    _leave_a_fen(things, found, postage)
    found = [each for each in found if each.minor]
    chosen = {each.source for each in found}
    takes = [
        Take(each.claim, "birthday", 1, 1)
        for each in usable
        if each.id in chosen and each.claim is not None
    ]
    return found, takes


def _off(thing: Thing, privilege: Privilege) -> int:
    if privilege.bps is not None:
        return Money(thing.amount, "").bps(privilege.bps).minor
    price = (privilege.prices or {}).get(thing.variant_id, thing.price_minor)
    return max(thing.price_minor - price, 0) * thing.quantity


def _leave_a_fen(things: Sequence[Thing], found: list[Discount], postage: int) -> None:
    """Of a few fen half a percent may be all: what goes off last goes off less then."""
    if found and sum(left(things, found)) + postage < 1:
        last = found[-1]
        place = max(range(len(last.parts)), key=last.parts.__getitem__)
        parts = tuple(part - (at == place) for at, part in enumerate(last.parts))
        found[-1] = msgspec.structs.replace(last, parts=parts)


def _coupon(
    things: Sequence[Thing], found: Sequence[Discount], coupons: Sequence[Coupon], postage: int
) -> tuple[list[Discount], list[Take], list[Hint]]:
    """The one coupon that takes most off; equal ones: what was typed, then the first."""
    base = sum(left(things, found))
    hints, best = [], None
    for each in sorted(coupons, key=lambda coupon: not coupon.typed):
        if each.no is not None:
            if each.typed or each.no == "gone":
                hints.append(Hint(each.no, each.label))
            continue
        if base < each.least:
            hints.append(Hint("short", each.label, each.least - base))
            continue
        wish = each.minor if each.minor is not None else Money(base, "").bps(each.bps or 0).minor
        room, most = _room(things, found, postage, below_cost=each.below_cost)
        if best is None or min(wish, most) > best[0]:
            if best is not None and best[1].typed:
                hints.append(Hint("better", best[1].label))
            floored = wish > sum(room) and not each.below_cost and base > sum(room)
            best = min(wish, most), each, room, floored
        elif each.typed:
            hints.append(Hint("better", each.label))
    if best is None or not best[0]:
        no_room = [Hint("low", best[1].label)] if best is not None and best[1].typed else []
        return [], [], [*no_room, *hints]
    minor, used, room, floored = best
    line = Discount("coupon", used.kind, used.label, used.id, _split(minor, room), floored)
    return [line], _uses(used), hints


def _uses(coupon: Coupon) -> list[Take]:
    takes = [Take(coupon.id, "coupon", coupon.most, 1)] if coupon.most is not None else []
    if coupon.claim is not None:
        takes.append(Take(coupon.claim, "coupon_each", coupon.each, 1))
    return takes


def _credit(
    things: Sequence[Thing], found: Sequence[Discount], credit: Privilege, postage: int
) -> Discount | None:
    room, most = _room(things, found, postage, below_cost=True)
    minor = min(credit.left, most)
    if minor < 1:
        return None
    return Discount("credit", "credit", credit.label, credit.id, _split(minor, room))
