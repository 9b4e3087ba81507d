"""Who holds the money in a simulation decides over which rails people pay and what goes wrong."""

from __future__ import annotations

import random

import pytest

from sandbox.faults import ALL
from tests.simulation import command, faults, holding
from tests.simulation.rails import RAILS, Deck, shares


def test_every_fault_of_a_day_has_its_switch() -> None:
    for seed in range(20):
        for rail, kinds in faults.board(random.Random(seed), held=True).items():
            for kind, told in kinds.items():
                named = {f"{rail}.{kind}.{name}" for name in told} if isinstance(told, dict) else {
                    f"{rail}.{kind}"
                }  # fmt: skip
                assert named <= set(ALL)


def test_a_day_without_institutions_has_no_fault_of_theirs() -> None:
    assert "split" not in faults.board(random.Random(1))["alipay"]
    assert "split" in faults.board(random.Random(1), held=True)["alipay"]


def test_people_pay_over_the_rails_there_are() -> None:
    for rails in (RAILS, holding.INSTITUTIONS):
        deck = Deck(random.Random(1), shares(rails))
        assert {deck.draw() for _ in range(12)} == set(rails)


def test_nobody_else_can_hold_the_money(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command(["--escrow", "bank_custody"])
    assert "merchant_of_record" in capsys.readouterr().err
