"""Referral commission: who shared it and who brought him earn of what a friend keeps."""

from __future__ import annotations

import random
from functools import partial
from itertools import pairwise
from uuid import uuid4

import msgspec
import pytest

from littleshop import audit, db, ids
from littleshop.errors import Refused
from littleshop.money import Money
from littleshop.sale import bargaining, passing_on, paying, referring, returning, sharing_out
from littleshop.sale.bargaining import Price
from littleshop.sale.paying import Paid
from littleshop.settlement import due, seller_statements
from littleshop.settlement.due import Span
from littleshop.shop import shops
from littleshop.social import credits, referral_stops, referral_terms, referrals, sharer_shops
from littleshop.social.credits import Buyer
from littleshop.social.referral_terms import Rates
from littleshop.social.referrals import Referral
from littleshop.social.shares import Touched
from littleshop.trade.fees import Rate
from tests.cast import CNY, MORNING, WANTING, Town
from tests.sale.after_sale import AfterSale
from tests.sale.referred import OWN_PHONE, ZHOU, chain, share
from tests.settlement.test_settling import MON


async def test_two_levels_earn_when_the_window_has_closed_and_are_paid(
    town: Town, owner: db.Connection
) -> None:
    """Of 100: fee 5 % is 5, 10 % for who shared it, 2 % for who brought him; frozen for a week."""
    told = await chain(town)
    await owner.execute("update shops set commission_bps = 500")
    await told.agrees(1000, 200)
    placed = await told.buys()
    await told.jobs_are_done()
    assert await told.earns(placed) == [
        (1, told.lower, CNY("10.00")),
        (2, told.upper, CNY("2.00")),
    ]
    await told.is_received(placed)
    assert await told.has() == (CNY("83.00"), CNY("0.00"), CNY("0.00"), CNY("12.00"))
    await town.books_balance()
    await told.window_closes()
    await town.books_balance()  # its jobs are under way
    await told.jobs_are_done()
    assert await told.has() == (CNY("83.00"), CNY("10.00"), CNY("2.00"), CNY("0.00"))
    assert await told.balance(told.lower, "gateway_clearing:alipay") == CNY("10.00")
    assert await told.balance(told.seller, f"due_to_shop:{told.upper}") == CNY("0.00")
    assert await told.balance(told.seller, "commission") == CNY("5.00")
    await town.books_balance()
    last = town.at.date()
    lines = await seller_statements.total(town.database, told.seller, "CNY", MON, last, most=9)
    assert [(line.kind, line.moved.balance) for line in lines] == [
        ("paid", 0), ("order", 10000), ("fee", -500), ("shared", -1200),
    ]  # fmt: skip
    async with town.database.connection() as conn:
        span = Span(last, town.at)
        (paid, _) = await due.lines(conn, told.seller, "CNY", [span], after=None, until=town.at)
    assert [(one.kind, one.amount.minor) for one in paid] == [
        ("order", 10000), ("fee", -500), ("shared", -1200),
    ]  # fmt: skip


async def test_what_goes_back_before_receipt_earns_nobody_anything(town: Town) -> None:
    """A quarter of the goods goes back: of the rest both have three quarters."""
    told = await chain(town)
    await told.agrees(1000, 200)
    placed = await told.buys()
    await town.ships(placed)
    sale = AfterSale(town, placed)
    await sale.asks("refund", "25.00")
    await sale.seller_agrees()
    await sale.rail_sends_all_back()
    await town.receives(placed)
    await told.jobs_are_done()
    assert await told.has() == (CNY("66.00"), CNY("0.00"), CNY("0.00"), CNY("9.00"))
    await told.window_closes()
    await told.jobs_are_done()
    assert await told.has() == (CNY("66.00"), CNY("7.50"), CNY("1.50"), CNY("0.00"))
    await town.books_balance()


async def test_a_request_keeps_it_frozen_and_a_refund_takes_its_part(town: Town) -> None:
    told = await chain(town)
    await told.agrees(1000, 200)
    placed = await told.buys()
    await told.is_received(placed)
    sale = AfterSale(town, placed)
    await sale.asks("refund", "50.00")
    town.later(days=1)
    await sale.seller_refuses()
    town.later(days=1)
    await sale.buyer_escalates()
    town.later(days=30)
    await town.clocks_strike()
    assert (await told.has())[3] == CNY("12.00")  # the window stands still
    await sale.operator_decides("50.00")
    await sale.rail_sends_all_back()
    assert await told.has() == (CNY("44.00"), CNY("0.00"), CNY("0.00"), CNY("6.00"))
    await town.books_balance()
    await told.window_closes()
    await told.jobs_are_done()
    assert await told.has() == (CNY("44.00"), CNY("5.00"), CNY("1.00"), CNY("0.00"))
    await town.books_balance()


async def test_a_refund_after_the_window_is_given_back_by_who_earned(town: Town) -> None:
    """All of it goes back, after it was released and passed on: nobody keeps anything."""
    told = await chain(town)
    await told.agrees(1000, 200)
    placed = await told.buys()
    await told.is_received(placed)
    await told.is_received(await town.buys([told.bowl], CNY("100.00")))
    await told.window_closes()
    await told.jobs_are_done()
    await town.database.transaction(
        lambda conn: returning.offer(
            conn, told.seller, placed.order_id, CNY("100.00"), words="早该退的", case_id=uuid4(),
            at=town.at,
        )
    )  # fmt: skip
    await AfterSale(town, placed).rail_sends_all_back()
    await told.jobs_are_done()
    assert await told.has() == (CNY("100.00"), CNY("0.00"), CNY("0.00"), CNY("0.00"))
    assert await told.balance(told.lower, f"due_to_shop:{told.seller}") == CNY("0.00")
    await town.books_balance()


async def test_a_kill_between_the_two_books_is_mended_by_the_job(town: Town) -> None:
    told = await chain(town)
    await told.agrees(1000, 0)
    placed = await told.buys()
    await told.is_received(placed)
    await told.window_closes()
    for left_out in (sharing_out.BOOK, passing_on.COME_OVER):
        await told.jobs_are_done(left_out)
        await town.books_balance()
        town.later(minutes=5)
    await told.jobs_are_done()
    assert await told.has() == (CNY("90.00"), CNY("10.00"), CNY("0.00"), CNY("0.00"))
    await town.books_balance()


async def test_money_that_comes_before_its_half_of_the_books_waits_for_it(town: Town) -> None:
    """The hourly sweep passes on what the seller's books say he owes, before the sharer's do."""
    told = await chain(town)
    await told.agrees(1000, 0)
    await told.is_received(await told.buys())
    await told.window_closes()
    await passing_on.sweep(town.database, town.at)
    await told.jobs_are_done(sharing_out.BOOK)
    town.later(minutes=5)
    await told.jobs_are_done()
    town.later(minutes=5)
    await told.jobs_are_done()
    assert await told.balance(told.lower, "gateway_clearing:alipay") == CNY("10.00")
    await town.books_balance()


async def test_who_does_not_earn(town: Town, owner: db.Connection) -> None:
    """Nobody of his own purchase, nobody who works in the shop, no shop that is not open, nobody by
    what was said or agreed after the order was placed; and a person or a shop once."""
    told = await chain(town)
    before = await told.buys()
    await told.agrees(1000, 200)
    only_upper = [(2, told.upper, CNY("2.00"))]
    assert await told.earns(before) == []
    assert await told.earns(await told.buys(who=OWN_PHONE)) == only_upper
    on_his = await town.buys([told.bowl], CNY("100.00"), share_code=told.by_lower, device=ZHOU)
    assert await told.earns(on_his) == only_upper
    await town.database.transaction(partial(shops.pause, shop_id=told.lower))
    assert await sharer_shops.look_again(town.database, town.at) == 1
    assert await told.earns(await told.buys()) == only_upper
    await town.database.transaction(partial(shops.resume, shop_id=told.lower))
    assert await sharer_shops.look_again(town.database, town.at) == 1
    await owner.execute(
        "insert into staff values ($1, $2, 'packer', $3)", told.seller, told.lowers_person, town.at
    )
    assert await told.earns(await told.buys()) == only_upper
    await owner.execute("delete from staff where person_id = $1 and shop_id = $2",
                        told.lowers_person, told.seller)  # fmt: skip
    await town.database.transaction(
        lambda conn: referrals.share_for(
            conn, told.seller, ZHOU, person_id=told.lowers_person, earner_shop_id=told.upper,
            at=town.at,
        )
    )  # fmt: skip
    town.later(seconds=1)
    assert await told.earns(await told.buys()) == only_upper  # it is not his shop
    assert await told.earns(await told.buys(told.by_upper)) == [(1, told.upper, CNY("10.00"))]
    await told.jobs_are_done()
    await town.books_balance()


@pytest.mark.parametrize(
    "kind, held_for",
    [("invitation", None), ("chip_in", None), ("resale", None), ("checkout", "1900000109")],
)
async def test_what_brings_nobody_anything(town: Town, kind: str, held_for: str | None) -> None:
    """The seller's own deed, what several pay, another shop's margin; money at an institution."""
    told = await chain(town)
    await told.agrees(1000, 200)
    placed = await town.place([told.bowl], CNY("100.00"), share_code=told.by_lower)
    order = msgspec.structs.replace(await town.order(placed), kind=kind)
    await town.database.transaction(
        partial(referring.fix, order=order, held_for=held_for, at=town.at)
    )
    assert await told.earns(placed) == []


async def test_the_base_is_what_the_buyer_pays_for_each_thing(
    town: Town, owner: db.Connection
) -> None:
    """Two lines, one with a rate of its own; the seller lowered the price, postage is extra."""
    told = await chain(town)
    await told.agrees(1000, 0)
    cup = await town.stock("茶杯", CNY("50.00"))
    product_id = await owner.fetchval("select product_id from products where title = '茶杯'")
    await told.agrees(2000, 0, product_id)
    placed = await town.place([told.bowl, cup], CNY("150.00"), share_code=told.by_lower)
    await town.database.transaction(
        lambda conn: bargaining.reprice(
            conn, told.seller, placed.order_id,
            Price(CNY("120.00"), CNY("8.00"), CNY("150.00"), "老朋友"),
            person_id=told.sellers_person, at=town.at,
        )
    )  # fmt: skip
    reference = await town.opens_cashier(placed)
    assert await town.money_arrives(reference, CNY("128.00")) == "accepted"
    async with town.database.connection() as conn:
        lines = await referrals.lines(conn, told.seller, placed.order_id)
    assert [(line.base_minor, line.rate_bps) for line in lines] == [(8000, 1000), (4000, 2000)]
    assert await told.earns(placed) == [(1, told.lower, CNY("16.00"))]
    await told.jobs_are_done()
    await town.books_balance()


async def test_rates_hold_for_what_is_placed_after_them(town: Town, owner: db.Connection) -> None:
    """What was placed is paid at the rates of then; a thing has its own; a stale tab is told so."""
    told = await chain(town)
    await told.agrees(1000, 200)
    placed = await town.place([told.bowl], CNY("100.00"), share_code=told.by_lower)
    town.later(seconds=1)
    product_id = await owner.fetchval("select product_id from variants")
    await told.agrees(0, 0)
    await told.agrees(2500, 500, product_id)
    reference = await town.opens_cashier(placed)
    assert await town.money_arrives(reference, CNY("100.00")) == "accepted"
    assert [each[2] for each in await told.earns(placed)] == [CNY("10.00"), CNY("2.00")]
    assert [each[2] for each in await told.earns(await told.buys())] == [CNY("25.00"), CNY("5.00")]
    for rates, why in (
        (Rates(2500, 501), "referral_capped"),
        (Rates(-1, 0), "referral_below_zero"),
        (Rates(100, 200), "referral_second"),
        (Rates(300, 0), "form_moved"),
    ):
        with pytest.raises(Refused, match=why):
            await town.database.transaction(
                partial(referral_terms.agree, shop_id=told.seller, rates=rates,
                        seen=Rates(1000, 200), by=told.sellers_person, at=town.at)
            )  # fmt: skip
    await told.jobs_are_done()
    await town.books_balance()


async def test_terms_that_are_sent_slowly_begin_after_what_was_placed_meanwhile(
    town: Town,
) -> None:
    """The form was begun before a friend ordered, and arrives while that is being paid."""
    told = await chain(town)
    await told.agrees(1000, 200)
    begun = town.at
    town.later(minutes=1)
    placed = await town.place([told.bowl], CNY("100.00"), share_code=told.by_lower)
    reference = await town.opens_cashier(placed)
    nothing = partial(
        referral_terms.agree, shop_id=told.seller, rates=Rates(), seen=Rates(1000, 200),
        by=told.sellers_person, at=begun,
    )  # fmt: skip
    leave = partial(
        referrals.share_for, shop_id=told.seller, device=ZHOU, person_id=told.lowers_person,
        earner_shop_id=None, at=begun,
    )  # fmt: skip
    async with town.database.connection() as conn, conn.transaction():
        paid = Paid(reference, CNY("100.00"), f"T{reference}", town.at)
        assert await paying.hear(conn, told.seller, paid, town.at) == "accepted"
        await town.database.transaction(nothing)
        await town.database.transaction(leave)
        await town.database.transaction(partial(referral_stops.stop, shop_id=told.seller,
                                                why="问询", at=begun))  # fmt: skip
    assert [each[2] for each in await told.earns(placed)] == [CNY("10.00"), CNY("2.00")]
    await told.jobs_are_done()
    await town.books_balance()
    town.later(seconds=1)
    assert await told.earns(await told.buys()) == []


async def test_who_said_he_shares_is_not_credited_with_what_he_buys_signed_in(town: Town) -> None:
    """On another device and with another phone; neither by his own share nor by one it brought."""
    told = await chain(town)
    other = ids.hashed("his second phone")
    theirs = await share(town, told.seller, ids.hashed("a third's phone"), told.by_lower)
    for code, person, credited in (
        (told.by_lower, told.lowers_person, None),
        (theirs, told.lowers_person, None),
        (told.by_lower, None, told.by_lower),
        (theirs, None, theirs),
    ):
        buyer = Buyer(other, town.keyring.index(WANTING.phone), person)
        touched = [Touched(code, town.at)]
        async with town.database.connection() as conn:
            assert await credits.credit(conn, told.seller, touched, buyer, town.at) == credited


async def test_a_phone_that_a_sharer_has_later_says_nothing_of_what_he_earned(
    town: Town, owner: db.Connection
) -> None:
    told = await chain(town)
    await told.agrees(1000, 200)
    placed = await told.buys()
    await told.jobs_are_done()
    await owner.execute(
        "update people set phone_index = (select phone_index from orders where order_id = $1)"
        " where person_id = $2",
        placed.order_id,
        told.lowers_person,
    )
    await town.books_balance()


async def test_parts_sum_to_the_whole_and_python_says_what_the_database_says(
    owner: db.Connection,
) -> None:
    """However an order is released and goes back, nobody's part is ever less than nothing."""
    chance = random.Random(55)
    for _ in range(300):
        total = CNY(f"{chance.randint(1, 900)}.{chance.randint(0, 99):02}")
        rate = Rate(chance.choice((0, 60, 500, 9000)), chance.choice((0, 30)),
                    chance.choice((0, 200)))  # fmt: skip
        amounts = [chance.randint(1, max(total.minor // 5, 1)) for _ in range(chance.randint(1, 2))]
        referred = [Referral(1, uuid4(), level, 2, "", total.minor, minor, MORNING)
                    for level, minor in enumerate(amounts, start=1)]  # fmt: skip
        steps = sorted({0, total.minor, *(chance.randint(0, total.minor) for _ in range(6))})
        earned = [sharing_out.earned(referred, total, Money(step, "CNY"), rate) for step in steps]
        for step, now in zip(steps, earned, strict=True):
            released = Money(step, "CNY")
            said = await owner.fetchrow(
                "select * from referrals_due($1, $2, $3, $4)", amounts[0],
                amounts[1] if len(amounts) > 1 else None, (total - rate.of(total)).minor,
                (released - rate.of(released)).minor,
            )  # fmt: skip
            assert said is not None
            assert [part.minor for part in now] == list(said)[: len(now)]
        for (less, before), (more, then) in pairwise(zip(steps, earned, strict=True)):
            gone = [b.minor - a.minor for a, b in zip(before, then, strict=True)]
            fee = rate.between(Money(less, "CNY"), Money(more, "CNY")).minor
            assert min(gone) >= 0 and more - less - fee - sum(gone) >= 0
        whole = (total - rate.of(total)).minor
        if whole >= sum(amounts):
            assert [part.minor for part in earned[-1]] == amounts


BROKEN = [
    ("referral_held_is_frozen", "update accounts set credits_minor = credits_minor + 1"
     " where account = 'referral_held'"),
    ("referral_goes_to_its_sharer", "update transfers set credit = 'due_to_shop:999' where"
     " debit = 'referral_held' and position = 1"),
    ("referral_was_agreed", "update referral_lines set rate_bps = rate_bps + 1"),
    ("referral_was_agreed", "update orders set share_code = (select code from shares limit 1)"
     " where share_code is not null"),
    ("earned_is_its_referral", "update earned_referrals set amount_minor = amount_minor + 1"),
    ("released_is_split_as_agreed", "update referrals set amount_minor = amount_minor - 1"),
    ("owed_on_both_sides", "update transfers set amount_minor = amount_minor - 1 where journal_id ="
     " (select journal_id from journals where kind = 'referral' limit 1)"),
    ("journal_has_its_row", "update journals set reference = reference || '0'"
     " where kind = 'referral'"),
]  # fmt: skip


async def test_what_somebody_meddled_with_is_found(town: Town, owner: db.Connection) -> None:
    told = await chain(town)
    await told.agrees(1000, 200)
    await told.is_received(await told.buys())
    await told.window_closes()
    await told.is_received(await told.buys())
    await town.books_balance()
    for rule, sql in BROKEN:
        broken = owner.transaction()
        await broken.start()
        await owner.execute(sql)
        found = {each.rule for each in await audit.prove(owner)}
        await broken.rollback()
        assert rule in found, (rule, sql)
