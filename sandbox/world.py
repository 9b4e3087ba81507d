"""What every part of the sandbox shares, and how a handler reaches it."""

import asyncio
import secrets
import time
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.store import Store


@dataclass
class World:
    """One running sandbox. `wake` is set when something may have fallen due; before `quiet_until`
    (of the machine's monotonic clock) nothing is sent by itself.

    `public_url` is how browsers reach it, `own_url` how programs on this machine do.
    """

    store: Store
    clock: Clock
    faults: Faults
    public_url: str
    own_url: str = ""
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    quiet_until: float = 0.0

    async def rest(self) -> None:
        """Whoever is told something needs a moment to see a clock that was moved."""
        await asyncio.sleep(max(self.quiet_until - time.monotonic(), 0))


def world_of(request: Request) -> World:
    """The sandbox this request came to."""
    world = request.app.state.world
    assert isinstance(world, World)
    return world


class Silence:
    """An answer that never comes: the connection stays open a while and is then cut."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait, then end without a byte; the server cuts the connection."""
        await asyncio.sleep(self.seconds)


def digits(count: int) -> str:
    """Random digits, the first one not 0."""
    return str(secrets.randbelow(9 * 10 ** (count - 1)) + 10 ** (count - 1))


def yuan(minor: int) -> str:
    """Whole fen as the yuan text the rails speak, `88.88`."""
    sign = "-" if minor < 0 else ""
    return f"{sign}{abs(minor) // 100}.{abs(minor) % 100:02d}"
