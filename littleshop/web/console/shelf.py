"""The shelf: the list of goods in the order buyers see, searched and a page at a time; or to choose
many of them from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from littleshop import http
from littleshop.catalog import categories, products, search, shelf, stock
from littleshop.catalog.products import Listed
from littleshop.catalog.shelf import PAGE, Filter
from littleshop.http import AtWork
from littleshop.money import Money
from littleshop.web import addresses
from littleshop.web.console import frame

LOW = 3  # a buyer sees from here on how few are left
MONTH = timedelta(days=30)
FILTERS = ("all", "on_sale", "hidden")


def asked(told: Mapping[str, str]) -> Filter:
    """What of the shelf is asked for: q, category, status."""
    status = told.get("status", "all")
    words = search.typed(told.get("q", ""))
    return Filter(words, told.get("category", "")[:40], status if status in FILTERS else "all")


def kept(query: str) -> str:
    """The part of an address that says what of the shelf was looked at, safe to go back to."""
    told = dict(parse_qsl(query[:500]))
    wanted = asked(told)
    page = told.get("page", "")
    pairs = {"q": wanted.words, "category": wanted.category, "page": page if page.isdigit() else ""}
    pairs["status"] = "" if wanted.status == "all" else wanted.status
    found = urlencode({name: value for name, value in pairs.items() if value})
    return f"?{found}" if found else ""


async def page(request: Request) -> Response:
    """GET root/goods?status=all|on_sale|hidden&q=&category=&page=N&choose=1"""
    work, wanted = await http.at_work(request), asked(request.query_params)
    shop_id, at = work.shop.shop_id, _page(request)
    async with http.house(request).database.connection() as conn:
        whole = await shelf.find(conn, shop_id, Filter(wanted.words, wanted.category))
        found = [each for each, status in whole if _fits(status, wanted.status)]
        some = found[(at - 1) * PAGE : at * PAGE]
        listed = await products.listing(conn, shop_id, all_states=True, only=some, most=PAGE)
        sold = await stock.shipped_since(conn, shop_id, http.now(request) - MONTH)
        known = await categories.listing(conn, shop_id)
    context = _context(request, work, wanted, whole, found, at)
    rows = [row(work, each, sold.get(each.product_id, 0), context["ends"]) for each in listed]
    template = "goods_choose.html" if request.query_params.get("choose") == "1" else "goods.html"
    return await frame.page(request, work, template, "goods", rows=rows, categories=known,
                            **context)  # fmt: skip


def _fits(status: str, wanted: str) -> bool:
    return wanted == "all" or (status == "on_sale") == (wanted == "on_sale")


def _page(request: Request) -> int:
    text = request.query_params.get("page", "1")
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 5 else 1


def _context(
    request: Request,
    work: AtWork,
    wanted: Filter,
    whole: Sequence[tuple[UUID, str]],
    found: Sequence[UUID],
    at: int,
) -> dict[str, Any]:
    """What stands around the rows; first and last are those of the whole shelf."""
    narrow = bool(wanted.words or wanted.category)
    on_sale = sum(status == "on_sale" for _, status in whole)
    told = {"q": wanted.words, "category": wanted.category, "status": wanted.status}

    def address(**more: object) -> str:
        said = {name: value for name, value in (told | more).items() if value not in ("", "all")}
        return f"{frame.root(work.shop)}/goods?{urlencode(said)}"

    return {
        "ends": (whole[0][0], whole[-1][0]) if whole and not narrow else (None, None),
        "counts": {"on_sale": on_sale, "hidden": len(whole) - on_sale},
        "resale": http.house(request).settings.escrow != "psp_escrow",
        "chosen": wanted.status,
        "wanted": wanted,
        "narrow": narrow,
        "found": len(found),
        "most": shelf.MOST_CHOSEN,
        "address": address,
        "at": at,
        "pages": -(-len(found) // PAGE),
    }


def row(
    work: AtWork, each: Listed, sold: int, ends: tuple[UUID | None, UUID | None]
) -> dict[str, Any]:
    """A product as the list shows it."""
    width = min(360, each.photo_width)
    dearest = Money(each.most_minor, each.currency)
    state = "sold_out" if each.status == "on_sale" and not each.spare else each.status
    return {
        "id": each.product_id,
        "title": each.title,
        "picture_url": addresses.photo(each.photo, width) if each.photo else "",
        "price": each.price,
        "to_price": dearest if dearest != each.price else None,
        "stock": each.spare,
        "resold": each.spare > each.on_hand,  # another shop ships it, and has some
        "status": state,
        "for_sale": each.status == "on_sale",
        "low": each.spare <= LOW,
        "sold": sold,
        "edit_url": f"{frame.root(work.shop)}/goods/{each.product_id}",
        "first": each.product_id == ends[0],
        "last": each.product_id == ends[1],
    }
