"""Holding: an operator keeps a shop's payouts back, lets them go on, or says why they wait."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.errors import NotFound, Refused
from littleshop.ledger import accounts, chart
from littleshop.money import Money
from littleshop.oversight import acts
from littleshop.oversight.acts import Act
from littleshop.risk import holds, telling
from littleshop.risk.holds import Hold
from littleshop.shop import shops
from littleshop.shop.shops import PLATFORM, Shop


class HeldShop(msgspec.Struct, frozen=True):
    """A hold with the shop it is about, what waits there, and the last word on it."""

    hold: Hold
    shop: Shop
    waits: Money
    last: Act | None


def subject(shop_id: int, hold_id: UUID) -> str:
    """What the log calls a hold."""
    return f"hold/{shop_id}/{hold_id}"


async def waiting(conn: db.Connection, at: datetime) -> list[HeldShop]:
    """Every hold in force, first those that only an operator ends."""
    found = await holds.in_force(conn, at)
    said = await acts.of_subjects(conn, [subject(one.shop_id, one.hold_id) for one in found])
    rows = []
    for hold in found:
        shop = await shops.get(conn, hold.shop_id)
        waits = await accounts.balance(conn, hold.shop_id, chart.PAYABLE, shop.currency)
        rows.append(HeldShop(hold, shop, waits, said.get(subject(hold.shop_id, hold.hold_id))))
    return rows


async def hold(
    conn: db.Connection, operator: UUID, shop_id: int, cause: UUID, *, reason: str, at: datetime
) -> None:
    """Hold a shop's payouts until an operator lifts it; a second press of one form (`cause`)
    changes nothing. Raises Refused reason_short, reason_long, NotFound."""
    shop = await shops.get(conn, shop_id)
    if shop_id == PLATFORM:
        raise NotFound("shop")
    reason = acts.why(reason)
    if not await holds.place(conn, shop_id, cause, "operator", reason=reason, at=at):
        return
    hold_id = holds.identity(cause, "operator")
    await telling.held(conn, shop_id, hold_id, at)
    held = subject(shop_id, hold_id)
    await acts.record(
        conn, operator, "payouts_held", held, reason=reason, at=at, shop_id=shop_id, shop=shop.name
    )


async def lift(
    conn: db.Connection, operator: UUID, shop_id: int, hold_id: UUID, *, reason: str, at: datetime
) -> None:
    """Let payouts go on. Raises Refused hold_lifted when somebody did, reason_short, NotFound."""
    one = await _known(conn, shop_id, hold_id)
    if not await holds.lift(conn, shop_id, hold_id, by=operator, at=at):
        raise Refused("hold_lifted")
    await telling.lifted(conn, shop_id, hold_id, at)
    await _record(conn, operator, "hold_lifted", one, reason, at)


async def keep(
    conn: db.Connection, operator: UUID, shop_id: int, hold_id: UUID, *, reason: str, at: datetime
) -> None:
    """Look at a hold and leave it. Raises Refused hold_lifted, reason_short, NotFound."""
    one = await _known(conn, shop_id, hold_id)
    if one.lifted_at is not None:
        raise Refused("hold_lifted")
    await _record(conn, operator, "hold_kept", one, reason, at)


async def _known(conn: db.Connection, shop_id: int, hold_id: UUID) -> Hold:
    one = await holds.get(conn, shop_id, hold_id)
    if one is None:
        raise NotFound("hold")
    return one


async def _record(
    conn: db.Connection, operator: UUID, kind: str, one: Hold, reason: str, at: datetime
) -> None:
    shop = await shops.get(conn, one.shop_id)
    await acts.record(
        conn, operator, kind, subject(one.shop_id, one.hold_id),
        reason=reason, at=at, shop_id=one.shop_id, shop=shop.name, held_for=one.kind,
    )  # fmt: skip
