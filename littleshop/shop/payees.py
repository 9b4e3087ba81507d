"""Payees: where a shop asked to be paid instead of to its bank card, an account at a rail."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Literal

import msgspec

from littleshop import db
from littleshop.crypto import Keyring

Rail = Literal["alipay", "wechat_pay"]


class Payee(msgspec.Struct, frozen=True):
    """A shop's account at a rail as a row; in force while `ended_at` is None."""

    shop_id: int
    payee_id: uuid.UUID
    rail: str
    account_sealed: bytes
    tail: str
    chosen_by: uuid.UUID
    chosen_at: datetime
    ended_at: datetime | None


_COLUMNS = ", ".join(Payee.__struct_fields__)


async def active(conn: db.Connection, shop_id: int) -> Payee | None:
    """Where a shop is paid to instead of to its card, or None."""
    return await db.one(
        conn,
        Payee,
        f"select {_COLUMNS} from payees where shop_id = $1 and ended_at is null",
        shop_id,
    )


async def get(conn: db.Connection, shop_id: int, payee_id: uuid.UUID) -> Payee | None:
    """A payee of the shop, in force or not, or None."""
    return await db.one(
        conn,
        Payee,
        f"select {_COLUMNS} from payees where shop_id = $1 and payee_id = $2",
        shop_id,
        payee_id,
    )


async def choose(
    conn: db.Connection,
    keyring: Keyring,
    shop_id: int,
    payee_id: uuid.UUID,
    rail: Rail,
    account: str,
    *,
    by: uuid.UUID,
    at: datetime,
) -> bool:
    """Pay the shop to this account from now on; False when this choice was made before."""
    if await get(conn, shop_id, payee_id) is not None:
        return False
    await end(conn, shop_id, at)
    await db.run(
        conn,
        "insert into payees (shop_id, payee_id, rail, account_sealed, tail, chosen_by, chosen_at)"
        " values ($1, $2, $3, $4, $5, $6, $7)",
        shop_id,
        payee_id,
        rail,
        keyring.seal(account),
        account[-4:],
        by,
        at,
    )
    return True


async def end(conn: db.Connection, shop_id: int, at: datetime) -> bool:
    """Pay the shop to its card again; False when it was."""
    return await db.changed(
        conn,
        "update payees set ended_at = $2 where shop_id = $1 and ended_at is null",
        shop_id,
        at,
    )
