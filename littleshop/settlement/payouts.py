"""Payouts: what one run sends to one shop over one rail, from the wish to the rail's last word."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

import msgspec

from littleshop import db, ids
from littleshop.money import Money
from littleshop.settlement.runs import Run
from littleshop.shop.cards import BankCard
from littleshop.shop.payees import Payee

State = Literal["waits", "made", "sent", "paid", "returned"]
_STATES: dict[str, State] = {
    "asked": "waits",
    "funded": "made",
    "sent": "sent",
    "done": "paid",
    "rejected": "returned",
    "returned": "returned",
}


HELD_BY = {"alipay_settle": "alipay", "wechat_pay_withdraw": "wechat_pay"}
BANK = "bank"  # the rail of pain.001 files; the names of the others are in rails.py


class Payout(msgspec.Struct, frozen=True):
    """One payout. `status`: asked (waits for the rail's money), funded, sent, done, rejected
    (never left us), returned (came back after it was done); `reason` is a BankReason.

    `payee_id` is whom it goes to when that is not the card, `held_for` the sub-merchant it is
    withdrawn from. Over another rail than the bank, `paid_entry` and `return_entry` are what
    the rail calls the transfer and `heard_at` is when it last told of it.
    """

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
    rail: str
    payee_id: UUID | None
    held_for: str | None
    heard_at: datetime | None
    confirm_sealed: bytes | None

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    @property
    def kept(self) -> Money:
        """What it left in the balance: for the rails asked after it in its run, and the last one
        by the shop's terms."""
        return Money(self.kept_minor, self.currency)

    @property
    def need(self) -> Money:
        """What the rail's money must bring; the rest lies in the shop's bank account already."""
        return Money(self.need_minor or 0, self.currency)

    @property
    def held_by(self) -> str:
        """The institution that held what it pays, "" for what came to the platform."""
        return HELD_BY.get(self.rail, "")

    @property
    def under_way(self) -> bool:
        return self.status in ("asked", "funded", "sent")

    @property
    def state(self) -> State:
        """The word that pages use; what waits for the rail's money `waits`."""
        if self.status == "funded" and self.bank_says == NO_MONEY:
            return "waits"
        return _STATES[self.status]


NO_MONEY = "NO_MONEY"  # `bank_says` of what our account at the rail cannot cover yet
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
    rail: str = BANK,
    payee: Payee | None = None,
) -> Payout | None:
    """Write the payout of a run to a shop over a rail; None when it was written before. `kept` is
    what it leaves in the balance, by the shop's terms or for the rails after it."""
    payout_id = identity(run.run_id, shop_id, rail)
    return await db.one(
        conn,
        Payout,
        "insert into payouts (shop_id, payout_id, run_id, run_on, counts_before, reference,"
        " amount_minor, currency, card_id, bank_code, tail, asked_at, kept_minor, rail, payee_id)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
        f" on conflict on constraint payouts_pkey do nothing returning {_COLUMNS}",
        shop_id,
        payout_id,
        run.run_id,
        run.run_on,
        run.counts_before,
        reference_of(payout_id),
        amount.minor,
        amount.currency,
        card.card_id,
        card.bank_code if payee is None else "",
        card.tail if payee is None else payee.tail,
        at,
        kept.minor,
        rail,
        None if payee is None else payee.payee_id,
    )


def identity(run_id: UUID, shop_id: int, rail: str) -> UUID:
    """The id of a run's payout to a shop over a rail: a repeated run finds what it did."""
    return ids.derived(run_id, str(shop_id) if rail == BANK else f"{shop_id}/{rail}")


def reference_of(payout_id: UUID) -> str:
    """What a payout is called at its rail."""
    return ids.reference(seed=payout_id.bytes)


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
        " where run_id = $1 order by shop_id, rail",
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
    """A shop's payouts, the newest first; `before` (a run's day) continues an earlier page.

    A run is told whole: where it paid over several rails, there may be more than `limit`.
    """
    return await db.all(
        conn,
        Payout,
        f"select {_COLUMNS} from payouts p where shop_id = $1"
        " and ($2::date is null or run_on < $2) and run_on >= coalesce((select run_on from ("
        "  select distinct run_on from payouts where shop_id = $1"
        "  and ($2::date is null or run_on < $2) order by run_on desc limit $3) days"
        "  order by run_on limit 1), run_on) order by run_on desc, asked_at desc, kept_minor",
        shop_id,
        before,
        limit,
    )


async def carrying(conn: db.Connection, shop_id: int, order_id: UUID) -> Payout | None:
    """The payout that took an order's money: the first that reached so far, of those from where
    an institution held it. None before it."""
    return await db.one(
        conn,
        Payout,
        f"select {_COLUMNS} from payouts p where p.shop_id = $1 and exists ("
        " select from journals j where j.shop_id = $1 and j.order_id = $2"
        " and j.kind = 'received' and j.value_on < p.counts_before and j.booked_at <= p.asked_at)"
        " and coalesce($3::jsonb ->> p.rail = coalesce((select h.gateway from payments h"
        "  where h.shop_id = $1 and h.order_id = $2 and h.outcome = 'accepted'"
        "  and h.held_for is not null), ''), true)"
        " order by p.run_on, p.asked_at, p.kept_minor desc limit 1",
        shop_id,
        order_id,
        HELD_BY,
    )


async def of_rail(conn: db.Connection, rail: str, *status: str) -> list[Payout]:
    """The payouts over a rail in one of these states, of every run."""
    return await db.all(
        conn,
        Payout,
        f"select /* all shops: the rail is asked about them all */ {_COLUMNS} from payouts"
        " where rail = $1 and status = any ($2) order by run_on, shop_id",
        rail,
        list(status),
    )


async def done_since(conn: db.Connection, rail: str, since: datetime) -> list[Payout]:
    """What is done since then over a rail that is not the bank, of every run."""
    return await db.all(  # in the words of the index payouts_done_by_rail
        conn,
        Payout,
        f"select /* all shops: the rail is asked about them all */ {_COLUMNS} from payouts"
        " where rail = $1 and rail <> 'bank' and status = 'done' and done_at >= $2"
        " order by run_on, shop_id",
        rail,
        since,
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


async def mark_sent(
    conn: db.Connection, payout: Payout, arrives_on: date | None, at: datetime
) -> bool:
    """The rail has it, the bank the file it stands in; False when it was known."""
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


async def note_heard(
    conn: db.Connection,
    payout: Payout,
    said: str,
    at: datetime,
    *,
    confirm_sealed: bytes | None = None,
) -> None:
    """The rail told how it stands; with `confirm_sealed` the payee agrees, where he must."""
    await db.run(
        conn,
        "update payouts set bank_says = $3, heard_at = $4,"
        " confirm_sealed = case when status in ('funded', 'sent')"
        " then coalesce($5, confirm_sealed) end"
        " where shop_id = $1 and payout_id = $2",
        payout.shop_id,
        payout.payout_id,
        said[:200],
        at,
        confirm_sealed,
    )


async def decide_place(conn: db.Connection, payout: Payout, held_for: str) -> None:
    """Fix from which sub-merchant it is withdrawn, before the rail is asked for it."""
    await db.run(
        conn,
        "update payouts set held_for = $3 where shop_id = $1 and payout_id = $2"
        " and held_for is null",
        payout.shop_id,
        payout.payout_id,
        held_for,
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
