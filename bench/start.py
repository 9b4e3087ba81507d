"""Starting: from the command to the first page, in a fresh home (cold) and again (warm)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import ground

GOAL_COLD_SECONDS = 5.0
GOAL_WARM_SECONDS = 2.0
LONGEST_SECONDS = 120.0
ROOT = Path(__file__).parent.parent


def measure(seconds: float, pairs: int) -> dict[str, Any]:
    """Each pair is a start in a fresh home and one in the same home again.

    `ratio` is what is allowed over what it took, the worse of cold and warm; CPU is that of all
    processes until the first page. Raises ground.Missing.
    """
    cold, warm = [], []
    for _ in range(pairs):
        with tempfile.TemporaryDirectory(prefix="littleshop-bench-") as folder:
            cold.append(_start(Path(folder)))
            warm.append(_start(Path(folder)))
    middle = {
        name: ground.median([run["seconds"] for run in runs], 3)
        for name, runs in (("cold", cold), ("warm", warm))
    }
    ratios = {
        "cold": round(GOAL_COLD_SECONDS / middle["cold"], 3),
        "warm": round(GOAL_WARM_SECONDS / middle["warm"], 3),
    }
    return {
        "name": "start",
        "ratio": min(ratios.values()),
        "goal": 1.0,
        "cold_seconds": middle["cold"],
        "warm_seconds": middle["warm"],
        "goal_cold_seconds": GOAL_COLD_SECONDS,
        "goal_warm_seconds": GOAL_WARM_SECONDS,
        "cold": cold,
        "warm": warm,
        "command": " ".join(command()),
        "cpu_us_per_operation": {
            "web": ground.median([run["cpu_us"] for run in warm], 0),
            "database": None,
            "client": None,
        },
    }


def command() -> list[str]:
    """./run when its environment is the one we stand in, else the same without the shell."""
    if Path(sys.prefix).is_relative_to(ROOT / ".venv"):
        return [str(ROOT / "run")]
    return [sys.executable, "-m", "littleshop", "demo"]


@contextmanager
def demo(folder: Path) -> Iterator[tuple[int, float]]:
    """The demo as a newcomer starts it; its process and the seconds to its first page."""
    ready = folder / "ready.json"
    ports = folder / "ports"
    if not ports.exists():  # a warm start has the addresses of the cold one
        ports.write_text(f"{ground.free_port()} {ground.free_port()}")
    port, sandbox_port = ports.read_text().split()
    asked = [*command(), "--home", str(folder / "home"), "--ready-file", str(ready)]
    asked += ["--port", port, "--sandbox-port", sandbox_port]
    told = {name: text for name, text in os.environ.items() if name not in _OURS}
    ready.unlink(missing_ok=True)
    started = time.monotonic()
    with (folder / "said.txt").open("ab") as said:
        process = subprocess.Popen(
            asked, cwd=ROOT, env=told, stdout=said, stderr=said, start_new_session=True
        )
    try:
        _await(process, ready, f"http://127.0.0.1:{port}/", folder / "said.txt")
        yield process.pid, time.monotonic() - started
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


# What a command is told about the home it was called for; the demo here has one of its own.
_OURS = {"DATABASE_URL", "LITTLESHOP_HOME", "LITTLESHOP_MODE", "PUBLIC_URL", "SANDBOX_URL"}


def _await(process: subprocess.Popen[bytes], ready: Path, url: str, said: Path) -> None:
    until = time.monotonic() + LONGEST_SECONDS
    while process.poll() is None and time.monotonic() < until:
        if ready.exists():
            try:
                with urllib.request.urlopen(url, timeout=10) as answer:
                    answer.read()
                return
            except urllib.error.HTTPError as fault:
                raise ground.Missing(f"the first page answers {fault.code}") from fault
        time.sleep(0.005)
    raise ground.Missing("it does not start:\n" + "\n".join(said.read_text().splitlines()[-12:]))


def _start(folder: Path) -> dict[str, float]:
    with demo(folder) as (process, seconds):
        return {"seconds": round(seconds, 3), "cpu_us": ground.cpu_micros(process)}
