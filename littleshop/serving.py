"""The web process: uvicorn on uvloop behind the front door, one process of several."""

from __future__ import annotations

import argparse
import socket
from pathlib import Path

import uvicorn

from littleshop import edge
from littleshop.app import app
from littleshop.web.front_door import FrontDoor

PORT = 8000
GRACE_SECONDS = 2  # for what is being answered when we are told to stop


def command(arguments: list[str]) -> int:
    """Serve the pages until told to stop (SIGTERM, Ctrl-C)."""
    parser = argparse.ArgumentParser(prog="littleshop web", description="the pages alone · 网页")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=PORT, metavar="N")
    parser.add_argument("--tls-cert", type=Path)
    parser.add_argument("--tls-key", type=Path)
    told = parser.parse_args(arguments)
    server = uvicorn.Server(configured(told.tls_cert, told.tls_key))
    server.run(sockets=[bound(told.host, told.port)])
    return 0


def configured(tls_cert: Path | None = None, tls_key: Path | None = None) -> uvicorn.Config:
    """uvicorn as we use it: its proxy headers are off, for we read them ourselves."""
    return uvicorn.Config(
        app,
        http=FrontDoor,
        ws="none",
        loop="uvloop",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=1024,
        timeout_keep_alive=edge.HEADER_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        ssl_certfile=tls_cert,
        ssl_keyfile=tls_key,
    )


def bound(host: str, port: int) -> socket.socket:
    """An address of this process's own among those that share it (SO_REUSEPORT): the kernel shares
    connections out among who listens, and that begins when the application is open."""
    kind = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(kind, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind((host, port))
    return listener
