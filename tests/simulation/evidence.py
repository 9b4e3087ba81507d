"""What a run that differs leaves behind: a folder with all that was booked on both sides.

The town is gone when its run has ended, and no run is the same twice.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.simulation.town import Town

# By file; personal data is sealed in these, and none of it is of anybody.
_OURS = {
    "refunds": "select /* all shops */ r.*, p.reference as payment, p.gateway, p.held_for"
    " from refunds r join payments p on p.shop_id = r.shop_id and p.payment_id = r.payment_id"
    " order by r.asked_at",
    "releases": "select /* all shops */ * from releases order by asked_at",
    "payments": "select /* all shops */ * from payments order by asked_at",
    "payouts": "select /* all shops */ shop_id, payout_id, reference, run_on, rail, amount_minor,"
    " status, bank_says from payouts order by run_on, reference",
    "journals": "select /* all shops */ j.*, t.debit, t.credit, t.amount_minor from journals j"
    " join transfers t on t.shop_id = j.shop_id and t.journal_id = j.journal_id"
    " order by j.booked_at, j.journal_id",
    "accounts": "select /* all shops */ shop_id, account, currency, debits_minor - credits_minor"
    " as minor from accounts order by shop_id, account",
    "jobs": "select name, arguments, attempts, fault, deferred_at, due_at, held_at from jobs"
    " order by name, due_at",
}


def keep(town: Town, books: Mapping[str, Any], wrong: Sequence[str]) -> str:
    """Write down what differs, our rows, the sandbox's books and the processes' logs; the folder,
    which stays. What cannot be read is named in its place: the run has more to say."""
    folder = Path(tempfile.mkdtemp(prefix="littleshop-evidence-"))
    _write(folder / "wrong.json", list(wrong))
    for name, sql in _OURS.items():
        try:
            found: object = town.read(sql)
        except Exception as no:  # the rest is still to be kept
            found = f"{type(no).__name__}: {no}"
        _write(folder / f"our_{name}.json", found)
    for rail, told in books.items():
        _write(folder / f"their_{rail}.json", told)
    logs = town.littleshop.home / "logs"
    if logs.is_dir():
        shutil.copytree(logs, folder / "logs")
    return str(folder)


def _write(path: Path, told: object) -> None:
    path.write_text(json.dumps(told, ensure_ascii=False, indent=1, default=str))
