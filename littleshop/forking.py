"""Processes forked from this one: they share what it has imported, until they change it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from littleshop.leash import leash, rename

_OURS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)


class Forked:
    """A forked process, with what of subprocess.Popen a supervisor asks for."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end, seconds. Raises subprocess.TimeoutExpired."""
        until = None if timeout is None else time.monotonic() + timeout
        while (status := self.poll()) is None:
            if timeout is not None and until is not None and time.monotonic() > until:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            time.sleep(0.005)
        return status

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)


def forked(name: str, run: Callable[[], int], log: Path | None = None) -> Callable[[], Forked]:
    """How to fork a process called `name` (15 bytes) that runs `run` and ends with its status: in a
    session of its own, tied to us, its words in `log`. Only for a process with one thread."""

    def spawn() -> Forked:
        tie = leash(signal.SIGTERM)
        # A signal that came between would be handled in the child as if it were us.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _OURS)
        try:
            pid = os.fork()
            if pid == 0:
                _become(name, run, log, tie, before)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return Forked(pid)

    return spawn


def _become(
    name: str,
    run: Callable[[], int],
    log: Path | None,
    tie: Callable[[], None],
    mask: set[int | signal.Signals],
) -> NoReturn:
    """The forked process, from its first moment to its last: it never returns into what we were."""
    status = 1
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in _OURS:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        tie()
        rename(name)
        if log is not None:
            log.parent.mkdir(mode=0o700, exist_ok=True)
            with log.open("ab") as file:
                os.dup2(file.fileno(), 1)
                os.dup2(file.fileno(), 2)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        status = run()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)
