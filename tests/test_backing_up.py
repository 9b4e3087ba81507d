"""A backup is whole, its keys lie apart, and what is restored is on hold."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import asyncpg
import pytest

from littleshop import audit, backing_up, crypto, db, files, postgres, recoveries
from tests.cast import CNY, Town


def sold_and_kept(dsn: str, home: Path) -> str:
    """A shop that has sold something and keeps a private file; the file's name."""

    async def work() -> str:
        database = await db.open_database(dsn, size=2)
        town = Town(database, crypto.keys_at(home))
        await town.open_shop()
        await town.buys([await town.stock(price=CNY("18.00"))], CNY("18.00"))
        kept = files.Files.open(home / "files")
        name = await kept.put_private(b"evidence")
        await kept.put_sealed(b"an id card, kept for a while only")
        await database.close()
        return name

    return asyncio.run(work())


@pytest.fixture
def told(
    dsn_of_a_lane: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, Path, str]:
    """A home that was backed up: the home, the backup and the file that it keeps."""
    home, folder = tmp_path / "home", tmp_path / "backup"
    home.mkdir(mode=0o700)
    name = sold_and_kept(dsn_of_a_lane, home)
    monkeypatch.setenv("DATABASE_URL", dsn_of_a_lane)
    monkeypatch.setenv("LITTLESHOP_HOME", str(home))
    assert backing_up.backup([str(folder)]) == 0
    return home, folder, name


def test_a_backup_keeps_dump_files_and_keys_apart_and_takes_only_what_is_new(
    told: tuple[Path, Path, str],
) -> None:
    home, folder, name = told
    assert (folder / "files" / "private" / name).read_bytes() == b"evidence"
    assert not (folder / "files" / "sealed").exists() and (home / "files" / "sealed").exists()
    assert (folder / "keys" / "keys").read_text() == (home / "keys").read_text()
    assert (folder / "keys" / "keys").stat().st_mode & 0o077 == 0
    kept = (folder / "files" / "private" / name).stat().st_mtime_ns
    assert backing_up.backup([str(folder)]) == 0
    assert (folder / "files" / "private" / name).stat().st_mtime_ns == kept


def test_what_is_restored_reads_its_secrets_proves_its_books_and_is_on_hold(
    told: tuple[Path, Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, folder, name = told
    fresh = tmp_path / "fresh"
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.setenv("LITTLESHOP_HOME", str(fresh))
    assert backing_up.restore([str(folder)]) == 0

    async def look(dsn: str) -> tuple[object, list[audit.Finding], str]:
        conn = await asyncpg.connect(dsn)
        await db.prepare(conn)
        held = await recoveries.current(conn)
        sealed = await conn.fetchval("select phone_sealed from customers")
        findings = await audit.prove(conn)
        await conn.close()
        return held, findings, crypto.keys_at(fresh).open(sealed)

    with postgres.running(fresh) as cluster:
        held, findings, phone = asyncio.run(look(cluster.dsn()))
    assert held is not None and findings == [] and phone.startswith("+86")
    assert (fresh / "files" / "private" / name).read_bytes() == b"evidence"


def test_a_home_that_is_in_use_a_damaged_dump_and_missing_keys_are_refused(
    told: tuple[Path, Path, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, folder, _ = told
    assert backing_up.restore([str(folder)]) == 1  # the home it was taken from
    assert "not empty" in capsys.readouterr().err
    monkeypatch.setenv("LITTLESHOP_HOME", str(tmp_path / "fresh"))
    assert backing_up.restore([str(folder), "--keys", str(tmp_path / "nowhere")]) == 1
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"sha256": "0" * 64}))
    assert backing_up.restore([str(folder)]) == 1
    assert "damaged" in capsys.readouterr().err
    assert backing_up.restore([str(tmp_path / "nothing")]) == 1
