"""The supervisor with real child processes: restart, growing pause, order of stopping, the home."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from littleshop import __main__ as command
from littleshop import home as homes
from littleshop import logs, starting, supervise
from littleshop.supervise import (
    LONGEST_PAUSE_SECONDS,
    SHORTEST_PAUSE_SECONDS,
    Child,
    Stopped,
    Supervisor,
    program,
)

# It writes its number when it is up, then waits to be ended.
WAITS = "import os, sys, time; open(sys.argv[1], 'a').write(f'{os.getpid()}\\n'); time.sleep(600)"


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    running = Supervisor(say=lambda _line: None)
    with running.signals():
        yield running
        running.stop()


def waiting(tmp_path: Path, name: str = "waiting", code: str = WAITS) -> Child:
    started = str(tmp_path / f"{name}.started")
    environment = {**os.environ, homes.SUPERVISED: str(tmp_path)}
    log = tmp_path / "logs" / "log"
    return Child(name, program(["-c", code, started], environment, log), log=log)


def starts(tmp_path: Path, name: str = "waiting") -> list[int]:
    path = tmp_path / f"{name}.started"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def within(seconds: float, done: Callable[[], bool]) -> Callable[[], bool]:
    until = time.monotonic() + seconds

    def asked() -> bool:
        assert time.monotonic() < until, "took too long"
        return done()

    return asked


def test_a_killed_child_is_started_again(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.add(waiting(tmp_path))
    supervisor.watch(within(10, lambda: len(starts(tmp_path)) == 1))
    os.kill(starts(tmp_path)[0], signal.SIGKILL)
    supervisor.watch(within(10, lambda: len(starts(tmp_path)) == 2))


def test_a_child_that_keeps_falling_is_started_less_and_less_often(tmp_path: Path) -> None:
    child = waiting(tmp_path, code="raise SystemExit(3)")
    pauses = []
    for _ in range(8):
        child.start()
        assert child.process is not None
        child.process.wait()
        now = time.monotonic()
        assert child.reap(now) == 3
        assert child.due_at is not None
        pauses.append(child.due_at - now)
    assert pauses == sorted(pauses)
    assert pauses[0] == pytest.approx(SHORTEST_PAUSE_SECONDS)
    assert pauses[-1] == pytest.approx(LONGEST_PAUSE_SECONDS)


def test_a_child_that_had_only_one_thing_to_do_is_left_in_peace(tmp_path: Path) -> None:
    child = waiting(tmp_path, code="pass")
    child.once = True
    child.start()
    assert child.process is not None
    child.process.wait()
    assert child.reap(time.monotonic()) == 0
    assert child.due_at is None


def test_what_a_dead_child_forked_dies_with_it(supervisor: Supervisor, tmp_path: Path) -> None:
    forks = (
        "import subprocess, sys, time;"
        f"subprocess.Popen([sys.executable, '-c', {WAITS!r}, sys.argv[1]]); time.sleep(600)"
    )
    child = waiting(tmp_path, code=forks)
    supervisor.add(child)
    supervisor.watch(within(10, lambda: len(starts(tmp_path)) == 1))
    grandchild = starts(tmp_path)[0]
    assert child.process is not None
    child.process.kill()
    supervisor.watch(within(10, lambda: grandchild not in homes.leftovers(tmp_path)))


def test_children_are_stopped_in_the_reverse_order_of_their_start(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    told = tmp_path / "told"
    code = (
        "import os, signal, sys, time\n"
        f"def end(*_): open({str(told)!r}, 'a').write(os.path.basename(sys.argv[1]) + ' ')\n"
        "signal.signal(signal.SIGTERM, lambda *_: (end(), sys.exit()))\n"
        + WAITS.replace("; ", "\n")
    )
    for name in ("first", "second"):
        supervisor.add(waiting(tmp_path, name, code))
    both = within(10, lambda: bool(starts(tmp_path, "first") and starts(tmp_path, "second")))
    supervisor.watch(both)
    supervisor.stop()
    assert told.read_text().split() == ["second.started", "first.started"]


# It writes 12 kB at once, three times, each when it sees that its log was emptied under its hands.
WRITES = """
import os, sys, time
for burst in "abc":
    os.write(1, f"{burst}\\n".encode() * 6_000)
    while os.fstat(1).st_size:
        time.sleep(0.001)
print("end", flush=True)
"""


def test_a_log_that_grows_is_put_aside_while_its_process_writes_on(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervise, "LOG_SECONDS", 0.0)
    monkeypatch.setattr(supervise, "LOG_BYTES", 10_000)
    supervisor.add(waiting(tmp_path, code=WRITES + WAITS.replace("; ", "\n")))
    supervisor.watch(within(20, lambda: bool(starts(tmp_path))), poll_seconds=0.001)
    told = {path.name: path.read_text() for path in (tmp_path / "logs").iterdir()}
    bursts = {f"log.{place}": f"{burst}\n" * 6_000 for place, burst in enumerate("cba", start=1)}
    assert told == {"log": "end\n", **bursts}


def test_only_so_many_logs_are_kept_and_the_newest_is_number_one(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    for written in "abcde":
        with log.open("a") as file:
            file.write(written * 10)
        assert logs.rotate(log, most_bytes=5, kept=3)
        assert not logs.rotate(log, most_bytes=5, kept=3)
    kept = {path.name: path.read_text()[0] for path in tmp_path.iterdir() if path != log}
    assert kept == {"web.log.1": "e", "web.log.2": "d", "web.log.3": "c"}
    assert log.read_text() == ""


def test_a_log_that_cannot_be_kept_is_emptied_all_the_same(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    log.write_text("a" * 10)
    (tmp_path / "web.log.1").mkdir()
    (tmp_path / "web.log.1" / "in the way").touch()
    (tmp_path / "web.log.2").write_text("")
    logs.rotate(log, most_bytes=5, kept=1)
    assert log.read_text() == ""
    assert not logs.rotate(tmp_path / "never written", most_bytes=5, kept=3)


def test_ctrl_c_ends_the_watch(supervisor: Supervisor) -> None:
    def pressed() -> bool:
        os.kill(os.getpid(), signal.SIGINT)
        return False

    with pytest.raises(Stopped):
        supervisor.watch(pressed)


def test_children_die_with_a_killed_supervisor(tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux tells a child of its parent's end")
    code = (
        "import sys; from pathlib import Path; from tests.test_supervise import waiting;"
        "from littleshop.supervise import Supervisor;"
        "s = Supervisor(print); s.add(waiting(Path(sys.argv[1])))\n"
        "with s.signals(): s.watch()"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=homes.DEFAULT.parent)
    until = time.monotonic() + 20
    while not starts(tmp_path) and time.monotonic() < until:
        os.sched_yield()
    assert homes.leftovers(tmp_path) == starts(tmp_path)
    parent.kill()
    parent.wait()
    while homes.leftovers(tmp_path) and time.monotonic() < until:
        os.sched_yield()
    assert homes.leftovers(tmp_path) == []


def test_what_an_earlier_run_left_alive_is_ended(tmp_path: Path) -> None:
    environment = {**os.environ, homes.SUPERVISED: str(tmp_path)}
    stubborn = (
        "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(600)"
    )
    left = subprocess.Popen(
        [sys.executable, "-c", stubborn], env=environment, stdout=subprocess.PIPE
    )
    assert left.stdout is not None
    with left.stdout as said:
        said.readline()
    homes.end_leftovers(tmp_path, seconds=0.2)
    assert left.wait(5) == -signal.SIGKILL


def test_a_second_start_on_the_same_home_is_refused_politely(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    homes.remember(tmp_path, {"PUBLIC_URL": "http://127.0.0.1:8123"})
    with homes.held(tmp_path, "running"):
        assert starting.demo(["--home", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert "already running" in told
    assert "已在" in told
    assert "http://127.0.0.1:8123" in told


def test_a_home_is_free_again_when_its_holder_was_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from littleshop import home\n"
        "with home.held(Path(sys.argv[1]), 'running'):\n"
        "    print('held', flush=True); time.sleep(600)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdout=subprocess.PIPE,
        cwd=homes.DEFAULT.parent,
    )
    assert holder.stdout is not None
    with holder.stdout as said:
        assert said.readline() == b"held\n"
    with pytest.raises(homes.InUse), homes.held(tmp_path, "command"):
        pass
    holder.kill()
    holder.wait()
    with homes.held(tmp_path, "command"):
        pass


def test_a_port_in_use_is_named_with_the_way_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert starting.demo(["--home", str(tmp_path), "--port", port]) == 1
    told = capsys.readouterr().err
    assert port in told
    assert "--port N" in told


def test_every_command_takes_a_home(tmp_path: Path) -> None:
    home, rest = command.take_home(
        ["--json", "--home", str(tmp_path / "new"), "--on", "2026-11-20"]
    )
    assert home == tmp_path / "new"
    assert rest == ["--json", "--on", "2026-11-20"]


@pytest.mark.parametrize(
    "name",
    ["audit", "settle", "held", "backup", "recover", "operator", "clock", "payee", "migrate"],
)
def test_where_there_is_nothing_a_command_that_looks_makes_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert command.main([name, "--home", str(tmp_path / "nowhere")]) == 1
    told = capsys.readouterr().err
    assert "there is no littleshop at" in told and "这里没有 littleshop" in told
    assert not (tmp_path / "nowhere").exists()


def test_an_unknown_command_shows_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["setle"]) == 2
    assert "settle" in capsys.readouterr().err


def test_the_ready_file_appears_whole(tmp_path: Path) -> None:
    path = tmp_path / "ready.json"
    homes.write(path, "{}")
    assert path.read_text() == "{}"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_the_supervisor_holds_nothing_that_others_need(tmp_path: Path) -> None:
    code = "import sys; from littleshop import starting; print(*sys.modules)"
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=homes.DEFAULT.parent, capture_output=True, check=True
    )
    heavy = {"asyncio", "asyncpg", "cryptography", "email", "httpx", "msgspec", "ssl", "starlette"}
    assert heavy.isdisjoint(said.stdout.decode().split())
