"""A whole town, built once by the real command in processes of its own, one of them killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from littleshop import db, postgres
from littleshop.demo import registration
from tests import sandbox_process
from tests.sandbox_process import ROOT, Sandbox

STEPS = 20.0  # seconds until the killed builder must have begun to play


@dataclass
class Built:
    """A home whose town was built; `seconds` says what took how long."""

    home: Path
    dsn: str
    sandbox: Sandbox
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "LITTLESHOP_HOME": str(self.home),
            "LITTLESHOP_MODE": "demo",
            "DATABASE_URL": self.dsn,
            "PUBLIC_URL": "http://127.0.0.1:8000",
            "SANDBOX_URL": self.sandbox.url,
        }

    def littleshop(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "littleshop", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
        )

    def rows(self, sql: str) -> list[asyncpg.Record]:
        """What the database answers, asked as its owner."""

        async def ask() -> list[asyncpg.Record]:
            conn = await asyncpg.connect(self.dsn)
            await db.prepare(conn)
            try:
                return list(await conn.fetch(sql))
            finally:
                await conn.close()

        return asyncio.run(ask())

    def value(self, sql: str) -> Any:
        """The first column of the first row."""
        return self.rows(sql)[0][0]


def kill_in_the_middle(built: Built) -> None:
    """Start building and kill -9 the builder after some orders were played."""
    builder = subprocess.Popen(
        [sys.executable, "-m", "littleshop", "furnish"], cwd=ROOT, env=built.environment
    )
    until = time.monotonic() + STEPS
    try:
        while built.value("select count(*) from orders") < 15:
            assert builder.poll() is None and time.monotonic() < until, "nothing was played"
            time.sleep(0.1)  # another process works: there is nothing else to await
    finally:
        builder.send_signal(signal.SIGKILL)
        builder.wait()


@pytest.fixture(scope="session")
def built(
    cluster: postgres.Cluster, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Built]:
    """The town, killed in the middle, resumed, and furnished once more."""
    folder = tmp_path_factory.mktemp("town")

    async def make() -> None:
        conn = await asyncpg.connect(cluster.dsn())
        await conn.execute(f"create database built_town template {template} strategy file_copy")
        await conn.close()

    asyncio.run(make())
    with sandbox_process.running(folder / "sandbox") as sandbox:
        registration.register(folder, sandbox.url, "http://127.0.0.1:1")
        town = Built(folder, cluster.dsn("built_town"), sandbox)
        kill_in_the_middle(town)
        for name in ("resumed", "again"):
            began = time.monotonic()
            done = town.littleshop("furnish")
            assert done.returncode == 0, done.stderr
            town.seconds[name] = time.monotonic() - began
        print(json.dumps(town.seconds))
        yield town
