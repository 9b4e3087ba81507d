"""Phone numbers: read as people type them, kept as E.164, shown masked."""

from __future__ import annotations

import re
import unicodedata

import msgspec
import phonenumbers
from babel import Locale

from littleshop import crypto
from littleshop.errors import Refused

# where the default SMS routes deliver; an operator's setting may replace it
ALLOWED = frozenset({"CN", "HK", "MO", "TW", "GB", "US", "SG", "MY", "JP", "KR", "AU", "CA", "NZ"})
_MOBILE = (
    phonenumbers.PhoneNumberType.MOBILE,
    phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE,  # North America does not tell them apart
)

# A tenth of the time for what nearly everybody types here; tested to be what the library says.
_MAINLAND = re.compile(r"(?:\+86 ?)?(1(?:3[0-9]|5[0-35-9]|8[0-9])[0-9]{8})")


class Phone(msgspec.Struct, frozen=True):
    """`e164` like +8613800002046; `country` is its ISO 3166 code."""

    e164: str
    country: str

    @property
    def masked(self) -> str:
        """As pages show it: 138 **** 2046."""
        return crypto.mask_phone(self.e164)


def parse(text: str, *, region: str = "CN", allowed: frozenset[str] = ALLOWED) -> Phone:
    """A mobile phone that can be sent a code.

    Numbers without a country are read as of `region`. Raises Refused: phone_length(have, want)
    for a mainland number of the wrong length, phone_invalid, phone_not_mobile, phone_empty,
    phone_country(country_zh, country_en, calling).
    """
    typed = unicodedata.normalize("NFKC", text).strip()
    if typed.startswith("00"):
        typed = "+" + typed[2:]
    digits = "".join(letter for letter in typed if letter.isdecimal())
    if len(typed) > 40 or not digits.isascii():
        raise Refused("phone_invalid")
    _count_mainland(typed, digits, region)
    if region == "CN" and "CN" in allowed and (plain := _MAINLAND.fullmatch(typed)):
        return Phone(e164="+86" + plain[1], country="CN")
    try:
        number = phonenumbers.parse(typed, region)
    except phonenumbers.NumberParseException:
        raise Refused("phone_invalid") from None
    country = phonenumbers.region_code_for_number(number)
    if country is None or not phonenumbers.is_valid_number(number):
        raise Refused("phone_invalid")
    if country not in allowed:
        raise Refused("phone_country", **_named(country), calling=f"+{number.country_code}")
    if phonenumbers.number_type(number) not in _MOBILE:
        raise Refused("phone_not_mobile")
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return Phone(e164=e164, country=country)


def _count_mainland(typed: str, digits: str, region: str) -> None:
    """Say how many digits are missing or too many: 11 after an optional +86."""
    if typed.startswith("+"):
        if not digits.startswith("86"):
            return
        digits = digits[2:]
    elif region != "CN":
        return
    elif len(digits) == 13 and digits.startswith("86"):
        digits = digits[2:]
    if not digits:
        raise Refused("phone_empty")
    if digits.startswith("1") and len(digits) != 11:
        raise Refused("phone_length", have=len(digits), want=11)


def _named(country: str) -> dict[str, str]:
    """The country in both languages; each language's text takes its own."""
    return {
        f"country_{tongue}": Locale(tongue).territories.get(country, country)
        for tongue in ("zh", "en")
    }
