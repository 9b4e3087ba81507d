"""Checkout Sessions: a page at Stripe on which a person pays once, within its time."""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from sandbox.clock import stamp
from sandbox.store import Row
from sandbox.stripe import asked, intents, products, views, webhooks
from sandbox.stripe.asked import Form, invalid
from sandbox.stripe.views import View
from sandbox.world import World

CARDS = intents.CARDS
SHORTEST, LONGEST = timedelta(minutes=30), timedelta(hours=24)


def create(world: World, account: Row, told: Form) -> View:
    """POST /v1/checkout/sessions: one line, one price."""
    names = ("mode", "client_reference_id", "success_url", "cancel_url", "expires_at")
    asked.known(told, *names, "line_items", "metadata", "payment_intent_data", "expand", "locale")
    if told.get("mode") != "payment":
        raise invalid("Only mode payment is here", param="mode")
    now = world.clock.now()
    line = asked.part(asked.part(told, "line_items"), "0")
    price = asked.part(line, "price_data")
    product = asked.text(price, "product")
    if products.find(world, account, product) is None:
        raise asked.missing("product", product, "line_items[0][price_data][product]")
    amount = asked.whole(price, "unit_amount") * asked.whole(line, "quantity")
    currency = intents.currency_of(price)
    intents.check_amount(amount, currency)
    intent = asked.part(told, "payment_intent_data")
    number = f"cs_test_{asked.number('a1')[3:]}{asked.number('a1')[3:]}"
    world.store.run(
        "insert into stripe_sessions (id, account, reference, product, amount_minor, currency,"
        " metadata, intent_metadata, transfer_group, success_url, cancel_url, status, created_at,"
        " expires_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open', ?, ?)",
        number,
        account["id"],
        asked.maybe(told, "client_reference_id"),
        product,
        amount,
        currency,
        json.dumps(asked.metadata(told)),
        json.dumps(asked.metadata(intent)),
        asked.maybe(intent, "transfer_group"),
        _address(told, "success_url"),
        _address(told, "cancel_url") if told.get("cancel_url") else None,
        stamp(now),
        stamp(_expiry(told, now)),
    )
    return read(world, account, told, number)


def _address(told: Form, name: str) -> str:
    url = asked.text(told, name)
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not url.isascii():
        raise invalid("Not a valid URL", "url_invalid", name)
    return url


def _expiry(told: Form, now: datetime) -> datetime:
    if "expires_at" not in told:
        return now + LONGEST
    expires = datetime.fromtimestamp(asked.whole(told, "expires_at"), UTC)
    # Stripe counts whole seconds
    if not SHORTEST - timedelta(seconds=1) <= expires - now <= LONGEST:
        raise invalid(
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout"
            " Session creation.",
            param="expires_at",
        )
    return expires


def read(world: World, account: Row, told: Form, number: str) -> View:
    """GET /v1/checkout/sessions/{id}"""
    row = _session(world, account, number)
    return views.session(world, row, asked.listed(told, "expand"))


def _session(world: World, account: Row, number: str) -> Row:
    row = current(world, number)
    if row is None or row["account"] != account["id"]:
        raise asked.missing("checkout.session", number)
    return row


def expire(world: World, account: Row, told: Form, number: str) -> View:
    """POST /v1/checkout/sessions/{id}/expire"""
    row = _session(world, account, number)
    if row["status"] != "open":
        raise invalid(
            'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session'
            f" has a status of `{row['status']}`."
        )
    _expire(world, row)
    return read(world, account, told, number)


def _expire(world: World, row: Row) -> None:
    world.store.run("update stripe_sessions set status = 'expired' where id = ?", row["id"])
    done = world.store.one("select * from stripe_sessions where id = ?", row["id"])
    assert done is not None
    view = views.session(world, done, set())
    webhooks.announce(world, row["account"], row["reference"], "checkout.session.expired", view)


def current(world: World, number: str) -> Row | None:
    """A session as it is now: expired when its time is over."""
    row = world.store.one("select * from stripe_sessions where id = ?", number)
    if row and row["status"] == "open" and row["expires_at"] <= stamp(world.clock.now()):
        _expire(world, row)
        row = world.store.one("select * from stripe_sessions where id = ?", number)
    return row


def expire_old(world: World) -> None:
    """Expire every session whose time is over."""
    for row in world.store.all(
        "select id from stripe_sessions where status = 'open' and expires_at <= ?",
        stamp(world.clock.now()),
    ):
        current(world, row["id"])


def press(world: World, number: str, card: str = "pm_card_visa") -> bool:
    """The buyer presses pay on the page; whether the payment went (or is going) through."""
    with world.store.transaction():
        row = current(world, number)
        if row is None or row["status"] != "open":
            return False
        intent = views.intent_of(world, row) or _begin(world, row)
        if CARDS[card]:
            intents.decline(world, intent, CARDS[card] or "")
            return False
        slow = world.faults.strikes("stripe.checkout.processing")
        world.store.run("update stripe_sessions set status = 'complete' where id = ?", number)
        if slow:
            intents.mark(world, intent, "processing")
        else:
            intents.succeed(world, intent)
        _tell(world, number, "checkout.session.completed")
        return True


def settle(world: World, number: str, good: bool) -> bool:
    """What a slow way of paying says at last; False when nothing is on its way."""
    row = current(world, number)
    intent = views.intent_of(world, row) if row else None
    if intent is None or intent["status"] != "processing":
        return False
    if good:
        intents.succeed(world, intent)
        _tell(world, number, "checkout.session.async_payment_succeeded")
    else:
        intents.decline(world, intent, "payment_method_provider_decline")
        _tell(world, number, "checkout.session.async_payment_failed")
    return True


def _tell(world: World, number: str, event: str) -> None:
    row = current(world, number)
    assert row is not None
    view = views.session(world, row, set())
    webhooks.announce(world, row["account"], row["reference"], event, view)


def _begin(world: World, row: Row) -> Row:
    """The intent of a session begins when the buyer presses for the first time."""
    number = intents.begin(
        world,
        row["account"],
        (row["amount_minor"], row["currency"]),
        row["intent_metadata"],
        row["transfer_group"],
    )
    world.store.run("update stripe_sessions set intent = ? where id = ?", number, row["id"])
    return intents.row_of(world, number)
