"""Shipping rates as people read them: where a rule holds, and what it costs there."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from uuid import UUID

from littleshop import i18n
from littleshop.catalog import provinces
from littleshop.catalog.products import Variant
from littleshop.catalog.shipping_rates import Rate, Rule
from littleshop.money import Money
from littleshop.pricing import postage, quotes
from littleshop.pricing.facts import VariantFacts
from littleshop.pricing.quotes import Item
from littleshop.trade import regions


def where(locale: str, rate: Rate, rule: Rule) -> str:
    """The provinces of a rule: 江苏、浙江、上海."""
    if not rule.regions:
        return i18n.t(locale, "postage.elsewhere" if len(rate.rules) > 1 else "postage.everywhere")
    names = [regions.called(locale, provinces.NAMES[code]) for code in rule.regions]
    return ("、" if locale.startswith("zh") else ", ").join(names)


def cost(locale: str, measure: str, rule: Rule, currency: str) -> str:
    """What a rule says, in a line: ¥8.00 for 1 piece, ¥2.00 for every piece more."""
    if not rule.delivered:
        return i18n.t(locale, "postage.never")
    if not rule.first_minor and (measure == "order" or not rule.more_minor):
        return i18n.t(locale, "postage.free")
    first = _money(locale, rule.first_minor, currency)
    units = _units(locale, measure, rule.first_units)
    parts = [i18n.t(locale, f"postage.{measure}", first=first, units=units)]
    if measure != "order" and rule.more_minor:
        more = _units(locale, measure, rule.more_units)
        fee = _money(locale, rule.more_minor, currency)
        parts.append(i18n.t(locale, "postage.more", fee=fee, units=more))
    if rule.free_over_minor is not None:
        over = _money(locale, rule.free_over_minor, currency)
        parts.append(i18n.t(locale, "postage.over", over=over))
    if rule.free_pieces is not None:
        pieces = _units(locale, "piece", rule.free_pieces)
        parts.append(i18n.t(locale, "postage.pieces", units=pieces))
    return i18n.t(locale, "postage.and").join(parts)


def _money(locale: str, minor: int, currency: str) -> str:
    return str(i18n.money(locale, Money(minor, currency)))


def _units(locale: str, measure: str, units: int) -> str:
    if measure == "weight":
        return i18n.t(locale, "postage.kg", number=kilos(units))
    return i18n.t(locale, "postage.units", count=units)


def kilos(grams: int) -> str:
    """Grams as kilograms without needless zeros: 1.5."""
    return f"{grams // 1000}.{grams % 1000:03}".rstrip("0").rstrip(".")


def told(locale: str, rate: Rate, currency: str) -> list[SimpleNamespace]:
    """A template as rows: where, and what it costs there."""
    return [
        SimpleNamespace(
            where=where(locale, rate, rule), cost=cost(locale, rate.measure, rule, currency)
        )
        for rule in rate.rules
    ]


def of_thing(locale: str, facts: Mapping[UUID, VariantFacts], ready: Variant) -> SimpleNamespace:
    """What sending one piece costs, as the checkout would say. `over`: from which sum on nothing is
    charged, where a variant does not come to it: the page is one for every choice. `asks`: it
    depends on the province; `rows` say how."""
    known = facts[ready.variant_id]
    if known.virtual is not None:
        nothing = Money(0, known.currency)
        return SimpleNamespace(fee=nothing, over=None, asks=False, rows=[], virtual=True)
    rate = postage.rate_of(known)
    made = [quotes.quote(facts, [Item(each, 1)], "courier") for each in facts]
    fees = [each.shipping for each in made]
    if any(each.depends for each in made):
        least = min(fees, key=lambda fee: fee.minor)
        return SimpleNamespace(
            fee=least, over=None, asks=True, rows=told(locale, rate, known.currency)
        )
    rule = rate.rules[-1]
    if rule.free_over_minor is None or not any(fees):
        return SimpleNamespace(fee=fees[0], over=None, asks=False, rows=[])
    fee, over = (Money(minor, known.currency) for minor in (rule.first_minor, rule.free_over_minor))
    return SimpleNamespace(fee=fee, over=over, asks=False, rows=[])
