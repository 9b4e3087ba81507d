"""Claims: what can be had only so many times, whoever comes: an invitation's uses, a team's seats.

An order takes one when it is placed and gives it back when it ends unpaid. Whoever changes a claim
locks its row before any stock, so that nobody deadlocks.
"""

from __future__ import annotations

from uuid import UUID

import msgspec

from littleshop import db


class Claim(msgspec.Struct, frozen=True):
    """A row of claims: `taken` of `most`; of a `shut` one nobody takes any more."""

    shop_id: int
    claim_id: UUID
    kind: str
    most: int
    taken: int
    shut: bool

    @property
    def left(self) -> int:
        return 0 if self.shut else self.most - self.taken


_COLUMNS = ", ".join(Claim.__struct_fields__)


async def open_(conn: db.Connection, shop_id: int, claim_id: UUID, kind: str, most: int) -> None:
    """Offer it `most` times; `kind`: invitation or team. Again is harmless."""
    await db.run(
        conn,
        "insert into claims (shop_id, claim_id, kind, most) values ($1, $2, $3, $4)"
        " on conflict on constraint claims_pkey do nothing",
        shop_id,
        claim_id,
        kind,
        most,
    )


async def get(conn: db.Connection, shop_id: int, claim_id: UUID) -> Claim:
    """How much of it is taken. It must exist."""
    return await db.the_one(
        conn,
        Claim,
        f"select {_COLUMNS} from claims where shop_id = $1 and claim_id = $2",
        shop_id,
        claim_id,
    )


async def lock(conn: db.Connection, shop_id: int, claim_id: UUID) -> Claim:
    """The same, locked until the transaction ends."""
    return await db.the_one(
        conn,
        Claim,
        f"select {_COLUMNS} from claims where shop_id = $1 and claim_id = $2 for no key update",
        shop_id,
        claim_id,
    )


async def shut(conn: db.Connection, shop_id: int, claim_id: UUID) -> None:
    """Nobody takes one any more; what is taken stays taken."""
    await db.run(
        conn,
        "update claims set shut = true where shop_id = $1 and claim_id = $2",
        shop_id,
        claim_id,
    )


async def take(conn: db.Connection, shop_id: int, order_id: UUID, claim_id: UUID) -> bool:
    """Take one for an order that was just placed; False when none is left."""
    if not await _count(conn, shop_id, claim_id):
        return False
    await db.run(
        conn,
        "insert into order_claims (shop_id, order_id, claim_id) values ($1, $2, $3)",
        shop_id,
        order_id,
        claim_id,
    )
    return True


async def _count(conn: db.Connection, shop_id: int, claim_id: UUID) -> bool:
    return await db.changed(
        conn,
        "update claims set taken = taken + 1"
        " where shop_id = $1 and claim_id = $2 and taken < most and not shut",
        shop_id,
        claim_id,
    )


async def give_back(conn: db.Connection, shop_id: int, order_id: UUID) -> None:
    """An order ended and takes nothing any more; again is harmless."""
    for claim_id in await _of(conn, shop_id, order_id, held=True):
        await db.run(
            conn,
            "update claims set taken = taken - 1 where shop_id = $1 and claim_id = $2",
            shop_id,
            claim_id,
        )
    await _mark(conn, shop_id, order_id, held=False)


async def take_again(conn: db.Connection, shop_id: int, order_id: UUID) -> bool:
    """Take once more what an order gave back, all or none; False when somebody else has it."""
    wanted = await _of(conn, shop_id, order_id, held=False)
    for claim_id in wanted:
        if (await lock(conn, shop_id, claim_id)).left < 1:
            return False
    for claim_id in wanted:
        await _count(conn, shop_id, claim_id)
    await _mark(conn, shop_id, order_id, held=True)
    return True


async def _of(conn: db.Connection, shop_id: int, order_id: UUID, *, held: bool) -> list[UUID]:
    rows = await conn.fetch(
        "select claim_id from order_claims where shop_id = $1 and order_id = $2 and held = $3"
        " order by claim_id",
        shop_id,
        order_id,
        held,
    )
    return [row["claim_id"] for row in rows]


async def _mark(conn: db.Connection, shop_id: int, order_id: UUID, *, held: bool) -> None:
    await db.run(
        conn,
        "update order_claims set held = $3 where shop_id = $1 and order_id = $2",
        shop_id,
        order_id,
        held,
    )
