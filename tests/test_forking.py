"""Forked processes: their words, their end, their name, and that they do not outlive us."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from littleshop import home as homes

# Forks are made by a process of their own: a test runner may have threads.
START = """
import os, signal, sys, time
from pathlib import Path
from littleshop import supervise
from littleshop.forking import forked
from littleshop.supervise import Child, Stopped, Supervisor
here = Path(sys.argv[1])
def come():
    with (here / "came").open("a") as file:
        file.write(f"{os.getpid()} {Path('/proc/self/comm').read_text()}")
def stays():
    come()
    print("a word", flush=True)
    time.sleep(600)
    return 0
def falls():
    come()
    raise ValueError("no")
"""


def run(tmp_path: Path, code: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", START + code, str(tmp_path)],
        cwd=homes.DEFAULT.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def came(tmp_path: Path, many: int) -> list[int]:
    """The first `many` that came, once they have."""
    until = time.monotonic() + 20
    while True:
        path = tmp_path / "came"
        lines = path.read_text().splitlines() if path.exists() else []
        if len(lines) >= many:
            assert all(line.endswith(" a fork") for line in lines)
            return [int(line.split()[0]) for line in lines]
        assert time.monotonic() < until, "nobody came"
        os.sched_yield()


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_forked_process_ends_with_its_status_and_its_words_are_in_its_log(
    tmp_path: Path,
) -> None:
    code = """
log = here / "logs" / "log"
print(forked("a fork", lambda: 7, log)().wait(), forked("a fork", falls, log)().wait())
one = forked("a fork", stays, log)()
while not (log.exists() and "a word" in log.read_text()): pass
print(one.poll())
one.send_signal(signal.SIGTERM)
print(one.wait(10), one.poll())
"""
    said, complaints = run(tmp_path, code).communicate(timeout=30)
    assert said.decode().split() == ["7", "1", "None", "-15", "-15"], complaints.decode()
    assert "ValueError: no" in (tmp_path / "logs" / "log").read_text()


def test_a_forked_process_that_falls_comes_back_and_all_stop_with_their_supervisor(
    tmp_path: Path,
) -> None:
    code = """
supervisor = Supervisor(say=lambda line: print(line, flush=True))
with supervisor.signals():
    try:
        supervisor.add(Child("one", forked("a fork", stays, here / "log")))
        supervisor.add(Child("two", forked("a fork", stays, here / "log")))
        supervisor.watch()
    except Stopped:
        pass
    finally:
        supervisor.stop()
print("stopped")
"""
    crew = run(tmp_path, code)
    one, two = came(tmp_path, 2)
    os.kill(one, signal.SIGKILL)
    *_, again = came(tmp_path, 3)
    assert lives(two) and lives(again)
    crew.terminate()
    said, complaints = crew.communicate(timeout=30)
    assert crew.returncode == 0 and complaints == b""
    words = said.decode().split("\n")
    assert re.match("(one|two) ended \\(-9\\)", words[0]) and words[-2] == "stopped"
    assert not any(lives(pid) for pid in (one, two, again))


def test_a_forked_process_does_not_outlive_whoever_forked_it(tmp_path: Path) -> None:
    crew = run(tmp_path, 'forked("a fork", stays, here / "log")(); time.sleep(600)')
    [pid] = came(tmp_path, 1)
    assert lives(pid)
    crew.kill()
    crew.communicate()
    until = time.monotonic() + 10
    while lives(pid) and time.monotonic() < until:
        os.sched_yield()
    assert not lives(pid)


@pytest.mark.parametrize(("ready", "told"), [(b"ready\n", "PUBLIC_URL must be https"), (b"", "")])
def test_the_crew_says_why_it_does_not_start(tmp_path: Path, ready: bytes, told: str) -> None:
    environment = {
        **os.environ,
        "LITTLESHOP_HOME": str(tmp_path),
        "LITTLESHOP_MODE": "live",
        "PUBLIC_URL": "http://shop.test",
        "DATABASE_URL": "postgresql://nobody@/none",
    }
    environment.pop("SANDBOX_URL", None)
    crew = subprocess.run(
        [sys.executable, "-m", "littleshop.crew", "--prepare"],
        cwd=homes.DEFAULT.parent,
        env=environment,
        input=ready,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert crew.returncode == 1 and told in crew.stdout.decode() and crew.stderr == b""
    assert list(tmp_path.iterdir()) == []
