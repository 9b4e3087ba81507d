"""The table of jobs: deferring, taking under a lease, finishing, holding; its only writer."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.ids import uuid7

LEASE = timedelta(seconds=60)


class TakenJob(msgspec.Struct, frozen=True):
    """A job a worker has; `turn` proves it."""

    id: UUID
    name: str
    arguments: dict[str, Any]
    attempts: int
    turn: UUID


class HeldJob(msgspec.Struct, frozen=True):
    """A job that was given up and waits for a person."""

    id: UUID
    name: str
    arguments: dict[str, Any]
    attempts: int
    fault: str
    deferred_at: datetime
    held_at: datetime


class JobCount(msgspec.Struct, frozen=True):
    """How many jobs of one name there are; `oldest_due_at` of those that nobody has yet."""

    name: str
    waiting: int
    running: int
    held: int
    oldest_due_at: datetime | None


class Deferred(msgspec.Struct, frozen=True):
    """A job that was set aside for whoever asked for that."""

    name: str
    at: datetime
    arguments: dict[str, Any]


_aside: ContextVar[list[Deferred] | None] = ContextVar("jobs_set_aside", default=None)


@contextmanager
def set_aside() -> Iterator[list[Deferred]]:
    """Jobs deferred inside are handed to the caller instead of to the workers.

    For a past that is played: what was to be done then is done by the player, not today.
    """
    deferred: list[Deferred] = []
    was = _aside.set(deferred)
    try:
        yield deferred
    finally:
        _aside.reset(was)


class Unknown(Exception):
    """There is no held job of this id (any more)."""


async def defer(
    conn: db.Connection, name: str, *, at: datetime, key: str | None = None, **arguments: object
) -> None:
    """Have `name` done once this transaction has committed, not before `at`.

    `arguments` are what JSON can carry (UUIDs and times travel as text). A `key` joins a job of
    the same name and key that nobody has begun; one that runs already may have read too early,
    so it is followed by a new one. The conflicting row stays locked until we commit, so no
    worker can begin it before our rows can be seen.
    """
    aside = _aside.get()
    if aside is not None:
        aside.append(Deferred(name, at, arguments))
        return
    await conn.execute(
        "insert into jobs (id, name, arguments, once_key, deferred_at, due_at, attempts)"
        " values ($1, $2, $3, $4, $5, $5, 0)"
        " on conflict on constraint jobs_once do update set due_at = excluded.due_at"
        " where jobs.due_at > excluded.due_at",
        uuid7(at),
        name,
        arguments,
        key,
        at,
    )


async def exists(conn: db.Connection, name: str, **arguments: object) -> bool:
    """Whether a job of this name with these arguments waits, runs or is held for a person."""
    found = await conn.fetchval(
        "select exists (select from jobs where name = $1 and arguments @> $2)", name, arguments
    )
    return bool(found)


async def take(
    conn: db.Connection, at: datetime, count: int, but: Collection[UUID] = ()
) -> list[TakenJob]:
    """Lease up to `count` due jobs, oldest first; `but` are the asker's own that still run."""
    taken = await db.all(
        conn,
        TakenJob,
        "with due as materialized ("
        " select id from jobs where held_at is null and due_at <= $1 and id <> all($5::uuid[])"
        " order by due_at, id limit $2 for update skip locked)"
        " update jobs set taken_by = $3, once_key = null, due_at = $4,"
        " attempts = jobs.attempts + 1"
        " from due where jobs.id = due.id"
        " returning jobs.id, name, arguments, attempts, taken_by as turn",
        at,
        count,
        uuid7(at),
        at + LEASE,
        list(but),
    )
    return sorted(taken, key=lambda job: job.id)


async def finish(conn: db.Connection, done: Collection[TakenJob]) -> None:
    """Delete what was done; a job whose lease was lost belongs to somebody else now."""
    await conn.execute(
        "delete from jobs using unnest($1::uuid[], $2::uuid[]) as done (id, turn)"
        " where jobs.id = done.id and jobs.taken_by = done.turn",
        [job.id for job in done],
        [job.turn for job in done],
    )


async def extend(conn: db.Connection, mine: Collection[TakenJob], at: datetime) -> None:
    """Keep the lease of jobs that still run."""
    await conn.execute(
        "update jobs set due_at = $3 from unnest($1::uuid[], $2::uuid[]) as mine (id, turn)"
        " where jobs.id = mine.id and jobs.taken_by = mine.turn",
        [job.id for job in mine],
        [job.turn for job in mine],
        at + LEASE,
    )


async def put_back(
    conn: db.Connection, job: TakenJob, due_at: datetime, fault: str | None = None
) -> None:
    """Let the job be taken again from `due_at`; without a fault the attempt does not count."""
    await conn.execute(
        "update jobs set taken_by = null, due_at = $3, fault = coalesce($4, fault),"
        " attempts = attempts - case when $4::text is null then 1 else 0 end"
        " where id = $1 and taken_by = $2",
        job.id,
        job.turn,
        due_at,
        fault,
    )


async def hold(conn: db.Connection, job: TakenJob, at: datetime, fault: str) -> None:
    """Give the job up until a person releases or drops it."""
    await conn.execute(
        "update jobs set taken_by = null, fault = $3, held_at = $4, due_at = $4"
        " where id = $1 and taken_by = $2",
        job.id,
        job.turn,
        fault,
        at,
    )


async def held(
    conn: db.Connection, limit: int = 100, *, shop_id: int | None = None
) -> list[HeldJob]:
    """The jobs that wait for a person, latest first; of one shop, or of all and the platform."""
    return await db.all(
        conn,
        HeldJob,
        "select id, name, arguments, attempts, fault, deferred_at, held_at from jobs"
        " where held_at is not null and dropped_at is null"
        "   and ($2::text is null or arguments ->> 'shop_id' = $2)"
        " order by held_at desc, id limit $1",
        limit,
        None if shop_id is None else str(shop_id),
    )


async def shop_of(conn: db.Connection, job_id: UUID) -> int | None:
    """The shop a job is about; None when it is the platform's. Raises Unknown when it is gone."""
    job = await conn.fetchrow("select arguments from jobs where id = $1", job_id)
    if job is None:
        raise Unknown(job_id)
    shop_id = job["arguments"].get("shop_id")
    return shop_id if isinstance(shop_id, int) else None


async def release(conn: db.Connection, job_id: UUID) -> None:
    """Have a held job tried again from its first attempt. Raises Unknown."""
    if not await db.run(
        conn,
        "update jobs set held_at = null, attempts = 0"
        " where id = $1 and held_at is not null and dropped_at is null",
        job_id,
    ):
        raise Unknown(job_id)


async def drop(conn: db.Connection, job_id: UUID, why: str, *, at: datetime) -> None:
    """Decide that a held job need not be done; the row stays, with the reason. Raises Unknown."""
    assert why.strip(), "a dropped job needs a reason"
    if not await db.run(
        conn,
        "update jobs set dropped_at = $2, dropped_why = $3"
        " where id = $1 and held_at is not null and dropped_at is null",
        job_id,
        at,
        why,
    ):
        raise Unknown(job_id)


async def counts(conn: db.Connection) -> list[JobCount]:
    """How many jobs wait, run and are held, by name."""
    return await db.all(
        conn,
        JobCount,
        "select name,"
        " count(*) filter (where held_at is null and taken_by is null) as waiting,"
        " count(*) filter (where taken_by is not null) as running,"
        " count(*) filter (where held_at is not null) as held,"
        " min(due_at) filter (where held_at is null and taken_by is null) as oldest_due_at"
        " from jobs where dropped_at is null group by name order by name",
    )
