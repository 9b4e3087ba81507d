"""The town that is measured: many plain shops, written as whole proper rows in one go."""

from __future__ import annotations

from datetime import datetime

import asyncpg

SHOPS = 200
VARIANTS = 500
PIECES = 1_000_000  # per variant: nothing sells out while we measure
POSTAGE_MINOR = 800
FIRST_SHOP = 1001

# A variant's id says its shop and place, so that load generators can name it without asking.
_PLACE = "('00000000-0000-{kind}-8000-' || lpad(to_hex({shop} * 1000 + {n}), 12, '0'))::uuid"
_PRODUCT = _PLACE.format(kind="7001", shop="s", n="n")
_VARIANT = _PLACE.format(kind="7002", shop="s", n="n")
_MOVEMENT = _PLACE.format(kind="7003", shop="s", n="n")

_ROWS = (
    """
    insert into shops (shop_id, name, slug, locale, status, shipping_flat_minor, created_at,
                       opened_at)
    select s, 'Shop ' || s, 'shop-' || s, 'zh-CN', 'open', $3, $2, $2
      from unnest($1::bigint[]) s""",
    """
    insert into slugs (slug, shop_id, taken_at, kept_at)
    select 'shop-' || s, s, $2, $2 from unnest($1::bigint[]) s""",
    f"""
    insert into products (shop_id, product_id, title, status, sort_order, created_at, updated_at)
    select s, {_PRODUCT}, 'Bowl ' || n, 'on_sale', n, $2, $2
      from unnest($1::bigint[]) s, generate_series(1, $3::integer) n order by s, n""",
    f"""
    insert into variants (shop_id, variant_id, product_id, choice, price_minor, on_hand)
    select s, {_VARIANT}, {_PRODUCT}, '{{}}', 1000 + n, $2
      from unnest($1::bigint[]) s, generate_series(1, $3::integer) n order by s, n""",
    f"""
    insert into stock_movements (shop_id, movement_id, variant_id, quantity, reason, at)
    select s, {_MOVEMENT}, {_VARIANT}, $3, 'received', $2
      from unnest($1::bigint[]) s, generate_series(1, $4::integer) n order by s, n""",
)


async def furnish(dsn: str, at: datetime, *, shops: int = SHOPS, variants: int = VARIANTS) -> None:
    """`shops` open shops with `variants` products of one variant each, priced 1000 + n."""
    numbers = [FIRST_SHOP + n for n in range(shops)]
    values: tuple[tuple[object, ...], ...] = (
        (numbers, at, POSTAGE_MINOR),
        (numbers, at),
        (numbers, at, variants),
        (numbers, PIECES, variants),
        (numbers, at, PIECES, variants),
    )
    conn = await asyncpg.connect(dsn)
    try:
        async with conn.transaction():
            for sql, known in zip(_ROWS, values, strict=True):
                await conn.execute(sql, *known)
        await conn.execute("select setval('shop_numbers', $1)", FIRST_SHOP + shops)
        await conn.execute("vacuum analyze")
        await conn.execute("checkpoint")
    finally:
        await conn.close()
