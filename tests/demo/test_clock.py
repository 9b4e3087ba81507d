"""The demo's clock: it goes forward, for us and for the sandbox, and only in the demo."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from littleshop import installation
from littleshop.config import Settings
from littleshop.demo import clock
from tests import sandbox_process
from tests.cast import CNY, Town


def test_a_span_is_days_hours_or_minutes() -> None:
    assert clock.span("11d") == timedelta(days=11)
    assert clock.span("3h") == timedelta(hours=3)
    assert clock.span("30m") == timedelta(minutes=30)


@pytest.mark.parametrize("text", ["", "d", "-1d", "0d", "1w", "1.5h", "tomorrow", "99999d"])
def test_other_words_are_no_span(text: str) -> None:
    with pytest.raises(ValueError, match="11d"):
        clock.span(text)


def test_the_time_is_said_in_both_languages() -> None:
    said = clock.shown(datetime(2026, 11, 23, 2, 5, tzinfo=UTC))
    assert "2026-11-23 10:05:00" in said
    assert "Nov" in said and "11 月 23 日" in said


def test_live_has_no_clock(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("LITTLESHOP_HOME", str(tmp_path))
    monkeypatch.setenv("LITTLESHOP_MODE", "live")
    monkeypatch.setenv("PUBLIC_URL", "https://shop.example")
    assert clock.command(["--advance", "1d"]) == 1


async def test_a_parcel_that_left_before_the_clock_moved_was_collected_then(
    town: Town, dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "TAKEN_AFTER", 0)  # nobody else reads it
    placed = await town.buys([await town.stock()], CNY("168.00"))
    await town.ships(placed, "YT880000002077")
    with sandbox_process.running(tmp_path) as sandbox:
        settings = Settings(
            home=tmp_path, mode="demo", database_url=dsn, public_url="http://127.0.0.1",
            sandbox_url=sandbox.url, rails={"courier": {}},
        )  # fmt: skip
        await town.database.transaction(
            lambda conn: installation.settle(conn, settings, town.keyring)
        )
        for _ in range(2):
            await clock.advance(settings, timedelta(days=1))
        told = await sandbox.read("/control/courier/parcels/YT880000002077")
    first = min(scan["at"] for scan in told["scans"])
    assert first == town.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
