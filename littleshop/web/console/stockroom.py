"""The stockroom: what runs low, what everything is worth, and the story of each thing's stock."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import db, http, i18n
from littleshop.catalog import products, stock
from littleshop.errors import NotFound, Refused
from littleshop.http import AtWork
from littleshop.identity import people
from littleshop.money import Money
from littleshop.shop import shop_acts, staff
from littleshop.supply import low, purchases, stock_items, stocktakes
from littleshop.supply.stock_items import Movement, StockItem
from littleshop.trade import returned_goods
from littleshop.web import forms, pages
from littleshop.web.console import figures, frame, tables
from littleshop.web.forms import Form

PAGE = 100  # movements of a page


async def hub(request: Request) -> Response:
    """GET root/stock: the ways into the stockroom"""
    work = await http.at_work(request)
    shop_id = work.shop.shop_id
    async with http.house(request).database.connection() as conn:
        running = await low.listing(conn, shop_id)
        bought = await purchases.listing(conn, shop_id)
        counted = await stocktakes.listing(conn, shop_id)
        back = await returned_goods.awaited(conn, shop_id)
    return await frame.page(
        request, work, "stockroom.html", "goods", back=len(back),
        low=len(running), awaited=sum(each.awaited for each in bought),
        open_count=next((each for each in counted if each.status == "open"), None),
        may_set=staff.may(work.role, "goods"),
    )  # fmt: skip


async def running_low(request: Request) -> Response:
    """GET root/stock/low"""
    work = await http.at_work(request)
    async with http.house(request).database.connection() as conn:
        rows = await low.listing(conn, work.shop.shop_id)
        mark = await low.default(conn, work.shop.shop_id)
    return await frame.page(
        request, work, "stock_low.html", "goods",
        rows=rows, mark=mark, may_set=staff.may(work.role, "goods"),
    )  # fmt: skip


async def set_mark(request: Request) -> Response:
    """POST root/stock/low: pieces"""
    work, form = await frame.having(request, "goods"), await forms.read(request)
    here = f"{frame.root(work.shop)}/stock/low"
    try:
        pieces = forms.count(form.text("pieces", 64))
        await http.house(request).database.transaction(
            lambda conn: low.set_default(conn, work.shop.shop_id, pieces)
        )
    except Refused as no:
        return frame.refuse(request, here, no)
    return frame.go(request, here, "low_mark", count=pieces)


async def worth(request: Request) -> Response:
    """GET root/stock/value"""
    work = await frame.having(request, "goods")
    async with http.house(request).database.connection() as conn:
        rows = await stock_items.listing(conn, work.shop.shop_id, stocked=True)
    known = [each for each in rows if each.value_minor is not None]
    return await frame.page(
        request, work, "stock_value.html", "goods",
        rows=[_worth(work, each) for each in known],
        unknown=[each for each in rows if each.value_minor is None and each.on_hand],
        total=Money(sum(each.value_minor or 0 for each in known), work.shop.currency),
        pieces=sum(each.on_hand for each in known),
    )  # fmt: skip


def _worth(work: AtWork, each: StockItem) -> dict[str, Any]:
    """A kind whose cost is known."""
    currency = work.shop.currency
    return {
        "name": each.name,
        "product_id": each.product_id,
        "on_hand": each.on_hand,
        "cost": Money(each.cost_minor or 0, currency),
        "value": Money(each.value_minor or 0, currency),
        "margin": Money(each.margin_minor or 0, currency),
        "percent": _percent(each),
    }


def _percent(each: StockItem) -> str:
    """What is left of the price after the cost, in whole per cent."""
    return f"{(each.margin_minor or 0) * 100 // each.price_minor}%"


async def table(request: Request) -> Response:
    """GET root/stock/value.csv: a row per kind, for a spreadsheet"""
    work = await frame.having(request, "goods")
    async with http.house(request).database.connection() as conn:
        found = await stock_items.listing(conn, work.shop.shop_id, stocked=True)
    day = http.now(request).date()
    rows = _table(found, work.shop.currency, pages.locale_of(request))
    return figures.download(rows, f"{work.shop.slug}-stock-{day}.csv")


def _table(found: Sequence[StockItem], currency: str, locale: str) -> list[list[str]]:
    money = ("price", "cost", "margin", "value")
    names = ("title", "kind", "sku", "barcode", "on_hand", "held", "available", *money)
    heads = [i18n.t(locale, f"supply.csv.{name}") for name in names]
    rows = [
        [f"{head} ({currency})" if name in money else head
         for name, head in zip(names, heads, strict=True)]
    ]  # fmt: skip
    for each in found:
        texts = [each.title, each.choice, each.sku, each.barcode]
        counts = [str(each.on_hand), str(each.held), str(each.on_hand - each.held)]
        sums = (each.price_minor, each.cost_minor, each.margin_minor, each.value_minor)
        told = ["" if minor is None else tables.plain(minor, currency) for minor in sums]
        rows.append([*texts, *counts, *told])
    return rows


async def of_product(request: Request) -> Response:
    """GET root/goods/ID/stock?page=N: its kinds, and what changed their stock"""
    work = await http.at_work(request)
    return await _of_product(request, work, {}, {})


async def _of_product(
    request: Request, work: AtWork, typed: dict[str, str], errors: dict[str, str]
) -> Response:
    product_id = http.uuid(request.path_params["product_id"])
    shop_id, asked = work.shop.shop_id, request.query_params.get("page", "1")
    number = int(asked) if asked.isdecimal() and 1 <= len(asked) <= 4 else 1
    async with http.house(request).database.connection() as conn:
        product = await products.get(conn, shop_id, product_id)
        rows = await stock_items.of_product(conn, shop_id, product_id)
        marks = await low.marks(conn, shop_id, product_id)
        mark = await low.default(conn, shop_id)
        story = await stock_items.story(
            conn, shop_id, product_id, most=PAGE + 1, skip=PAGE * max(0, number - 1)
        )
        names = await who(request, conn, work, {each.person_id for each in story})
    return await frame.page(
        request,
        work,
        "product_stock.html",
        "goods",
        status=422 if errors else 200,
        product=product,
        kinds=[_kind(work, each, marks.get(each.variant_id), typed) for each in rows],
        errors=errors,
        mark=mark,
        moves=[_move(each, names) for each in story[:PAGE]],
        page_number=number,
        older=len(story) > PAGE,
        sign=i18n.SIGNS.get(work.shop.currency, work.shop.currency),
        may_set=staff.may(work.role, "goods"),
    )


def _kind(work: AtWork, each: StockItem, mark: int | None, typed: dict[str, str]) -> dict[str, Any]:
    currency, key = work.shop.currency, each.variant_id
    known = each.cost_minor is not None
    return {
        "id": key,
        "choice": each.choice,
        "on_hand": each.on_hand,
        "held": each.held,
        "sku": each.sku,
        "withdrawn": each.withdrawn,
        "margin": Money(each.margin_minor or 0, currency) if known else None,
        "percent": _percent(each) if known else "",
        "cost": typed.get(f"cost-{key}", forms.shown(each.cost_minor, currency)),
        "barcode": typed.get(f"barcode-{key}", each.barcode),
        "mark": typed.get(f"mark-{key}", "" if mark is None else str(mark)),
    }


def _move(each: Movement, names: dict[UUID, str]) -> dict[str, Any]:
    who_did = names.get(each.person_id, "") if each.person_id else ""
    return {"at": each.at, "choice": each.choice, "quantity": each.quantity, "who": who_did,
            "reason": each.reason, "order": each.order_number, "purchase": each.purchase_number,
            "purchase_id": each.purchase_id, "stocktake_id": each.stocktake_id}  # fmt: skip


async def who(
    request: Request, conn: db.Connection, work: AtWork, ids: Collection[UUID | None]
) -> dict[UUID, str]:
    """People who work here, as one of them reads it: "you", else the phone, masked."""
    told = {}
    for person_id in ids:
        if person_id is None:
            continue
        if person_id == work.person.person_id:
            told[person_id] = i18n.t(pages.locale_of(request), "supply.you")
        elif (person := await people.get(conn, person_id)) is not None:
            told[person_id] = person.masked_phone(http.house(request).keyring)
    return told


async def note(request: Request) -> Response:
    """POST root/goods/ID/stock: cost-V, barcode-V, mark-V of each kind V"""
    work, form = await frame.having(request, "goods"), await forms.read(request)
    product_id = http.uuid(request.path_params["product_id"])
    typed: dict[str, str] = {}
    errors: dict[str, str] = {}
    try:
        await http.house(request).database.transaction(
            lambda conn: _note_all(request, conn, work, form, product_id, typed, errors)
        )
    except NotFound:
        raise
    except Refused:
        return await _of_product(request, work, typed, errors)
    return frame.go(request, f"{frame.root(work.shop)}/goods/{product_id}/stock", "stock_noted")


async def _note_all(
    request: Request,
    conn: db.Connection,
    work: AtWork,
    form: Form,
    product_id: UUID,
    typed: dict[str, str],
    errors: dict[str, str],
) -> None:
    """All kinds or none. Raises NotFound, Refused("supply_look")."""
    product = await products.get(conn, work.shop.shop_id, product_id)
    for each in await stock_items.of_product(conn, work.shop.shop_id, product_id):
        await _note(request, conn, work, form, each, typed, errors)
    if errors:
        raise Refused("supply_look")
    await shop_acts.note(
        conn, work.shop.shop_id, work.person.person_id, "stock_noted", at=http.now(request),
        subject=str(product_id), title=product.title,
    )  # fmt: skip


async def _note(
    request: Request,
    conn: db.Connection,
    work: AtWork,
    form: Form,
    item: StockItem,
    typed: dict[str, str],
    errors: dict[str, str],
) -> None:
    """Write what was typed about one kind; what is wrong is said at its field."""
    key, shop_id = item.variant_id, work.shop.shop_id
    names = [f"{field}-{key}" for field in ("cost", "barcode", "mark")]
    if not all(name in form for name in names):
        return
    typed |= form.typed(*names)
    cost, code, mark = (form.text(name, 200).strip() for name in names)
    field = names[0]
    try:
        cost_minor = forms.fee(cost, work.shop.currency) if cost else None
        field, code = names[1], stock_items.code_of(code)
        await stock_items.check_barcode(conn, shop_id, key, code)
        field = names[2]
        await low.set_mark(conn, shop_id, key, forms.count(mark) if mark else None)
        if (cost_minor, code) != (item.cost_minor, item.barcode):
            await stock.note(conn, shop_id, key, barcode=code, cost_minor=cost_minor)
    except Refused as no:
        errors[field] = forms.said(request, no)


_ROOT = "/console/{shop_id}/stock"
_THING = "/console/{shop_id}/goods/{product_id}/stock"
ROUTES = [
    Route(_ROOT, hub),
    Route(f"{_ROOT}/low", running_low),
    Route(f"{_ROOT}/low", set_mark, methods=["POST"]),
    Route(f"{_ROOT}/value", worth),
    Route(f"{_ROOT}/value.csv", table),
    Route(_THING, of_product),
    Route(_THING, note, methods=["POST"]),
]
