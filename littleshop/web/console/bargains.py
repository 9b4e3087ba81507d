"""What a seller does to an order before it is paid (its price, its end), and his notes."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import http, i18n
from littleshop.errors import Refused
from littleshop.http import AtWork
from littleshop.money import Money
from littleshop.sale import bargaining
from littleshop.sale.bargaining import Price
from littleshop.trade import order_notes
from littleshop.trade.orders import Order
from littleshop.web import forms, pages
from littleshop.web.console import frame, order_page
from littleshop.web.console import orders as lists

_ORDER = "/console/{shop_id}/orders/{number}"
LONGEST = 120  # of a reason


async def _find(request: Request) -> tuple[AtWork, Order, str]:
    """Who is at work, the order of the address, and where its page is."""
    work = await http.at_work(request)
    async with http.house(request).database.connection() as conn:
        order = await order_page.find(conn, work.shop.shop_id, request.path_params["number"])
    return work, order, f"{frame.root(work.shop)}/orders/{order.number}"


def _reason(form: forms.Form) -> str:
    return " ".join(form.text("reason").split())[:LONGEST]


async def reprice(request: Request) -> Response:
    """POST root/orders/NUMBER/price: goods, postage, seen (minor units), reason."""
    work, order, here = await _find(request)
    form = await forms.read(request)
    try:
        changed = await _change(request, work, order, form)
    except Refused as refused:
        return await _refused(request, work, order, refused, form, "price")
    total = i18n.money(pages.locale_of(request), changed.total)
    return frame.go(request, here, "repriced", number=order.number, amount=total)


async def _change(request: Request, work: AtWork, order: Order, form: forms.Form) -> Order:
    price, at = _price(form, order), http.now(request)
    who = work.person.person_id
    return await http.house(request).database.transaction(
        lambda conn: bargaining.reprice(
            conn, order.shop_id, order.order_id, price, person_id=who, at=at
        )
    )


def _price(form: forms.Form, order: Order) -> Price:
    goods = forms.fee(form.text("goods", 40), order.currency)
    postage = forms.fee(form.text("postage", 40), order.currency) if order.way != "none" else 0
    seen = form.text("seen", 13)
    seen_minor = int(seen) if seen.isascii() and seen.isdigit() else 0
    money = [Money(minor, order.currency) for minor in (goods, postage, seen_minor)]
    return Price(money[0], money[1], money[2], _reason(form))


async def _refused(
    request: Request, work: AtWork, order: Order, refused: Refused, form: forms.Form, part: str
) -> Response:
    """The page again: what was typed stays, and where the order has moved on it says so."""
    if refused.code in ("price_not_changeable", "not_cancellable", "price_changed"):
        return frame.refuse(request, f"{frame.root(work.shop)}/orders/{order.number}", refused)
    said = {part: frame.sentence(request, refused)}
    typed = form.typed("goods", "postage", "reason", "text")
    return await order_page.show(request, work, status=422, errors=said, form=typed)


async def withdraw(request: Request) -> Response:
    """POST root/orders/NUMBER/withdrawal: not paid, and not to be sold; reason."""
    work, order, here = await _find(request)
    form, at = await forms.read(request), http.now(request)
    try:
        await http.house(request).database.transaction(
            lambda conn: bargaining.call_off(conn, order.shop_id, order.order_id, _reason(form), at)
        )
    except Refused as refused:
        return await _refused(request, work, order, refused, form, "withdrawal")
    said = "withdrawn_parts" if lists.there(order) else "withdrawn_unpaid"
    return frame.go(request, here, said, number=order.number)


async def note(request: Request) -> Response:
    """POST root/orders/NUMBER/notes: text, for the shop's own eyes."""
    work, order, here = await _find(request)
    form, at = await forms.read(request), http.now(request)
    text, who = form.text("text", 5000).replace("\r\n", "\n").strip(), work.person.person_id
    try:
        await http.house(request).database.transaction(
            lambda conn: order_notes.write(conn, order.shop_id, order.order_id, text, who, at)
        )
    except Refused as refused:
        return await _refused(request, work, order, refused, form, "text")
    return frame.go(request, here, "noted" if text else "note_gone", number=order.number)


ROUTES = [
    Route(f"{_ORDER}/price", reprice, methods=["POST"]),
    Route(f"{_ORDER}/withdrawal", withdraw, methods=["POST"]),
    Route(f"{_ORDER}/notes", note, methods=["POST"]),
]
