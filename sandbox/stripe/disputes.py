"""Disputes: the buyer's bank takes money back until it is decided who was right."""

from sandbox.clock import stamp
from sandbox.store import Row
from sandbox.stripe import asked, balance, intents, views, webhooks
from sandbox.world import World

FEE_MINOR = 1500


def open_(world: World, intent: Row, minor: int) -> Row:
    """The buyer disputes a payment: the sum and a fee leave the balance. Raises ValueError."""
    if intent["status"] != "succeeded" or not 0 < minor <= intent["amount_minor"]:
        raise ValueError("nothing to dispute")
    if world.store.one("select 1 from stripe_disputes where intent = ?", intent["id"]):
        raise ValueError("disputed already")
    number = asked.number("du")
    world.store.run(
        "insert into stripe_disputes (id, account, intent, amount_minor, reason, status,"
        " created_at) values (?, ?, ?, ?, 'product_not_received', 'needs_response', ?)",
        number,
        intent["account"],
        intent["id"],
        minor,
        stamp(world.clock.now()),
    )
    balance.move(world, intent, "adjustment", number, -minor, FEE_MINOR)
    return _tell(world, number, "charge.dispute.created")


def close(world: World, intent: Row, won: bool) -> Row:
    """The bank has decided; what the merchant has won comes back. Raises ValueError."""
    row = world.store.one(
        "select * from stripe_disputes where intent = ? and status = 'needs_response'",
        intent["id"],
    )
    if row is None:
        raise ValueError("no open dispute")
    world.store.run(
        "update stripe_disputes set status = ?, closed_at = ? where id = ?",
        "won" if won else "lost",
        stamp(world.clock.now()),
        row["id"],
    )
    if won:
        balance.move(world, intent, "adjustment", row["id"], row["amount_minor"], -FEE_MINOR)
    return _tell(world, row["id"], "charge.dispute.closed")


def _tell(world: World, number: str, event: str) -> Row:
    row = world.store.one("select * from stripe_disputes where id = ?", number)
    assert row is not None
    intent = intents.row_of(world, row["intent"])
    view = views.dispute(world, row)
    reference = webhooks.reference_of(world, intent)
    webhooks.announce(world, row["account"], reference, event, view)
    return row
