"""What the templates of people, groups, privileges and coupons are given, on a usual day."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.web import console_more_samples as more
from tests.web.console_samples import NOW, ROOT, ago, around, yuan

WHOM = "a" * 64
BELOW = [{"title": "品茗杯", "choice": "月白", "price": yuan(20), "cost": yuan(31)}]


def _words(locale: str, chinese: str, english: str) -> str:
    return chinese if locale == "zh-CN" else english


def _given(locale: str, *, ended: bool = False) -> dict[str, Any]:
    return {
        "label": _words(locale, "老朋友价", "For old friends"),
        "what": _words(locale, "减 10%", "10% off"),
        "whom": "138 **** 2046",
        "whom_url": f"{ROOT}/people/{WHOM}",
        "until": (NOW + timedelta(days=30)).date(),
        "below_cost": True,
        "uses": 3,
        "cost": yuan(48),
        "ended": ended,
        "end_url": f"{ROOT}/privileges/1/end",
    }


def _group(locale: str) -> dict[str, Any]:
    return {
        "name": _words(locale, "熟客", "Regulars"),
        "rule": _words(locale, "买过 3 次以上", "bought 3 times or more"),
        "count": 124,
        "url": f"{ROOT}/groups/1",
    }


def _coupon(locale: str, state: str) -> dict[str, Any]:
    return {
        "label": _words(locale, "春茶券", "Spring tea"),
        "code": "SPRING20",
        "what": _words(locale, "减 ¥20", "¥20 off"),
        "least": yuan(100),
        "until": (NOW + timedelta(days=9)).date(),
        "most": 50,
        "each": 1,
        "channel": _words(locale, "集市", "Market"),
        "uses": 7,
        "cost": yuan(140),
        "sold": yuan(1890),
        "state": state,
        "below_cost": True,
        "url": f"{ROOT}/coupons/1",
    }


def person(locale: str) -> dict[str, Any]:
    """A customer with everything that can be known of him."""
    row = more.people(locale)["people"][0]
    known = {"first_at": ago(9000), "source": _words(locale, "阿婷", "Ting"), "tags": ["VIP"]}
    return around(locale, "people") | {
        "person": row | known,
        "shared": True,
        "addresses": [_words(locale, "陈婉婷 浙江省 杭州市 文三路 478 号", "Ada 12 Shore Place")],
        "may_give": True,
        "give_url": f"{ROOT}/privileges/new?for={WHOM}",
        "privileges": [_given(locale)],
        "birthday": _words(locale, "5 月 2 日", "2 May"),
        "form": {"notes": "", "tags": "VIP"},
        "showed": "{}",
        "errors": {},
    }


def console(locale: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """Name -> (template, context): full, empty, and with what was typed wrongly."""
    here = around(locale, "people")
    wrong = _words(locale, "写个数字。", "A number, please.")
    form = {"form": {}, "errors": {}, "form_key": "k", "sign": "¥"}
    giving = here | form | {"kinds": ["percent", "credit", "prices"], "kind": "", "whom": WHOM,
                            "whom_name": "138 **** 2046", "things": [], "below": []}  # fmt: skip
    percent = giving | {"kind": "percent", "below": BELOW, "form": {"percent": "x"},
                        "errors": {"percent": wrong}}  # fmt: skip
    doors = [{"code": "1-abcde", "name": _coupon(locale, "runs")["channel"]}]
    coupon = here | form | {"channels": doors, "below": []}
    refused = {"form": {"channel": "1-abcde", "off": "x"}, "below": BELOW,
               "errors": {"off": wrong, "channel": wrong}}  # fmt: skip
    groups = here | form | {"rows": [_group(locale)], "may_give": True}
    one = here | {"group": _group(locale), "people": more.people(locale)["people"],
                  "privileges": [_given(locale)], "give_url": "#", "may_give": True}  # fmt: skip
    rows = [_coupon(locale, state) for state in ("runs", "paused", "over", "gone")]
    link = "https://shop.test/@xiaoman?coupon=SPRING20"
    return {
        "person": ("person", person(locale)),
        "person-plain": ("person", person(locale) | {"privileges": [], "addresses": [],
                                                     "birthday": "", "may_give": False}),
        "groups": ("groups", groups),
        "groups-wrong": ("groups", groups | {"rows": [], "errors": {"orders": wrong}}),
        "group": ("group", one),
        "group-none": ("group", one | {"people": [], "privileges": []}),
        "privileges": ("privileges", here | {"rows": [_given(locale)],
                                             "ended": [_given(locale, ended=True)]}),
        "privileges-none": ("privileges", here | {"rows": [], "ended": []}),
        "privilege-new": ("privilege_new", giving),
        "privilege-wrong": ("privilege_new", percent),
        "coupons": ("coupons", here | {"rows": rows}),
        "coupons-none": ("coupons", here | {"rows": []}),
        "coupon": ("coupon", here | {"coupon": rows[0], "paused": False, "link": link}),
        "coupon-paused": ("coupon", here | {"coupon": rows[1], "paused": True, "link": link}),
        "coupon-new": ("coupon_new", coupon),
        "coupon-wrong": ("coupon_new", coupon | refused),
        "coupon-no-way": ("coupon_new", coupon | {"channels": []}),
    }  # fmt: skip
