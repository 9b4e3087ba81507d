"""Days of a whole littleshop, with faults and kills; and planted wrongs, which must be seen."""

from __future__ import annotations

import pytest

from tests.simulation import PLANTS
from tests.simulation.playing import play


def test_two_days_with_faults_and_kills_agree_to_the_fen() -> None:
    played = play(days=2, seed=11, plant=None)
    assert played["wrong"] == []
    assert played["audit"]["ok"]
    assert played["too_few"] == []


@pytest.mark.parametrize("plant", PLANTS)
def test_a_planted_wrong_is_seen(plant: str) -> None:
    played = play(days=1, seed=5, plant=plant)
    assert played["differences"] > 0, played
