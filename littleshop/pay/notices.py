"""Notices: what a rail pushed to us, verified, stored once, and only then acted on."""

from __future__ import annotations

from datetime import datetime

import msgspec

from littleshop import db
from littleshop.crypto import Keyring
from littleshop.pay.gateways import Notice


async def record(conn: db.Connection, keyring: Keyring, notice: Notice, at: datetime) -> bool:
    """Store a verified notice, its raw text sealed; False when it was stored before (a resend)."""
    fields = msgspec.to_builtins(msgspec.structs.replace(notice, raw=""))
    return await db.changed(
        conn,
        "insert into notices (gateway, notice_id, reference, kind, fields, raw_sealed,"
        " received_at) values ($1, $2, $3, $4, $5, $6, $7)"
        " on conflict on constraint notices_pkey do nothing",
        notice.gateway,
        notice.notice_id,
        notice.reference,
        notice.kind,
        fields,
        keyring.seal(notice.raw),
        at,
    )


async def get(conn: db.Connection, gateway: str, notice_id: str) -> Notice | None:
    """A stored notice, without its raw text."""
    fields = await db.value(
        conn,
        "select fields from notices where gateway = $1 and notice_id = $2",
        gateway,
        notice_id,
    )
    return None if fields is None else msgspec.convert(fields, Notice)


async def handled(conn: db.Connection, gateway: str, notice_id: str, at: datetime) -> None:
    """Note that a notice was acted on."""
    await db.run(
        conn,
        "update notices set handled_at = $3"
        " where gateway = $1 and notice_id = $2 and handled_at is null",
        gateway,
        notice_id,
        at,
    )


async def sweep(conn: db.Connection, before: datetime) -> int:
    """Forget what was acted on before this moment; returns how many."""
    return await db.run(conn, "delete from notices where handled_at < $1", before)
