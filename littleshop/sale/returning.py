"""Returning: after paying, a buyer wants money back, gives goods back, or wants another piece.

One case at a time per order. While it is open the order's own clocks stand still, and each state
of the case has a clock that decides when nobody acts: the seller's silence is a yes, the buyer's a
no. What the two cannot settle is decided by an operator (arbitrating.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from littleshop import db, ids
from littleshop.errors import NotFound, Refused
from littleshop.ledger import accounts, chart
from littleshop.money import Money
from littleshop.pay import chargebacks
from littleshop.sale import pausing, refunding, telling
from littleshop.trade import cases, order_events, orders, timers
from littleshop.trade.cases import Case
from littleshop.trade.orders import Order

ANSWER = timedelta(hours=48)  # the seller; silence is a yes
SEND_BACK = timedelta(days=7)  # the buyer; silence is a withdrawal
TAKE_BACK = timedelta(days=10)  # the seller; silence means that it came
REPLACE = timedelta(days=7)  # the seller; silence means that the money goes back
ESCALATE = timedelta(days=7)  # the buyer; silence accepts the no
NO_REASON = timedelta(days=7)  # after receipt
MOST_PHOTOS = 9  # each side, per case
LONGEST_WORDS = 500

# In which states of an order what may be wanted.
_WANTED_WHILE = {
    "to_ship": ("refund",),
    "shipped": cases.KINDS,
    "delivered": cases.KINDS,
    "received": cases.KINDS,
}
_SELLERS_FAULT = frozenset(cases.REASONS) - {"not_wanted"}


class Wish(msgspec.Struct, frozen=True):
    """What a buyer asks for: `amount` back (zero for an exchange), why, words and photos (names
    of private files)."""

    kind: str
    reason: str
    amount: Money
    words: str = ""
    photos: tuple[str, ...] = ()


async def most(conn: db.Connection, order: Order, kind: str, reason: str) -> Money:
    """How much may be asked back: all that is left; the postage out stays paid when goods come
    back that were simply not wanted."""
    left = await refunding.left_of(conn, order)
    if kind == "return" and reason == "not_wanted" and order.status != "to_ship":
        return Money(max(left.minor - order.shipping_minor, 0), left.currency)
    return left


def wanted(order: Order) -> tuple[str, ...]:
    """What may be wanted in an order's state: kinds of cases."""
    kinds = _WANTED_WHILE.get(order.status, ())
    # what was never handed over is neither sent back nor swapped
    return tuple(kind for kind in kinds if kind == "refund") if order.way == "none" else kinds


async def ask(
    conn: db.Connection,
    shop_id: int,
    order_id: UUID,
    wish: Wish,
    at: datetime,
    *,
    case_id: UUID | None = None,
) -> Case:
    """Open a case; the same `case_id` again finds the first one.

    Raises Refused: case_not_now, case_open, case_reason, case_words, case_amount(most=).
    """
    order = await orders.lock(conn, shop_id, order_id)
    if case_id is not None and (known := await cases.get(conn, shop_id, case_id)) is not None:
        return known
    if wish.kind not in wanted(order):
        raise Refused("case_not_now")
    if wish.reason not in cases.REASONS:
        raise Refused("case_reason")
    highest = await most(conn, order, wish.kind, wish.reason)
    if wish.kind == "exchange" and order.total_minor and not highest:
        raise Refused("case_not_now")  # who had all his money back is owed no other piece
    if wish.kind != "exchange" and not _fits(wish.amount, highest):
        raise Refused("case_amount", most=highest)
    fault = wish.reason in _SELLERS_FAULT
    case = await cases.open(
        conn,
        shop_id,
        order_id,
        kind=wish.kind,
        reason=wish.reason,
        amount=wish.amount if wish.kind != "exchange" else Money(0, order.currency),
        postage_by="seller" if fault else "buyer",
        asked_while=order.status,
        at=at,
        case_id=case_id,
    )
    if case is None:
        raise Refused("case_open")
    await add_words(conn, case, "asked", by="buyer", words=wish.words, photos=wish.photos, at=at)
    await pausing.for_a_case(conn, order, at)
    await clock(conn, case, "case_answer", ANSWER, at)
    await order_events.tell(
        conn, shop_id, order_id, "case_asked", by="buyer", at=at, wanted=case.kind,
        reason=case.reason, minor=case.amount_minor,
    )  # fmt: skip
    await telling.seller(conn, order, "case_asked", at, occasion=str(case.number))
    return case


def _fits(amount: Money, highest: Money) -> bool:
    return 0 < amount.minor <= highest.minor and amount.currency == highest.currency


async def offer(
    conn: db.Connection,
    shop_id: int,
    order_id: UUID,
    amount: Money,
    *,
    words: str,
    case_id: UUID,
    at: datetime,
) -> Case:
    """The seller gives a part back, or all of it, without being asked: a case that is agreed as
    it is opened. The same `case_id` again finds the first one.

    Raises Refused: case_not_now, case_open, case_words, case_amount(most=), offer_beyond(most=),
    chargeback_open.
    """
    order = await orders.lock(conn, shop_id, order_id)
    if (known := await cases.get(conn, shop_id, case_id)) is not None:
        return known
    if order.status not in (*orders.PAID, "received", "closed"):
        raise Refused("case_not_now")
    highest = await refunding.left_of(conn, order)
    if not _fits(amount, highest):
        raise Refused("case_amount", most=highest)
    if not words.strip():
        raise Refused("case_words")
    await _need_own(conn, order, amount)
    case = await cases.open(
        conn, shop_id, order_id, kind="refund", reason=cases.OFFERED, amount=amount,
        postage_by="seller", asked_while=order.status, at=at, case_id=case_id,
    )  # fmt: skip
    if case is None:
        raise Refused("case_open")
    await add_words(conn, case, "offered", by="seller", words=words, at=at)
    return await give_back(conn, order, case, amount, left=("asked",), at=at)


async def _need_own(conn: db.Connection, order: Order, amount: Money) -> None:
    """What nobody asked for is given of what is still held of the order and of the seller's own
    balance; nothing is lent for it, or a seller could buy of himself, be paid out, and have the
    platform give it back. What another shop had of the sale counts as his: she may be himself.
    Raises Refused("offer_beyond", most=)."""
    balances = await accounts.lock_all(conn, order.shop_id, order.currency)
    own = max(balances.get(chart.PAYABLE, 0), 0)
    found = await refunding.sources(conn, order, amount)
    if (found.balance + found.margin + found.referred).minor > own:
        raise Refused("offer_beyond", most=Money(found.held.minor + own, order.currency))


async def lock(conn: db.Connection, shop_id: int, case_id: UUID) -> tuple[Order, Case]:
    """The case and its order, locked. Raises NotFound."""
    case = await cases.get(conn, shop_id, case_id)
    if case is None:
        raise NotFound("case")
    order = await orders.lock(conn, shop_id, case.order_id)
    again = await cases.get(conn, shop_id, case_id)
    assert again is not None
    return order, again


async def agree(
    conn: db.Connection, shop_id: int, case_id: UUID, *, by: str, at: datetime, words: str = ""
) -> Case:
    """The seller says yes: the money goes back, or the goods are awaited first.

    `by`: seller or clock. Raises Refused("case_moved") when it is not being asked any more.
    """
    order, case = await lock(conn, shop_id, case_id)
    if case.status not in ("asked", "refused"):
        raise Refused("case_moved")
    await add_words(conn, case, "agreed", by=by, words=words, at=at)
    if case.kind == "refund":
        return await give_back(conn, order, case, case.amount, left=(case.status,), at=at)
    moved = await step(conn, case, "returning", left=(case.status,), stamp="answered_at", at=at)
    await clock(conn, moved, "case_send_back", SEND_BACK, at)
    await telling.buyer(
        conn, order, "case_send_back", at, occasion=str(case.number), when=at + SEND_BACK
    )
    return moved


async def refuse(
    conn: db.Connection, shop_id: int, case_id: UUID, *, words: str, at: datetime
) -> Case:
    """The seller says no, with a reason; the buyer may call the operator.

    Raises Refused: case_words without one, case_must_take_back, case_moved.
    """
    order, case = await lock(conn, shop_id, case_id)
    if not words.strip():
        raise Refused("case_words")
    if case.status == "asked" and await must_take_back(conn, order, case):
        raise Refused("case_must_take_back")
    moved = await step(
        conn, case, "refused", left=("asked", "sent_back"), stamp="answered_at", at=at
    )
    await add_words(conn, moved, "refused", by="seller", words=words, at=at)
    await clock(conn, moved, "case_escalate", ESCALATE, at)
    await telling.buyer(
        conn, order, "case_refused", at, occasion=str(case.number), when=at + ESCALATE
    )
    return moved


async def must_take_back(conn: db.Connection, order: Order, case: Case) -> bool:
    """Whether the seller has no say: goods bought unseen may come back within seven days."""
    if case.kind != "return" or case.reason != "not_wanted":
        return False
    if order.received_at is not None and case.asked_at > order.received_at + NO_REASON:
        return False
    return await cases.returnable(conn, order.shop_id, order.order_id, order.placed_at)


async def withdraw(
    conn: db.Connection, shop_id: int, case_id: UUID, *, by: str, at: datetime
) -> Case:
    """The buyer does not ask any more (`by` buyer), or let the time pass (`by` clock).

    Raises Refused("case_moved") once the goods or the money are on their way.
    """
    order, case = await lock(conn, shop_id, case_id)
    if case.status not in ("asked", "returning", "refused", "disputed"):
        raise Refused("case_moved")
    ended = await end(conn, order, case, "withdrawn" if by == "buyer" else "lapsed", at)
    await cases.tell(conn, case, ended.status, by=by, at=at)
    await telling.seller(conn, order, "case_over", at, occasion=str(case.number))
    return ended


async def say(
    conn: db.Connection,
    shop_id: int,
    case_id: UUID,
    *,
    by: str,
    words: str,
    photos: Sequence[str] = (),
    at: datetime,
) -> Case:
    """Add words or photos to an open case. Raises Refused: case_moved, case_words, case_photos."""
    order, case = await lock(conn, shop_id, case_id)
    if not case.is_open:
        raise Refused("case_moved")
    if not words.strip() and not photos:
        raise Refused("case_words")
    await add_words(conn, case, "said", by=by, words=words, photos=photos, at=at)
    if by == "buyer":
        await telling.seller(conn, order, "case_said", at, occasion=str(case.number))
    return case


async def add_words(
    conn: db.Connection,
    case: Case,
    kind: str,
    *,
    by: str,
    words: str,
    photos: Sequence[str] = (),
    at: datetime,
) -> None:
    """A line of the case with what one side says and shows. Raises Refused: case_words,
    case_photos."""
    words = words.strip()
    if len(words) > LONGEST_WORDS:
        raise Refused("case_words")
    if photos:
        shown = await cases.count_photos(conn, case.shop_id, case.case_id, by)
        if shown + len(photos) > MOST_PHOTOS:
            raise Refused("case_photos", most=MOST_PHOTOS)
    await cases.tell(conn, case, kind, by=by, at=at, words=words, photos=photos)


async def give_back(
    conn: db.Connection,
    order: Order,
    case: Case,
    amount: Money,
    *,
    left: Sequence[str],
    stamp: str = "answered_at",
    decided_by: UUID | None = None,
    at: datetime,
) -> Case:
    """The money of a locked case goes back; when that is all there is, the order ends.

    Raises Refused: case_moved, refund_too_large.
    """
    moved = await step(
        conn, case, "refunding", left=left, stamp=stamp, agreed=amount, decided_by=decided_by, at=at
    )
    shop_id, order_id = order.shop_id, order.order_id
    refund_id = ids.derived(case.case_id, "refund")
    await timers.cancel(conn, shop_id, order_id, *pausing.CASE_CLOCKS)
    everything = amount == await refunding.left_of(conn, order)
    if everything and order.status in orders.PAID:
        await refunding.end(
            conn, order, reason=case.reason, refund_id=refund_id, case_id=case.case_id, at=at
        )
    else:
        await refunding.give_back(
            conn, order, amount, reason=case.reason, refund_id=refund_id, case_id=case.case_id,
            at=at,
        )  # fmt: skip
        await pausing.go_on(conn, order, at)
    await order_events.tell(
        conn, shop_id, order_id, "refund_agreed", by="seller", at=at, minor=amount.minor
    )
    await telling.buyer(conn, order, "case_agreed", at, occasion=str(case.number), amount=amount)
    return moved


async def step(
    conn: db.Connection,
    case: Case,
    status: str,
    *,
    left: Sequence[str],
    stamp: str,
    at: datetime,
    agreed: Money | None = None,
    carrier: str = "",
    tracking_number: str = "",
    decided_by: UUID | None = None,
) -> Case:
    moved = await cases.move(
        conn, case, status, left=left, at=at, stamp=stamp, agreed=agreed, carrier=carrier,
        tracking_number=tracking_number, decided_by=decided_by,
    )  # fmt: skip
    if moved is None:
        raise Refused("case_moved")
    return moved


async def clock(conn: db.Connection, case: Case, kind: str, lasts: timedelta, at: datetime) -> None:
    """The one clock of this state; it stands still while the buyer's bank has the payment."""
    await timers.cancel(conn, case.shop_id, case.order_id, *pausing.CASE_CLOCKS)
    await timers.start(conn, case.shop_id, case.order_id, kind, at + lasts)
    if await chargebacks.open_of(conn, case.shop_id, case.order_id) is not None:
        await timers.pause(conn, case.shop_id, case.order_id, [kind], at)


async def end(conn: db.Connection, order: Order, case: Case, status: str, at: datetime) -> Case:
    """A case ends without money: its clock stops and the order's go on."""
    ended = await cases.end(conn, case.shop_id, case.case_id, status, at)
    if ended is None:
        raise Refused("case_moved")
    await timers.cancel(conn, case.shop_id, case.order_id, *pausing.CASE_CLOCKS)
    await pausing.go_on(conn, order, at)
    return ended


async def reject(
    conn: db.Connection, order: Order, case: Case, operator: UUID, at: datetime
) -> Case:
    """An operator says that the seller was right: the order goes on."""
    moved = await step(
        conn, case, "rejected", left=("disputed",), stamp="", decided_by=operator, at=at
    )
    await pausing.go_on(conn, order, at)
    return moved
