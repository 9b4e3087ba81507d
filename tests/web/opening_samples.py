"""A person on her way to a shop: a context per page of templates/entry, good and bad input."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import segno

from littleshop import i18n

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
ORDER = ("phone", "identity", "card", "shop")
VIRAL = ("phone", "shop", "identity", "card")
SAID = {
    "phone": "138 **** 2046",
    "identity": "林**",
    "card": "招商银行 **** 8814",
    "shop": "小满茶器",
}


def steps(number: int, order: tuple[str, ...] = ORDER, **other: str) -> list[dict[str, Any]]:
    """The four steps with the `number`th open; `other` gives a step another state."""
    rows = []
    for place, name in enumerate(order):
        state = "done" if place < number - 1 else "now" if place == number - 1 else "next"
        state = other.get(name, state)
        change = f"/open/{name}" if state not in ("now", "next") else None
        row = {"place": place, "name": name, "state": state, "said": SAID[name]}
        rows.append(row | {"change_url": change})
    return rows


def _opening(step: str, number: int, order: tuple[str, ...] = ORDER) -> dict[str, Any]:
    return {
        "steps": steps(number, order),
        "step": step,
        "number": number,
        "minutes_left": 5 - number,
        "viral": order is VIRAL,
        "another": order is VIRAL,
        "brought": None,
        "form": {},
        "errors": {},
        "refused": "",
        "form_key": "k1",
        "shop_id": 7,
        "next_name": order[number] if number < 4 else None,
        "may_skip": order is VIRAL and step in ("identity", "card"),
        "leave_url": "/open/saved",
        "terms_url": "/legal/terms",
        "privacy_url": "/legal/privacy",
    }


def _code() -> dict[str, Any]:
    return {
        "phone_masked": "138 **** 2046",
        "resend_after": 42,
        "code_url": "/open/phone/code",
        "resend_url": "/open/phone/code/again",
        "change_phone_url": "/open",
    }


def _identity(locale: str) -> dict[str, Any]:
    kinds = ["resident", "hk_permit", "macao_permit", "taiwan_permit", "foreign_resident"]
    form = {"legal_name": "林小满", "id_number": "36020319920503", "document": "resident"}
    return {"documents": kinds, "birthday": date(1992, 5, 3), "form": form}


def _said(locale: str) -> dict[str, str]:
    """What is said to bad input."""
    kenya = {"country_en": "Kenya", "country_zh": "肯尼亚", "calling": "+254"}
    bank = {"bank_en": "CMB", "bank_zh": "招商银行"}
    return {
        "country": i18n.t(locale, "errors.phone_country", **kenya),
        "code": i18n.t(locale, "errors.code_wrong", left=3),
        "check": i18n.t(locale, "errors.id_check_digit"),
        "luhn": i18n.t(locale, "errors.card_luhn"),
        "credit": i18n.t(locale, "errors.card_credit", **bank),
        "slug": i18n.t(locale, "errors.slug_taken", slug="xiaoman", free="xiaoman2"),
    }


def _first_steps(locale: str) -> dict[str, dict[str, Any]]:
    said = _said(locale)
    brought = {
        "shop_name": "小满茶器",
        "product_title": "青灰釉盖碗，松木柴烧",
        "picture_url": "/town/gaiwan-celadon.svg",
    }
    wrong = {"form": {"phone": "+254 712"}, "errors": {"phone": said["country"]}}
    odd = {"errors": {"id_number": said["check"]}, "birthday": None}
    person = _identity(locale)
    return {
        "phone": _opening("phone", 1, VIRAL) | {"brought": brought},
        "phone-bad": _opening("phone", 1) | wrong,
        "code": _opening("code", 1) | _code(),
        "identity": _opening("identity", 2) | person | {"may_skip": True},
        "identity-bad": _opening("identity", 2) | person | odd,
    }


def _last_steps(locale: str) -> dict[str, dict[str, Any]]:
    said = _said(locale)
    card = {"bank": {"name": "招商银行"}, "card_warning": "", "holder_name": "林**"}
    number = {"form": {"card_number": "6225 7600 1234 5678"}}
    credit = {"form": {"card_number": "4392 2600 3344 5566"}, "bank": None}
    shop = {"address_before": "shop.example/@"}
    taken = {"form": {"name": "小满茶器", "slug": "xiaoman"}, "errors": {"slug": said["slug"]}}
    skipped, refused = steps(4, VIRAL, identity="skipped"), steps(3, ORDER, identity="refused")
    no_credit = {"errors": {"card_number": said["credit"]}}
    return {
        "card": _opening("card", 3) | card | number | {"card_warning": said["luhn"]},
        "card-credit": _opening("card", 4, VIRAL) | card | credit | no_credit,
        "shop": _opening("shop", 4) | shop,
        "shop-viral": _opening("shop", 2, VIRAL) | shop | taken,
        "later": _opening("card", 4, VIRAL) | card | number | {"steps": skipped},
        "refused": _opening("card", 3) | card | {"steps": refused},
    }


def opening(locale: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """Name of the picture -> (template, context)."""
    drawn = _first_steps(locale) | _last_steps(locale)
    wrong = {"form": {"code": "112233"}, "errors": {"code": _said(locale)["code"]}, "refused": ""}
    sign_in = {"form": {}, "errors": {}, "refused": "", "next_url": "", "form_key": "k1"}
    sign_in |= {"terms_url": "/legal"}
    saved = {"phone_masked": "138 **** 2046", "resume_url": "/open", "home_url": "/"}
    return {name: ("entry/opening.html", told) for name, told in drawn.items()} | {
        "sign-in": ("entry/sign_in.html", sign_in),
        "sign-in-code": ("entry/sign_in_code.html", _code() | wrong),
        "saved": ("entry/saved.html", saved | {"steps": steps(3)}),
        "opened": ("entry/opened.html", _opened()),
        **changing_card(locale),
    }


def changing_card(locale: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """The pages of a change of card, and the one behind the link in the word about it."""
    drawn: dict[str, tuple[str, dict[str, Any]]] = {}
    back: dict[str, Any] = {"back_url": "/console/7/card", "refused": "", "errors": {}, "form": {}}
    states: dict[str, dict[str, Any]] = {
        "card-pay": {},
        "card-checking": {"change": "asked"},
        "card-refused": {"change": "refused"},
        "card-held": {"change": "done", "until": NOW + timedelta(hours=48)},
        "card-stopped": {"change": "done", "stopped": "not_me"},
    }
    for name, state in states.items():
        drawn[name] = ("entry/card.html", back | _card_stands() | state)
    code = _code() | back | {"code_url": "/console/7/card/code"}
    drawn["card-code"] = ("entry/card_code.html", code)
    new = back | {"new_url": "/console/7/card/new", "bank": None, "card_warning": ""}
    drawn["card-new"] = ("entry/card_new.html", new)
    wrong = {"id_number": i18n.t(locale, "errors.id_differs")}
    typed = {"id_number": "11010519491231002X", "card_number": "6222 0215 0200 3456 781"}
    drawn["card-new-bad"] = ("entry/card_new.html", new | {"form": typed, "errors": wrong})
    word = {"shop_name": "小满茶器", "card": SAID["card"], "changed_at": NOW, "refused": ""}
    word["about"] = "card"
    for name in ("open", "stopped", "over"):
        told = word | {"stop_url": "/not-me/7-abc", "now": NOW, "state": name}
        drawn[f"not-me-{name}"] = ("entry/not_me.html", told)
    return drawn


def _card_stands() -> dict[str, Any]:
    return {
        "card": SAID["card"],
        "wanted": "工商银行 **** 6781",
        "change": "",
        "hours": 48,
        "stopped": "",
        "until": None,
        "phone_masked": SAID["phone"],
        "form_key": "k1",
        "ask_url": "/console/7/card",
        "now": NOW,
    }


def _opened() -> dict[str, Any]:
    url = "https://shop.example/@xiaoman?s=K7P2Q"
    return {
        "shop": {
            "name": "小满茶器",
            "line": "景德镇手工茶器，柴烧慢做",
            "picture_url": "/town/face-xiaoman.svg",
            "awning": "moss",
            "public_url": url,
            "short_url": "shop.example/@xiaoman",
        },
        "qr_svg": segno.make(url, error="m").svg_inline(border=0, omitsize=True),
        "share_title": "小满茶器",
        "share_text": "景德镇手工茶器，柴烧慢做",
        "waits": ["identity", "card"],
        "goods_new_url": "/console/xiaoman/goods/new",
        "console_url": "/console/xiaoman",
        "waits_url": "/open",
        "first_time": True,
    }
