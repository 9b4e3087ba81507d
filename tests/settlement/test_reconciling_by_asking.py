"""A rail without bills is asked payment by payment, and its days are closed like any other's."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

import pytest

from littleshop import db
from littleshop.errors import GatewayError, Refused
from littleshop.money import Money
from littleshop.pay.gateways import (
    OtherSum,
    PaymentState,
    QueryAnswer,
    RefundAnswer,
    RefundRequest,
)
from littleshop.settlement import bill_questions, bills, reconciling_by_asking
from littleshop.settlement.bills import Difference
from tests.cast import CNY, Town
from tests.sale.after_sale import after
from tests.settlement.paper_bank import beijing
from tests.settlement.test_reconciling_bills import closes, left

MON, TUE = date(2026, 11, 23), date(2026, 11, 24)


@dataclass
class Teller:
    """A rail that has no bills and answers what it is asked."""

    name: str = "alipay"
    has_bills: bool = False
    took: dict[str, Money] = field(default_factory=dict)
    sent_back: dict[str, Money] = field(default_factory=dict)
    away: int = 0
    asked: list[str] = field(default_factory=list)

    async def query(self, reference: str) -> QueryAnswer:
        self._asked(reference)
        if reference not in self.took:
            return QueryAnswer(state=PaymentState.CLOSED)
        return QueryAnswer(
            state=PaymentState.PAID, amount=self.took[reference], gateway_trade_no=f"T{reference}"
        )

    async def refund_query(self, request: RefundRequest) -> RefundAnswer:
        self._asked(request.refund_reference)
        amount = self.sent_back.get(request.refund_reference)
        if amount is None:
            return RefundAnswer(status="pending")
        if amount != request.amount:
            raise OtherSum("another sum", amount)
        return RefundAnswer(status="done", amount=amount)

    def _asked(self, reference: str) -> None:
        self.asked.append(reference)
        if self.away:
            self.away -= 1
            raise GatewayError("away", retryable=True)


async def asks(town: Town, rail: Teller) -> list[str]:
    return await reconciling_by_asking.read(town.database, rail, town.at)  # type: ignore[arg-type]


async def sold(town: Town, owner: db.Connection, amount: str = "100.00") -> str:
    await after(town, amount)
    return str(
        await owner.fetchval(
            "select reference from payments where amount_minor = $1", CNY(amount).minor
        )
    )


def told(found: list[Difference]) -> list[tuple[str, str, int | None, int | None]]:
    return [(one.kind, one.reference, one.ours_minor, one.theirs_minor) for one in found]


async def test_a_day_whose_every_answer_agrees_is_closed(town: Town, owner: db.Connection) -> None:
    beijing(town, MON, 10)
    rail = Teller(took={await sold(town, owner): CNY("100.00")})
    with pytest.raises(Refused, match="day_not_over"):
        await closes(town, rail)  # type: ignore[arg-type]
    beijing(town, TUE, 10)
    with pytest.raises(Refused, match="day_asking"):
        await closes(town, rail)  # type: ignore[arg-type]
    assert await asks(town, rail) == []
    assert await left(town) == []
    assert await closes(town, rail)  # type: ignore[arg-type]
    assert await asks(town, rail) == []
    assert len(rail.asked) == 1
    await town.books_balance()


async def test_what_it_never_took_and_what_it_took_otherwise_is_somebodys_work(
    town: Town, owner: db.Connection
) -> None:
    beijing(town, MON, 10)
    missing, other = await sold(town, owner), await sold(town, owner, "70.00")
    rail = Teller(took={other: CNY("71.00")})
    beijing(town, TUE, 10)
    await asks(town, rail)
    assert sorted(told(await left(town))) == sorted(
        [("missing_there", missing, 100_00, None), ("amount_differs", other, 70_00, 71_00)]
    )
    with pytest.raises(Refused, match="day_unexplained"):
        await closes(town, rail)  # type: ignore[arg-type]


async def test_an_attempt_that_was_paid_and_nobody_told_us_is_found(
    town: Town, owner: db.Connection
) -> None:
    beijing(town, MON, 10)
    placed = await town.place([await town.stock(price=CNY("30.00"))], CNY("30.00"))
    lost = await town.opens_cashier(placed)
    rail = Teller(took={lost: CNY("30.00")})
    beijing(town, TUE, 10)
    await asks(town, rail)
    assert told(await left(town)) == [("missing_here", lost, None, 30_00)]
    asked = await owner.fetchval("select count(*) from jobs where name = 'paying.query'")
    assert asked == 1
    await town.money_arrives(lost, CNY("30.00"))
    await asks(town, rail)
    assert await left(town) == []


async def test_refunds_are_asked_about_too(town: Town, owner: db.Connection) -> None:
    beijing(town, MON, 10)
    agreed, wrong = await after(town, "100.00"), await after(town, "50.00")
    for sale, amount in ((agreed, "20.00"), (wrong, "10.00")):
        await sale.asks("refund", amount)
        await sale.seller_agrees()
        await sale.rail_sends_all_back()
    rows = await owner.fetch("select reference, amount_minor from payments")
    rail = Teller(took={row["reference"]: Money(row["amount_minor"], "CNY") for row in rows})
    back = {
        row["amount_minor"]: row["reference"]
        for row in await owner.fetch("select reference, amount_minor from refunds")
    }
    rail.sent_back = {back[20_00]: CNY("20.00"), back[10_00]: CNY("9.00")}
    beijing(town, TUE, 10)
    await asks(town, rail)
    assert told(await left(town)) == [("amount_differs", back[10_00], 10_00, 9_00)]


async def test_a_rail_that_is_away_is_asked_again_later_and_later(
    town: Town, owner: db.Connection
) -> None:
    beijing(town, MON, 10)
    rail = Teller(took={await sold(town, owner): CNY("100.00")}, away=3)
    beijing(town, TUE, 10)
    waits = []
    for _ in range(4):
        faults = await asks(town, rail)
        again = await owner.fetchval("select ask_at from bill_questions")
        waits.append((len(faults), again - town.at))
        town.at = again
    minutes = [timedelta(minutes=n) for n in (1, 2, 4, 8)]
    assert waits == list(zip((1, 1, 1, 0), minutes, strict=True))
    assert len(rail.asked) == 4
    async with town.database.connection() as conn:
        assert await bills.days_without(conn, "alipay", MON, MON) == []


async def test_many_are_claimed_in_batches_and_nobody_asks_twice(
    town: Town, owner: db.Connection
) -> None:
    beijing(town, MON, 10)
    await sold(town, owner)
    await owner.execute(
        "insert into bill_questions (shop_id, gateway, day, reference, payment_reference, kind,"
        " of_shop_id, moved_at, ask_at) select 0, 'alipay', $1, 'R' || n, 'R' || n, 'payment', $2,"
        " $3, $3 from generate_series(1, 70) n",
        MON, town.shop_id, town.at,
    )  # fmt: skip
    beijing(town, TUE, 10)
    claimed = []
    for _ in range(3):
        claimed += await town.database.transaction(
            lambda conn: bill_questions.claim(conn, "alipay", town.at)
        )
    assert len({one.reference for one in claimed}) == len(claimed) == 70
