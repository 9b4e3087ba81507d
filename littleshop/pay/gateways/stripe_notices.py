"""What Stripe pushes to us: the signature of a webhook, and events in our words.

Sources: PROTOCOLS 4. Checked by hand (one HMAC), as the SDK does, but by our clock and both ways:
the SDK asks the machine's time and lets any future one pass.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from littleshop.money import Money
from littleshop.pay.gateways.contract import Notice, NoticeRefused
from littleshop.pay.gateways.stripe_answers import moment

TOLERANCE_SECONDS = 300
NOTICE_LIMIT_BYTES = 256 * 1024
MOST_SIGNATURES = 16
Kind = Literal[
    "paid",
    "refunded",
    "refund_failed",
    "closed",
    "pending",
    "disputed",
    "dispute_won",
    "dispute_lost",
]
Fields = Mapping[str, Any]  # JSON of a verified event, read field by field below


def parse(
    secrets: Sequence[str], live: bool, headers: Mapping[str, str], body: bytes, now: datetime
) -> Notice | None:
    """Verify and translate an event; None for one that says nothing about money.

    `live` is the mode of our key: an event of the other mode is not ours. Raises NoticeRefused.
    """
    _verify(secrets, headers.get("stripe-signature", ""), body, now)
    try:
        event = json.loads(body)
        if event["object"] != "event" or not isinstance(event["livemode"], bool):
            raise ValueError("not an event")
        if event["livemode"] != live:
            raise NoticeRefused("app")
        if event.get("account"):
            raise NoticeRefused("seller")  # of an account connected to ours: we have none
        return _translated(event, body)
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        raise NoticeRefused("malformed") from None


def _verify(secrets: Sequence[str], header: str, body: bytes, now: datetime) -> None:
    """`t=seconds,v1=hex[,v1=hex]`: any of our secrets may have signed. Raises NoticeRefused."""
    if len(body) > NOTICE_LIMIT_BYTES:
        raise NoticeRefused("malformed")
    pairs = [part.strip().partition("=")[::2] for part in header.split(",")]
    times = [value for name, value in pairs if name == "t"]
    given = [value for name, value in pairs if name == "v1"][:MOST_SIGNATURES]
    if len(times) != 1 or not (times[0].isascii() and times[0].isdigit() and len(times[0]) < 12):
        raise NoticeRefused("signature")
    signed = times[0].encode() + b"." + body
    wanted = [hmac.new(key.encode(), signed, hashlib.sha256).hexdigest() for key in secrets]
    # every pair is compared: how long it takes tells nothing
    if not sum(
        hmac.compare_digest(one.encode(), mark.encode()) for one in wanted for mark in given
    ):
        raise NoticeRefused("signature")
    if abs(now.timestamp() - int(times[0])) > TOLERANCE_SECONDS:
        raise NoticeRefused("old")


def _translated(event: Fields, body: bytes) -> Notice | None:
    told, name = event["data"]["object"], str(event["type"])
    family, _, what = name.rpartition(".")
    if family == "checkout.session":
        return _session(event, told, what, body)
    if name == "charge.refunded":
        return _notice(event, "refunded", told, told["amount_refunded"], body)
    if name == "refund.failed":
        return _notice(event, "refund_failed", told, told["amount"], body)
    if family == "charge.dispute":
        return _dispute(event, told, what, body)
    return None


def _session(event: Fields, told: Fields, what: str, body: bytes) -> Notice | None:
    """A session of another shop's page, without our number, is nothing to us."""
    if not told.get("client_reference_id"):
        return None
    paid = told["payment_status"] == "paid"
    kinds: dict[str, Kind] = {
        "completed": "paid" if paid else "pending",
        "async_payment_succeeded": "paid",
        "async_payment_failed": "closed",
        "expired": "closed",
    }
    kind = kinds.get(what)
    if kind is None or (what == "async_payment_succeeded" and not paid):
        return None
    return _notice(event, kind, told, told["amount_total"], body)


def _dispute(event: Fields, told: Fields, what: str, body: bytes) -> Notice | None:
    """A dispute bears Stripe's numbers only: `reference` is empty, look for the trade number."""
    if what == "created":
        return _notice(event, "disputed", told, told["amount"], body)
    if what != "closed":
        return None
    lost = told["status"] == "lost"
    return _notice(event, "dispute_lost" if lost else "dispute_won", told, told["amount"], body)


def _notice(event: Fields, kind: Kind, told: Fields, minor: object, body: bytes) -> Notice | None:
    metadata = told.get("metadata") or {}
    reference = told.get("client_reference_id") or metadata.get("reference") or ""
    of_refund = kind in ("refunded", "refund_failed")
    if of_refund and not reference:
        return None  # a charge that was not ours to begin with
    if not isinstance(minor, int) or isinstance(minor, bool) or minor < 0:
        raise ValueError("not an amount")
    return Notice(
        gateway="stripe",
        notice_id=_filled(event["id"]),
        reference=str(reference),
        kind=kind,
        amount=Money(minor, _filled(told["currency"]).upper()),
        gateway_trade_no=str(told.get("payment_intent") or ""),
        at=moment(int(event["created"])),
        raw=body.decode(),
        refund_reference=metadata.get("refund_reference") if of_refund else None,
        dispute=str(told.get("id") or "") if told.get("object") == "dispute" else "",
    )


def _filled(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("an empty number")
    return value
