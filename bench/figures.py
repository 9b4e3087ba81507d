"""`bench figures`: the page of figures of one shop with 1,000,000 orders and 10,000,000 visits.

Two years are written by SQL into a fresh database that goes with the bench: buyers who come again,
shares, money that went back, visits as the counters of days that are over and as today's rows. The
program folds them, a little of what is folded goes back, and its own page is asked for over HTTP by
its owner. `ratio` is what is allowed over what the slowest span took: 1 when every page is within
the goal.
"""

from __future__ import annotations

import asyncio
import statistics
import time
import urllib.request
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg

from bench import ground, town
from bench.ground import Ground
from littleshop import crypto, db
from littleshop.identity import people, phones, sessions
from littleshop.insights import sales, sharing
from littleshop.shop import staff
from littleshop.trade.destinations import Delivery

GOAL_MS = 300
ORDERS, DAYS, BUYERS, PRODUCTS, SHARES = 1_000_000, 730, 300_000, 400, 500
VISITORS = 13_700  # a day: ten million in two years
TIMES = 9
SHOP = town.FIRST_SHOP
WANTING = Delivery("陈婉婷", "+8613800002046", "浙江省", "杭州市", "西湖区", "文三路 478 号")
SPANS = ("span=today", "days=30", "days=90", "from={year}&to={yesterday}", "from={two}")

# $1 the shop, $2 the begin of the first day, $3 orders, $4 days, $5 buyers, $6 products, $7 shares,
# $8 where all of them go, sealed
_ORDERS = """
insert into orders (shop_id, order_id, number, status, phone_index, delivery_sealed, way, currency,
    goods_minor, shipping_minor, total_minor, held_minor, refunded_minor, released_minor, locale,
    key, request_hash, share_code, placed_at, paid_at, received_at, refunded_at)
select $1, ('00000000-0000-7010-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 1000 + n,
       case when n % 25 = 0 then 'refunded' else 'closed' end,
       sha256(((n::bigint * 7919) % $5)::text::bytea), $8, 'courier', 'CNY', minor, 0, minor,
       0,
       case when n % 25 = 0 then minor when n % 50 = 1 then 100 else 0 end,
       case when n % 25 = 0 then 0 when n % 50 = 1 then minor - 100 else minor end, 'zh-CN',
       sha256(n::text::bytea), '\\x00',
       case when n % 5 < 2 then '7-' || lpad(translate(((n::bigint * 31) % $7)::text, '01', 'ab'),
                                             6, 'c') end,
       paid_at - interval '3 minutes', paid_at,
       case when n % 25 > 0 then paid_at + interval '3 days' end,
       case when n % 25 = 0 then paid_at + interval '4 days' end
  from (select n, 1000 + (n * 37) % $6 + 1 as minor,
               $2::timestamptz + n * ($4::float8 / $3::integer) * interval '1 day' as paid_at
          from generate_series(1, $3::integer) n) as each"""
_ITEMS = """
insert into order_items (shop_id, order_id, position, product_id, variant_id, title, unit_minor,
    quantity)
select $1, o.order_id, 0, p.product_id, v.variant_id, p.title, v.price_minor, 1
  from orders o
  join products p on p.shop_id = $1 and p.sort_order = o.total_minor - 1000
  join variants v on v.shop_id = $1 and v.product_id = p.product_id
 where o.shop_id = $1"""
_REFUNDS = """
insert into refunds (shop_id, refund_id, payment_id, order_id, reference, amount_minor, currency,
    reason, paid_from, status, asked_at, done_at)
select $1, order_id, order_id, order_id, 'R' || lpad(number::text, 19, '0'), refunded_minor, 'CNY',
       'called_off', 'escrow', 'done', paid_at + interval '4 days', paid_at + interval '4 days'
  from orders
 where shop_id = $1 and refunded_minor > 0 and paid_at < $2::timestamptz - interval '4 days'"""
# After the fold, so that days of two years are late: an order of each goes back in part today.
_BACK_TODAY = """
update orders set refunded_minor = 100, released_minor = released_minor - 100
 where shop_id = $1 and number % 50000 = 1002"""
_SHARES = """
insert into shares (shop_id, code, channel, label, device, created_at)
select $1, '7-' || lpad(translate(n::text, '01', 'ab'), 6, 'c'),
       (array['link', 'qr', 'wechat_group', 'wechat_friend', 'poster'])[1 + n % 5],
       case when n < 20 then 'Share ' || n else '' end, sha256(n::text::bytea), $2
  from generate_series(0, $3::integer - 1) n"""
_VISIT_DAYS = """
insert into visit_days (shop_id, day, kind, subject, views, visitors, quarters)
select $1, $2::date + d, kind, subject, visitors * 2, visitors,
       case when kind = 'shop' then array_fill((visitors / 96)::integer, array[96]) else '{}' end
  from generate_series(0, $3::integer - 1) d
  cross join (select 'shop' as kind, '' as subject, $4::bigint as visitors
              union all select 'look', '', $4 * 7 / 10
              union all select 'basket', '', $4 / 5
              union all select 'product', product_id::text, $4 / 300 from products
                         where shop_id = $1
              union all select 'share', code, 4 from shares where shop_id = $1) as each"""
_VISITS = """
insert into visits (shop_id, day, kind, subject, visitor, first_at, last_at, views)
select $1, $2, kind, '', sha256(n::text::bytea), $3, $3, 2
  from generate_series(1, $4::integer) n
  cross join (values ('shop', 1), ('look', 2), ('basket', 5)) as each(kind, one_in)
 where n % one_in = 0"""


def measure(seconds: float, pairs: int) -> dict[str, Any]:
    """Write two years, fold them, ask for each span some times; milliseconds are medians of the
    answers over HTTP."""
    del seconds, pairs
    with ground.ground() as place:
        token, folding = asyncio.run(furnish(place))
        with ground.serving(place, workers=1):
            spans = {query: ask(place, token, f"figures?{query}") for query in _queries()}
    slowest = max(each["ms"] for each in spans.values())
    return {
        "name": "figures",
        "ratio": round(GOAL_MS / slowest, 2),
        "goal": 1,
        "goal_ms": GOAL_MS,
        "slowest_ms": slowest,
        "orders": ORDERS,
        "visits": VISITORS * DAYS,
        "folding_seconds": folding,
        "spans": spans,
    }


def _queries() -> list[str]:
    today = _today()
    year, two = today - timedelta(days=365), today - timedelta(days=DAYS)
    known = {"year": year, "yesterday": today - timedelta(days=1), "two": two}
    return [query.format(**known) for query in SPANS]


def _today() -> date:
    return datetime.now(UTC).astimezone(ZoneInfo(town.ZONE)).date()


async def furnish(place: Ground) -> tuple[str, float]:
    """The shop with its two years, and its owner's session; seconds that the first fold took."""
    now, today = datetime.now(UTC), _today()
    first = today - timedelta(days=DAYS - 1)
    begin = sales.midnight(first, town.ZONE)
    await town.furnish(place.dsn, begin, shops=1, variants=PRODUCTS)
    owner = await asyncpg.connect(place.dsn)
    await owner.execute("set session_replication_role = replica")  # payments are not measured
    await owner.execute(_SHARES, SHOP, begin, SHARES)
    to = WANTING.seal(crypto.keys_at(place.home))
    per_day = (now - begin) / timedelta(days=1)
    await owner.execute(_ORDERS, SHOP, begin, ORDERS, per_day, BUYERS, PRODUCTS, SHARES, to)
    await owner.execute(_ITEMS, SHOP)
    await owner.execute(_REFUNDS, SHOP, now)
    await owner.execute(_VISIT_DAYS, SHOP, first, DAYS - 1, VISITORS)
    await owner.execute(_VISITS, SHOP, today, now - timedelta(minutes=1), VISITORS)
    await owner.execute("vacuum analyze")
    database = await db.open_database(place.dsn, size=2)
    began = time.monotonic()
    await sharing.fold(database, now)
    await sales.fold(database, now)
    folding = time.monotonic() - began
    await owner.execute(_BACK_TODAY, SHOP)
    token = await database.transaction(lambda conn: _signed_in(place, conn, now))
    await database.close()
    await owner.execute("vacuum analyze")
    await owner.close()
    return token, round(folding, 1)


async def _signed_in(place: Ground, conn: db.Connection, now: datetime) -> str:
    keyring = crypto.keys_at(place.home)
    phone = phones.parse("+8613900001001")
    person = await people.meet(conn, keyring, phone, locale="en", at=now)
    await staff.add(conn, SHOP, person.person_id, role="owner", at=now)
    token, _ = await sessions.start(conn, person.person_id, device="bench", at=now)
    return token


def ask(place: Ground, token: str, page: str) -> dict[str, Any]:
    """A page some times; the first fills plans and caches and is told apart. CPU is that of the
    server and the database per page: what a busy machine makes of the seconds is not in it."""
    url = f"{place.url}/console/{SHOP}/{page}"
    request = urllib.request.Request(url, headers={"cookie": f"session={token}"})
    took, size = [], 0
    spent = 0
    for turn in range(TIMES + 1):
        if turn == 1:
            spent = _cpu(place)
        began = time.monotonic()
        with urllib.request.urlopen(request) as answer:
            size = len(answer.read())
            assert answer.url == url, answer.url
        took.append(round((time.monotonic() - began) * 1000, 1))
    cpu = round((_cpu(place) - spent) / TIMES / 1000)
    return {"ms": statistics.median(took[1:]), "cpu_ms": cpu, "first_ms": took[0], "bytes": size}


def _cpu(place: Ground) -> int:
    return ground.cpu_micros(place.web) + ground.cpu_micros(place.postmaster)
