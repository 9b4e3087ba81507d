"""At the end: our books proved, and held against the sandbox's own, to the fen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.simulation import holding, rails
from tests.simulation.rails import RAILS
from tests.simulation.town import Town

# Sentences of what must not be left, each with the rows that are.
_LEFT = {
    "bill: {gateway} {kind} {reference} of {day} {words}": (
        "select gateway, kind, reference, day, words from differences where explained_at is null"
    ),
    "statement: {entry_key} waits: {waits}": (
        "select entry_key, waits from bank_entries where outcome is null"
    ),
    "payout {reference} of {run_on} is {status} {bank_says}": (
        "select /* all shops: the whole town */ reference, run_on, status, bank_says from payouts p"
        " where status in ('asked', 'funded', 'sent') and run_on <"
        " (select max(run_on) - 3 from runs)"
    ),
    "refund {reference} is {status} {redirect}": (
        "select /* all shops: the whole town */ reference, status, redirect from refunds"
        " where status in ('asked', 'stuck')"
    ),
    "release of {order_id} is {status} {said}": (
        "select /* all shops: the whole town */ order_id, status, said from releases"
        " where status <> 'done'"
    ),
    "held job: {name} {fault}": (
        "select name, fault from jobs where held_at is not null and dropped_at is null"
        " and name not like 'messages%'"
    ),
}


def differences(town: Town, audit: Mapping[str, Any], books: Mapping[str, Any]) -> list[str]:
    """Everything that does not agree, in words."""
    wrong = [f"audit: {one['rule']} {one['subject']} {one['says']}" for one in audit["findings"]]
    for rail in RAILS:
        taken, back = rails.moved(books, rail)
        wrong += _apart(f"{rail} payment", _paid(town, rail), taken)
        wrong += _apart(f"{rail} refund", _refunded(town, rail), back)
    wrong += _apart("chargeback", _charged_back(town), rails.disputes(books))
    wrong += _apart("payout", _paid_out(town), _left_the_bank(books))
    if town.escrow == "psp_escrow":
        wrong += _apart("pocket", holding.ours(town), holding.theirs(town, books))
        wrong += _apart("withdrawal", holding.withdrawn(town), holding.withdrawn_there(books))
        wrong += _apart("own pocket", holding.own(town), holding.own_there(town, books))
        wrong += _apart("advanced refund", holding.advanced(town), holding.advanced_there(books))
        wrong += _apart("returned share", holding.returned(town), holding.returned_there(books))
    wrong += _apart("bank", {"balance": _in_our_books(town)}, {"balance": _at_the_bank(books)})
    for sentence, sql in _LEFT.items():
        wrong += [sentence.format(**row) for row in town.read(sql)]
    return wrong


def disputed(town: Town) -> list[tuple[str, tuple[int, str]]]:
    """The chargebacks that the rail knows, by our reference of the payment."""
    return list(rails.disputes(town.books()).items())


def _paid(town: Town, rail: str) -> dict[str, object]:
    rows = town.read(
        "select /* all shops: the rail knows none */ reference, paid_minor from payments"
        " where gateway = $1 and status = 'paid'",
        rail,
    )
    return {row["reference"]: row["paid_minor"] for row in rows}


def _refunded(town: Town, rail: str) -> dict[str, object]:
    rows = town.read(
        "select /* all shops: the rail knows none */ r.reference, r.amount_minor from refunds r"
        " join payments p on p.shop_id = r.shop_id and p.payment_id = r.payment_id"
        " where p.gateway = $1 and r.status = 'done'",
        rail,
    )
    return {row["reference"]: row["amount_minor"] for row in rows}


def _charged_back(town: Town) -> dict[str, object]:
    rows = town.read(
        "select /* all shops: the rail knows none */ p.reference, c.amount_minor, c.status"
        " from chargebacks c"
        " join payments p on p.shop_id = c.shop_id and p.payment_id = c.payment_id"
    )
    return {row["reference"]: (row["amount_minor"], row["status"]) for row in rows}


def _paid_out(town: Town) -> dict[str, object]:
    """What we say left the bank for a seller's card; what came back is an entry too."""
    rows = town.read(
        "select /* all shops: the bank knows none */ reference, amount_minor from payouts"
        " where rail = 'bank' and status in ('done', 'returned')"
    )
    return {row["reference"]: row["amount_minor"] for row in rows}


def _left_the_bank(books: Mapping[str, Any]) -> dict[str, object]:
    return {
        entry["end_to_end_id"]: entry["amount_minor"]
        for entry in books["bank"]["transfers"]
        if entry["executed_at"] is not None
    }


def _in_our_books(town: Town) -> int:
    """What our books say lies at the bank, whoever's it is."""
    [row] = town.read(
        "select /* all shops: one account holds it all */"
        " coalesce(sum(debits_minor - credits_minor), 0)::bigint as minor"
        " from accounts where account = 'bank' and currency = 'CNY'"
    )
    return int(row["minor"])


def _at_the_bank(books: Mapping[str, Any]) -> int:
    return sum(int(one["balance_minor"]) for one in books["bank"]["accounts"])


def _apart(what: str, ours: Mapping[str, object], theirs: Mapping[str, object]) -> list[str]:
    return [
        f"{what} {reference}: ours {ours.get(reference)}, theirs {theirs.get(reference)}"
        for reference in sorted({*ours, *theirs})
        if ours.get(reference) != theirs.get(reference)
    ]
