"""`bench book`: a seller's lists and searches in a shop with 1,000,000 orders, over HTTP.

The two years of `bench figures` with what lists read besides: 300,000 people, a parcel and two
blind words of each order, the last 2,000 of which are still to be shipped. `ratio` is what is
allowed over what the slowest page took: 1 when every one is within the goal.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import asyncpg

from bench import figures, ground
from bench.figures import BUYERS, ORDERS, SHOP, WANTING
from bench.ground import Ground
from littleshop import crypto
from littleshop.trade import order_words

GOAL_MS = 100
TO_SHIP = 2_000
PAGES = {
    "to ship": "orders",
    "on the way or done": "orders?state=done",
    "all": "orders?state=all",
    "a number": "orders?q=500123",
    "the tail of a phone": "orders?q=2046",
    "a whole phone": "orders?q=13800002046",
    "a surname": f"orders?q={quote('陈')}",
    "a name": f"orders?q={quote('陈婉婷')}",
    "a tracking number": "orders?q=SF0000000500123",
    "nothing at all": f"orders?q={quote('没有这个人')}",
    "people": "people",
}

_PEOPLE = """
insert into customers (shop_id, phone_index, phone_sealed, delivery_sealed, locale, first_seen_at)
select $1, sha256(n::text::bytea), $2, $3, 'zh-CN', $4 from generate_series(0, $5::integer - 1) n"""
_PARCELS = """
insert into parcels (shop_id, parcel_id, order_id, way, carrier, tracking_number, handed_over_at)
select shop_id, order_id, order_id, 'courier', 'shunfeng', 'SF' || lpad(number::text, 13, '0'),
       paid_at + interval '1 day'
  from orders where shop_id = $1 and status = 'closed'"""
_WORDS = """
insert into order_words (shop_id, word, number)
select $1, w.words[1 + (n::bigint * 7919) % cardinality(w.words)], 1000 + n
  from generate_series(1, $3::integer) n
 cross join (select $2::bytea[] as words) as w on conflict do nothing"""
_TO_SHIP = """
update orders set status = 'to_ship', received_at = null, released_minor = 0, refunded_minor = 0,
       refunded_at = null, held_minor = total_minor
 where shop_id = $1 and number > 1000 + $2::integer - $3::integer"""


def measure(seconds: float, pairs: int) -> dict[str, Any]:
    """Write the shop, ask for each page some times; milliseconds are medians over HTTP."""
    del seconds, pairs
    with ground.ground() as place:
        token, _ = asyncio.run(figures.furnish(place))
        asyncio.run(_bind(place))
        with ground.serving(place, workers=1):
            pages = {name: figures.ask(place, token, page) for name, page in PAGES.items()}
    slowest = max(each["ms"] for each in pages.values())
    return {
        "name": "book",
        "ratio": round(GOAL_MS / slowest, 2),
        "goal": 1,
        "goal_ms": GOAL_MS,
        "slowest_ms": slowest,
        "orders": ORDERS,
        "people": BUYERS,
        "pages": pages,
    }


async def _bind(place: Ground) -> None:
    """What lists and searches read besides the orders themselves."""
    keyring, now = crypto.keys_at(place.home), datetime.now(UTC)
    owner = await asyncpg.connect(place.dsn)
    await owner.execute("set session_replication_role = replica")
    phone = keyring.seal(WANTING.phone)
    await owner.execute(_TO_SHIP, SHOP, ORDERS, TO_SHIP)
    await owner.execute(_PEOPLE, SHOP, phone, WANTING.seal(keyring), now, BUYERS)
    await owner.execute(_PARCELS, SHOP)
    tails = [order_words.of_tail(keyring, SHOP, f"{n:04}") for n in range(10_000)]
    names = ["陈", "陈婉婷", *(f"某{n}" for n in range(2_000))]
    words = [order_words.of_name(keyring, SHOP, name) for name in names]
    for each in (tails, words):
        await owner.execute(_WORDS, SHOP, each, ORDERS)
    await owner.execute("vacuum analyze")
    await owner.close()
