"""The crew: web processes and the worker, forked from one process that has imported their code.

Code is most of what a process of ours holds. Imported once and forked, it is in memory once, and a
fallen process is back within moments (docs/decisions/0020-front-door.md). This is what the
supervisor starts; for a machine that only serves or only works there are `web` and `work`.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import sys
import time
from functools import partial
from pathlib import Path

from littleshop import preparing, serving, tasks
from littleshop.forking import forked
from littleshop.leash import rename
from littleshop.supervise import Child, Stopped, Supervisor

WORKER_AFTER_SECONDS = 1.0  # the first page does not wait for it


def main(arguments: list[str]) -> int:
    """Prepare if need be, then keep the crew running until told to stop."""
    parser = argparse.ArgumentParser(prog="littleshop.crew", allow_abbrev=False)
    parser.add_argument("--web", type=int, default=1, help="how many web processes")
    parser.add_argument("--no-worker", action="store_true")
    parser.add_argument("--prepare", action="store_true", help="first, see preparing.py")
    parser.add_argument("--afresh", action="store_true", help="the sandbox has lost its books")
    told, served = parser.parse_known_args(arguments)
    rename("littleshop crew")
    gc.collect()
    gc.freeze()  # collecting would touch, and so copy, what is shared
    if told.prepare:
        prepare = partial(preparing.run, afresh=told.afresh)
        if forked("littleshop prep", prepare)().wait() != 0:
            return 1
        print("prepared", flush=True)
        _let_go()
    logs = Path(os.environ["LITTLESHOP_HOME"]) / "logs"
    web = forked("littleshop web", partial(serving.command, served), logs / "web.log")
    work = forked("littleshop work", partial(tasks.command, []), logs / "worker.log")
    supervisor = Supervisor(say=lambda line: print(line, file=sys.stderr, flush=True))
    with supervisor.signals(), contextlib.suppress(Stopped):
        try:
            for _ in range(told.web):
                supervisor.add(Child("web", web, log=logs / "web.log"))
            if not told.no_worker:
                worker = Child("worker", work, log=logs / "worker.log")
                worker.due_at = time.monotonic() + WORKER_AFTER_SECONDS
                supervisor.children.append(worker)
            supervisor.watch()
        finally:
            supervisor.stop()
    return 0


def _let_go() -> None:
    """Close the pipes of whoever waited for the preparation: that is the word that it is done."""
    with Path(os.devnull).open("r+b", buffering=0) as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(nothing.fileno(), 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
