"""Days of a whole littleshop: its own processes, its sandbox, people, faults and kill -9.

`littleshop simulate --days 30 --seed N [--json] [--plant NAME]` plays them on every rail and ends
in the audit and in a comparison with the sandbox's own books, which must agree to the fen. With
`--escrow psp_escrow` WeChat and Alipay admit the sellers and hold the money, and their pockets are
compared too. A planted wrong must be seen, and a run in which less happened than `playing.LEAST`
fails. What differs leaves a folder with both sides' books and the logs, which `evidence` names.
What is left to chance comes of the seed; what processes do meanwhile does not, so a seed repeats
the people and the faults and not the microseconds.
"""

from __future__ import annotations

import argparse
import importlib
import json
import logging

PLANTS = ("lost-notice", "double-refund", "early-release", "oversell", "stale-payout")


def command(arguments: list[str]) -> int:
    """Play, compare, and print what happened; 1 when anything differs or too little happened."""
    parser = argparse.ArgumentParser(prog="littleshop simulate", description=__doc__)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--escrow",
        choices=("merchant_of_record", "psp_escrow"),
        default="merchant_of_record",
        help="who holds the buyers' money",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument(
        "--plant",
        choices=PLANTS,
        metavar="NAME",
        help="a wrong that must be seen: " + ", ".join(PLANTS),
    )
    told = parser.parse_args(arguments)
    logging.getLogger("asyncpg.pool").setLevel(logging.CRITICAL)  # the database is killed often
    played = importlib.import_module("tests.simulation.playing").play(
        days=told.days, seed=told.seed, plant=told.plant, escrow=told.escrow
    )
    print(json.dumps(played, ensure_ascii=False, indent=None if told.json else 1))
    return int(bool(played["differences"]) or bool(played["too_few"]))
