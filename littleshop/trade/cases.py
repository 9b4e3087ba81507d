"""Cases: what a buyer wants after paying (money back, goods back, another piece), and its steps.

asked -> refunding | returning -> sent_back -> refunding | replacing -> done;
asked or sent_back -> refused -> disputed -> refunding | rejected; and withdrawn, lapsed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db, ids
from littleshop.money import Money

KINDS = ("refund", "return", "exchange")
REASONS = (
    "not_wanted",
    "not_arrived",
    "not_as_described",
    "damaged",
    "wrong_item",
    "missing",
    "other",
)
OFFERED = "offered"  # the seller's own reason: nobody asked
ENDED = ("done", "withdrawn", "lapsed", "rejected")


class Case(msgspec.Struct, frozen=True):
    """A row of cases. `amount_minor` is what the buyer asks back (0: exchange), `agreed_minor`
    what goes back in the end, `asked_while` the order's state when it was asked."""

    shop_id: int
    case_id: UUID
    order_id: UUID
    number: int
    kind: str
    reason: str
    status: str
    amount_minor: int
    agreed_minor: int | None
    currency: str
    postage_by: str
    asked_while: str
    carrier: str
    tracking_number: str
    decided_by: UUID | None
    asked_at: datetime
    answered_at: datetime | None
    sent_back_at: datetime | None
    got_back_at: datetime | None
    escalated_at: datetime | None
    decided_at: datetime | None
    ended_at: datetime | None

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    @property
    def agreed(self) -> Money | None:
        return None if self.agreed_minor is None else Money(self.agreed_minor, self.currency)

    @property
    def is_open(self) -> bool:
        return self.ended_at is None


COLUMNS = ", ".join(Case.__struct_fields__)


async def open(
    conn: db.Connection,
    shop_id: int,
    order_id: UUID,
    *,
    kind: str,
    reason: str,
    amount: Money,
    postage_by: str,
    asked_while: str,
    at: datetime,
    case_id: UUID | None = None,
) -> Case | None:
    """Open a case of a locked order; None while another one is open."""
    return await db.one(
        conn,
        Case,
        "insert into cases (shop_id, case_id, order_id, kind, reason, amount_minor, currency,"
        " postage_by, asked_while, asked_at, number)"
        " select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, coalesce(max(c.number), 0) + 1"
        "   from cases c where c.shop_id = $1 and c.order_id = $3"
        " having count(*) filter (where c.ended_at is null) = 0"
        f" returning {COLUMNS}",
        shop_id,
        case_id or ids.uuid7(at),
        order_id,
        kind,
        reason,
        amount.minor,
        amount.currency,
        postage_by,
        asked_while,
        at,
    )


async def get(conn: db.Connection, shop_id: int, case_id: UUID) -> Case | None:
    """A case of this shop."""
    return await db.one(
        conn,
        Case,
        f"select {COLUMNS} from cases where shop_id = $1 and case_id = $2",
        shop_id,
        case_id,
    )


async def open_of(conn: db.Connection, shop_id: int, order_id: UUID) -> Case | None:
    """The open case of an order, if any."""
    return await db.one(
        conn,
        Case,
        f"select {COLUMNS} from cases where shop_id = $1 and order_id = $2 and ended_at is null",
        shop_id,
        order_id,
    )


async def undecided(conn: db.Connection, shop_id: int, order_id: UUID) -> bool:
    """Whether an order has a request of which nobody knows yet what it will cost."""
    case = await open_of(conn, shop_id, order_id)
    return case is not None and case.status != "refunding"


async def of_order(conn: db.Connection, shop_id: int, order_id: UUID) -> list[Case]:
    """Every case of an order, the first one first."""
    return await db.all(
        conn,
        Case,
        f"select {COLUMNS} from cases where shop_id = $1 and order_id = $2 order by number",
        shop_id,
        order_id,
    )


async def disputed(conn: db.Connection, most: int = 100) -> list[Case]:
    """Cases of all shops that wait for an operator, the oldest first."""
    return await db.all(
        conn,
        Case,
        f"select /* all shops: the operator's desk */ {COLUMNS} from cases"
        " where status = 'disputed' order by escalated_at limit $1",
        most,
    )


async def move(
    conn: db.Connection,
    case: Case,
    status: str,
    *,
    left: Sequence[str],
    at: datetime,
    stamp: str = "",
    agreed: Money | None = None,
    carrier: str = "",
    tracking_number: str = "",
    decided_by: UUID | None = None,
) -> Case | None:
    """One guarded step; None when the case was in none of the states it leaves.

    `stamp` names the moment that is written (answered_at, sent_back_at ...); an end is dated.
    """
    assert stamp in ("", *(name for name in Case.__struct_fields__ if name.endswith("_at"))), stamp
    dated = "".join(f", {name} = $6" for name in (stamp, "ended_at" * (status in ENDED)) if name)
    return await db.one(
        conn,
        Case,
        f"update cases set status = $3, agreed_minor = coalesce($5, agreed_minor){dated},"
        " carrier = case when $7 = '' then carrier else $7 end,"
        " tracking_number = case when $8 = '' then tracking_number else $8 end,"
        " decided_by = coalesce($9, decided_by),"
        " decided_at = case when $9::uuid is null then decided_at else $6::timestamptz end"
        f" where shop_id = $1 and case_id = $2 and status = any ($4) returning {COLUMNS}",
        case.shop_id,
        case.case_id,
        status,
        list(left),
        None if agreed is None else agreed.minor,
        at,
        carrier,
        tracking_number,
        decided_by,
    )


async def end(
    conn: db.Connection, shop_id: int, case_id: UUID, status: str, at: datetime
) -> Case | None:
    """A case ends; None when it had ended."""
    return await db.one(
        conn,
        Case,
        "update cases set status = $3, ended_at = $4 where shop_id = $1 and case_id = $2"
        f" and ended_at is null returning {COLUMNS}",
        shop_id,
        case_id,
        status,
        at,
    )


class CaseEvent(msgspec.Struct, frozen=True):
    """A step of a case or words of one side, with the photos (private files) that came with it."""

    event_id: UUID
    kind: str
    by_role: str
    words: str
    details: dict[str, object]
    at: datetime
    photos: list[UUID]


async def tell(
    conn: db.Connection,
    case: Case,
    kind: str,
    *,
    by: str,
    at: datetime,
    words: str = "",
    photos: Sequence[str] = (),
    **details: object,
) -> None:
    """Write a line of a case's history; `by`: buyer, seller, operator or clock; `photos` are
    names of private files, shown in the order they are given."""
    event_id = ids.uuid7(at)
    await db.run(
        conn,
        "insert into case_events (shop_id, case_id, event_id, kind, by_role, words, details, at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8)",
        case.shop_id,
        case.case_id,
        event_id,
        kind,
        by,
        words,
        details,
        at,
    )
    for position, file in enumerate(photos):
        await db.run(
            conn,
            "insert into case_photos (shop_id, case_id, photo_id, event_id, position, by_role,"
            " file, at) values ($1, $2, $3, $4, $5, $6, $7, $8)",
            case.shop_id,
            case.case_id,
            ids.uuid7(at),
            event_id,
            position,
            by,
            file,
            at,
        )


async def history(conn: db.Connection, shop_id: int, case_id: UUID) -> list[CaseEvent]:
    """A case's history, oldest first."""
    return await db.all(
        conn,
        CaseEvent,
        "select e.event_id, e.kind, e.by_role, e.words, e.details, e.at,"
        " array(select p.photo_id from case_photos p where p.shop_id = $1"
        "        and p.case_id = $2 and p.event_id = e.event_id order by p.position) as photos"
        " from case_events e where e.shop_id = $1 and e.case_id = $2 order by e.at, e.event_id",
        shop_id,
        case_id,
    )


async def photo(conn: db.Connection, shop_id: int, case_id: UUID, photo_id: UUID) -> str | None:
    """The private file of a photo of this case."""
    file = await db.value(
        conn,
        "select file from case_photos where shop_id = $1 and case_id = $2 and photo_id = $3",
        shop_id,
        case_id,
        photo_id,
    )
    return None if file is None else str(file)


async def count_photos(conn: db.Connection, shop_id: int, case_id: UUID, by: str) -> int:
    """How many photos one side has shown."""
    count = await db.value(
        conn,
        "select count(*) from case_photos where shop_id = $1 and case_id = $2 and by_role = $3",
        shop_id,
        case_id,
        by,
    )
    return int(count)


async def returnable(
    conn: db.Connection, shop_id: int, order_id: UUID, placed_at: datetime
) -> bool:
    """Whether everything in an order could be returned without a reason when it was placed."""
    exempt = await db.value(
        conn,
        "select exists (select from order_items i join products p on p.shop_id = i.shop_id"
        " and p.product_id = i.product_id where i.shop_id = $1 and i.order_id = $2"
        " and p.no_return_since <= $3)",
        shop_id,
        order_id,
        placed_at,
    )
    return not exempt
