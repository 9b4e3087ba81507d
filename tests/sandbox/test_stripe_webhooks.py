"""What Stripe's counterpart tells: signed as the SDK wants it, again and again, and bent."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from tests.sandbox.conftest import Program
from tests.sandbox.stripe_seller import Ear, Seller, listening


@pytest.fixture
def ear() -> Iterator[Ear]:
    """An ear on a free port."""
    with listening() as found:
        yield found


@pytest.fixture
def told(sandbox: Program, ear: Ear) -> Iterator[Seller]:
    """A fresh account whose webhooks arrive at the ear."""
    found = Seller(sandbox, ear.url)
    yield found
    found.leave()


def test_webhooks_are_believed_by_the_sdk(ear: Ear, told: Seller) -> None:
    session = told.asks()
    told.presses(session)
    event = ear.hear(1)[0]
    assert event["type"] == "checkout.session.completed"
    body, mark = ear.heard[0]
    found = stripe.Webhook.construct_event(body, mark, told.account["webhook_secret"])
    assert found.id == event["id"]
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body + b" ", mark, told.account["webhook_secret"])
    fresh = told.program.post(
        "/control/stripe/webhooks/roll", {"account": told.account["account"]}
    )["webhook_secret"]
    told.presses(told.asks())
    ear.hear(2)
    for secret in (told.account["webhook_secret"], fresh):
        stripe.Webhook.construct_event(*ear.heard[1], secret)


def test_an_event_is_sent_until_somebody_hears_it(ear: Ear, told: Seller) -> None:
    ear.status = 500
    session = told.asks(minutes=20 * 60)
    told.presses(session)
    ear.hear(1)
    for count, minutes in enumerate((6, 31, 121, 301), start=2):
        settled(told, session, count - 1)
        told.program.jump(minutes=minutes)
        ear.hear(count)
    ear.status = 204
    settled(told, session, 5)
    told.program.jump(minutes=601)
    ear.hear(6)
    assert settled(told, session, 6)["state"] == "delivered"
    assert len({event["id"] for event in ear.hear(6)}) == 1
    assert len({mark for _, mark in ear.heard}) == 6  # each send is signed anew


def settled(seller: Seller, session: stripe.checkout.Session, sends: int) -> dict[str, Any]:
    """The event of a payment once what came back of so many sends is written down."""
    while True:
        event: dict[str, Any] = seller.program.get(seller.path(session) + "/notices")[0]
        answers = [attempt["answer"] for attempt in event["attempts"]]
        if len(answers) == sends and None not in answers:
            return event


def test_webhooks_come_doubled_forged_old_wrong_and_not_at_all(
    sandbox: Program, ear: Ear, told: Seller
) -> None:
    secret = told.account["webhook_secret"]
    sandbox.faults(stripe={"notify": {"copies": 2, "forge": 1, "amount": "1", "currency": "eur"}})
    told.presses(told.asks())
    first, second = ear.hear(2)
    assert first == second
    assert (first["data"]["object"]["amount_total"], first["data"]["object"]["currency"]) == (
        1,
        "eur",
    )
    good = [mark for body, mark in ear.heard if believed(body, mark, secret)]
    assert len(good) == 1
    sandbox.faults(stripe={"notify": {"copies": 1, "old": 1, "amount": None, "currency": None}})
    told.presses(told.asks())
    ear.hear(3)
    assert not believed(*ear.heard[2], secret)
    sandbox.faults(stripe={"notify": {"drop": 1}})
    session = told.asks()
    told.presses(session)
    assert settled(told, session, 1)["attempts"][0]["twist"] == "dropped"
    assert told.program.post(told.path(session) + "/resend") == {"notices": 1}
    ear.hear(4)


def believed(body: bytes, mark: str, secret: str) -> bool:
    """Whether Stripe's SDK believes an event."""
    try:
        stripe.Webhook.construct_event(body, mark, secret)
    except stripe.SignatureVerificationError:
        return False
    return True


def test_a_dispute_takes_money_and_gives_it_back_when_won(ear: Ear, told: Seller) -> None:
    session = told.asks()
    told.presses(session)
    told.program.post(told.path(session) + "/dispute", {"amount_minor": 5000})
    again = told.program.client.post(told.path(session) + "/dispute", json={})
    assert again.status_code == 400
    told.program.post(told.path(session) + "/dispute/close", {"won": True})
    kinds = sorted(event["type"] for event in ear.hear(3))
    assert kinds == [
        "charge.dispute.closed",
        "charge.dispute.created",
        "checkout.session.completed",
    ]
    opened = next(e for e in ear.hear(3) if e["type"] == "charge.dispute.created")
    assert str(session.client_reference_id) not in json.dumps(opened)  # as in life
    lines = told.api.balance_transactions.list().data
    assert [(line.type, line.amount, line.fee) for line in lines] == [
        ("adjustment", 5000, -1500),
        ("adjustment", -5000, 1500),
        ("charge", 8888, 0),
    ]
