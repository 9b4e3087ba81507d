"""Explaining: where a rail's bill and our books differ, somebody finds out why, and says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from littleshop import db
from littleshop.errors import GatewayError, NotFound, Refused
from littleshop.money import Money
from littleshop.oversight import acts
from littleshop.oversight.acts import Act
from littleshop.pay import payments, refunds
from littleshop.pay.gateways import Gateway, RefundRequest
from littleshop.pay.payments import Payment
from littleshop.pay.refunds import Refund
from littleshop.sale import paying, refunding
from littleshop.sale.paying import Paid
from littleshop.settlement import bills, closing, reconciling_bills, statements
from littleshop.settlement.bills import Difference
from littleshop.settlement.closing import Standing
from littleshop.settlement.statements import Entry
from littleshop.shop.shops import PLATFORM

SILENT = "silent"  # what a rail says that does not answer


@dataclass(frozen=True)
class Waiting:
    """The work that is left: differences with the last act on each, the bank's movements that
    are in no book yet, and how the last days stand, the latest first."""

    differences: list[tuple[Difference, Act | None]]
    entries: list[Entry]
    days: list[Standing]


@dataclass(frozen=True)
class _Asked:
    """What a difference is about: one of our payments, or a refund of one."""

    payment: Payment
    refund: Refund | None = None


@dataclass(frozen=True)
class _Said:
    """The state and the sum that a rail names, money that we have not heard of, and who paid a
    refund, as `refunding.hear` takes it."""

    state: str
    amount: Money | None
    news: Paid | None = None
    advanced: bool | None = None


def subject(difference_id: UUID) -> str:
    """What the log calls a difference."""
    return f"difference/{difference_id}"


async def waiting(conn: db.Connection, rails: Sequence[Gateway], at: datetime) -> Waiting:
    """What is not explained yet, the oldest first."""
    found = await bills.unexplained(conn)
    said = await acts.of_subjects(conn, [subject(one.difference_id) for one in found])
    return Waiting(
        differences=[(one, said.get(subject(one.difference_id))) for one in found],
        entries=await statements.waiting(conn),
        days=(await closing.standings(conn, rails, at))[::-1],
    )


async def explain(
    conn: db.Connection, operator: UUID, difference_id: UUID, *, reason: str, at: datetime
) -> None:
    """It is understood. Raises Refused difference_explained when it was, reason_short; NotFound."""
    one = await bills.get(conn, difference_id)
    if one is None:
        raise NotFound("difference")
    reason = acts.why(reason)
    if not await bills.explain(conn, difference_id, by=str(operator), why=reason, at=at):
        raise Refused("difference_explained")
    await acts.record(
        conn, operator, "difference_explained", subject(difference_id), reason=reason, at=at,
        shop_id=one.of_shop_id, rail=one.gateway, day=one.day, kind_of=one.kind,
        reference=one.reference,
    )  # fmt: skip


async def ask_again(
    database: db.Database,
    rails: Mapping[str, Gateway],
    operator: UUID,
    difference_id: UUID,
    *,
    reason: str,
    at: datetime,
) -> str:
    """Ask the rail what it knows, book what it tells us, and compare again; the state it named,
    or `silent`. Raises Refused difference_not_ours, reason_short; NotFound."""
    reason = acts.why(reason)
    async with database.connection() as conn:
        one = await bills.get(conn, difference_id)
        if one is None:
            raise NotFound("difference")
        about = await _behind(conn, one)
    rail = rails.get(one.gateway)
    if rail is None or about is None:
        raise Refused("difference_not_ours")
    said = await _answer(rail, about, at)
    amount = said.amount

    async def note(conn: db.Connection) -> None:
        if said.news is not None:
            await paying.hear(conn, about.payment.shop_id, said.news, at)
        elif about.refund is not None and said.state == "done":
            await refunding.hear(
                conn, about.refund.shop_id, about.refund.refund_id, at, advanced=said.advanced
            )
        await acts.record(
            conn, operator, "rail_asked", subject(difference_id), reason=reason, at=at,
            shop_id=one.of_shop_id, rail=one.gateway, reference=one.reference, said=said.state,
            minor=None if amount is None else amount.minor,
            currency="" if amount is None else amount.currency,
        )  # fmt: skip

    await database.transaction(note)
    await reconciling_bills.look_again(database, one.gateway, at)
    return said.state


async def _behind(conn: db.Connection, one: Difference) -> _Asked | None:
    """Our payment or refund of this reference, or None when the rail's row is none of ours."""
    if one.of_shop_id is None:
        return None
    payment = await payments.get(conn, one.of_shop_id, one.reference)
    if payment is not None:
        return _Asked(payment)
    refund = await refunds.by_reference(conn, one.of_shop_id, one.reference)
    if refund is None:
        return None
    tried = await payments.of_order(conn, refund.shop_id, refund.order_id)
    return _Asked(next(each for each in tried if each.payment_id == refund.payment_id), refund)


async def _answer(rail: Gateway, about: _Asked, at: datetime) -> _Said:
    """What the rail says. No transaction is open."""
    try:
        if about.refund is not None:
            back = await rail.refund_query(
                RefundRequest(
                    reference=about.payment.reference,
                    refund_reference=about.refund.reference,
                    amount=about.refund.amount,
                    paid=about.payment.paid,
                    reason=about.refund.reason,
                )
            )
            amount = back.amount or about.refund.amount
            return _Said(back.status, amount, advanced=back.advanced)
        said = await rail.query(about.payment.reference)
    except GatewayError:
        return _Said(SILENT, None)
    news = None
    if said.state == "paid" and about.payment.status != "paid":
        assert said.amount is not None and said.gateway_trade_no is not None
        news = Paid(about.payment.reference, said.amount, said.gateway_trade_no, said.paid_at or at)
    return _Said(str(said.state), said.amount, news)


async def close_day(
    database: db.Database,
    rails: Sequence[Gateway],
    operator: UUID,
    day: date,
    *,
    reason: str,
    at: datetime,
) -> None:
    """Close a day that is explained to the end.

    Raises Refused: day_closed, reason_short, and what `closing.close_day` raises.
    """

    async def work(conn: db.Connection) -> None:
        new = await closing.close_day(conn, rails, day, by=str(operator), at=at)
        if not new:
            raise Refused("day_closed")
        await acts.record(conn, operator, "day_closed", f"day/{day}", reason=reason, at=at, day=day)

    await database.transaction(work)


def is_ours(one: Difference) -> bool:
    """Whether there is a payment or refund of ours that the rail can be asked about."""
    return one.kind != "unread" and one.of_shop_id is not None and one.of_shop_id != PLATFORM
