"""Child programs that do one thing and die: started from here, and bound in here.

`run` starts this very file as `python -I confined.py MEMORY CPU PROGRAM WORD`: it binds itself for
good and then becomes PROGRAM. So nothing of the program, no decoder and no font, is ever read by
a process without limits. It imports nothing of littleshop and gets an empty environment.
"""

from __future__ import annotations

import os
import resource
import runpy
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple


class Limits(NamedTuple):
    """What a child may take; over any of it, it is killed. `wall_seconds` is the waiting."""

    memory_bytes: int
    cpu_seconds: int
    wall_seconds: float


def run(program: Path, word: str, told: bytes, limits: Limits) -> bytes:
    """What the program answered to `told` on its standard input; empty when it was killed, ran too
    long or failed. Waits: to be called by a thread."""
    environment = {"LC_ALL": "C.UTF-8"}  # nothing of ours: no keys, no database address
    if "LD_LIBRARY_PATH" in os.environ:
        environment["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
    bounds = (str(limits.memory_bytes), str(limits.cpu_seconds))
    try:
        child = subprocess.run(
            [sys.executable, "-I", __file__, *bounds, str(program), word],
            input=told,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            timeout=limits.wall_seconds,  # run() kills the child when it is over
            check=False,
        )
    except subprocess.TimeoutExpired:
        return b""
    return child.stdout if child.returncode == 0 else b""


def bind(memory_bytes: int, cpu_seconds: int) -> None:
    """Bind this process's memory, processor time, files and core dumps (no way back up)."""
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    bind(int(sys.argv[1]), int(sys.argv[2]))
    sys.argv = sys.argv[3:]
    runpy.run_path(sys.argv[0], run_name="__main__")
