"""PaymentIntents and the charges they end in: where money moves."""

import json

from sandbox.clock import stamp
from sandbox.store import Row
from sandbox.stripe import asked, balance, views
from sandbox.stripe.asked import Form, Problem, invalid
from sandbox.stripe.views import View
from sandbox.world import World

SMALLEST = {"usd": 50, "eur": 50, "gbp": 30, "hkd": 400, "jpy": 50}  # others are not checked
CARDS = {
    "pm_card_visa": None,
    "pm_card_chargeDeclined": "card_declined",
    "pm_card_visa_chargeDeclinedInsufficientFunds": "insufficient_funds",
}


def currency_of(told: Form) -> str:
    """The currency asked for, in lower case. Raises Problem."""
    currency = asked.text(told, "currency", 3).lower()
    if len(currency) != 3 or not currency.isascii() or not currency.isalpha():
        raise invalid(f"Invalid currency: {currency}", param="currency")
    return currency


def check_amount(amount: int, currency: str) -> None:
    """Refuse what Stripe would not charge."""
    if not SMALLEST.get(currency, 1) <= amount <= 99_999_999:
        code = "amount_too_large" if amount > 99_999_999 else "amount_too_small"
        raise invalid(f"{amount} {currency} cannot be charged", code, "amount")


def begin(
    world: World, account: str, sum_: tuple[int, str], metadata: str, group: str | None
) -> str:
    """A new intent for a sum (minor units, currency); its id."""
    number = asked.number("pi")
    world.store.run(
        "insert into stripe_intents (id, account, amount_minor, currency, status, metadata,"
        " transfer_group, created_at) values (?, ?, ?, ?, 'requires_payment_method', ?, ?, ?)",
        number,
        account,
        *sum_,
        metadata,
        group,
        stamp(world.clock.now()),
    )
    return number


def row_of(world: World, number: str) -> Row:
    """The intent of this id."""
    row = world.store.one("select * from stripe_intents where id = ?", number)
    assert row is not None
    return row


def mark(world: World, intent: Row, status: str) -> None:
    """Put an intent into a state."""
    world.store.run("update stripe_intents set status = ? where id = ?", status, intent["id"])


def decline(world: World, intent: Row, code: str) -> None:
    """The card says no; another may be tried."""
    mark(world, intent, "requires_payment_method")
    world.store.run("update stripe_intents set error_code = ? where id = ?", code, intent["id"])


def succeed(world: World, intent: Row) -> None:
    """Money moves: the charge and its line of the balance."""
    world.store.run(
        "update stripe_intents set status = 'succeeded', charge = ?, paid_at = ?,"
        " error_code = null where id = ?",
        asked.number("ch"),
        stamp(world.clock.now()),
        intent["id"],
    )
    paid = row_of(world, intent["id"])
    fee = balance.fee(world, paid["amount_minor"])
    balance.move(world, paid, "charge", paid["charge"], paid["amount_minor"], fee)


def create(world: World, account: Row, told: Form) -> View:
    """POST /v1/payment_intents"""
    names = ("amount", "currency", "automatic_payment_methods", "transfer_group", "metadata")
    asked.known(told, *names, "expand")
    amount, currency = asked.whole(told, "amount"), currency_of(told)
    check_amount(amount, currency)
    number = begin(
        world,
        account["id"],
        (amount, currency),
        json.dumps(asked.metadata(told)),
        asked.maybe(told, "transfer_group"),
    )
    return read(world, account, told, number)


def read(world: World, account: Row, told: Form, number: str) -> View:
    """GET /v1/payment_intents/{id}"""
    row = world.store.one("select * from stripe_intents where id = ?", number)
    if row is None or row["account"] != account["id"]:
        raise asked.missing("payment_intent", number, "intent")
    return views.payment_intent(world, row, "latest_charge" in asked.listed(told, "expand"))


def confirm(world: World, account: Row, told: Form, number: str) -> View:
    """POST /v1/payment_intents/{id}/confirm with a test card; a bad one answers 402."""
    asked.known(told, "payment_method", "return_url", "expand")
    read(world, account, told, number)
    intent = row_of(world, number)
    if intent["status"] != "requires_payment_method":
        raise invalid(
            f"This PaymentIntent's status is {intent['status']}",
            "payment_intent_unexpected_state",
        )
    card = asked.text(told, "payment_method")
    if card not in CARDS:
        raise asked.missing("PaymentMethod", card, "payment_method")
    if CARDS[card]:
        raise Problem(402, "card_error", "Your card was declined.", CARDS[card] or "")
    succeed(world, intent)
    return read(world, account, told, number)


def cancel(world: World, account: Row, told: Form, number: str) -> View:
    """POST /v1/payment_intents/{id}/cancel"""
    read(world, account, told, number)
    intent = row_of(world, number)
    if intent["status"] not in {"requires_payment_method", "requires_confirmation"}:
        raise invalid(
            f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}.",
            "payment_intent_unexpected_state",
        )
    mark(world, intent, "canceled")
    return read(world, account, told, number)
