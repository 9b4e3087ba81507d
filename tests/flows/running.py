"""The whole program as `./run` starts it: its commands, its books, its neighbour's books."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from littleshop import postgres

ROOT = Path(__file__).parent.parent.parent


def until(holds: Callable[[], object], seconds: float = 30, every: float = 0.05) -> None:
    """Look again and again until it holds; the flow fails when the time is over."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(every)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@dataclass
class Running:
    """A running littleshop: its addresses, its home, its process."""

    home: Path
    web: str
    sandbox: str
    process: subprocess.Popen[bytes]
    told: dict[str, str] = field(default_factory=dict)  # of the environment, beside ours
    aside: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))
    browsers: list[httpx.Client] = field(default_factory=list)

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`./run WORDS` beside the running program."""
        return subprocess.run(
            [sys.executable, "-m", "littleshop", *words, "--home", str(self.home)],
            cwd=ROOT,
            env=os.environ | self.told,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def audit(self) -> dict[str, Any]:
        """What `littleshop audit --json` says."""
        said: dict[str, Any] = json.loads(self.command("audit", "--json").stdout)
        return said

    def logged(self) -> str:
        """What its processes wrote so far."""
        files = sorted((self.home / "logs").glob("*.log"))
        return "\n".join(f"{file.name}:\n{file.read_text()}" for file in files)

    def advance(self, by: str) -> None:
        """Let time pass, for the shop and for the sandbox."""
        said = self.command("clock", "--advance", by)
        assert said.returncode == 0, said.stderr

    def settle(self) -> dict[str, Any]:
        """Settle the day; on a day off, the next working one."""
        for _ in range(12):
            said = self.command("settle", "--json")
            told: dict[str, Any] = json.loads(said.stdout) if said.stdout else {}
            if told.get("why") != "run_not_working":
                assert said.returncode == 0, said.stdout + said.stderr
                return told
            self.advance("1d")
        raise AssertionError("no working day in sight")

    def rows(self, sql: str, *values: object) -> list[dict[str, Any]]:
        """Rows of our database, read as its owner. In a thread: playwright has the main loop."""

        async def read() -> list[dict[str, Any]]:
            conn = await asyncpg.connect(postgres.Cluster(self.home).dsn())
            try:
                return [dict(row) for row in await conn.fetch(sql, *values)]
            finally:
                await conn.close()

        return self.aside.submit(lambda: asyncio.run(read())).result(30)

    def payment(self, reference: str) -> dict[str, Any]:
        """One attempt to pay in our books, its order and what went back of it."""
        [row] = self.rows(
            "select p.status, p.outcome, p.paid_minor, p.amount_minor, o.status as order_status,"
            " o.number, o.shop_id, (select coalesce(sum(r.amount_minor), 0) from refunds r"
            "  where r.shop_id = p.shop_id and r.payment_id = p.payment_id"
            "  and r.status = 'done') as returned_minor"
            " from payments p join orders o using (shop_id, order_id) where p.reference = $1",
            reference,
        )
        return row

    def trade(self, reference: str) -> dict[str, Any] | None:
        """The same attempt in the sandbox's books; None while the cashier was not opened."""
        answer = httpx.get(f"{self.sandbox}/control/alipay/trades/{reference}", trust_env=False)
        found: dict[str, Any] = answer.json()
        return found if answer.status_code == 200 else None

    def control(self, path: str, told: object = None) -> Any:
        """Turn something in the sandbox."""
        answer = httpx.post(f"{self.sandbox}/control/{path}", json=told or {}, trust_env=False)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def inbox(self, phone: str) -> list[dict[str, Any]]:
        """The messages of a phone, newest first."""
        asked = {"phone": phone}
        answer = httpx.get(f"{self.sandbox}/inbox.json", params=asked, trust_env=False)
        found: list[dict[str, Any]] = answer.json()
        return found

    def code_for(self, phone: str) -> str:
        """The newest code in the sandbox's SMS inbox for a phone."""
        codes: list[str] = []

        def there() -> list[str]:
            codes[:] = [str(one["code"]) for one in self.inbox(phone) if one.get("code")]
            return codes

        until(there, 15)
        return codes[0]

    def children(self, word: str) -> list[int]:
        """The processes of this home whose command line has `word` in it; a database is known by
        the folder it stands in."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                line += (folder / "comm").read_text()  # forked ones are known by the name they took
                environment = (folder / "environ").read_bytes().decode(errors="replace")
                stands_in = str((folder / "cwd").readlink())
            except OSError:
                continue
            if word in line and str(self.home) in environment + stands_in:
                found.append(int(folder.name))
        return found

    def kill(self, word: str) -> None:
        """kill -9 of every process whose command line has `word` in it."""
        for pid in self.children(word):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    @contextlib.contextmanager
    def nobody_restarts(self) -> Iterator[None]:
        """Who restarts others sleeps: what is killed in here stays dead until the end of it."""
        watching = [self.process.pid, *self.children("littleshop crew")]
        for pid in watching:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in watching:
                os.kill(pid, signal.SIGCONT)

    def wait_ready(self, seconds: float = 30) -> None:
        """Wait until both programs answer again."""

        def answers() -> bool:
            try:
                return all(
                    httpx.get(url, timeout=2, trust_env=False).status_code == 200
                    for url in (f"{self.web}/readyz", f"{self.sandbox}/healthz")
                )
            except httpx.HTTPError:
                return False

        until(answers, seconds)


def start(home: Path, *options: str, told: dict[str, str] | None = None) -> Running:
    """Start the demo under `home` on free ports and wait until its first page can be served.
    `told` is put into its environment."""
    told = told or {}
    port, sandbox_port, ready = free_port(), free_port(), home / "ready.json"
    home.mkdir(parents=True, exist_ok=True)
    with (home / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "littleshop", "demo", "--home", str(home), "--port", str(port),
             "--sandbox-port", str(sandbox_port), "--ready-file", str(ready), *options],
            cwd=ROOT,
            env=os.environ | told,
            stdout=log,
            stderr=log,
        )  # fmt: skip

    def is_ready() -> bool:
        assert process.poll() is None, (home / "log").read_text()
        return ready.exists()

    until(is_ready, 60)
    said = json.loads(ready.read_text())
    return Running(home, said["web"], said["sandbox"], process, told)


def stop(running: Running) -> None:
    """End it as Ctrl-C does; with LITTLESHOP_KEEP_LOGS the logs stay behind for reading."""
    running.process.send_signal(signal.SIGTERM)
    running.process.wait(timeout=30)
    running.aside.shutdown()
    for browser in running.browsers:
        browser.close()
    if kept := os.environ.get("LITTLESHOP_KEEP_LOGS"):
        for log in running.home.rglob("*.log"):
            shutil.copy(log, Path(kept) / log.name)
