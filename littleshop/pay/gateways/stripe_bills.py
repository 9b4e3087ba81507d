"""Stripe's account of a day: the lines of its balance, read as payments and refunds.

Sums are of the buyer's currency; fees are of the currency in which the balance is kept, which may
be another.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

from littleshop.money import Money
from littleshop.pay.gateways.contract import Bill, BillRow
from littleshop.pay.gateways.stripe_answers import moment

PAYMENTS = frozenset({"charge", "payment"})
REFUNDS = frozenset({"refund", "payment_refund"})
# Money on its way from the balance to our bank: the bank's statement tells of it.
ON_THE_WAY = frozenset({"payout", "payout_cancel", "payout_failure"})
STABLE = ("id", "type", "amount", "fee", "currency", "created")
LONGEST_UNREAD = 300
Fields = Mapping[str, Any]  # a line of the balance as JSON


class Source(msgspec.Struct, frozen=True):
    """The charge or refund behind a line, with the numbers that we gave it."""

    amount: int
    currency: str
    payment_intent: str
    metadata: dict[str, str]


class Line(msgspec.Struct, frozen=True):
    """A payment or a refund in the balance."""

    id: str
    type: str
    amount: int
    fee: int
    currency: str
    created: int
    source: Source


def bill(lines: Sequence[Fields], day: date) -> Bill:
    """The bill of a day. Lines that are neither payment nor refund are kept in `unread`: fees of
    their own, disputes, failed refunds, charges without our number."""
    ordered = sorted(lines, key=lambda line: (str(line.get("created")), str(line.get("id"))))
    rows: list[BillRow] = []
    unread: list[str] = []
    for line in ordered:
        if line.get("type") in ON_THE_WAY:
            continue
        try:
            rows.append(_row(msgspec.convert(dict(line), Line)))
        except (KeyError, ValueError, OverflowError):  # a ValidationError is a ValueError
            unread.append(_shown(line))
    stable = [[line.get(name) for name in STABLE] for line in ordered]
    return Bill(
        gateway="stripe",
        day=day,
        rows=tuple(rows),
        unread=tuple(unread),
        # of what never changes in a line: its source goes on living
        sha256=hashlib.sha256(json.dumps(stable, default=str).encode()).hexdigest(),
    )


def _row(line: Line) -> BillRow:
    """One line as ours; ValueError or KeyError when it is something else."""
    payment, source = line.type in PAYMENTS, line.source
    if not payment and line.type not in REFUNDS:
        raise ValueError("another kind of business")
    same = source.currency == line.currency
    amount = Money(abs(line.amount) if same else source.amount, source.currency.upper())
    if (line.amount > 0) != payment or amount.minor <= 0:
        raise ValueError("a sum of the wrong sign")
    return BillRow(
        kind="payment" if payment else "refund",
        reference=source.metadata["reference"],
        refund_reference=None if payment else source.metadata["refund_reference"],
        gateway_trade_no=source.payment_intent,
        amount=amount,
        fee=Money(line.fee, line.currency.upper()),
        at=moment(line.created),
    )


def _shown(line: Fields) -> str:
    """A line for a person to explain: Stripe's numbers and sums, nothing of the buyer."""
    source = line.get("source")
    number = source.get("id") if isinstance(source, Mapping) else source
    told = [line.get(name) for name in ("type", "id", "amount", "currency", "fee")]
    text = " ".join(str(part) for part in [*told, number] if part is not None)
    return "".join(char if char.isprintable() else " " for char in text)[:LONGEST_UNREAD]
