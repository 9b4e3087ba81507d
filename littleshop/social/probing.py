"""Probing: whether each of our public names still leads to us, asked by the worker once a minute.

A name answers with a signature that only this platform can make, so that a parked page or a page
that says "blocked" is not taken for us. Names come from an operator and could point anywhere: live,
only addresses of the open internet are connected to, the very ones that were checked; in the demo
only this machine.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from datetime import datetime
from functools import partial
from urllib.parse import urlsplit

import httpx

from littleshop import db
from littleshop.config import Settings, is_loopback, plain_host
from littleshop.crypto import Keyring
from littleshop.errors import GatewayError
from littleshop.jobs import Context, Daily, Every, Task
from littleshop.knocking import Checked
from littleshop.social import domains
from littleshop.social.domains import Domain
from littleshop.wires import Wire

JOB = "domains.probe"
PATH = "/.well-known/littleshop/"
SECONDS = 10.0  # for one name
MOST_BYTES = 4096
TIMETABLE: dict[str, Every | Daily] = {JOB: Every(60)}


def answer(keyring: Keyring, host: str, nonce: str) -> str:
    """What we say to whoever asks by the name `host`."""
    return keyring.sign(f"the domain {plain_host(host)} asked {nonce}")


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
