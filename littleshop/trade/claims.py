"""Claims: what can be had only so many times: an invitation's uses, a team's seats, a coupon's
uses, one customer's; or up to a sum: credit of the shop, of which an order takes minor units.

An order takes one when it is placed and gives it back when it ends unpaid; one that waits takes its
coupon and credit when somebody goes to pay it, with its pieces. Whoever changes a claim
locks its row before any stock, so that nobody deadlocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.errors import Refused

LAPSES_A_DAY = 3  # of one phone or device that leave it the last one
PRIVILEGES = ("coupon", "coupon_each", "credit", "birthday")


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


async def want(conn: db.Connection, shop_id: int, order_id: UUID, claim_id: UUID) -> None:
    """An order that waits is to take one when somebody goes to pay it."""
    await db.run(
        conn,
        "insert into order_claims (shop_id, order_id, claim_id, held) values ($1, $2, $3, false)",
        shop_id,
        order_id,
        claim_id,
    )


async def _count(conn: db.Connection, shop_id: int, claim_id: UUID, amount: int = 1) -> bool:
    return await db.changed(
        conn,
        "update claims set taken = taken + $3"
        " where shop_id = $1 and claim_id = $2"
        "   and ($3 < 0 or (taken + $3 <= most and not shut))",  # back at any time
        shop_id,
        claim_id,
        amount,
    )


async def need_patience(conn: db.Connection, claim: Claim, order_id: UUID, at: datetime) -> None:
    """The last one is not for who took it again and again today and did not pay: an order that was
    just placed for it is to be of another phone and device. `claim` is as it was locked.

    Raises Refused("last_let_lapse").
    """
    if claim.left != 1:
        return
    lapsed = await db.value(
        conn,
        "select count(*) from order_claims k"
        "  join orders w on w.shop_id = $1 and w.order_id = k.order_id"
        "  join orders mine on mine.shop_id = $1 and mine.order_id = $3"
        " where k.shop_id = $1 and k.claim_id = $2 and not k.held and w.paid_at is null"
        "   and w.cancelled_at > $4"
        "   and (w.phone_index = mine.phone_index or w.device = mine.device)",
        claim.shop_id,
        claim.claim_id,
        order_id,
        at - timedelta(days=1),
    )
    if lapsed >= LAPSES_A_DAY:
        raise Refused("last_let_lapse")


async def need_share(
    conn: db.Connection,
    shop_id: int,
    coupons: Sequence[UUID],
    device: bytes,
    origin: bytes | None,
    cart_id: UUID | None,
) -> None:
    """The first use of a coupon is anybody's; of what is left unpaid orders of a device hold no
    more than they leave to others, those of an address (`origin`) three times as many and three.
    What the same cart held is given back by placing it again.

    Asked before placing, not within it: orders of the same moment may each be the first.
    Raises Refused("claim_held").
    """
    if await db.value(
        conn,
        "select true from claims c cross join lateral ("
        "  select count(*) filter (where o.device = $3) as own, count(*) as near from orders o"
        "    join order_claims k on k.shop_id = $1 and k.order_id = o.order_id"
        "     and k.claim_id = c.claim_id and k.held"
        "   where o.shop_id = $1 and o.paid_at is null"
        "     and ($5::uuid is null or o.cart_id is distinct from $5)"
        "     and (o.device = $3 or o.origin = $4)) as held"
        " where c.shop_id = $1 and c.claim_id = any ($2)"
        "   and ((own > 0 and own + 1 >= c.most - c.taken)"
        "     or (near > 2 and near + 1 > 3 * (c.most - c.taken - 1))) limit 1",
        shop_id,
        coupons,
        device,
        origin,
        cart_id,
    ):
        raise Refused("claim_held")


async def give_back(
    conn: db.Connection,
    shop_id: int,
    order_id: UUID,
    only: Sequence[tuple[UUID, int]] | None = None,
) -> None:
    """An order ended and takes nothing any more, or `only` not what it took just now; again is
    harmless."""
    held = await _of(conn, shop_id, order_id, held=True) if only is None else only
    await _return(conn, shop_id, order_id, held)


async def give_back_privileges(conn: db.Connection, shop_id: int, order_id: UUID) -> None:
    """All of an order's money went back, or all its goods did: its coupon, its birthday and its
    credit are its buyer's again; an invitation's use or a team's seat stays used."""
    held = await _of(conn, shop_id, order_id, held=True, kinds=PRIVILEGES)
    await _return(conn, shop_id, order_id, held)


async def credit_of(conn: db.Connection, shop_id: int, order_id: UUID) -> int:
    """How much credit an order holds, in minor units."""
    held = await _of(conn, shop_id, order_id, held=True, kinds=("credit",))
    return sum(amount for _, amount in held)


async def give_back_credit(conn: db.Connection, shop_id: int, order_id: UUID, minor: int) -> None:
    """So many minor units of an order's credit are its buyer's again, or all that it still holds;
    the order holds the less."""
    for claim_id, amount in await _of(conn, shop_id, order_id, held=True, kinds=("credit",)):
        if minor >= amount:
            await _return(conn, shop_id, order_id, [(claim_id, amount)])
        elif minor:
            await _count(conn, shop_id, claim_id, -minor)
            await db.run(
                conn,
                "update order_claims set amount = amount - $4"
                " where shop_id = $1 and order_id = $2 and claim_id = $3",
                shop_id,
                order_id,
                claim_id,
                minor,
            )
        minor -= min(minor, amount)


async def _return(
    conn: db.Connection, shop_id: int, order_id: UUID, held: Sequence[tuple[UUID, int]]
) -> None:
    for claim_id, amount in held:
        await _count(conn, shop_id, claim_id, -amount)
    await _mark(conn, shop_id, order_id, held, now=False)


async def take_again(
    conn: db.Connection, shop_id: int, order_id: UUID
) -> list[tuple[UUID, int]] | None:
    """Take once more what an order gave back, all or none: the claims that were taken, with how
    much of each (none of them when it holds all that it wants), or None when somebody else has
    one."""
    wanted = await _of(conn, shop_id, order_id, held=False)
    for claim_id, amount in wanted:
        if (await lock(conn, shop_id, claim_id)).left < amount:
            return None
    for claim_id, amount in wanted:
        await _count(conn, shop_id, claim_id, amount)
    await _mark(conn, shop_id, order_id, wanted, now=True)
    return wanted


async def _of(
    conn: db.Connection,
    shop_id: int,
    order_id: UUID,
    *,
    held: bool,
    kinds: Sequence[str] | None = None,
) -> list[tuple[UUID, int]]:
    """Claims and how much of each, in the order in which they are locked."""
    rows = await conn.fetch(
        "select k.claim_id, k.amount from order_claims k"
        "  join claims c on c.shop_id = k.shop_id and c.claim_id = k.claim_id"
        " where k.shop_id = $1 and k.order_id = $2 and k.held = $3"
        "   and ($4::text[] is null or c.kind = any ($4)) order by k.claim_id",
        shop_id,
        order_id,
        held,
        kinds,
    )
    return [(row["claim_id"], row["amount"]) for row in rows]


async def _mark(
    conn: db.Connection,
    shop_id: int,
    order_id: UUID,
    which: Sequence[tuple[UUID, int]],
    *,
    now: bool,
) -> None:
    if which:
        await db.run(
            conn,
            "update order_claims set held = $3"
            " where shop_id = $1 and order_id = $2 and claim_id = any ($4)",
            shop_id,
            order_id,
            now,
            [claim_id for claim_id, _ in which],
        )
