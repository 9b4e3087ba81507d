"""Rows as the objects of Stripe's API, with the fields that merchants read."""

import json

from sandbox.clock import unstamp
from sandbox.store import Row
from sandbox.world import World

View = dict[str, object]


def unix(text: str) -> int:
    """A stamp as whole seconds."""
    return int(unstamp(text).timestamp())


def page(items: list[View], more: bool, path: str) -> View:
    """One page of a list."""
    return {"object": "list", "url": path, "has_more": more, "data": items}


def product(row: Row) -> View:
    """A product."""
    return {
        "id": row["id"],
        "object": "product",
        "active": True,
        "name": row["name"],
        "metadata": json.loads(row["metadata"]),
        "created": unix(row["created_at"]),
        "livemode": False,
    }


def session(world: World, row: Row, expand: set[str]) -> View:
    """A Checkout Session; `url` only while it is open, as in life."""
    intent = intent_of(world, row)
    paid = intent is not None and intent["status"] == "succeeded"
    told: object = row["intent"]
    if intent is not None and any(name.startswith("payment_intent") for name in expand):
        told = payment_intent(world, intent, "payment_intent.latest_charge" in expand)
    return {
        "id": row["id"],
        "object": "checkout.session",
        "mode": "payment",
        "amount_subtotal": row["amount_minor"],
        "amount_total": row["amount_minor"],
        "currency": row["currency"],
        "client_reference_id": row["reference"],
        "metadata": json.loads(row["metadata"]),
        "payment_intent": told,
        "payment_status": "paid" if paid else "unpaid",
        "status": row["status"],
        "url": f"{world.public_url}/stripe/pay/{row['id']}" if row["status"] == "open" else None,
        "success_url": row["success_url"],
        "cancel_url": row["cancel_url"],
        "created": unix(row["created_at"]),
        "expires_at": unix(row["expires_at"]),
        "livemode": False,
    }


def intent_of(world: World, row: Row) -> Row | None:
    """The intent of a session, None before the buyer pressed."""
    return world.store.one("select * from stripe_intents where id = ?", row["intent"])


def payment_intent(world: World, row: Row, whole_charge: bool = False) -> View:
    """A PaymentIntent; its charge by number, or whole when it is to be expanded."""
    error = row["error_code"]
    return {
        "id": row["id"],
        "object": "payment_intent",
        "amount": row["amount_minor"],
        "amount_received": row["amount_minor"] if row["status"] == "succeeded" else 0,
        "currency": row["currency"],
        "status": row["status"],
        "metadata": json.loads(row["metadata"]),
        "transfer_group": row["transfer_group"],
        "latest_charge": charge(world, row) if whole_charge and row["charge"] else row["charge"],
        "last_payment_error": {"type": "card_error", "code": error} if error else None,
        "client_secret": f"{row['id']}_secret_sandbox",
        "created": unix(row["created_at"]),
        "livemode": False,
    }


def charge(world: World, row: Row) -> View:
    """The charge of an intent that was paid; it bears the intent's metadata."""
    disputed = world.store.number(
        "select count(*) from stripe_disputes where intent = ?", row["id"]
    )
    return {
        "id": row["charge"],
        "object": "charge",
        "amount": row["amount_minor"],
        "amount_captured": row["amount_minor"],
        "amount_refunded": row["refunded_minor"],
        "currency": row["currency"],
        "metadata": json.loads(row["metadata"]),
        "payment_intent": row["id"],
        "transfer_group": row["transfer_group"],
        "status": "succeeded",
        "paid": True,
        "captured": True,
        "refunded": row["refunded_minor"] == row["amount_minor"],
        "disputed": bool(disputed),
        "created": unix(row["paid_at"]),
        "livemode": False,
    }


def refund(world: World, row: Row) -> View:
    """A refund."""
    intent = world.store.one("select * from stripe_intents where id = ?", row["intent"])
    assert intent is not None
    return {
        "id": row["id"],
        "object": "refund",
        "amount": row["amount_minor"],
        "currency": intent["currency"],
        "charge": intent["charge"],
        "payment_intent": row["intent"],
        "metadata": json.loads(row["metadata"]),
        "reason": row["reason"],
        "status": row["status"],
        "failure_reason": row["failure"],
        "created": unix(row["created_at"]),
    }


def dispute(world: World, row: Row) -> View:
    """A dispute. It names the charge and the intent, never the merchant's own number."""
    intent = world.store.one("select * from stripe_intents where id = ?", row["intent"])
    assert intent is not None
    return {
        "id": row["id"],
        "object": "dispute",
        "amount": row["amount_minor"],
        "currency": intent["currency"],
        "charge": intent["charge"],
        "payment_intent": row["intent"],
        "metadata": {},
        "reason": row["reason"],
        "status": row["status"],
        "is_charge_refundable": False,
        "created": unix(row["created_at"]),
        "livemode": False,
    }


def balance_transaction(world: World, row: Row, whole_source: bool) -> View:
    """A line of the account's balance; its source by number, or whole."""
    source: object = row["source"]
    if whole_source and row["source"]:
        source = _source(world, row["source"]) or row["source"]
    return {
        "id": row["id"],
        "object": "balance_transaction",
        "type": row["type"],
        "reporting_category": row["type"],
        "amount": row["amount_minor"],
        "fee": row["fee_minor"],
        "net": row["amount_minor"] - row["fee_minor"],
        "currency": row["currency"],
        "exchange_rate": None,
        "source": source,
        "status": "available",
        "created": unix(row["created_at"]),
    }


def _source(world: World, number: str) -> View | None:
    store = world.store
    if number.startswith("ch_"):
        row = store.one("select * from stripe_intents where charge = ?", number)
        return charge(world, row) if row else None
    if number.startswith("re_"):
        row = store.one("select * from stripe_refunds where id = ?", number)
        return refund(world, row) if row else None
    row = store.one("select * from stripe_disputes where id = ?", number)
    return dispute(world, row) if row else None
