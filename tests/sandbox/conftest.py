"""Starts the real sandbox program once, and speaks its wires with code of our own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Condition, Thread
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from tests.sandbox.merchant import Merchant

ROOT = Path(__file__).parents[2]


class Program:
    """A running `python -m sandbox`; can be killed and started again on its home."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.ready = home / "ready.json"
        self.start(0)

    def start(self, port: int) -> None:
        """Start and wait until it can answer."""
        self.home.mkdir(exist_ok=True)
        self.ready.unlink(missing_ok=True)
        command = [sys.executable, "-m", "sandbox", "--home", str(self.home / "sandbox")]
        command += ["--port", str(port), "--ready-file", str(self.ready), "--with-parent"]
        self.process = subprocess.Popen(command, cwd=ROOT, env={**os.environ})
        until = time.monotonic() + 20
        while not self.ready.exists():
            assert self.process.poll() is None, "the sandbox did not start"
            assert time.monotonic() < until, "the sandbox is too slow"
            os.sched_yield()
        self.url: str = json.loads(self.ready.read_text())["url"]
        self.client = httpx.Client(base_url=self.url, timeout=10, trust_env=False)

    def kill(self) -> None:
        """kill -9."""
        self.client.close()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """Ask it to end; it must end well."""
        self.client.close()
        self.process.terminate()
        assert self.process.wait(10) == 0

    def post(self, path: str, told: dict[str, Any] | None = None) -> Any:
        """A JSON post that must succeed."""
        answer = self.client.post(path, json=told or {})
        assert answer.is_success, answer.text
        return answer.json()

    def get(self, path: str) -> Any:
        """A JSON get that must succeed."""
        answer = self.client.get(path)
        assert answer.is_success, answer.text
        return answer.json()

    def faults(self, **patch: Any) -> None:
        """Set faults."""
        self.post("/control/faults", patch)

    def jump(self, **span: int) -> None:
        """Move the sandbox's clock forward."""
        seconds = span.get("days", 0) * 86400 + span.get("minutes", 0) * 60
        now = self.get("/control/clock")["offset_seconds"]
        self.post("/control/clock", {"offset_seconds": now + seconds + span.get("seconds", 0)})


@dataclass
class Shop:
    """A merchant's web server that hears notices and answers what the test wants."""

    url: str
    changed: Condition = field(default_factory=Condition)
    heard: list[dict[str, str]] = field(default_factory=list)
    answer: bytes = b"success"

    def hear(self, count: int) -> list[dict[str, str]]:
        """Wait until so many notices have come."""
        with self.changed:
            came = self.changed.wait_for(lambda: len(self.heard) >= count, 10)
        assert came, f"{len(self.heard)} of {count} notices came"
        return list(self.heard)


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """One sandbox for all tests here."""
    running = Program(tmp_path_factory.mktemp("sandbox"))
    yield running
    running.stop()


@pytest.fixture
def sandbox(program: Program) -> Iterator[Program]:
    """The sandbox with nothing broken and the clock right."""
    program.post("/control/faults/clear")
    program.post("/control/clock", {"offset_seconds": 0})
    yield program
    program.post("/control/faults/clear")
    program.post("/control/clock", {"offset_seconds": 0})


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A merchant's ear on a free port."""

    class Ear(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            with hearing.changed:
                hearing.heard.append(dict(parse_qsl(body)))
                hearing.changed.notify_all()
            self.send_response(200)
            self.send_header("Content-Length", str(len(hearing.answer)))
            self.end_headers()
            self.wfile.write(hearing.answer)

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Ear)
    hearing = Shop(f"http://127.0.0.1:{server.server_port}")
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield hearing
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def merchant(program: Program) -> Merchant:
    """A merchant in plain key mode."""
    return Merchant(program, "Ada's stall", "key")


@pytest.fixture(scope="session")
def certified(program: Program) -> Merchant:
    """A merchant in certificate mode."""
    return Merchant(program, "Bei's stall", "cert")
