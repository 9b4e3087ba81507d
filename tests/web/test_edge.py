"""What Granian is told of connections, asked on the wire."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from bench.ground import free_port
from littleshop import edge, home, leash


async def answering(scope: dict[str, object], receive: object, send: object) -> None:
    """The smallest application: everything is fine."""
    await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]
    await send({"type": "http.response.body", "body": b"fine"})  # type: ignore[operator]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Granian with the flags of ours, a header timeout shorter than ours, and `answering`."""
    number = free_port()
    flags = edge.flags()
    flags[flags.index("--http1-header-read-timeout") + 1] = "300"
    command = [sys.executable, "-m", "granian", f"{__name__}:answering", "--interface", "asginl"]
    command += ["--port", str(number), "--http", "1", "--log-level", "warning", *flags]
    process = subprocess.Popen(
        command,
        cwd=home.DEFAULT.parent,
        env=os.environ,
        preexec_fn=leash.leash(signal.SIGTERM),
    )
    try:
        until = time.monotonic() + 20
        while time.monotonic() < until and not _listens(number):
            time.sleep(0.05)
        yield number
    finally:
        process.terminate()
        process.wait(10)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _answer(port: int, sent: bytes) -> bytes:
    """All that is answered until the connection is closed."""
    with socket.create_connection(("127.0.0.1", port), 5) as wire:
        try:
            wire.sendall(sent)
        except OSError:  # it answered and closed before all was sent
            pass
        said = b""
        while piece := wire.recv(65_536):
            said += piece
        return said


def test_headers_without_end_are_refused_before_we_see_them(port: int) -> None:
    sent = b"GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nUser-Agent: %b\r\n\r\n"
    assert _answer(port, sent % (b"a" * 20_000)).startswith(b"HTTP/1.1 200")
    assert _answer(port, sent % (b"a" * 100_000)).startswith(b"HTTP/1.1 431")


def test_headers_that_do_not_come_are_not_waited_for(port: int) -> None:
    assert _answer(port, b"GET / HTTP/1.1\r\nHost: sh") == b""
    assert _answer(port, b"") == b""


def test_connections_are_fewer_than_the_files_a_process_may_have(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    few = {resource.RLIMIT_NOFILE: (256, 1024)}
    monkeypatch.setattr(resource, "getrlimit", few.__getitem__)
    monkeypatch.setattr(resource, "setrlimit", few.__setitem__)
    assert edge.connections() == 768
    edge.allow_files()
    assert few[resource.RLIMIT_NOFILE] == (1024, 1024)
    few[resource.RLIMIT_NOFILE] = (1024, resource.RLIM_INFINITY)
    assert edge.connections() == edge.MOST_CONNECTIONS
    edge.allow_files()
    assert few[resource.RLIMIT_NOFILE] == (4352, resource.RLIM_INFINITY)
