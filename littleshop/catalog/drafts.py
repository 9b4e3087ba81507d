"""Drafts: a product as the seller typed it, tidied and checked before anything is written."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import product as combinations
from uuid import UUID

import msgspec

from littleshop.catalog import colours, exceptions
from littleshop.errors import Refused

TITLE_LENGTH = 120
DESCRIPTION_LENGTH = 10_000
MOST_VARIANTS = 100
MOST_MINOR = 9_999_999_999
MOST_STOCK = 1_000_000
MOST_TAGS = 20
TAG_LENGTH = 30
_BETWEEN_TAGS = re.compile("[,，;；、\n]")
_BIDI = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])


class Option(msgspec.Struct, frozen=True, omit_defaults=True):
    """An axis of choice: 釉色 with 青灰, 月白; `colours` of the values that have one, #RRGGBB."""

    name: str
    values: tuple[str, ...]
    colours: dict[str, str] = {}


class VariantDraft(msgspec.Struct, frozen=True):
    """A variant as the seller typed it; `choice` has one value per option, `stock` is counted."""

    choice: tuple[str, ...]
    price_minor: int
    stock: int
    compare_at_minor: int | None = None
    sku: str = ""
    variant_id: UUID | None = None


class ProductDraft(msgspec.Struct, frozen=True):
    """A product as the seller typed it; `no_return`: of which kind of exceptions it is, or ""."""

    title: str
    variants: tuple[VariantDraft, ...]
    description: str = ""
    options: tuple[Option, ...] = ()
    category: str = ""
    status: str = "on_sale"
    no_return: str = ""
    tags: tuple[str, ...] = ()


def check(draft: ProductDraft) -> ProductDraft:
    """The draft tidied. Raises Refused: product_title_empty, product_title_length(have, most),
    product_description_length, product_no_return, price_too_small, price_too_large, compare_at,
    stock_count, options_wrong, variants_missing, variants_too_many(most)."""
    title = tidy(draft.title)
    if not title:
        raise Refused("product_title_empty")
    if len(title) > TITLE_LENGTH:
        raise Refused("product_title_length", have=len(title), most=TITLE_LENGTH)
    _check_description(draft.description)
    if draft.status not in ("draft", "on_sale", "hidden"):
        raise Refused("product_status")
    if draft.no_return not in ("", *exceptions.KINDS):
        raise Refused("product_no_return")
    options = _check_options(draft.options)
    wanted = set(combinations(*(option.values for option in options)))
    if not draft.variants:
        raise Refused("variants_missing")
    if len(draft.variants) > MOST_VARIANTS:
        raise Refused("variants_too_many", most=MOST_VARIANTS)
    variants = tuple(_check_variant(variant) for variant in draft.variants)
    choices = [variant.choice for variant in variants]
    if len(set(choices)) != len(choices) or not set(choices) <= wanted:
        raise Refused("options_wrong")
    return msgspec.structs.replace(
        draft,
        title=title,
        description=_paragraphs(draft.description),
        options=options,
        variants=variants,
        category=tidy(draft.category)[:40],
        tags=tags(draft.tags),
    )


def own_words(title: str, description: str) -> tuple[str, str]:
    """A re-seller's title and text tidied, "" where she leaves the supplier's. Raises Refused:
    product_title_length(have, most), product_description_length."""
    title = tidy(title)
    if len(title) > TITLE_LENGTH:
        raise Refused("product_title_length", have=len(title), most=TITLE_LENGTH)
    _check_description(description)
    return title, _paragraphs(description)


def _check_description(text: str) -> None:
    if len(text) > DESCRIPTION_LENGTH:
        raise Refused("product_description_length", have=len(text), most=DESCRIPTION_LENGTH)


def tags(typed: Iterable[str]) -> tuple[str, ...]:
    """Tags tidied, each once, MOST_TAGS at most; what parts them in a sheet or a form is no part
    of one."""
    told = (tidy(each)[:TAG_LENGTH].strip() for some in typed for each in _BETWEEN_TAGS.split(some))
    return tuple(each for each in dict.fromkeys(told) if each)[:MOST_TAGS]


def tidy(text: str) -> str:
    """One line without control characters, direction marks and doubled spaces."""
    plain = unicodedata.normalize("NFC", text).translate(_BIDI)
    shown = (" " if sign.isspace() else sign for sign in plain)
    return " ".join(
        "".join(s for s in shown if unicodedata.category(s)[0] != "C" or s == "\u200d").split()
    )


def _paragraphs(text: str) -> str:
    lines = [tidy(line) for line in text.replace("\r\n", "\n").split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _check_options(options: Sequence[Option]) -> tuple[Option, ...]:
    tidied = tuple(map(_tidy_option, options))
    named = all(option.name and option.values and all(option.values) for option in tidied)
    names = [option.name for option in tidied]
    if len(tidied) > 3 or not named or len(set(names)) != len(names):
        raise Refused("options_wrong")
    return tidied


def _tidy_option(option: Option) -> Option:
    values = tuple(dict.fromkeys(tidy(value)[:30] for value in option.values))
    painted = {tidy(value)[:30]: colour for value, colour in option.colours.items()}
    if not all(colours.HEX.fullmatch(colour) for colour in painted.values()):
        raise Refused("options_wrong")
    kept = {value: painted[value] for value in values if value in painted}
    return Option(tidy(option.name)[:20], values, kept)


def _check_variant(variant: VariantDraft) -> VariantDraft:
    if variant.price_minor < 1:
        raise Refused("price_too_small")
    if variant.price_minor > MOST_MINOR:
        raise Refused("price_too_large")
    if variant.compare_at_minor is not None and not (
        variant.price_minor < variant.compare_at_minor <= MOST_MINOR
    ):
        raise Refused("compare_at")
    if not 0 <= variant.stock <= MOST_STOCK:
        raise Refused("stock_count", most=MOST_STOCK)
    return msgspec.structs.replace(
        variant,
        choice=tuple(tidy(value)[:30] for value in variant.choice),
        sku=tidy(variant.sku)[:40],
    )
