"""The desks of banks, of rails and of the platform: chargebacks, what is stuck or switched off.

Refunds that did not arrive go to another card, by hand, or once more.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from littleshop import db
from littleshop.clock import Clock
from littleshop.errors import GatewayError, Refused
from littleshop.jobs import queue
from littleshop.oversight import acts, explaining, redirecting
from littleshop.pay import gateways, switches
from littleshop.pay.gateways import Gateway
from littleshop.settlement import bills
from tests.simulation.rails import Browsers
from tests.simulation.town import Town

CARD = redirecting.buyer_card("6222021234567890128", "陈婉婷")
WHY = "模拟"
OPERATOR = UUID("7f1b6a90-0000-4000-8000-000000000001")
DESK = "simulation"


@dataclass
class Desks:
    """Who decides about other people's money. `disputed`: what banks looked at, and whether their
    objection stands."""

    town: Town
    browsers: Browsers
    disputed: dict[str, bool] = field(default_factory=dict)

    def open_(self, redirected: float = 0.5) -> None:
        """What waits on the desks of rails and operators is looked at."""
        self.operators_explain()
        self.rails_unstick()
        self.operators_redirect(redirected)
        self.operators_try_again()

    def banks_take_back(self, share: float = 0.1) -> None:
        """Some buyer's bank takes a card payment back; each payment is looked at once."""
        rows = self.town.read(
            "select /* all shops: the town's people */ reference from payments"
            " where gateway = 'stripe' and status = 'paid' order by reference"
        )
        for reference in (str(row["reference"]) for row in rows):
            if reference not in self.disputed:
                taken = self.town.chance.random() < share
                self.disputed[reference] = False
                if taken and self.browsers.tell("stripe", reference, "/dispute"):
                    self.disputed[reference] = True
                    self.town.happened["charged_back"] += 1

    def banks_decide(self, share: float = 0.3) -> None:
        for reference in [one for one, is_open in self.disputed.items() if is_open]:
            if self.town.chance.random() < share:
                won = self.town.chance.random() < 0.4
                if self.browsers.tell("stripe", reference, "/dispute/close", won=won):
                    self.disputed[reference] = False
                    self.town.happened["chargeback_" + ("won" if won else "lost")] += 1

    def rails_unstick(self, share: float = 0.4) -> None:
        """WeChat's desk looks after some refunds that got stuck."""
        for refund in self.town.books()["wechat_pay"]["refunds"]:
            wanted = refund["status"] == "ABNORMAL" and self.town.chance.random() < share
            if wanted and self.browsers.unstick(refund["out_refund_no"]):
                self.town.happened["refund_unstuck"] += 1

    def operators_switch(self, share: float = 0.08) -> None:
        """A rail is switched off for some hours; the one that was off is switched on."""

        async def on(conn: db.Connection, at: datetime) -> None:
            for gateway in await switches.off(conn):
                await switches.switch_on(conn, gateway)

        self.town.act(on)
        if self.town.chance.random() < share:
            rail = self.town.chance.choice(self.town.rails)

            async def off(conn: db.Connection, at: datetime) -> object:
                return await switches.switch_off(conn, rail, why="模拟", by=DESK, at=at)

            self.town.does(f"switched_off {rail}", off)

    def operators_redirect(self, share: float = 0.5) -> None:
        """Refunds that did not arrive are sent another way."""
        handle_stuck(self.town, share)

    def operators_try_again(self) -> None:
        """Every job that was given up is tried once more: what stopped it may be mended."""
        for row in self.town.read(
            "select id, name from jobs where held_at is not null and dropped_at is null"
            " and name not like 'messages%'"
        ):

            async def release(conn: db.Connection, at: datetime, row: dict[str, Any] = row) -> None:
                await queue.release(conn, row["id"])

            self.town.does(f"tried_again {row['name']}", release)

    def operators_explain(self) -> None:
        """Lines of Stripe's bill that are a chargeback which the rail's own books know."""
        rows = self.town.read(
            "select difference_id, words from differences where kind = 'unread'"
            " and gateway = 'stripe' and explained_at is null"
        )
        known = [str(one["id"]) for one in self.town.books()["stripe"]["disputes"]] if rows else []
        for row in rows:
            if any(number in row["words"] for number in known):

                async def explain(
                    conn: db.Connection, at: datetime, row: dict[str, Any] = row
                ) -> object:
                    one, why = row["difference_id"], "a chargeback"
                    if not await bills.explain(conn, one, by=DESK, why=why, at=at):
                        return False
                    about = explaining.subject(one)
                    return await acts.record(
                        conn, OPERATOR, "difference_explained", about, reason=why, at=at
                    )

                self.town.does("explained", explain)


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
