"""Charging: an operator sets what the platform takes, of all shops or of one, and says why."""

from __future__ import annotations

from datetime import date, datetime, time
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.clock import SHANGHAI
from littleshop.errors import NotFound, Refused
from littleshop.oversight import acts
from littleshop.oversight.acts import Act
from littleshop.pay import gateways
from littleshop.shop import shops
from littleshop.shop.shops import PLATFORM
from littleshop.trade import fees
from littleshop.trade.fees import EVERY_RAIL, Rate, Schedule

LONGEST_NAME = 40


class Wish(msgspec.Struct, frozen=True):
    """A schedule as it was typed. `rates` by rail; none of them: the shop follows the platform.
    `starts_on` today or later; what is placed before keeps what it has."""

    of_shop_id: int
    name: str
    currency: str
    starts_on: date
    rates: dict[str, Rate]


class Sheet(msgspec.Struct, frozen=True):
    """The schedules of the platform or of a shop, the latest first, with their rates and the act
    behind each; `in_force` is the one that an order placed now would get."""

    of_shop_id: int
    currency: str
    name: str
    schedules: list[Schedule]
    rates: dict[UUID, dict[str, Rate]]
    said: dict[str, Act]
    in_force: Schedule | None


def subject(schedule_id: UUID) -> str:
    """What the log calls a schedule."""
    return f"fees/{schedule_id}"


async def sheet(conn: db.Connection, of_shop_id: int, currency: str, at: datetime) -> Sheet:
    """What was set for a shop, or for all (0) in a currency. Raises NotFound."""
    name = ""
    if of_shop_id != PLATFORM:
        shop = await shops.get(conn, of_shop_id)
        name, currency = shop.name, shop.currency
    found = await fees.of_shop(conn, of_shop_id, currency)
    now = await fees.in_force(conn, of_shop_id, currency, at)
    ids = [each.schedule_id for each in found] + ([now.schedule_id] if now else [])
    said = await acts.of_subjects(conn, [subject(each.schedule_id) for each in found])
    return Sheet(of_shop_id, currency, name, found, await fees.rates(conn, ids), said, now)


async def charge(
    conn: db.Connection, operator: UUID, wish: Wish, cause: UUID, *, reason: str, at: datetime
) -> None:
    """Set a schedule; a second press of one form (`cause`) changes nothing.

    Raises Refused fees_name, fees_past, fees_bounds, fees_rate, reason_short, reason_long;
    NotFound for a shop or a rail that nobody knows.
    """
    reason, shop = acts.why(reason), ""
    if wish.of_shop_id != PLATFORM:
        shop = (await shops.get(conn, wish.of_shop_id)).name
    _check(wish)
    today = at.astimezone(SHANGHAI).date()
    if wish.starts_on < today:
        raise Refused("fees_past")
    midnight = datetime.combine(wish.starts_on, time(0), SHANGHAI)
    schedule = Schedule(
        cause, wish.of_shop_id, wish.name, wish.currency, not wish.rates, max(midnight, at), at,
        operator,
    )  # fmt: skip
    if not await fees.agree(conn, schedule, wish.rates):
        return
    told = {rail or "every": _plain(rate) for rail, rate in sorted(wish.rates.items())}
    await acts.record(
        conn, operator, "fees_set", subject(cause), reason=reason, at=at,
        shop_id=wish.of_shop_id or None, shop=shop, name=wish.name, day=wish.starts_on,
        currency_of=wish.currency, rates=told,
    )  # fmt: skip


def _plain(rate: Rate) -> list[int | None]:
    return [rate.bps, rate.fixed_minor, rate.lowest_minor, rate.highest_minor]


def _check(wish: Wish) -> None:
    if not 0 < len(wish.name) <= LONGEST_NAME:
        raise Refused("fees_name", most=LONGEST_NAME)
    if not wish.rates and wish.of_shop_id == PLATFORM:
        raise Refused("fees_rate")
    if wish.rates and EVERY_RAIL not in wish.rates:
        raise Refused("fees_rate")
    for rail, rate in wish.rates.items():
        if rail != EVERY_RAIL and rail not in gateways.OPENERS:
            raise NotFound("rail")
        if not 0 <= rate.bps <= 10_000:
            raise Refused("fees_rate")
        if rate.highest_minor is not None and rate.highest_minor < rate.lowest_minor:
            raise Refused("fees_bounds")
