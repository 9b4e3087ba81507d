"""What the pages of many goods at once show, for the tests of templates."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from littleshop.catalog.categories import Category
from littleshop.catalog.imports import Counts, Import
from littleshop.catalog.shelf import Filter
from littleshop.money import Money
from tests.cast import MORNING

_ID = UUID(int=7)


def shelf() -> dict[str, Any]:
    """What stands around the rows of the shelf."""
    return {
        "wanted": Filter(),
        "narrow": False,
        "categories": [Category("T", None, 3), Category("t", "T", 1)],
        "found": 4,
        "most": 5000,
        "address": lambda **told: f"/console/7/goods?{len(told)}",
        "at": 2,
        "pages": 3,
    }


def _import(status: str) -> dict[str, Any]:
    ended = MORNING if status in ("done", "cancelled", "refused") else None
    made = Import(
        7, _ID, _ID, MORNING - timedelta(hours=1), "goods.csv", "shopify", True, status,
        "sheet_empty" if status == "refused" else "", {}, MORNING, ended,
    )  # fmt: skip
    wrong = {"line": 6, "title": "7", "why": "7", "pictures": [("https://a.test/1.jpg", "7")]}
    return {
        "made": made,
        "counts": Counts(4, 1, 2, 1, 3, 2, 1, 1),
        "all_read": 8,
        "stage": {"name": "goods", "done": 3, "of": 5},
        "refused_rows": [wrong],
        "faulty_rows": [wrong],
        "fault": "7",
    }


def _many(plans: list[dict[str, Any]] | None) -> dict[str, Any]:
    names = ("status", "category", "category_new", "price", "price_by", "rounding", "stock",
             "stock_by", "reason", "more_tags", "fewer_tags")  # fmt: skip
    return {
        "form": dict.fromkeys(names, ""), "error": "7", "field": "top", "carried": ["x"],
        "count": 3, "categories": [Category("T", None, 3)], "sign": "7", "plans": plans,
        "done": 1, "marks": ["m"], "to_change": 2, "stays": 1, "same": 1, "below": 1,
        "shown": 2, "of_all": 3,
    }  # fmt: skip


def pages(goods: dict[str, Any]) -> dict[str, tuple[str, dict[str, Any]]]:
    """Each page by its name: its template and what it shows beside the frame of `goods`."""
    plan = {
        "title": "7", "why": "", "below": 1, "price": (Money(1000, "CNY"), Money(890, "CNY")),
        "pieces": (1, 3), "status": ("on_sale", "hidden"), "category": ("", "T"), "tags": ("t",),
    }  # fmt: skip
    stays = plan | {"why": "7", "price": None, "pieces": None, "status": None, "category": None}
    rows = [Category("T", None, 3), Category("t", "T", 0), Category("U", None, 0)]
    told: dict[str, tuple[str, dict[str, Any]]] = {
        "goods-choose": ("goods_choose", goods),
        "goods-many": ("goods_many", goods | _many(None)),
        "goods-many-look": ("goods_many", goods | _many([plan, stays])),
        "goods-categories": ("goods_categories", goods | {
            "rows": rows, "tops": ["T", "U"], "parents": {"T"}, "error": "7", "typed": "7",
            "wrong": "T",
        }),
        "goods-imports": ("goods_imports", goods | {
            "rows": [_import("done")["made"]], "goods": 3, "form_key": "k", "error": "7",
            "most": 50, "most_pictures": 300, "most_things": 20_000,
        }),
    }  # fmt: skip
    for status in ("reading", "ready", "importing", "done", "cancelled", "refused"):
        told[f"goods-import-{status}"] = ("goods_import", goods | _import(status))
    return told
