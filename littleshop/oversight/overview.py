"""What waits for an operator, counted; and how the settlement runs stand."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.money import Money
from littleshop.settlement import runs
from littleshop.settlement.desks import CURRENCY
from littleshop.settlement.runs import Run
from littleshop.shop.shops import PLATFORM


class Waiting(msgspec.Struct, frozen=True):
    """How much waits; `disputed_since`, `held_since` and so on are of the oldest."""

    disputes: int
    disputed_since: datetime | None
    holds: int
    held_since: datetime | None
    differences: int
    differ_since: date | None
    entries: int
    rails_off: int
    jobs: int
    given_up_since: datetime | None
    runs: int
    run_since: date | None
    refunds: int
    stuck_since: datetime | None
    reports: int
    reported_since: datetime | None


async def waiting(conn: db.Connection, at: datetime) -> Waiting:
    """The counts of the desk's first page, in one round trip."""
    return await db.the_one(
        conn,
        Waiting,
        """
        select /* all shops: the operator's desk */
               d.count as disputes, d.since as disputed_since, h.count as holds,
               h.since as held_since, f.count as differences, f.since as differ_since,
               e.count as entries, o.count as rails_off, j.count as jobs,
               j.since as given_up_since, r.count as runs, r.since as run_since,
               s.count as refunds, s.since as stuck_since,
               p.count + a.count as reports, least(p.since, a.since) as reported_since
          from (select count(*)::integer as count, min(escalated_at) as since from cases
                 where status = 'disputed') d,
               (select count(*)::integer as count, min(from_at) as since from payout_holds
                 where lifted_at is null and until_at is null) h,
               (select count(*)::integer as count, min(day) as since from differences
                 where shop_id = $1 and explained_at is null) f,
               (select count(*)::integer as count from bank_entries
                 where shop_id = $1 and outcome is null) e,
               (select count(*)::integer as count from rail_switches) o,
               (select count(*)::integer as count, min(held_at) as since from jobs
                 where held_at is not null and dropped_at is null) j,
               (select count(*)::integer as count, min(run_on) as since from runs
                 where shop_id = $1 and closed_at is null) r,
               (select count(*)::integer as count, min(stuck_at) as since from refunds
                 where status = 'stuck') s,
               (select count(distinct (shop_id, about, subject))::integer as count,
                       min(at) as since from reports where status = 'open') p,
               (select count(*)::integer as count, min(appealed_at) as since from takedowns
                 where appealed_at is not null and answered_at is null) a""",
        PLATFORM,
    )


class RunRow(msgspec.Struct, frozen=True):
    """A run with what it pays and how its payouts ended."""

    run: Run
    payouts: int
    minor: int
    done: int
    back: int
    files: int
    fault: str

    @property
    def amount(self) -> Money:
        return Money(self.minor, CURRENCY)


_RUN = ", ".join(f"r.{name}" for name in Run.__struct_fields__)


async def latest_runs(
    conn: db.Connection, *, before: date | None = None, most: int = 20
) -> list[RunRow]:
    """The runs, the newest first; `before` continues an earlier page."""
    rows = await conn.fetch(
        f"""
        select /* all shops: a run pays them all */ {_RUN}, p.payouts, p.minor, p.done, p.back,
               f.files, f.fault
          from runs r,
               lateral (select count(*)::integer as payouts,
                               coalesce(sum(amount_minor), 0)::bigint as minor,
                               count(*) filter (where status = 'done')::integer as done,
                               count(*) filter (where status in ('rejected', 'returned'))::integer
                                 as back
                          from payouts where run_id = r.run_id) p,
               lateral (select count(*)::integer as files, coalesce(max(fault), '') as fault
                          from bank_files where shop_id = $1 and run_id = r.run_id) f
         where r.shop_id = $1 and ($2::date is null or r.run_on < $2)
         order by r.run_on desc limit $3""",
        PLATFORM,
        before,
        most,
    )
    own = Run.__struct_fields__
    return [
        RunRow(
            run=Run(**{name: row[name] for name in own}),
            **{name: row[name] for name in ("payouts", "minor", "done", "back", "files", "fault")},
        )
        for row in rows
    ]


class PaidRow(msgspec.Struct, frozen=True):
    """A payout of a run with the shop it goes to."""

    shop_id: int
    shop: str
    payout_id: UUID
    reference: str
    rail: str
    amount_minor: int
    currency: str
    bank_code: str
    tail: str
    status: str
    reason: str
    arrived_on: date | None

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)


async def run_of(conn: db.Connection, on: date) -> tuple[Run | None, list[PaidRow]]:
    """The run of a day with its payouts, the largest first, at most 200."""
    run = await runs.find(conn, on)
    if run is None:
        return None, []
    paid = await db.all(
        conn,
        PaidRow,
        "select /* all shops: a run pays them all */ p.shop_id, s.name as shop, p.payout_id,"
        " p.reference, p.rail, p.amount_minor, p.currency, p.bank_code, p.tail, p.status, p.reason,"
        " case p.status when 'done' then coalesce((select max(b.booked_on) from bank_entries b"
        "   where b.shop_id = 0 and b.entry_key = p.paid_entry),"
        "  (p.done_at at time zone 'Asia/Shanghai')::date) end as arrived_on"
        "  from payouts p join shops s on s.shop_id = p.shop_id where p.run_id = $1"
        " order by p.status in ('done') , p.amount_minor desc limit 200",
        run.run_id,
    )
    return run, paid
