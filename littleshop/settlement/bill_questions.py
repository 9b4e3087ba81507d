"""Bill questions: what a rail without bills is asked about a day, and what it said."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from littleshop import db
from littleshop.money import Money
from littleshop.pay.gateways import BillRow
from littleshop.shop.shops import PLATFORM

AT_ONCE = 32  # claimed in one statement


class Question(msgspec.Struct, frozen=True):
    """About one payment or refund: `reference` is its own, `amount_minor` what the rail took or
    sent back (None: nothing), `state` its word, "" until it answered."""

    gateway: str
    day: date
    reference: str
    payment_reference: str
    kind: str
    of_shop_id: int
    moved_at: datetime
    tries: int
    answered_at: datetime | None
    state: str
    amount_minor: int | None
    currency: str | None
    gateway_trade_no: str

    def row(self) -> BillRow | None:
        """As a bill would have told it; None when nothing moved."""
        if self.amount_minor is None or self.currency is None:
            return None
        return BillRow(
            kind="refund" if self.kind == "refund" else "payment",
            reference=self.payment_reference,
            refund_reference=self.reference if self.kind == "refund" else None,
            gateway_trade_no=self.gateway_trade_no,
            amount=Money(self.amount_minor, self.currency),
            fee=Money(0, self.currency),
            at=self.moved_at,
        )


_COLUMNS = ", ".join(Question.__struct_fields__)


async def collect(
    conn: db.Connection, gateway: str, day: date, since: datetime, until: datetime, at: datetime
) -> int:
    """Write down what is to be asked of a day: what our books say moved, and attempts of which we
    heard nothing. May be repeated; how many are new."""
    return await db.run(
        conn,
        "insert into bill_questions (shop_id, gateway, day, reference, payment_reference, kind,"
        " of_shop_id, moved_at, ask_at)"
        " select /* all shops: the rail is asked for all */ $1, $2, $3, m.reference,"
        "        m.payment_reference, m.kind, m.of_shop_id, m.at, $6 from ("
        "  select p.reference, p.reference as payment_reference, 'payment' as kind,"
        "         p.shop_id as of_shop_id, coalesce(p.paid_at, p.asked_at) as at"
        "    from payments p where p.gateway = $2 and coalesce(p.paid_at, p.asked_at) >= $4"
        "     and coalesce(p.paid_at, p.asked_at) < $5"
        "  union all"
        "  select r.reference, p.reference, 'refund', r.shop_id, r.done_at"
        "    from refunds r join payments p"
        "      on p.shop_id = r.shop_id and p.payment_id = r.payment_id"
        "   where p.gateway = $2 and r.status = 'done' and r.done_at >= $4 and r.done_at < $5) m"
        " on conflict on constraint bill_questions_pkey do nothing",
        PLATFORM,
        gateway,
        day,
        since,
        until,
        at,
    )


async def claim(conn: db.Connection, gateway: str, at: datetime) -> list[Question]:
    """Some that are due, whoever else asks; each is due again later, longer every time (a minute,
    two, four, up to six hours)."""
    return await db.all(
        conn,
        Question,
        "update bill_questions q set tries = q.tries + 1,"
        " ask_at = $3::timestamptz + interval '1 minute' * least(power(2, q.tries), 360)"
        "  from (select day, reference from bill_questions where shop_id = $1 and gateway = $2"
        "           and answered_at is null and ask_at <= $3 order by ask_at, reference"
        "         limit $4 for update skip locked) d"
        " where q.shop_id = $1 and q.gateway = $2 and q.day = d.day and q.reference = d.reference"
        f" returning {', '.join(f'q.{name}' for name in Question.__struct_fields__)}",
        PLATFORM,
        gateway,
        at,
        AT_ONCE,
    )


async def answer(
    conn: db.Connection,
    question: Question,
    state: str,
    *,
    amount: Money | None,
    gateway_trade_no: str,
    at: datetime,
) -> None:
    """Write down what the rail said; the first time counts."""
    await db.run(
        conn,
        "update bill_questions set answered_at = $5, state = $6, amount_minor = $7, currency = $8,"
        " gateway_trade_no = $9 where shop_id = $1 and gateway = $2 and day = $3"
        " and reference = $4 and answered_at is null",
        PLATFORM,
        question.gateway,
        question.day,
        question.reference,
        at,
        state,
        amount.minor if amount else None,
        amount.currency if amount else None,
        gateway_trade_no,
    )


async def of_day(conn: db.Connection, gateway: str, day: date) -> list[Question]:
    """Everything that is asked about a day."""
    return await db.all(
        conn,
        Question,
        f"select {_COLUMNS} from bill_questions where shop_id = $1 and gateway = $2 and day = $3"
        " order by reference",
        PLATFORM,
        gateway,
        day,
    )


async def open_ones(conn: db.Connection, gateway: str) -> int:
    """How many wait for an answer."""
    return int(
        await db.value(
            conn,
            "select count(*) from bill_questions where shop_id = $1 and gateway = $2"
            " and answered_at is null",
            PLATFORM,
            gateway,
        )
    )
