"""Who holds the money in a simulation decides over which rails people pay and what goes wrong."""

from __future__ import annotations

import random

import pytest

from sandbox.faults import ALL
from tests.simulation import command, faults, holding, kinds
from tests.simulation.rails import RAILS, Deck, shares
from tests.simulation.town import OWN


def test_every_fault_of_a_day_has_its_switch() -> None:
    for seed in range(20):
        for rail, parts in faults.board(random.Random(seed), held=True).items():
            for kind, told in parts.items():
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


def test_people_order_every_kind_that_there_is() -> None:
    for escrow in (OWN, "psp_escrow"):
        cards = kinds.cards(escrow)
        deck = Deck(random.Random(1), cards)
        assert {deck.draw() for _ in cards} == set(kinds.known(escrow))
    assert set(kinds.SHARES) - set(kinds.known("psp_escrow")) == set(kinds.OWN_ONLY)


def test_a_kind_that_was_hardly_paid_is_too_few() -> None:
    figures = {"team": {"orders": 9, "paid": 0}, "gift": {"orders": 1, "paid": 1}}
    assert kinds.too_few(figures, 10) == ["team paid: 0 of 1"]


def test_nobody_else_can_hold_the_money(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command(["--escrow", "bank_custody"])
    assert "merchant_of_record" in capsys.readouterr().err
