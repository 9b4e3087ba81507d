"""The doctor and the migrator: small commands that say what they found."""

from __future__ import annotations

from pathlib import Path

import pytest

from littleshop import doctor, migrate


def test_a_home_that_was_never_started_is_not_ill(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home.mkdir()
    monkeypatch.setenv("LITTLESHOP_HOME", str(home))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert doctor.command([]) == 0
    told = capsys.readouterr().out
    assert "no keys yet" in told and "数据库没有在运行" in told


async def test_a_migrated_database_is_well(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", dsn)
    checks = await doctor.database(Path())
    assert [check.state for check in checks] == ["ok", "ok", "ok"]


def test_keys_that_others_can_read_are_bad(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.mkdir()
    (home / "keys").write_text("{}")
    (home / "keys").chmod(0o644)
    monkeypatch.setenv("LITTLESHOP_HOME", str(home))
    assert any(check.state == "bad" for check in doctor.settings())


def test_migrating_twice_applies_nothing(
    dsn: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", dsn)
    assert migrate.command([]) == 0
    assert capsys.readouterr().out.startswith("0 applied")
