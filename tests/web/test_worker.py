"""What a phone keeps in a dead spot and where it sends it: the console's service worker in Node."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from playwright._impl._driver import compute_driver_executable

import littleshop

WORKER = Path(littleshop.__file__).parent / "static/js/sw.js"
STAND = Path(__file__).with_name("worker_stand.js")
SHIP = {"kind": "ship", "order": "1001", "number": "SF1408223100671", "carrier": "sf"}
TEA, FRUIT = "/console/7", "/console/9"


def phone(*steps: tuple[str, Any]) -> dict[str, Any]:
    """What a phone has sent and still keeps after all that; the browser's own Node plays it."""
    node = compute_driver_executable()[0]
    told = subprocess.run(
        [node, STAND, WORKER, json.dumps(steps)],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    found: dict[str, Any] = json.loads(told.stdout)
    return found


def hello(root: str, who: str = "xiaoman", name: str = "Tea") -> tuple[str, Any]:
    return "say", {"say": "hello", "who": who, "root": root, "name": name, "lang": "zh-CN"}


def ships(root: str, who: str = "xiaoman") -> tuple[str, Any]:
    return "submit", {
        "url": f"{root}/orders/1001/parcels",
        "offline": {"who": who, "acts": [SHIP]},
    }


def test_a_form_is_kept_without_a_signal_and_sent_once_to_its_own_shop() -> None:
    kept = phone(hello(TEA), hello(FRUIT), ("signal", False), ships(TEA))
    assert kept["sent"] == [] and [act["root"] for act in kept["acts"]] == [TEA]
    again = ("say", {"say": "replay"})
    told = phone(
        hello(TEA), hello(FRUIT), ("signal", False), ships(TEA), again,
        ("signal", True), again, again,
    )  # fmt: skip
    assert [(each["url"], each["who"]) for each in told["sent"]] == [(f"{TEA}/offline", "xiaoman")]
    assert told["acts"] == []
    with_signal = phone(hello(TEA), ships(TEA))
    assert with_signal["sent"] == [{"url": f"{TEA}/orders/1001/parcels", "form": True}]


def test_the_page_for_a_dead_spot_keeps_nothing_for_a_shop_that_it_does_not_name() -> None:
    mine = {"say": "add", "acts": [SHIP], "root": TEA}
    seen = (hello(TEA), hello(FRUIT, name="Fruit"), ("signal", False))
    told = phone(*seen, ("say", mine), ("signal", True), ("say", {"say": "replay"}))
    assert [each["url"] for each in told["sent"]] == [f"{TEA}/offline"]
    assert told["shops"] == {TEA: "Tea", FRUIT: "Fruit"}
    for nobody in ({"say": "add", "acts": [SHIP]}, mine | {"root": "https://evil.test/console/7"}):
        assert phone(*seen, ("say", nobody))["acts"] == []


def test_what_one_did_is_not_sent_as_another_and_waits_until_he_is_back() -> None:
    replay = ("say", {"say": "replay"})
    hers = (hello(TEA, "ada"), ("signal", False), ships(TEA), ("signal", True), replay)
    told = phone(*hers)
    assert told["sent"] == [] and [act["who"] for act in told["acts"]] == ["xiaoman"]
    back = phone(*hers, hello(TEA))
    assert [each["who"] for each in back["sent"]] == ["xiaoman"] and back["acts"] == []
    came = phone(hello(TEA), ("signal", False), ships(TEA), ("signal", True), hello(TEA, "ada"))
    assert came["sent"] == [] and len(came["acts"]) == 1 and came["shops"] == {TEA: "Tea"}
    left = phone(*hers, ("say", {"say": "forget"}))
    assert len(left["acts"]) == 1, "who signs out takes his own with him, and nobody else's"


def test_who_is_not_signed_in_any_more_is_asked_to_and_nothing_is_lost() -> None:
    said = [[401, {"state": "sign_in"}]]
    told = phone(hello(TEA), ("signal", False), ships(TEA), ("answers", said),
                 ("signal", True), ("say", {"say": "replay"}))  # fmt: skip
    assert [act["state"] for act in told["acts"]] == ["sign_in"]


def test_what_changed_meanwhile_waits_for_its_sellers_choice_and_a_fault_for_the_next_try() -> None:
    moved = [[200, {"state": "conflict", "says": "8 by now", "now": "8"}]]
    replay = ("say", {"say": "replay"})
    seen = (hello(TEA), ("signal", False), ships(TEA), ships(TEA), ("signal", True))
    told = phone(*seen, ("answers", [[503, {}]]), replay)
    assert len(told["sent"]) == 1 and len(told["acts"]) == 2
    asked = phone(*seen, ("answers", moved), replay, replay)
    assert [(act["state"], act["says"]) for act in asked["acts"]] == [("conflict", "8 by now")]
    mine = ("say", {"say": "choose", "place": 1, "mine": True})
    chosen = phone(*seen, ("answers", moved), replay, mine)
    assert chosen["acts"] == [] and chosen["sent"][-1]["seen"] == "8"
    assert len({each["key"] for each in chosen["sent"]}) == 3


def test_a_busy_shop_is_asked_again_when_it_says_so_under_the_same_key() -> None:
    busy = [503, {}, {"retry-after": "0"}]
    seen = (hello(TEA), ("signal", False), ships(TEA), ships(TEA), ("signal", True))
    replay = ("say", {"say": "replay"})
    told = phone(*seen, ("answers", [busy, busy]), replay)
    assert told["acts"] == [] and len(told["sent"]) == 4
    assert len({each["key"] for each in told["sent"]}) == 2
    away = phone(*seen, ("answers", [busy] * 9), replay)
    assert [act["state"] for act in away["acts"]] == ["waiting"] * 2 and len(away["sent"]) == 3
