"""Quotes: pure arithmetic from facts to lines, each with its reason, and a total."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from littleshop.errors import Refused
from littleshop.money import Money
from littleshop.pricing.facts import VariantFacts

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
    """A line of the receipt. `kind`: goods or shipping; `reason`: a key of words for people;
    `facts` with the price that is charged, `shelf_minor` the shelf's where that is another."""

    kind: str
    amount: Money
    reason: str = ""
    facts: VariantFacts | None = None
    quantity: int = 0
    shelf_minor: int | None = None


class Quote(msgspec.Struct, frozen=True):
    """What it costs and why; `digest` names exactly this answer."""

    lines: tuple[Line, ...]
    goods: Money
    shipping: Money
    total: Money
    pricing_version: int
    digest: str


def quote(
    facts: Mapping[UUID, VariantFacts],
    items: Sequence[Item],
    way: str,
    agreed: Agreed | None = None,
) -> Quote:
    """Price `items`, handed over by `way` (courier, pickup or none), at the shelf's prices or at
    those `agreed`.

    Raises Refused: cart_empty, quantity_wrong, variant_gone(title=), shop_closed,
    too_large(most=).
    """
    if not items:
        raise Refused("cart_empty")
    if len({item.variant_id for item in items}) < len(items):
        raise Refused("quantity_wrong", most=MOST_PIECES)  # one line per variant, as pages post it
    lines = []
    for item in items:
        known = facts.get(item.variant_id)
        if known is None or not (known.sold or (agreed is not None and agreed.unlisted)):
            raise Refused("variant_gone", title=known.title if known else "")
        if not 1 <= item.quantity <= MOST_PIECES:
            raise Refused("quantity_wrong", most=MOST_PIECES)
        lines.append(_goods(known, item.quantity, agreed))
    terms = facts[items[0].variant_id]
    if terms.shop_status != "open":
        raise Refused("shop_closed")
    goods = sum((line.amount for line in lines[1:]), lines[0].amount)
    if not goods:
        raise Refused("cart_empty")  # only things that are given away
    shipping, reason = _shipping(terms, goods, way, agreed)
    lines.append(Line("shipping", shipping, reason=reason))
    total = goods + shipping
    most = MOST_MINOR.get(total.currency, total.minor)
    if total.minor > most:
        raise Refused("too_large", most=Money(most, total.currency))
    return Quote(
        lines=tuple(lines),
        goods=goods,
        shipping=shipping,
        total=total,
        pricing_version=terms.pricing_version,
        digest=_digest(lines, way),
    )


def _goods(known: VariantFacts, quantity: int, agreed: Agreed | None) -> Line:
    price = agreed.prices.get(known.variant_id, known.price_minor) if agreed else known.price_minor
    if agreed is None or price == known.price_minor:
        return Line("goods", Money(price, known.currency) * quantity, "", known, quantity)
    charged = msgspec.structs.replace(known, price_minor=price)
    amount = Money(price, known.currency) * quantity
    return Line("goods", amount, agreed.reason, charged, quantity, known.price_minor)


def _shipping(
    terms: VariantFacts, goods: Money, way: str, agreed: Agreed | None
) -> tuple[Money, str]:
    free = Money(0, terms.currency)
    if way != "courier":
        return free, way
    if agreed is not None and agreed.shipping is not None:
        return Money(agreed.shipping, terms.currency), agreed.reason
    if terms.shipping_flat_minor == 0:
        return free, "always_free"
    over = terms.shipping_free_over_minor
    if over is not None and goods.minor >= over:
        return free, "free_over"
    return Money(terms.shipping_flat_minor, terms.currency), "flat"


def _digest(lines: Sequence[Line], way: str) -> str:
    text = "|".join(
        f"{line.kind}:{line.facts.variant_id if line.facts else ''}"
        f":{line.quantity}:{line.amount.minor}{line.amount.currency}:{line.reason}"
        for line in lines
    )
    return hashlib.sha256(f"{way}|{text}".encode()).hexdigest()[:16]
