"""Switching: a rail that fails takes no new payments until somebody says so; how each one does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.errors import NotFound, Refused
from littleshop.oversight import acts
from littleshop.oversight.acts import Act
from littleshop.pay import gateways, switches
from littleshop.pay.gateways import Gateway
from littleshop.pay.switches import Switch
from littleshop.shop.shops import PLATFORM

LATE = timedelta(minutes=15)  # past its time an attempt is asked about again within ten


class Health(msgspec.Struct, frozen=True):
    """What we know of a rail without asking it: its last notice and how many nobody acted on yet,
    attempts to pay whose time is up and of which it has not told, its last bill that was read, and
    the last thing that a job met which spoke with it."""

    notice_at: datetime | None
    unread: int
    overdue: int
    bill_day: date | None
    fault: str
    fault_at: datetime | None


class Rail(msgspec.Struct, frozen=True):
    """A payment rail; one without settings (`is_set_up` false) is not offered to anybody."""

    name: str
    is_set_up: bool
    off: Switch | None
    last: Act | None
    health: Health


def subject(name: str) -> str:
    """What the log calls a rail."""
    return f"rail/{name}"


async def rails(conn: db.Connection, open_rails: Mapping[str, Gateway], at: datetime) -> list[Rail]:
    """Every rail that this version speaks, those that are set up first."""
    off = await switches.off(conn)
    known = {*gateways.OPENERS, *open_rails, *off}
    names = sorted(known, key=lambda name: (name not in open_rails, name))
    said = await acts.of_subjects(conn, [subject(name) for name in names])
    return [
        Rail(
            name,
            name in open_rails,
            off.get(name),
            said.get(subject(name)),
            await _health(conn, name, at),
        )
        for name in names
    ]


async def _health(conn: db.Connection, name: str, at: datetime) -> Health:
    return await db.the_one(
        conn,
        Health,
        """
        select /* all shops: a rail serves them all */
               (select max(received_at) from notices where gateway = $1) as notice_at,
               (select count(*) from notices
                 where gateway = $1 and handled_at is null)::integer as unread,
               (select count(*) from payments where status = 'asked' and expires_at < $2
                   and gateway = $1)::integer as overdue,
               (select max(day) from bills where shop_id = $3 and gateway = $1) as bill_day,
               coalesce(f.fault, '') as fault, f.at as fault_at
          from (values (1)) one
          left join lateral (
            select j.fault, coalesce(j.held_at, j.due_at) as at
              from jobs j
              left join payments p on j.name like 'paying.%'
               and p.reference = j.arguments ->> 'reference'
               and p.shop_id = (j.arguments ->> 'shop_id')::bigint
              left join refunds r on j.name like 'refunding.%'
               and r.refund_id = (j.arguments ->> 'refund_id')::uuid
               and r.shop_id = (j.arguments ->> 'shop_id')::bigint
              left join payments q on q.shop_id = r.shop_id and q.payment_id = r.payment_id
             where j.fault is not null and j.dropped_at is null
               and coalesce(p.gateway, q.gateway, j.arguments ->> 'gateway') = $1
             order by at desc limit 1) f on true""",
        name,
        at - LATE,
        PLATFORM,
    )


async def switch_off(
    conn: db.Connection, operator: UUID, name: str, *, reason: str, at: datetime
) -> None:
    """No new payment begins on this rail; what was begun goes on.

    Raises Refused rail_off_already, reason_short; NotFound for a rail that nobody speaks.
    """
    if name not in gateways.OPENERS:
        raise NotFound("rail")
    reason = acts.why(reason)
    if not await switches.switch_off(conn, name, why=reason, by=str(operator), at=at):
        raise Refused("rail_off_already")
    await acts.record(conn, operator, "rail_off", subject(name), reason=reason, at=at, rail=name)


async def switch_on(
    conn: db.Connection, operator: UUID, name: str, *, reason: str, at: datetime
) -> None:
    """The rail takes payments again. Raises Refused rail_on_already, reason_short."""
    if not await switches.switch_on(conn, name):
        raise Refused("rail_on_already")
    await acts.record(conn, operator, "rail_on", subject(name), reason=reason, at=at, rail=name)
