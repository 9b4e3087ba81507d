"""What goes wrong on a day: at the rails, the bank and the vendors; and which process dies."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Iterator
from typing import Any

from tests.simulation import holding
from tests.simulation.rails import RAILS
from tests.simulation.town import Town

VICTIMS = ("littleshop web", "littleshop work", "postgres")
KILLED = 0.12  # share of the hours in which a process dies
_CALLS = {"stripe": "api"}  # what a rail's wire is called on the switchboard
# A sum that no payment has, as each rail writes it. Stripe's switch would change a chargeback's sum
# too, which nobody can ask about.
_WRONG_SUM = {"alipay": "0.01", "wechat_pay": "1", "baidu_wallet": "1"}


def board(chance: random.Random, *, held: bool = False) -> dict[str, Any]:
    """The switchboard of a day; of one on which institutions hold the money."""
    today: dict[str, Any] = {rail: _rail(chance, rail) for rail in RAILS}
    today["alipay"]["gateway"]["awkward"] = chance.random() < 0.3
    today["wechat_pay"]["gateway"]["awkward"] = chance.random() < 0.3
    today["wechat_pay"]["gateway"]["forge"] = chance.choice((0, 0, 1))
    today["wechat_pay"]["cashier"] = {"after_close": chance.choice((0, 2))}
    today["wechat_pay"]["refund"] = {
        "processing": chance.choice((0, 0, 2)),
        "abnormal": chance.choice((0, 0, 0, 1)),
        "no_balance": chance.choice((0, 0, 0, 1)),
    }
    today["wechat_pay"]["bill"] = {"corrupt": chance.choice((0, 0, 0, 1))}
    today["stripe"]["refund"] = {
        "pending": chance.choice((0, 0, 2)),
        "no_balance": chance.choice((0, 0, 0, 1)),
    }
    today["baidu_wallet"]["refund"] = {"no_balance": chance.choice((0, 0, 0, 1))}
    today["bank"] = {
        "fail": chance.choice((0, 0, 1)),
        "reject": chance.choice((0, 0, 0, 1)),
        "return": chance.choice((0, 0, 0, 1)),
    }
    today["sms"] = {"fail": chance.choice((0, 0, 2))}
    for rail, more in (holding.faults(chance) if held else {}).items():
        today[rail] |= more
    return today


def _rail(chance: random.Random, rail: str) -> dict[str, Any]:
    """Notices late, lost, doubled, out of order, forged or false; a wire that is down or lies."""
    down = 30 if chance.random() < 0.05 else chance.choice((0, 0, 2))
    calls = {
        "fail": down,
        "busy": chance.choice((0, 0, 1)),
        "malformed": chance.choice((0, 0, 1)),
        "timeout": chance.choice((0, 0, 0, 1)),
        "timeout_seconds": 1,
    }
    if rail != "baidu_wallet":
        calls["system_error"] = chance.choice((0, 0, 1))
    return {
        "notify": {
            "delay_seconds": chance.choice((0, 0, 60, 3600)),
            "copies": chance.choice((1, 1, 2, 3)),
            "drop": chance.choice((0, 0, 1, 3)),
            "reorder": chance.random() < 0.2,
            "forge": chance.choice((0, 0, 1)),
            "amount": _WRONG_SUM.get(rail) if chance.random() < 0.05 else None,
        },
        _CALLS.get(rail, "gateway"): calls,
        "fee_bps": chance.choice((0, 60)),
    }


def strike(town: Town) -> None:
    """Set today's faults, and count of which kinds the day is bad."""
    today = board(town.chance, held=town.escrow == "psp_escrow")
    town.littleshop.control("faults", today)
    for who, kinds in today.items():
        told = {f"{part}.{name}": value for part, found in kinds.items() if isinstance(found, dict)
                for name, value in found.items()} or kinds  # fmt: skip
        told = {name: value for name, value in told.items() if not name.endswith("_seconds")
                or "delay" in name}  # fmt: skip
        for name, value in told.items():
            usual = 1 if name.endswith("copies") else 0
            if value not in (usual, None, False):
                town.happened[f"fault {who}.{name}"] += 1


@contextlib.contextmanager
def killing(town: Town, *, surely: str = "") -> Iterator[None]:
    """Somewhere in the middle of what people do a process dies; sometimes, or `surely` this one."""
    if not surely and town.chance.random() > KILLED:
        yield
        return
    victim, after = surely or town.chance.choice(VICTIMS), town.chance.uniform(0.0, 1.5)
    killed: list[int] = []

    def kill() -> None:
        killed.extend(town.littleshop.children(victim))
        town.littleshop.kill(victim)

    timer = threading.Timer(after, kill)
    timer.start()
    try:
        yield
    finally:
        timer.join()
        if killed:
            town.happened[f"killed {victim.split(' ')[-1]}"] += 1
        with town.phase("restarts"):
            town.littleshop.wait_ready(60)
