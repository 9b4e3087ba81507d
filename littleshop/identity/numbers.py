"""Numbers of identity papers: length, check digit, date and age, by country.

A county code is a hint only: codes were given at first issue from 1984 on and later abolished,
so a check of county against birth year refuses real people (PROTOCOLS 8.4).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import date

import msgspec

from littleshop.errors import Refused

ADULT = 16  # who lives on own work from 16 counts as having full capacity (Civil Code art. 18)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
# the permanent resident card: 9, two digits of the place, three of the nationality (ISO 3166)
_PERMITS = {"81": "hk_permit", "82": "macao_permit", "83": "taiwan_permit", "9": "foreign_resident"}


class IdNumber(msgspec.Struct, frozen=True):
    """A number that can be real: `kind` says which paper, `county` its six-digit hint."""

    country: str
    kind: str
    number: str
    birth: date
    county: str

    @property
    def masked(self) -> str:
        """As pages show it: 360************21X would say too much; first and last stay."""
        return f"{self.number[0]}{'*' * (len(self.number) - 2)}{self.number[-1]}"


def parse(text: str, *, on: date, country: str = "CN") -> IdNumber:
    """The number as typed, checked for a person who must be 16 on the day `on`.

    Raises Refused: id_empty, id_length(have, want), id_character(place), id_date(year, month, day),
    id_check_digit, id_underage(from_day), id_country(country) where we know no rules.
    """
    rules = COUNTRIES.get(country)
    if rules is None:
        raise Refused("id_country", country=country)
    typed = unicodedata.normalize("NFKC", text).upper()
    number = "".join(sign for sign in typed if not sign.isspace() and sign not in "-·")
    if not number:
        raise Refused("id_empty")
    return rules(number[:64], on)


def check_digit(first17: str) -> str:
    """The eighteenth character (GB 11643, ISO 7064 mod 11-2)."""
    total = sum(int(digit) * weight for digit, weight in zip(first17, _WEIGHTS, strict=True))
    return _CHECKS[total % 11]


def _mainland(number: str, on: date) -> IdNumber:
    """Resident ID, residence permits 81/82/83, and the foreigners' permanent resident card 9."""
    if len(number) != 18:
        raise Refused("id_length", have=len(number), want=18)
    for place, sign in enumerate(number, start=1):
        if not (sign in "0123456789" or (sign == "X" and place == 18)):
            raise Refused("id_character", place=place, sign=sign)
    year, month, day = number[6:10], number[10:12], number[12:14]
    try:
        birth = date(int(year), int(month), int(day))
    except ValueError:
        raise Refused("id_date", year=year, month=month, day=day) from None
    if not date(1880, 1, 1) <= birth <= on:
        raise Refused("id_date", year=year, month=month, day=day)
    if check_digit(number[:17]) != number[17]:
        raise Refused("id_check_digit")
    kind = _PERMITS.get(number[:2], _PERMITS.get(number[0], "resident"))
    adult_on = _years_later(birth, ADULT)
    if on < adult_on:
        raise Refused("id_underage", age=ADULT, on=adult_on.isoformat())
    return IdNumber(country="CN", kind=kind, number=number, birth=birth, county=number[:6])


def _years_later(day: date, years: int) -> date:
    """The birthday `years` later; born on 29 February, one comes of age on 1 March."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)


# country -> its rules; another country is one function more
COUNTRIES: dict[str, Callable[[str, date], IdNumber]] = {"CN": _mainland}
