"""Teams: so many people buy the same thing together, each for less; and what can be bought so."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.trade import claims


class Offer(msgspec.Struct, frozen=True):
    """A product that a team of `seats` can buy, at `prices` of one piece by variant."""

    product_id: UUID
    seats: int
    prices: dict[UUID, int]


class Team(msgspec.Struct, frozen=True):
    """A row of teams: forming -> full, or failed when its time was over before."""

    shop_id: int
    team_id: UUID
    product_id: UUID
    seats: int
    status: str
    opened_at: datetime
    closes_at: datetime
    ended_at: datetime | None


_COLUMNS = ", ".join(Team.__struct_fields__)


async def offer(
    conn: db.Connection,
    shop_id: int,
    product_id: UUID,
    seats: int,
    prices: Mapping[UUID, int],
    at: datetime,
) -> None:
    """Let teams of so many buy a product at these prices, in place of what was offered before;
    teams that are forming keep their seats, and their next ones pay what is offered then."""
    await withdraw(conn, shop_id, product_id)
    await db.run(
        conn,
        "insert into team_offers (shop_id, product_id, seats, offered_at) values ($1, $2, $3, $4)",
        shop_id,
        product_id,
        seats,
        at,
    )
    await db.run(
        conn,
        "insert into team_prices (shop_id, variant_id, product_id, price_minor)"
        " select $1, p.variant_id, $2, p.price_minor"
        "   from unnest($3::uuid[], $4::bigint[]) as p(variant_id, price_minor)",
        shop_id,
        product_id,
        list(prices),
        list(prices.values()),
    )


async def withdraw(conn: db.Connection, shop_id: int, product_id: UUID) -> bool:
    """No new team buys it; False when none could."""
    return await db.changed(
        conn,
        "delete from team_offers where shop_id = $1 and product_id = $2",
        shop_id,
        product_id,
    )


async def offered(conn: db.Connection, shop_id: int, product_id: UUID) -> Offer | None:
    """How teams buy a product, or None."""
    rows = await conn.fetch(
        "select o.seats, p.variant_id, p.price_minor from team_offers o"
        " join team_prices p on p.shop_id = o.shop_id and p.product_id = o.product_id"
        " join variants v on v.shop_id = p.shop_id and v.variant_id = p.variant_id"
        " where o.shop_id = $1 and o.product_id = $2 and not v.withdrawn"
        "   and p.price_minor < v.price_minor",
        shop_id,
        product_id,
    )
    prices = {row["variant_id"]: row["price_minor"] for row in rows}
    return Offer(product_id, rows[0]["seats"], prices) if rows else None


async def open_(conn: db.Connection, team: Team, token_hash: bytes) -> None:
    """A team begins, with all its seats free; a second press finds it."""
    await claims.open_(conn, team.shop_id, team.team_id, "team", team.seats)
    await db.run(
        conn,
        "insert into teams (shop_id, team_id, product_id, seats, token_hash, opened_at, closes_at)"
        " values ($1, $2, $3, $4, $5, $6, $7) on conflict on constraint teams_pkey do nothing",
        team.shop_id,
        team.team_id,
        team.product_id,
        team.seats,
        token_hash,
        team.opened_at,
        team.closes_at,
    )


async def by_token(conn: db.Connection, shop_id: int, token_hash: bytes) -> Team | None:
    """The team behind a link."""
    return await db.one(
        conn,
        Team,
        f"select {_COLUMNS} from teams where shop_id = $1 and token_hash = $2",
        shop_id,
        token_hash,
    )


async def of_order(conn: db.Connection, shop_id: int, order_id: UUID) -> Team | None:
    """The team in which an order has a seat, or had one."""
    return await db.one(
        conn,
        Team,
        f"select {_COLUMNS} from teams where shop_id = $1 and team_id in"
        " (select claim_id from order_claims where shop_id = $1 and order_id = $2)",
        shop_id,
        order_id,
    )


async def end(conn: db.Connection, shop_id: int, team_id: UUID, status: str, at: datetime) -> bool:
    """forming -> full or failed; nobody takes a seat any more. False when it had ended."""
    ended = await db.changed(
        conn,
        "update teams set status = $3, ended_at = $4"
        " where shop_id = $1 and team_id = $2 and status = 'forming'",
        shop_id,
        team_id,
        status,
        at,
    )
    if ended:
        await claims.shut(conn, shop_id, team_id)
    return ended


async def paid(conn: db.Connection, team: Team) -> list[UUID]:
    """The orders whose seat is paid, by their ids (which is how orders are locked)."""
    rows = await conn.fetch(
        "select o.order_id from order_claims c"
        " join orders o on o.shop_id = c.shop_id and o.order_id = c.order_id"
        " where c.shop_id = $1 and c.claim_id = $2 and c.held and o.status = 'forming'"
        " order by o.order_id",
        team.shop_id,
        team.team_id,
    )
    return [row["order_id"] for row in rows]


async def is_in(conn: db.Connection, team: Team, phone_index: bytes, device: bytes) -> bool:
    """Whether somebody with this phone or device has a seat already, paid or not."""
    return bool(
        await db.value(
            conn,
            "select exists (select from order_claims c"
            " join orders o on o.shop_id = c.shop_id and o.order_id = c.order_id"
            " where c.shop_id = $1 and c.claim_id = $2 and c.held"
            "   and (o.phone_index = $3 or o.device = $4))",
            team.shop_id,
            team.team_id,
            phone_index,
            device,
        )
    )
