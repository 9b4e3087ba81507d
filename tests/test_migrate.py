"""Migrations on a shop that is open: none waits for long, and who is in its way is named."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest

from littleshop import migrate


@pytest.fixture
def another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A later migration than all that there are, and little patience."""
    monkeypatch.setattr(migrate, "FOLDER", tmp_path)
    for name, value in (("WAITS_MS", 100), ("TIMES", 3), ("PAUSE", 0.0)):
        monkeypatch.setattr(migrate, name, value)
    path = tmp_path / "9999_another.sql"
    path.write_text("alter table orders add column another text;")
    return path


async def test_a_migration_waits_for_nobody_long_and_names_who_is_in_its_way(
    dsn: str, another: Path
) -> None:
    report = await asyncpg.connect(dsn, server_settings={"application_name": "a long report"})
    try:
        reading = report.transaction()
        await reading.start()
        await report.fetch("select 1 as told from orders")
        with pytest.raises(migrate.MigrationBlocked) as said:
            await migrate.migrate(dsn)
        (who,) = said.value.who
        assert f"pid {report.get_server_pid()} " in who
        assert "a long report" in who and "select 1 as told from orders" in who
        assert who in str(said.value) and "没有执行" in str(said.value)
        assert await migrate.missing(report) == [another.name]
        await reading.rollback()
        assert await migrate.migrate(dsn) == [another.name]
    finally:
        await report.close()


@pytest.fixture
def wrong(another: Path) -> Path:
    another.write_text("alter table nowhere add column another text;")
    return another


@pytest.mark.usefixtures("wrong")
async def test_a_migration_that_is_wrong_is_told_at_once(dsn: str) -> None:
    with pytest.raises(asyncpg.UndefinedTableError):
        await migrate.migrate(dsn)
