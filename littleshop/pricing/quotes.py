"""Quotes: pure arithmetic from facts to lines, each with its reason, and a total."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from littleshop.catalog import provinces
from littleshop.errors import Refused
from littleshop.money import Money
from littleshop.pricing import bringing, discounts, offers, postage
from littleshop.pricing.discounts import Hint, Take, Taken, Thing
from littleshop.pricing.facts import VariantFacts
from littleshop.pricing.offers import Offers
from littleshop.pricing.postage import Piece

MOST_PIECES = 999

# The most that one order may come to, per currency in minor units. Alipay takes 0.01 to
# 100,000,000.00 yuan in one payment, and an order is one payment; a piece may cost up to
# 99,999,999.99, so less would keep a shop from selling what it may put up. What a buyer's own
# bank or wallet allows is theirs to say. A currency without a rail has no maximum of ours.
MOST_MINOR = {"CNY": 10_000_000_000}


class Item(msgspec.Struct, frozen=True):
    """What somebody wants: a variant and how many."""

    variant_id: UUID
    quantity: int


class Agreed(msgspec.Struct, frozen=True):
    """Prices that two people agreed on, or a team's, in place of the shelf's. `reason`: invited or
    team; `prices` of one piece in minor units; `shipping` None: as the shop charges; `unlisted`:
    also of what is not on the shelf."""

    reason: str
    prices: Mapping[UUID, int]
    shipping: int | None = None
    unlisted: bool = False


class Line(msgspec.Struct, frozen=True):
    """A line of the receipt. `kind`: goods, privilege, coupon, credit or shipping; `reason`: a key
    of words for people; `facts` with the price that is charged, `shelf_minor` the shelf's where
    that is another; `off` in minor units: what the discounts take off these goods; `opened`: a
    privilege sells what the shelf does not; `label` and `source`: the privilege or coupon by which
    it is so; `floored`: its goods' cost kept it less."""

    kind: str
    amount: Money
    reason: str = ""
    facts: VariantFacts | None = None
    quantity: int = 0
    shelf_minor: int | None = None
    off: int = 0
    opened: bool = False
    label: str = ""
    source: UUID | None = None
    floored: bool = False


class Quote(msgspec.Struct, frozen=True):
    """What it costs and why; `digest` names exactly this answer; `way`: none where nobody carries
    it, else as asked; `depends`: nobody has said where it goes, and elsewhere it may cost more."""

    lines: tuple[Line, ...]
    goods: Money
    shipping: Money
    total: Money
    pricing_version: int
    digest: str
    discount: Money
    takes: tuple[Take, ...] = ()
    hints: tuple[Hint, ...] = ()
    depends: bool = False
    way: str = "courier"


def quote(
    facts: Mapping[UUID, VariantFacts],
    items: Sequence[Item],
    way: str,
    agreed: Agreed | None = None,
    code: str = "",
    to: str = provinces.UNKNOWN,
) -> Quote:
    """Price `items`, handed over by `way` (courier, pickup, local or none) in the province with the
    code `to` (local: at that spot, pricing/bringing.py), at the shelf's prices with what is off
    for who asks (`code`: the coupon he typed), or at those `agreed`, which is all.

    Raises Refused: cart_empty, quantity_wrong, variant_gone(title=), variant_unknown, shop_closed,
    virtual_apart, not_delivered(title=), not_delivered_together, too_large(most=), and of a local
    delivery what bringing.of raises.
    """
    if not items:
        raise Refused("cart_empty")
    if len({item.variant_id for item in items}) < len(items):
        raise Refused("quantity_wrong", most=MOST_PIECES)  # one line per variant, as pages post it
    own = _offers(facts, items, agreed)
    lines = [_wanted(facts, item, own, agreed) for item in items]
    terms = facts[items[0].variant_id]
    if terms.shop_status != "open":
        raise Refused("shop_closed")
    goods = _sum(lines)
    if not goods:
        raise Refused("cart_empty")  # only things that are given away
    way = _way([facts[item.variant_id] for item in items], way, agreed)
    shipping, depends = _shipping(lines, way, agreed, own, to)
    taken = _taken(lines, own, shipping, code)
    lines = [*_less(lines, taken), *_off(taken, terms.currency), shipping]
    discount = Money(sum(each.minor for each in taken.discounts), terms.currency)
    total = goods + shipping.amount - discount
    most = MOST_MINOR.get(total.currency, total.minor)
    if total.minor > most:
        raise Refused("too_large", most=Money(most, total.currency))
    return Quote(
        lines=tuple(lines),
        goods=goods,
        shipping=shipping.amount,
        total=total,
        pricing_version=terms.pricing_version,
        digest=_digest(lines, way),
        discount=discount,
        takes=taken.takes,
        hints=taken.hints,
        depends=depends,
        way=way,
    )


def _sum(lines: Sequence[Line]) -> Money:
    return sum((line.amount for line in lines[1:]), lines[0].amount)


def _way(things: Sequence[VariantFacts], asked: str, agreed: Agreed | None) -> str:
    """How it is handed over: what nobody carries is, whatever was asked; the two go apart. Only in
    a letter nothing needs to be carried of other things. Raises Refused: virtual_apart,
    something_is_sent."""
    virtual = {each.virtual is not None for each in things}
    if len(virtual) > 1:
        raise Refused("virtual_apart")
    if True in virtual:
        return "none"
    if asked == "none" and (agreed is None or agreed.reason != "invited"):
        raise Refused("something_is_sent")
    return asked


def _offers(
    facts: Mapping[UUID, VariantFacts], items: Sequence[Item], agreed: Agreed | None
) -> Offers:
    if agreed is not None:
        return offers.NOTHING
    rows = (facts[item.variant_id].offers for item in items if item.variant_id in facts)
    return offers.read(next((row for row in rows if row is not None), None))


def _wanted(
    facts: Mapping[UUID, VariantFacts], item: Item, own: Offers, agreed: Agreed | None
) -> Line:
    known = facts.get(item.variant_id)
    if known is None or not (known.sold or _opened(known, own, agreed)):
        raise Refused("variant_gone", title=known.title) if known else Refused("variant_unknown")
    if not 1 <= item.quantity <= MOST_PIECES:
        raise Refused("quantity_wrong", most=MOST_PIECES)
    return _goods(known, item.quantity, agreed)


def _opened(known: VariantFacts, own: Offers, agreed: Agreed | None) -> bool:
    """Whether what is not on the shelf is sold to who asks."""
    if agreed is not None:
        return agreed.unlisted
    return known.unlisted and own.opens(known.product_id)


def _taken(lines: Sequence[Line], own: Offers, shipping: Line, code: str) -> Taken:
    if not (own.privileges or own.coupons or code):
        return Taken()
    things = [
        Thing(line.facts.variant_id, line.facts.price_minor, line.quantity, line.facts.cost_minor)
        for line in lines
        if line.facts is not None
    ]
    return discounts.work_out(things, own, shipping.amount.minor, code)


def _less(lines: Sequence[Line], taken: Taken) -> Sequence[Line]:
    if not taken.discounts:
        return lines
    return [
        msgspec.structs.replace(line, off=taken.of_line(place)) for place, line in enumerate(lines)
    ]


def _off(taken: Taken, currency: str) -> list[Line]:
    return [
        Line(
            each.kind,
            Money(-each.minor, currency),
            each.reason,
            label=each.label,
            source=each.source,
            floored=each.floored,
        )
        for each in taken.discounts
    ]


def _goods(known: VariantFacts, quantity: int, agreed: Agreed | None) -> Line:
    price = agreed.prices.get(known.variant_id, known.price_minor) if agreed else known.price_minor
    if agreed is None or price == known.price_minor:
        opened = agreed is None and not known.sold
        amount = Money(price, known.currency) * quantity
        return Line("goods", amount, "", known, quantity, opened=opened)
    charged = msgspec.structs.replace(known, price_minor=price)
    amount = Money(price, known.currency) * quantity
    return Line("goods", amount, agreed.reason, charged, quantity, known.price_minor)


def _shipping(
    lines: Sequence[Line], way: str, agreed: Agreed | None, own: Offers, to: str
) -> tuple[Line, bool]:
    """What handing over costs and why, and whether another region could cost another sum."""
    currency = lines[0].amount.currency
    free = Money(0, currency)
    if way == "local":
        brought = bringing.of(lines[0].facts and lines[0].facts.local, to, _sum(lines))
        return Line("shipping", Money(brought.minor, currency), brought.reason), brought.depends
    if way != "courier":
        return Line("shipping", free, way), False
    if agreed is not None and agreed.shipping is not None:
        return Line("shipping", Money(agreed.shipping, currency), agreed.reason), False
    pieces = [
        Piece(line.facts, line.quantity, line.amount.minor)
        for line in lines
        if line.facts is not None
    ]
    due = postage.of(pieces, to)
    given = next((each for each in own.privileges if each.kind == "postage"), None)
    if given is not None and (due.minor or due.depends):
        return Line("shipping", free, "privilege", label=given.label, source=given.id), False
    return Line("shipping", Money(due.minor, currency), due.reason), due.depends


def _digest(lines: Sequence[Line], way: str) -> str:
    text = "|".join(
        f"{line.kind}:{line.facts.variant_id if line.facts else ''}"
        f":{line.quantity}:{line.amount.minor}{line.amount.currency}:{line.reason}"
        f"{f':{line.source}:{line.off}' if line.source or line.off else ''}"
        for line in lines
    )
    return hashlib.sha256(f"{way}|{text}".encode()).hexdigest()[:16]
