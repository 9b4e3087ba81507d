"""Every rail's own account of a day: all that moved, and whatever is wrong in it is seen."""

from datetime import date, timedelta

import pytest

from littleshop.money import Money
from littleshop.pay.gateways.contract import Bill, BillNotReady, BillRow, RefundRequest
from tests.pay.gateways.plays import back, given, paid
from tests.pay.gateways.stage import Plant, Stage


async def test_the_bill_of_today_is_not_ready(stage: Stage) -> None:
    if not stage.gateway.has_bills:
        return
    await paid(stage)
    today = stage.clock.now().astimezone(stage.zone).date()
    for day in (today, today + timedelta(days=1)):
        with pytest.raises(BillNotReady) as told:
            await stage.gateway.fetch_bill(day)
        assert told.value.retryable


async def a_day(stage: Stage) -> tuple[date, list[str], RefundRequest]:
    """A day that is over with two payments, the first partly given back: (day, whose, refund)."""
    await stage.until_noon()
    day = stage.clock.now().astimezone(stage.zone).date()
    references = [await paid(stage), await paid(stage)]
    request = back(stage, references[0], 3000)
    assert (await given(stage, request)).status == "done"
    await stage.passes(timedelta(days=1))
    return day, references, request


def summed(bill: Bill) -> list[tuple[str, str, str | None, int]]:
    """The rows by what they say."""
    return sorted(
        (row.kind, row.reference, row.refund_reference, row.amount.minor) for row in bill.rows
    )


async def test_a_bill_lists_what_moved_that_day(stage: Stage) -> None:
    if not stage.gateway.has_bills:
        return
    day, references, request = await a_day(stage)
    await paid(stage)  # of the day after
    bill = await stage.gateway.fetch_bill(day)
    assert (bill.gateway, bill.day, bill.unread) == (stage.gateway.name, day, ())
    assert summed(bill) == [
        ("payment", references[0], None, 8888),
        ("payment", references[1], None, 8888),
        ("refund", references[0], request.refund_reference, 3000),
    ]
    for row in bill.rows:
        assert row.amount.currency == stage.price.currency
        assert row.at.astimezone(stage.zone).date() == day
        found = await stage.gateway.query(row.reference)
        assert row.gateway_trade_no == found.gateway_trade_no
    assert _paid_row(bill, references[0]).at == (
        await stage.gateway.query(references[0])
    ).paid_at  # fmt: skip


def _paid_row(bill: Bill, reference: str) -> BillRow:
    return next(r for r in bill.rows if (r.kind, r.reference) == ("payment", reference))


async def test_the_same_bill_twice_is_the_same(stage: Stage) -> None:
    if not stage.gateway.has_bills:
        return
    day, _, _ = await a_day(stage)
    first, second = await stage.gateway.fetch_bill(day), await stage.gateway.fetch_bill(day)
    assert first == second and len(first.sha256) == 64


@pytest.mark.parametrize("plant", list(Plant))
async def test_a_difference_in_a_bill_is_seen(stage: Stage, plant: Plant) -> None:
    if not stage.gateway.has_bills:
        return
    day, _, _ = await a_day(stage)
    await stage.strikes(plant)
    wrong = await stage.gateway.fetch_bill(day)
    right = await stage.gateway.fetch_bill(day)
    assert right.unread == () and len(right.rows) == 3
    assert wrong.sha256 != right.sha256
    if plant is Plant.UNKNOWN:
        assert len(wrong.unread) == 1 and wrong.rows == right.rows
        return
    counts = {Plant.MISSING: 2, Plant.EXTRA: 4, Plant.AMOUNT: 3}
    assert len(wrong.rows) == counts[plant] and wrong.unread == ()
    assert summed(wrong) != summed(right)


async def test_fees_are_whole_minor_units(stage: Stage) -> None:
    if not stage.gateway.has_bills:
        return
    day, _, _ = await a_day(stage)
    for row in (await stage.gateway.fetch_bill(day)).rows:
        assert isinstance(row.fee.minor, int) and row.amount > Money(0, stage.price.currency)
