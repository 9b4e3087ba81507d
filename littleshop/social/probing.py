"""Probing: whether each of our public names still leads to us, asked by the worker once a minute.

A name answers with a signature that only this platform can make, so that a parked page or a page
that says "blocked" is not taken for us. Names come from an operator and could point anywhere: live,
only addresses of the open internet are connected to, the very ones that were checked; in the demo
only this machine.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import secrets
import socket
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from urllib.parse import urlsplit

import httpx

from littleshop import db
from littleshop.config import Settings, is_loopback, plain_host
from littleshop.crypto import Keyring
from littleshop.errors import GatewayError
from littleshop.jobs import Context, Daily, Every, Task
from littleshop.social import domains
from littleshop.social.domains import Domain
from littleshop.wires import Wire

JOB = "domains.probe"
PATH = "/.well-known/littleshop/"
SECONDS = 10.0  # for one name
MOST_BYTES = 4096
TIMETABLE: dict[str, Every | Daily] = {JOB: Every(60)}
_MAPPED = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16")))

Resolve = Callable[[str, int], Awaitable[list[str]]]


def answer(keyring: Keyring, host: str, nonce: str) -> str:
    """What we say to whoever asks by the name `host`."""
    return keyring.sign(f"the domain {plain_host(host)} asked {nonce}")


async def resolve(host: str, port: int) -> list[str]:
    """The addresses behind a name. Raises OSError."""
    if host == "localhost" or host.endswith(".localhost"):  # RFC 6761, 6.3: nobody is asked
        return ["127.0.0.1"]
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return sorted({str(each[4][0]) for each in found})


def is_open(address: str) -> bool:
    """Whether an address is of the open internet: not of this machine, a network at home, a cloud's
    own services, nor one of those in another writing."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        elif any(found in network for network in _MAPPED):
            return False
    return found.is_global and not found.is_multicast and not found.is_reserved


class Checked(httpx.AsyncBaseTransport):
    """Connects to an address that was looked at, never to a name that may mean another the next
    time it is asked; the certificate is still the name's."""

    def __init__(
        self,
        *,
        near: bool,
        resolve: Resolve = resolve,
        inner: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`near`: only this machine may be reached; else only the open internet."""
        self._near = near
        self._resolve = resolve
        self._inner = inner or httpx.AsyncHTTPTransport(trust_env=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            found = await self._resolve(url.host, port)
        except OSError as fault:
            raise httpx.ConnectError(f"no address for {url.host}") from fault
        if not found or not all(map(self._allows, found)):
            raise httpx.ConnectError(f"{url.host} leads where we do not knock")
        request.url = url.copy_with(host=found[0])
        request.extensions = {**request.extensions, "sni_hostname": url.host}
        return await self._inner.handle_async_request(request)

    def _allows(self, address: str) -> bool:
        if self._near:
            return ipaddress.ip_address(address.partition("%")[0]).is_loopback
        return is_open(address)

    async def aclose(self) -> None:
        await self._inner.aclose()


async def look(wire: Wire, keyring: Keyring, url: str) -> str:
    """Ask at an origin; "" when it is we who answer, else what was met."""
    host, nonce = urlsplit(url).netloc, secrets.token_hex(16)
    try:
        async with asyncio.timeout(SECONDS):
            said = await wire.get(f"{url}{PATH}{nonce}", headers={"user-agent": "littleshop"})
    except TimeoutError:
        return f"no answer in {SECONDS:.0f} s"
    except GatewayError as fault:
        return str(fault)
    if said.status != 200:
        return f"it answered {said.status}"
    right = answer(keyring, host, nonce)
    if not hmac.compare_digest(said.body.strip(), right.encode()):
        return "somebody else answers there"
    return ""


async def probe(
    database: db.Database,
    keyring: Keyring,
    settings: Settings,
    at: datetime,
    transport: httpx.AsyncBaseTransport | None = None,
) -> None:
    """Look at every name and write down what came of it; no transaction is open meanwhile."""
    await database.transaction(lambda conn: domains.settle(conn, settings, at))
    async with database.connection() as conn:
        names = await domains.listed(conn)
    scheme = urlsplit(settings.public_url).scheme
    demo = settings.mode == "demo"
    if demo:  # one that is shown in a network at home is believed
        names = [each for each in names if is_loopback(f"{scheme}://{each.host}")]
    checked = transport or Checked(near=demo)
    async with Wire("domain", transport=checked, limit_bytes=MOST_BYTES) as wire:
        faults = await asyncio.gather(
            *(look(wire, keyring, f"{scheme}://{each.host}") for each in names)
        )
    for seen, fault in zip(names, faults, strict=True):
        await database.transaction(partial(_hear, seen, fault, at))


async def _hear(seen: Domain, fault: str, at: datetime, conn: db.Connection) -> None:
    await domains.hear(conn, seen, fault, at)


def tasks(keyring: Keyring, settings: Settings) -> dict[str, Task]:
    """The job of this flow."""

    async def work(context: Context) -> None:
        await probe(context.database, keyring, settings, context.at)

    return {JOB: Task(work, attempts=2)}
