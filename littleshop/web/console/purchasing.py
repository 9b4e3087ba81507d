"""Buying: suppliers, purchases, and goods received by a scanner or a thumb."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, datetime
from uuid import UUID, uuid4

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import db, http, i18n
from littleshop.errors import Conflict, NotFound, Refused
from littleshop.http import AtWork
from littleshop.money import Money
from littleshop.shop import shop_acts, staff
from littleshop.shop.shops import tidy
from littleshop.supply import purchases, stock_items, suppliers
from littleshop.web import forms
from littleshop.web.console import counting, frame
from littleshop.web.forms import Form


async def people(request: Request) -> Response:
    """GET root/stock/suppliers"""
    work = await frame.having(request, "goods")
    async with http.house(request).database.connection() as conn:
        rows = await suppliers.listing(conn, work.shop.shop_id)
    return await frame.page(request, work, "suppliers.html", "goods", rows=rows)


async def person(request: Request) -> Response:
    """GET root/stock/suppliers/ID, or of a new one root/stock/suppliers/new"""
    work = await frame.having(request, "goods")
    named = request.path_params["supplier_id"]
    if named == "new":
        return await _person(request, work, {}, {}, uuid4(), new=True)
    async with http.house(request).database.connection() as conn:
        found = await suppliers.get(conn, work.shop.shop_id, http.uuid(named))
    contact = found.contact(http.house(request).keyring)
    typed = {"name": found.name, "contact": contact, "notes": found.notes}
    return await _person(request, work, typed, {}, found.supplier_id)


async def _person(
    request: Request,
    work: AtWork,
    typed: dict[str, str],
    errors: dict[str, str],
    supplier_id: UUID,
    *,
    new: bool = False,
) -> Response:
    return await frame.page(
        request, work, "supplier.html", "goods", status=422 if errors else 200,
        form=typed, errors=errors, form_key=str(supplier_id), new=new,
    )  # fmt: skip


async def write_person(request: Request) -> Response:
    """POST root/stock/suppliers/ID|new: name, contact, notes, form_key"""
    work, form = await frame.having(request, "goods"), await forms.read(request)
    new = request.path_params["supplier_id"] == "new"
    key = form.text("form_key", 64)
    supplier_id = forms.key(key, uuid4()) if new else http.uuid(request.path_params["supplier_id"])
    try:
        await _write_person(request, work, form, supplier_id, new=new)
    except NotFound:
        raise
    except Refused as no:
        errors = {no.code.removeprefix("supplier_"): forms.said(request, no)}
        typed = form.typed("name", "contact", "notes")
        return await _person(request, work, typed, errors, supplier_id, new=new)
    return frame.go(request, f"{frame.root(work.shop)}/stock/suppliers", "supplier_written")


async def _write_person(
    request: Request, work: AtWork, form: Form, supplier_id: UUID, *, new: bool
) -> None:
    """Raises NotFound, Refused as `suppliers.write` does."""
    house, at = http.house(request), http.now(request)

    async def write(conn: db.Connection) -> None:
        if not new:
            await suppliers.get(conn, work.shop.shop_id, supplier_id)
        await suppliers.write(
            conn, house.keyring, work.shop.shop_id, supplier_id,
            name=tidy(form.text("name", 400)), contact=form.text("contact").strip(),
            notes=form.text("notes").strip(), person_id=work.person.person_id, at=at,
        )  # fmt: skip

    await house.database.transaction(write)


async def listed(request: Request) -> Response:
    """GET root/stock/purchases"""
    work = await http.at_work(request)
    async with http.house(request).database.connection() as conn:
        rows = await purchases.listing(conn, work.shop.shop_id)
        known = await suppliers.listing(conn, work.shop.shop_id)
    may_set = staff.may(work.role, "goods")
    return await frame.page(
        request, work, "purchases.html", "goods",
        rows=[
            (each, Money(each.total_minor, work.shop.currency)) for each in rows
            if may_set or each.status != "draft"
        ],
        suppliers=known, form_key=str(uuid4()), may_set=may_set,
    )  # fmt: skip


async def draft(request: Request) -> Response:
    """POST root/stock/purchases: supplier, expected (a day or nothing), form_key"""
    work, form = await frame.having(request, "goods"), await forms.read(request)
    purchase_id, at = forms.key(form.text("form_key", 64), uuid4()), http.now(request)
    all_of_them = f"{frame.root(work.shop)}/stock/purchases"
    supplier_id, person_id = http.uuid(form.text("supplier", 64)), work.person.person_id
    try:
        expected = _day(form.text("expected", 10))
    except Refused as no:
        return frame.refuse(request, all_of_them, no)
    await http.house(request).database.transaction(
        lambda conn: purchases.draft(
            conn, work.shop.shop_id, purchase_id, supplier_id,
            expected_on=expected, person_id=person_id, at=at,
        )
    )  # fmt: skip
    return frame.go(request, f"{all_of_them}/{purchase_id}")


def _day(text: str) -> date | None:
    """Raises Refused("purchase_day")."""
    if not text.strip():
        return None
    try:
        day = datetime.strptime(text.strip(), "%Y-%m-%d").date()
    except ValueError:
        raise Refused("purchase_day") from None
    if not 2020 <= day.year <= 2100:
        raise Refused("purchase_day")
    return day


async def one(request: Request) -> Response:
    """GET root/stock/purchases/ID"""
    return await _one(request, await http.at_work(request))


async def _one(
    request: Request, work: AtWork, asked: Form | None = None, question: str = ""
) -> Response:
    """The purchase; with `asked`, whether it is true that more came than was ordered."""
    shop_id, currency = work.shop.shop_id, work.shop.currency
    async with http.house(request).database.connection() as conn:
        found = await purchases.get(conn, shop_id, _id(request))
        rows = await purchases.lines(conn, shop_id, found.purchase_id)
        known = await stock_items.listing(conn, shop_id) if found.status == "draft" else []
    if found.status == "draft" and not staff.may(work.role, "goods"):
        raise NotFound
    return await frame.page(
        request,
        work,
        "purchase.html",
        "goods",
        status=422 if asked else 200,
        purchase=found,
        rows=[(each, Money(each.cost_minor, currency)) for each in rows],
        total=Money(found.total_minor, currency),
        known=known,
        question=question,
        asked=asked.typed("code", "kind", "pieces", "form_key") if asked else {},
        form_key=str(uuid4()),
        keys=[str(uuid4()) for _ in rows],
        sign=i18n.SIGNS.get(currency, currency),
        may_set=staff.may(work.role, "goods"),
    )


def _id(request: Request) -> UUID:
    return http.uuid(request.path_params["purchase_id"])


async def put(request: Request) -> Response:
    """POST root/stock/purchases/ID/lines: code or kind, pieces, cost"""
    work, form = await frame.having(request, "goods"), await forms.read(request)
    shop_id, purchase_id = work.shop.shop_id, _id(request)
    here = f"{frame.root(work.shop)}/stock/purchases/{purchase_id}"

    async def write(conn: db.Connection) -> None:
        item = await stock_items.named(conn, shop_id, counting.which(form))
        pieces = forms.count(form.text("pieces", 64))
        cost = forms.fee(form.text("cost", 64), work.shop.currency) if pieces else 0
        await purchases.put(conn, shop_id, purchase_id, item.variant_id, pieces, cost)

    return await _try(request, here, write)


async def _try(
    request: Request,
    here: str,
    act: Callable[[db.Connection], Awaitable[None]],
    said: str = "",
) -> Response:
    """Do it, and back to the page, which says why if it was not done. Raises NotFound."""
    try:
        await http.house(request).database.transaction(act)
    except NotFound:
        raise
    except Refused as no:
        return frame.refuse(request, here, no)
    return frame.go(request, here, said)


async def step(request: Request) -> Response:
    """POST root/stock/purchases/ID: then=order|cancel"""
    work, form = await frame.having(request, "goods"), await forms.read(request)
    purchase_id, at = _id(request), http.now(request)
    here = f"{frame.root(work.shop)}/stock/purchases/{purchase_id}"
    ordering = form.text("then", 10) == "order"
    act = purchases.order if ordering else purchases.cancel
    said = "purchase_ordered" if ordering else "purchase_ended"
    return await _try(
        request, here, lambda conn: act(conn, work.shop.shop_id, purchase_id, at), said
    )


async def receive(request: Request) -> Response:
    """POST root/stock/purchases/ID/receipts: code or kind, pieces, form_key, more=yes"""
    work, form = await http.at_work(request), await forms.read(request)
    here = f"{frame.root(work.shop)}/stock/purchases/{_id(request)}"
    try:
        line = await _receive(request, work, form, _id(request))
    except NotFound:
        raise
    except Conflict:
        return frame.refuse(request, here, Refused("receipt_other"))
    except Refused as no:
        if no.code == "more_than_ordered":
            return await _one(request, work, form, forms.said(request, no))
        return frame.refuse(request, here, no)
    facts = {"title": line.name, "received": line.received, "ordered": line.quantity}
    return frame.go(request, here, "received", **facts)


async def _receive(request: Request, work: AtWork, form: Form, purchase_id: UUID) -> purchases.Line:
    """Raises what `purchases.receive` raises, stock_number and the like."""
    at, pieces = http.now(request), forms.count(form.text("pieces", 64))
    key, named = forms.key(form.text("form_key", 64), uuid4()), counting.which(form)
    shop_id, person_id = work.shop.shop_id, work.person.person_id

    async def receive(conn: db.Connection) -> purchases.Line:
        line = await purchases.receive(
            conn, shop_id, purchase_id, key, named, pieces,
            more=form.ticked("more"), person_id=person_id, at=at,
        )  # fmt: skip
        await shop_acts.note(
            conn, shop_id, person_id, "goods_received", at=at, subject=str(purchase_id),
            once=key, title=line.name, count=pieces,
        )  # fmt: skip
        return line

    return await http.house(request).database.transaction(receive)


_ROOT = "/console/{shop_id}/stock"
_ONE = f"{_ROOT}/purchases/{{purchase_id}}"
_PERSON = f"{_ROOT}/suppliers/{{supplier_id}}"
ROUTES = [
    Route(f"{_ROOT}/suppliers", people),
    Route(_PERSON, person),
    Route(_PERSON, write_person, methods=["POST"]),
    Route(f"{_ROOT}/purchases", listed),
    Route(f"{_ROOT}/purchases", draft, methods=["POST"]),
    Route(_ONE, one),
    Route(_ONE, step, methods=["POST"]),
    Route(f"{_ONE}/lines", put, methods=["POST"]),
    Route(f"{_ONE}/receipts", receive, methods=["POST"]),
]
