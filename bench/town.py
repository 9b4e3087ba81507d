"""The town that is measured: many plain shops, written as whole proper rows in one go."""

from __future__ import annotations

import uuid
from datetime import datetime

import asyncpg

SHOPS = 200
VARIANTS = 500
PIECES = 1_000_000  # per variant: nothing sells out while we measure
POSTAGE_MINOR = 800
FIRST_SHOP = 1001
ZONE = "Asia/Shanghai"  # where every shop is when nothing else is said

# A variant's id says its shop and place, so that load generators can name it without asking.
_PLACE = "('00000000-0000-{kind}-8000-' || lpad(to_hex({shop} * 1000 + {n}), 12, '0'))::uuid"
_PRODUCT = _PLACE.format(kind="7001", shop="s", n="n")
_VARIANT = _PLACE.format(kind="7002", shop="s", n="n")
_MOVEMENT = _PLACE.format(kind="7003", shop="s", n="n")

DRESSED = f"/@shop-{FIRST_SHOP}/p/00000000-0000-7001-8000-{FIRST_SHOP * 1000 + 1:012x}"
_DRESSED_ID = uuid.UUID(DRESSED.rpartition("/")[2])
_TEXT = (
    "手工拉坯的小碗，柴窑烧成，釉色随火而变，每一只都不一样。口径十二厘米，盛饭刚好一碗。\n\n" * 8
)

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


async def furnish(
    dsn: str, at: datetime, *, shops: int | None = None, variants: int | None = None
) -> None:
    """`shops` open shops with `variants` products of one variant each, priced 1000 + n."""
    shops, variants = shops or SHOPS, variants or VARIANTS
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
        # Not the empty ones: a table known to be empty has plans that are bad when it fills.
        await conn.execute("vacuum analyze shops, slugs, products, variants, stock_movements")
        await conn.execute("checkpoint")
    finally:
        await conn.close()


async def dress(dsn: str, at: datetime) -> None:
    """Give the first product of the first shop what a product has: words, photos, a choice."""
    conn = await asyncpg.connect(dsn)
    try:
        await conn.execute(
            """
            update products set description = $3,
                   options = '[{"name": "颜色", "values": ["青", "白", "灰", "褐", "黑"]}]'
             where shop_id = $1 and product_id = $2""",
            FIRST_SHOP,
            _DRESSED_ID,
            _TEXT,
        )
        await conn.execute(
            """
            update variants set choice = array['青'] where shop_id = $1 and product_id = $2""",
            FIRST_SHOP,
            _DRESSED_ID,
        )
        await conn.execute(
            """
            insert into variants (shop_id, variant_id, product_id, choice, price_minor, on_hand)
            select $1, gen_random_uuid(), $2, array[choice], 1200, 0
              from unnest(array['白', '灰', '褐', '黑']) as choice""",
            FIRST_SHOP,
            _DRESSED_ID,
        )
        await conn.execute(
            """
            insert into photos (shop_id, photo_id, product_id, file, width, height, colour, alt,
                                sort_order)
            select $1, gen_random_uuid(), $2, encode(sha256(n::text::bytea), 'hex'), 1080, 1440,
                   '#c9b79c', '小碗', n
              from generate_series(1, 4) as n""",
            FIRST_SHOP,
            _DRESSED_ID,
        )
    finally:
        await conn.close()
