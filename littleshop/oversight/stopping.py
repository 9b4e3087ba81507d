"""Stopping: referral commission of a shop, or of all, ends until an operator says otherwise."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.errors import NotFound, Refused
from littleshop.money import Money
from littleshop.oversight import acts
from littleshop.shop import shops
from littleshop.shop.shops import Shop
from littleshop.social import referral_lists, referral_stops, referral_terms
from littleshop.social.referral_stops import Stop
from littleshop.social.referral_terms import Rates


class Giving(msgspec.Struct, frozen=True):
    """A shop that gives referral commission, or did: its rates, for how many shops, how much."""

    shop: Shop
    rates: Rates
    sharers: int
    coming: Money
    frozen: Money
    theirs: Money
    stop: Stop | None


def subject(shop_id: int) -> str:
    """What the log calls it."""
    return f"referrals/{shop_id}"


async def giving(conn: db.Connection) -> list[Giving]:
    """Every shop that gives it, the latest first."""
    stops, rows = await referral_stops.standing(conn), []
    for shop_id in await referral_stops.giving(conn):
        shop = await shops.get(conn, shop_id)
        found = await referral_lists.sharers(conn, shop_id)
        coming, frozen, theirs = (
            Money(sum(getattr(each, f"{name}_minor") for each in found), shop.currency)
            for name in ("coming", "frozen", "theirs")
        )
        best = await referral_terms.highest(conn, shop_id)
        rows.append(Giving(shop, best, len(found), coming, frozen, theirs, stops.get(shop_id)))
    return rows


async def stop(
    conn: db.Connection, operator: UUID, shop_id: int, *, reason: str, at: datetime
) -> None:
    """Nothing that is placed from now on earns sharers anything, in a shop or (0) anywhere.

    Raises Refused: referral_stopped_already, reason_short; NotFound.
    """
    shop = await _known(conn, shop_id)
    reason = acts.why(reason)
    if not await referral_stops.stop(conn, shop_id, reason, at):
        raise Refused("referral_stopped_already")
    await _record(conn, operator, "referral_stopped", shop, reason, at)


async def lift(
    conn: db.Connection, operator: UUID, shop_id: int, *, reason: str, at: datetime
) -> None:
    """It goes on. Raises Refused: referral_not_stopped, reason_short; NotFound."""
    shop = await _known(conn, shop_id)
    reason = acts.why(reason)
    if not await referral_stops.lift(conn, shop_id, at):
        raise Refused("referral_not_stopped")
    await _record(conn, operator, "referral_lifted", shop, reason, at)


async def _known(conn: db.Connection, shop_id: int) -> Shop:
    shop = await shops.find(conn, shop_id)
    if shop is None:
        raise NotFound("shop")
    return shop


async def _record(
    conn: db.Connection, operator: UUID, kind: str, shop: Shop, reason: str, at: datetime
) -> None:
    await acts.record(
        conn, operator, kind, subject(shop.shop_id), reason=reason, at=at, name=shop.name
    )
