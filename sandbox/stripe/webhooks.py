"""Webhooks: what is told, when it is told again, and what goes wrong on the way (PROTOCOLS 4).

An event keeps its id over all sends: at once, then after 5m, 30m, 2h, 5h, 10h and every 12h until
the third day by the sandbox's clock, until any 2xx comes back. Each send is signed anew. Only the
types below are sent, as if every merchant had subscribed to just these.
"""

import hashlib
import hmac
import json
import secrets
from datetime import timedelta

from sandbox.notices import JSON, Copy, Sender
from sandbox.store import Row
from sandbox.stripe import accounts, asked
from sandbox.stripe.views import View
from sandbox.world import World

VERSION = "2026-10-28.endive"
MINUTES = (5, 30, 120, 300, 600, 720, 720, 720, 720)
WAITS = [timedelta(minutes=minutes) for minutes in MINUTES]
PAID = ("checkout.session.completed", "checkout.session.async_payment_succeeded")
BACK = ("charge.refunded",)
TYPES = (
    *PAID,
    *BACK,
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.closed",
)
OLD_SECONDS = 3 * 86400


def reference_of(world: World, intent: Row) -> str | None:
    """The number that the merchant gave to the session of an intent."""
    row = world.store.one("select reference from stripe_sessions where intent = ?", intent["id"])
    return row["reference"] if row else None


def announce(world: World, account: str, reference: str | None, event: str, view: View) -> None:
    """Tell the merchant, if he has said where."""
    assert event in TYPES
    row = accounts.find(world, account)
    if row is None or not row["webhook_url"]:
        return
    number = f"evt_{secrets.token_hex(12)}"
    payload = {
        "id": number,
        "object": "event",
        "api_version": VERSION,
        "created": int(world.clock.now().timestamp()),
        "data": {"object": view},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": asked.number("req"), "idempotency_key": None},
        "type": event,
    }
    told = {
        "id": number,
        "account": account,
        "reference": reference,
        "type": event,
        "payload": json.dumps(payload, indent=2, ensure_ascii=False),
    }
    SENDER.write(world, told, of_payment=event in PAID)


def _copies(world: World, event: Row, count: int) -> list[Copy]:
    account = accounts.find(world, event["account"])
    assert account is not None
    body, twists = _twisted(world, event)
    copies = []
    for _ in range(count):
        signature, more = _signature(world, account, body)
        told = {"signature": signature, "body": body, "twist": " ".join([*twists, *more])}
        headers = JSON | {"Stripe-Signature": signature}
        copies.append(Copy(account["webhook_url"], told, headers, body.encode()))
    return copies


def _twisted(world: World, event: Row) -> tuple[str, list[str]]:
    """The body, bent by whatever faults strike, and their names."""
    twists = []
    payload = json.loads(event["payload"])
    told = payload["data"]["object"]
    amount = world.faults.word("stripe.notify.amount")
    if amount is not None:
        told |= {name: int(amount) for name in ("amount", "amount_total") if name in told}
        twists.append("amount")
    currency = world.faults.word("stripe.notify.currency")
    if currency is not None:
        told["currency"] = currency
        twists.append("currency")
    body = json.dumps(payload, indent=2, ensure_ascii=False) if twists else event["payload"]
    return body, twists


def _signature(world: World, account: Row, body: str) -> tuple[str, list[str]]:
    """`t=,v1=[,v1=],v0=`: one v1 for each secret that is valid; v0 means nothing, as in life."""
    twists = []
    at = int(world.clock.now().timestamp())
    if world.faults.strikes("stripe.notify.old"):
        at -= OLD_SECONDS
        twists.append("old")
    keys = accounts.secrets_of(world, account)
    if world.faults.strikes("stripe.notify.forge"):
        keys = [f"whsec_{secrets.token_hex(16)}"]
        twists.append("forged")
    signed = f"{at}.{body}".encode()
    marks = [hmac.new(key.encode(), signed, hashlib.sha256).hexdigest() for key in keys]
    parts = [f"t={at}", *(f"v1={mark}" for mark in marks), f"v0={secrets.token_hex(32)}"]
    return ",".join(parts), twists


SENDER = Sender(
    rail="stripe",
    notices="stripe_events",
    attempts="stripe_attempts",
    owner=("account", "reference"),
    waits=WAITS,
    copies=_copies,
    dropped={"signature": "", "body": "", "twist": "dropped", "answer": "(never sent)"},
    heard=lambda status, _: 200 <= status < 300,
    notice_column="event",
    refund="type = 'charge.refunded'",
    due=(
        "select min(due_at) from stripe_refunds",
        "select min(expires_at) from stripe_sessions where status = 'open'",
    ),
)
