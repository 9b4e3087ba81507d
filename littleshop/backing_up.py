"""`./run backup FOLDER` and `./run restore FOLDER`: the database, then the files, then the keys.

A file is named by its content and written before the row that names it, so a dump first and the
files after it never leaves a row without its file. Keys and the rails' settings lie apart
(FOLDER/keys, 0600): carry them elsewhere, without them the dump cannot be read. What is restored
begins on hold (recoveries.py); `./run recover` asks everybody, with --release it lets go.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Collection
from datetime import datetime
from functools import partial
from pathlib import Path

import asyncpg

from littleshop import (
    config,
    crypto,
    db,
    installation,
    migrate,
    postgres,
    recoveries,
    recovery_words,
)
from littleshop import home as homes
from littleshop.clock import Clock
from littleshop.errors import GatewayError, Refused
from littleshop.files import SEALED
from littleshop.http import House, open_house
from littleshop.i18n import t
from littleshop.recoveries import Recovery
from littleshop.sale import asking_again
from littleshop.settlement import recovering, routing
from littleshop.settlement.routing import Routing

DUMP, FILES, KEYS, MANIFEST = "database.dump", "files", "keys", "manifest.json"
_ROLES = """do $$ begin
  if not exists (select from pg_roles where rolname = 'littleshop_app') then
    create role littleshop_app nologin;
  end if;
  execute format('grant littleshop_app to %I', current_user);
end $$"""
_APART = ("keys", "rails.json", "environment.json")


class Broken(Exception):
    """The backup cannot be used; the sentence is for the person at the terminal."""


def backup(arguments: list[str]) -> int:
    """Write a backup of this home into a folder; what lies there of an earlier one is reused."""
    parser = argparse.ArgumentParser(prog="./run backup", description=__doc__)
    parser.add_argument("folder", help="made when missing")
    told = parser.parse_args(arguments)
    settings = config.read()
    folder = homes.make(Path(told.folder))
    taken_at = asyncio.run(_now(settings))
    _dump(settings.database_url, folder / DUMP)
    kept = _copy_files(settings.home / "files", folder / FILES)
    homes.make(folder / KEYS)
    for name in _APART:
        if (settings.home / name).exists():
            homes.write(folder / KEYS / name, (settings.home / name).read_text())
    manifest = {
        "taken_at": taken_at.isoformat(),
        "mode": settings.mode,
        "sha256": _digest(folder / DUMP),
        "files": kept,
        "keys": crypto.keys_at(settings.home).fingerprint() if not settings.keys else "",
    }
    homes.write(folder / MANIFEST, json.dumps(manifest, indent=1))
    print(f"{folder}: {kept} files · {kept} 个文件; keys apart · 密钥请另存: {folder / KEYS}")
    return 0


def restore(arguments: list[str]) -> int:
    """Restore a backup into an empty home, on hold."""
    parser = argparse.ArgumentParser(prog="./run restore", description=__doc__)
    parser.add_argument("folder", help="a folder that backup wrote")
    parser.add_argument("--keys", type=Path, help="where keys and rails.json are kept apart")
    told = parser.parse_args(arguments)
    try:
        return _restore(Path(told.folder), told.keys)
    except Broken as fault:
        print(fault, file=sys.stderr)
        return 1


def recover(arguments: list[str]) -> int:
    """Ask every rail and the bank what happened since the backup, and release what was restored."""
    parser = argparse.ArgumentParser(prog="./run recover", description=__doc__)
    parser.add_argument("--release", metavar="NAME", help="let money leave again · 解除冻结")
    told = parser.parse_args(arguments)
    try:
        return asyncio.run(_recover(config.read(), by=told.release))
    except Refused as no:
        for locale in ("en", "zh-CN"):
            print(t(locale, f"errors.{no.code}", **no.details), file=sys.stderr)
        return 1


async def _now(settings: config.Settings) -> datetime:
    conn = await asyncpg.connect(settings.database_url)
    try:
        return Clock(await installation.clock_offset(conn)).now()
    finally:
        await conn.close()


def _dump(address: str, to: Path) -> None:
    """A consistent picture of the database, written beside and put in its place when whole."""
    fresh = to.with_name(f".{to.name}")
    _tool("pg_dump", "--format=custom", "--no-owner", f"--file={fresh}", address)
    fresh.chmod(0o600)
    fresh.replace(to)


def _tool(name: str, *arguments: str) -> None:
    done = subprocess.run(
        [str(postgres.programs() / name), *arguments],
        capture_output=True,
        text=True,
        env=postgres.environment(),
        check=False,
    )
    if done.returncode:
        raise Broken(f"{name}: {done.stderr.strip()[-500:]}")


def _copy_files(of: Path, to: Path) -> int:
    """Copy what is not there yet: a file never changes. How many there are. What is kept for a
    while only (id cards) stays here: a backup would keep it for ever."""
    count = 0
    for source in sorted(path for path in of.rglob("*") if path.is_file()):
        if source.relative_to(of).parts[0] == SEALED:
            continue
        target = to / source.relative_to(of)
        count += 1
        if target.exists() and target.stat().st_size == source.stat().st_size:
            continue
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = target.with_name(f".{target.name}")
        shutil.copyfile(source, fresh)
        fresh.replace(target)
    return count


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _restore(folder: Path, keys: Path | None) -> int:
    home = homes.make(Path(os.environ.get("LITTLESHOP_HOME") or homes.DEFAULT))
    manifest = _checked(folder)
    if (home / "postgres").exists() or (home / "keys").exists():
        raise Broken(f"{home} is not empty · 目录不是空的: {home}")
    apart = keys or folder / KEYS
    if not (apart / "keys").exists():
        raise Broken(f"the keys are not in {apart}: give --keys · 缺少密钥: {apart}")
    for name in _APART:
        if (apart / name).exists():
            homes.write(home / name, (apart / name).read_text())
    _copy_files(folder / FILES, home / "files")
    with homes.held(home, "command"), postgres.running(home) as cluster:
        asyncio.run(_roles(cluster.dsn()))
        _tool("pg_restore", "--no-owner", f"--dbname={cluster.dsn()}", str(folder / DUMP))
        asyncio.run(migrate.migrate(cluster.dsn()))
        asyncio.run(_hold(cluster.dsn(), datetime.fromisoformat(manifest["taken_at"])))
    print(
        f"{home} is restored and on hold: no payout or refund leaves. Next: ./run recover\n"
        f"已恢复，资金冻结中：打款和退款都不会发出。下一步：./run recover"
    )
    return 0


def _checked(folder: Path) -> dict[str, str]:
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        right = manifest["sha256"] == _digest(folder / DUMP)
    except (OSError, ValueError, KeyError) as fault:
        raise Broken(f"{folder} holds no backup · 这里没有备份: {fault}") from fault
    if not right:
        raise Broken(f"{folder / DUMP} is damaged · 备份已损坏")
    return dict(manifest)


async def _roles(address: str) -> None:
    """A dump names roles and does not make them."""
    conn = await asyncpg.connect(address)
    try:
        await conn.execute(_ROLES)
    finally:
        await conn.close()


async def _hold(address: str, taken_at: datetime) -> None:
    conn = await asyncpg.connect(address)
    try:
        at = Clock(await installation.clock_offset(conn)).now()
        await recoveries.begin(conn, taken_at, max(at, taken_at))
    finally:
        await conn.close()


async def _recover(settings: config.Settings, *, by: str | None) -> int:
    async with open_house(settings, name="littleshop recover", size=2) as house:
        async with house.database.connection() as conn:
            recovery = await recoveries.current(conn)
        if recovery is None:
            print("nothing is on hold · 没有冻结")
            return 0
        out = routing.of(settings, house.clock, house.escrows)
        faults = await _ask_all(house, out, recovery)
        for fault in faults:
            print(recovery_words.worded(fault), file=sys.stderr)
        await _report(house, recovery, out, faults)
        if by and not faults:
            await _release(house, recovery, out.names, by=by)
            print("released · 已解除冻结")
        return int(bool(faults))


async def _report(house: House, recovery: Recovery, out: Routing, faults: Collection[str]) -> None:
    asked = [*house.rails, *(recovering.asked_as(name) for name in out.names)]
    async with house.database.connection() as conn:
        left = await recovery_words.left(conn, recovery, asked, house.clock.now())
    desk = f"{house.settings.public_url.rstrip('/')}/operator/differences"
    mute = [name for name, rail in house.rails.items() if not rail.has_bills]
    for sentence in recovery_words.sentences(left, faults, desk, mute):
        print(sentence)


async def _ask_all(house: House, out: Routing, recovery: Recovery) -> list[str]:
    """Ask everybody once; what went wrong, in words."""
    at, faults = house.clock.now(), []
    for rail in house.rails.values():
        try:
            await asking_again.ask_rail(house.database, rail, recovery.taken_at, at)
            await recovering.read_bills(house.database, rail, recovery, at)
        except GatewayError as fault:
            faults.append(recovery_words.fault(rail.name, fault))
            continue
        await house.database.transaction(
            partial(recoveries.answered, recovery=recovery, asked=rail.name, at=at)
        )
    if out.some:
        desk = out.desk(house.database, house.keyring, house.calendar)
        faults += await recovering.ask_payout_rails(desk, recovery, at)
    return faults


async def _release(
    house: House, recovery: Recovery, payout_rails: Collection[str], *, by: str
) -> None:
    async def work(conn: db.Connection) -> None:
        await recovering.release(
            conn, house.rails, recovery, payout_rails=payout_rails, by=by, at=house.clock.now()
        )

    await house.database.transaction(work)
