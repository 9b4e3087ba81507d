"""Naming: the public names of the platform, added, taken away and marked as blocked at the desk."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.config import Settings
from littleshop.errors import NotFound, Refused
from littleshop.oversight import acts
from littleshop.oversight.acts import Act
from littleshop.social import domains
from littleshop.social.domains import Domain, Domains


class Name(msgspec.Struct, frozen=True):
    """A public name; `is_set` are those of the settings, which only they can take away."""

    domain: Domain
    is_set: bool
    is_home: bool
    last: Act | None


def subject(host: str) -> str:
    """What the log calls a name."""
    return f"domain/{host}"


def _set(settings: Settings) -> tuple[str, ...]:
    return (Domains(settings).home, *settings.public_hosts)


async def names(conn: db.Connection, settings: Settings) -> list[Name]:
    """Every public name; that of PUBLIC_URL first."""
    found, own = await domains.listed(conn), _set(settings)
    said = await acts.of_subjects(conn, [subject(each.host) for each in found])
    shown = [
        Name(each, each.host in own, each.host == own[0], said.get(subject(each.host)))
        for each in found
    ]
    return sorted(shown, key=lambda name: not name.is_home)


async def add(
    conn: db.Connection, operator: UUID, settings: Settings, text: str, *, reason: str, at: datetime
) -> None:
    """A name more; links go over it once it was seen to lead to us. Raises Refused: reason_short,
    domain_invalid, domain_loopback, domain_known, domain_too_many."""
    reason, host = acts.why(reason), domains.check(text, settings)
    await domains.add(conn, host, at)
    await _record(conn, operator, "domain_added", host, reason, at)


async def remove(
    conn: db.Connection, operator: UUID, settings: Settings, host: str, *, reason: str, at: datetime
) -> None:
    """A name is not ours any more. Raises Refused: reason_short, domain_set; NotFound."""
    reason = acts.why(reason)
    if host in _set(settings):
        raise Refused("domain_set")
    if not await domains.remove(conn, host):
        raise NotFound("domain")
    await _record(conn, operator, "domain_removed", host, reason, at)


async def block(
    conn: db.Connection, operator: UUID, host: str, *, reason: str, at: datetime
) -> None:
    """Some app no longer opens it: nothing new goes over it, what went out stays answered. Raises
    Refused: reason_short, domain_blocked."""
    reason = acts.why(reason)
    if not await domains.block(conn, host, why=reason, at=at):
        raise Refused("domain_blocked")
    await _record(conn, operator, "domain_blocked", host, reason, at)


async def unblock(
    conn: db.Connection, operator: UUID, host: str, *, reason: str, at: datetime
) -> None:
    """Links may go over it again. Raises Refused: reason_short, domain_open."""
    if not await domains.unblock(conn, host):
        raise Refused("domain_open")
    await _record(conn, operator, "domain_unblocked", host, reason, at)


async def _record(
    conn: db.Connection, operator: UUID, kind: str, host: str, reason: str, at: datetime
) -> None:
    await acts.record(conn, operator, kind, subject(host), reason=reason, at=at, name=host)
