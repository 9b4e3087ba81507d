"""The form of what another shop ships: a price for each kind or one margin for all of them, and
the re-seller's own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import Request

from littleshop.catalog import drafts
from littleshop.errors import Refused
from littleshop.money import Money
from littleshop.sale import listing_resold
from littleshop.supply.resale_offers import Price
from littleshop.web import forms
from littleshop.web.console import frame, margins
from littleshop.web.console.margins import Margin
from littleshop.web.forms import Form

WORDS = {"title": drafts.TITLE_LENGTH, "description": drafts.DESCRIPTION_LENGTH}


class PricedVariant(msgspec.Struct, frozen=True):
    """A variant under the id by which it is priced. `shelf_minor`: what is asked for it in the
    supplier's own shop, or here; `listed` when that is here; `left`: how many he has, None for
    plenty."""

    variant_id: UUID
    label: str
    price: Price
    shelf_minor: int
    currency: str
    left: int | None
    listed: bool = False

    @property
    def proposed(self) -> int:
        if self.listed:
            return self.shelf_minor
        return listing_resold.suggested(self.price, self.shelf_minor)

    def with_margin(self, margin: Margin) -> int:
        return self.price.supply_minor + margin.of(self.price.supply_minor)

    def check(self, minor: int) -> None:
        """Raises Refused: as listing_resold.check_price."""
        listing_resold.check_price(self.price, minor, self.currency)


class Typed(msgspec.Struct):
    """What was typed: prices by kind and words; `errors` by field, `fields` as they are shown."""

    prices: dict[UUID, int]
    words: tuple[str, str]
    errors: dict[str, str]
    fields: dict[str, str]


def _percent(kinds: Sequence[PricedVariant]) -> int:
    """The margin in whole per cent that is proposed for all: as much as leaves none above what is
    proposed for it, and none below what the supplier asks of it."""
    most = min((each.proposed * 100 // each.price.supply_minor for each in kinds), default=100)
    least = max(
        (-(-(each.price.least_minor or 0) * 100 // each.price.supply_minor) for each in kinds),
        default=0,
    )
    return max(most, least, 100) - 100


def _fits(kind: PricedVariant, margin: Margin) -> bool:
    return kind.price.why_not(kind.with_margin(margin)) is None


def context(
    kinds: Sequence[PricedVariant], typed: Mapping[str, str], words: tuple[str, str] = ("", "")
) -> dict[str, Any]:
    """The fields as typed, or as they stand or are proposed."""
    several = len(kinds) > 1
    percent = 0 if kinds and kinds[0].listed else _percent(kinds)
    margin = Margin("percent", percent * 100)
    return {
        "rows": [_row(place, each, typed, margin, several) for place, each in enumerate(kinds)],
        "margin": margins.shown(typed, str(percent) if percent else "") if several else None,
        "words": {name: typed.get(name, stands) for name, stands in zip(WORDS, words, strict=True)},
    }


def _row(
    place: int, kind: PricedVariant, typed: Mapping[str, str], margin: Margin, several: bool
) -> dict[str, Any]:
    """A kind with the field for its price: what it costs her, what it leaves, what she may ask."""
    price, currency, wish = kind.price, kind.currency, kind.proposed
    gain = None if typed else wish - price.supply_minor
    follows = several and not kind.listed and _fits(kind, margin)
    value = "" if follows else forms.shown(wish, currency)
    return {
        "name": f"price-{place}",
        "label": kind.label,
        "value": typed.get(f"price-{place}", value),
        "supply": Money(price.supply_minor, currency),
        "gain": None if gain is None or gain < 0 else Money(gain, currency),
        "loss": None if gain is None or gain >= 0 else Money(-gain, currency),
        "asks": Money(wish, currency) if kind.listed else None,
        "least": Money(price.least_minor, currency) if price.least_minor else None,
        "most": Money(price.most_minor, currency) if price.most_minor else None,
        "elsewhere": None if kind.listed else Money(kind.shelf_minor, currency),
        "left": kind.left,
    }


def read(request: Request, form: Form, kinds: Sequence[PricedVariant]) -> Typed:
    """What was typed. A kind's own price goes before the margin for all, unless it is the one it
    had."""
    title, description = (form.text(name, 4 * most) for name, most in WORDS.items())
    fields = {f"price-{at}": form.text(f"price-{at}", 20) for at in range(len(kinds))}
    fields |= {name: form.text(name, 20) for name in margins.FIELDS if name in form}
    known = Typed(
        {}, (title, description), {}, fields | {"title": title, "description": description}
    )
    margin = _said(request, form, kinds, known)
    for place, each in enumerate(kinds):
        name = f"price-{place}"
        text = fields[name].strip()
        if not text and "more" in known.errors:
            continue  # that is what is to be put right
        if margin is not None and (not text or (each.listed and text == _now(each))):
            text = forms.shown(each.with_margin(margin), each.currency)
        try:
            minor = forms.price(text, each.currency)
            each.check(minor)
            known.prices[each.variant_id] = minor
        except Refused as no:
            known.fields[name] = text
            known.errors.setdefault(name, frame.sentence(request, no))
    _check_words(request, known)
    return known


def _said(
    request: Request, form: Form, kinds: Sequence[PricedVariant], known: Typed
) -> Margin | None:
    """The margin for all; what is wrong with it stands at its field."""
    if len(kinds) < 2:
        return None
    try:
        return margins.read(form, kinds[0].currency)
    except Refused as no:
        known.errors["more"] = frame.sentence(request, no)
        return None


def _now(kind: PricedVariant) -> str:
    return forms.shown(kind.shelf_minor, kind.currency)


def _check_words(request: Request, known: Typed) -> None:
    try:
        known.words = drafts.own_words(*known.words)
    except Refused as no:
        field = "title" if no.code == "product_title_length" else "description"
        known.errors[field] = frame.sentence(request, no)
