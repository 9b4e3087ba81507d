"""What an institution has held for too long it lets go of unasked, and the books follow."""

from __future__ import annotations

from functools import partial

import pytest
import pytest_asyncio

from littleshop import db
from littleshop.errors import GatewayError, Refused
from littleshop.sale import releasing, resending
from littleshop.sale.placing import Placed
from tests.cast import CNY, Town
from tests.sale.escrow import SELLER, Holding, holding


@pytest_asyncio.fixture
async def held(town: Town, owner: db.Connection) -> Holding:
    return await holding(town, owner)


async def looks(held: Holding) -> int:
    """The job of the morning; how many it found."""
    found = await releasing.look_for_lapsed(held.town.database, held.escrows, held.town.at)
    return len(found)


async def lapses(held: Holding, placed: Placed) -> None:
    """Half a year later the institution lets go of it."""
    held.town.later(days=181)
    held.institution.lets_go((await held.payment(placed)).reference, SELLER)


async def test_it_lies_at_the_sellers_account_and_the_order_stays_as_it_was(held: Holding) -> None:
    placed = await held.sells("100.00")
    before = await held.town.order(placed)
    held.town.later(days=179)
    assert await looks(held) == 0
    assert [what for what, _ in held.institution.calls] == [], "nobody is asked before the time"
    held.town.later(days=2)
    assert await looks(held) == 0, "it holds it still"
    held.institution.lets_go((await held.payment(placed)).reference, SELLER)
    assert await looks(held) == 1
    assert await looks(held) == 0
    assert await held.town.order(placed) == before
    assert await held.town.balance("held_at:wechat_pay") == CNY("0")
    assert await held.town.balance("withdrawable:wechat_pay") == CNY("100.00")
    assert await held.town.balance("escrow") == CNY("100.00")
    await held.mirrors()


async def test_the_buyer_has_his_refund_from_there(held: Holding) -> None:
    placed = await held.sells("100.00")
    await lapses(held, placed)
    assert await looks(held) == 1
    await held.goes_back(placed, "30.00")
    await held.refunds_are_sent(placed)
    assert await held.town.balance("withdrawable:wechat_pay") == CNY("70.00")
    await held.mirrors()


async def test_a_receipt_after_it_asks_for_nothing_and_a_refund_after_that_returns_no_commission(
    held: Holding,
) -> None:
    placed = await held.sells("100.00")
    await lapses(held, placed)
    assert await looks(held) == 1
    await held.receives(placed)
    await held.is_released(placed)
    assert await held.town.balance("payable") == CNY("97.00")
    await held.mirrors()
    await held.goes_back(placed, "100.00")
    await held.refunds_are_sent(placed)
    assert not {"share", "release", "return"} & {what for what, _ in held.institution.calls}
    await held.mirrors()


@pytest.mark.parametrize("shared", [False, True])
async def test_a_release_that_was_never_carried_out_ends_with_it(
    held: Holding, shared: bool
) -> None:
    """The institution was away for our commission, or after it."""
    placed = await held.sells("100.00")
    await held.receives(placed)
    held.institution.away = 0 if shared else 9
    held.institution.slow = 0
    if shared:
        held.institution.refuses = True
    with pytest.raises(GatewayError):
        await held.is_released(placed)
    held.institution.away, held.institution.refuses = 0, False
    await lapses(held, placed)
    assert await looks(held) == 1
    assert await looks(held) == 0
    await held.is_released(placed)
    ours = CNY("3.00") if shared else CNY("0")
    assert await held.town.balance("gateway_clearing:wechat_pay") == ours
    assert await held.town.balance("withdrawable:wechat_pay") == CNY("100.00") - ours
    await held.mirrors()


async def test_what_we_had_released_ourselves_is_heard_as_that(held: Holding) -> None:
    """The answer to our own asking was lost half a year ago."""
    placed = await held.sells("100.00")
    await held.receives(placed)
    held.institution.lost = 1
    with pytest.raises(GatewayError):
        await held.is_released(placed)
    held.town.later(days=181)
    assert await looks(held) == 0
    await held.is_released(placed)
    assert await held.town.balance("gateway_clearing:wechat_pay") == CNY("3.00")
    await held.mirrors()


async def test_a_refund_that_cannot_be_sent_is_paid_by_hand_once_nothing_is_frozen(
    held: Holding,
) -> None:
    """Before, the institution would give the seller the whole of it later."""
    placed, town = await held.sells("100.00"), held.town
    refund_id = await held.goes_back(placed, "30.00")
    stuck = partial(resending.hear_stuck, shop_id=town.shop_id, refund_id=refund_id, at=town.at)
    await town.database.transaction(stuck)

    async def by_hand() -> None:
        await town.database.transaction(
            lambda conn: resending.pay_by_hand(conn, None, town.shop_id, refund_id, town.at)
        )

    with pytest.raises(Refused, match="refund_held"):
        await by_hand()
    await lapses(held, placed)
    assert await looks(held) == 1
    await by_hand()
    await held.lent_is_booked()
    assert await town.balance("due_to_shop") == CNY("30.00"), "the platform has advanced it"
    await held.mirrors()
