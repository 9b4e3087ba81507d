"""Postage: pure arithmetic from what is sent, by which rates, and where to.

Things of one rate are counted together. Where an order has several rates, the dearest first fee
is paid once; what goes by the others is counted as further pieces (or grams), never dearer than
if it went alone: it is one parcel. Free from a sum or a number of pieces counts what goes by
that rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from littleshop.catalog import provinces, shipping_rates
from littleshop.catalog.shipping_rates import Rate, Rule
from littleshop.errors import Refused
from littleshop.pricing.facts import VariantFacts


class Piece(msgspec.Struct, frozen=True):
    """A line that is sent: `minor` is what its goods cost."""

    facts: VariantFacts
    quantity: int
    minor: int


class Postage(msgspec.Struct, frozen=True):
    """What sending costs in minor units and why: a key of words for people. `depends`: nobody said
    where to, and there are places to which it costs more, or where nothing is sent."""

    minor: int
    reason: str
    depends: bool = False


class Share(msgspec.Struct, frozen=True):
    """All of an order that goes by one rate."""

    rate: Rate
    titles: tuple[str, ...]
    pieces: int
    grams: int
    minor: int

    @property
    def units(self) -> int:
        """What the rate counts."""
        return {"order": 1, "piece": self.pieces, "weight": self.grams}[self.rate.measure]


def rate_of(facts: VariantFacts) -> Rate:
    """By which rate a thing is sent."""
    if facts.rate is None:
        return shipping_rates.flat(facts.shipping_flat_minor, facts.shipping_free_over_minor)
    return msgspec.convert(facts.rate, Rate)


def of(pieces: Sequence[Piece], to: str) -> Postage:
    """What is paid to have these sent to the province with the code `to`; to nobody knows where
    (provinces.UNKNOWN) what it costs at least, and to ELSEWHERE what it costs where no rule names
    the place, or at most, where nothing is sent there.

    Raises Refused: not_delivered(title=), not_delivered_together.
    """
    shares = _shares(pieces)
    if to in provinces.NAMES:
        return _to(shares, to)
    there = [each for each in (_maybe(shares, code) for code in _places(shares)) if each]
    if not there:
        raise Refused("not_delivered_together")
    if to == provinces.ELSEWHERE:
        return _maybe(shares, provinces.ELSEWHERE) or max(there, key=lambda each: each.minor)
    least = min(there, key=lambda each: each.minor)
    depends = len({each.minor for each in there}) > 1 or len(there) < len(_places(shares))
    return msgspec.structs.replace(least, reason="from", depends=True) if depends else least


def usual(rate: Rate, goods_minor: int) -> int:
    """What goods of this worth cost to send by a rate that asks neither pieces nor place."""
    return _to([Share(rate, (), 1, 0, goods_minor)], provinces.ELSEWHERE).minor


def need_delivered(pieces: Sequence[Piece], to: str) -> None:
    """Raises Refused not_delivered(title=) when some of it is not sent to this province."""
    if to in provinces.NAMES:
        _rules(_shares(pieces), to)


def _shares(pieces: Sequence[Piece]) -> list[Share]:
    found: dict[UUID | None, Share] = {}
    for piece in pieces:
        rate = rate_of(piece.facts)
        known = found.get(rate.rate_id) or Share(rate, (), 0, 0, 0)
        found[rate.rate_id] = Share(
            rate,
            (*known.titles, piece.facts.title),
            known.pieces + piece.quantity,
            known.grams + piece.quantity * piece.facts.weight_grams,
            known.minor + piece.minor,
        )
    return list(found.values())


def _places(shares: Sequence[Share]) -> list[str]:
    """Every place that could differ: the provinces that are named, and one for all the others."""
    named = {code for share in shares for rule in share.rate.rules for code in rule.regions}
    others = [provinces.ELSEWHERE] if len(named) < len(provinces.NAMES) else []
    return [*others, *sorted(named)]


def _maybe(shares: Sequence[Share], to: str) -> Postage | None:
    try:
        return _to(shares, to)
    except Refused:
        return None


def _rules(shares: Sequence[Share], to: str) -> list[Rule]:
    rules = [share.rate.rule(to) for share in shares]
    for share, rule in zip(shares, rules, strict=True):
        if not rule.delivered:
            raise Refused("not_delivered", title=share.titles[0])
    return rules


def _to(shares: Sequence[Share], to: str) -> Postage:
    rules = _rules(shares, to)
    waived = [_is_free(share, rule) for share, rule in zip(shares, rules, strict=True)]
    paying = [
        (share, rule)
        for share, rule, free in zip(shares, rules, waived, strict=True)
        if not free and _whole(share, rule)
    ]
    if not paying:
        costs = any(_whole(share, rule) for share, rule in zip(shares, rules, strict=True))
        return Postage(0, "free_over" if costs else "always_free")
    paying.sort(key=lambda each: (each[1].first_minor, _whole(*each)))  # stable
    *others, main = paying
    minor = _whole(*main) + sum(min(_further(*each), _whole(*each)) for each in others)
    by_region = any(len(share.rate.rules) > 1 or share.rate.rate_id for share in shares)
    return Postage(minor, "by_region" if by_region else "flat")


def _is_free(share: Share, rule: Rule) -> bool:
    over, pieces = rule.free_over_minor, rule.free_pieces
    return (over is not None and share.minor >= over) or (
        pieces is not None and share.pieces >= pieces
    )


def _whole(share: Share, rule: Rule) -> int:
    """What it costs sent alone, were it not free."""
    if share.rate.measure == "order":
        return rule.first_minor
    further = max(share.units - rule.first_units, 0)
    return rule.first_minor + -(-further // rule.more_units) * rule.more_minor


def _further(share: Share, rule: Rule) -> int:
    """What it adds to a parcel that is paid already."""
    if share.rate.measure == "order":
        return 0
    return -(-share.units // rule.more_units) * rule.more_minor
