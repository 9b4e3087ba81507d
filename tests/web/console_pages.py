"""Every page of the console and of the opening by name: what is rendered in tests and drawn."""

from __future__ import annotations

from typing import Any

from littleshop.notify.ways import Ways
from tests.web import console_case_samples as requests
from tests.web import console_catalogue_samples as catalogue
from tests.web import console_giving_samples as samples_of_giving
from tests.web import console_more_samples as more
from tests.web import console_samples as samples
from tests.web import referral_samples, resale_samples
from tests.web.console_samples import ROOT, ago, around
from tests.web.opening_samples import opening

Page = tuple[str, dict[str, Any]]


JOB = {
    "id": 7,
    "what": "7Q2M",
    "about": "小满茶器, 7Q2M 0ZK4",
    "tries": 12,
    "held_at": ago(3),
    "error": "GatewayError: the bank did not answer within 10 s",
    "retry_url": "#",
    "drop_url": "#",
}


REACHED = {
    "ways": Ways(quiet_from=22, quiet_until=7, openid_sealed=b"o", email_sealed=b"m"),
    "hours": range(24), "crew": [{"id": "7", "phone": "139****1012", "role": "packer"}],
    "is_owner": True, "mail_on": True, "address": "x@shop.example", "address_waits": True,
    "wechat_on": True, "in_wechat": True,
}  # fmt: skip


def _listed(locale: str) -> dict[str, Any]:
    line = "每单 ¥8.00，满 ¥99.00 包邮" if locale == "zh-CN" else "¥8.00, free over ¥99.00"
    shops = [{"name": name, "url": "#", "here": name != "旧书"} for name in ("小满", "旧书")]
    return {
        "phone_masked": "138 **** 2046",
        "shipping_line": line,
        "card_line": "",
        "card_url": "/console/7/card",
        "waits": ["card"],
        "waits_url": "/open?shop=7",
        "push_on": False,
        "shops": shops,
        "held_jobs": 2,
        "held_jobs_url": "/operator/jobs",
    }


def settings(locale: str) -> dict[str, Page]:
    """The settings and the operator's page."""
    base = around(locale, "today")
    form = {"name": "小满茶器", "line": "柴烧慢做", "story": "我叫林小满。", "awning": "moss"}
    shop = {"form": form, "errors": {"since": "2"}, "opened_year": 2026, "story_length": 2000}
    moving = {"host": "shop.example/@", "current": "xiaoman", "former": ["tea"], "slug": "x"}
    fees = {"mode": "flat", "fee": "8.00", "free_over": "99.00", "pick_up": True}
    fees |= {"pick_up_place": "工作室，周六 10 到 17 点"}
    device = {"id": 1, "name": "Xiaomi 14, Chrome", "since": ago(300), "seen": True}
    notices = {"vapid_key": "BOa", "devices": [device], "sms_phone": "138 **** 2046"}
    held = base | {"home_url": ROOT}
    told = {
        "settings": base | _listed(locale),
        "settings_shop": base | shop | {"address": "shop.example/@xiaoman", "showed": "{}"},
        "settings_address": base | moving | {"error": "x", "left": 2},
        "settings_shipping": base
        | {"showed": "{}"}
        | {"form": fees, "errors": {}, "sign": "¥", "rates": [], "presets": []},
        "settings_notices": base | notices | REACHED,
        "held_jobs": held | {"jobs": [JOB]},
    }
    pages = {name.replace("_", "-"): (f"console/{name}.html", page) for name, page in told.items()}
    return pages | {"held-jobs-none": ("console/held_jobs.html", held | {"jobs": []})}


def console(locale: str) -> dict[str, Page]:
    """Name -> (template, context), the usual day and the empty one."""
    refused = "没存上：价钱要大于 0。" if locale == "zh-CN" else "Not saved: a price is above 0."
    nobody = {"people": [], "total": 0, "again": 0}
    made = {
        "today": ("today", samples.today(locale)),
        "today-first": ("today", samples.first_day(locale)),
        "orders": ("orders", samples.orders(locale)),
        "orders-none": ("orders", samples.orders_empty(locale)),
        "orders-not-found": ("orders", samples.orders_empty(locale) | {"q": "9999"}),
        "order": ("order", samples.order(locale)),
        "order-shipped": ("order", samples.order_shipped(locale)),
        "order-pick-up": ("order", samples.order_pick_up(locale)),
        "goods": ("goods", more.goods(locale)),
        "goods-none": ("goods", more.goods(locale) | {"rows": []}),
        **catalogue.pages(more.goods(locale)),
        "product": ("product", more.product(locale) | {"refused": refused}),
        "product-new": ("product_new", more.product_new(locale)),
        "product-first": ("product_new", more.product_new(locale) | {"first": True}),
        "people": ("people", more.people(locale)),
        "people-none": ("people", more.people(locale) | nobody),
        "figures": ("figures", more.figures(locale)),
        "figures-none": ("figures", more.figures(locale) | {"any": False}),
        "shares": ("shares", more.shares(locale)),
        "shares-none": ("shares", more.shares(locale) | {"rows": [], "whole": more.NOBODY}),
        "shares-tree": ("shares", more.shares(locale, "tree")),
        "entrances": ("entrances", more.entrances(locale)),
        "entrances-none": ("entrances", more.entrances(locale) | {"rows": []}),
        "entrance": ("entrance", more.entrance(locale)),
        "money": ("money", more.money(locale)),
        "money-waits": ("money", more.money_waits(locale)),
        "taking": ("taking", more.taking(locale)),
        "money-made-of": ("money_made_of", more.money_made_of(locale)),
        "cases": ("cases", requests.cases(locale)),
        "cases-none": ("cases", requests.cases_none(locale)),
    }
    for state in requests.STATES:
        made[f"case-{state}"] = ("case", requests.case(locale, state))
    pages = {name: (f"console/{template}.html", told) for name, (template, told) in made.items()}
    giving = {
        name: (f"console/{template}.html", told)
        for name, (template, told) in (
            samples_of_giving.console(locale)
            | resale_samples.console(locale)
            | referral_samples.console(locale)
        ).items()
    }
    return pages | settings(locale) | giving


def everything(locale: str) -> dict[str, Page]:
    """All pages of the console and of the opening."""
    return {f"open-{name}": page for name, page in opening(locale).items()} | console(locale)
