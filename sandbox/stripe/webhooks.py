"""Webhooks: what is told, when it is told again, and what goes wrong on the way (PROTOCOLS 4).

An event keeps its id over all sends: at once, then after 5m, 30m, 2h, 5h, 10h and every 12h until
the third day by the sandbox's clock, until any 2xx comes back. Each send is signed anew. Only the
types below are sent, as if every merchant had subscribed to just these.
"""

import asyncio
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import timedelta

from sandbox.alipay import outgoing
from sandbox.clock import stamp
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


@dataclass(frozen=True)
class Sending:
    """One send that has fallen due: where to, the body, the header of each copy."""

    event: str
    url: str
    body: str
    copies: list[tuple[int, str]]  # attempt, Stripe-Signature


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
    now = world.clock.now()
    held = event in PAID and world.faults.get("stripe.notify.reorder") is True
    delay = timedelta(seconds=world.faults.number("stripe.notify.delay_seconds"))
    number = f"evt_{secrets.token_hex(12)}"
    payload = {
        "id": number,
        "object": "event",
        "api_version": VERSION,
        "created": int(now.timestamp()),
        "data": {"object": view},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": asked.number("req"), "idempotency_key": None},
        "type": event,
    }
    world.store.run(
        "insert into stripe_events (id, account, reference, type, payload, state, next_at,"
        " made_at) values (?, ?, ?, ?, ?, ?, ?, ?)",
        number,
        account,
        reference,
        event,
        json.dumps(payload, indent=2, ensure_ascii=False),
        "held" if held else "waiting",
        None if held else stamp(now + delay),
        stamp(now),
    )
    world.wake.set()


def claim(world: World) -> list[Sending]:
    """Take what is due, decide its faults, plan the next send; all in one step."""
    store = world.store
    with store.transaction():
        if world.faults.get("stripe.notify.reorder") is not True:
            store.run(
                "update stripe_events set state = 'waiting', next_at = ? where state = 'held'",
                stamp(world.clock.now()),
            )
        due = store.all(
            "select * from stripe_events where next_at <= ? order by next_at, number limit 50",
            stamp(world.clock.now()),
        )
        return [sending for row in due if (sending := _prepare(world, row))]


def _prepare(world: World, event: Row) -> Sending | None:
    now = world.clock.now()
    sends = event["sends"] + 1
    again = stamp(now + WAITS[sends - 1]) if sends <= len(WAITS) else None
    world.store.run(
        "update stripe_events set sends = ?, next_at = ?, state = ? where id = ?",
        sends,
        again,
        "waiting" if again else "given_up",
        event["id"],
    )
    account = accounts.find(world, event["account"])
    assert account is not None
    if world.faults.strikes("stripe.notify.drop"):
        _log(world, event["id"], "", "", "dropped", "(never sent)")
        return None
    body, twists = _twisted(world, event)
    copies = []
    for _ in range(max(1, world.faults.number("stripe.notify.copies"))):
        signature, more = _signature(world, account, body)
        twist = " ".join([*twists, *more])
        copies.append((_log(world, event["id"], signature, body, twist, None), signature))
    return Sending(event["id"], account["webhook_url"], body, copies)


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


def _log(
    world: World, event: str, signature: str, body: str, twist: str, answer: str | None
) -> int:
    store = world.store
    store.run(
        "insert into stripe_attempts (event, at, signature, body, twist, answer)"
        " values (?, ?, ?, ?, ?, ?)",
        event,
        stamp(world.clock.now()),
        signature,
        body,
        twist,
        answer,
    )
    return store.number("select last_insert_rowid()")


async def deliver(world: World, sending: Sending) -> None:
    """Send all copies at once and write down what came back."""
    answers = await asyncio.gather(
        *(
            outgoing.post_json(sending.url, {"Stripe-Signature": signature}, sending.body.encode())
            for _, signature in sending.copies
        )
    )
    with world.store.transaction():
        for (attempt, _), (status, text) in zip(sending.copies, answers, strict=True):
            world.store.run(
                "update stripe_attempts set status = ?, answer = ? where id = ?",
                status,
                text,
                attempt,
            )
        if any(status is not None and 200 <= status < 300 for status, _ in answers):
            world.store.run(
                "update stripe_events set state = 'delivered', next_at = null where id = ?",
                sending.event,
            )
        _release(world, sending.event)
    world.wake.set()


def _release(world: World, event: str) -> None:
    """After a refund has been told, the held word of its payment follows."""
    world.store.run(
        "update stripe_events set state = 'waiting', next_at = ? where state = 'held'"
        " and (account, reference) in (select account, reference from stripe_events"
        " where id = ? and type = 'charge.refunded')",
        stamp(world.clock.now()),
        event,
    )


def resend(world: World, account: str, reference: str) -> int:
    """Send every event of a payment once more, now; returns how many."""
    count = world.store.run(
        "update stripe_events set state = 'waiting', next_at = ?"
        " where account = ? and reference = ?",
        stamp(world.clock.now()),
        account,
        reference,
    )
    world.wake.set()
    return count
