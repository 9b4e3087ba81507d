"""Colours of option values: a small palette that people know by name, or any other as #RRGGBB."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from littleshop import i18n
from littleshop.errors import Refused

PALETTE = {  # their names are the texts "colours.KEY"
    "white": "#FFFFFF",
    "cream": "#F3EAD7",
    "moon": "#E3E8E6",
    "grey": "#9A9A96",
    "black": "#1E1C1A",
    "celadon": "#8FB3A9",
    "green": "#5E8C5A",
    "blue": "#3F6EA5",
    "navy": "#26364F",
    "purple": "#7B5C93",
    "pink": "#E3A7AE",
    "red": "#B8372F",
    "orange": "#E0803A",
    "yellow": "#E2B93B",
    "camel": "#B9976B",
    "brown": "#7A5236",
}
HEX = re.compile(r"#[0-9A-F]{6}")
_TYPED = re.compile(r"#?([0-9a-f]{3}|[0-9a-f]{6})", re.I)
_OF_COLOUR = re.compile(r"色|釉|colou?r|glaze|shade", re.I)


def read(text: str) -> str:
    """The colour of a name of either language or of #rgb, #rrggbb; "" for none.

    Raises Refused colour_unknown(text).
    """
    plain = _plain(text)
    if not plain:
        return ""
    found = _TYPED.fullmatch(plain)
    if found and (plain.startswith("#") or len(found[1]) == 6):
        digits = found[1] if len(found[1]) == 6 else "".join(sign * 2 for sign in found[1])
        return f"#{digits.upper()}"
    key = _by_name().get(plain)
    if key is None:
        raise Refused("colour_unknown", text=text.strip()[:30])
    return PALETTE[key]


def guess(axis: str, value: str) -> str:
    """What a value is called like, when its axis is one of colours; else ""."""
    key = _by_name().get(_plain(value)) if _OF_COLOUR.search(axis) else None
    return PALETTE[key] if key else ""


def shown(locale: str, colour: str) -> str:
    """A colour as it stands in a field: its name, else its digits."""
    key = next((key for key, known in PALETTE.items() if known == colour), None)
    return name(locale, key) if key else colour


def name(locale: str, key: str) -> str:
    """What a colour of the palette is called."""
    return i18n.t(locale, f"colours.{key}")


@cache
def _by_name() -> dict[str, str]:
    return {_plain(name(locale, key)): key for locale in i18n.LOCALES for key in PALETTE}


def _plain(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).strip().casefold()
    return plain.removesuffix("色") if len(plain) > 1 else plain
