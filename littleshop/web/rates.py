"""What the platform takes, in words: for sellers and for the operator's desk."""

from __future__ import annotations

from littleshop import i18n
from littleshop.money import Money
from littleshop.trade.fees import Rate


def percent(bps: int) -> str:
    """Basis points as people write them: 60 is 0.6%."""
    whole, part = divmod(bps, 100)
    return f"{whole}.{part:02d}".rstrip("0").rstrip(".") + "%"


def say(locale: str, rate: Rate, currency: str) -> str:
    """A rate as a phrase: 0.6% + ¥0.10, at least ¥0.20, at most ¥20.00."""

    def amount(minor: int) -> str:
        return str(i18n.money(locale, Money(minor, currency)))

    parts = [percent(rate.bps)] if rate.bps or not rate.fixed_minor else []
    parts += [amount(rate.fixed_minor)] if rate.fixed_minor else []
    told = " + ".join(parts)
    if rate.lowest_minor:
        told += i18n.t(locale, "fees.lowest", amount=amount(rate.lowest_minor))
    if rate.highest_minor is not None:
        told += i18n.t(locale, "fees.highest", amount=amount(rate.highest_minor))
    return told


def rows(locale: str, rates: dict[str, Rate], currency: str) -> list[dict[str, str]]:
    """Every rate with its rail ("" is every other one, last)."""
    order = sorted(rates, key=lambda rail: (not rail, rail))
    return [{"rail": rail, "rate": say(locale, rates[rail], currency)} for rail in order]
