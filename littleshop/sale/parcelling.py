"""Parcelling: which pieces of an order are under way, whose parcel a number is, and what becomes of
pieces that are never sent.

An order is to ship until the last of its pieces lies in a parcel; then it has left, and the buyer's
clocks start.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from littleshop import db, ids
from littleshop.catalog import stock
from littleshop.errors import Refused
from littleshop.money import Money
from littleshop.sale import delivering, refunding, telling
from littleshop.supply import stock_items
from littleshop.trade import cases, claims, deliveries, order_events, orders, timers
from littleshop.trade.deliveries import Holder, Parcel
from littleshop.trade.orders import Order

CONFIRM_BY = delivering.ON_ITS_WAY
CONFIRM_SOON = timedelta(days=9)  # the reminder before that
DONE_BY = timedelta(days=3)  # the same where nothing is handed over
DONE_SOON = timedelta(days=2)
SHIP_CLOCKS = ("ship_by", "ship_at_last")


async def left(conn: db.Connection, order: Order) -> dict[int, int]:
    """The pieces of each line that lie in no parcel yet."""
    wanted = {
        item.position: item.quantity
        for item in await orders.items(conn, order.shop_id, order.order_id)
    }
    if order.status != "to_ship":
        return {}
    gone: Counter[int] = Counter()
    for each in await deliveries.packed(conn, order.shop_id, order.order_id):
        gone[each.position] += each.quantity
    return {at: n - gone[at] for at, n in wanted.items() if n > gone[at]}


def fits(wanted: Mapping[int, int], there: Mapping[int, int]) -> bool:
    """Whether these pieces, one at least, are among those."""
    return bool(wanted) and all(0 < n <= there.get(at, 0) for at, n in wanted.items())


async def is_whole(conn: db.Connection, order: Order, wanted: Mapping[int, int]) -> bool:
    """Whether these pieces are all of the order: such a parcel lists none."""
    items = await orders.items(conn, order.shop_id, order.order_id)
    return {item.position: item.quantity for item in items} == dict(wanted)


async def check_number(conn: db.Connection, order: Order, number: str, *, together: bool) -> None:
    """A parcel goes to one address: its number stands on orders of one buyer only, and on a second
    one of his when the seller says that both lie in it.

    Raises Refused: number_known of this order, number_together, number_of_another, and
    barcode_of_own(title=) when it is that of a thing on the shop's own shelf."""
    if title := await stock_items.thing_of(conn, order.shop_id, number):
        raise Refused("barcode_of_own", title=title)
    held = await deliveries.holders(conn, order.shop_id, [number])
    check_holders(order, held, together=together)


class ForParcel(Protocol):
    """What of an order says whether a parcel's number may be its own."""

    @property
    def order_id(self) -> UUID: ...
    @property
    def status(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def phone_index(self) -> bytes: ...


def check_holders(order: ForParcel, held: Sequence[Holder], *, together: bool) -> None:
    """The same, of the orders that a number stands on. Raises Refused as check_number."""
    for other in held:
        if other.order_id == order.order_id:
            raise Refused("number_known" if order.status == "to_ship" else "not_to_ship")
        if other.phone_index != order.phone_index or "gift" in (other.kind, order.kind):
            raise Refused("number_of_another", number=other.number)
        if not together:
            raise Refused("number_together", number=other.number)


async def leave(conn: db.Connection, order: Order, at: datetime) -> Order:
    """The last pieces of a locked order leave: it is shipped, and the buyer's clocks start."""
    shop_id, order_id = order.shop_id, order.order_id
    gone = await orders.mark_shipped(conn, shop_id, order_id, at)
    if gone is None:
        raise Refused("not_to_ship")
    await stock.ship(conn, shop_id, order_id, at)
    running = await timers.of(conn, shop_id, order_id)
    await timers.cancel(conn, shop_id, order_id)
    before = {each.kind: each.due_at.isoformat() for each in running if each.kind in SHIP_CLOCKS}
    done = order.way == "none"
    await start_clocks(conn, shop_id, order_id, at, done=done, before=before)
    return gone


async def start_clocks(
    conn: db.Connection,
    shop_id: int,
    order_id: UUID,
    at: datetime,
    *,
    done: bool = False,
    before: Mapping[str, str] | None = None,
) -> None:
    """From now the buyer has ten days to say that it came (three that it is done), and is reminded
    before. `before` are the clocks that ran until then, should the shipping be undone."""
    soon, by = (DONE_SOON, DONE_BY) if done else (CONFIRM_SOON, CONFIRM_BY)
    await timers.start(conn, shop_id, order_id, "confirm_soon", at + soon)
    await timers.start(conn, shop_id, order_id, "confirm_by", at + by, dict(before or {}))


async def call_off(
    conn: db.Connection, shop_id: int, order_id: UUID, *, by: str, reason: str, at: datetime
) -> Order:
    """What of a paid order was not sent never will be: all of it ends when nothing left, else the
    missing pieces' price and credit go back and the order is what lies in its parcels.

    Raises Refused: not_cancellable, chargeback_open."""
    order = await orders.lock(conn, shop_id, order_id)
    sent = await deliveries.packed(conn, shop_id, order_id)
    if order.status != "to_ship" or not sent:
        return await refunding.call_off(conn, shop_id, order_id, by=by, reason=reason, at=at)
    running = await timers.of(conn, shop_id, order_id)
    if by == "buyer" and any(timer.kind == "ship_by" for timer in running):
        raise Refused("not_cancellable")
    asked = await cases.open_of(conn, shop_id, order_id)
    if asked is not None and asked.status != "refunding":
        await refunding.end_case(conn, asked, at)
    missing = await left(conn, order)
    price, rest = await price_of(conn, order, missing), await refunding.left_of(conn, order)
    spent = Money(await claims.credit_of(conn, shop_id, order_id), order.currency)
    credit = await _share_of(conn, order, missing, spent)
    amount = price if price.minor < rest.minor else rest
    if amount:
        refund_id = ids.derived(order_id, "never_sent")
        await refunding.give_back(conn, order, amount, reason=reason, refund_id=refund_id, at=at)
    await claims.give_back_credit(conn, shop_id, order_id, credit.minor)
    gone = await leave(conn, await orders.lock(conn, shop_id, order_id), at)
    await _back_on_shelf(conn, order, missing, at)
    await order_events.tell(
        conn, shop_id, order_id, "rest_called_off", by=by, at=at, why=reason, amount=amount.minor
    )
    await telling.buyer(conn, gone, "order_rest_off", at, back=amount)
    await delivering.look(conn, gone, at)
    return gone


async def price_of(conn: db.Connection, order: Order, pieces: Mapping[int, int]) -> Money:
    """What the buyer paid for these pieces: their share of the goods, nothing of the postage."""
    return await _share_of(conn, order, pieces, order.goods_now)


async def _share_of(
    conn: db.Connection, order: Order, pieces: Mapping[int, int], whole: Money
) -> Money:
    """What of a sum falls to these pieces: each line weighs what was paid for it, with what went
    off it; by the shelf where nothing was."""
    items = await orders.items(conn, order.shop_id, order.order_id)
    weights = [item.amount.minor - item.discount_minor for item in items]
    if not any(weights):
        weights = [item.amount.minor for item in items]
    shares = whole.split(weights)
    total = Money(0, whole.currency)
    for item, share in zip(items, shares, strict=True):
        n = pieces.get(item.position, 0)
        if n:
            total += share.split([n, item.quantity - n])[0]
    return total


async def _back_on_shelf(
    conn: db.Connection, order: Order, pieces: Mapping[int, int], at: datetime
) -> None:
    """All of the order left the shelf by its own movement; what never went is there again."""
    items = await orders.items(conn, order.shop_id, order.order_id)
    for item in sorted(items, key=lambda each: each.variant_id):
        if n := pieces.get(item.position, 0):
            await stock.move(
                conn, order.shop_id, item.variant_id, n, reason="returned",
                order_id=order.order_id, at=at,
            )  # fmt: skip


async def of_parcels(
    conn: db.Connection, shop_id: int, order_id: UUID
) -> dict[UUID, dict[int, int]]:
    """The pieces in each parcel that does not hold the whole order."""
    found: dict[UUID, dict[int, int]] = {}
    for each in await deliveries.packed(conn, shop_id, order_id):
        found.setdefault(each.parcel_id, {})[each.position] = each.quantity
    return found


async def sent(
    conn: db.Connection, shop_id: int, order_id: UUID
) -> tuple[list[Parcel], dict[UUID, dict[int, int]]]:
    """An order's parcels, and the pieces in each that does not hold all of it."""
    parcels = await deliveries.of_order(conn, shop_id, order_id)
    return parcels, await of_parcels(conn, shop_id, order_id)
