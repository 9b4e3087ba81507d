"""At the end: our books proved, and held against the sandbox's own, to the fen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from tests.simulation.town import Town

Rows = list[dict[str, Any]]


def differences(town: Town) -> list[str]:
    """Everything that does not agree, in words."""
    audit = town.littleshop.audit()
    wrong = [f"audit: {one['rule']} {one['subject']} {one['says']}" for one in audit["findings"]]
    books = httpx.get(f"{town.littleshop.sandbox}/books.json", trust_env=False, timeout=60).json()
    wrong += _payments(town, books["alipay"])
    wrong += _refunds(town, books["alipay"])
    wrong += _payouts(town, books["bank"])
    wrong += [
        f"bill: {row['kind']} {row['reference']} of {row['day']}"
        for row in town.read("select * from differences where explained_at is null")
    ]
    wrong += [
        f"statement: {row['entry_key']} waits: {row['waits']}"
        for row in town.read("select * from bank_entries where outcome is null")
    ]
    wrong += [
        f"payout {row['reference']} of {row['run_on']} is {row['status']} {row['bank_says']}"
        for row in town.read(
            "select * from payouts where status in ('asked', 'funded', 'sent') and run_on <"
            " (select max(run_on) - 3 from runs)"
        )
    ]
    wrong += [
        f"held job: {row['name']} {row['fault']}"
        for row in town.read(
            "select name, fault from jobs where held_at is not null and dropped_at is null"
            " and name not like 'messages%'"
        )
    ]
    return wrong


def _payments(town: Town, alipay: Mapping[str, Rows]) -> list[str]:
    """What the rail took, and what we say it took."""
    theirs = {
        trade["out_trade_no"]: trade["total_minor"]
        for trade in alipay["trades"]
        if trade["paid_at"]
    }
    ours = {
        str(row["reference"]): row["paid_minor"]
        for row in town.read("select reference, paid_minor from payments where status = 'paid'")
    }
    return _apart("payment", ours, theirs)


def _refunds(town: Town, alipay: Mapping[str, Rows]) -> list[str]:
    theirs = {one["out_request_no"]: one["amount_minor"] for one in alipay["refunds"]}
    ours = {
        str(row["reference"]): row["amount_minor"]
        for row in town.read("select reference, amount_minor from refunds where status = 'done'")
    }
    return _apart("refund", ours, theirs)


def _payouts(town: Town, bank: Mapping[str, Rows]) -> list[str]:
    """What left the bank for a seller's card, and what we say left; returns are entries too."""
    left = {
        entry["end_to_end_id"]: entry["amount_minor"]
        for entry in bank["transfers"]
        if entry["executed_at"] is not None
    }
    ours = {
        str(row["reference"]): row["amount_minor"]
        for row in town.read(
            "select reference, amount_minor from payouts where status in ('done', 'returned')"
        )
    }
    return _apart("payout", ours, left)


def _apart(what: str, ours: Mapping[str, object], theirs: Mapping[str, object]) -> list[str]:
    return [
        f"{what} {reference}: ours {ours.get(reference)}, theirs {theirs.get(reference)}"
        for reference in sorted({*ours, *theirs})
        if ours.get(reference) != theirs.get(reference)
    ]
