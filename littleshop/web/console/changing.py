"""One change to many products: chosen on the shelf, said, looked at, and done with one press."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from littleshop import db, http
from littleshop.catalog import categories, changing, drafts, shelf, typed, wares
from littleshop.catalog.changing import Change, Planned
from littleshop.errors import Refused
from littleshop.http import AtWork
from littleshop.i18n import SIGNS
from littleshop.money import Money
from littleshop.shop import shop_acts
from littleshop.web import forms
from littleshop.web.console import frame
from littleshop.web.console import shelf as shelf_page
from littleshop.web.forms import Form

_ROOT = "/console/{shop_id}/goods/many"
SHOWN = 60  # products of a look
FIELDS = (
    "status", "category", "category_new", "price", "price_by", "rounding", "stock", "stock_by",
    "reason", "more_tags", "fewer_tags",
)  # fmt: skip


async def back(request: Request) -> Response:
    """GET root/goods/many: who reloads begins again"""
    work = await http.at_work(request)
    return RedirectResponse(f"{frame.root(work.shop)}/goods?choose=1", status_code=303)


async def choose(request: Request) -> Response:
    """POST root/goods/many: product (several), or all=yes with q, category, status"""
    work, form = await http.at_work(request), await forms.read(request)
    found = await _chosen(request, work, form)
    if not found:
        here = f"{frame.root(work.shop)}/goods?choose=1"
        return frame.refuse(request, here, Refused("many_none"))
    return await _show(request, work, form, found)


async def _chosen(request: Request, work: AtWork, form: Form) -> list[UUID]:
    """The products that were ticked, or all that the shelf showed, at most MOST_CHOSEN."""
    if not form.ticked("all"):
        return [http.uuid(text) for text in form.texts("product")]
    told = form.typed("q", "category", "status")
    async with http.house(request).database.connection() as conn:
        found = await shelf.find(conn, work.shop.shop_id, shelf_page.asked(told))
    return [each for each, _ in found][: shelf.MOST_CHOSEN]


def _packed(products: Sequence[UUID]) -> str:
    return urlsafe_b64encode(b"".join(each.bytes for each in products)).decode()


def _unpacked(form: Form) -> list[UUID]:
    """The products that the page carries; nothing that is bent."""
    found = []
    for text in form.texts("chosen"):
        try:
            told = urlsafe_b64decode(text)
        except ValueError:
            continue
        found += [UUID(bytes=told[at : at + 16]) for at in range(0, len(told) - 15, 16)]
    return found[: shelf.MOST_CHOSEN]


async def _show(
    request: Request,
    work: AtWork,
    form: Form,
    products: Sequence[UUID],
    error: Refused | None = None,
    **context: Any,
) -> Response:
    """The form, with what it would do once that is asked for."""
    async with http.house(request).database.connection() as conn:
        known = await categories.listing(conn, work.shop.shop_id)
    around: dict[str, Any] = {
        "form": form.typed(*FIELDS),
        "error": forms.said(request, error) if error else "",
        "field": "" if error is None else _field(error.code, form),
        "carried": [_packed(some) for some in changing.batches(products)],
        "count": len(set(products)),
        "categories": known,
        "sign": SIGNS.get(work.shop.currency, work.shop.currency),
        "plans": None,
        "done": 0,
    }
    return await frame.page(
        request, work, "goods_many.html", "goods", status=422 if error else 200,
        **(around | context),
    )  # fmt: skip


def _field(code: str, form: Form) -> str:
    """Under which field a refusal is said."""
    if code.startswith("price") or code == "many_percent":
        return "price_by"
    return "stock_by" if code.startswith("stock") else "top"


async def look(request: Request) -> Response:
    """POST root/goods/many/look: chosen, and the fields of a change. Nothing is changed."""
    work, form = await http.at_work(request), await forms.read(request)
    products = _unpacked(form)
    try:
        change = _change(form, work.shop.currency)
    except Refused as refused:
        return await _show(request, work, form, products, refused)
    return await _look(request, work, form, products, change)


async def _look(
    request: Request, work: AtWork, form: Form, products: Sequence[UUID], change: Change,
    error: Refused | None = None, done: int = 0,
) -> Response:  # fmt: skip
    currency = work.shop.currency
    async with http.house(request).database.connection() as conn:
        plans, marks = await changing.look(conn, work.shop.shop_id, products, change, currency)
    changed = [each for each in plans if each.changes]
    order = [each for each in plans if each.below and each.changes]
    order += [each for each in changed if not each.below] + [each for each in plans if each.why]
    return await _show(
        request, work, form, products, error, done=done, marks=marks, to_change=len(changed),
        plans=[_told(request, each, currency) for each in order[:SHOWN]],
        stays=sum(bool(each.why) for each in plans), shown=min(len(order), SHOWN),
        same=sum(not each.why and not each.changes for each in plans),
        below=sum(each.below for each in changed), of_all=len(order),
    )  # fmt: skip


def _told(request: Request, plan: Planned, currency: str) -> dict[str, Any]:
    """A product of a look: what is otherwise, before and after."""
    old, new = plan.before, plan.after
    held = max((each.held for each in old.kinds), default=0)
    why = Refused(plan.why, held=held, most=0, title=old.title)
    return {
        "title": old.title,
        "why": forms.said(request, why) if plan.why else "",
        "below": plan.below,
        "price": _prices(old, new, currency),
        "pieces": _pieces(old, new),
        "status": (old.status, new.status) if old.status != new.status else None,
        "category": (old.category, new.category) if old.category != new.category else None,
        "tags": new.tags if old.tags != new.tags else None,
    }


def _prices(old: wares.Ware, new: wares.Ware, currency: str) -> tuple[Money, Money] | None:
    """The lowest price before and after, None when no price is otherwise."""
    pairs = list(zip(old.kinds, new.kinds, strict=True))
    if all(one.price_minor == other.price_minor for one, other in pairs):
        return None
    before = min(one.price_minor for one, _ in pairs)
    return Money(before, currency), Money(min(each.price_minor for _, each in pairs), currency)


def _pieces(old: wares.Ware, new: wares.Ware) -> tuple[int, int] | None:
    before, after = (sum(each.on_hand for each in one.kinds) for one in (old, new))
    changed = any(a.on_hand != b.on_hand for a, b in zip(old.kinds, new.kinds, strict=True))
    return (before, after) if changed else None


def _change(form: Form, currency: str) -> Change:
    """What was asked for. Raises Refused as changing.check, and of prices and counts."""
    category: str | None = None
    if form.text("category", 60) == "other":
        category = form.text("category_new", 60)
    elif form.text("category", 60).startswith("in:"):
        category = form.text("category", 60)[3:]
    stock = form.text("stock", 10)
    stock_by = _signed(form.text("stock_by", 64), typed.count) if stock else 0
    return changing.check(
        Change(
            form.text("status", 20),
            category,
            form.text("price", 10),
            _price_by(form, currency),
            form.text("rounding", 10) if form.text("price", 10) else "",
            stock,
            max(0, stock_by) if stock == "set" else stock_by,
            form.text("reason", 20) or "counted",
            drafts.tags([form.text("more_tags", 400)]),
            drafts.tags([form.text("fewer_tags", 400)]),
        )
    )


def _price_by(form: Form, currency: str) -> int:
    how, text = form.text("price", 10), form.text("price_by", 64)
    if not how:
        return 0
    if how == "percent":  # hundredths of a per cent, read as an amount with two places
        try:
            by = _signed(text.replace("%", "").replace("％", ""), _percent)
        except Refused as refused:
            raise Refused("many_percent") from refused
        if not -10_000 < by <= 100_000:
            raise Refused("many_percent")
        return by
    if how == "set":
        return typed.amount(text, currency, least=1)
    return _signed(text, lambda bare: typed.amount(bare, currency, least=0))


def _percent(text: str) -> int:
    return typed.amount(text, "CNY", least=0)


def _signed(text: str, read: Any) -> int:
    """What was typed with a plus or a minus before it."""
    bare = text.strip().replace("−", "-").replace("＋", "+").replace("－", "-")
    value = int(read(bare.lstrip("+-").strip()))
    return -value if bare.startswith("-") else value


async def do(request: Request) -> Response:
    """POST root/goods/many/change: as look, mark (of each batch), below_cost=yes"""
    work, form = await http.at_work(request), await forms.read(request)
    products, marks = _unpacked(form), form.texts("mark")
    try:
        change = _change(form, work.shop.currency)
    except Refused as refused:
        return await _show(request, work, form, products, refused)
    done, left, why = await _do(request, work, form, products, change, marks)
    if why is not None:
        return await _look(request, work, form, left, change, why, done)
    return frame.go(request, f"{frame.root(work.shop)}/goods", "many_changed", count=done)


async def _do(
    request: Request, work: AtWork, form: Form, products: Sequence[UUID], change: Change,
    marks: Sequence[str],
) -> tuple[int, list[UUID], Refused | None]:  # fmt: skip
    """How many were changed, which were not, and why not."""
    database, currency = http.house(request).database, work.shop.currency
    async with database.connection() as conn:
        plans, _ = await changing.look(conn, work.shop.shop_id, products, change, currency)
    below = sum(each.below for each in plans if each.changes)
    if below and not form.ticked("below_cost"):
        return 0, list(products), Refused("many_below_cost", count=below)
    done, left, why = 0, list[UUID](), None
    for some, mark in zip(changing.batches(products), [*marks, *[""] * 20], strict=False):
        try:
            write = partial(_write, request=request, work=work, some=some, change=change, mark=mark)
            done += await database.transaction(write)
        except Refused as refused:
            left, why = [*left, *some], refused
    return done, left, why


async def _write(
    conn: db.Connection,
    *,
    request: Request,
    work: AtWork,
    some: Sequence[UUID],
    change: Change,
    mark: str,
) -> int:
    at, shop_id, person_id = http.now(request), work.shop.shop_id, work.person.person_id
    count = await changing.change_some(
        conn, shop_id, some, change, mark,
        currency=work.shop.currency, below_cost=True, at=at, person_id=person_id,
    )  # fmt: skip
    if count:
        await shop_acts.note(conn, shop_id, person_id, "goods_many", at=at, count=count)
    return count


ROUTES = [
    Route(_ROOT, back),
    Route(_ROOT, choose, methods=["POST"]),
    Route(f"{_ROOT}/look", look, methods=["POST"]),
    Route(f"{_ROOT}/change", do, methods=["POST"]),
]
