"""A day of a whole littleshop on all rails, with faults and kills, agrees with the sandbox's books;
wrongs that no flow of ours does, planted in it afterwards, are seen."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.simulation import PLANTS, evidence, kinds, planting, playing, sure
from tests.simulation.faults import VICTIMS
from tests.simulation.rails import RAILS
from tests.simulation.town import OWN, Town

SEED = 11
DAYS = 2
# What at least gives each planted wrong away.
SEEN = {
    "lost-notice": "alipay payment ",
    "double-refund": "alipay refund ",
    "early-release": "audit: released_is_split_as_agreed",
    "oversell": "audit: held_is_open_orders",
    "stale-payout": "audit: payout_has_its_journals",
}


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    """A running littleshop with three shops; the tests here live in it one after another."""
    with playing.town_of(SEED) as opened:
        yield opened


@pytest.fixture(scope="module")
def lived(town: Town) -> dict[str, Any]:
    """Two days with a kill of everybody who can die, brought to rest."""
    playing.live(town, DAYS, surely_killed=VICTIMS)
    sure.everything_is_paid_once(town)
    playing.drain(town)
    playing.come_to_rest(town, playing.MOST_QUIET_DAYS, hurry=True)
    return playing.told(town, DAYS)


def test_two_days_with_faults_and_kills_agree_to_the_fen(town: Town, lived: dict[str, Any]) -> None:
    if lived["wrong"]:  # in full: a list would be cut
        kept = evidence.keep(town, town.books(), lived["wrong"])
        pytest.fail("\n".join([*lived["wrong"], f"both books and the logs: {kept}"]))
    assert lived["audit"]["ok"]
    assert lived["too_few"] == []
    assert lived["crashes"] >= len(VICTIMS)


def test_every_rail_took_money_and_its_bills_were_held_against_the_books(
    lived: dict[str, Any],
) -> None:
    assert len(set(lived["only_surely"]) & set(RAILS)) <= 1, lived["events"]
    assert {rail: lived["rails"][rail] for rail in RAILS if not lived["rails"][rail]["paid"]} == {}
    assert all(lived["rails"][rail]["bills"] > 0 for rail in RAILS if rail != "baidu_wallet")
    assert lived["audit"]["checked"]["payouts"] > 0


def test_every_kind_of_order_was_paid(lived: dict[str, Any]) -> None:
    assert set(lived["kinds"]) >= set(kinds.known(OWN))
    assert len(lived["only_surely"]) <= playing.MOST_SURELY, lived["events"]
    assert {kind: told for kind, told in lived["kinds"].items() if not told["paid"]} == {}


def test_planted_wrongs_are_seen(town: Town, lived: dict[str, Any]) -> None:
    assert set(SEEN) == set(PLANTS)
    assert not lived["wrong"], "\n".join(lived["wrong"])
    for each in PLANTS:
        planting.plant(town, each)
    wrong = playing.told(town, DAYS, "all")["wrong"]
    unseen = {name for name, words in SEEN.items() if not any(words in one for one in wrong)}
    assert unseen == set(), "\n".join(wrong)
    with keeping(town, wrong) as folder:
        kept = {path.name: path for path in folder.iterdir()}
        assert json.loads(kept["wrong.json"].read_text()) == wrong
        for name in ("our_refunds.json", "our_journals.json", "their_wechat_pay.json"):
            assert isinstance(json.loads(kept[name].read_text()), list | dict), name
        assert (kept["logs"] / "worker.log").is_file()


@contextlib.contextmanager
def keeping(town: Town, wrong: list[str]) -> Iterator[Path]:
    """The folder that a run that differs leaves, and away with it."""
    folder = Path(evidence.keep(town, town.books(), wrong))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
