"""The sandbox as a real process of its own, on a free port and in a folder that is thrown away."""

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests import kept

ROOT = Path(__file__).parents[1]
START_SECONDS = 20.0


class Sandbox:
    """A running sandbox at `url`."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def control(self, path: str, content: object = None) -> dict[str, Any]:
        """POST to the control API and return its JSON (empty when it says nothing)."""
        async with self._connected() as client:
            answer = await client.post(self.url + path, json=content if content else {})
        assert answer.status_code < 300, f"{path} answered {answer.status_code} {answer.text}"
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found

    async def read(self, path: str) -> dict[str, Any]:
        """GET a JSON object of the control API or the books."""
        async with self._connected() as client:
            answer = await client.get(self.url + path)
        assert answer.status_code == 200, f"{path} answered {answer.status_code} {answer.text}"
        found: dict[str, Any] = answer.json()
        return found

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[httpx.AsyncClient]:
        async with httpx.AsyncClient(trust_env=False, verify=False) as client:
            yield client


class Near(Sandbox):
    """One that hundreds of tests ask, all on one loop: over connections that stay."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._client = httpx.AsyncClient(trust_env=False, verify=False)
        self._loop: asyncio.AbstractEventLoop | None = None

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[httpx.AsyncClient]:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            kept.before_end.append(self.hang_up)
        assert self._loop is asyncio.get_running_loop()
        yield self._client

    def hang_up(self) -> None:
        """Let the connections go."""
        if self._loop is not None and not self._client.is_closed:
            self._loop.run_until_complete(self._client.aclose())


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
