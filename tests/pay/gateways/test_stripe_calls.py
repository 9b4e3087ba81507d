"""Stripe by hand: what we send, what an odd answer means, how settings are refused."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import parse_qs, parse_qsl

import httpx
import msgspec
import pytest

from littleshop.config import Misconfigured
from littleshop.errors import Conflict, GatewayError
from littleshop.money import Money
from littleshop.pay.gateways.contract import (
    How,
    PaymentState,
    PayRequest,
    Reason,
    RefundRequest,
)
from littleshop.pay.gateways.stripe import Stripe, open_rail
from tests.pay.gateways.conftest import StillClock, asked

RAIL: dict[str, Any] = {
    "base_url": "https://api.stripe.test/",
    "secret_key": "sk_test_0123456789abcdef",
    "webhook_secrets": ["whsec_0123456789"],
    "currencies": ["USD", "JPY"],
}
REFERENCE = "R0000000000000000001"
Answer = Callable[[httpx.Request], httpx.Response]


class SmallStripe:
    """Answers by path; whatever is not told is missing, as at Stripe."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.heard: list[httpx.Request] = []
        self.rail = open_rail(RAIL, StillClock(), httpx.MockTransport(self._handle))

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.heard.append(request)
        found = self.answers.get(f"{request.method} {request.url.path}")
        if found is None:
            return no(404, code="resource_missing", param="id")
        if isinstance(found, list):
            found = found.pop(0)
        return found if isinstance(found, httpx.Response) else httpx.Response(200, json=found)

    def paid(self, **changes: Any) -> None:
        """A payment of 88.88 that was made."""
        intent = {
            "id": "pi_1",
            "object": "payment_intent",
            "status": "succeeded",
            "amount_received": 8888,
            "currency": "usd",
            "latest_charge": {"id": "ch_1", "object": "charge", "created": 1795341603},
        }
        session = {
            "id": "cs_1",
            "object": "checkout.session",
            "status": "complete",
            "payment_status": "paid",
            "amount_total": 8888,
            "currency": "usd",
            "url": None,
            "payment_intent": intent,
        }
        self.answers[f"GET /v1/products/{REFERENCE}"] = {
            "id": REFERENCE,
            "object": "product",
            "metadata": {"session": "cs_1", "amount": "8888", "currency": "USD", "expires": "1"},
        }
        self.answers["GET /v1/checkout/sessions/cs_1"] = {**session, **changes}


def no(status: int, kind: str = "invalid_request_error", **more: str) -> httpx.Response:
    """Stripe's no."""
    return httpx.Response(status, json={"error": {"type": kind, "message": "No.", **more}})


@pytest.fixture
def small() -> SmallStripe:
    return SmallStripe()


def dollars(minor: int = 8888, currency: str = "USD") -> PayRequest:
    request = msgspec.structs.replace(asked(How.WAP, "茶\n杯 😀"), amount=Money(minor, currency))
    return request


def giving_back(minor: int = 1000) -> RefundRequest:
    return RefundRequest(
        reference=REFERENCE,
        refund_reference="F0000000000000000001",
        amount=Money(minor, "USD"),
        paid=Money(8888, "USD"),
    )


def opened(small: SmallStripe) -> None:
    """Let a page be made."""
    session = {"id": "cs_1", "object": "checkout.session", "status": "open", "amount_total": 8888}
    more = {"payment_status": "unpaid", "currency": "usd", "url": "https://checkout.test/cs_1"}
    expires = str(int(datetime(2026, 11, 22, 10, 35, tzinfo=UTC).timestamp()))
    asked_ = {"amount": "8888", "currency": "USD", "expires": expires}
    product = {"id": REFERENCE, "object": "product", "metadata": asked_}
    small.answers["POST /v1/products"] = product
    small.answers["POST /v1/checkout/sessions"] = {**session, **more}
    small.answers[f"POST /v1/products/{REFERENCE}"] = product


async def test_a_page_is_asked_for_in_three_calls(small: SmallStripe) -> None:
    opened(small)
    answer = await small.rail.pay(dollars())
    assert answer.redirect_url == "https://checkout.test/cs_1"
    product, session, note = (dict(parse_qsl(call.content.decode())) for call in small.heard)
    assert (product["id"], product["name"]) == (REFERENCE, "茶 杯 😀")
    assert session["line_items[0][price_data][unit_amount]"] == "8888"
    assert session["line_items[0][price_data][currency]"] == "usd"
    assert session["payment_intent_data[metadata][reference]"] == REFERENCE
    assert session["payment_intent_data[transfer_group]"] == REFERENCE
    assert session["client_reference_id"] == REFERENCE
    assert session["success_url"] == "https://shop.test/orders/1?a=b&c=%E8%8C%B6"
    # asked for until 10:30; Stripe wants half an hour, and it is 10:00 for ever
    assert session["expires_at"] == str(int(datetime(2026, 11, 22, 10, 35, tzinfo=UTC).timestamp()))
    assert note == {"metadata[session]": "cs_1"}
    await small.rail.disconnect()


async def test_only_the_headers_that_stripe_needs_are_sent(small: SmallStripe) -> None:
    opened(small)
    await small.rail.pay(dollars())
    for call in small.heard:
        assert call.headers["authorization"] == f"Bearer {RAIL['secret_key']}"
        assert call.headers["user-agent"] == "littleshop"
        assert call.headers["idempotency-key"]
        assert [name for name in call.headers if name.startswith("x-stripe")] == []
    assert small.heard[1].headers["idempotency-key"].startswith(f"{REFERENCE}-session-")
    await small.rail.disconnect()


async def test_yen_have_no_decimals(small: SmallStripe) -> None:
    opened(small)
    small.answers["POST /v1/products"]["metadata"] |= {"amount": "500", "currency": "JPY"}
    await small.rail.pay(dollars(500, "JPY"))
    session = dict(parse_qsl(small.heard[1].content.decode()))
    assert session["line_items[0][price_data][unit_amount]"] == "500"
    await small.rail.disconnect()


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, PaymentState.PAID),
        ({"status": "open", "payment_status": "unpaid", "payment_intent": None}, "pending"),
        ({"status": "expired", "payment_status": "unpaid", "payment_intent": None}, "closed"),
        ({"payment_status": "unpaid", "payment_intent": "pi_1"}, "pending"),
    ],
)
async def test_a_query_speaks_our_words(
    small: SmallStripe, changes: dict[str, Any], state: str
) -> None:
    small.paid(**changes)
    found = await small.rail.query(REFERENCE)
    assert (found.state, found.amount) == (state, Money(8888, "USD"))
    paid_at = datetime(2026, 11, 22, 10, 0, 3, tzinfo=UTC)
    assert found.paid_at == (paid_at if found.state is PaymentState.PAID else None)
    await small.rail.disconnect()


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>busy</html>"),
        httpx.Response(200, text="{"),
        httpx.Response(200, json={"id": "cs_1", "object": "checkout.session"}),
        httpx.Response(200, json={"id": 1, "object": "checkout.session", "status": []}),
        httpx.Response(200, json=[]),
        no(500, "api_error"),
        no(503, "api_error"),
        no(409, "idempotency_error", code="idempotency_key_in_use"),
        no(429, code="lock_timeout"),
    ],
)
async def test_an_odd_answer_is_asked_for_again(small: SmallStripe, answer: httpx.Response) -> None:
    small.paid()
    small.answers["GET /v1/checkout/sessions/cs_1"] = answer
    with pytest.raises(GatewayError) as told:
        await small.rail.query(REFERENCE)
    assert told.value.retryable
    assert RAIL["secret_key"] not in repr(told.value)
    await small.rail.disconnect()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (no(400, code="charge_already_refunded"), Reason.AMOUNT),
        (no(400, param="amount"), Reason.AMOUNT),
        (no(400, code="charge_disputed"), Reason.WRONG_STATE),
        (no(400, code="balance_insufficient"), Reason.SELLER_FUNDS),
        (no(400, param="metadata"), Reason.BAD_REQUEST),
        (no(402, "card_error", code="card_declined"), Reason.BUYER_ACCOUNT),
    ],
)
async def test_a_no_to_a_refund_has_a_reason(
    small: SmallStripe, answer: httpx.Response, reason: Reason
) -> None:
    small.paid()
    empty = {"object": "list", "data": [], "has_more": False, "url": "/v1/refunds"}
    small.answers |= {"GET /v1/refunds": empty, "POST /v1/refunds": answer}
    found = await small.rail.refund(giving_back())
    assert (found.status, found.reason) == ("failed", reason)
    assert small.heard[-1].headers["idempotency-key"] == "F0000000000000000001"
    await small.rail.disconnect()


async def test_a_key_used_for_something_else_is_a_conflict(small: SmallStripe) -> None:
    small.paid()
    empty = {"object": "list", "data": [], "has_more": False, "url": "/v1/refunds"}
    small.answers |= {"GET /v1/refunds": empty, "POST /v1/refunds": no(400, "idempotency_error")}
    with pytest.raises(Conflict):
        await small.rail.refund(giving_back())
    await small.rail.disconnect()


async def test_a_refund_in_another_currency_is_a_conflict(small: SmallStripe) -> None:
    small.paid()
    with pytest.raises(Conflict):
        await small.rail.refund(msgspec.structs.replace(giving_back(), amount=Money(1, "JPY")))
    await small.rail.disconnect()


def line(number: int, **changes: Any) -> dict[str, Any]:
    """A payment in the balance."""
    source = {
        "id": f"ch_{number}",
        "object": "charge",
        "amount": 8888,
        "currency": "usd",
        "payment_intent": f"pi_{number}",
        "metadata": {"reference": f"R{number}"},
    }
    return {
        "id": f"txn_{number}",
        "object": "balance_transaction",
        "type": "charge",
        "amount": 8888,
        "fee": 288,
        "currency": "usd",
        "created": 1795255200 + number,
        "source": source,
        **changes,
    }


def listed(*lines: dict[str, Any], more: bool = False) -> dict[str, Any]:
    url = "/v1/balance_transactions"
    return {"object": "list", "data": list(lines), "has_more": more, "url": url}


async def test_a_long_bill_is_read_page_after_page(small: SmallStripe) -> None:
    pages = [listed(line(3), line(2), more=True), listed(line(1))]
    small.answers["GET /v1/balance_transactions"] = pages
    bill = await small.rail.fetch_bill(date(2026, 11, 21))
    assert [row.reference for row in bill.rows] == ["R1", "R2", "R3"]
    first, second = (parse_qs(str(call.url.query.decode())) for call in small.heard)
    assert first["created[gte]"] == ["1795190400"] and first["created[lt]"] == ["1795276800"]
    assert second["starting_after"] == ["txn_2"]
    await small.rail.disconnect()


async def test_the_buyers_currency_and_ours_may_differ(small: SmallStripe) -> None:
    small.answers["GET /v1/balance_transactions"] = listed(
        line(1, amount=8000, fee=200, currency="eur")
    )
    row = (await small.rail.fetch_bill(date(2026, 11, 21))).rows[0]
    assert (row.amount, row.fee) == (Money(8888, "USD"), Money(200, "EUR"))
    await small.rail.disconnect()


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "adjustment"},
        {"type": "stripe_fee", "source": None},
        {"type": "refund"},
        {"amount": -8888},
        {"amount": 0},
        {"amount": None},
        {"source": "ch_1"},
        {"source": {**line(1)["source"], "metadata": {}}},
        {"source": {**line(1)["source"], "payment_intent": None}},
        {"created": "yesterday"},
        {"fee": None},
    ],
)
async def test_a_line_that_is_not_understood_is_kept(
    small: SmallStripe, changes: dict[str, Any]
) -> None:
    odd = line(1, **changes)
    small.answers["GET /v1/balance_transactions"] = listed(line(2), odd)
    bill = await small.rail.fetch_bill(date(2026, 11, 21))
    assert [row.reference for row in bill.rows] == ["R2"]
    assert len(bill.unread) == 1 and "txn_1" in bill.unread[0]
    await small.rail.disconnect()


@pytest.mark.parametrize(
    "changes",
    [
        {"secret_key": "pk_test_0123456789"},
        {"secret_key": ""},
        {"webhook_secrets": []},
        {"webhook_secrets": [""]},
        {"currencies": []},
        {"currencies": ["usd"]},
        {"currencies": ["USD", "CLP"]},
        {"currencies": ["KWD"]},
        {"currencies": None},
    ],
)
def test_settings_that_cannot_work_stop_the_start(changes: dict[str, Any]) -> None:
    with pytest.raises(Misconfigured) as told:
        open_rail({**RAIL, **changes}, StillClock())
    assert "0123456789" not in str(told.value)


def test_plain_http_to_another_machine_is_refused() -> None:
    with pytest.raises(GatewayError):
        open_rail({**RAIL, "base_url": "http://api.stripe.test"}, StillClock())


def test_nothing_secret_is_shown(small: SmallStripe) -> None:
    rail: Stripe = small.rail
    shown = f"{rail!r} {rail._settings!r} {rail._calls!r} {rail._wire!r}"
    assert "0123456789" not in shown
