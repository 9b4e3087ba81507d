"""python -m sandbox --home DIR --port M [--host 127.0.0.1] [--ready-file FILE]"""

import argparse
import asyncio
import contextlib
import json
import logging
import os
import signal
from pathlib import Path

from sandbox import app
from sandbox.alipay import notices as alipay
from sandbox.baidu_wallet import notices as baidu
from sandbox.clock import Clock
from sandbox.courier import pushes as courier
from sandbox.faults import Faults
from sandbox.serving import Server
from sandbox.store import Store
from sandbox.stripe import settling as stripe
from sandbox.stripe import webhooks
from sandbox.wechat_pay import notices as wechat
from sandbox.wires.mail import MailServer
from sandbox.world import World


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", description="The other side of every wire, for trying out."
    )
    parser.add_argument("--home", type=Path, required=True, help="folder of its books and keys")
    parser.add_argument("--port", type=int, required=True, help="port, 0 for a free one")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--public-url", help="how browsers reach it, when not by host and port")
    parser.add_argument("--ready-file", type=Path, help="written as JSON when it can answer")
    parser.add_argument(
        "--with-parent", action="store_true", help="end when the starting process ends"
    )
    return parser.parse_args()


def open_home(home: Path) -> Store:
    """The books under a folder only we may enter: they hold keys."""
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    return Store(home / "sandbox.sqlite")


async def serve(told: argparse.Namespace) -> None:
    """Listen until asked to stop."""
    store = open_home(told.home)
    world = World(store, Clock(store), Faults(store), "")
    server = Server(app.build(world))
    port = await server.start(told.host, told.port)
    name = "127.0.0.1" if told.host in {"0.0.0.0", "::"} else told.host
    world.own_url = f"http://{name}:{port}"
    world.public_url = (told.public_url or world.own_url).rstrip("/")
    mail = MailServer(world)
    await mail.start(told.host)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    sending = asyncio.gather(
        alipay.SENDER.keep_sending(world, alipay.finish_old),
        wechat.SENDER.keep_sending(world, wechat.settle_refunds),
        webhooks.SENDER.keep_sending(world, stripe.settle_due),
        baidu.SENDER.keep_sending(world),
        courier.SENDER.keep_sending(world, courier.settle),
    )
    sending.add_done_callback(lambda _: stop.set())
    if told.ready_file:
        announce(told.ready_file, world.public_url)
    try:
        await _until(stop, os.getppid() if told.with_parent else None)
    finally:
        sending.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sending
        await mail.stop()
        await server.stop()
        store.close()


async def _until(stop: asyncio.Event, parent: int | None) -> None:
    if parent is None:
        await stop.wait()
        return
    while not stop.is_set() and os.getppid() == parent:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                await stop.wait()


def announce(path: Path, url: str) -> None:
    """Write the ready file whole or not at all."""
    draft = path.with_name(path.name + ".new")
    draft.write_text(json.dumps({"url": url, "pid": os.getpid()}))
    draft.replace(path)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    asyncio.run(serve(arguments()))
