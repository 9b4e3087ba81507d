"""Wrongs that no flow of ours does are planted in a whole littleshop: the end must see each."""

from __future__ import annotations

from tests.simulation import PLANTS
from tests.simulation.playing import play

# What at least gives each planted wrong away.
SEEN = {
    "lost-notice": "ours None, theirs",
    "double-refund": "refund ",
    "early-release": "audit: released_is_split_as_agreed",
    "oversell": "audit: held_is_open_orders",
    "stale-payout": "audit: payout_has_its_journals",
}


def test_planted_wrongs_are_seen() -> None:
    assert set(SEEN) == set(PLANTS)
    played = play(days=1, seed=5, plant="all")
    unseen = {
        name for name, words in SEEN.items() if not any(words in one for one in played["wrong"])
    }
    assert unseen == set(), played["wrong"]
