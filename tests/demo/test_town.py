"""The demo town: built once however often it is begun, on books that agree with the sandbox's."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime

import httpx

from littleshop import demo
from littleshop.clock import SHANGHAI
from littleshop.demo import planning
from tests.demo.conftest import Built


def test_a_town_that_was_killed_and_begun_again_has_every_order_once(built: Built) -> None:
    begun = built.value("select done_at from town_steps where name = 'begun'")
    town = demo.as_written()
    plans = [planning.make(town, store, begun) for store in town.shops]
    assert built.value("select count(*) from shops where shop_id > 0") == len(town.shops)
    assert built.value("select count(*) from orders") == sum(len(plan.wishes) for plan in plans)
    assert built.value("select count(*) from products") == sum(
        len(store.products) for store in town.shops
    )
    print(json.dumps(built.seconds))  # measured, not judged: machines differ


def test_the_audit_finds_nothing(built: Built) -> None:
    audit = built.littleshop("audit", "--json")
    assert audit.returncode == 0, audit.stdout


def test_the_shelves_hold_what_the_town_says(built: Built) -> None:
    """What was sold in the past was delivered in the past."""
    rows = built.rows("select sku, sum(on_hand)::integer as pieces from variants group by sku")
    stands = {row["sku"]: row["pieces"] for row in rows}
    held = {
        row["sku"]: row["pieces"]
        for row in built.rows("select sku, sum(held)::integer as pieces from variants group by sku")
    }
    said: Counter[str] = Counter()
    for store in demo.as_written().shops:
        for goods in store.products:
            for variant in goods.variants:
                said[variant.sku] += variant.stock
    assert all(0 <= stands[sku] - said[sku] <= held[sku] for sku in said)


def test_what_lies_on_a_shelf_was_bought_and_is_worth_what_it_cost(built: Built) -> None:
    """Every shop has a purchase that came; what is sold out is ordered again."""
    costs = {
        (store.slug, variant.sku): variant.cost_minor
        for store in demo.as_written().shops
        for goods in store.products
        for variant in goods.variants
    }
    rows = built.rows(
        "select slug, sku, cost_minor from variants join shops using (shop_id) where on_hand > 0"
    )
    assert rows and all(row["cost_minor"] == costs[row["slug"], row["sku"]] for row in rows)
    bought = built.rows("select shop_id, status, ordered_at < ended_at as came from purchases")
    came = [row for row in bought if row["status"] == "received"]
    assert len(came) == len(demo.as_written().shops) and all(row["came"] for row in came)
    assert {row["status"] for row in bought} == {"received", "ordered"}
    assert built.value("select sum(quantity) from receipts") == sum(
        variant.stock
        for store in demo.as_written().shops
        for goods in store.products
        for variant in goods.variants
    )


def test_there_is_something_to_do_today_in_every_shop(built: Built) -> None:
    rows = built.rows(
        "select s.shop_id, count(*) filter (where o.status = 'to_ship') as to_ship,"
        " count(*) filter (where o.status = 'shipped') as under_way,"
        " count(*) filter (where o.status = 'placed') as unpaid,"
        " count(*) filter (where e.kind = 'ship_late' and o.status = 'to_ship') as late"
        " from shops s join orders o on o.shop_id = s.shop_id"
        " left join order_events e on e.shop_id = o.shop_id and e.order_id = o.order_id"
        "  and e.kind = 'ship_late'"
        " where s.shop_id > 0 group by s.shop_id"
    )
    assert len(rows) == len(demo.as_written().shops)
    for row in rows:
        assert row["to_ship"] >= 3 and row["under_way"] and row["late"]
        assert row["unpaid"] >= 1  # and whoever came within the last half hour and left


def test_no_shop_is_without_a_voice(built: Built) -> None:
    """Reviews by who received, one of bad news that was answered, followers, a coupon, a talk."""
    rows = built.rows(
        "select (select count(*) from reviews r where r.shop_id = s.shop_id) as reviews,"
        " (select count(*) from reviews r where r.shop_id = s.shop_id"
        "   and r.stars < 4 and r.answer <> '') as answered,"
        " (select count(*) from follows f where f.shop_id = s.shop_id) as followers,"
        " (select count(*) from coupons c where c.shop_id = s.shop_id) as coupons,"
        " (select count(*) from privileges p where p.shop_id = s.shop_id) as privileges,"
        " (select count(*) from customers c where c.shop_id = s.shop_id"
        "   and c.tags <> '{}') as tagged,"
        " (select count(*) from remarks m where m.shop_id = s.shop_id) as remarks"
        " from shops s where s.shop_id > 0"
    )
    assert all(min(row.values()) >= 1 for row in rows), rows
    early = built.value(
        "select count(*) from reviews r join orders o"
        " on o.shop_id = r.shop_id and o.order_id = r.order_id where r.written_at < o.received_at"
    )
    assert early == 0 and built.value("select count(*) from review_photos") >= 3


def test_people_came_on_every_day_and_today(built: Built) -> None:
    shops = len(demo.as_written().shops)
    days = built.value("select count(distinct (shop_id, day)) from visit_days")
    visitors = built.value("select sum(visitors)::integer from visit_days where kind = 'shop'")
    shared = built.value("select count(distinct subject) from visit_days where kind = 'share'")
    named = sum(len(store.shares) for store in demo.as_written().shops)
    assert days >= shops * (planning.DAYS - 2)
    assert visitors > 10_000
    assert shared == named
    early = datetime.now(SHANGHAI).hour < 10  # a day that has hardly begun has brought few yet
    assert built.value("select count(distinct shop_id) from visits") >= (0 if early else shops)


def test_some_shares_bring_more_than_others(built: Built) -> None:
    rows = built.rows(
        "select h.shop_id, h.label, count(o.order_id) as orders from shares h"
        " left join orders o on o.shop_id = h.shop_id and o.share_code = h.code group by 1, 2"
    )
    brought = [row["orders"] for row in rows]
    assert max(brought) > 2 * min(brought)
    assert sum(brought) > 10


def test_people_come_back(built: Built) -> None:
    again = built.value(
        "select count(*) from (select from orders where paid_at is not null"
        " group by shop_id, phone_index having count(*) > 1) as regulars"
    )
    assert again > 20


def test_both_languages_live_here(built: Built) -> None:
    assert {row["locale"] for row in built.rows("select locale from shops where shop_id > 0")} == {
        "zh-CN",
        "en",
    }
    assert {row["locale"] for row in built.rows("select locale from orders")} == {"zh-CN", "en"}


def test_nobody_is_told_today_what_happened_weeks_ago(built: Built) -> None:
    inbox = httpx.get(f"{built.sandbox.url}/inbox.json", trust_env=False).json()
    assert inbox == []
    assert built.value("select count(*) from messages where status <> 'sent'") == 0
    assert built.value("select count(*) from messages") > 300
    # a courier is asked about each parcel that is under way, and that is all there is to do
    asked = "name = 'tracking.subscribe'"
    assert built.value(f"select count(*) from jobs where not {asked}") == 0
    under_way = "select count(*) from orders where status = 'shipped' and way = 'courier'"
    assert built.value(f"select count(*) from jobs where {asked}") == built.value(under_way)


def test_the_sandbox_knows_the_same_trades_refunds_and_transfers(built: Built) -> None:
    books = httpx.get(f"{built.sandbox.url}/books.json", trust_env=False).json()
    trades = {
        (trade["out_trade_no"], trade["trade_no"], trade["total_minor"])
        for trade in books["alipay"]["trades"]
    }
    paid = built.rows(
        "select reference, gateway_trade_no, paid_minor from payments where status = 'paid'"
    )
    assert trades == {tuple(row) for row in paid}
    refunds = {(row["out_request_no"], row["amount_minor"]) for row in books["alipay"]["refunds"]}
    done = built.rows("select reference, amount_minor from refunds where status = 'done'")
    assert refunds == {tuple(row) for row in done} and refunds
    moved = {(row["end_to_end_id"], row["amount_minor"]) for row in books["bank"]["transfers"]}
    sent = built.rows("select reference, amount_minor from payouts")
    assert moved == {tuple(row) for row in sent} and len(moved) > 50


def test_past_pay_days_are_closed_and_the_bank_agrees(built: Built) -> None:
    open_runs = built.rows("select run_on from runs where closed_at is null order by run_on")
    assert len(open_runs) <= 1  # today's may still wait for tomorrow's statement
    assert built.value("select count(*) from runs") >= 20
    assert built.value("select count(*) from bank_entries where outcome is null") == 0
    late = built.value("select count(*) from payouts where status not in ('done', 'sent')")
    assert late == 0


def test_the_next_pay_day_settles_against_the_sandbox(built: Built) -> None:
    """Last in the file: it moves the town's clock four days on, past any weekend."""
    assert built.littleshop("clock", "--advance", "4d").returncode == 0
    offset = built.value("select value::bigint from installation where name = 'clock_offset'")
    control = httpx.get(f"{built.sandbox.url}/control/clock", trust_env=False).json()
    assert control["offset_seconds"] == offset == 4 * 86_400
    settled = built.littleshop("settle", "--json")
    told = json.loads(settled.stdout)
    if told.get("why") == "run_not_working":  # a long holiday
        return
    assert settled.returncode == 0, settled.stdout
    assert told["payouts"] and all(one["status"] == "sent" for one in told["payouts"])
    assert not told["problems"] and not told["findings"] and not told["unexplained"]
    assert built.littleshop("audit").returncode == 0
