"""Telling a shop's owner that payouts are stopped or go on: what it does to his money, never why
the platform looked."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from littleshop import db
from littleshop.identity import people
from littleshop.notify import live, messages, subscriptions
from littleshop.notify.live import Event
from littleshop.notify.messages import Recipient
from littleshop.risk import holds
from littleshop.shop import shops, staff


async def held(conn: db.Connection, shop_id: int, hold_id: UUID, at: datetime) -> None:
    """Payouts are stopped until an operator lets them go on; told once for each hold."""
    await _tell(conn, shop_id, "payouts_held", hold_id, at)


async def lifted(conn: db.Connection, shop_id: int, hold_id: UUID, at: datetime) -> None:
    """A hold was lifted: nothing is said while another one keeps payouts back."""
    if await holds.current(conn, shop_id, at) is None:
        await _tell(conn, shop_id, "payouts_lifted", hold_id, at)


async def _tell(conn: db.Connection, shop_id: int, about: str, hold_id: UUID, at: datetime) -> None:
    """By SMS and to his browsers; every console that is open now looks again."""
    shop = await shops.get(conn, shop_id)
    members = await staff.of_shop(conn, shop_id)
    owners = [member.person_id for member in members if member.role == "owner"]
    browsers = await subscriptions.of(conn, shop_id, owners)
    for person_id in owners:
        person = await people.get(conn, person_id)
        if person is None:
            continue
        push = tuple(browsers.get(person_id, ()))
        to = Recipient(person_id, person.phone_sealed, person.locale, push)
        url = f"/console/{shop_id}/money"
        await messages.send(
            conn, shop_id, [to], about=about, subject=hold_id, at=at, shop=shop.name, url=url
        )
    await live.publish(conn, shop_id, Event(about), at=at)
