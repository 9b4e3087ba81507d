"""A bank takes back what is just being refunded: only the rail knows which was first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest
import pytest_asyncio

from littleshop import db
from littleshop.errors import GatewayError
from littleshop.money import Money
from littleshop.pay import sending
from littleshop.pay.gateways import Reason, RefundAnswer, RefundRequest
from littleshop.sale import charging_back, handing_out, refunding, sending_refunds
from tests.cast import CNY, Town
from tests.sale.after_sale import AfterSale, after
from tests.sale.test_charging_back import ended, opened, shipped
from tests.sale.test_rails_away import context


@dataclass
class Rail:
    """One that sends nothing back of what is disputed (`refuses`), but knows what it has sent."""

    refuses: bool = False
    why: Reason = Reason.WRONG_STATE
    away: bool = False
    sent: dict[str, Money] = field(default_factory=dict)

    async def refund(self, request: RefundRequest) -> RefundAnswer:
        if self.away:
            raise GatewayError("alipay cannot be reached", retryable=True)
        if request.refund_reference not in self.sent and self.refuses:
            return RefundAnswer(status="failed", amount=request.amount, reason=self.why)
        self.sent[request.refund_reference] = request.amount
        return RefundAnswer(status="done", amount=request.amount)


@dataclass
class Disputed:
    """A town, its rail, and the jobs that a worker would do."""

    town: Town
    owner: db.Connection
    rail: Rail

    async def jobs_are_done(self, name: str, attempt: int = 1) -> int:
        """Every job of a name, once; one that asks for patience stays."""
        rows = await self.owner.fetch("select id, arguments from jobs where name = $1", name)
        work: dict[str, Callable[..., Awaitable[None]]] = {
            refunding.SEND: sending_refunds.send,
            charging_back.LOSE: sending_refunds.lose_chargeback,
        }
        for row in rows:
            told = context(self.town, attempt)
            await work[name]({"alipay": self.rail}, {}, told, **row["arguments"])
            await self.owner.execute("delete from jobs where id = $1", row["id"])
        return len(rows)

    async def is_lost(self, amount: str = "100.00") -> None:
        """The bank has decided against us, and the rail is asked what that met."""
        await ended(self.town, self.owner, CNY(amount), won=False)
        await self.jobs_are_done(charging_back.LOSE)

    async def is_lost_unsaid(self, amount: str = "100.00") -> None:
        """The rail is asked until our patience is over, and says nothing of the refund."""
        with pytest.raises(GatewayError) as no:
            await self.is_lost(amount)
        assert no.value.retryable, "asked again"
        assert await self.owner.fetchval("select status from chargebacks") == "open"
        self.town.later(hours=13)
        await self.jobs_are_done(charging_back.LOSE, attempt=sending_refunds.ASKS)

    async def borne(self) -> Money:
        assert await self.owner.fetchval("select status from chargebacks") == "lost"
        unbooked = await self.owner.fetchval("select unbooked_minor from chargebacks")
        assert await self.town.balance("chargeback_loss") == Money(unbooked, "CNY")
        return Money(unbooked, "CNY")

    async def refunds(self) -> list[tuple[str, int]]:
        rows = await self.owner.fetch("select status, amount_minor from refunds order by asked_at")
        return [(row["status"], row["amount_minor"]) for row in rows]


@pytest_asyncio.fixture
async def stage(town: Town, owner: db.Connection) -> Disputed:
    return Disputed(town, owner, Rail())


async def agreed(town: Town, amount: str) -> AfterSale:
    sale = await shipped(town)
    await sale.asks("refund", amount)
    await sale.seller_agrees()
    return sale


@pytest.mark.parametrize("how", ["called off", "agreed"])
async def test_a_refund_that_the_dispute_overtook_goes_by_the_bank_and_nobody_pays_twice(
    stage: Disputed, how: str
) -> None:
    """The rail refuses to send back what is disputed; it was asked before we knew."""
    town = stage.town
    sale = await after(town)
    if how == "agreed":
        await sale.asks("refund", "100.00")
        await sale.seller_agrees()
    else:
        await town.database.transaction(
            lambda conn: refunding.call_off(
                conn, town.shop_id, sale.placed.order_id, by="seller", reason="broken", at=town.at
            )
        )
    await opened(town, stage.owner, CNY("100.00"))
    stage.rail.refuses = True
    assert await stage.jobs_are_done(refunding.SEND) == 1, "nobody's work while a bank decides"
    town.later(days=9)
    await stage.is_lost()
    assert await stage.borne() == CNY("0.00")
    assert await town.balance("escrow") == await town.balance("payable") == CNY("0.00")
    assert await stage.refunds() == [("failed", 100_00)]
    assert (await town.order(sale.placed)).status == "refunded"
    await town.books_balance()


async def test_a_refund_that_was_quicker_than_the_dispute_is_gone_twice_and_our_loss(
    stage: Disputed,
) -> None:
    """The rail had sent it when its answer was lost."""
    sale = await agreed(stage.town, "100.00")
    number = str(await stage.owner.fetchval("select reference from refunds"))
    stage.rail.sent[number] = CNY("100.00")
    stage.rail.refuses = True
    await stage.is_lost()
    assert await stage.borne() == CNY("100.00")
    assert await stage.refunds() == [("done", 100_00)]
    assert (await sale.case()).status == "done"
    await stage.town.books_balance()


async def test_while_the_rail_says_nothing_the_loss_waits_and_nothing_is_guessed(
    stage: Disputed,
) -> None:
    await agreed(stage.town, "100.00")
    stage.rail.away = True
    with pytest.raises(GatewayError):
        await stage.is_lost()
    assert await stage.owner.fetchval("select status from chargebacks") == "open"
    assert await stage.refunds() == [("asked", 100_00)]
    stage.rail.away, stage.rail.refuses = False, True
    await stage.is_lost()
    assert await stage.borne() == CNY("0.00")
    assert not await ended(stage.town, stage.owner, CNY("100.00"), won=False), "known"
    await stage.town.books_balance()


NOT_ABOUT_IT = [Reason.NOT_ALLOWED, Reason.BAD_SIGNATURE, Reason.CONFLICT, Reason.OTHER]


@pytest.mark.parametrize("why", NOT_ABOUT_IT)
async def test_a_no_that_is_not_about_the_refund_does_not_say_that_it_was_never_made(
    stage: Disputed, why: Reason
) -> None:
    """Our key has run out: an asking of before may still be on its way, and goes out later."""
    sale = await agreed(stage.town, "100.00")
    stage.rail.refuses, stage.rail.why = True, why
    await stage.is_lost_unsaid()
    assert await stage.borne() == CNY("100.00"), "the bank's taking is in the books all the same"
    assert await stage.refunds() == [("asked", 100_00)]
    await stage.town.books_balance()
    stage.rail.refuses = False
    await stage.jobs_are_done(refunding.SEND)
    assert await stage.refunds() == [("done", 100_00)], "gone twice, and said so"
    assert await stage.borne() == CNY("100.00")
    assert (await sale.case()).status == "done"
    await stage.town.books_balance()


async def test_what_the_rail_says_at_last_was_never_made_is_borne_no_more(stage: Disputed) -> None:
    sale = await agreed(stage.town, "100.00")
    stage.rail.refuses, stage.rail.why = True, Reason.NOT_ALLOWED
    await stage.is_lost_unsaid()
    stage.rail.why = Reason.WRONG_STATE
    await stage.jobs_are_done(refunding.SEND)
    assert await stage.borne() == CNY("0.00")
    assert await stage.refunds() == [("failed", 100_00)]
    assert (await sale.case()).status == "withdrawn"
    order = await stage.town.order(sale.placed)
    assert (order.refunded_minor, order.held_minor) == (100_00, 0)
    assert await stage.owner.fetchval("select found_minor from chargebacks") == 100_00
    await stage.town.books_balance()


@pytest.mark.parametrize(
    ("back", "bank", "borne", "rest"),
    [("70.00", "50.00", "50.00", 20_00), ("30.00", "50.00", "30.00", 0)],
)
async def test_a_no_that_comes_late_leaves_everybody_what_a_no_in_time_would_have(
    stage: Disputed, back: str, bank: str, borne: str, rest: int
) -> None:
    """Of 100 paid a part goes back, the bank takes 50, and for a day nobody says of what."""
    sale = await agreed(stage.town, back)
    stage.rail.refuses, stage.rail.why = True, Reason.OTHER
    await stage.is_lost_unsaid(bank)
    assert await stage.borne() == CNY(borne)
    await stage.town.books_balance()
    stage.rail.why = Reason.WRONG_STATE
    await stage.jobs_are_done(refunding.SEND)
    assert await stage.borne() == CNY("0.00")
    asked = [("failed", CNY(back).minor)] + ([("asked", rest)] if rest else [])
    assert await stage.refunds() == asked
    await stage.town.books_balance()
    stage.rail.refuses = False
    await stage.jobs_are_done(refunding.SEND)
    order = await stage.town.order(sale.placed)
    gone = max(CNY(back).minor, CNY(bank).minor)
    assert (order.refunded_minor, order.held_minor) == (gone, 100_00 - gone)
    await stage.town.books_balance()


async def test_a_refund_asked_for_after_the_loss_has_not_gone_by_the_bank(stage: Disputed) -> None:
    sale = await shipped(stage.town)
    await stage.is_lost("50.00")
    stage.town.later(days=1)
    await sale.asks("refund", "50.00")
    await sale.seller_agrees()
    stage.rail.refuses = True
    with pytest.raises(sending.NotMade):
        await stage.jobs_are_done(refunding.SEND)
    assert await stage.refunds() == [("asked", 50_00)]
    await stage.town.books_balance()


async def test_of_a_refund_that_a_part_of_overtook_the_rest_is_sent_anew(stage: Disputed) -> None:
    """Of 100 paid 70 go back, and the bank takes 50 of them: 20 are the buyer's still."""
    sale = await agreed(stage.town, "70.00")
    stage.rail.refuses = True
    await stage.is_lost("50.00")
    assert await stage.borne() == CNY("0.00")
    assert await stage.refunds() == [("failed", 70_00), ("asked", 20_00)]
    await stage.town.books_balance()
    stage.rail.refuses = False
    await stage.jobs_are_done(refunding.SEND)
    order = await stage.town.order(sale.placed)
    assert (order.refunded_minor, order.held_minor) == (70_00, 30_00)
    assert (await sale.case()).status == "done"
    await stage.town.books_balance()


async def test_a_bank_that_takes_a_part_leaves_a_refund_of_the_rest_on_its_way(
    stage: Disputed,
) -> None:
    sale = await agreed(stage.town, "70.00")
    await stage.is_lost("30.00")
    order = await stage.town.order(sale.placed)
    assert (order.refunded_minor, order.held_minor) == (100_00, 0)
    assert await stage.borne() == await stage.town.balance("escrow") == CNY("0.00")
    await stage.town.books_balance()


async def test_a_refund_that_was_refused_meanwhile_is_sent_when_the_bank_has_decided_for_us(
    stage: Disputed,
) -> None:
    await agreed(stage.town, "100.00")
    await opened(stage.town, stage.owner, CNY("100.00"))
    stage.rail.refuses = True
    await stage.jobs_are_done(refunding.SEND)
    stage.rail.refuses = False
    await ended(stage.town, stage.owner, CNY("100.00"), won=True)
    assert await stage.jobs_are_done(refunding.SEND) == 1
    assert await stage.refunds() == [("done", 100_00)]
    await stage.town.books_balance()


async def test_a_refund_that_its_rail_refuses_without_a_dispute_is_a_persons_work(
    stage: Disputed,
) -> None:
    await agreed(stage.town, "100.00")
    stage.rail.refuses = True
    with pytest.raises(GatewayError) as no:
        await stage.jobs_are_done(refunding.SEND)
    assert not no.value.retryable
    await stage.town.books_balance()


async def test_what_a_bank_took_after_receipt_stays_closed(stage: Disputed) -> None:
    """All went back, by whichever way: who had it back does not open what it paid for."""
    town = stage.town
    sale = await shipped(town)
    await town.receives(sale.placed)
    await sale.asks("refund", "100.00")
    await sale.seller_agrees()
    stage.rail.refuses = True
    await stage.is_lost()
    order = await town.order(sale.placed)
    assert order.status == "received"
    assert await handing_out.kept_closed(stage.owner, order) == "goods_given_back"
    await town.books_balance()


async def test_a_refused_refund_that_cannot_be_dropped_waits_for_a_person_once(
    stage: Disputed,
) -> None:
    """Our commission came back for it already: it is not asked for day after day."""
    await agreed(stage.town, "100.00")
    await stage.owner.execute(
        "update refunds set return_reference = reference, return_minor = 1, returned_at = asked_at"
    )
    stage.rail.refuses = True
    stage.town.later(days=1)
    await stage.is_lost()
    assert await stage.borne() == CNY("100.00")
    await stage.jobs_are_done(refunding.SEND)
    assert await stage.refunds() == [("stuck", 100_00)]
