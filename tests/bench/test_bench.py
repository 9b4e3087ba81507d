"""The measurements run and say what they must; how quick it is, no test says."""

from __future__ import annotations

import importlib
import json
import shutil
from typing import Any

import pytest

import bench
from bench import ground, town


@pytest.fixture(autouse=True)
def unwarmed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is warmed is quicker, and how quick it is no test says."""
    monkeypatch.setattr(ground, "WARM_SECONDS", 0)


def measured(name: str, seconds: float = 1) -> dict[str, Any]:
    """One pair, as short as the load generators can."""
    told: dict[str, Any] = importlib.import_module(f"bench.{name}").measure(seconds, 1)
    assert told["name"] == name
    assert {"ratio", "goal"} <= set(told)
    assert told["ratio"] > 0
    return told


@pytest.mark.parametrize("name", sorted(bench.NAMES))
def test_every_name_is_a_measurement(name: str) -> None:
    assert callable(importlib.import_module(f"bench.{name}").measure)


def test_a_product_page_is_weighed_with_its_sheets_and_scripts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert bench.command(["weight", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    kinds = {path.partition("?")[0].rpartition(".")[2] for path in told["parts"]}
    assert {"page", "css", "js"} <= kinds


def test_a_missing_load_generator_is_named_with_its_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, path=None: None)
    with pytest.raises(ground.Missing, match="install the system package nginx-light"):
        ground.tool("nginx-light", "nginx")


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
@pytest.mark.skipif(shutil.which("pgbench") is None, reason="pgbench is not installed")
def test_what_the_bench_places_are_real_orders_and_the_books_balance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(town, "SHOPS", 2)
    monkeypatch.setattr(town, "VARIANTS", 5)
    told = measured("place")
    assert told["settings"]["fsync"] == told["settings"]["synchronous_commit"] == "on"
    assert told["audit_findings"] == 0
    for kind in ("spread", "hot"):
        (ours,), (base,) = told[kind]["web"], told[kind]["base"]
        assert ours["refused"] == ours["broken"] == 0
        assert ours["orders"] > 0
        assert base["orders"] > 0
        assert set(ours["cpu_us_per_order"]) == {"web", "database", "client"}


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
@pytest.mark.skipif(
    shutil.which("nginx", path="/usr/sbin:/usr/bin") is None, reason="nginx is not installed"
)
def test_every_view_of_the_measured_page_is_counted() -> None:
    told = measured("page")
    assert told["all_views_counted"]
    assert told["encoding"] == "gzip"


def test_what_the_bench_settles_is_paid_and_the_books_balance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.import_module("bench.settle"), "SHOPS", 10)
    told = measured("settle")
    assert (told["orders"], told["payouts"], told["audit_findings"]) == (100, 10, 0)
    assert told["statements_per_shop"] > 0


@pytest.mark.skipif(shutil.which("pgbench") is None, reason="pgbench is not installed")
def test_journals_of_the_bench_and_of_its_base_make_accounts_that_agree() -> None:
    told = measured("post", 0.3)
    assert told["journals"] > 0
    assert told["findings"] == 0
