"""What every rail pushes to us: believed only when it is the rail's, ours, whole and of today."""

import pytest

from littleshop.pay.gateways.contract import NoticeRefused, PaymentState
from tests.pay.gateways.plays import back, given, paid, state
from tests.pay.gateways.stage import Bend, Sent, Stage


async def test_a_notice_comes_by_the_rails_own_method(stage: Stage) -> None:
    await paid(stage)
    sent = await stage.sent()
    assert sent.method == stage.notifies_by
    assert stage.gateway.parse_notice(sent.headers, sent.body) is not None
    with pytest.raises(NoticeRefused):
        stage.gateway.parse_notice(sent.headers, b"")


async def test_the_same_notice_twice_bears_one_number(stage: Stage) -> None:
    await stage.strikes(Bend.TWICE)
    reference = await paid(stage)
    first, second = await stage.hears(), await stage.hears()
    assert (first.notice_id, first.kind) == (second.notice_id, second.kind)
    await stage.send_again(reference)
    again = await stage.hears()
    assert (again.notice_id, again.amount) == (first.notice_id, first.amount)


async def test_two_payments_bear_two_numbers(stage: Stage) -> None:
    await paid(stage)
    first = await stage.hears()
    await paid(stage)
    assert (await stage.hears()).notice_id != first.notice_id


async def test_a_forged_notice_is_refused(stage: Stage) -> None:
    await stage.strikes(Bend.FORGED)
    reference = await paid(stage)
    sent = await stage.sent()
    with pytest.raises(NoticeRefused) as told:
        stage.gateway.parse_notice(sent.headers, sent.body)
    assert told.value.why in ("signature", "unknown_key")
    assert await state(stage, reference) is PaymentState.PAID


async def test_a_tampered_notice_is_refused(stage: Stage) -> None:
    await paid(stage)
    sent = await stage.sent()
    changed = stage.tamper(sent)
    for body in (changed.body, sent.body[:-20], sent.body + b" ", b"", b"\xff\xfe", b"{}"):
        with pytest.raises(NoticeRefused):
            stage.gateway.parse_notice(changed.headers, body)


async def test_a_notice_without_its_signature_is_refused(stage: Stage) -> None:
    await paid(stage)
    sent = await stage.sent()
    signed = [name for name in sent.headers if "sign" in name]
    bare = {name: value for name, value in sent.headers.items() if name not in signed}
    body = sent.body if signed else b"&".join(_unsigned(sent))
    with pytest.raises(NoticeRefused):
        stage.gateway.parse_notice(bare, body)


def _unsigned(sent: Sent) -> list[bytes]:
    """The fields of a form without the one that signs it."""
    return [pair for pair in sent.body.split(b"&") if not pair.startswith(b"sign=")]


async def test_a_notice_for_another_merchant_is_nothing_to_us(stage: Stage) -> None:
    stranger = await stage.stranger()
    await paid(stage)
    sent = await stage.sent()
    with pytest.raises(NoticeRefused) as told:
        stranger.parse_notice(sent.headers, sent.body)
    assert told.value.why in ("app", "seller", "signature", "unknown_key")


async def test_an_old_notice_is_refused(stage: Stage) -> None:
    if not stage.tells_time:
        return
    await stage.strikes(Bend.OLD)
    await paid(stage)
    sent = await stage.sent()
    with pytest.raises(NoticeRefused) as told:
        stage.gateway.parse_notice(sent.headers, sent.body)
    assert told.value.why == "old"


async def test_a_refund_is_no_second_payment(stage: Stage) -> None:
    reference = await paid(stage)
    first = await stage.hears()
    request = back(stage, reference, 3000)
    await given(stage, request)
    notice = await stage.hears()
    assert (notice.kind, notice.reference) == ("refunded", reference)
    assert notice.refund_reference in (None, request.refund_reference)
    assert notice.notice_id != first.notice_id
    assert notice.gateway_trade_no == first.gateway_trade_no
