"""`./run doctor`: what is wrong with this machine or this home, each line in both languages."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sys
from datetime import timedelta
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

import asyncpg

from littleshop import config, db, installation, jobs, migrate
from littleshop import home as homes
from littleshop.postgres import Cluster
from littleshop.trade import trackers

GIGABYTE = 1 << 30
State = Literal["ok", "note", "bad"]
_SIGNS = {"ok": "✓", "note": "·", "bad": "✗"}


class Check(NamedTuple):
    """One thing that was looked at; `bad` is what littleshop cannot run with."""

    state: State
    en: str
    zh: str


def command(arguments: list[str]) -> int:
    """Print what was found; 1 when something is bad."""
    assert not arguments, arguments
    home = Path(os.environ.get("LITTLESHOP_HOME") or homes.DEFAULT)
    checks = [*machine(home), *settings(), *asyncio.run(database(home))]
    for check in checks:
        print(f"{_SIGNS[check.state]} {check.en} · {check.zh}")
    return int(any(check.state == "bad" for check in checks))


def machine(home: Path) -> list[Check]:
    """Python, room, and whether the folder can be written."""
    version = ".".join(map(str, sys.version_info[:3]))
    python: State = "ok" if sys.version_info >= (3, 11) else "bad"
    free = shutil.disk_usage(home).free
    room: State = "ok" if free > GIGABYTE else "bad" if free < GIGABYTE // 10 else "note"
    writable: State = "ok" if os.access(home, os.W_OK) else "bad"
    cores = os.cpu_count() or 1
    return [
        Check(python, f"Python {version} (3.11 or later)", f"Python {version}（要求 3.11 以上）"),
        Check("ok", f"{cores} processor cores", f"{cores} 个处理器核心"),
        Check(
            room, f"{free / GIGABYTE:.1f} GB free in {home}", f"剩余空间 {free / GIGABYTE:.1f} GB"
        ),
        Check(writable, "the folder can be written", "目录可写"),
    ]


def settings() -> list[Check]:
    """Settings that fit together, keys that only we may read, rails that somebody answers."""
    try:
        read = config.read()
    except (config.Misconfigured, ValueError) as fault:
        return [Check("bad", f"settings: {fault}", "设置有误")]
    found = [Check("ok", f"mode {read.mode}, {read.public_url}", f"模式 {read.mode}")]
    keys = read.home / "keys"
    if read.keys or (keys.exists() and not keys.stat().st_mode & 0o077):
        found.append(Check("ok", "the keys are there and ours alone", "密钥就位，仅本人可读"))
    elif keys.exists():
        found.append(Check("bad", f"others can read {keys}: chmod 600", "密钥文件他人可读"))
    else:
        found.append(Check("note", "no keys yet: the first start makes them", "首次启动时生成密钥"))
    if not read.rails:
        found.append(Check("note", "no rails: nobody can pay", "还没有支付等通道"))
    for name, rail in sorted(read.rails.items()):
        state: State = "ok" if _listens(str(rail.get("base_url", ""))) else "note"
        words = ("answers", "有应答") if state == "ok" else ("does not answer now", "暂无应答")
        found.append(Check(state, f"rail {name} {words[0]}", f"通道 {name} {words[1]}"))
    if "courier" in read.rails and (lacking := trackers.faults(read.rails["courier"])):
        found.append(Check("bad", f"rail courier: {lacking}", "物流跟踪的设置不全"))
    return found


def _listens(address: str) -> bool:
    """Whether something takes connections there; a rail without an address is called by its own."""
    parts = urlsplit(address)
    if not parts.hostname:
        return True
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname, port), timeout=2).close()
    except OSError:
        return False
    return True


async def database(home: Path) -> list[Check]:
    """Whether the database answers, is up to date, and which jobs wait for a person."""
    address = os.environ.get("DATABASE_URL", "")
    if not address:
        cluster = Cluster(home)
        if not cluster.accepts():
            return [Check("note", "the database is not running here", "数据库没有在运行")]
        address = cluster.dsn()
    try:
        conn = await asyncpg.connect(address, timeout=5)
    except (OSError, TimeoutError, asyncpg.PostgresError) as fault:
        return [Check("bad", f"the database does not answer: {fault}", "数据库无应答")]
    try:
        await db.prepare(conn)
        return await _inside(conn)
    finally:
        await conn.close()


async def _inside(conn: asyncpg.Connection[asyncpg.Record]) -> list[Check]:
    number = conn.get_server_version()
    good: State = "ok" if number.major >= 18 else "bad"
    found = [Check(good, f"PostgreSQL {number.major}.{number.minor}", "要求 18 以上")]
    missing = await migrate.missing(conn)
    if missing:
        text = f"{len(missing)} migrations to apply: ./run migrate"
        return [*found, Check("note", text, f"有 {len(missing)} 个升级待执行：./run migrate")]
    found.append(Check("ok", "the tables are up to date", "数据库结构为最新"))
    held = sum(count.held for count in await jobs.counts(conn))
    state: State = "note" if held else "ok"
    found.append(Check(state, f"{held} jobs wait for a person", f"{held} 个任务等人处理"))
    ahead = await installation.clock_offset(conn)
    if ahead > timedelta():
        found.append(Check("note", f"the demo's clock is {ahead} ahead", f"演示时钟快 {ahead}"))
    return found
