"""Memory at rest: the PSS of every process of a demo whose town is built."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from bench import ground, start

GOAL_MB = 250
SETTLED_SECONDS = 8.0
LONGEST_SECONDS = 240.0
_QUIET_MICROS_PER_SECOND = 60_000  # all processes together


def measure(seconds: float, pairs: int) -> dict[str, Any]:
    """Start the demo, let it come to rest, add up what each process holds; MB are 1024 * 1024.

    PSS counts a page that n processes share as 1/n for each. `ratio` is what is allowed over what
    it is. Raises ground.Missing.
    """
    with (
        tempfile.TemporaryDirectory(prefix="littleshop-bench-") as folder,
        start.demo(Path(folder)) as (process, _),
    ):
        waited, cpu = _rest(process)
        held = {pid: _pss_kb(pid) for pid in ground.family(process)}
        words = {pid: _what(pid) for pid in held}
    by_role: Counter[str] = Counter()
    for pid, kilobytes in held.items():
        by_role[words[pid]] += kilobytes
    total = sum(held.values()) / 1024
    return {
        "name": "idle",
        "ratio": round(GOAL_MB / total, 3),
        "goal": 1.0,
        "megabytes": round(total, 1),
        "goal_megabytes": GOAL_MB,
        "megabytes_by_role": {name: round(kb / 1024, 1) for name, kb in by_role.most_common()},
        "processes": len(held),
        "settled_after_seconds": round(waited, 1),
        "cpu_us_per_second_idle": round(cpu),
        "cpu_us_per_operation": {"web": None, "database": None, "client": None},
    }


def _rest(process: int) -> tuple[float, float]:
    """Wait until nobody builds any more; seconds waited, CPU us per second of the last seconds."""
    began = time.monotonic()
    while True:
        before = ground.cpu_micros(process)
        time.sleep(SETTLED_SECONDS)
        spent = (ground.cpu_micros(process) - before) / SETTLED_SECONDS
        waited = time.monotonic() - began
        building = any("furnish" in _command(pid) for pid in ground.family(process))
        if waited > LONGEST_SECONDS or (not building and spent < _QUIET_MICROS_PER_SECOND):
            return waited, spent


def _pss_kb(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:
        pass  # it ended while we looked, or it belongs to somebody else
    return 0


def _command(pid: int) -> str:
    """The command line of a process, and the name it gave itself."""
    folder = Path(f"/proc/{pid}")
    try:
        line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        return line + (folder / "comm").read_text().strip()
    except OSError:
        return ""


def _what(pid: int) -> str:
    """The role of a process by its command line."""
    words = _command(pid)
    for mark, role in (
        ("littleshop web", "web"),
        ("littleshop work", "worker"),
        ("littleshop crew", "crew"),
        ("-m sandbox", "sandbox"),
        ("postgres", "database"),
        ("furnish", "town"),
        ("littleshop", "supervisor"),
    ):
        if mark in words:
            return role
    return "other"
