"""Lines of referral commission, as the seller's pages and the sharer's tell them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from littleshop import db
from littleshop.money import Money
from littleshop.social import referral_lists
from littleshop.social.referral_lists import Line
from littleshop.web.rates import percent


async def told(conn: db.Connection, lines: Sequence[Line], zone: str) -> list[dict[str, Any]]:
    """Each line with its things (what they cost, at which rate), what it comes to and why."""
    things: dict[tuple[UUID, int], list[dict[str, Any]]] = defaultdict(list)
    currency = {(each.order_id, each.level): each.currency for each in lines}
    for line in await referral_lists.named_lines(conn, lines):
        key = (line.order_id, line.level)
        base = Money(line.base_minor, currency[key])
        things[key].append({"title": line.title, "base": base, "rate": percent(line.rate_bps)})
    return [_line(each, things[each.order_id, each.level], zone) for each in lines]


def _line(line: Line, things: list[dict[str, Any]], zone: str) -> dict[str, Any]:
    return {
        "number": line.number,
        "level": line.level,
        "things": things,
        "amount": line.amount,
        "lost": line.lost if line.lost else None,
        "state": "stopped" if line.state == "frozen" and line.stopped else line.state,
        "until": _day(line.closes_at, zone),
        "at": line.placed_at.astimezone(ZoneInfo(zone)),
        "code": line.code,
    }


def _day(at: datetime | None, zone: str) -> Any:
    return None if at is None else at.astimezone(ZoneInfo(zone)).date()
