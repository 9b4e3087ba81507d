"""Payouts: what one run sends to one shop's card, from the wish to the bank's last word."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

import msgspec

from littleshop import db, ids
from littleshop.money import Money
from littleshop.settlement.runs import Run
from littleshop.shop.cards import BankCard

State = Literal["waits", "made", "sent", "paid", "returned"]
_STATES: dict[str, State] = {
    "asked": "waits",
    "funded": "made",
    "sent": "sent",
    "done": "paid",
    "rejected": "returned",
    "returned": "returned",
}


class Payout(msgspec.Struct, frozen=True):
    """One payout. `status`: asked (waits for the rail's money), funded, sent, done, rejected
    (never left us), returned (came back after it was done); `reason` is a BankReason."""

    shop_id: int
    payout_id: UUID
    run_id: UUID
    run_on: date
    counts_before: date
    reference: str
    amount_minor: int
    currency: str
    card_id: UUID
    bank_code: str
    tail: str
    status: str
    need_minor: int | None
    bank_says: str
    reason: str
    paid_entry: str | None
    return_entry: str | None
    asked_at: datetime
    funded_at: datetime | None
    sent_at: datetime | None
    arrives_on: date | None
    done_at: datetime | None
    back_at: datetime | None
    given_back_at: datetime | None
    kept_minor: int

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    @property
    def kept(self) -> Money:
        """What it left in the balance by the shop's terms."""
        return Money(self.kept_minor, self.currency)

    @property
    def need(self) -> Money:
        """What the rail's money must bring; the rest lies in the shop's bank account already."""
        return Money(self.need_minor or 0, self.currency)

    @property
    def under_way(self) -> bool:
        return self.status in ("asked", "funded", "sent")

    @property
    def state(self) -> State:
        """The word that pages use; what waits for the rail's money `waits`."""
        return _STATES[self.status]


_COLUMNS = ", ".join(Payout.__struct_fields__)


async def ask(
    conn: db.Connection,
    run: Run,
    shop_id: int,
    amount: Money,
    card: BankCard,
    at: datetime,
    *,
    kept: Money,
) -> Payout | None:
    """Write the payout of a run to a shop; None when it was written before. `kept` is what it
    leaves in the balance by the shop's terms."""
    payout_id = identity(run, shop_id)
    return await db.one(
        conn,
        Payout,
        "insert into payouts (shop_id, payout_id, run_id, run_on, counts_before, reference,"
        " amount_minor, currency, card_id, bank_code, tail, asked_at, kept_minor)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
        f" on conflict on constraint payouts_pkey do nothing returning {_COLUMNS}",
        shop_id,
        payout_id,
        run.run_id,
        run.run_on,
        run.counts_before,
        ids.reference(seed=payout_id.bytes),
        amount.minor,
        amount.currency,
        card.card_id,
        card.bank_code,
        card.tail,
        at,
        kept.minor,
    )


def identity(run: Run, shop_id: int) -> UUID:
    """The id of a run's payout to a shop: a repeated run finds what it did."""
    return ids.derived(run.run_id, str(shop_id))


async def get(conn: db.Connection, shop_id: int, payout_id: UUID) -> Payout | None:
    """A payout of a shop, or None."""
    return await db.one(
        conn,
        Payout,
        f"select {_COLUMNS} from payouts where shop_id = $1 and payout_id = $2",
        shop_id,
        payout_id,
    )


async def lock(conn: db.Connection, shop_id: int, payout_id: UUID) -> Payout:
    """A payout, nobody else changing it until we commit."""
    return await db.the_one(
        conn,
        Payout,
        f"select {_COLUMNS} from payouts where shop_id = $1 and payout_id = $2 for update",
        shop_id,
        payout_id,
    )


async def of_run(conn: db.Connection, run_id: UUID) -> list[Payout]:
    """Every payout of a run, by shop."""
    return await db.all(
        conn,
        Payout,
        f"select /* all shops: a run pays them all */ {_COLUMNS} from payouts"
        " where run_id = $1 order by shop_id",
        run_id,
    )


async def by_reference(conn: db.Connection, reference: str) -> Payout | None:
    """Whose payout a bank's EndToEndId is, or None when it is none of ours."""
    return await db.one(
        conn,
        Payout,
        f"select /* all shops: the bank names no shop */ {_COLUMNS} from payouts"
        " where reference = $1",
        reference,
    )


async def of_shop(
    conn: db.Connection, shop_id: int, *, before: date | None = None, limit: int = 30
) -> list[Payout]:
    """A shop's payouts, the newest first; `before` (a run's day) continues an earlier page."""
    return await db.all(
        conn,
        Payout,
        f"select {_COLUMNS} from payouts where shop_id = $1"
        " and ($2::date is null or run_on < $2) order by run_on desc limit $3",
        shop_id,
        before,
        limit,
    )


async def carrying(conn: db.Connection, shop_id: int, order_id: UUID) -> Payout | None:
    """The payout that took an order's money: the first that reached so far. None before it."""
    return await db.one(
        conn,
        Payout,
        f"select {_COLUMNS} from payouts p where p.shop_id = $1 and exists ("
        " select from journals j where j.shop_id = $1 and j.order_id = $2"
        " and j.kind = 'received' and j.value_on < p.counts_before and j.booked_at <= p.asked_at)"
        " order by p.run_on limit 1",
        shop_id,
        order_id,
    )


async def decide_need(conn: db.Connection, payout: Payout, need: Money) -> None:
    """Fix what the rail's money must bring, before any of it moves."""
    await db.run(
        conn,
        "update payouts set need_minor = $3 where shop_id = $1 and payout_id = $2"
        " and need_minor is null",
        payout.shop_id,
        payout.payout_id,
        need.minor,
    )


async def mark_funded(conn: db.Connection, payout: Payout, at: datetime) -> bool:
    """The money for it lies in the bank; False when it was known."""
    return await _move(conn, payout, "asked", "funded", "funded_at = $5", at)


async def mark_sent(conn: db.Connection, payout: Payout, arrives_on: date, at: datetime) -> bool:
    """The bank has the file it stands in; False when it was known."""
    return await _move(
        conn, payout, "funded", "sent", "sent_at = $5, arrives_on = $6", at, arrives_on
    )


async def mark_done(conn: db.Connection, payout: Payout, entry_key: str, at: datetime) -> bool:
    """The bank's statement shows it gone; False when it was not under way."""
    return await _move(conn, payout, "sent", "done", "done_at = $5, paid_entry = $6", at, entry_key)


async def mark_rejected(
    conn: db.Connection, payout: Payout, code: str, reason: str, at: datetime
) -> bool:
    """The bank will not pay it; False when it was not under way."""
    return await _move(
        conn, payout, "sent", "rejected", "back_at = $5, bank_says = $6, reason = $7",
        at, code, reason,
    )  # fmt: skip


async def mark_returned(
    conn: db.Connection, payout: Payout, entry_key: str, reason: str, at: datetime
) -> bool:
    """It came back after it was done; False when it was not done, or is back already."""
    return await _move(
        conn, payout, "done", "returned", "back_at = $5, return_entry = $6, reason = $7",
        at, entry_key, reason,
    )  # fmt: skip


async def _move(
    conn: db.Connection, payout: Payout, before: str, after: str, facts: str, *values: object
) -> bool:
    return await db.changed(
        conn,
        f"update payouts set status = $4, {facts}"
        " where shop_id = $1 and payout_id = $2 and status = $3",
        payout.shop_id,
        payout.payout_id,
        before,
        after,
        *values,
    )


async def note_answer(conn: db.Connection, payout: Payout, code: str) -> None:
    """The bank's latest word on it (ACTC, ACSP, ACSC …), which decides nothing."""
    await db.run(
        conn,
        "update payouts set bank_says = $3 where shop_id = $1 and payout_id = $2",
        payout.shop_id,
        payout.payout_id,
        code,
    )


async def mark_given_back(conn: db.Connection, payout: Payout, at: datetime) -> None:
    """Shop 0 has back what it gave for a payout that was rejected."""
    await db.run(
        conn,
        "update payouts set given_back_at = $3 where shop_id = $1 and payout_id = $2"
        " and status = 'rejected' and given_back_at is null",
        payout.shop_id,
        payout.payout_id,
        at,
    )
