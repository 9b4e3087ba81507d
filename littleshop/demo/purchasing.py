"""Purchasing: what fills a shop's shelves was bought, by the flow its seller uses, so that the
stock has a cost; what is sold out is on its way."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from littleshop import db, ids
from littleshop.catalog import stock
from littleshop.crypto import Keyring
from littleshop.demo import Store, Variation
from littleshop.demo.planning import Plan
from littleshop.supply import purchases, suppliers

_NAMES = UUID("7c1c7a4e-1f0b-4a37-9a55-0d1f5f6c2e81")
SUPPLIERS = {
    "xiaoman": ("三宝老窑坊", "江西景德镇三宝村，微信 sanbao-yao"),
    "adas-corner": ("Hua Ting Paper & Print", "Zhejiang Middle Road 400, Shanghai"),
    "laozhou": ("蒲江西来镇合作社", "四川蒲江西来镇，找老唐"),
    "banye": ("江苏图书发行站", "苏州人民路，周一到周五"),
    "night-owl": ("Sound Circle Distribution", "orders@soundcircle.example"),
}
MORE, A_WHILE = 6, timedelta(days=3)  # pieces of what is sold out, and how long they take
Kinds = Mapping[UUID, Variation]


async def buy(
    conn: db.Connection, keyring: Keyring, store: Store, plan: Plan, shop_id: int, person_id: UUID,
    kinds: Kinds, at: datetime,
) -> None:  # fmt: skip
    """All that is to lie there was ordered and came at `at`; what is sold out was ordered again the
    day before the plan ends."""
    supplier_id = ids.derived(_NAMES, store.slug)
    name, contact = SUPPLIERS[store.slug]
    await suppliers.write(
        conn, keyring, shop_id, supplier_id, name=name, contact=contact, notes="",
        person_id=person_id, at=at,
    )  # fmt: skip
    came = {key: kind.stock for key, kind in kinds.items() if kind.stock}
    purchase_id = await _order(conn, store, shop_id, person_id, kinds, came, at)
    for variant_id, pieces in came.items():
        key = ids.derived(purchase_id, str(variant_id))
        await purchases.receive(
            conn, shop_id, purchase_id, key, variant_id, pieces, person_id=person_id,
            at=at + timedelta(hours=2),
        )  # fmt: skip
    gone = {key: MORE for key, kind in kinds.items() if not kind.stock}
    for key in gone:  # what came of it before is not told piece by piece
        await stock.note(conn, shop_id, key, barcode="", cost_minor=kinds[key].cost_minor)
    if gone:
        again = plan.until - timedelta(days=1)
        await _order(conn, store, shop_id, person_id, kinds, gone, again)


async def _order(
    conn: db.Connection, store: Store, shop_id: int, person_id: UUID, kinds: Kinds,
    pieces: Mapping[UUID, int], at: datetime,
) -> UUID:  # fmt: skip
    """So many of each, at what the town's plan says they cost."""
    purchase_id = ids.derived(_NAMES, f"{store.slug} {at.isoformat()}")
    supplier_id, expected = ids.derived(_NAMES, store.slug), (at + A_WHILE).date()
    await purchases.draft(
        conn, shop_id, purchase_id, supplier_id, expected_on=expected, person_id=person_id, at=at
    )
    for variant_id, count in pieces.items():
        cost = kinds[variant_id].cost_minor
        assert cost is not None, kinds[variant_id].sku
        await purchases.put(conn, shop_id, purchase_id, variant_id, count, cost)
    await purchases.order(conn, shop_id, purchase_id, at)
    return purchase_id
