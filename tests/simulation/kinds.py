"""The kinds of orders: how often each is drawn, who takes up a gift, and the figures of each."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from littleshop import crypto, db
from littleshop.sale import gifting
from littleshop.trade.destinations import Delivery
from tests.simulation.town import OWN, Town

# Cards of a deck, so that each kind has its share however few are drawn.
SHARES = {
    "plain": 6, "gift": 2, "coupon": 2, "pay_for_me": 2, "chip_in": 2, "team": 2, "invitation": 2,
    "resale": 2, "referred": 2,
}  # fmt: skip
OTHERS_PAY = ("pay_for_me", "chip_in")
# Where an institution holds the money friends cannot chip in, and it splits off our share only.
OWN_ONLY = ("chip_in", "resale", "referred")
LEAST = 0.1  # orders of each kind that are paid on a day, on average
HOME = Delivery("周宁", "13611113057", "四川省", "成都市", "武侯区", "天府大道 1 号")

_COUNTED = """
with told as (
  select /* all shops: the whole town */ o.shop_id, o.order_id,
    case when o.kind <> 'checkout' then o.kind
         when o.share_code is not null then 'referred'
         when exists (select 1 from order_discounts d where d.shop_id = o.shop_id
           and d.order_id = o.order_id and d.kind = 'coupon') then 'coupon'
         else 'plain' end as kind
  from orders o)
select o.kind, count(*) as orders,
  count(*) filter (where exists (select 1 from payments p where p.shop_id = o.shop_id
    and p.order_id = o.order_id and p.outcome = 'accepted')) as paid,
  coalesce(sum((select sum(p.paid_minor) from payments p where p.shop_id = o.shop_id
    and p.order_id = o.order_id and p.status = 'paid')), 0)::bigint as paid_minor,
  coalesce(sum((select sum(r.amount_minor) from refunds r join payments p
    on p.shop_id = r.shop_id and p.payment_id = r.payment_id where p.shop_id = o.shop_id
    and p.order_id = o.order_id and r.status = 'done')), 0)::bigint as refunded_minor
from told o group by o.kind order by o.kind
"""


def known(escrow: str) -> tuple[str, ...]:
    """The kinds that people can order."""
    return tuple(kind for kind in SHARES if escrow == OWN or kind not in OWN_ONLY)


def cards(escrow: str) -> list[str]:
    """A deck of them."""
    return [kind for kind in known(escrow) for _ in range(SHARES[kind])]


def counted(town: Town) -> dict[str, dict[str, int]]:
    """By kind: orders, how many of them were paid, and the fen that came and went back."""
    rows = town.read(_COUNTED)
    nothing = {"orders": 0, "paid": 0, "paid_minor": 0, "refunded_minor": 0}
    found = {row.pop("kind"): {name: int(many) for name, many in row.items()} for row in rows}
    return {kind: dict(nothing) for kind in known(town.escrow)} | found


def unpaid(town: Town) -> list[str]:
    """The kinds of which none was paid yet."""
    return [kind for kind, figures in counted(town).items() if not figures["paid"]]


def too_few(found: dict[str, dict[str, int]], days: int) -> list[str]:
    """The kinds of which fewer were paid than the least."""
    return [
        f"{kind} paid: {figures['paid']} of {LEAST * days:.0f}"
        for kind, figures in found.items()
        if figures["paid"] < int(LEAST * days)
    ]


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
