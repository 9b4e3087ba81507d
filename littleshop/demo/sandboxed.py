"""What the sandbox must know of the past: the trades that our books say it was paid for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import msgspec

from littleshop import db, jobs
from littleshop.http import House
from littleshop.pay import payments, refunds
from littleshop.sale import tracking
from littleshop.shop import shops

METHODS = {
    "wap": "alipay.trade.wap.pay",
    "page": "alipay.trade.page.pay",
    "qr": "alipay.trade.precreate",
}

NOT_THERE = timedelta(hours=20)  # so long after it began no parcel of the sandbox has arrived


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


async def tell_couriers(house: House, until: datetime) -> None:
    """The parcels of the past that are still on their way: the couriers learn since when (none is
    there yet), and are asked to push from now on. What was asked already is left alone."""
    if house.settings.sandbox_url is None or house.tracker is None:
        return
    async with house.database.connection() as conn:
        waiting = await _on_their_way(conn)
    latest = until - NOT_THERE
    began = {each.number: max(each.left_at, latest) for each in waiting}
    await _begin(house.settings.sandbox_url, began)

    async def ask(conn: db.Connection) -> None:
        for each in waiting:
            told = {"shop_id": each.shop_id, "parcel_id": str(each.parcel_id)}
            await jobs.defer(
                conn, tracking.SUBSCRIBE, at=house.clock.now(), key=each.number, **told
            )

    await house.database.transaction(ask)


async def tell_of_parcels(database: db.Database, sandbox_url: str) -> None:
    """Whatever left and no courier was asked about begins its way when it left: told before the
    clock moves, so that its first scans are not of the time it moves to."""
    async with database.connection() as conn:
        waiting = await _on_their_way(conn)
    if waiting:
        await _begin(sandbox_url, {each.number: each.left_at for each in waiting})


async def _begin(sandbox_url: str, began: dict[str, datetime]) -> None:
    parcels = [
        {"number": number, "began_at": stamp(at)}
        for number, at in began.items()
        if number.isalnum() and 6 <= len(number) <= 32  # else no courier has it
    ]
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        url = f"{sandbox_url}/control/courier/history"
        answer = await client.post(url, content=msgspec.json.encode({"parcels": parcels}))
        answer.raise_for_status()


class _Parcel(msgspec.Struct, frozen=True):
    shop_id: int
    parcel_id: UUID
    number: str
    left_at: datetime


async def _on_their_way(conn: db.Connection) -> list[_Parcel]:
    return await db.all(
        conn,
        _Parcel,
        "select p.shop_id, p.parcel_id, p.tracking_number as number, p.handed_over_at as left_at"
        "  from parcels p /* all shops: the couriers are told of their past */"
        "  join trackings t on t.shop_id = p.shop_id and t.parcel_id = p.parcel_id"
        "  join orders o on o.shop_id = p.shop_id and o.order_id = p.order_id"
        " where t.status = 'asked' and t.token_hash is null and o.status = 'shipped'"
        "   and p.taken_back_at is null",
    )


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
