"""The kinds of orders beside plain ones: who takes up a gift, and the figures of each kind."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from littleshop import crypto, db
from littleshop.sale import gifting
from littleshop.trade.destinations import Delivery
from tests.simulation.town import OWN, Town

GIFTS = 0.12  # of what is ordered; some are never taken up, and their money goes back
COUPONS = 0.1
OTHERS = {"pay_for_me": 0.1, "chip_in": 0.1}  # for whom others pay, and what friends share
HOME = Delivery("周宁", "13611113057", "四川省", "成都市", "武侯区", "天府大道 1 号")

_COUNTED = """
select /* all shops: the whole town */ o.kind, count(*) as orders,
  count(*) filter (where exists (select 1 from payments p where p.shop_id = o.shop_id
    and p.order_id = o.order_id and p.status = 'paid')) as paid,
  coalesce(sum((select sum(p.paid_minor) from payments p where p.shop_id = o.shop_id
    and p.order_id = o.order_id and p.status = 'paid')), 0)::bigint as paid_minor,
  coalesce(sum((select sum(r.amount_minor) from refunds r join payments p
    on p.shop_id = r.shop_id and p.payment_id = r.payment_id where p.shop_id = o.shop_id
    and p.order_id = o.order_id and r.status = 'done')), 0)::bigint as refunded_minor
from orders o group by o.kind order by o.kind
"""


def paid_by_others(taste: float, escrow: str) -> str:
    """Of which kind an order is that others pay; "" for one whose buyer pays himself. Where an
    institution holds the money friends cannot chip in."""
    least = GIFTS + COUPONS
    for kind, share in OTHERS.items():
        if least <= taste < least + share:
            return kind if kind != "chip_in" or escrow == OWN else ""
        least += share
    return ""


def counted(town: Town) -> dict[str, dict[str, int]]:
    """By kind: orders, how many of them were paid, and the fen that came and went back."""
    rows = town.read(_COUNTED)
    return {row.pop("kind"): {name: int(many) for name, many in row.items()} for row in rows}


def gifts_are_claimed(town: Town, unclaimed: float, chance: float) -> None:
    """Whoever got a gift says where to; with this much of a chance he leaves it to its clock."""
    keyring = crypto.keys_at(town.littleshop.home)
    for row in town.read(
        "select /* all shops: the town's people */ shop_id, order_id from orders"
        " where kind = 'gift' and status = 'claiming' order by order_id"
    ):
        if chance >= unclaimed:
            _claim(town, keyring, row["shop_id"], row["order_id"])


def _claim(town: Town, keyring: crypto.Keyring, shop_id: int, order_id: UUID) -> None:
    async def claim(conn: db.Connection, at: datetime) -> object:
        device = order_id.bytes * 2
        return await gifting.claim(
            conn, keyring, shop_id, order_id, delivery=HOME, swapped={}, device=device,
            locale="zh-CN", at=at,
        )  # fmt: skip

    town.does("gift_claimed", claim)
