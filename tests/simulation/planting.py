"""Planting: a wrong that no flow of ours does, which the end must see."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import asyncpg

from littleshop import ids, postgres
from littleshop.clock import Clock
from littleshop.money import Money
from littleshop.pay import gateways
from littleshop.pay.gateways import RefundRequest
from tests.flows.people import Shopper
from tests.simulation.town import Town


def plant(town: Town, name: str) -> None:
    """Do one wrong, as somebody with the owner's rights, or another system, would."""
    {
        "lost-notice": _lost_notice,
        "double-refund": _double_refund,
        "early-release": _early_release,
        "oversell": _oversell,
        "stale-payout": _stale_payout,
    }[name](town)


def sql(town: Town, *statements: str) -> None:
    """Do this as the owner of the database."""

    async def run() -> None:
        conn = await asyncpg.connect(postgres.Cluster(town.littleshop.home).dsn())
        for statement in statements:
            done = await conn.execute(statement)
            assert not done.endswith(" 0"), f"nothing was planted by {statement}"
        await conn.close()

    asyncio.run(run())


def _lost_notice(town: Town) -> None:
    """A buyer paid, no notice came, and nothing of ours remembers that he was asked to."""
    town.littleshop.control("faults", {"alipay": {"notify": {"drop": 1000}}})
    shop = town.shops[0]
    shopper = Shopper(town.littleshop)
    placed = shopper.order(shop.slug, town.products[shop.shop_id][0])
    shopper.pay(placed)
    sql(
        town,
        f"delete from payments where reference = '{placed.reference}'",
        f"delete from payment_references where reference = '{placed.reference}'",
    )


def _double_refund(town: Town) -> None:
    """Somebody gives money back at the rail's own desk, which our books never hear of."""
    [row] = town.read(
        "select /* all shops */ reference, paid_minor from payments"
        " where gateway = 'alipay' and status = 'paid' and refunded_minor = 0 limit 1"
    )
    rails = json.loads((town.littleshop.home / "rails.json").read_text())
    at = Clock(town.now() - datetime.now(UTC))

    async def refund() -> str:
        rail = gateways.open({"alipay": rails["alipay"]}, at)["alipay"]
        answer = await rail.refund(
            RefundRequest(
                reference=str(row["reference"]),
                refund_reference=ids.reference(),
                amount=Money(100, "CNY"),
                paid=Money(int(str(row["paid_minor"])), "CNY"),
            )
        )
        await rail.disconnect()
        return answer.status

    assert asyncio.run(refund()) == "done"


def _early_release(town: Town) -> None:
    """An order is marked as received, and its money as the seller's, without a journal."""
    town.littleshop.control("faults/clear")
    shop = town.shops[1]
    Shopper(town.littleshop).buy(shop.slug, town.products[shop.shop_id][0])
    sql(
        town,
        "update orders set status = 'received', received_at = coalesce(shipped_at, paid_at),"
        " released_minor = held_minor, held_minor = 0 where order_id = (select order_id from"
        " orders where status in ('to_ship', 'shipped') and held_minor = total_minor limit 1)",
    )


def _oversell(town: Town) -> None:
    """More pieces are promised than open orders want."""
    sql(
        town,
        "update variants set held = held + 1 where (shop_id, variant_id) ="
        " (select shop_id, variant_id from variants where on_hand > held limit 1)",
    )


def _stale_payout(town: Town) -> None:
    """A payout that was done is paid once more under another reference of the same form."""
    sql(
        town,
        "update payouts set status = 'sent', done_at = null, paid_entry = null where payout_id ="
        " (select payout_id from payouts where status = 'done' limit 1)",
    )
