"""What is Alipay's own in holding money: settling comes first, and it pays the seller itself."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio

from littleshop.clock import Clock
from littleshop.config import Misconfigured
from littleshop.money import Money
from littleshop.pay import gateways
from littleshop.pay.gateways.alipay_escrow import open_escrow
from littleshop.pay.gateways.contract import Declined, How, Reason
from littleshop.pay.gateways.escrow import Held
from tests.pay.gateways.holders import HOLDERS, AlipayHolder
from tests.pay.gateways.plays import back, given
from tests.pay.gateways.sellers import seller
from tests.pay.gateways.small_alipay import SmallAlipay
from tests.pay.gateways.stage_alipay import AlipayStage
from tests.sandbox_process import Sandbox

COMMISSION = Money(888, "CNY")
REST = Money(8000, "CNY")


@pytest_asyncio.fixture
async def holder(sandbox: Sandbox) -> AsyncIterator[AlipayHolder]:
    """A platform with a seller, who is settled to his Alipay account."""
    async with HOLDERS["alipay"](sandbox) as found:
        assert isinstance(found, AlipayHolder)
        yield found


def stage_of(holder: AlipayHolder) -> AlipayStage:
    """The platform's app."""
    assert isinstance(holder.stage, AlipayStage)
    return holder.stage


async def books(holder: AlipayHolder, part: str) -> list[dict[str, Any]]:
    """The seller's rows of a part of Alipay's books."""
    found = (await holder.stage.sandbox.read("/books.json"))["alipay"][part]
    return [row for row in found if row["smid"] == holder.seller]


def numbered(held: Held, mark: str) -> str:
    """A number of our own, made of the payment's."""
    return mark + held.reference[1:]


async def test_a_share_comes_half_a_minute_after_settling(holder: AlipayHolder) -> None:
    payment = await holder.held()
    for _ in range(2):
        with pytest.raises(Declined) as told:
            await holder.escrow.take_commission(payment, numbered(payment, "S"), COMMISSION)
        assert told.value.retryable
    assert (await holder.pockets())["frozen"] == 8888
    await holder.stage.passes(timedelta(seconds=31))
    answer = await holder.escrow.take_commission(payment, numbered(payment, "S"), COMMISSION)
    assert answer.status == "done"


async def test_what_was_frozen_for_shares_is_let_go_after_a_month(holder: AlipayHolder) -> None:
    payment = await holder.held()
    await holder.take(payment, numbered(payment, "S"), COMMISSION)
    await holder.stage.passes(timedelta(days=30))
    assert await holder.pockets() == {"frozen": 0, "seller": 8000, "platform": 888}
    late = await holder.escrow.release(payment, numbered(payment, "L"), REST)
    assert (late.status, late.amount) == ("done", REST)


async def test_what_settled_by_itself_is_released(holder: AlipayHolder) -> None:
    payment = await holder.held()
    await holder.stage.passes(holder.escrow.holds_for)
    late = await holder.escrow.release(payment, numbered(payment, "L"), payment.amount)
    assert (late.status, late.amount) == ("done", payment.amount)


async def test_what_a_seller_has_not_we_advance(holder: AlipayHolder) -> None:
    stage, payment = stage_of(holder), await holder.held()
    await holder.escrow.release(payment, numbered(payment, "L"), payment.amount)
    request = msgspec.structs.replace(back(stage, payment.reference, 8888), advance=True)
    assert (await given(stage, request)).status == "done"
    assert await holder.pockets() == {"frozen": 0, "seller": 8888, "platform": -8888}


async def test_a_seller_is_asked_for_nothing_by_us(holder: AlipayHolder) -> None:
    assert holder.escrow.pays_out
    for call in (
        holder.escrow.balance(holder.seller),
        holder.escrow.withdraw(holder.seller, "W0000000000000000001", REST),
        holder.escrow.withdraw_query(holder.seller, "W0000000000000000001"),
    ):
        with pytest.raises(Declined) as told:
            await call
        assert told.value.reason is Reason.NOT_ALLOWED


async def test_a_card_is_paid_the_next_morning(holder: AlipayHolder) -> None:
    stage = stage_of(holder)
    holder.seller = stage.held_for = await stage.admits(zft_settles_to="card")
    payment, gone = await holder.held(), await holder.held()
    assert (await holder.take(payment, numbered(payment, "S"), COMMISSION)).status == "done"
    released = await holder.escrow.release(payment, numbered(payment, "L"), REST)
    assert (released.status, released.amount) == ("done", REST)
    assert [row["status"] for row in await books(holder, "card_payouts")] == ["WAIT"]
    await holder.stage.passes(timedelta(days=1, hours=9))
    (row,) = await books(holder, "card_payouts")
    assert (row["status"], row["amount_minor"]) == ("SUCCESS", 8000)
    poor = await stage.gateway.refund(back(stage, payment.reference, 8888))
    assert (poor.status, poor.reason) == ("failed", Reason.SELLER_FUNDS)
    assert (await given(stage, back(stage, gone.reference, 8888))).status == "done"


async def test_a_seller_told_of_with_his_papers_is_asked_in_his_alipay(
    holder: AlipayHolder,
) -> None:
    escrow = open_escrow({**stage_of(holder).rail, "zft_admission": "create"}, holder.stage.clock)
    await holder.trouble("admission", confirm=1)
    request, other = seller(), seller()
    assert (await escrow.admit(request)).status == "checking"
    await holder.signs(request.reference)
    assert (await escrow.admission(request.reference)).status == "admitted"
    again = await escrow.admit(other)  # with the same Alipay he is the same sub-merchant
    assert (again.status, again.merchant_id) == ("admitted", holder.seller)
    await escrow.disconnect()


@pytest.mark.parametrize(
    ("act", "status"), [("admit", "admitted"), ("ask_to_sign", "signing"), ("refuse", "refused")]
)
async def test_whoever_decides_at_alipay_decides(
    holder: AlipayHolder, act: str, status: str
) -> None:
    await holder.trouble("admission", after_seconds=3600)
    request = seller()
    assert (await holder.escrow.admit(request)).status == "checking"
    path = f"/control/alipay/sellers/{request.reference}/{act}"
    await holder.stage.sandbox.control(path)
    found = await holder.escrow.admission(request.reference)
    assert found.status == status
    if found.sign_url:
        async with httpx.AsyncClient(trust_env=False, verify=False) as person:
            page = await person.get(found.sign_url)
            assert request.shop_name in page.text and "8000" in page.text
            assert (await person.post(found.sign_url)).status_code == 303
        assert (await holder.escrow.admission(request.reference)).status == "admitted"


async def test_nobody_pays_for_a_seller_whom_alipay_does_not_know(holder: AlipayHolder) -> None:
    stage = stage_of(holder)
    stage.held_for = "2088000000000000"
    assert not await stage.opens(await stage.gateway.pay(stage.asked(900_001, How.WAP)))
    plain = gateways.open({"alipay": {**stage.rail, "zft": False}}, stage.clock)["alipay"]
    with pytest.raises(Declined) as told:
        await plain.pay(stage.asked(900_002, How.WAP))
    assert told.value.reason is Reason.NOT_ALLOWED
    await plain.disconnect()


def test_a_platform_says_where_its_sellers_sell() -> None:
    with pytest.raises(Misconfigured, match="zft_site_url"):
        open_escrow({**SmallAlipay().rail, "zft": True}, Clock())


async def test_what_is_frozen_no_more_and_was_settled_by_nobody_is_not_called_released(
    holder: AlipayHolder,
) -> None:
    stage, payment = stage_of(holder), await holder.held()
    assert (await given(stage, back(stage, payment.reference, 8888))).status == "done"
    answer = await holder.escrow.release(payment, numbered(payment, "L"), payment.amount)
    assert (answer.status, answer.amount) == ("pending", None)
