"""One change to many products: what it would do to each, looked at before it is done.

The look says what it saw; when anything of it is otherwise by the time the seller says yes, nothing
is written and he looks again. So a press that comes twice changes nothing twice either.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.catalog import drafts, wares
from littleshop.catalog.wares import Ware, WareVariant
from littleshop.errors import Refused
from littleshop.money import digits

BATCH = 500  # products of a transaction
STATES = ("on_sale", "hidden")
PRICES = ("set", "percent", "amount")
ROUNDINGS = ("tenth", "whole", "nine")
STOCKS = ("set", "add")
REASONS = ("received", "counted", "damaged")


class Change(msgspec.Struct, frozen=True):
    """What is to be otherwise; "" and None leave it. `price_by`: minor units, or hundredths of a
    per cent; `stock_by`: pieces of each kind, below nought takes away."""

    status: str = ""
    category: str | None = None
    price: str = ""
    price_by: int = 0
    rounding: str = ""
    stock: str = ""
    stock_by: int = 0
    reason: str = "counted"
    more_tags: tuple[str, ...] = ()
    fewer_tags: tuple[str, ...] = ()

    @property
    def nothing(self) -> bool:
        return self == Change(reason=self.reason, rounding=self.rounding)


class Planned(msgspec.Struct, frozen=True):
    """What becomes of a product: `why` it stays as it is, or `below` so many of its kinds would be
    sold below their cost and were not before."""

    before: Ware
    after: Ware
    why: str = ""
    below: int = 0

    @property
    def changes(self) -> bool:
        return not self.why and not self.before.same(self.after)


def check(change: Change) -> Change:
    """Raises Refused: many_nothing, many_wrong."""
    known = (
        change.status in ("", *STATES)
        and change.price in ("", *PRICES)
        and change.rounding in ("", *ROUNDINGS)
        and change.stock in ("", *STOCKS)
        and change.reason in REASONS
        and abs(change.price_by) <= drafts.MOST_MINOR
        and abs(change.stock_by) <= drafts.MOST_STOCK
    )
    if not known:
        raise Refused("many_wrong")
    if change.nothing:
        raise Refused("many_nothing")
    return change


def planned(ware: Ware, change: Change, currency: str) -> Planned:
    """What a change would do to a product."""
    if ware.resold:
        return Planned(ware, ware, "import_resold")
    if ware.down and change.status == "on_sale":
        return Planned(ware, ware, "product_taken_down")
    try:
        kinds = tuple(_kind(each, change, currency) for each in ware.kinds)
        kept = [each for each in ware.tags if each not in change.fewer_tags]
        after = msgspec.structs.replace(
            ware,
            kinds=kinds,
            status=change.status or ware.status,
            category=ware.category if change.category is None else change.category,
            tags=(*kept, *(each for each in change.more_tags if each not in kept)),
        )
        after = wares.check(after)
    except Refused as refused:
        return Planned(ware, ware, refused.code)
    pairs = zip(ware.kinds, after.kinds, strict=True)
    below = sum(_below(new) and new.price_minor < old.price_minor for old, new in pairs)
    return Planned(ware, after, "", below)


def _below(kind: WareVariant) -> bool:
    return kind.cost_minor is not None and kind.price_minor < kind.cost_minor


def _kind(kind: WareVariant, change: Change, currency: str) -> WareVariant:
    price = _price(kind.price_minor, change, currency) if change.price else kind.price_minor
    on_hand = kind.on_hand
    if change.stock:
        on_hand = change.stock_by if change.stock == "set" else on_hand + change.stock_by
        if on_hand < kind.held:
            raise Refused("stock_promised" if on_hand >= 0 else "stock_count", held=kind.held)
    crossed = kind.compare_at_minor if kind.compare_at_minor > price else 0
    return msgspec.structs.replace(
        kind, price_minor=price, on_hand=on_hand, compare_at_minor=crossed
    )


def _price(minor: int, change: Change, currency: str) -> int:
    """The new price, rounded half up."""
    if change.price == "set":
        new = change.price_by
    elif change.price == "amount":
        new = minor + change.price_by
    else:
        new = (2 * minor * (10_000 + change.price_by) + 10_000) // 20_000
    unit = int(10 ** digits(currency))
    if change.rounding == "nine":  # 19.90; where there are no cents 199
        step, less = (unit, unit // 10) if unit > 1 else (10, 1)
        return max(_rounded(new, step), step) - less
    steps = {"tenth": max(1, unit // 10), "whole": unit}
    return _rounded(new, steps[change.rounding]) if change.rounding else new


def _rounded(minor: int, step: int) -> int:
    return (2 * minor + step) // (2 * step) * step


def batches(products: Sequence[UUID]) -> Iterable[list[UUID]]:
    """The products of each transaction, always the same for the same products."""
    order = sorted(set(products))
    for at in range(0, len(order), BATCH):
        yield order[at : at + BATCH]


def seen(found: Iterable[Ware]) -> str:
    """What a look at products saw, as a short text."""
    facts = sorted(found, key=lambda each: each.product_id)
    return hashlib.sha256(msgspec.json.encode(facts)).hexdigest()[:24]


async def look(
    conn: db.Connection, shop_id: int, products: Sequence[UUID], change: Change, currency: str
) -> tuple[list[Planned], list[str]]:
    """What a change would do to each of these products, and what was seen of each batch. What is
    not this shop's is left out."""
    plans, marks = [], []
    for some in batches(products):
        found = list((await wares.of(conn, shop_id, some)).values())
        plans += [planned(each, change, currency) for each in found]
        marks.append(seen(found))
    return plans, marks


async def change_some(
    conn: db.Connection,
    shop_id: int,
    products: Sequence[UUID],
    change: Change,
    mark: str,
    *,
    currency: str,
    below_cost: bool,
    at: datetime,
    person_id: UUID,
) -> int:
    """Do it to one batch; how many products are otherwise now. `below_cost`: the seller was asked.

    Raises Refused: many_stale when they are not as they were looked at, many_below_cost(count=)."""
    await wares.lock(conn, shop_id, products)
    found = await wares.of(conn, shop_id, products)
    if seen(found.values()) != mark:
        raise Refused("many_stale")
    plans = [planned(each, change, currency) for each in found.values()]
    below = sum(each.below for each in plans if each.changes)
    if below and not below_cost:
        raise Refused("many_below_cost", count=below)
    changed = [each.after for each in plans if each.changes]
    reason = change.reason if change.stock else ""
    await wares.write(conn, shop_id, changed, found, at=at, person_id=person_id, reason=reason)
    return len(changed)
