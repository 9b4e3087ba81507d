"""The ground a measurement stands on: a server and a web process of its own, and their CPU."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import statistics
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from littleshop import home as homes
from littleshop import migrate, postgres, starting
from littleshop.supervise import Supervisor

_TICK_MICROS = 1_000_000 // os.sysconf("SC_CLK_TCK")
CONNECTIONS = 32
WARM_SECONDS = 2.0  # before what is measured: plans, caches, connections; 0 leaves it out


class Missing(Exception):
    """A program that the measurement needs is not installed; the text says how to get it."""


@dataclass
class Ground:
    """A home with a running server; `web` serves it once `serve` was called."""

    home: Path
    dsn: str
    postmaster: int
    port: int = field(default_factory=lambda: free_port())
    web: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def tool(package: str, name: str) -> str:
    """The path of a program. Raises Missing naming the system package."""
    for folder in (None, "/usr/sbin", *map(str, Path("/usr/lib/postgresql").glob("*/bin"))):
        if found := shutil.which(name, path=folder):
            return found
    raise Missing(f"{name} is missing: install the system package {package}")


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def ground() -> Iterator[Ground]:
    """A fresh home with the embedded server as ./run starts it, migrated; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="littleshop-bench-") as folder:
        home = homes.make(Path(folder) / "home")
        with postgres.running(home) as cluster:
            asyncio.run(migrate.migrate(cluster.dsn()))
            assert cluster.process is not None
            yield Ground(home, cluster.dsn(), cluster.process.pid)


@contextlib.contextmanager
def serving(place: Ground, *, workers: int | None = None) -> Iterator[int]:
    """The web processes of ./run on this ground; gives how many workers it has."""
    plan = starting.Plan(place.home, "demo", "127.0.0.1", place.port, 0, place.url)
    told = plan.environment() | {"DATABASE_URL": place.dsn, "TRUSTED_PROXIES": "127.0.0.1"}
    told.pop("SANDBOX_URL")
    many = workers or starting.web_workers()
    supervisor = Supervisor(say=print)
    try:
        child = starting.crew(plan, told, web=many, worker=False)
        supervisor.add(child)
        assert child.process is not None
        place.web = child.process.pid
        _await(f"{place.url}/readyz", place.home / "logs" / "web.log")
        yield many
    finally:
        supervisor.stop()


def _await(url: str, log: Path) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2) as answer:
            if answer.status == 200:
                return
        time.sleep(0.05)
    raise Missing(f"no page at {url}:\n" + "\n".join(log.read_text().splitlines()[-12:]))


def cpu_micros(root: int) -> int:
    """CPU of a process and all below it so far, ended ones included, in microseconds."""
    parents: dict[int, int] = {}
    spent: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended while we looked
        pid = int(entry.parent.name)
        parents[pid] = int(words[1])
        spent[pid] = sum(map(int, words[11:15]))  # user, system; own and ended children's
    return sum(spent[pid] for pid in spent if _below(pid, root, parents)) * _TICK_MICROS


def _below(pid: int, root: int, parents: dict[int, int]) -> bool:
    while pid > 1:
        if pid == root:
            return True
        pid = parents.get(pid, 0)
    return False


def family(root: int) -> list[int]:
    """A process and all below it."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            words = entry.read_text().rpartition(")")[2].split()
            parents[int(entry.parent.name)] = int(words[1])
    return [pid for pid in parents if _below(pid, root, parents)]


@dataclass
class Ran:
    """What a load generator said, and the CPU it took itself."""

    text: str
    cpu_micros: int


def run(command: Sequence[str], environment: dict[str, str] | None = None) -> Ran:
    """Run a load generator to its end. Raises Missing with its words when it fails."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command,
            stdout=said,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read().decode(errors="replace")
    if process.returncode != 0:
        raise Missing(f"{command[0]} failed:\n{text}")
    return Ran(text, int((usage.ru_utime + usage.ru_stime) * 1_000_000))


async def ask(dsn: str, sql: str) -> object:
    """One value from the database, as its owner."""
    conn = await asyncpg.connect(dsn)
    try:
        return await conn.fetchval(sql)
    finally:
        await conn.close()


def asked(dsn: str, sql: str) -> object:
    """The same, outside of any loop."""
    return asyncio.run(ask(dsn, sql))


def median(values: Sequence[float], digits: int = 2) -> float:
    """The middle one, rounded."""
    return round(statistics.median(values), digits)
