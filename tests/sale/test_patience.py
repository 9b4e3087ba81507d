"""What goes wrong alone stays alone, and what a rail does not say yet is asked again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from littleshop import db
from littleshop.errors import GatewayError, Refused
from littleshop.pay import payments, sending
from littleshop.pay.gateways import PaymentState, QueryAnswer, Reason, RefundAnswer
from littleshop.pricing.quotes import Item
from littleshop.sale import paying, refunding, ticking
from littleshop.trade import orders, timers
from tests.cast import CNY, Town


class Rail:
    """A rail that answers as a test says."""

    def __init__(self, state: PaymentState, refund: RefundAnswer | None = None) -> None:
        self.state, self.refunds = state, refund

    async def close(self, reference: str) -> PaymentState:
        return self.state

    async def query(self, reference: str) -> QueryAnswer:
        return QueryAnswer(state=self.state)

    async def refund(self, request: object) -> RefundAnswer:
        assert self.refunds is not None
        return self.refunds


async def attempt(town: Town) -> payments.Payment:
    placed = await town.place([await town.stock()], CNY("168.00"))
    reference = await town.opens_cashier(placed)
    async with town.database.connection() as conn:
        found = await payments.get(conn, town.shop_id, reference)
    assert found is not None
    return found


async def test_money_is_accepted_released_and_returned_in_a_year_nobody_announced(
    town: Town,
) -> None:
    town.at = datetime(2027, 3, 1, 2, tzinfo=UTC)
    placed = await town.buys([await town.stock()], CNY("168.00"))
    await town.ships(placed)
    await town.receives(placed)
    called_off = await town.buys([await town.stock()], CNY("168.00"))
    await town.database.transaction(
        lambda conn: refunding.call_off(
            conn, town.shop_id, called_off.order_id, by="seller", reason="x", at=town.at
        )
    )
    await town.books_balance()


async def test_a_timer_that_cannot_be_acted_on_keeps_nobody_elses_waiting(
    town: Town, owner: db.Connection
) -> None:
    strange = await town.place([await town.stock()], CNY("168.00"))
    other = await town.place([await town.stock()], CNY("168.00"))
    await owner.execute("update timers set kind = 'odd' where subject = $1", strange.order_id)
    town.later(minutes=31)
    await town.clocks_strike()
    assert (await town.order(other)).status == "cancelled"
    assert await owner.fetchval("select name from jobs where name = $1", ticking.RETRY)
    await owner.execute("update timers set kind = 'pay_by' where kind = 'odd'")
    await ticking.retry(town.database, town.shop_id, strange.order_id, "pay_by", town.at)
    assert (await town.order(strange)).status == "cancelled"
    await town.books_balance()


async def test_an_attempt_the_rail_never_heard_of_is_closed_only_when_it_expired(
    town: Town,
) -> None:
    payment, rail = await attempt(town), Rail(PaymentState.CREATED)
    assert await paying.close(rail, payment, town.at) is False  # type: ignore[arg-type]
    late = payment.expires_at
    assert await paying.close(rail, payment, late) is True  # type: ignore[arg-type]
    with pytest.raises(GatewayError) as wait:
        await paying.close(Rail(PaymentState.PENDING), payment, late)  # type: ignore[arg-type]
    assert wait.value.retryable


async def test_the_rail_is_asked_once_however_many_look_and_later_and_later(
    town: Town, owner: db.Connection
) -> None:
    payment = await attempt(town)

    async def ask(after: timedelta) -> int:
        at = payment.expires_at + after
        async with town.database.connection() as conn:
            due = await payments.overdue(conn, at)
        for one in due:
            for _ in range(3):
                await town.database.transaction(
                    lambda conn, one=one: paying.question(  # type: ignore[misc]
                        conn, one, at - timedelta(minutes=10), at
                    )
                )
        await owner.execute("delete from jobs where name <> 'paying.close'")
        return int(await owner.fetchval("with gone as (delete from jobs returning 1)"
                                        " select count(*) from gone"))  # fmt: skip

    asked = [await ask(timedelta(minutes=minutes)) for minutes in (0, 5, 11, 15, 23, 30, 47)]
    assert asked == [1, 0, 1, 0, 1, 0, 1]


REFUSALS = [
    (Reason.SELLER_FUNDS, True),
    (Reason.OTHER, True),
    (Reason.AMOUNT, False),
]


@pytest.mark.parametrize(("reason", "again"), REFUSALS)
async def test_a_refund_the_rail_cannot_pay_today_is_sent_again_tomorrow(
    town: Town, reason: Reason, again: bool
) -> None:
    placed = await town.buys([await town.stock()], CNY("168.00"))
    async with town.database.connection() as conn:
        (payment,) = await payments.of_order(conn, town.shop_id, placed.order_id)
        order = await orders.lock(conn, town.shop_id, placed.order_id)
        refund = await refunding.give_back(
            conn, order, order.total, reason="x", refund_id=uuid4(), at=town.at
        )
    rail = Rail(PaymentState.PAID, RefundAnswer(status="failed", reason=reason))
    with pytest.raises(GatewayError) as no:
        await sending.send(rail, payment, refund)  # type: ignore[arg-type]
    assert no.value.retryable is again
    await town.books_balance()


async def test_the_buyer_cannot_call_off_before_the_seller_is_late(town: Town) -> None:
    placed = await town.buys([await town.stock()], CNY("168.00"))

    async def call_off(conn: db.Connection) -> None:
        await refunding.call_off(
            conn, town.shop_id, placed.order_id, by="buyer", reason="not_shipped", at=town.at
        )

    with pytest.raises(Refused):
        await town.database.transaction(call_off)
    town.later(hours=48)
    await town.clocks_strike()
    await town.database.transaction(call_off)
    assert (await town.order(placed)).status == "refunded"
    await town.books_balance()


async def test_commission_is_what_was_agreed_when_the_order_was_placed(
    town: Town, owner: db.Connection
) -> None:
    await owner.execute("update shops set commission_bps = 300")
    placed = await town.buys([await town.stock(price=CNY("18.00"))], CNY("18.00"))
    await owner.execute("update shops set commission_bps = 9000")
    await town.ships(placed)
    await town.receives(placed)
    assert await town.balance("payable") == CNY("17.46")
    await town.books_balance()


async def test_a_form_that_names_a_thing_twice_is_refused(town: Town) -> None:
    bowl = await town.stock()
    with pytest.raises(Refused):
        await town.place([bowl, Item(bowl.variant_id, 1)], CNY("336.00"))


async def test_late_money_that_takes_the_last_piece_moves_the_page(
    town: Town, owner: db.Connection
) -> None:
    placed = await town.place([await town.stock(pieces=1)], CNY("168.00"))
    reference = await town.opens_cashier(placed)
    town.later(minutes=31)
    await town.clocks_strike()
    before = await owner.fetchval("select version from shops where shop_id = $1", town.shop_id)
    assert await town.money_arrives(reference, CNY("168.00")) == "accepted"
    after = await owner.fetchval("select version from shops where shop_id = $1", town.shop_id)
    assert after > before
    async with town.database.connection() as conn:
        kinds = {timer.kind for timer in await timers.of(conn, town.shop_id, placed.order_id)}
    assert kinds == {"ship_by", "ship_at_last"}
