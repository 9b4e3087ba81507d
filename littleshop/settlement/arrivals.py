"""When a payout arrived, as every page says it: the day on which its bank booked it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from littleshop import db
from littleshop.clock import SHANGHAI
from littleshop.settlement import statements
from littleshop.settlement.payouts import Payout


async def booked(conn: db.Connection, found: Iterable[Payout]) -> dict[str, date]:
    """The bank's days of what ended these payouts, by the bank's keys."""
    ends = (each.return_entry or each.paid_entry for each in found)
    return await statements.booked_days(conn, [key for key in ends if key])


def day(payout: Payout, days: Mapping[str, date]) -> date | None:
    """The day a page names: when the bank booked its end, else when it is to arrive.

    We read of it a day later; a payout the bank never booked ended when it told us.
    """
    known = days.get(payout.return_entry or payout.paid_entry or "")
    moved = payout.back_at or payout.done_at
    if known is not None or moved is None:
        return known or payout.arrives_on
    return moved.astimezone(SHANGHAI).date()


async def of(conn: db.Connection, payout: Payout | None) -> date | None:
    """The day on which a payout arrived; None while it has not."""
    if payout is None or payout.state != "paid":
        return None
    return day(payout, await booked(conn, [payout]))
