"""What the sandbox must know of the past: the trades that our books say it was paid for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec

from littleshop import db
from littleshop.http import House
from littleshop.pay import payments, refunds
from littleshop.shop import shops

METHODS = {
    "wap": "alipay.trade.wap.pay",
    "page": "alipay.trade.page.pay",
    "qr": "alipay.trade.precreate",
}


def stamp(at: datetime) -> str:
    """A moment as the sandbox writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


async def tell_rail(house: House, until: datetime) -> None:
    """Write every paid trade up to `until` into the sandbox's books; it leaves alone what it knows.

    Our own rows are what is told, so a kill between playing and telling is mended by telling.
    """
    if house.settings.sandbox_url is None or "alipay" not in house.settings.rails:
        return
    async with house.database.connection() as conn:
        trades = await _trades(conn, until)
    told = {"app_id": house.settings.rails["alipay"]["app_id"], "trades": trades}
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        url = f"{house.settings.sandbox_url}/control/alipay/history"
        answer = await client.post(url, content=msgspec.json.encode(told))
        answer.raise_for_status()


async def _trades(conn: db.Connection, until: datetime) -> list[dict[str, Any]]:
    return [
        {
            "trade_no": payment.gateway_trade_no,
            "out_trade_no": payment.reference,
            "method": METHODS[payment.method],
            "subject": (await shops.get(conn, payment.shop_id)).name,
            "total_minor": payment.paid_minor,
            "created_at": stamp(payment.asked_at),
            "paid_at": stamp(payment.paid_at),
            "refunds": [
                {
                    "out_request_no": refund.reference,
                    "amount_minor": refund.amount_minor,
                    "reason": refund.reason,
                    "refunded_at": stamp(refund.done_at),
                }
                for refund in await refunds.of_order(conn, payment.shop_id, payment.order_id)
                if refund.payment_id == payment.payment_id and refund.done_at is not None
            ],
        }
        for payment in await _paid(conn, until)
        if payment.paid_at is not None
    ]


async def _paid(conn: db.Connection, until: datetime) -> list[payments.Payment]:
    return await db.all(
        conn,
        payments.Payment,
        f"select {payments.COLUMNS} from payments /* all shops: the rail is told of its past */"
        " where status = 'paid' and gateway = 'alipay' and paid_at <= $1 order by paid_at",
        until,
    )
