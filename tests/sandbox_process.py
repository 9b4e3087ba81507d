"""The sandbox as a real process of its own, on a free port and in a folder that is thrown away."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[1]
START_SECONDS = 20.0


class Sandbox:
    """A running sandbox at `url`."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def control(self, path: str, content: object = None) -> dict[str, Any]:
        """POST to the control API and return its JSON (empty when it says nothing)."""
        async with httpx.AsyncClient(trust_env=False, verify=False) as client:
            answer = await client.post(self.url + path, json=content if content else {})
        assert answer.status_code < 300, f"{path} answered {answer.status_code} {answer.text}"
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found

    async def read(self, path: str) -> dict[str, Any]:
        """GET a JSON object of the control API or the books."""
        async with httpx.AsyncClient(trust_env=False, verify=False) as client:
            answer = await client.get(self.url + path)
        assert answer.status_code == 200, f"{path} answered {answer.status_code} {answer.text}"
        found: dict[str, Any] = answer.json()
        return found


@contextmanager
def running(home: Path) -> Iterator[Sandbox]:
    """Start it, wait until it listens, stop it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "sandbox", "--home", str(home), "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        _wait(process, port)
        yield Sandbox(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        assert process.poll() is None, "the sandbox ended at once"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)  # waiting for a process to listen: there is nothing else to await
    raise TimeoutError("the sandbox does not listen")
