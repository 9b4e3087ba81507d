"""Domains: the public names of this platform, and which of them a new link goes over.

No camp's blocking stops the shops (PRODUCT 17): a link that is drawn anew goes over a name that is
healthy and that no operator marked as blocked, the same one for the same link as long as that name
does; a link that went out works over every name that is ours (docs/decisions/0036-domains.md).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from datetime import datetime
from urllib.parse import urlsplit

import msgspec

from littleshop import db
from littleshop.config import Settings, is_loopback, plain_host
from littleshop.errors import Refused

MOST = 20
FAILURES = 3  # looks in a row that fail before a healthy name counts as unhealthy
RECOVERIES = 2  # and that succeed before an unhealthy one counts as healthy again
LONGEST_WHY = 200
_NAME = re.compile(
    r"(?=.{4,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]"
)


class Domain(msgspec.Struct, frozen=True):
    """A public name and how it does: `since` of its state, `why` what the last look met ("" all
    was well), `against` how many looks in a row said otherwise than the state."""

    host: str
    state: str
    since: datetime
    why: str
    against: int
    looked_at: datetime | None
    added_at: datetime
    blocked_at: datetime | None
    blocked_why: str

    @property
    def carries(self) -> bool:
        """Whether new links go over it."""
        return self.state == "healthy" and self.blocked_at is None


_COLUMNS = ", ".join(Domain.__struct_fields__)


class Domains:
    """What a process knows of the names; told anew once a second. Before that, and when there is
    none at all, it is the name of the settings."""

    def __init__(self, settings: Settings) -> None:
        self.scheme, self.home = _parts(settings.public_url)
        self._always = (self.home, *settings.public_hosts)
        self.hosts = frozenset(self._always)
        self._carrying: tuple[str, ...] = (self.home,)

    def tell(self, rows: Iterable[Domain]) -> None:
        """How the names do now. Without one that is whole, links go over one that led to us once
        and is not blocked, the settings' own before others, and over that one in any case."""
        known = {row.host: row for row in rows}
        self.hosts = frozenset((*self._always, *known))
        carrying = [host for host, row in known.items() if row.carries]
        if self.home not in known:
            carrying.append(self.home)
        open_ones = [
            row.host for row in known.values() if row.blocked_at is None and row.state != "new"
        ]
        spare = self.home if self.home in open_ones else min(open_ones, default=self.home)
        self._carrying = tuple(sorted(carrying)) or (spare,)

    def public_url(self, seed: str = "", *, here: str = "") -> str:
        """The origin ("https://a.example") for a link that is drawn now.

        `here`, the host that somebody is at, when it carries links: what he keeps on his device is
        there. Else the one that falls to `seed` (a share's code, a token): always the same while
        it does, and when another name comes or goes only that one's links move.
        """
        host = plain_host(here) if here else ""
        if host not in self._carrying:
            host = max(self._carrying, key=lambda each: _weight(each, seed))
        return f"{self.scheme}://{host}"

    def origin(self, host: str) -> str:
        """The origin of a name of ours that somebody is at; of any other, the settings' own."""
        plain = plain_host(host)
        return f"{self.scheme}://{plain if plain in self.hosts else self.home}"


def _parts(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, plain_host(parts.netloc)


def _weight(host: str, seed: str) -> bytes:
    return hashlib.blake2b(f"{host}\n{seed}".encode(), digest_size=8).digest()


def check(text: str, settings: Settings) -> str:
    """A name as an operator types it, made plain.

    Live: a full public name without a port. Demo: a name of this machine, at our own port, so
    that nobody has us knock elsewhere. Raises Refused: domain_invalid, domain_loopback(port).
    """
    host = plain_host(re.sub(r"https?://", "", text.strip().lower(), count=1).removesuffix("/"))
    if settings.mode == "live":
        if not _NAME.fullmatch(host) or is_loopback(f"https://{host}"):
            raise Refused("domain_invalid")
        return host
    port = urlsplit(settings.public_url).port
    try:
        right = is_loopback(f"http://{host}") and urlsplit(f"http://{host}").port == port
    except ValueError:
        right = False
    if not right or not re.fullmatch(r"[a-z0-9.:\[\]-]{1,260}", host):
        raise Refused("domain_loopback", port=port or 80)
    return host


async def listed(conn: db.Connection) -> list[Domain]:
    """Every name, the oldest first."""
    return await db.all(conn, Domain, f"select {_COLUMNS} from domains order by added_at, host")


async def settle(conn: db.Connection, settings: Settings, at: datetime) -> None:
    """The settings' own names are known: that of PUBLIC_URL is believed until it fails, the others
    when they were looked at."""
    _, home = _parts(settings.public_url)
    for host in (home, *settings.public_hosts):
        state = "healthy" if host == home else "new"
        await db.run(
            conn,
            "insert into domains (host, state, since, added_at) values ($1, $2, $3, $3)"
            " on conflict (host) do nothing",
            host,
            state,
            at,
        )


async def add(conn: db.Connection, host: str, at: datetime) -> None:
    """A name more. Raises Refused: domain_known, domain_too_many(most)."""
    if int(await db.value(conn, "select count(*) from domains")) >= MOST:
        raise Refused("domain_too_many", most=MOST)
    if not await db.changed(
        conn,
        "insert into domains (host, since, added_at) values ($1, $2, $2)"
        " on conflict (host) do nothing",
        host,
        at,
    ):
        raise Refused("domain_known")


async def remove(conn: db.Connection, host: str) -> bool:
    """A name is no longer ours; links over it end. False when it was not."""
    return await db.changed(conn, "delete from domains where host = $1", host)


async def block(conn: db.Connection, host: str, *, why: str, at: datetime) -> bool:
    """Nothing new goes over it; False when that was so, or it is not ours."""
    return await db.changed(
        conn,
        "update domains set blocked_at = $3, blocked_why = $2"
        " where host = $1 and blocked_at is null",
        host,
        why,
        at,
    )


async def unblock(conn: db.Connection, host: str) -> bool:
    """Links go over it again when it is healthy; False when it was not blocked."""
    return await db.changed(
        conn,
        "update domains set blocked_at = null, blocked_why = ''"
        " where host = $1 and blocked_at is not null",
        host,
    )


async def hear(conn: db.Connection, seen: Domain, fault: str, at: datetime) -> bool:
    """What a look at a name came to; `fault` "" is that we answered. Counted once for the name as
    it was `seen`, whoever else looked meanwhile; True when its state changed."""
    says = "unhealthy" if fault else "healthy"
    against = 0 if says == seen.state else seen.against + 1
    enough = {"healthy": FAILURES, "unhealthy": RECOVERIES, "new": 1}[seen.state]
    moves = against >= enough and not (seen.state == "new" and fault)
    state = says if moves else seen.state
    counted = await db.changed(
        conn,
        "update domains set state = $3, since = $4, why = $5, against = $6, looked_at = $7"
        " where host = $1 and looked_at is not distinct from $2",
        seen.host,
        seen.looked_at,
        state,
        at if moves else seen.since,
        fault[:LONGEST_WHY],
        0 if moves or seen.state == "new" else against,
        at,
    )
    return counted and moves
