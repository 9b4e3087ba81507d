"""Gifts: who claimed a gift, so that its parcel is told of to him and not to who paid; and of which
kind its things can be when they are claimed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.errors import Refused

ROLE = "recipient"


class Claimed(msgspec.Struct, frozen=True):
    """A row of gifts: the recipient's phone and language, and when he said where it goes."""

    phone_sealed: bytes
    locale: str
    claimed_at: datetime


async def of_order(conn: db.Connection, shop_id: int, order_id: UUID) -> Claimed | None:
    """The claim of a gift; None while nobody has claimed it."""
    return await db.one(
        conn,
        Claimed,
        "select phone_sealed, locale, claimed_at from gifts where shop_id = $1 and order_id = $2",
        shop_id,
        order_id,
    )


async def claim(conn: db.Connection, shop_id: int, order_id: UUID, claimed: Claimed) -> None:
    """Write who has a locked gift; there is one claim of each."""
    await db.run(
        conn,
        "insert into gifts (shop_id, order_id, phone_sealed, locale, claimed_at)"
        " values ($1, $2, $3, $4, $5)",
        shop_id,
        order_id,
        claimed.phone_sealed,
        claimed.locale,
        claimed.claimed_at,
    )


class GiftVariant(msgspec.Struct, frozen=True):
    """A variant that a line of an order can be: the one it is (`chosen`), or one of the same thing
    at the same price. `spare` is what can be bought of it now."""

    position: int
    variant_id: UUID
    choice: str
    quantity: int
    spare: int
    chosen: bool


async def kinds(conn: db.Connection, shop_id: int, order_id: UUID) -> list[GiftVariant]:
    """What each line of an order can be, the lines in their order."""
    return await db.all(
        conn,
        GiftVariant,
        "select i.position, v.variant_id, array_to_string(v.choice, ' · ') as choice, i.quantity,"
        "       v.on_hand - v.held as spare, v.variant_id = i.variant_id as chosen"
        "  from order_items i"
        "  join products p on p.shop_id = i.shop_id and p.product_id = i.product_id"
        "  join variants v on v.shop_id = i.shop_id and v.product_id = i.product_id"
        " where i.shop_id = $1 and i.order_id = $2"
        "   and (v.variant_id = i.variant_id or"
        "        (p.status = 'on_sale' and not v.withdrawn and v.price_minor = i.unit_minor))"
        " order by i.position, v.sort_order, v.variant_id",
        shop_id,
        order_id,
    )


def moved(known: list[GiftVariant], wanted: Mapping[int, UUID]) -> dict[UUID, int]:
    """How many more (below zero: fewer) pieces of each variant it takes to have the `wanted` ones,
    by position. Raises Refused("gift_swap") for what no line can be."""
    there = {(each.position, each.variant_id) for each in known}
    if not set(wanted.items()) <= there:
        raise Refused("gift_swap")
    change: dict[UUID, int] = {}
    for each in known:
        if each.chosen and each.position in wanted:
            change[each.variant_id] = change.get(each.variant_id, 0) - each.quantity
            other = wanted[each.position]
            change[other] = change.get(other, 0) + each.quantity
    return {variant_id: pieces for variant_id, pieces in change.items() if pieces}


async def choose(
    conn: db.Connection,
    shop_id: int,
    order_id: UUID,
    known: list[GiftVariant],
    wanted: Mapping[int, UUID],
) -> None:
    """Lines of a locked order become other kinds; the caller has moved what is held."""
    chosen = [each for each in known if wanted.get(each.position) == each.variant_id]
    await db.run(
        conn,
        "update order_items i set variant_id = w.variant_id, choice = w.choice"
        "  from unnest($3::integer[], $4::uuid[], $5::text[]) as w(position, variant_id, choice)"
        " where i.shop_id = $1 and i.order_id = $2 and i.position = w.position",
        shop_id,
        order_id,
        [each.position for each in chosen],
        [each.variant_id for each in chosen],
        [each.choice for each in chosen],
    )
