"""How much of a stranger's sending one web process takes: connections, headers, bodies.

The front door (web/front_door.py) bounds connections and heads by the figures below; uvicorn and
llhttp, under it, mind neither a head nor a body that never ends. So bodies are waited for here, and
what keeps us waiting too long gives way.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import resource
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass

from starlette.types import Message, Receive, Scope

from littleshop.errors import Refused

MOST_BYTES = 1_000_000  # of a body; a reader of photos allows more once it knows who sends them
MOST_HEADER_BYTES = 32 * 1024  # all of a request's; what nginx takes too
HEADER_SECONDS = 15  # for all of them; an idle connection is closed after as long
MOST_CONNECTIONS = 4096  # of a process, fewer where the system allows fewer files
_OTHER_FILES = 256  # database, log, pictures, listener: never short of them
_QUIET_SECONDS = 10.0  # between two lines in the log about bodies
_log = logging.getLogger(__name__)


def connections() -> int:
    """How many connections a process takes at once: each is a file, and when files run out
    nothing is accepted, read from disk or sent to the database."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    room = MOST_CONNECTIONS if hard == resource.RLIM_INFINITY else hard - _OTHER_FILES
    return max(128, min(MOST_CONNECTIONS, room))


def allow_files() -> None:
    """Let this process have the files that `connections` promises; the usual 1024 are fewer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections() + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):  # then it is as few as before
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def has_long_headers(scope: Scope) -> bool:
    """Whether address and headers are longer than any browser's; nothing of them is read."""
    size = sum(len(name) + len(value) for name, value in scope["headers"])
    return size + len(scope["path"]) + len(scope["query_string"]) > MOST_HEADER_BYTES


class Unfinished(Exception):
    """A body that did not arrive whole."""


class TooSlow(Unfinished):
    """It did not arrive in its time."""


class GaveWay(Unfinished):
    """Too many others were on their way at once, and this one had kept us waiting longest."""


@dataclass(frozen=True)
class Patience:
    """How long and for how many bodies one process waits.

    A body has `seconds` and one more for every `bytes_per_second` that came: a photo on a slow
    phone arrives, one byte every few seconds does not.
    """

    chunk_seconds: float = 10.0
    seconds: float = 30.0
    bytes_per_second: int = 16_000
    most: int = 256
    most_of_address: int = 32  # a neighbourhood behind one address sends its forms within moments


class Bodies:
    """The bodies that this process waits for."""

    def __init__(self, patience: Patience | None = None) -> None:
        self.patience = patience or Patience()
        self._coming: dict[Body, str] = {}  # and the address each comes from
        self._of_address: dict[str, dict[Body, None]] = {}  # in the order they came
        self._lost = 0
        self._said_at = float("-inf")

    def __len__(self) -> int:
        return len(self._coming)

    def add(self, body: Body, address: str) -> None:
        """Wait for one more; of too many, the one that is nearest to its end gives way."""
        beside = self._of_address.setdefault(address, {})
        if len(beside) >= self.patience.most_of_address:
            self._end(min(beside, key=_ends_at))
        if len(self._coming) >= self.patience.most:
            self._end(min(self._coming, key=_ends_at))
        self._of_address.setdefault(address, beside)[body] = None
        self._coming[body] = address

    def remove(self, body: Body) -> None:
        """It is here, or it will never be."""
        address = self._coming.pop(body, None)
        if address is None:
            return
        beside = self._of_address[address]
        beside.pop(body, None)
        if not beside:
            del self._of_address[address]

    def _end(self, body: Body) -> None:
        self.remove(body)
        body.give_way()

    def note(self, at: float) -> None:
        """A body was lost; a flood of them is a line in the log now and then, not one each."""
        self._lost += 1
        if at - self._said_at >= _QUIET_SECONDS:
            _log.warning("bodies did not arrive", extra={"count": self._lost})
            self._lost, self._said_at = 0, at


def _ends_at(body: Body) -> float:
    return body.ends_at


class Body:
    """The body of a request as it arrives: never more than `most` bytes, never for ever.

    Whoever reads it says first how much he expects (http.expect): before that nothing is read, so
    a stranger's photos are not taken in only to send him to the sign-in page. Receiving raises
    Refused form_too_big(megabytes) or form_too_large, TooSlow and GaveWay; once an answer has
    begun, a body that does not come is as good as gone.
    """

    def __init__(
        self,
        receive: Receive,
        headers: Iterable[tuple[bytes, bytes]],
        bodies: Bodies,
        address: Callable[[], str],
    ) -> None:
        declared = dict(headers).get(b"content-length", b"0")
        self._receive = receive
        self._arriving = int(declared) if declared.isdigit() and len(declared) < 19 else 0
        self._bodies = bodies
        self._address = address
        self._seen = 0
        self._whole = False
        self._begun: float | None = None
        self._gave_way = False
        self._timer: asyncio.Timeout | None = None
        self.most = MOST_BYTES
        self.ends_at = 0.0
        self.waited = 0.0  # seconds so far
        self.answered = False
        self.lost = False

    async def __call__(self) -> Message:
        if self._whole:  # what comes now is the end of the connection, whenever that is
            return await self._receive()
        self._check(self._arriving)  # what says itself that it is too long is not waited for
        now = asyncio.get_running_loop().time
        began = now()
        if self._begun is None:
            self._begin(began)
        try:
            message = await self._next(began)
        finally:
            self.waited += now() - began
        self._seen += len(message.get("body", b""))
        if not message.get("more_body", False):
            self._whole = True
            self.close()
        self._check(self._seen)
        return message

    def _begin(self, at: float) -> None:
        self._begun = at
        self.ends_at = at + self._bodies.patience.seconds
        self._bodies.add(self, self._address())

    async def _next(self, at: float) -> Message:
        patience = self._bodies.patience
        assert self._begun is not None
        earned = self._seen / patience.bytes_per_second
        self.ends_at = self._begun + patience.seconds + earned
        try:
            async with asyncio.timeout_at(min(at + patience.chunk_seconds, self.ends_at)) as timer:
                self._timer = timer
                if self._gave_way:
                    raise TimeoutError
                return await self._receive()
        except TimeoutError:
            return self._give_up()
        finally:
            self._timer = None

    def _give_up(self) -> Message:
        self.lost = self._whole = True
        self.close()
        self._bodies.note(asyncio.get_running_loop().time())
        if self.answered:
            return {"type": "http.disconnect"}
        raise GaveWay if self._gave_way else TooSlow

    def give_way(self) -> None:
        """End now; whoever waits for the next piece learns of it."""
        self._gave_way = True
        if self._timer is not None:
            self._timer.reschedule(0)

    def close(self) -> None:
        """Nobody waits for it any more."""
        self._bodies.remove(self)

    def _check(self, size: int) -> None:
        if size <= self.most:
            return
        if self.most > MOST_BYTES:
            raise Refused("form_too_big", megabytes=self.most // 1_000_000)
        raise Refused("form_too_large")


def sender(
    client: tuple[str, int] | None, headers: Iterable[tuple[bytes, bytes]], trusted: Container[str]
) -> str:
    """The address behind a connection, for whoever has no request yet."""
    peer = client[0] if client else "0.0.0.0"
    if peer not in trusted:
        return _network(peer)
    said = b",".join(value for name, value in headers if name == b"x-forwarded-for")
    hops = [hop.strip() for hop in said.decode("latin-1").split(",")]  # proxies may add lines
    for hop in reversed([hop for hop in hops if hop]):
        if hop not in trusted:
            return _network(hop)
    return _network(peer)


def _network(text: str) -> str:
    """An IPv4 address, or the /64 that one household has of IPv6."""
    try:
        known = ipaddress.ip_address(text)
    except ValueError:
        return "unknown"
    if known.version == 4:
        return str(known)
    return str(ipaddress.ip_network((known, 64), strict=False))
