"""Amounts and counts as people type them, without any float."""

from __future__ import annotations

import re
import unicodedata

from littleshop.catalog import drafts
from littleshop.errors import Refused
from littleshop.money import digits

_SIGNS = re.compile(r"[\s¥￥£$€]|CNY|RMB|元", re.I)
_GROUPED = re.compile(r"-?\d{1,3}(,\d{3})+(\.\d*)?\Z")


def amount(text: str, currency: str, *, least: int) -> int:
    """An amount as typed (168, ¥1,250.80, １２．５) in minor units.

    Raises Refused: price_empty, price_number, price_decimals(places), price_too_small,
    price_too_large.
    """
    typed = _SIGNS.sub("", unicodedata.normalize("NFKC", text[:64])).replace("−", "-")
    typed = typed.replace("。", ".").replace("、", ",")
    if not typed:
        raise Refused("price_empty")
    if _GROUPED.match(typed):
        typed = typed.replace(",", "")
    if not re.fullmatch(r"-?(\d+\.?\d*|\.\d+)", typed, re.ASCII):
        raise Refused("price_number")
    places = digits(currency)
    minus = typed.startswith("-")
    whole, _, cents = typed.lstrip("-").partition(".")
    if len(cents.rstrip("0")) > places:
        raise Refused("price_decimals", places=places)
    minor = int(whole or "0") * int(10**places) + int((cents[:places] or "0").ljust(places, "0"))
    if minor > drafts.MOST_MINOR and not minus:
        raise Refused("price_too_large")
    if (minus and minor) or minor < least:
        raise Refused("price_too_small")
    return minor


def count(text: str) -> int:
    """A number of pieces as typed. Raises Refused: stock_empty, stock_number, stock_count(most)."""
    typed = re.sub(r"[\s,]", "", unicodedata.normalize("NFKC", text[:64]))
    if not typed:
        raise Refused("stock_empty")
    if not re.fullmatch(r"-?\d+", typed, re.ASCII):
        raise Refused("stock_number")
    pieces = int(typed)
    if not 0 <= pieces <= drafts.MOST_STOCK:
        raise Refused("stock_count", most=drafts.MOST_STOCK)
    return pieces


def shown(minor: int, currency: str) -> str:
    """An amount as it stands in a field or a cell: 168.00."""
    places = digits(currency)
    whole, cents = divmod(minor, 10**places)
    return f"{whole}.{cents:0{places}}" if places else str(whole)
