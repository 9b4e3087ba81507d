"""The operators' desk for refunds that did not arrive: to another card, by hand, or once more."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from littleshop import db
from littleshop.clock import Clock
from littleshop.errors import GatewayError, Refused
from littleshop.oversight import redirecting
from littleshop.pay import gateways
from littleshop.pay.gateways import Gateway
from tests.simulation.town import Town

CARD = redirecting.buyer_card("6222021234567890128", "陈婉婷")
WHY = "模拟"


@contextlib.asynccontextmanager
async def rails(town: Town, at: datetime, *names: str) -> AsyncIterator[dict[str, Gateway]]:
    """These rails, as the program has them."""
    settings = json.loads((town.littleshop.home / "rails.json").read_text())
    clock = Clock(at - datetime.now(UTC))
    opened = gateways.open({name: settings[name] for name in names}, clock)
    try:
        yield opened
    finally:
        for each in opened.values():
            await each.disconnect()


def stuck(town: Town) -> list[dict[str, Any]]:
    """The refunds that wait for an operator."""
    return town.read(
        "select /* all shops: the operators' desk */ r.shop_id, r.refund_id, r.redirect, p.gateway"
        " from refunds r join payments p on p.shop_id = r.shop_id and p.payment_id = r.payment_id"
        " where r.status = 'stuck' order by r.refund_id"
    )


def handle_stuck(town: Town, share: float) -> None:
    """Each of some stuck refunds is sent on by an operator; what was begun is ended."""
    found = town.read("select person_id from operators order by person_id limit 1")
    for row in stuck(town) if found else []:
        if town.chance.random() < share:
            to = _way(town, row)
            try:
                town.at_desk(lambda *told: _act(town, found[0]["person_id"], row, to, *told))  # noqa: B023
            except (Refused, GatewayError):  # somebody was quicker, or the rail is away
                continue
            town.happened[f"refund_{to}"] += 1


def _way(town: Town, row: dict[str, Any]) -> str:
    begun = {"asking_card": "to_card", "asking_us": "to_us", "us": "by_hand"}.get(row["redirect"])
    if begun is None:
        begun = town.chance.choice(("to_card", "to_us"))
    return begun if row["gateway"] == "wechat_pay" else "sent_again"


async def _act(
    town: Town, operator: UUID, row: dict[str, Any], to: str, database: db.Database, at: datetime
) -> None:
    async with rails(town, at, row["gateway"]) as opened:
        told = (database, opened, operator, row["shop_id"], row["refund_id"])
        if to == "sent_again":
            await redirecting.send_again(*told, reason=WHY, at=at)
        elif to == "by_hand":
            await redirecting.pay_by_hand(*told, reason=WHY, at=at)
        else:
            card = CARD if to == "to_card" else None
            await redirecting.redirect(*told, card=card, reason=WHY, at=at)
