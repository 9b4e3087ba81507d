"""Couriers: the table, and which of them a tracking number may be of.

The rules are a guess, best first (PROTOCOLS 8.2); the seller always has the last word.
"""

from __future__ import annotations

import re
import unicodedata

import msgspec


class Carrier(msgspec.Struct, frozen=True):
    """`code` is ours and kept in rows; `kuaidi100` and `kdniao` are what those tracking services
    call it, "" where they do not know it."""

    code: str
    zh: str
    en: str
    kuaidi100: str
    kdniao: str

    def name(self, locale: str) -> str:
        """The name in a person's language."""
        return self.zh if locale.startswith("zh") else self.en


CARRIERS = {
    carrier.code: carrier
    for carrier in (
        Carrier("sf", "顺丰速运", "SF Express", "shunfeng", "SF"),
        Carrier("zto", "中通快递", "ZTO Express", "zhongtong", "ZTO"),
        Carrier("yto", "圆通速递", "YTO Express", "yuantong", "YTO"),
        Carrier("yunda", "韵达快递", "Yunda Express", "yunda", "YD"),
        Carrier("sto", "申通快递", "STO Express", "shentong", "STO"),
        Carrier("jt", "极兔速递", "J&T Express", "jtexpress", "JTSD"),
        Carrier("jd", "京东物流", "JD Logistics", "jd", "JD"),
        Carrier("ems", "邮政 EMS", "EMS China", "ems", "EMS"),
        Carrier("post", "邮政快递包裹", "China Post parcel", "youzhengguonei", "YZPY"),
        Carrier("deppon", "德邦快递", "Deppon Express", "debangkuaidi", "DBL"),
        Carrier("danniao", "菜鸟速递", "Cainiao Express", "danniao", "DNWL"),
        Carrier("fengwang", "丰网速运", "Fengwang Express", "fengwang", "FWX"),
        Carrier("zjs", "宅急送", "ZJS Express", "zhaijisong", "ZJS"),
        Carrier("ups", "UPS", "UPS", "ups", "UPS"),
        Carrier("fedex", "联邦快递", "FedEx", "fedex", "FEDEX"),
        Carrier("dhl", "DHL", "DHL", "dhl", "DHL"),
        Carrier("royal_mail", "英国皇家邮政", "Royal Mail", "royalmail", ""),
        Carrier("usps", "美国邮政", "USPS", "usps", "USPS"),
        Carrier("other", "其他快递", "Another courier", "auto", ""),
    )
}


class Guess(msgspec.Struct, frozen=True):
    """A carrier and how sure we are, 0 to 100."""

    carrier: Carrier
    sure: int


_RULES: tuple[tuple[str, str, int], ...] = (
    ("sf", r"SF\d{12,15}", 98),
    ("sf", r"\d{12}", 20),
    ("jd", r"JD[A-Z0-9]{11,18}", 97),
    ("yto", r"YT\d{13}", 98),
    ("yto", r"[CDGQVW]\d{9}", 40),
    ("jt", r"JT\d{13}", 98),
    ("zto", r"7[3568]\d{12}", 85),
    ("zto", r"7\d{11,13}", 50),
    ("sto", r"77\d{13}", 92),
    ("sto", r"[2368]68\d{9}", 45),
    ("yunda", r"4[36]\d{13}", 85),
    ("yunda", r"3\d{14}", 60),
    ("yunda", r"4\d{12}", 60),
    ("deppon", r"DPK\d{12,13}", 98),
    ("post", r"9[89]\d{11}", 75),
    ("ems", r"1[01]\d{11}", 70),
    ("danniao", r"(LP|TM|CN)\d{14,16}", 55),
    ("ups", r"1Z[A-Z0-9]{16}", 97),
    ("dhl", r"\d{10}", 30),
    ("fedex", r"\d{12}", 15),
    ("fedex", r"\d{15}", 15),
)
_S10 = re.compile(r"([A-Z]{2})(\d{8})(\d)([A-Z]{2})")
_S10_POSTS = {"CN": "ems", "GB": "royal_mail", "US": "usps"}
_S10_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)


def clean(text: str) -> str:
    """A tracking number as scanned or typed: capitals and digits only."""
    typed = unicodedata.normalize("NFKC", text[:80]).upper()
    return "".join(sign for sign in typed if sign.isascii() and sign.isalnum())


def guess(text: str) -> list[Guess]:
    """The carriers a number may be of, the likeliest first, each once; empty when none fits."""
    number = clean(text)
    best: dict[str, int] = {}
    for code, pattern, sure in _RULES:
        if re.fullmatch(pattern, number):
            best[code] = max(sure, best.get(code, 0))
    if found := _S10.fullmatch(number):
        post = _S10_POSTS.get(found[4])
        if post is not None and s10_check_digit(found[2]) == int(found[3]):
            best[post] = 97
    ranked = sorted(best.items(), key=lambda pair: -pair[1])
    return [Guess(CARRIERS[code], sure) for code, sure in ranked]


def s10_check_digit(serial: str) -> int:
    """The ninth digit of a postal item number (UPU standard S10) from its eight digits."""
    total = sum(int(digit) * weight for digit, weight in zip(serial, _S10_WEIGHTS, strict=True))
    return {10: 0, 11: 5}.get(11 - total % 11, 11 - total % 11)


_THING = re.compile(r"69\d{11}|0\d{11}")  # EAN-13 of China, UPC-A of groceries


def is_of_a_thing(text: str) -> bool:
    """Whether this is the barcode of a thing in a shop (GTIN) and no parcel's number: thirteen
    digits from 69, or twelve from 0, with the right check digit."""
    number = clean(text)
    return bool(_THING.fullmatch(number)) and gtin_check_digit(number[:-1]) == int(number[-1])


def gtin_check_digit(digits: str) -> int:
    """The last digit of a thing's number (GS1 General Specifications, 7.9) from those before it."""
    total = sum(int(digit) * (3, 1)[at % 2] for at, digit in enumerate(reversed(digits)))
    return -total % 10
