"""Money held for a seller: admitted, paid, shared, released, given back; at every institution."""

from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest
import pytest_asyncio

from littleshop.clock import Clock
from littleshop.config import Misconfigured
from littleshop.errors import Conflict, GatewayError
from littleshop.money import Money
from littleshop.pay.gateways import alipay_escrow, wechat_pay_escrow
from littleshop.pay.gateways.contract import Reason
from littleshop.pay.gateways.escrow import Held
from tests.pay.gateways.holders import HOLDERS, Holder
from tests.pay.gateways.plays import back, given
from tests.pay.gateways.sellers import seller
from tests.pay.gateways.small_alipay import SmallAlipay
from tests.pay.gateways.small_wechat_pay import SmallWechatPay
from tests.sandbox_process import Sandbox

COMMISSION = Money(888, "CNY")
REST = Money(8000, "CNY")


@pytest_asyncio.fixture(params=HOLDERS)
async def holder(request: pytest.FixtureRequest, sandbox: Sandbox) -> AsyncIterator[Holder]:
    """Each institution in turn, with a platform and a seller of its own."""
    async with HOLDERS[request.param](sandbox) as found:
        yield found


def numbered(held: Held, mark: str) -> str:
    """A number of our own, made of the payment's."""
    return mark + held.reference[1:]


async def test_a_seller_is_checked_signs_and_is_admitted(holder: Holder) -> None:
    await holder.trouble("admission", after_seconds=60)
    request, escrow = seller(), holder.escrow
    assert (await escrow.admission(request.reference)).status == "unknown"
    for _ in range(2):
        assert (await escrow.admit(request)).status == "checking"
    await holder.stage.passes(timedelta(minutes=2))
    found = await escrow.admission(request.reference)
    assert found.status == "signing" and (found.sign_url or "").startswith("http")
    await holder.signs(request.reference)
    found = await escrow.admission(request.reference)
    assert found.status == "admitted" and found.merchant_id
    assert (await escrow.admit(request)).merchant_id == found.merchant_id
    with pytest.raises(Conflict):
        await escrow.admit(msgspec.structs.replace(request, legal_name="李大明"))


async def test_a_refused_seller_is_told_why_and_may_ask_again(holder: Holder) -> None:
    wrong = msgspec.structs.replace(seller(), legal_name="不符合")
    found = await holder.escrow.admit(wrong)
    assert found.status == "refused" and found.said
    right = msgspec.structs.replace(wrong, legal_name="王小满")
    assert (await holder.escrow.admit(right)).status == "signing"


async def test_an_admission_whose_answer_was_lost_is_the_same_one(holder: Holder) -> None:
    request = seller()
    await holder.trouble("gateway", system_error=1, only="admit")
    assert (await holder.escrow.admit(request)).status == "signing"


async def test_a_payment_is_shared_and_released(holder: Holder) -> None:
    payment, escrow = await holder.held(), holder.escrow
    assert await holder.pockets() == {"frozen": 8888, "seller": 0, "platform": 0}
    for _ in range(2):
        answer = await holder.take(payment, numbered(payment, "S"), COMMISSION)
        assert (answer.status, answer.amount) == ("done", COMMISSION)
    assert await holder.pockets() == {"frozen": 8000, "seller": 0, "platform": 888}
    for _ in range(2):
        answer = await escrow.release(payment, numbered(payment, "L"), REST)
        assert (answer.status, answer.amount) == ("done", REST)
    assert await holder.pockets() == {"frozen": 0, "seller": 8000, "platform": 888}
    for mark, amount in (("S", COMMISSION), ("L", REST)):
        known = await escrow.share_query(payment, numbered(payment, mark))
        assert (known.status, known.amount) == ("done", amount)
    assert (await escrow.share_query(payment, numbered(payment, "X"))).status == "unknown"


async def test_a_release_without_a_commission_is_the_whole(holder: Holder) -> None:
    payment = await holder.held()
    for _ in range(2):
        answer = await holder.escrow.release(payment, numbered(payment, "L"), payment.amount)
        assert (answer.status, answer.amount) == ("done", payment.amount)
    known = await holder.escrow.share_query(payment, numbered(payment, "L"))
    assert (known.status, known.amount) == ("done", payment.amount)
    assert await holder.pockets() == {"frozen": 0, "seller": 8888, "platform": 0}


async def test_a_share_takes_its_time(holder: Holder) -> None:
    payment = await holder.held()
    await holder.trouble("split", after_seconds=60)
    share = numbered(payment, "S")
    assert (await holder.take(payment, share, COMMISSION)).status == "pending"
    await holder.stage.passes(timedelta(minutes=2))
    assert (await holder.escrow.share_query(payment, share)).status == "done"


async def test_a_release_under_the_number_of_a_commission_is_seen(holder: Holder) -> None:
    payment = await holder.held()
    share = numbered(payment, "S")
    await holder.take(payment, share, COMMISSION)
    with pytest.raises(Conflict):
        await holder.escrow.release(payment, share, REST)
    assert (await holder.pockets())["frozen"] == 8000


async def test_one_number_means_one_share(holder: Holder) -> None:
    payment, other = await holder.held(), await holder.held()
    share = numbered(payment, "S")
    await holder.take(payment, share, COMMISSION)
    with pytest.raises(Conflict):
        await holder.take(payment, share, Money(887, "CNY"))
    assert (await holder.take(other, share, COMMISSION)).status == "failed"


@pytest.mark.parametrize("minor", [8889, 2667])
async def test_a_commission_has_its_limits(holder: Holder, minor: int) -> None:
    payment = await holder.held()
    answer = await holder.take(payment, numbered(payment, "S"), Money(minor, "CNY"))
    assert answer.status == "failed" and answer.reason
    assert (await holder.pockets())["platform"] == 0


async def test_a_commission_that_was_closed_moved_nothing(holder: Holder) -> None:
    payment = await holder.held()
    await holder.trouble("split", fail=1)
    answer = await holder.take(payment, numbered(payment, "S"), COMMISSION)
    assert answer.status == "failed"
    assert (await holder.pockets())["frozen"] == 8888
    assert (await holder.take(payment, numbered(payment, "T"), COMMISSION)).status == "done"


@pytest.mark.parametrize("fault", ["system_error", "timeout", "malformed"])
async def test_shares_whose_answer_was_lost_are_made_once(holder: Holder, fault: str) -> None:
    payment, escrow = await holder.held(), holder.escrow
    if escrow.name == "alipay":  # which settles before it shares
        assert (await holder.take(payment, numbered(payment, "S"), COMMISSION)).status == "done"
    for act, mark in (("commission", "S"), ("release", "L")):
        await holder.trouble("gateway", only=act, **{fault: 1, "timeout_seconds": 0})

        async def once(number: str, first: bool = mark == "S") -> str:
            if first:
                return (await escrow.take_commission(payment, number, COMMISSION)).status
            return (await escrow.release(payment, number, REST)).status

        try:
            assert await once(numbered(payment, mark)) == "done"
        except GatewayError as failure:
            assert failure.retryable
        assert await once(numbered(payment, mark)) == "done"
    assert await holder.pockets() == {"frozen": 0, "seller": 8000, "platform": 888}


async def test_before_the_release_a_refund_comes_out_of_what_is_frozen(holder: Holder) -> None:
    payment = await holder.held()
    answer = await given(holder.stage, back(holder.stage, payment.reference, 3000))
    assert (answer.status, answer.amount) == ("done", Money(3000, "CNY"))
    assert (await holder.pockets())["frozen"] == 5888
    rest = Money(5888, "CNY")
    released = await holder.escrow.release(payment, numbered(payment, "L"), rest)
    assert (released.status, released.amount) == ("done", rest)


async def test_after_the_split_our_share_goes_back_first(holder: Holder) -> None:
    payment, escrow, stage = await holder.held(), holder.escrow, holder.stage
    share, returned = numbered(payment, "S"), numbered(payment, "B")
    await holder.take(payment, share, COMMISSION)
    refused = await stage.gateway.refund(back(stage, payment.reference, 8888))
    assert (refused.status, refused.reason) == ("failed", Reason.SELLER_FUNDS)
    for _ in range(2):
        answer = await escrow.return_commission(payment, share, returned, COMMISSION)
        assert (answer.status, answer.amount) == ("done", COMMISSION)
    with pytest.raises(Conflict):
        await escrow.return_commission(payment, share, returned, Money(1, "CNY"))
    more = await escrow.return_commission(payment, share, numbered(payment, "C"), COMMISSION)
    assert more.status == "failed"
    assert (await given(stage, back(stage, payment.reference, 8888))).status == "done"
    assert await holder.pockets() == {"frozen": 0, "seller": 0, "platform": 0}


async def test_after_the_release_a_refund_comes_out_of_what_the_seller_has(holder: Holder) -> None:
    payment = await holder.held()
    await holder.escrow.release(payment, numbered(payment, "L"), payment.amount)
    request = back(holder.stage, payment.reference, 3000)
    assert (await given(holder.stage, request)).status == "done"
    assert await holder.pockets() == {"frozen": 0, "seller": 5888, "platform": 0}


async def test_when_its_time_is_over_the_institution_releases_by_itself(holder: Holder) -> None:
    payment = await holder.held()
    await holder.stage.passes(holder.escrow.holds_for - timedelta(days=1))
    assert (await holder.pockets())["frozen"] == 8888
    assert (await holder.escrow.lapsed(payment)).status == "pending"
    await holder.stage.passes(timedelta(days=1))
    assert (await holder.pockets())["seller"] == 8888
    let_go = await holder.escrow.lapsed(payment)
    assert (let_go.status, let_go.amount or payment.amount) == ("done", payment.amount)


def test_who_is_no_platform_holds_nothing() -> None:
    with pytest.raises(Misconfigured, match="ecommerce"):
        wechat_pay_escrow.open_escrow(SmallWechatPay().rail, Clock())
    with pytest.raises(Misconfigured, match="zft"):
        alipay_escrow.open_escrow(SmallAlipay().rail, Clock())
