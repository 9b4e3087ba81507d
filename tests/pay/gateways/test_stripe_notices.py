"""What Stripe posts to us: signed as the official SDK signs, of this very minute, and ours."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from stripe import WebhookSignature

from littleshop.money import Money
from littleshop.pay.gateways.contract import Notice, NoticeRefused
from littleshop.pay.gateways.stripe import open_rail
from tests.pay.gateways.conftest import StillClock
from tests.pay.gateways.test_stripe_calls import RAIL

NOW = int(StillClock().now().timestamp())
SECRET = "whsec_0123456789"
SESSION = {
    "object": "checkout.session",
    "client_reference_id": "R1",
    "payment_status": "paid",
    "amount_total": 8888,
    "currency": "usd",
    "payment_intent": "pi_1",
    "metadata": {"reference": "R1"},
}
CHARGE = {
    "object": "charge",
    "amount_refunded": 3000,
    "currency": "usd",
    "payment_intent": "pi_1",
    "metadata": {"reference": "R1"},
}
REFUND = {
    "object": "refund",
    "amount": 100,
    "currency": "usd",
    "payment_intent": "pi_1",
    "metadata": {"reference": "R1", "refund_reference": "F1"},
}
DISPUTE = {
    "object": "dispute",
    "amount": 8888,
    "currency": "jpy",
    "payment_intent": "pi_1",
    "status": "needs_response",
    "metadata": {},
}


def event(kind: str, told: dict[str, Any], **changes: Any) -> bytes:
    """An event of three seconds ago."""
    fields = {
        "id": "evt_1",
        "object": "event",
        "created": NOW - 3,
        "livemode": False,
        "type": kind,
        "data": {"object": told},
        **changes,
    }
    return json.dumps(fields).encode()


def signed(body: bytes, secret: str = SECRET, at: int = NOW) -> dict[str, str]:
    """The header as the official SDK writes it."""
    mark = WebhookSignature.generate_signature_header(body.decode(), secret, timestamp=at)
    return {"stripe-signature": mark}


def heard(body: bytes, headers: dict[str, str] | None = None, **rail: Any) -> Notice | None:
    gateway = open_rail({**RAIL, **rail}, StillClock())
    return gateway.parse_notice(signed(body) if headers is None else headers, body)


def test_a_payment_is_heard() -> None:
    body = event("checkout.session.completed", SESSION)
    assert heard(body) == Notice(
        gateway="stripe",
        notice_id="evt_1",
        reference="R1",
        kind="paid",
        amount=Money(8888, "USD"),
        gateway_trade_no="pi_1",
        at=datetime.fromtimestamp(NOW - 3, UTC),
        raw=body.decode(),
    )


UNPAID = {**SESSION, "payment_status": "unpaid"}


@pytest.mark.parametrize(
    ("kind", "told", "means", "minor", "reference"),
    [
        ("checkout.session.completed", UNPAID, "pending", 8888, "R1"),
        ("checkout.session.async_payment_succeeded", SESSION, "paid", 8888, "R1"),
        ("checkout.session.async_payment_failed", UNPAID, "closed", 8888, "R1"),
        ("checkout.session.expired", UNPAID, "closed", 8888, "R1"),
        ("charge.refunded", CHARGE, "refunded", 3000, "R1"),
        ("refund.failed", REFUND, "refund_failed", 100, "R1"),
        ("charge.dispute.created", DISPUTE, "disputed", 8888, ""),
        ("charge.dispute.closed", {**DISPUTE, "status": "won"}, "dispute_won", 8888, ""),
        ("charge.dispute.closed", {**DISPUTE, "status": "warning_closed"}, "dispute_won", 8888, ""),
        ("charge.dispute.closed", {**DISPUTE, "status": "lost"}, "dispute_lost", 8888, ""),
    ],
)
def test_events_have_our_names(
    kind: str, told: dict[str, Any], means: str, minor: int, reference: str
) -> None:
    notice = heard(event(kind, told))
    assert notice is not None
    assert (notice.kind, notice.amount.minor, notice.reference) == (means, minor, reference)
    assert notice.gateway_trade_no == "pi_1"
    assert notice.refund_reference == ("F1" if kind == "refund.failed" else None)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("payment_intent.succeeded", {"object": "payment_intent", "id": "pi_1"}),
        ("customer.created", {"object": "customer"}),
        ("checkout.session.completed", {**SESSION, "client_reference_id": None}),
        ("checkout.session.something_new", SESSION),
        ("charge.refunded", {**CHARGE, "metadata": {}}),
        ("charge.dispute.updated", DISPUTE),
        ("payout.paid", {"object": "payout"}),
    ],
)
def test_what_is_not_about_our_money_is_nothing(kind: str, told: dict[str, Any]) -> None:
    assert heard(event(kind, told)) is None


BODY = event("checkout.session.completed", SESSION)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=,v1=",
        f"t={NOW}",
        f"t={NOW},v1=",
        f"t={NOW},v0={'0' * 64}",
        f"t={NOW},t={NOW},{signed(BODY)['stripe-signature'].partition(',')[2]}",
        f"t={NOW + 1},{signed(BODY)['stripe-signature'].partition(',')[2]}",
        signed(BODY)["stripe-signature"].replace("v1=", "v0="),
        signed(BODY)["stripe-signature"].replace("t=", "t=-"),
        f"t=１２３,v1={'0' * 64}",
        signed(BODY, "whsec_of_somebody_else")["stripe-signature"],
        ",".join(["v1=00"] * 5000),
        "é" * 20,
    ],
)
def test_a_signature_that_is_none_is_refused(header: str) -> None:
    with pytest.raises(NoticeRefused) as told:
        heard(BODY, {"stripe-signature": header})
    assert told.value.why == "signature"


def test_any_of_several_signatures_and_secrets_will_do() -> None:
    mark = signed(BODY, "whsec_new")["stripe-signature"]
    twice = f"{signed(BODY, 'whsec_x')['stripe-signature']},{mark.partition(',')[2]}"
    assert heard(BODY, {"stripe-signature": twice}, webhook_secrets=["whsec_old", "whsec_new"])


@pytest.mark.parametrize("seconds", [-301, 301, -86400, 86400])
def test_a_notice_of_another_time_is_refused(seconds: int) -> None:
    with pytest.raises(NoticeRefused) as told:
        heard(BODY, signed(BODY, at=NOW + seconds))
    assert told.value.why == "old"
    assert heard(BODY, signed(BODY, at=NOW + seconds // abs(seconds) * 299)) is not None


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (event("checkout.session.completed", SESSION, livemode=True), "app"),
        (event("checkout.session.completed", SESSION, account="acct_2"), "seller"),
        (event("checkout.session.completed", SESSION, livemode="no"), "malformed"),
        (event("checkout.session.completed", SESSION, object="charge"), "malformed"),
        (event("checkout.session.completed", SESSION, id=""), "malformed"),
        (event("checkout.session.completed", SESSION, created="now"), "malformed"),
        (event("checkout.session.completed", SESSION, data=[]), "malformed"),
        (event("checkout.session.completed", {**SESSION, "amount_total": "8888"}), "malformed"),
        (event("checkout.session.completed", {**SESSION, "amount_total": -1}), "malformed"),
        (event("checkout.session.completed", {**SESSION, "amount_total": 88.88}), "malformed"),
        (event("checkout.session.completed", {**SESSION, "currency": None}), "malformed"),
        (b"[]", "malformed"),
        (b"null", "malformed"),
        (b"{", "malformed"),
        (b"[" * 100_000, "malformed"),
    ],
)
def test_a_signed_event_must_still_be_ours_and_whole(body: bytes, why: str) -> None:
    with pytest.raises(NoticeRefused) as told:
        heard(body)
    assert told.value.why == why


def test_a_live_key_hears_live_events_only() -> None:
    live = "rk_live_0123456789"
    assert heard(event("checkout.session.expired", SESSION, livemode=True), secret_key=live)
    with pytest.raises(NoticeRefused) as told:
        heard(event("checkout.session.expired", SESSION), secret_key=live)
    assert told.value.why == "app"


def test_too_much_is_refused() -> None:
    with pytest.raises(NoticeRefused):
        heard(event("checkout.session.completed", {**SESSION, "x": "x" * 300_000}))
