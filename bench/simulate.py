"""`bench simulate`: thirty days of a whole littleshop on all rails, with faults and kills.

`ratio` is the share of what was compared that agrees: 1 when nothing differs and enough happened.
"""

from __future__ import annotations

from typing import Any

from tests.simulation import playing

DAYS, SEED = 30, 1


def measure(seconds: float, pairs: int) -> dict[str, Any]:
    """Live the days and compare; the length of a run is theirs."""
    del seconds, pairs
    played = playing.play(days=DAYS, seed=SEED, plant=None)
    moved = sum(rail["paid"] + rail["refunds"] for rail in played["rails"].values())
    wrong = len(played["too_few"]) + played["differences"]
    return {
        "name": "simulate",
        "ratio": round(max(moved - wrong, 0) / moved, 4),
        "goal": 1,
        "seconds_per_day": round(played["seconds"] / DAYS, 1),
        **played,
    }
