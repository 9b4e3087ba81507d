"""Keep child processes running: start, watch, restart with a growing pause, stop in order."""

from __future__ import annotations

import contextlib
import itertools
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from types import FrameType
from typing import Protocol

from littleshop import logs
from littleshop.leash import leash

SHORTEST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 10.0
STEADY_SECONDS = 30.0  # a child that ran this long is forgiven its earlier falls
LOG_SECONDS = 5.0  # between two looks at how long the logs are
LOG_BYTES = 8 << 20  # of a log before it is put aside
LOGS_KEPT = 3  # put aside; older ones go


class Stopped(BaseException):
    """Ctrl-C or SIGTERM: not an error, and nothing on the way out may swallow it."""


class Process(Protocol):
    """What is asked of a running child: of subprocess.Popen, or of forking.Forked."""

    pid: int

    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, number: int, /) -> None: ...
    def kill(self) -> None: ...


@dataclass
class Child:
    """A process to keep running. `spawn` starts it anew; the signal asks it to finish."""

    name: str
    spawn: Callable[[], Process]
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 5.0
    log: Path | None = None  # where its words go; put aside when it grows too long
    once: bool = False  # finished is fine; only a failure is repeated
    process: Process | None = None
    started_at: float = 0.0
    falls: int = 0
    due_at: float | None = None  # monotonic; None while it runs or when it need not run

    def start(self) -> None:
        self.process = self.spawn()
        self.started_at = time.monotonic()
        self.due_at = None

    def reap(self, now: float) -> int | None:
        """The exit status when it has ended just now; then a restart is due after a pause."""
        if self.process is None or (status := self.process.poll()) is None:
            return None
        kill_group(self.process.pid)  # what it forked and left behind
        self.process = None
        if self.once and status == 0:
            return status
        if now - self.started_at > STEADY_SECONDS:
            self.falls = 0
        self.due_at = now + min(SHORTEST_PAUSE_SECONDS * 2**self.falls, LONGEST_PAUSE_SECONDS)
        self.falls += 1
        return status


def program(
    arguments: Sequence[str], environment: dict[str, str], log: Path
) -> Callable[[], subprocess.Popen[bytes]]:
    """How to start `python ARGUMENTS` in a session of its own, tied to us, its words in `log`."""

    def spawn() -> subprocess.Popen[bytes]:
        log.parent.mkdir(mode=0o700, exist_ok=True)
        with log.open("ab") as file:
            return subprocess.Popen(
                [sys.executable, *arguments],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,  # Ctrl-C reaches only us; we stop them in order
                preexec_fn=leash(signal.SIGTERM),
            )

    return spawn


def kill_group(leader: int) -> None:
    """Kill what is left of a session that we started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


class Supervisor:
    """Children in the order they depend on one another; stopped in the reverse order."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.children: list[Child] = []
        self.say = say
        self._woken: socket.socket | None = None
        self._looked_at = float("-inf")

    @contextlib.contextmanager
    def signals(self) -> Iterator[None]:
        """Turn SIGINT, SIGTERM and SIGHUP into Stopped; wake up when a child ends."""

        def stop(_number: int, _frame: FrameType | None) -> None:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)  # stopping has begun: once is enough
            raise Stopped

        handlers = dict.fromkeys((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), stop)
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        woken, waker = socket.socketpair()
        woken.setblocking(False)
        waker.setblocking(False)
        descriptor = signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        self._woken = woken
        try:
            yield
        finally:
            self._woken = None
            signal.set_wakeup_fd(descriptor)
            woken.close()
            waker.close()
            for number, handler in before.items():
                signal.signal(number, handler)

    def add(self, child: Child) -> None:
        """Start a child and keep it running from now on."""
        self.children.append(child)
        child.start()

    def watch(self, done: Callable[[], bool] | None = None, *, poll_seconds: float = 0.03) -> None:
        """Restart what falls, until `done()` (asked every `poll_seconds`) or for ever."""
        while not (done and done()):
            now = time.monotonic()
            for child in self.children:
                status = child.reap(now)
                if status is not None and child.due_at is not None:
                    self.say(
                        f"{child.name} ended ({status}), again in {child.due_at - now:.1f} s"
                        f" · {child.name} 意外退出（{status}），即将重启"
                    )
                if child.due_at is not None and child.due_at <= now:
                    child.start()
            self._keep_logs_short(now)
            dues = [child.due_at for child in self.children if child.due_at is not None]
            longest = poll_seconds if done else LOG_SECONDS
            self._sleep(min(longest, max(0.0, min(dues) - now)) if dues else longest)

    def _keep_logs_short(self, now: float) -> None:
        if now - self._looked_at < LOG_SECONDS:
            return
        self._looked_at = now
        for child in self.children:
            if child.log is not None:
                logs.rotate(child.log, most_bytes=LOG_BYTES, kept=LOGS_KEPT)

    def _sleep(self, seconds: float) -> None:
        assert self._woken is not None, "watch() stands inside signals()"
        select.select([self._woken], [], [], seconds)
        with contextlib.suppress(BlockingIOError):
            self._woken.recv(4096)

    def stop(self) -> None:
        """Stop the last started first, those of one name together; each gets its time, then it is
        killed with its group."""
        for _, alike in itertools.groupby(reversed(self.children), key=attrgetter("name")):
            together = list(alike)
            for child in together:
                if child.process is not None and child.process.poll() is None:
                    child.process.send_signal(child.stop_signal)
            for child in together:
                _end(child)
        self.children.clear()


def _end(child: Child) -> None:
    """Wait for a child that was asked to finish; kill it when its time is over."""
    process = child.process
    if process is None:
        return
    if process.poll() is None:
        try:
            process.wait(child.stop_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    kill_group(process.pid)
    child.process = None
