"""The embedded server: made, stopped, killed and found again, for root and in closed folders."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from littleshop import postgres
from littleshop.postgres import Cluster


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    server = Cluster(tmp_path, settings=QUICK)
    yield server
    server.stop()


QUICK = {"fsync": "off"}  # for homes that are thrown away


async def ask(server: Cluster, sql: str) -> object:
    conn = await asyncpg.connect(server.dsn())
    try:
        return await conn.fetchval(sql)
    finally:
        await conn.close()


def postmaster(server: Cluster) -> int:
    return int((server.data / "postmaster.pid").read_text().split()[0])


async def test_a_fresh_home_gets_a_server_that_keeps_its_promises(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)
    cluster.start()
    assert str(await ask(cluster, "show server_version")).startswith("18.")
    assert await ask(cluster, "show fsync") == "on"
    assert await ask(cluster, "show synchronous_commit") == "on"
    assert await ask(cluster, "show listen_addresses") == ""
    assert await ask(cluster, "select datlocale from pg_database where datname = 'littleshop'") == (
        "C.UTF-8"
    )
    cluster.stop()


async def test_nobody_else_may_look_into_the_folder(cluster: Cluster) -> None:
    cluster.start()
    assert cluster.folder.stat().st_mode & 0o777 == 0o700
    assert cluster.data.stat().st_mode & 0o777 == 0o700


async def test_what_was_written_is_there_after_a_stop_and_a_start(cluster: Cluster) -> None:
    cluster.start()
    await ask(cluster, "create table kept as select 7 as number")
    cluster.stop()
    assert not cluster.accepts()
    cluster.start()
    assert await ask(cluster, "select number from kept") == 7


async def test_a_killed_server_is_started_anew_without_a_loss(cluster: Cluster) -> None:
    cluster.start()
    await ask(cluster, "create table kept as select 7 as number")
    os.kill(postmaster(cluster), signal.SIGKILL)
    assert cluster.process is not None
    cluster.process.wait()
    cluster.start()
    assert await ask(cluster, "select number from kept") == 7


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


async def test_a_pid_file_that_names_some_other_process_does_not_stop_the_start(
    cluster: Cluster, bystander: subprocess.Popen[bytes]
) -> None:
    cluster.start()
    cluster.stop()
    (cluster.data / "postmaster.pid").write_text(f"{bystander.pid}\n{cluster.data}\n")
    (cluster.folder / ".s.PGSQL.5432.lock").write_text(f"{bystander.pid}\n")
    cluster.start()
    assert bystander.poll() is None
    assert await ask(cluster, "select 1") == 1


async def test_a_server_left_over_by_an_earlier_run_is_ended_first(tmp_path: Path) -> None:
    earlier, later = (Cluster(tmp_path, settings=QUICK) for _ in range(2))
    earlier.start()
    try:
        later.start()
        assert earlier.process is not None
        assert earlier.process.wait(5) == 0
        assert await ask(later, "select 1") == 1
    finally:
        later.stop()
        earlier.stop()


def test_the_server_ends_when_its_supervisor_is_killed(tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux tells a child of its parent's end")
    program = (
        "import sys, time; from pathlib import Path; from littleshop.postgres import Cluster;"
        "Cluster(Path(sys.argv[1])).start(); print('up', flush=True); time.sleep(600)"
    )
    supervisor = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE
    )
    assert supervisor.stdout is not None
    with supervisor.stdout as said:
        assert said.readline() == b"up\n"
    server = Cluster(tmp_path)
    assert server.accepts()
    supervisor.kill()
    supervisor.wait()
    until = time.monotonic() + 10
    while server.accepts() and time.monotonic() < until:
        time.sleep(0.01)
    assert not server.accepts()


async def test_a_long_folder_name_is_no_hindrance(tmp_path: Path) -> None:
    deep = tmp_path / ("a-long-name-" * 8) / ("b" * 40)
    with postgres.running(deep, settings=QUICK) as server:
        assert await ask(server, "select 1") == 1
        link = server._socket_folder()
        assert link.parent == Path(tempfile.gettempdir())
    link.unlink()


async def test_root_starts_it_inside_a_folder_that_only_root_may_enter(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("about root")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with postgres.running(closed / "home", settings=QUICK) as server:
        assert await ask(server, "select 1") == 1
        assert server.folder.stat().st_uid != 0
    assert closed.stat().st_mode & 0o777 == 0o700
    assert closed.stat().st_uid == 0
    assert (closed / "home").stat().st_uid == 0


def test_a_broken_data_folder_is_reported_with_the_servers_words(cluster: Cluster) -> None:
    cluster.start()
    cluster.stop()
    (cluster.data / "global" / "pg_control").write_bytes(b"")
    with pytest.raises(postgres.PostgresFailed, match="pg_control"):
        cluster.start()
