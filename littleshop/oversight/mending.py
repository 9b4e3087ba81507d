"""Mending: jobs that were given up are tried again, or need not be done; somebody says why."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from littleshop import db, jobs
from littleshop.errors import Refused
from littleshop.jobs import HeldJob
from littleshop.oversight import acts


async def waiting(conn: db.Connection, most: int = 100) -> list[HeldJob]:
    """The jobs of all shops and of the platform that wait for a person, the oldest first."""
    return (await jobs.held(conn, most))[::-1]


async def retry(
    conn: db.Connection, operator: UUID, job_id: UUID, *, reason: str, at: datetime
) -> None:
    """Have it tried again from its first attempt. Raises Refused job_gone, reason_short."""
    shop_id, name = await _about(conn, job_id)
    try:
        await jobs.release(conn, job_id)
    except jobs.Unknown:
        raise Refused("job_gone") from None
    await acts.record(
        conn, operator, "job_retried", f"job/{job_id}", reason=reason, at=at, shop_id=shop_id,
        name=name,
    )  # fmt: skip


async def drop(
    conn: db.Connection, operator: UUID, job_id: UUID, *, reason: str, at: datetime
) -> None:
    """It need not be done. Raises Refused job_gone, reason_short."""
    reason = acts.why(reason)
    shop_id, name = await _about(conn, job_id)
    try:
        await jobs.drop(conn, job_id, reason, at=at)
    except jobs.Unknown:
        raise Refused("job_gone") from None
    await acts.record(
        conn, operator, "job_dropped", f"job/{job_id}", reason=reason, at=at, shop_id=shop_id,
        name=name,
    )  # fmt: skip


async def _about(conn: db.Connection, job_id: UUID) -> tuple[int | None, str]:
    try:
        shop_id = await jobs.shop_of(conn, job_id)
    except jobs.Unknown:
        raise Refused("job_gone") from None
    name = await db.value(conn, "select name from jobs where id = $1", job_id)
    return shop_id, str(name)
