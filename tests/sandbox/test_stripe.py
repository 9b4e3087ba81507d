"""Stripe's counterpart, tried with Stripe's own SDK: what it lets in, keeps and moves."""

import json
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe

from tests.sandbox.conftest import Program
from tests.sandbox.stripe_seller import Seller


@pytest.fixture
def seller(sandbox: Program) -> Iterator[Seller]:
    """A fresh account without webhooks."""
    found = Seller(sandbox)
    yield found
    found.leave()


def test_a_page_is_open_until_somebody_pays(sandbox: Program, seller: Seller) -> None:
    session = seller.asks()
    assert (session.status, session.payment_status, session.payment_intent) == (
        "open",
        "unpaid",
        None,
    )
    page = sandbox.client.get(str(session.url))
    assert "$88.88" in page.text and "<b>two</b>" not in page.text
    pressed = sandbox.client.post(f"{session.url}/pay", data={"card": "pm_card_visa"})
    assert (pressed.status_code, pressed.headers["location"]) == (303, "http://127.0.0.1:9/back")
    found = seller.api.checkout.sessions.retrieve(
        session.id, {"expand": ["payment_intent.latest_charge"]}
    )
    assert (found.status, found.payment_status, found.url) == ("complete", "paid", None)
    intent = found.payment_intent
    assert isinstance(intent, stripe.PaymentIntent) and intent.amount_received == 8888
    charge = intent.latest_charge
    assert isinstance(charge, stripe.Charge) and not charge.disputed
    assert charge.to_dict()["metadata"] == {"reference": session.client_reference_id}


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_every_state_of_the_page_is_strict_and_speaks_both_languages(
    sandbox: Program, seller: Seller, language: str
) -> None:
    refused, paid, ended = seller.asks(), seller.asks(500), seller.asks()
    seller.presses(refused, card="pm_card_chargeDeclined")
    seller.presses(paid)
    seller.api.checkout.sessions.expire(ended.id)
    for session in (refused, paid, ended):
        page = sandbox.client.get(
            f"/stripe/pay/{session.id}", headers={"Accept-Language": language}
        )
        assert page.status_code == 200 and f'lang="{language}"' in page.text
        assert page.headers["content-security-policy"].startswith("default-src 'none'")
        assert "<script" not in page.text and "style=" not in page.text
    assert sandbox.client.get("/stripe/pay/cs_none").status_code == 404
    assert f"/stripe/pay/{ended.id}" in sandbox.client.get("/control").text


def test_who_leaves_is_led_back_and_another_site_may_not_press(
    sandbox: Program, seller: Seller
) -> None:
    session = seller.asks()
    left = sandbox.client.post(f"{session.url}/leave")
    assert left.headers["location"] == "http://127.0.0.1:9/left"
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert sandbox.client.post(f"{session.url}/pay", headers=foreign).status_code == 403
    assert seller.api.checkout.sessions.retrieve(session.id).status == "open"


def test_closing_and_paying_exclude_each_other(seller: Seller) -> None:
    closed, paid = seller.asks(), seller.asks()
    assert seller.api.checkout.sessions.expire(closed.id).status == "expired"
    assert not seller.presses(closed)["moved"]
    assert seller.presses(paid)["moved"] and not seller.presses(paid)["moved"]
    with pytest.raises(stripe.InvalidRequestError, match="open"):
        seller.api.checkout.sessions.expire(paid.id)


def test_a_page_ends_at_its_time_by_the_sandbox_clock(sandbox: Program, seller: Seller) -> None:
    session = seller.asks(minutes=31)
    sandbox.jump(minutes=32)
    assert seller.api.checkout.sessions.retrieve(session.id).status == "expired"
    assert not seller.presses(session)["moved"]


BAD: list[tuple[str, Callable[[Seller], object]]] = [
    ("30 minutes", lambda seller: seller.asks(minutes=10)),
    ("30 minutes", lambda seller: seller.asks(minutes=25 * 60)),
    ("cannot be charged", lambda seller: seller.asks(49)),
    ("URL", lambda seller: seller.asks(success_url="javascript:alert(1)")),
    ("URL", lambda seller: seller.asks(success_url="https://shop.test/茶")),
    ("unknown parameter", lambda seller: seller.asks(nonsense="1")),
    ("No such product", lambda seller: seller.api.products.retrieve("none")),
    ("No such checkout", lambda seller: seller.api.checkout.sessions.retrieve("cs_none")),
    ("Unrecognized", lambda seller: seller.api.customers.list()),
]


@pytest.mark.parametrize(("words", "call"), BAD)
def test_what_stripe_would_refuse_is_refused(
    seller: Seller, words: str, call: Callable[[Seller], object]
) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=words):
        call(seller)


def test_an_id_of_ones_own_is_taken_once(sandbox: Program, seller: Seller) -> None:
    number = f"R{secrets.token_hex(8)}"
    seller.api.products.create({"id": number, "name": "Cups"})
    with pytest.raises(stripe.InvalidRequestError) as no:
        seller.api.products.create({"id": number, "name": "Cups"})
    assert no.value.code == "resource_already_exists"
    other = Seller(sandbox)
    other.api.products.create({"id": number, "name": "Cups"})
    other.leave()
    seller.api.products.update(number, {"metadata": {"a": "1"}})
    seller.api.products.update(number, {"metadata": {"b": "2"}})
    assert seller.api.products.retrieve(number).to_dict()["metadata"] == {"a": "1", "b": "2"}


def test_a_key_gives_the_first_answer_again_for_a_day(sandbox: Program, seller: Seller) -> None:
    intent = seller.paid()

    def refund(minor: int) -> stripe.Refund:
        params: Any = {"payment_intent": intent, "amount": minor}
        return seller.api.refunds.create(params, {"idempotency_key": "F1"})

    first, again = refund(1000), refund(1000)
    assert first.id == again.id
    assert again.last_response is not None
    assert again.last_response.headers["idempotent-replayed"] == "true"
    with pytest.raises(stripe.IdempotencyError):
        refund(1001)
    sandbox.jump(days=1, minutes=1)
    assert refund(1001).id != first.id


def test_a_500_is_kept_under_its_key(sandbox: Program, seller: Seller) -> None:
    intent = seller.paid()
    sandbox.faults(stripe={"api": {"system_error": 1, "call": "POST refunds"}})
    params: Any = {"payment_intent": intent, "amount": 1000}
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            seller.api.refunds.create(params, {"idempotency_key": "F1"})
    assert len(seller.api.refunds.list({"payment_intent": intent}).data) == 1


def test_the_wrong_key_opens_nothing(sandbox: Program, seller: Seller) -> None:
    other = Seller(sandbox)
    session = seller.asks()
    with pytest.raises(stripe.InvalidRequestError, match="No such"):
        other.api.checkout.sessions.retrieve(session.id)
    other.leave()
    for headers in ({}, {"Authorization": "Bearer sk_test_wrong"}, {"Authorization": "Basic ?"}):
        answer = sandbox.client.get("/stripe/v1/refunds", headers=headers)
        assert answer.status_code == 401
    basic = httpx.BasicAuth(seller.account["secret_key"], "")
    assert sandbox.client.get("/stripe/v1/refunds", auth=basic).status_code == 200


def test_a_card_that_is_refused_answers_402(seller: Seller) -> None:
    intent = seller.api.payment_intents.create({"amount": 100, "currency": "jpy"})
    with pytest.raises(stripe.CardError) as no:
        seller.api.payment_intents.confirm(intent.id, {"payment_method": "pm_card_chargeDeclined"})
    assert (no.value.http_status, no.value.code) == (402, "card_declined")
    done = seller.api.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert (done.status, done.amount_received, done.currency) == ("succeeded", 100, "jpy")
    with pytest.raises(stripe.InvalidRequestError):
        seller.api.payment_intents.cancel(intent.id)
    other = seller.api.payment_intents.create({"amount": 100, "currency": "jpy"})
    assert seller.api.payment_intents.cancel(other.id).status == "canceled"


@pytest.mark.parametrize(
    ("fault", "error"), [("fail", stripe.APIError), ("busy", stripe.RateLimitError)]
)
def test_a_bad_minute_does_nothing(
    sandbox: Program, seller: Seller, fault: str, error: type[Exception]
) -> None:
    intent = seller.paid()
    sandbox.faults(stripe={"api": {fault: 1}})
    with pytest.raises(error):
        seller.api.refunds.create({"payment_intent": intent})
    assert seller.api.refunds.list({"payment_intent": intent}).data == []


def test_refunds_end_where_the_money_ends(seller: Seller) -> None:
    intent = seller.paid(1000)
    seller.api.refunds.create({"payment_intent": intent, "amount": 400})
    with pytest.raises(stripe.InvalidRequestError) as no:
        seller.api.refunds.create({"payment_intent": intent, "amount": 601})
    assert no.value.param == "amount"
    seller.api.refunds.create({"payment_intent": intent, "amount": 600})
    with pytest.raises(stripe.InvalidRequestError) as no:
        seller.api.refunds.create({"payment_intent": intent, "amount": 1})
    assert no.value.code == "charge_already_refunded"


def test_the_balance_is_the_sum_of_its_lines(sandbox: Program, seller: Seller) -> None:
    sandbox.faults(stripe={"fee_bps": 290})
    intent = seller.paid(10000)
    seller.api.refunds.create({"payment_intent": intent, "amount": 2500})
    lines = list(seller.api.balance_transactions.list({"limit": 1}).auto_paging_iter())
    assert [(line.type, line.amount, line.fee) for line in lines] == [
        ("refund", -2500, 0),
        ("charge", 10000, 290),
    ]
    sandbox.post("/control/stripe/payouts", {"account": seller.account["account"]})
    assert sum(line.net for line in seller.api.balance_transactions.list().data) == 0
    books = sandbox.get("/books.json")["stripe"]
    mine = [one for one in books["accounts"] if one["id"] == seller.account["account"]]
    assert mine[0]["balance_minor"] == {"usd": 0}


def test_kill_9_forgets_no_payment(tmp_path: Path) -> None:
    program = Program(tmp_path)
    seller = Seller(program)
    intent = seller.paid()
    seller.api.refunds.create({"payment_intent": intent, "amount": 100})
    before = program.get("/books.json")["stripe"]
    program.kill()
    program.start(int(program.url.rpartition(":")[2]))
    assert program.get("/books.json")["stripe"] == before
    assert seller.account["secret_key"] not in json.dumps(before)
    assert seller.account["webhook_secret"] not in json.dumps(before)
    seller.leave()
    program.stop()
