"""Reconciling by asking: a rail without bills is asked about each payment and refund of a day.

Its answers are put together as the day's bill and held against the books like any other: matched,
missing there, another amount; and missing here, where we know of an attempt but not that it was
paid. What the rail took under a reference that is none of ours cannot be seen this way.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from functools import partial

import msgspec

from littleshop import db
from littleshop.clock import SHANGHAI
from littleshop.errors import GatewayError
from littleshop.jobs import Context, Task
from littleshop.money import Money
from littleshop.pay import payments, refunds
from littleshop.pay.gateways import Bill, Gateway, OtherSum, PaymentState, RefundRequest
from littleshop.settlement import bill_questions, bills, reconciling_bills
from littleshop.settlement.bill_questions import Question

MOST = 20  # claims of one pass: 640 questions, the next pass goes on
_log = logging.getLogger(__name__)


class Said(msgspec.Struct, frozen=True):
    """A rail's answer; `amount` is what it took or sent back, None when nothing."""

    state: str
    amount: Money | None = None
    gateway_trade_no: str = ""


async def read(database: db.Database, gateway: Gateway, at: datetime) -> list[str]:
    """Ask what is due about the last days, and compare every day that is answered to the end;
    what went wrong, for the log. What was not answered is asked again by a later pass."""
    days = await _days(database, gateway, at)
    for day in days:
        start = datetime.combine(day, time(0), SHANGHAI)
        await database.transaction(
            partial(
                bill_questions.collect, gateway=gateway.name, day=day, since=start,
                until=start + timedelta(days=1), at=at,
            )
        )  # fmt: skip
    faults: list[str] = []
    for _ in range(MOST):
        claimed = await database.transaction(
            partial(bill_questions.claim, gateway=gateway.name, at=at)
        )
        for question in claimed:
            await _ask(database, gateway, question, faults, at)
        if len(claimed) < bill_questions.AT_ONCE:
            break
    for day in days:
        await _finish(database, gateway.name, day, at)
    await reconciling_bills.look_again(database, gateway.name, at)
    return faults


async def _days(database: db.Database, gateway: Gateway, at: datetime) -> list[date]:
    """The days that are over and not compared yet."""
    yesterday = at.astimezone(SHANGHAI).date() - timedelta(days=1)
    async with database.connection() as conn:
        first = await bills.first_day(conn, gateway.name)
        if first is None:
            return []
        start = max(first.astimezone(SHANGHAI).date(), yesterday - reconciling_bills.BACK)
        return await bills.days_without(conn, gateway.name, start, yesterday)


async def _ask(
    database: db.Database, gateway: Gateway, question: Question, faults: list[str], at: datetime
) -> None:
    """One question, no transaction open while the rail thinks."""
    try:
        said = await _said(database, gateway, question)
    except GatewayError as fault:
        faults.append(f"{gateway.name} {question.day} {question.reference}: {fault}")
        return
    await database.transaction(
        partial(
            bill_questions.answer, question=question, state=said.state, amount=said.amount,
            gateway_trade_no=said.gateway_trade_no, at=at,
        )
    )  # fmt: skip


async def _said(database: db.Database, gateway: Gateway, question: Question) -> Said:
    if question.kind == "refund":
        return await _of_refund(gateway, await _request(database, question))
    answer = await gateway.query(question.payment_reference)
    if answer.state is not PaymentState.PAID:
        return Said(str(answer.state))
    return Said(str(answer.state), answer.amount, answer.gateway_trade_no or "")


async def _of_refund(gateway: Gateway, request: RefundRequest) -> Said:
    try:
        answer = await gateway.refund_query(request)
    except OtherSum as other:
        return Said("done", other.amount)
    if answer.status != "done":
        return Said(answer.status)
    return Said("done", answer.amount or request.amount)


async def _request(database: db.Database, question: Question) -> RefundRequest:
    async with database.connection() as conn:
        payment = await payments.get(conn, question.of_shop_id, question.payment_reference)
        refund = await refunds.by_reference(conn, question.of_shop_id, question.reference)
    assert payment is not None and refund is not None, question.reference
    return RefundRequest(
        reference=payment.reference,
        refund_reference=refund.reference,
        amount=refund.amount,
        paid=payment.paid,
        reason=refund.reason,
    )


async def _finish(database: db.Database, gateway: str, day: date, at: datetime) -> None:
    """A day that is answered to the end becomes a bill like any other."""
    async with database.connection() as conn:
        asked = await bill_questions.of_day(conn, gateway, day)
    if any(question.answered_at is None for question in asked):
        return
    rows = tuple(row for question in asked if (row := question.row()) is not None)
    told = hashlib.sha256(msgspec.json.encode(asked)).hexdigest()
    bill = Bill(gateway=gateway, day=day, rows=rows, unread=(), sha256=told)
    await database.transaction(partial(bills.keep, bill=bill, at=at))
    await reconciling_bills.compare(database, gateway, day, at)


def tasks(rails: Mapping[str, Gateway]) -> dict[str, Task]:
    """The job: a pass over every rail that has no bills."""

    async def ask_all(context: Context) -> None:
        for rail in rails.values():
            if not rail.has_bills:
                for fault in await read(context.database, rail, context.at):
                    _log.warning("not answered: %s", fault)

    return {"bills.ask": Task(ask_all, attempts=3)}
