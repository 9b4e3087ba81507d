"""DIR: the one folder that keeps everything. Who runs it, and what an earlier run left alive."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

Purpose = Literal["running", "command"]
SUPERVISED = "LITTLESHOP_SUPERVISED"  # in the environment of every process we start: its home
DEFAULT = Path(__file__).resolve().parent.parent / "var"


class InUse(Exception):
    """Somebody else holds this home; `holder` is what he wrote about himself."""

    def __init__(self, home: Path, holder: dict[str, Any]) -> None:
        super().__init__(str(home))
        self.home = home
        self.holder = holder


def make(home: Path) -> Path:
    """The folder itself, for its owner only when it is new."""
    if not home.exists():
        home.mkdir(parents=True, mode=0o700)
    return home.resolve()


def is_lived_in(home: Path) -> bool:
    """Whether there is an installation: a database of its own, or the address of another one."""
    return (home / "postgres").exists() or "DATABASE_URL" in recall(home)


@contextlib.contextmanager
def held(home: Path, purpose: Purpose, *, wait_seconds: float = 30) -> Iterator[None]:
    """Hold the lock of `home`: one supervisor, or one command that needs its database.

    The kernel lets go of it when we die, however that happens. Waits for a command to finish,
    not for a running littleshop. Raises InUse.
    """
    with (home / "lock").open("a+") as file:
        until = time.monotonic() + wait_seconds
        while not _try(file.fileno()):
            holder = _holder(home)
            if holder.get("purpose") == "running" or time.monotonic() > until:
                raise InUse(home, holder)
            time.sleep(0.05)
        file.truncate(0)
        file.write(json.dumps({"pid": os.getpid(), "purpose": purpose}))
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(home: Path) -> dict[str, Any]:
    try:
        told = json.loads((home / "lock").read_text())
    except ValueError:  # taken a moment ago, not yet written
        return {}
    return told if isinstance(told, dict) else {}


def remember(home: Path, told: dict[str, str]) -> None:
    """Keep the addresses and the mode of this start, so that later commands agree with it."""
    write(home / "environment.json", json.dumps(told, indent=1))


def recall(home: Path) -> dict[str, str]:
    """What the last start kept; empty before the first one."""
    try:
        told = json.loads((home / "environment.json").read_text())
    except (OSError, ValueError):
        return {}
    return {str(name): str(value) for name, value in told.items()}


def write(path: Path, text: str) -> None:
    """Put a whole file in its place at once, readable by its owner only."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def end_leftovers(home: Path, *, seconds: float = 5) -> int:
    """End processes of an earlier run on this home; the caller holds the lock. Returns how many.

    Needed where a child's leash does not hold (leash.py), and for what a child started itself.
    Linux only; elsewhere there is nothing to ask.
    """
    found = leftovers(home)
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        for pid in leftovers(home):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal_number)
        until = time.monotonic() + seconds
        while leftovers(home) and time.monotonic() < until:
            time.sleep(0.02)
    return len(found)


def leftovers(home: Path) -> list[int]:
    """Living processes whose environment says that this home's supervisor started them."""
    if sys.platform != "linux":
        return []
    wanted = f"{SUPERVISED}={home}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if wanted in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return found
