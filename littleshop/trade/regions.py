"""Regions of China: look-ups for the picker, and reading an address somebody pasted."""

from __future__ import annotations

import json
import re
import unicodedata
from functools import cache
from pathlib import Path

import msgspec
import phonenumbers

_TABLE = Path(__file__).parent.parent / "static" / "regions.json"
_ENGLISH = _TABLE.with_name("regions_en.json")  # in the order of the table


class Region(msgspec.Struct, frozen=True):
    """A district with what it lies in; `code` has six digits (GB/T 2260 as of the table)."""

    code: str
    province: str
    city: str
    district: str


class Address(msgspec.Struct, frozen=True):
    """What could be read of a pasted address; what could not is empty, never invented."""

    name: str = ""
    phone: str = ""
    province: str = ""
    city: str = ""
    district: str = ""
    detail: str = ""
    code: str = ""


@cache
def every() -> tuple[Region, ...]:
    """All districts in the order of their codes."""
    return tuple(
        Region(province + city + entry[:2], province_name, city_name, entry[2:])
        for province, province_name, cities in json.loads(_TABLE.read_text(encoding="utf-8"))
        for city, city_name, districts in cities
        for entry in districts.split() or ["00"]
    )


@cache
def _by_code() -> dict[str, Region]:
    return {region.code: region for region in every()}


def find(code: str) -> Region | None:
    """The district of a six-digit code, or None."""
    return _by_code().get(code)


@cache
def provinces() -> tuple[str, ...]:
    """The names of the provinces in order."""
    return tuple(dict.fromkeys(region.province for region in every()))


@cache
def _english() -> dict[str, str]:
    return dict(zip(provinces(), (row[0] for row in _english_rows()), strict=True))


def line(*parts: str) -> str:
    """Province, city, district and street in a row, as far as they are known; of a municipality,
    which is its own city, the name stands once, and what only fills the table's second row never
    (海南省 五指山市)."""
    told = [part for part in parts if part and part not in _PLACEHOLDERS]
    return " ".join(part for at, part in enumerate(told) if not at or part != told[at - 1])


def written(locale: str, province: str) -> str:
    """A province as a reader of this language finds it: 浙江省, or Zhejiang 浙江省."""
    return province if locale.startswith("zh") else f"{_english()[province]} {province}"


def called(locale: str, province: str) -> str:
    """A province in a list of several: 浙江, or Zhejiang."""
    return short(province) if locale.startswith("zh") else _english()[province]


@cache
def cities(province: str) -> tuple[str, ...]:
    """The cities of a province; empty for an unknown one."""
    return tuple(dict.fromkeys(each.city for each in every() if each.province == province))


@cache
def districts(province: str, city: str) -> tuple[str, ...]:
    """The districts of a city; empty for an unknown one or one without."""
    return tuple(
        each.district
        for each in every()
        if each.province == province and each.city == city and each.district
    )


def match(province: str, city: str, district: str) -> Region | None:
    """The district of these three names as the picker sends them, or None."""
    return _by_names().get((province, city, district))


@cache
def _by_names() -> dict[tuple[str, str, str], Region]:
    return {(each.province, each.city, each.district): each for each in every()}


_ENDINGS = re.compile(
    r"(特别行政区|维吾尔自治区|壮族自治区|回族自治区|自治区|自治州|自治县|地区|新区|省|市|区|县|盟)$"
)
_PEOPLES = re.compile(
    r"(土家族|布依族|蒙古族|哈尼族|朝鲜族|柯尔克孜|哈萨克|傈僳族|景颇族|蒙古|藏族|彝族|苗族|侗族"
    r"|壮族|傣族|白族|羌族|回族|满族)+$"
)
_PLACEHOLDERS = frozenset({"省直辖县", "自治区直辖县级行政区划", "县"})


@cache
def short(name: str) -> str:
    """A name as people write it: 广东省 -> 广东, 黔东南苗族侗族自治州 -> 黔东南."""
    plain = _ENDINGS.sub("", name)
    bare = _PEOPLES.sub("", plain) if name.endswith(("自治州", "自治县")) else plain
    return next((each for each in (bare, plain) if len(each) >= 2), name)


_LABELS = {
    "name": r"收货人|收件人|联系人|姓名|名字|收货姓名|deliver to|ship to|recipient|name",
    "phone": r"手机号码|手机号|手机|联系电话|联系方式|电话号码|电话|phone|tel",
    "region": r"所在地区|所在区域|地区|省市区",
    "detail": r"详细地址|收货地址|收件地址|地址|address",
}
_LABEL = re.compile(rf"(?:^|(?<=[\s,;|]))(?:{'|'.join(_LABELS.values())})\s*[:]\s*", re.IGNORECASE)
_NAME_LABEL = re.compile(
    rf"(?:{_LABELS['name']})\s*[:]\s*([^\s,;|\d]+(?: [A-Za-z]+)*)", re.IGNORECASE
)
_PHONE = re.compile(
    r"(?<![\d])(?:(?:\+|00)?86[- ]?)?(1[3-9]\d(?:[- ]?\d{4}){2})(?!\d)"
    r"|(?<![\d])(0\d{2,3}-?\d{7,8})(?!\d)"
)
_ABROAD = re.compile(r"\+(?!86)\d[\d-]*(?: [\d-]+)*")
_POSTCODE = re.compile(r"(?<!\d)\d{6}(?!\d)")
_BREAKS = re.compile(r"[\s,;|]+")
_COURTESY = re.compile(r"^[(]?(?:收|先生|女士|小姐)[)]?$|[(]收[)]$|(?<=.{2})收$")


def parse_address(text: str) -> Address:
    """Split a pasted address: name, phone, province, city, district, detail.

    Knows labels (收货人:), short names (广东 深圳 南山), a missing province or city where the rest
    leaves no doubt, and either order of name and address; in Latin letters the parts between
    commas. Never raises; at most 500 signs count.
    """
    if not re.search("[\u4e00-\u9fff]", text):
        return _parse_latin(unicodedata.normalize("NFKC", text[:500]))
    plain = unicodedata.normalize("NFKC", text[:500]).translate(_PUNCTUATION)
    named = _NAME_LABEL.search(plain)
    name = named[1] if named else ""
    if named:
        plain = plain[: named.start()] + " " + plain[named.end() :]
    plain, phone = _take_phone(_LABEL.sub(" ", plain))
    words = [word for word in _BREAKS.split(plain) if word]
    if not name:
        name, words = _take_name(words)
    place, detail = _take_place(" ".join(words))
    if place is None:
        return Address(name=name, phone=phone, detail=detail)
    return Address(
        name=name,
        phone=phone,
        province=place.province,
        city=place.city,
        district=place.district,
        detail=detail,
        code=place.code if place.district else "",
    )


_PUNCTUATION = str.maketrans({"，": ",", "；": ";", "。": " ", "、": ",", "：": ":", "（": "(",
                              "）": ")", "\u3000": " ", "\n": " ", "\t": " "})  # fmt: skip


_NO_NAME = re.compile(
    r"\d|\b(road|rd|street|st|lane|ln|avenue|ave|building|bldg|room|unit|floor|block|tower|garden"
    r"|village|no|house|plaza)\b", re.IGNORECASE,
)  # fmt: skip
_COUNTRY = re.compile(r"(p\.?\s?r\.?\s?)?china$", re.IGNORECASE)


def _parse_latin(text: str) -> Address:
    """Name, phone and the three places among the parts of an address written from small to large;
    the rest is the street."""
    plain, phone = _take_phone(_LABEL.sub(" ", text.replace("\n", ",").replace(";", ",")))
    parts = [part for part in (part.strip(" .-") for part in plain.split(",")) if part]
    parts = [part for part in parts if not (_COUNTRY.match(part) or _POSTCODE.fullmatch(part))]
    province = _take(parts, {_bare(name): chinese for chinese, name in _english().items()})
    city = _take(parts, _cities_in_english(province)) if province else ""
    district = _take(parts, _districts_in_english(province, city)) if city else ""
    if province and not city and len(only := cities(province)) == 1:
        city = only[0]
        district = _take(parts, _districts_in_english(province, city))
    named = [part for part in parts if len(part.split()) <= 4 and not _NO_NAME.search(part)]
    alone = phone != "" and not province  # a name and a phone, nothing else
    name = named[0] if named and (alone or len(parts) > 1) else ""
    detail = re.sub(" +", " ", ", ".join(part for part in parts if part != name))
    region = match(province, city, district)
    return Address(name, phone, province, city, district, detail, region.code if region else "")


def _take(parts: list[str], names: dict[str, str]) -> str:
    """The last part that is one of these names, taken out of them; in Chinese."""
    for place in range(len(parts) - 1, -1, -1):
        found = names.get(_bare(parts[place]))
        if found:
            del parts[place]
            return found
    return ""


def _bare(name: str) -> str:
    plain = re.sub(r"[’'`\s.-]", "", name.lower())
    return re.sub(r"(?<=.)(province|city|municipality|district|county|newarea|\d{6})+$", "", plain)


@cache
def _cities_in_english(province: str) -> dict[str, str]:
    """The cities of a province by their English names."""
    return {
        _bare(row[0]): city for city, row in zip(cities(province), _rows(province), strict=True)
    }


@cache
def _districts_in_english(province: str, city: str) -> dict[str, str]:
    row = _rows(province)[cities(province).index(city)]
    names = row[1].split(",") if len(row) > 1 else []
    return dict(zip(map(_bare, names), districts(province, city), strict=False))


def _rows(province: str) -> list[list[str]]:
    found: list[list[str]] = _english_rows()[provinces().index(province)][1]
    return found


@cache
def _english_rows() -> list[tuple[str, list[list[str]]]]:
    rows: list[tuple[str, list[list[str]]]] = json.loads(_ENGLISH.read_text(encoding="utf-8"))
    return rows


def _take_phone(text: str) -> tuple[str, str]:
    if found := _ABROAD.search(text):
        for groups in range(len(found[0].split()), 0, -1):
            written = " ".join(found[0].split()[:groups])
            number = _foreign(written)
            if number:
                return text.replace(written, " ", 1), number
    found = _PHONE.search(text)
    if found is None:
        return text, ""
    digits = re.sub(r"[- ]", "", found[1] or found[2])
    return f"{text[: found.start()]} {text[found.end() :]}", digits


def _take_name(words: list[str]) -> tuple[str, list[str]]:
    """The word that can only be a name: short, no digits, no place; the shortest such one."""
    kept = [word for word in (_COURTESY.sub("", word) for word in words) if word]
    latin = [word for word in kept if word.isascii() and word.isalpha()]
    chinese = [
        word
        for word in kept
        if 2 <= len(word) <= (5 if word in (kept[0], kept[-1]) else 4)
        and all("\u4e00" <= sign <= "\u9fff" or sign == "·" for sign in word)
        and not _is_place(word)
    ]
    ends = [word for word in chinese if word in (kept[0], kept[-1])]
    if ends or chinese:
        name = min(ends or chinese, key=len)
        kept.remove(name)
        return name, kept
    if latin and len(latin) <= 3:
        return " ".join(latin), [word for word in kept if word not in latin]
    return "", kept


def _foreign(written: str) -> str:
    """E.164 of a number of another country when it has a possible length, else empty."""
    try:
        number = phonenumbers.parse(written)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(number):
        return ""
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


_PLACE_ENDINGS = ("省", "市", "区", "县", "镇", "乡", "村", "路", "街", "巷", "里", "号", "楼",
                  "苑", "园", "城", "道", "栋", "室", "旗", "州", "庄", "弄")  # fmt: skip


def _is_place(word: str) -> bool:
    return word in _known_names() or (len(word) > 2 and word.endswith(_PLACE_ENDINGS))


@cache
def _known_names() -> frozenset[str]:
    names = {name for each in every() for name in (each.province, each.city, each.district)}
    return frozenset(names | {short(name) for name in names})


def _take_place(text: str) -> tuple[Region | None, str]:
    """The region at the beginning of the address and what follows it."""
    rest = text.strip()
    rest = re.sub(r"^中国\s*", "", rest)
    province, rest = _strip(rest, provinces())
    candidates = [each for each in every() if not province or each.province == province]
    cities_here = tuple(dict.fromkeys(each.city for each in candidates))
    city, after_city = _strip(rest, [name for name in cities_here if name not in _PLACEHOLDERS])
    within = [each for each in candidates if not city or each.city == city]
    district, after = _strip(after_city, tuple(dict.fromkeys(each.district for each in within)))
    if not district and city:  # 吉林市 in 吉林省, 海南 in 青海: the city may have been none
        again, after_again = _strip(rest, tuple(dict.fromkeys(e.district for e in candidates)))
        if again and not _strip(rest, (city,), whole=True)[0]:
            city, district, after = "", again, after_again
    found = [
        each
        for each in candidates
        if (not city or each.city == city) and (not district or each.district == district)
    ]
    place = _conclude(found, province, city, district)
    if place is None:
        return None, _tidy_detail(text)
    after = after if district else after_city if city else rest
    return place, _tidy_detail(_POSTCODE.sub(" ", after))


def _conclude(found: list[Region], province: str, city: str, district: str) -> Region | None:
    """What is known for sure: missing levels are filled in only when all candidates agree."""
    if not (province or city or district) or not found:
        return None
    first = found[0]
    same_province = all(each.province == first.province for each in found)
    same_city = same_province and all(each.city == first.city for each in found)
    if not same_province:  # 朝阳区 alone is in several cities: leave it to the person
        return None if not city else Region("", "", city, district)
    if not same_city:
        return Region("", first.province, city, district)
    code = first.code if len(found) == 1 else ""
    return Region(code, first.province, first.city, first.district if code else district)


def _strip(
    text: str, names: tuple[str, ...] | list[str], *, whole: bool = False
) -> tuple[str, str]:
    """The name with which the text begins, full or short, and the rest; the longest one wins."""
    best, length = "", 0
    for name in names:
        if not name:
            continue
        for written in (name,) if whole else (name, short(name)):
            if len(written) > length and text.startswith(written):
                best, length = name, len(written)
    if not best:
        return "", text
    rest = text[length:].lstrip()
    for ending in () if text.startswith(best) else ("省", "市", "区", "县"):
        rest = rest.removeprefix(ending)  # 重庆 of 重庆市 when written 重庆 市
    return best, rest.lstrip()


def _tidy_detail(text: str) -> str:
    return _BREAKS.sub(" ", text).strip(" -,")
