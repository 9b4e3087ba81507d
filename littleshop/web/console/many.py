"""Many orders at once: a table to fill in and bring back, what its rows would do, and slips."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import crypto, db, http, i18n
from littleshop.errors import Refused
from littleshop.http import AtWork
from littleshop.sale import shipping, shipping_many
from littleshop.sale.shipping_many import Row, Verdict
from littleshop.trade import carriers, order_lists, packing, regions, sheets
from littleshop.trade.order_lists import OrderRow
from littleshop.trade.orders import Delivery
from littleshop.trade.packing import ToPack
from littleshop.web import couriers, forms, pages
from littleshop.web.console import figures, frame, orders, slips

_ROOT = "/console/{shop_id}/orders"
COLUMNS = ("number", "name", "phone", "address", "things", "note", "carrier", "tracking")
_HEADS = {
    "number": frozenset({"订单号", "订单编号", "order", "ordernumber", "number"}),
    "carrier": frozenset({"快递公司", "物流公司", "快递", "courier", "carrier"}),
    "tracking": frozenset(
        {"快递单号", "运单号", "物流单号", "trackingnumber", "tracking", "waybill"}
    ),
}
_CARRIED = 500  # rows in one hidden field


async def page(request: Request) -> Response:
    """GET root/orders/many: the table, and whose slips are to be printed."""
    return await _show(request, await http.at_work(request))


async def _show(
    request: Request, work: AtWork, *, status: int = 200, error: str = "", **context: Any
) -> Response:
    house = http.house(request)
    async with house.database.connection() as conn:
        rows, packed = await _to_ship(conn, work.shop.shop_id, slips.MOST)
    listed = [
        {
            "number": row.number,
            "name": row.delivery(house.keyring).name,
            "things": orders.things(packed.get(row.order_id, [])),
        }
        for row in rows
    ]
    around = {"orders": listed, "error": error, "verdicts": None, "good": 0, "carried": []}
    return await frame.page(
        request, work, "orders_many.html", "orders", status=status, **(around | context)
    )


async def table(request: Request) -> Response:
    """GET root/orders/to-ship.csv: the orders to ship, with empty cells for the courier. Staff who
    are not the owner read names and phones masked."""
    work, locale = await http.at_work(request), pages.locale_of(request)
    house, shop_id = http.house(request), work.shop.shop_id
    told = [[i18n.t(locale, f"book.csv.{each}") for each in COLUMNS]]
    async with house.database.connection() as conn:
        found, packed = await _to_ship(conn, shop_id, sheets.MOST_ROWS)
    for row in found:
        to = row.delivery(house.keyring)
        told.append(_cells(row, packed.get(row.order_id, []), to, whole=work.role == "owner"))
    return figures.download(told, f"{work.shop.slug or shop_id}-to-ship.csv")


async def _to_ship(
    conn: db.Connection, shop_id: int, most: int
) -> tuple[list[OrderRow], dict[UUID, list[ToPack]]]:
    """The orders for a courier, the oldest first, and what of each is left to send."""
    found = await order_lists.of_state(conn, shop_id, "to_ship", most=most)
    rows = [row for row in found if row.way == "courier"]
    return rows, await packing.of_orders(conn, shop_id, [row.order_id for row in rows])


def _cells(row: OrderRow, items: Sequence[ToPack], to: Delivery, *, whole: bool) -> list[str]:
    name = to.name if whole else crypto.mask_name(to.name)
    phone = to.phone.removeprefix("+86") if whole else crypto.mask_phone(to.phone)
    address = regions.line(to.province, to.city, to.district, to.street if whole else "")
    things = "; ".join(
        f"{item.title}{f' ({item.choice})' if item.choice else ''} x {item.quantity}"
        for item in items
    )
    return [str(row.number), name, phone, address, things, row.note, "", ""]


async def preview(request: Request) -> Response:
    """POST root/orders/many: sheet (a file); what each of its rows would do. Nothing is shipped."""
    work = await http.at_work(request)
    try:
        rows = await _uploaded(request)
    except Refused as refused:
        said = frame.sentence(request, refused)
        return await _show(request, work, status=422, error=said)
    async with http.house(request).database.connection() as conn:
        verdicts = await shipping_many.judge(conn, work.shop.shop_id, rows)
    good = [each.row for each in verdicts if each.state == "good"]
    lines = [f"{row.number},{row.carrier},{row.tracking}" for row in good]
    carried = ["\n".join(lines[at : at + _CARRIED]) for at in range(0, len(lines), _CARRIED)]
    told = _told(request, verdicts)
    return await _show(request, work, verdicts=told, good=len(good), carried=carried)


async def _uploaded(request: Request) -> list[Row]:
    """The rows of the file that came. Raises Refused: sheet_too_large, sheet_missing, and as
    sheets.read."""
    most = sheets.MOST_BYTES + 8192
    length = request.headers.get("content-length", "0")
    if not length.isdigit() or int(length) > most:  # nothing of it is read
        raise Refused("sheet_too_large", most=sheets.MOST_BYTES // 1024 // 1024)
    http.expect(request, most)
    async with request.form(max_files=1, max_fields=10) as fields:
        await http.arrived(request)
        files = forms.Form(fields).files("sheet")
        if not files:
            raise Refused("sheet_missing")
        content = await files[0].read()
    sheet = sheets.read(content, _HEADS)
    return [_row(line, cells) for line, cells in sheet.rows]


def _row(line: int, cells: dict[str, str]) -> Row:
    typed, tracking = cells["number"].removeprefix("#"), cells["tracking"]
    number = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 13 else None
    fault, carrier = "", ""
    if number is None:
        fault = "no_order"
    elif not tracking:
        fault = "empty"
    elif sheets.digits_lost(tracking):
        fault = "digits_lost"
    else:
        try:
            tracking = shipping.tracking_number(tracking)
            carrier = couriers.choose(tracking, _carrier(cells["carrier"]))
        except Refused as refused:
            fault = refused.code
    return Row(line, number, carrier, tracking[:60], fault)


def _carrier(text: str) -> str:
    """The code of a courier by its code or by how it is called; "" lets the number say. Raises
    Refused("carrier_unknown")."""
    plain = "".join(text.split()).lower()
    for code, known in carriers.CARRIERS.items():
        names = ("".join(each.split()).lower() for each in (code, known.en, known.zh))
        if plain and any(plain == name or (len(plain) > 1 and plain in name) for name in names):
            return code
    if plain:
        raise Refused("carrier_unknown")
    return ""


def _told(request: Request, verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    locale = pages.locale_of(request)
    return [
        {
            "line": each.row.line,
            "number": each.row.number,
            "tracking": each.row.tracking,
            "carrier": carriers.CARRIERS[each.row.carrier].name(locale) if each.row.carrier else "",
            "state": each.state,
            "why": i18n.t(locale, f"book.row.{each.why}", other=each.other) if each.why else "",
        }
        for each in verdicts
    ]


async def ship(request: Request) -> Response:
    """POST root/orders/many/parcels: rows (number,carrier,tracking a line), as the preview had
    them; each is judged anew."""
    work, form = await http.at_work(request), await forms.read(request)
    rows = [row for text in form.texts("rows") for row in _carried(text)][: sheets.MOST_ROWS]
    house, at = http.house(request), http.now(request)
    told = [await shipping_many.ship(house.database, work.shop.shop_id, row, at) for row in rows]
    done = sum(each.state == "good" for each in told)
    if done == len(told):
        return frame.go(request, f"{frame.root(work.shop)}/orders", "many_shipped", count=done)
    rest = [each for each in told if each.state != "good"]
    return await _show(request, work, verdicts=_told(request, rest), done=done)


def _carried(text: str) -> list[Row]:
    rows = []
    for line, told in enumerate(text.splitlines(), 1):
        number, _, rest = told.partition(",")
        carrier, _, tracking = rest.partition(",")
        if number.isascii() and number.isdigit() and len(number) < 13:
            known = carrier if carrier in carriers.CARRIERS else ""
            fault = "" if known and tracking else "carrier_unknown"
            rows.append(Row(line, int(number), known, tracking[:60], fault))
    return rows


ROUTES = [
    Route(f"{_ROOT}/many", page),
    Route(f"{_ROOT}/many", preview, methods=["POST"]),
    Route(f"{_ROOT}/many/parcels", ship, methods=["POST"]),
    Route(f"{_ROOT}/to-ship.csv", table),
    Route(f"{_ROOT}/slips", slips.many),
]
