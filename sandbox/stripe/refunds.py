"""Refunds: at once, after a while, or failing in the end as real ones do."""

import json
from datetime import timedelta

from sandbox.clock import stamp
from sandbox.store import Row
from sandbox.stripe import asked, balance, intents, views, webhooks
from sandbox.stripe.asked import Form, invalid
from sandbox.stripe.views import View
from sandbox.world import World

REASONS = {"duplicate", "fraudulent", "requested_by_customer"}


def create(world: World, account: Row, told: Form) -> View:
    """POST /v1/refunds {payment_intent, amount, reason, metadata}"""
    asked.known(told, "payment_intent", "amount", "reason", "metadata", "expand")
    number = asked.text(told, "payment_intent")
    intents.read(world, account, told, number)
    intent = intents.row_of(world, number)
    if intent["status"] != "succeeded":
        raise invalid(
            f"This PaymentIntent ({number}) does not have a successful charge to refund.",
            param="payment_intent",
        )
    left = intent["amount_minor"] - intent["refunded_minor"]
    if not left:
        raise invalid("Charge has already been refunded.", "charge_already_refunded")
    amount = asked.whole(told, "amount") if "amount" in told else left
    _check(world, intent, amount, left, asked.maybe(told, "reason"))
    slow = world.faults.strikes("stripe.refund.pending")
    row = _write(world, intent, amount, told, slow)
    if not slow:
        _tell(world, intent["id"])
    return views.refund(world, row)


def _check(world: World, intent: Row, amount: int, left: int, reason: str | None) -> None:
    disputed = world.store.one(
        "select 1 from stripe_disputes where intent = ? and status <> 'won'", intent["id"]
    )
    if disputed:
        raise invalid("The charge has been charged back.", "charge_disputed")
    if amount < 1:
        raise invalid("Invalid positive integer", "parameter_invalid_integer", "amount")
    if amount > left:
        raise invalid(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})",
            param="amount",
        )
    if reason is not None and reason not in REASONS:
        raise invalid("Invalid reason", param="reason")
    if world.faults.strikes("stripe.refund.no_balance"):
        raise invalid("Insufficient funds in your Stripe balance.", "balance_insufficient")


def _write(world: World, intent: Row, amount: int, told: Form, slow: bool) -> Row:
    number, now = asked.number("re"), world.clock.now()
    due = now + timedelta(seconds=world.faults.number("stripe.refund.after_seconds"))
    world.store.run(
        "insert into stripe_refunds (id, account, intent, amount_minor, status, reason, metadata,"
        " created_at, due_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        number,
        intent["account"],
        intent["id"],
        amount,
        "pending" if slow else "succeeded",
        asked.maybe(told, "reason"),
        json.dumps(asked.metadata(told)),
        stamp(now),
        stamp(due) if slow else None,
    )
    world.store.run(
        "update stripe_intents set refunded_minor = refunded_minor + ? where id = ?",
        amount,
        intent["id"],
    )
    balance.move(world, intent, "refund", number, -amount)
    return _row(world, number)


def _row(world: World, number: str) -> Row:
    row = world.store.one("select * from stripe_refunds where id = ?", number)
    assert row is not None
    return row


def _tell(world: World, number: str) -> None:
    intent = intents.row_of(world, number)
    reference = webhooks.reference_of(world, intent)
    view = views.charge(world, intent)
    webhooks.announce(world, intent["account"], reference, "charge.refunded", view)


def settle_due(world: World) -> None:
    """Slow refunds whose time has come: they succeed, or fail and the money comes back."""
    for row in world.store.all(
        "select * from stripe_refunds where status = 'pending' and due_at <= ?",
        stamp(world.clock.now()),
    ):
        if world.faults.strikes("stripe.refund.fail"):
            fail(world, row)
        else:
            world.store.run(
                "update stripe_refunds set status = 'succeeded', due_at = null where id = ?",
                row["id"],
            )
            _tell(world, row["intent"])


def fail(world: World, row: Row, why: str = "expired_or_canceled_card") -> None:
    """The card is gone: the refund fails, even days after it was called done."""
    intent = intents.row_of(world, row["intent"])
    world.store.run(
        "update stripe_refunds set status = 'failed', failure = ?, due_at = null where id = ?",
        why,
        row["id"],
    )
    world.store.run(
        "update stripe_intents set refunded_minor = refunded_minor - ? where id = ?",
        row["amount_minor"],
        row["intent"],
    )
    balance.move(world, intent, "refund_failure", row["id"], row["amount_minor"])
    reference = webhooks.reference_of(world, intent)
    view = views.refund(world, _row(world, row["id"]))
    webhooks.announce(world, intent["account"], reference, "refund.failed", view)


def read(world: World, account: Row, _told: Form, number: str) -> View:
    """GET /v1/refunds/{id}"""
    row = world.store.one(
        "select * from stripe_refunds where account = ? and id = ?", account["id"], number
    )
    if row is None:
        raise asked.missing("refund", number)
    return views.refund(world, row)


def list_(world: World, account: Row, told: Form) -> View:
    """GET /v1/refunds?payment_intent=&limit=&starting_after="""
    asked.known(told, "payment_intent", "limit", "starting_after", "expand")
    rows = world.store.all(
        "select * from stripe_refunds where account = ? and ? in ('', intent)"
        " order by created_at desc, rowid desc",
        account["id"],
        asked.maybe(told, "payment_intent") or "",
    )
    items = [views.refund(world, row) for row in rows]
    after, ids = asked.maybe(told, "starting_after"), [item["id"] for item in items]
    if after:
        items = items[ids.index(after) + 1 :] if after in ids else []
    limit = asked.whole(told, "limit") if "limit" in told else 10
    return views.page(items[:limit], len(items) > limit, "/v1/refunds")
