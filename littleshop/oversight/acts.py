"""Acts: what operators did and why. The log only grows, and each row holds the hash of the one
before and its own over everything in it, so that nothing in the middle can be changed or taken
away unseen (`audit/acts.py` computes it anew, in SQL).

An act is written last in the transaction of what it is about: both happen or neither, and who
waits for the end of the log waits for nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.errors import Refused

SHORTEST, LONGEST = 2, 500  # of a reason
KINDS = (
    "operator_added",
    "operator_removed",
    "signed_in",
    "case_decided",
    "payouts_held",
    "hold_lifted",
    "hold_kept",
    "difference_explained",
    "rail_asked",
    "day_closed",
    "rail_off",
    "rail_on",
    "refund_sent_again",
    "refund_to_card",
    "refund_to_us",
    "refund_by_hand",
    "job_retried",
    "job_dropped",
    "shop_opened",
    "person_opened",
    "fees_set",
    "domain_added",
    "domain_removed",
    "domain_blocked",
    "domain_unblocked",
    "report_dismissed",
    "report_settled",
    "product_taken_down",
    "review_taken_down",
    "appeal_refused",
    "product_put_back",
    "entrance_made",
    "referral_stopped",
    "referral_lifted",
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Act(msgspec.Struct, frozen=True):
    """A row of acts. `operator_id` is None for what was done on the command line; `subject` names
    what it was done to; `details` is JSON with the facts of the moment."""

    number: int
    operator_id: UUID | None
    kind: str
    subject: str
    of_shop_id: int | None
    reason: str
    details: str
    at: datetime
    previous: bytes
    hash: bytes

    @property
    def facts(self) -> dict[str, Any]:
        """The details as they were told."""
        told = msgspec.json.decode(self.details)
        assert isinstance(told, dict)
        return told


class Head(msgspec.Struct, frozen=True):
    """Where the log ends; number 0 before the first act."""

    number: int
    hash: bytes


_COLUMNS = ", ".join(Act.__struct_fields__)


def why(text: str) -> str:
    """A reason in one line. Raises Refused reason_short, reason_long(have, most)."""
    reason = " ".join(text.split())
    if len(reason) < SHORTEST:
        raise Refused("reason_short")
    if len(reason) > LONGEST:
        raise Refused("reason_long", have=len(reason), most=LONGEST)
    return reason


async def record(
    conn: db.Connection,
    operator_id: UUID | None,
    kind: str,
    subject: str,
    *,
    reason: str,
    at: datetime,
    shop_id: int | None = None,
    **facts: object,
) -> Act:
    """Write an act, at the end of the transaction that it is about. Raises Refused reason_short,
    reason_long."""
    assert kind in KINDS, kind
    reason = "" if kind == "signed_in" else why(reason)
    head = await db.the_one(
        conn, Head, "select number, hash from act_heads where name = 'acts' for update"
    )
    details = msgspec.json.encode(facts, order="deterministic").decode()
    told = (head.number + 1, operator_id, kind, subject, shop_id, reason, details, at)
    act = Act(*told, previous=head.hash, hash=digest(head.hash, told))
    await db.run(
        conn,
        f"insert into acts ({_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        *(getattr(act, name) for name in Act.__struct_fields__),
    )
    await db.run(
        conn,
        "update act_heads set number = $1, hash = $2 where name = 'acts'",
        act.number,
        act.hash,
    )
    return act


def digest(previous: bytes, told: Sequence[object]) -> bytes:
    """SHA-256 over the hash before and each field as "length:text,", in bytes of UTF-8; a moment
    is its microseconds since 1970, nothing is an empty text."""
    texts = (_plain(value).encode() for value in told)
    return hashlib.sha256(previous + b"".join(b"%d:%b," % (len(t), t) for t in texts)).digest()


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return str((value - _EPOCH) // timedelta(microseconds=1))
    return "" if value is None else str(value)


async def head(conn: db.Connection) -> Head:
    """Where the log ends now."""
    return await db.the_one(conn, Head, "select number, hash from act_heads where name = 'acts'")


async def latest(
    conn: db.Connection, most: int, *, before: int | None = None, shop_id: int | None = None
) -> list[Act]:
    """The last acts, the newest first; `before` continues an earlier page, `shop_id` keeps to
    what was done to one shop."""
    return await db.all(
        conn,
        Act,
        f"select {_COLUMNS} from acts where ($1::bigint is null or number < $1)"
        " and ($2::bigint is null or of_shop_id = $2) order by number desc limit $3",
        before,
        shop_id,
        most,
    )


async def of_subjects(conn: db.Connection, subjects: Sequence[str]) -> dict[str, Act]:
    """The last act on each of these, of those that have one."""
    rows = await db.all(
        conn,
        Act,
        f"select distinct on (subject) {_COLUMNS} from acts where subject = any ($1)"
        " order by subject, number desc",
        list(subjects),
    )
    return {row.subject: row for row in rows}


async def has_done(
    conn: db.Connection, operator_id: UUID, kind: str, subject: str, since: datetime
) -> bool:
    """Whether this operator did this to that since a moment."""
    done = await db.value(
        conn,
        "select 1 from acts where subject = $1 and operator_id = $2 and kind = $3 and at > $4"
        " limit 1",
        subject,
        operator_id,
        kind,
        since,
    )
    return done is not None
