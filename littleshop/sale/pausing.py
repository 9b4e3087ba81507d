"""Pausing: an order's clocks stand still while the buyer, or his bank, wants something back."""

from __future__ import annotations

from datetime import datetime

from littleshop import db
from littleshop.pay import chargebacks
from littleshop.trade import cases, timers
from littleshop.trade.orders import Order

CASE_CLOCKS = ("case_answer", "case_send_back", "case_take_back", "case_replace", "case_escalate")
# A request leaves the seller's clock for shipping alone: he still owes the goods or the money.
_BY_A_CASE = ("confirm_soon", "confirm_by", "close")
_BY_A_BANK = ("pay_by", "claim_by", "form_by", "ship_by", "ship_at_last", *_BY_A_CASE, *CASE_CLOCKS)


async def for_a_case(conn: db.Connection, order: Order, at: datetime) -> None:
    """Nothing is released while a request is open."""
    await timers.pause(conn, order.shop_id, order.order_id, _BY_A_CASE, at)


async def for_a_bank(conn: db.Connection, order: Order, at: datetime) -> None:
    """Nothing happens by itself while a chargeback is open."""
    await timers.pause(conn, order.shop_id, order.order_id, _BY_A_BANK, at)


async def go_on(conn: db.Connection, order: Order, at: datetime) -> None:
    """Let a locked order's clocks go on as far as nothing else stops them."""
    if await chargebacks.open_of(conn, order.shop_id, order.order_id) is not None:
        return
    still = await cases.open_of(conn, order.shop_id, order.order_id)
    stopped = () if still is None or still.status == "refunding" else _BY_A_CASE
    kinds = [kind for kind in _BY_A_BANK if kind not in stopped]
    await timers.resume(conn, order.shop_id, order.order_id, kinds, at)
