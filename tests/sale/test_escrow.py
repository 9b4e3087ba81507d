"""Money that an institution holds: frozen until receipt, then our commission, then the seller's."""

from __future__ import annotations

from functools import partial

import pytest
import pytest_asyncio

from littleshop import db
from littleshop.errors import GatewayError, Refused
from littleshop.ledger import chart, journals
from littleshop.ledger.journals import Transfer
from littleshop.pay import releases
from littleshop.sale import charging_back, paying, releasing
from littleshop.sale.placing import Placed
from littleshop.shop import terms
from littleshop.shop.terms import Terms
from tests.cast import CNY, MORNING, Town
from tests.sale.after_sale import AfterSale
from tests.sale.escrow import SELLER, Holding, holding, is_admitted
from tests.sale.institution import HoldingRail, Institution


@pytest_asyncio.fixture
async def held(town: Town, owner: db.Connection) -> Holding:
    return await holding(town, owner)


async def stumbles(held: Holding, trouble: str, says: str) -> Placed:
    """A sale that the buyer has; the first time its release does not come to an end."""
    placed = await held.sells()
    await held.receives(placed)
    setattr(held.institution, trouble, 1)
    with pytest.raises(GatewayError, match=says):
        await held.is_released(placed)
    return placed


async def test_a_sale_is_frozen_shared_and_released(held: Holding) -> None:
    placed = await held.sells("100.00")
    assert (await held.payment(placed)).held_for == SELLER
    await held.mirrors()
    assert await held.town.balance("gateway_clearing:wechat_pay") == CNY("0.00")
    await held.receives(placed)
    assert await held.town.balance("payable") == CNY("97.00")
    await held.mirrors()
    await held.is_released(placed)
    await held.mirrors()
    assert await held.town.balance("withdrawable:wechat_pay") == CNY("97.00")
    assert await held.town.balance("gateway_clearing:wechat_pay") == CNY("3.00")
    references = [reference for what, reference in held.institution.calls]
    assert len(set(references)) == 2, "a release under the commission's number releases nothing"


async def test_a_story_with_refunds_before_and_after_the_release_mirrors_to_the_fen(
    held: Holding,
) -> None:
    placed = await held.sells("99.99")
    await held.goes_back(placed, "33.33", "first")
    await held.refunds_are_sent(placed)
    await held.mirrors()
    await held.receives(placed)
    await held.is_released(placed)
    await held.mirrors()
    await held.goes_back(placed, "10.01", "second")
    await held.refunds_are_sent(placed)
    await held.mirrors()
    await held.goes_back(placed, "56.65", "rest")
    await held.refunds_are_sent(placed)
    await held.mirrors()
    assert held.institution.ours == 0 == sum(held.institution.available.values())


async def test_without_a_commission_all_of_it_is_released(town: Town, owner: db.Connection) -> None:
    held = await holding(town, owner, commission_bps=0)
    placed = await held.sells("8.80")
    await held.receives(placed)
    await held.is_released(placed)
    assert [what for what, _ in held.institution.calls] == ["release"]
    await held.mirrors()


async def test_a_release_that_is_answered_twice_is_booked_once(held: Holding) -> None:
    placed = await held.sells()
    await held.receives(placed)
    held.institution.lost = 2  # the commission's answer, then that of the release
    for _ in range(2):
        with pytest.raises(GatewayError):
            await held.is_released(placed)
    await held.is_released(placed)
    await held.is_released(placed)
    await held.mirrors()
    release = await held.release(placed)
    assert release is not None and release.status == "done"
    again = partial(releasing.hear_released, release=release, amount=CNY("97.00"), at=held.town.at)
    assert not await held.town.database.transaction(again)
    await held.mirrors()


@pytest.mark.parametrize(
    ("trouble", "says", "numbers"),
    [
        ("slow", "pending", 2),  # the same two again
        ("away", "away", 2),
        ("closes", "commission is failed", 3),  # a closed commission needs another number
    ],
)
async def test_a_release_that_stumbles_is_asked_for_again(
    held: Holding, trouble: str, says: str, numbers: int
) -> None:
    placed = await stumbles(held, trouble, says)
    await held.is_released(placed)
    assert len({reference for _, reference in held.institution.calls}) == numbers
    assert held.institution.ours == 300
    await held.mirrors()


async def test_a_kill_between_commission_and_release_loses_nothing(held: Holding) -> None:
    placed = await held.sells()
    await held.receives(placed)
    held.institution.slow = 0
    payment = await held.payment(placed)
    begun = await held.town.database.transaction(
        partial(
            releasing.begin,
            shop_id=held.town.shop_id,
            payment_id=payment.payment_id,
            at=held.town.at,
        )
    )
    assert begun is not None
    release, _ = begun
    await held.institution.take_commission(
        releasing.held(payment), release.share_reference, release.share
    )  # and the process is gone before it could write that down
    await held.is_released(placed)
    assert held.institution.ours == 300
    await held.mirrors()


async def test_a_refund_asked_before_the_release_began_comes_out_of_what_is_frozen(
    held: Holding,
) -> None:
    placed = await held.sells()
    await held.receives(placed)
    await held.goes_back(placed, "40.00")
    await held.is_released(placed)
    assert held.institution.calls == [], "nothing is released while something goes back"
    await held.refunds_are_sent(placed)
    await held.mirrors()
    await held.is_released(placed)
    assert held.institution.ours == 180
    await held.mirrors()


async def test_a_refund_asked_while_the_release_is_pending_waits_for_its_end(
    held: Holding,
) -> None:
    placed = await stumbles(held, "slow", "pending")
    await held.goes_back(placed, "40.00")
    with pytest.raises(GatewayError, match="just being released"):
        await held.refunds_are_sent(placed)
    await held.is_released(placed)
    await held.refunds_are_sent(placed)
    await held.mirrors()
    assert held.institution.ours == 180


async def test_what_the_seller_has_on_his_card_is_advanced_and_comes_with_the_next_commission(
    held: Holding,
) -> None:
    placed = await held.sells()
    await held.receives(placed)
    await held.is_released(placed)
    await held.withdraws(CNY("97.00"))
    await held.goes_back(placed, "100.00")
    with pytest.raises(GatewayError, match="advanced"):
        await held.refunds_are_sent(placed)
    await held.refunds_are_sent(placed)
    await held.lent_is_booked()
    assert held.rail.advanced == 1
    assert await held.town.balance("payable") == CNY("-97.00")
    assert await held.town.balance("due_to_shop") == CNY("100.00")
    await held.town.books_balance()
    another = await held.sells("1000.00")
    await held.receives(another)
    await held.is_released(another)
    assert await held.town.balance("gateway_clearing:wechat_pay") == CNY("127.00")
    await held.town.books_balance()


async def test_a_refund_takes_nothing_from_a_withdrawal_that_is_not_handed_in(
    held: Holding,
) -> None:
    town = held.town
    placed = await held.sells()
    await held.receives(placed)
    await held.is_released(placed)
    leaving = Transfer(
        chart.leaving("wechat_pay_withdraw"), chart.withdrawable("wechat_pay"), CNY("97.00")
    )
    await town.database.transaction(
        lambda conn: journals.post(
            conn, town.shop_id, kind="funded", reference="1", value_on=town.at.date(),
            booked_at=town.at, transfers=[leaving],
        )
    )  # fmt: skip
    await held.goes_back(placed, "40.00")
    with pytest.raises(GatewayError, match="waits for a payout"):
        await held.refunds_are_sent(placed)
    assert held.institution.available[SELLER] == 97_00 + 1_20  # and our commission of it


async def test_what_alipay_took_from_the_sellers_own_account_is_nobodys_loan(
    held: Holding, owner: db.Connection
) -> None:
    town, seller = held.town, "2088000000000001"
    await is_admitted(town, owner, "alipay", seller)
    zft = Institution("alipay", pays_out=True)
    other = Holding(town, zft, HoldingRail(zft, seller))
    placed = await other.sells()
    await other.receives(placed)
    await other.is_released(placed)
    await other.withdraws(CNY("97.00"))  # paid by itself
    await other.goes_back(placed, "40.00")
    assert (await town.balance("payable")).minor == -38_80
    await other.refunds_are_sent(placed)
    assert zft.available[seller] == 97_00 - 38_80
    for account in ("payable", "due_to_shop", "withdrawable:alipay", "escrow"):
        assert await town.balance(account) == CNY("0.00"), account
    assert await town.balance("gateway_clearing:alipay") == CNY("1.80")
    await town.books_balance()


async def test_what_alipay_has_paid_the_seller_is_his_before_the_run_has_put_it_apart(
    held: Holding, owner: db.Connection
) -> None:
    """A refund between the two comes out of his own account, and the payout finds its money."""
    town, seller = held.town, "2088000000000001"
    await is_admitted(town, owner, "alipay", seller)
    zft = Institution("alipay", pays_out=True)
    other = Holding(town, zft, HoldingRail(zft, seller))
    placed = await other.sells()
    await other.receives(placed)
    await other.is_released(placed)
    payout = await town.database.transaction(lambda conn: other.is_to_have(conn, CNY("97.00")))
    await other.goes_back(placed, "40.00")
    await other.refunds_are_sent(placed)
    assert await town.balance("withdrawable:alipay") == CNY("97.00")
    assert await town.database.transaction(lambda conn: other.put_apart(conn, payout))
    assert await town.balance("payable") == CNY("0.00")
    await town.books_balance()


async def test_money_that_pays_nothing_goes_back_from_where_it_is_frozen(held: Holding) -> None:
    placed = await held.sells("100.00", pays="1.00")
    assert await held.town.balance("suspense") == CNY("1.00")
    await held.mirrors()
    await held.refunds_are_sent(placed)
    await held.mirrors()


async def test_nothing_is_released_while_a_case_or_a_chargeback_is_open(
    held: Holding, owner: db.Connection
) -> None:
    town = held.town
    await town.database.transaction(
        lambda conn: terms.agree(
            conn, town.shop_id,
            Terms(direct_since=MORNING - terms.A_MOMENT, direct_why="三年老店"), town.at,
        )
    )  # fmt: skip
    placed = await held.sells()
    town.later(minutes=1)
    sale = AfterSale(town, placed)
    await town.ships(placed)
    await sale.asks("refund", "40.00")
    await held.is_released(placed)
    assert held.institution.calls == []
    await sale.buyer_withdraws()
    payment = await held.payment(placed)
    await town.database.transaction(
        lambda conn: charging_back.hear_opened(
            conn, town.shop_id, payment.reference, CNY("100.00"), town.at
        )
    )
    await held.is_released(placed)
    assert held.institution.calls == []
    await town.database.transaction(
        lambda conn: charging_back.hear_ended(
            conn, town.shop_id, payment.reference, CNY("100.00"), won=True, at=town.at
        )
    )
    await held.is_released(placed)
    await held.mirrors()
    await town.receives(placed)
    await held.mirrors()


async def test_a_chargeback_that_is_lost_after_the_release_is_booked_at_the_seller(
    held: Holding,
) -> None:
    town = held.town
    placed = await held.sells()
    await held.receives(placed)
    await held.is_released(placed)
    payment = await held.payment(placed)
    await town.database.transaction(
        lambda conn: charging_back.hear_ended(
            conn, town.shop_id, payment.reference, CNY("100.00"), won=False, at=town.at
        )
    )
    await held.lent_is_booked()
    assert await town.balance("withdrawable:wechat_pay") == CNY("0.00")
    assert await town.balance("due_to_shop") == CNY("3.00"), "our commission is not there any more"
    await town.books_balance()


async def test_the_institution_keeps_its_fee_when_it_releases(held: Holding) -> None:
    placed = await held.sells()
    await held.receives(placed)
    held.institution.fee = 60
    await held.is_released(placed)
    assert await held.town.balance("gateway_fee") == CNY("0.60")
    await held.mirrors()


async def test_a_lost_job_of_a_release_is_replaced(held: Holding, owner: db.Connection) -> None:
    placed = await stumbles(held, "away", "away")
    await owner.execute("delete from jobs")
    held.town.later(hours=2)
    await releasing.sweep(held.town.database, held.town.at)
    assert await owner.fetchval("select count(*) from jobs where name = 'releasing.send'") == 1
    await held.is_released(placed)
    await held.mirrors()


async def test_nothing_is_released_in_the_first_half_minute(
    held: Holding, owner: db.Connection
) -> None:
    placed = await held.sells()
    await held.town.ships(placed)
    await held.town.receives(placed)
    due = await owner.fetchval("select due_at from jobs where name = 'releasing.send'")
    assert due == held.town.at + releasing.SETTLES


async def test_a_shop_that_is_not_admitted_takes_no_money(town: Town) -> None:
    one = await town.stock()
    placed = await town.place([one], CNY("168.00"))
    with pytest.raises(Refused, match="not_admitted"):
        await town.database.transaction(
            lambda conn: paying.ask(
                conn, town.shop_id, placed.order_id, gateway="wechat_pay", method="qr",
                escrow="psp_escrow", at=town.at,
            )
        )  # fmt: skip


async def test_each_of_two_institutions_holds_what_came_over_it(
    held: Holding, owner: db.Connection
) -> None:
    town = held.town
    await is_admitted(town, owner, "alipay", "2088000000000001")
    zft = Institution("alipay", pays_out=True)
    other = Holding(town, zft, HoldingRail(zft, "2088000000000001"))
    one = await town.stock("茶", price=CNY("50.00"))
    placed = await town.place([one], CNY("50.00"))
    first, second = await held.cashier(placed), await other.cashier(placed)
    assert await held.takes(first, CNY("50.00")) == "accepted"
    assert await other.takes(second, CNY("50.00")) == "returned"
    await held.mirrors()
    await other.mirrors()
    await other.refunds_are_sent(placed)
    await held.receives(placed)
    await held.is_released(placed)
    await held.mirrors()
    await other.mirrors()


async def test_what_is_held_for_long_is_found_before_the_institution_lets_go(
    held: Holding,
) -> None:
    placed = await held.sells()
    paid_at = (await held.payment(placed)).paid_at
    assert paid_at is not None
    async with held.town.database.connection() as conn:
        found = await releases.held_since(conn, "wechat_pay", paid_at)
    assert [each.order_id for each in found] == [placed.order_id]
    await held.receives(placed)
    await held.is_released(placed)
    async with held.town.database.connection() as conn:
        assert await releases.held_since(conn, "wechat_pay", held.town.at) == []
