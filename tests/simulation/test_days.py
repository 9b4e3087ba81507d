"""Days of a whole littleshop, with faults and kills, agree with the sandbox's books."""

from __future__ import annotations

from tests.simulation.playing import play


def test_two_days_with_faults_and_kills_agree_to_the_fen() -> None:
    played = play(days=2, seed=11, plant=None)
    assert played["wrong"] == []
    assert played["audit"]["ok"]
    assert played["too_few"] == []
