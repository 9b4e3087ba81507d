"""What goes wrong where an institution holds the money: nothing is booked to the wrong pocket,
nothing is asked for twice, and what was begun goes on."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
import pytest_asyncio

from littleshop import db
from littleshop.errors import Conflict, GatewayError, Refused
from littleshop.ledger import bridging
from littleshop.money import Money
from littleshop.oversight import escrowing
from littleshop.pay import refunds, sending
from littleshop.pay.gateways import Reason
from littleshop.pay.gateways.escrow import Held, ShareAnswer
from littleshop.pay.refunds import Refund
from littleshop.sale import releasing, resending, taking_back
from littleshop.sale.placing import Placed
from littleshop.shop import admissions
from tests.cast import CNY, Town
from tests.sale.escrow import Holding, holding, is_admitted
from tests.sale.institution import HoldingRail, Institution


@pytest_asyncio.fixture
async def held(town: Town, owner: db.Connection) -> Holding:
    return await holding(town, owner)


async def released(held: Holding) -> Placed:
    placed = await held.sells()
    await held.receives(placed)
    await held.is_released(placed)
    return placed


async def of(held: Holding, placed: Placed) -> Refund:
    async with held.town.database.connection() as conn:
        (found,) = await refunds.of_order(conn, held.town.shop_id, placed.order_id)
    return found


async def sticks(held: Holding, refund_id: UUID) -> None:
    town = held.town
    assert await town.database.transaction(
        lambda conn: resending.hear_stuck(conn, town.shop_id, refund_id, town.at)
    )


async def pays_by_hand(held: Holding, refund_id: UUID) -> None:
    town = held.town
    await town.database.transaction(
        lambda conn: resending.pay_by_hand(conn, None, town.shop_id, refund_id, town.at)
    )


async def repayments_are_booked(town: Town) -> None:
    """The jobs that book the platform's side of what was repaid."""
    async with town.database.connection() as conn:
        rows = await conn.fetch("select arguments from jobs where name = $1", bridging.TAKE_BACK)
    for told in [row["arguments"] for row in rows]:
        amount = Money(told["minor"], told["currency"])
        await town.database.transaction(
            partial(bridging.take_back, reference=told["reference"], amount=amount, at=town.at)
        )


async def test_an_advanced_refund_that_fails_is_ours_again_and_its_loan_is_undone(
    held: Holding,
) -> None:
    town, placed = held.town, await released(held)
    await held.goes_back(placed, "100.00")
    held.rail.at = Institution()  # the institution says that he has nothing
    with pytest.raises(GatewayError, match="advanced"):
        await held.refunds_are_sent(placed)
    await held.refunds_are_sent(placed)
    await held.lent_is_booked()
    failed = await of(held, placed)
    pocket = await town.balance("withdrawable:wechat_pay")
    town.later(days=3)
    hear = partial(
        resending.hear_failed, shop_id=town.shop_id, reference=failed.reference, at=town.at
    )
    assert await town.database.transaction(hear)
    await repayments_are_booked(town)
    assert await town.balance("withdrawable:wechat_pay") == pocket, "it was never his"
    assert await town.balance("due_to_shop") == CNY("0.00")
    assert await town.balance("escrow") == CNY("100.00")
    await town.books_balance()
    stuck = await of(held, placed)
    await pays_by_hand(held, stuck.refund_id)
    await held.lent_is_booked()
    await repayments_are_booked(town)
    assert await town.balance("escrow") == CNY("0.00")
    assert await town.balance("withdrawable:wechat_pay") == pocket
    assert await town.balance("due_to_shop") == CNY("100.00"), "lent once"
    await town.books_balance()


async def test_of_two_requests_that_crossed_the_institution_says_which_one_moved_the_money(
    held: Holding,
) -> None:
    """One was refused, and so the platform offers to advance it; the other, which read the refund
    before that, was taken out of the seller's account."""
    placed = await released(held)
    await held.goes_back(placed, "40.00")
    read_before, payment = await of(held, placed), await held.payment(placed)
    held.rail.poor = 1
    with pytest.raises(GatewayError, match="advanced"):
        await held.refunds_are_sent(placed)
    assert (await of(held, placed)).advanced_at is not None
    await held.is_sent(payment, read_before)
    assert held.rail.advanced == 0
    assert (await of(held, placed)).advanced_at is None
    await held.mirrors()
    assert await held.town.balance("due_to_shop") == CNY("0.00"), "nobody lent it"


async def test_an_offer_to_advance_that_was_not_taken_is_booked_to_the_seller(
    held: Holding,
) -> None:
    placed = await released(held)
    await held.goes_back(placed, "40.00")
    held.rail.poor = 1
    with pytest.raises(GatewayError, match="advanced"):
        await held.refunds_are_sent(placed)
    await held.refunds_are_sent(placed)
    assert held.rail.advanced == 0
    await held.mirrors()


async def test_who_paid_a_refund_that_got_stuck_is_known_when_it_is_done(held: Holding) -> None:
    town, placed = held.town, await released(held)
    await held.goes_back(placed, "40.00")
    read_before, payment = await of(held, placed), await held.payment(placed)
    held.rail.poor, held.rail.abnormal = 1, True
    with pytest.raises(GatewayError, match="advanced"):
        await held.refunds_are_sent(placed)
    with pytest.raises(sending.Undeliverable) as no:
        await held.is_sent(payment, read_before)
    stuck = partial(
        resending.hear_stuck, shop_id=town.shop_id, refund_id=read_before.refund_id, at=town.at
    )
    assert await town.database.transaction(partial(stuck, advanced=no.value.advanced))
    late = partial(refunds.advance, refund=read_before, at=town.at)
    await town.database.transaction(late)
    assert (await of(held, placed)).advanced_at is None


async def test_a_withdrawal_under_way_is_waited_for_though_the_refund_may_be_advanced(
    held: Holding,
) -> None:
    town, placed = held.town, await released(held)
    await held.goes_back(placed, "40.00")
    held.rail.poor = 1
    with pytest.raises(GatewayError, match="advanced"):
        await held.refunds_are_sent(placed)
    payout = await town.database.transaction(partial(held.is_to_have, amount=CNY("60.00")))
    assert await town.database.transaction(partial(held.put_apart, payout=payout))
    with pytest.raises(GatewayError, match="waits for a payout"):
        await held.refunds_are_sent(placed)


async def test_what_is_frozen_for_the_seller_is_not_paid_by_hand(
    held: Holding, owner: db.Connection
) -> None:
    town, seller = held.town, "2088000000000001"
    await is_admitted(town, owner, "alipay", seller)
    zft = Institution("alipay", pays_out=True)
    other = Holding(town, zft, HoldingRail(zft, seller))
    placed = await other.sells()
    refund_id = await other.goes_back(placed, "100.00")
    await sticks(other, refund_id)
    with pytest.raises(Refused, match="refund_held"):
        await pays_by_hand(other, refund_id)
    await other.mirrors()
    assert (await of(other, placed)).status == "stuck"


async def test_what_is_the_sellers_already_and_is_paid_by_hand_is_lent_to_him(
    held: Holding, owner: db.Connection
) -> None:
    town, seller = held.town, "2088000000000001"
    await is_admitted(town, owner, "alipay", seller)
    zft = Institution("alipay", pays_out=True)
    other = Holding(town, zft, HoldingRail(zft, seller))
    placed = await released(other)
    refund_id = await other.goes_back(placed, "40.00")
    await sticks(other, refund_id)
    await pays_by_hand(other, refund_id)
    await other.lent_is_booked()
    assert await town.balance("withdrawable:alipay") == CNY("97.00"), "nobody took it from him"
    assert await town.balance("due_to_shop") == CNY("37.00"), "beside our commission"
    await town.books_balance()


async def test_a_return_of_commission_that_failed_is_asked_for_under_another_number(
    held: Holding,
) -> None:
    placed = await released(held)
    works, asked = held.institution.return_commission, []

    async def fails(
        held: Held, share_reference: str, return_reference: str, share: Money
    ) -> ShareAnswer:
        asked.append(return_reference)
        reason = Reason.OTHER if len(asked) == 1 else Reason.SELLER_FUNDS
        # the first was made and failed there; the second was refused before it was made
        return ShareAnswer(
            status="failed", amount=share if len(asked) == 1 else None, reason=reason
        )

    held.institution.return_commission = fails  # type: ignore[method-assign]
    await held.goes_back(placed, "40.00")
    for _ in range(3):
        with pytest.raises(GatewayError, match="is failed"):
            await held.refunds_are_sent(placed)
    assert asked[1] == asked[2] != asked[0]
    held.institution.return_commission = works  # type: ignore[method-assign]
    await held.refunds_are_sent(placed)
    assert (await of(held, placed)).return_reference == asked[1]
    await held.mirrors()


async def test_a_stale_answer_moves_no_number_of_a_return(held: Holding) -> None:
    town, placed = held.town, await released(held)
    await held.goes_back(placed, "40.00")
    asked = await of(held, placed)
    planned = await town.database.transaction(
        partial(refunds.plan_return, refund=asked, share=CNY("1.20"))
    )
    assert await town.database.transaction(partial(refunds.return_anew, refund=planned))
    assert not await town.database.transaction(partial(refunds.return_anew, refund=planned))
    await held.refunds_are_sent(placed)
    done = await of(held, placed)
    assert not await town.database.transaction(partial(refunds.return_anew, refund=done))
    await held.mirrors()


async def test_our_commission_goes_back_once_however_often_the_refund_is_sent(
    held: Holding,
) -> None:
    town, placed = held.town, await released(held)
    refund_id = await held.goes_back(placed, "40.00")
    works, held.rail.at = held.rail.at, Institution()  # a rail whose seller has nothing
    with pytest.raises(GatewayError, match="advanced"):
        await held.refunds_are_sent(placed)
    held.rail.at = works
    await held.refunds_are_sent(placed)
    returned = [reference for what, reference in held.institution.calls if what == "return"]
    assert len(returned) == 1
    refund = await of(held, placed)
    payment = await held.payment(placed)
    assert refund.refund_id == refund_id and refund.returned_at is not None
    again = partial(taking_back.hear_returned, payment=payment, refund=refund, at=town.at)
    assert not await town.database.transaction(again)
    await held.lent_is_booked()
    await town.books_balance()


async def test_a_plain_no_to_our_commission_keeps_its_number(held: Holding) -> None:
    placed = await held.sells()
    await held.receives(placed)
    works, asked = held.institution.take_commission, []

    async def no(held: Held, share_reference: str, share: Money) -> ShareAnswer:
        asked.append(share_reference)
        return ShareAnswer(status="failed", reason=Reason.NOT_ALLOWED)

    held.institution.take_commission = no  # type: ignore[method-assign]
    for _ in range(2):
        with pytest.raises(GatewayError, match="commission is failed"):
            await held.is_released(placed)
    assert len(set(asked)) == 1
    release = await held.release(placed)
    assert release is not None and release.said == "commission: not_allowed"
    held.institution.take_commission = works  # type: ignore[method-assign]
    await held.is_released(placed)
    await held.mirrors()


@pytest.mark.parametrize("kept", [2_01, 97_00, -1])
async def test_what_cannot_be_a_fee_is_not_booked(held: Holding, kept: int) -> None:
    placed = await held.sells()
    await held.receives(placed)

    async def lets_go(held: Held, release_reference: str, rest: Money) -> ShareAnswer:
        return ShareAnswer(status="done", amount=Money(rest.minor - kept, "CNY"))

    held.institution.release = lets_go  # type: ignore[method-assign]
    with pytest.raises(Conflict, match="released"):
        await held.is_released(placed)
    assert await held.town.balance("gateway_fee") == CNY("0.00")
    release = await held.release(placed)
    assert release is not None and release.status == "shared"
    await held.town.books_balance()


async def test_a_fee_of_two_percent_is_one(held: Holding) -> None:
    placed = await held.sells()
    await held.receives(placed)
    held.institution.fee = 2_00
    await held.is_released(placed)
    assert await held.town.balance("gateway_fee") == CNY("2.00")
    await held.mirrors()


@pytest.mark.parametrize("shared", [False, True])
async def test_money_that_is_just_being_released_lies_in_no_pocket(
    held: Holding, shared: bool
) -> None:
    town, placed = held.town, await held.sells()
    await held.receives(placed)
    payment = await held.payment(placed)
    begun = await town.database.transaction(
        partial(releasing.begin, shop_id=town.shop_id, payment_id=payment.payment_id, at=town.at)
    )
    assert begun is not None
    if shared:
        held.institution.frozen[payment.reference] -= begun[0].share.minor
        hear = partial(releasing.hear_shared, release=begun[0], at=town.at)
        assert await town.database.transaction(hear)
    with pytest.raises(GatewayError, match="just being released") as fault:
        async with town.database.connection() as conn:
            await releasing.pocket(conn, payment)
    assert fault.value.retryable
    await held.mirrors()
    town.later(minutes=1)
    await town.books_balance()


async def test_the_desk_names_what_is_near_its_limit_and_the_last_word_on_each_seller(
    held: Holding,
) -> None:
    town, placed = held.town, await held.sells()
    order = await town.order(placed)
    town.later(days=170)
    async with town.database.connection() as conn:
        (near,) = await escrowing.near_limit(conn, {"wechat_pay": timedelta(days=180)}, town.at)
        (admitted,) = await admissions.of_shop(conn, town.shop_id)
    assert (near.number, near.amount) == (order.number, CNY("100.00")) and near.shop

    async def refused_twice(conn: db.Connection) -> None:
        for _ in range(2):
            one = await admissions.ask(
                conn, town.shop_id, "alipay", card_id=admitted.card_id, shop_name="茶", at=town.at
            )
            assert one is not None
            await admissions.hear(conn, one, status="refused", said="no", at=town.at)
            town.later(minutes=1)

    await town.database.transaction(refused_twice)
    async with town.database.connection() as conn:
        (asked,) = await escrowing.asked(conn)
        newest = await admissions.latest(conn, town.shop_id, "alipay")
    assert asked.admission == newest and asked.shop == near.shop
    await town.books_balance()
