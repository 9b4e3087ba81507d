"""Which courier a tracking number is of: as chosen, else as the number says."""

from __future__ import annotations

from littleshop.errors import Refused
from littleshop.sale import shipping
from littleshop.trade import carriers

SURE = 85  # a guess that needs no second look
USUAL = ("sf", "zto", "yto", "yunda", "sto", "jt", "jd", "ems", "other")


def choose(number: str, carrier: str) -> str:
    """The carrier that was chosen, else a guess that is sure.

    Raises Refused: tracking_number, barcode_of_a_thing, carrier_unclear when several are likely,
    carrier_unknown.
    """
    shipping.tracking_number(number)
    if carrier:
        return carrier
    if carriers.is_of_a_thing(number):
        raise Refused("barcode_of_a_thing")
    ranked = carriers.guess(number)
    if not ranked:
        raise Refused("carrier_unknown")
    if ranked[0].sure < SURE:
        raise Refused("carrier_unclear")
    return ranked[0].carrier.code


def choices(locale: str, number: str = "", chosen: str = "") -> list[dict[str, str]]:
    """Carriers to choose from, the likeliest of the number first: code and name."""
    guessed = [guess.carrier.code for guess in carriers.guess(number)]
    codes = dict.fromkeys([*guessed, *USUAL])
    if chosen in carriers.CARRIERS:
        codes.setdefault(chosen)
    return [{"code": code, "name": carriers.CARRIERS[code].name(locale)} for code in codes]
