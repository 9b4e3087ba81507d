"""Purchases: drafted, ordered, received piece by piece on as many phones as there are hands."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import msgspec

from littleshop import db, ids
from littleshop.catalog import stock
from littleshop.errors import Conflict, NotFound, Refused
from littleshop.supply import stock_items, suppliers

MOST_PIECES = 1_000_000
MOST_LINES = 300
_NAMES = UUID("0f7c3a55-3a8f-4b52-a6d1-6b6d0a6e1870")  # of receipts


class Purchase(msgspec.Struct, frozen=True):
    """A row of purchases with its supplier's name and its sums."""

    purchase_id: UUID
    number: int
    supplier_id: UUID
    supplier: str
    status: str
    expected_on: date | None
    made_at: datetime
    pieces: int
    received: int
    total_minor: int

    @property
    def awaited(self) -> bool:
        return self.status in ("ordered", "part_received")


class Line(msgspec.Struct, frozen=True):
    """So many of a kind at so much a piece."""

    variant_id: UUID
    product_id: UUID
    title: str
    choice: str
    quantity: int
    cost_minor: int
    received: int

    @property
    def name(self) -> str:
        return f"{self.title} · {self.choice}" if self.choice else self.title


class _Receipt(msgspec.Struct, frozen=True):
    purchase_id: UUID
    variant_id: UUID
    quantity: int


_SELECT = """
    select b.purchase_id, b.number, b.supplier_id, s.name as supplier, b.status, b.expected_on,
           b.made_at, coalesce(l.pieces, 0) as pieces, coalesce(l.received, 0) as received,
           coalesce(l.total, 0)::bigint as total_minor
      from purchases b
      join suppliers s on s.shop_id = b.shop_id and s.supplier_id = b.supplier_id
      left join lateral (select sum(quantity) as pieces, sum(received) as received,
                                sum(quantity * cost_minor) as total from purchase_lines l
                          where l.shop_id = $1 and l.purchase_id = b.purchase_id) l on true
     where b.shop_id = $1"""


async def listing(conn: db.Connection, shop_id: int, *, most: int = 200) -> list[Purchase]:
    """A shop's purchases: those that are not ended first, the newest first."""
    return await db.all(
        conn,
        Purchase,
        f"{_SELECT} order by b.ended_at is not null, b.number desc limit $2",
        shop_id,
        most,
    )


async def get(conn: db.Connection, shop_id: int, purchase_id: UUID) -> Purchase:
    """Raises NotFound."""
    found = await db.one(conn, Purchase, f"{_SELECT} and b.purchase_id = $2", shop_id, purchase_id)
    if found is None:
        raise NotFound("purchase")
    return found


async def lines(conn: db.Connection, shop_id: int, purchase_id: UUID) -> list[Line]:
    """What a purchase is for, in the shelf's order."""
    return await db.all(
        conn,
        Line,
        "select l.variant_id, v.product_id, p.title, array_to_string(v.choice, ' / ') as choice,"
        " l.quantity, l.cost_minor, l.received from purchase_lines l"
        " join variants v on v.shop_id = l.shop_id and v.variant_id = l.variant_id"
        " join products p on p.shop_id = v.shop_id and p.product_id = v.product_id"
        " where l.shop_id = $1 and l.purchase_id = $2"
        " order by p.sort_order, p.product_id, v.sort_order, v.variant_id",
        shop_id,
        purchase_id,
    )


async def draft(
    conn: db.Connection,
    shop_id: int,
    purchase_id: UUID,
    supplier_id: UUID,
    *,
    expected_on: date | None,
    person_id: UUID,
    at: datetime,
) -> None:
    """Begin a purchase; the same id again is harmless. Raises NotFound for the supplier."""
    await suppliers.get(conn, shop_id, supplier_id)
    await db.run(  # numbers are given one after the other
        conn, "select 1 from shops where shop_id = $1 for no key update", shop_id
    )
    await db.run(
        conn,
        "insert into purchases (shop_id, purchase_id, number, supplier_id, expected_on, made_at,"
        " made_by) values ($1, $2, (select coalesce(max(number), 0) + 1 from purchases"
        "  where shop_id = $1), $3, $4, $5, $6)"
        " on conflict on constraint purchases_pkey do nothing",
        shop_id,
        purchase_id,
        supplier_id,
        expected_on,
        at,
        person_id,
    )


async def _lock(conn: db.Connection, shop_id: int, purchase_id: UUID, *states: str) -> None:
    """Hold the purchase in one of these states. Raises NotFound, Refused purchase_state."""
    status = await db.value(
        conn,
        "select status from purchases where shop_id = $1 and purchase_id = $2 for no key update",
        shop_id,
        purchase_id,
    )
    if status is None:
        raise NotFound("purchase")
    if status not in states:
        raise Refused("purchase_state")


async def put(
    conn: db.Connection,
    shop_id: int,
    purchase_id: UUID,
    variant_id: UUID,
    quantity: int,
    cost_minor: int,
) -> None:
    """So many of a kind stand on a draft; none takes it off.

    Raises NotFound, Refused: purchase_state, purchase_pieces(most=), purchase_lines(most=).
    """
    await _lock(conn, shop_id, purchase_id, "draft")
    if not 0 <= quantity <= MOST_PIECES:
        raise Refused("purchase_pieces", most=MOST_PIECES)
    await stock_items.get(conn, shop_id, variant_id)
    if not quantity:
        await db.run(
            conn,
            "delete from purchase_lines where shop_id = $1 and purchase_id = $2"
            " and variant_id = $3",
            shop_id,
            purchase_id,
            variant_id,
        )
        return
    if len(await lines(conn, shop_id, purchase_id)) >= MOST_LINES:
        raise Refused("purchase_lines", most=MOST_LINES)
    await db.run(
        conn,
        "insert into purchase_lines (shop_id, purchase_id, variant_id, quantity, cost_minor)"
        " values ($1, $2, $3, $4, $5) on conflict on constraint purchase_lines_pkey"
        " do update set quantity = excluded.quantity, cost_minor = excluded.cost_minor",
        shop_id,
        purchase_id,
        variant_id,
        quantity,
        cost_minor,
    )


async def order(conn: db.Connection, shop_id: int, purchase_id: UUID, at: datetime) -> None:
    """The supplier was asked for it. Raises NotFound, Refused: purchase_state, purchase_empty."""
    await _lock(conn, shop_id, purchase_id, "draft")
    if not await lines(conn, shop_id, purchase_id):
        raise Refused("purchase_empty")
    await db.run(
        conn,
        "update purchases set status = 'ordered', ordered_at = $3"
        " where shop_id = $1 and purchase_id = $2",
        shop_id,
        purchase_id,
        at,
    )


async def cancel(conn: db.Connection, shop_id: int, purchase_id: UUID, at: datetime) -> None:
    """Nothing of it comes; of one that came in part, the rest does not and it counts as received.
    Raises NotFound, Refused purchase_state."""
    await _lock(conn, shop_id, purchase_id, "draft", "ordered", "part_received")
    await db.run(
        conn,
        "update purchases set ended_at = $3,"
        " status = case when status = 'part_received' then 'received' else 'cancelled' end"
        " where shop_id = $1 and purchase_id = $2",
        shop_id,
        purchase_id,
        at,
    )


async def receive(
    conn: db.Connection,
    shop_id: int,
    purchase_id: UUID,
    key: UUID,
    which: str | UUID,
    quantity: int,
    *,
    more: bool = False,
    person_id: UUID,
    at: datetime,
) -> Line:
    """Pieces of a kind, named by its code or itself, came; the same `key` again counts once.
    Returns the line as it is now.

    Raises NotFound, Conflict when the key came with other pieces, Refused: purchase_state,
    receipt_pieces(most=), what stock_items.named raises, not_purchased(title=), and without `more`
    more_than_ordered(title=, ordered=, received=, now=).
    """
    item = await stock_items.named(conn, shop_id, which)
    await _lock(conn, shop_id, purchase_id, "ordered", "part_received", "received")
    receipt_id = ids.derived(_NAMES, f"{shop_id}:{purchase_id}:{key}")
    line = await _line(conn, shop_id, purchase_id, item)
    if await _came_before(
        conn, shop_id, receipt_id, _Receipt(purchase_id, item.variant_id, quantity)
    ):
        return line
    if not 1 <= quantity <= MOST_PIECES:
        raise Refused("receipt_pieces", most=MOST_PIECES)
    if line.received + quantity > line.quantity and not more:
        told = {"ordered": line.quantity, "received": line.received, "now": quantity}
        raise Refused("more_than_ordered", title=line.name, **told)
    await _lock(conn, shop_id, purchase_id, "ordered", "part_received", *(("received",) * more))
    await stock.receive(
        conn,
        shop_id,
        item.variant_id,
        quantity,
        line.cost_minor,
        movement_id=receipt_id,
        at=at,
        person_id=person_id,
    )
    came = _Receipt(purchase_id, item.variant_id, quantity)
    await _write(conn, shop_id, receipt_id, came, line.cost_minor, person_id, at)
    await _count(conn, shop_id, purchase_id, item.variant_id, quantity, at)
    return msgspec.structs.replace(line, received=line.received + quantity)


async def _write(
    conn: db.Connection,
    shop_id: int,
    receipt_id: UUID,
    came: _Receipt,
    cost_minor: int,
    person_id: UUID,
    at: datetime,
) -> None:
    await db.run(
        conn,
        "insert into receipts (shop_id, receipt_id, purchase_id, variant_id, quantity, cost_minor,"
        " person_id, at) values ($1, $2, $3, $4, $5, $6, $7, $8)",
        *(shop_id, receipt_id, came.purchase_id, came.variant_id, came.quantity, cost_minor),
        *(person_id, at),
    )


async def _line(
    conn: db.Connection, shop_id: int, purchase_id: UUID, item: stock_items.StockItem
) -> Line:
    for line in await lines(conn, shop_id, purchase_id):
        if line.variant_id == item.variant_id:
            return line
    raise Refused("not_purchased", title=item.name)


async def _came_before(
    conn: db.Connection, shop_id: int, receipt_id: UUID, wanted: _Receipt
) -> bool:
    """Raises Conflict when it came with another content."""
    known = await db.one(
        conn,
        _Receipt,
        "select purchase_id, variant_id, quantity from receipts"
        " where shop_id = $1 and receipt_id = $2",
        shop_id,
        receipt_id,
    )
    if known is not None and known != wanted:
        raise Conflict(f"receipt {receipt_id}")
    return known is not None


async def _count(
    conn: db.Connection,
    shop_id: int,
    purchase_id: UUID,
    variant_id: UUID,
    quantity: int,
    at: datetime,
) -> None:
    """Add to the line; the purchase is received when nothing is awaited any more."""
    await db.run(
        conn,
        "update purchase_lines set received = received + $4"
        " where shop_id = $1 and purchase_id = $2 and variant_id = $3",
        shop_id,
        purchase_id,
        variant_id,
        quantity,
    )
    whole = all(each.received >= each.quantity for each in await lines(conn, shop_id, purchase_id))
    await db.run(
        conn,
        "update purchases set status = $3, ended_at = $4 where shop_id = $1 and purchase_id = $2"
        " and status <> 'received'",
        shop_id,
        purchase_id,
        "received" if whole else "part_received",
        at if whole else None,
    )
