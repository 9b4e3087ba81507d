"""Privileges, coupons and credit through a sale: who has them, who is last, what goes back."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from littleshop import db, ids
from littleshop.clock import SHANGHAI
from littleshop.customers import coupons, groups, privileges
from littleshop.customers.groups import Rule
from littleshop.errors import Refused
from littleshop.insights import sales
from littleshop.money import Money
from littleshop.pricing import quotes
from littleshop.pricing.offers import Asker
from littleshop.pricing.quotes import Item
from littleshop.sale import parcelling, refunding, returning, sending_back, shipping, waiting
from littleshop.sale.placing import Placed
from littleshop.trade import orders
from tests.cast import CNY, PRIYA, WANTING, Town
from tests.sale import acts

BOWL = CNY("168.00")


def hers(town: Town, **more: object) -> Asker:
    """陈婉婷, whose phone is proven on her device."""
    index = town.keyring.index(WANTING.phone)
    return Asker(town.at, phone=index, buyer=index, **more)  # type: ignore[arg-type]


def anybody(town: Town, phone: str, code: str, **more: object) -> Asker:
    return Asker(town.at, buyer=town.keyring.index(phone), code=code, **more)  # type: ignore[arg-type]


async def gives(town: Town, kind: str, group_id: UUID | None = None, **more: object) -> UUID:
    privilege_id = uuid4()
    index = None if group_id else town.keyring.index(WANTING.phone)
    draft = privileges.Draft(kind, f"{kind} 老朋友", town.at, index, group_id, **more)  # type: ignore[arg-type]

    async def work(conn: db.Connection) -> None:
        assert town.person_id is not None
        await privileges.give(
            conn, town.shop_id, privilege_id, draft, person_id=town.person_id, at=town.at
        )

    await town.database.transaction(work)
    return privilege_id


async def makes_coupon(town: Town, code: str, **more: object) -> UUID:
    coupon_id = uuid4()
    draft = coupons.Draft(code, "新客券", town.at, **more)  # type: ignore[arg-type]

    async def work(conn: db.Connection) -> None:
        assert town.person_id is not None
        await coupons.make(
            conn, town.shop_id, coupon_id, draft, person_id=town.person_id, at=town.at
        )

    await town.database.transaction(work)
    return coupon_id


async def total(town: Town, items: list[Item], asker: Asker | None = None) -> Money:
    """What a page says that it comes to."""
    facts = await town.loader.facts(town.shop_id, [item.variant_id for item in items], asker)
    return quotes.quote(facts, items, "courier", code=asker.code if asker else "").total


async def left_of(town: Town, kind: str) -> int:
    async with town.database.connection() as conn:
        return int(
            await db.value(
                conn,
                "select coalesce(sum(most - taken), -1) from claims"
                " where shop_id = $1 and kind = $2",
                town.shop_id,
                kind,
            )
        )


async def test_typing_somebodys_phone_shows_and_gives_nothing_of_hers(town: Town) -> None:
    bowl = await town.stock()
    await gives(town, "percent", off_bps=1000)
    assert await total(town, [bowl], hers(town)) == CNY("151.20")
    stranger = Asker(town.at, buyer=town.keyring.index(WANTING.phone), device=ids.hashed("other"))
    both = await asyncio.gather(  # in one read
        *(total(town, [bowl], each) for each in (stranger, hers(town), None, stranger))
    )
    assert both == [BOWL, CNY("151.20"), BOWL, BOWL]
    with pytest.raises(Refused, match="price_changed"):
        await town.place([bowl], CNY("151.20"), asker=stranger)
    placed = await town.buys([bowl], CNY("151.20"), asker=hers(town))
    assert (await town.order(placed)).discount_minor == 1680
    day = town.at.astimezone(SHANGHAI).date()
    async with town.database.connection() as conn:  # figures count what was paid for it
        reach = await sales.reach(conn, town.shop_id, "Asia/Shanghai", day, day)
        assert [each.minor for each in await sales.things(conn, reach, 9)] == [151_20]
    await town.books_balance()


async def test_a_privilege_that_ends_during_checkout_is_said_with_the_new_total(
    town: Town,
) -> None:
    bowl = await town.stock()
    await gives(town, "percent", off_bps=1000, until_at=town.at + timedelta(hours=1))
    seen = await total(town, [bowl], hers(town))
    town.later(hours=1)
    with pytest.raises(Refused) as no:
        await town.place([bowl], seen, asker=hers(town))
    assert (no.value.code, no.value.details["now"]) == ("price_changed", BOWL)
    await town.books_balance()


async def test_one_coupon_in_two_processes_at_once_is_one_orders(town: Town, twin: Town) -> None:
    bowl = await town.stock(pieces=30)
    await makes_coupon(town, "SPRING", off_minor=800, most_uses=3, each_uses=1)
    answers = await asyncio.gather(
        *(
            (town, twin)[n % 2].place(
                [bowl], CNY("160.00"), asker=anybody(town, f"+86138000{n % 6:05}", "SPRING"),
                device=ids.hashed(str(n)),
            )
            for n in range(18)
        ),
        return_exceptions=True,
    )  # fmt: skip
    taken = [each for each in answers if not isinstance(each, BaseException)]
    refused = {each.code for each in answers if isinstance(each, Refused)}
    assert len(taken) == 3 and len(refused) >= 1
    assert refused <= {"claim_gone", "price_changed"}
    await town.books_balance()


async def test_two_tabs_of_one_person_use_his_coupon_once(town: Town, twin: Town) -> None:
    bowl = await town.stock(pieces=30)
    await makes_coupon(town, "ONCE", off_minor=800)
    asker = anybody(town, WANTING.phone, "ONCE")
    answers = await asyncio.gather(
        *(each.place([bowl], CNY("160.00"), asker=asker) for each in (town, twin, town, twin)),
        return_exceptions=True,
    )
    assert sum(not isinstance(each, BaseException) for each in answers) == 1
    await town.books_balance()


async def test_an_order_that_ends_unpaid_gives_its_coupon_and_credit_back(town: Town) -> None:
    bowl, cart = await town.stock(), uuid4()
    await makes_coupon(town, "ONCE", off_minor=800, most_uses=1)
    await gives(town, "credit", sum_minor=2000)
    asker = hers(town, code="ONCE", cart_id=cart)
    seen = CNY("140.00")
    assert await total(town, [bowl], asker) == seen
    first = await town.place([bowl], seen, asker=asker, cart_id=cart)
    assert await left_of(town, "credit") == 0
    second = await town.place([bowl], seen, asker=asker, cart_id=cart)  # its own hold is his
    assert (await town.order(first)).cancel_reason == "replaced"
    await town.books_balance()
    town.later(hours=1)
    await town.clocks_strike()
    assert (await town.order(second)).status == "cancelled"
    assert (await left_of(town, "credit"), await left_of(town, "coupon")) == (2000, 1)
    await town.books_balance()


async def test_all_given_back_gives_the_credit_back_and_a_part_does_not(town: Town) -> None:
    bowl = await town.stock()
    await gives(town, "credit", sum_minor=2000)
    placed = await town.buys([bowl], CNY("148.00"), asker=hers(town))

    async def back(conn: db.Connection, amount: Money) -> None:
        order = await orders.lock(conn, town.shop_id, placed.order_id)
        await refunding.give_back(
            conn, order, amount, reason="case", refund_id=uuid4(), at=town.at
        )  # fmt: skip

    await town.database.transaction(lambda conn: back(conn, CNY("48.00")))
    assert await left_of(town, "credit") == 0
    await town.database.transaction(
        lambda conn: refunding.call_off(
            conn, town.shop_id, placed.order_id, by="seller", reason="called_off", at=town.at
        )
    )
    assert await left_of(town, "credit") == 2000
    await town.books_balance()


async def never_sent(town: Town, placed: Placed, position: int) -> Money:
    """The first line leaves in a parcel, the seller says that the other never will; what is then
    to be sent back."""

    async def work(conn: db.Connection) -> None:
        await shipping.ship(
            conn, town.shop_id, placed.order_id, carrier="sf", number="SF1408223100677",
            pieces={position: 1}, at=town.at,
        )  # fmt: skip
        await parcelling.call_off(
            conn, town.shop_id, placed.order_id, by="seller", reason="sold_out", at=town.at
        )

    await town.database.transaction(work)
    async with town.database.connection() as conn:
        order = await orders.get(conn, town.shop_id, placed.order_id)
        assert order is not None
        return order.total - await refunding.left_of(conn, order)


async def test_what_is_never_sent_gives_back_what_was_paid_for_it(town: Town) -> None:
    bowl, cup = await town.stock(), await town.stock("品茗杯")
    await gives(town, "prices", prices={bowl.variant_id: 6800})
    first = await town.buys([bowl, cup], CNY("236.00"), asker=hers(town))
    assert await never_sent(town, first, 1) == CNY("168.00")
    await town.books_balance()


async def test_pieces_never_sent_give_their_share_of_the_credit_back(town: Town) -> None:
    bowl, cup = await town.stock(), await town.stock("品茗杯")
    await gives(town, "prices", prices={bowl.variant_id: 6800})
    await gives(town, "credit", sum_minor=5900)
    placed = await town.buys([bowl, cup], CNY("177.00"), asker=hers(town))
    assert await left_of(town, "credit") == 0
    assert await never_sent(town, placed, 1) == CNY("126.00")
    assert await left_of(town, "credit") == 4200
    await town.books_balance()
    async with town.database.connection() as conn:
        rest = await refunding.left_of(conn, await town.order(placed))

    async def back(conn: db.Connection) -> None:
        order = await orders.lock(conn, town.shop_id, placed.order_id)
        await refunding.end(conn, order, reason="case", refund_id=uuid4(), at=town.at)

    assert rest == CNY("51.00")
    await town.database.transaction(back)
    assert await left_of(town, "credit") == 5900
    await town.books_balance()


async def test_all_goods_sent_back_give_the_credit_back_though_the_postage_stays_paid(
    town: Town, owner: db.Connection
) -> None:
    await owner.execute("update shops set shipping_flat_minor = 1200")
    bowl = await town.stock()
    await gives(town, "credit", sum_minor=2000)
    placed = await town.buys([bowl], CNY("160.00"), asker=hers(town))
    await town.ships(placed)
    await town.receives(placed)
    wish = returning.Wish("return", "not_wanted", CNY("148.00"))
    case = await town.database.transaction(
        lambda conn: returning.ask(conn, town.shop_id, placed.order_id, wish, town.at)
    )
    await town.database.transaction(
        lambda conn: returning.agree(conn, town.shop_id, case.case_id, by="seller", at=town.at)
    )
    await town.database.transaction(
        lambda conn: sending_back.send_back(
            conn, town.shop_id, case.case_id, carrier="sf", number="SF1408223100688", at=town.at
        )
    )
    assert await left_of(town, "credit") == 0
    await town.database.transaction(
        lambda conn: sending_back.take_back(
            conn, town.shop_id, case.case_id, by="seller", to_shelf=True, at=town.at
        )
    )
    assert await left_of(town, "credit") == 2000
    await town.books_balance()


async def test_late_money_takes_the_coupon_again_or_goes_back(town: Town) -> None:
    bowl = await town.stock()
    await makes_coupon(town, "ONCE", off_minor=800, most_uses=1)
    late = await town.place([bowl], CNY("160.00"), asker=anybody(town, WANTING.phone, "ONCE"))
    reference = await town.opens_cashier(late)
    town.later(hours=1)
    await town.clocks_strike()
    await town.buys([bowl], CNY("160.00"), who=PRIYA, asker=anybody(town, PRIYA.phone, "ONCE"))
    assert await town.money_arrives(reference, CNY("160.00")) == "returned"
    await town.books_balance()


async def test_late_money_frees_no_coupon_of_an_order_that_still_can_be_paid(town: Town) -> None:
    bowl = await town.stock(pieces=1)
    await makes_coupon(town, "ONCE", off_minor=800, most_uses=1)
    slow = await town.place(
        [bowl], CNY("160.00"), asker=anybody(town, WANTING.phone, "ONCE"), waits=True
    )
    await waiting.rail_opened(town.database, town.shop_id, town.at)
    stale = await town.opens_cashier(slow)
    town.later(minutes=31)
    await town.clocks_strike()
    other = await town.place([bowl], BOWL, who=PRIYA)
    assert await town.money_arrives(stale, CNY("160.00")) == "returned"
    assert (await town.order(slow)).status == "invited"
    await acts.withdraws(town, other)
    rival = anybody(town, PRIYA.phone, "ONCE")
    again = await town.opens_cashier(slow)
    assert await total(town, [bowl], rival) == BOWL
    assert await town.money_arrives(again, CNY("160.00")) == "accepted"
    await town.books_balance()


async def test_a_group_has_what_its_members_bought_for(town: Town) -> None:
    bowl, group_id = await town.stock(), uuid4()
    await town.database.transaction(
        lambda conn: groups.make(
            conn, town.shop_id, group_id, "老客", Rule(least_orders=2), town.at
        )
    )
    await gives(town, "postage", group_id)
    await gives(town, "percent", group_id, off_bps=500)
    await town.buys([bowl], BOWL, asker=hers(town))
    assert await total(town, [bowl], hers(town)) == BOWL
    await town.buys([bowl], BOWL, asker=hers(town))
    assert await total(town, [bowl], hers(town)) == CNY("159.60")
    async with town.database.connection() as conn:
        (group,) = await groups.listing(conn, town.shop_id, town.at)
    assert group.count == 1
    await town.database.transaction(
        lambda conn: groups.remove(conn, town.shop_id, group_id, town.at)
    )
    assert await total(town, [bowl], hers(town)) == BOWL


async def test_a_birthday_is_once_a_year_and_near_its_day(town: Town) -> None:
    bowl = await town.stock()
    await gives(town, "birthday", off_bps=5000, window_days=3)
    index = town.keyring.index(WANTING.phone)
    await town.database.transaction(
        lambda conn: privileges.say_birthday(conn, town.shop_id, index, 11, 25, town.at)
    )
    await town.buys([bowl], CNY("84.00"), asker=hers(town))
    assert await total(town, [bowl], hers(town)) == BOWL
    town.later(days=40)
    assert await total(town, [bowl], hers(town)) == BOWL
    town.later(days=325)
    assert await total(town, [bowl], hers(town)) == CNY("84.00")
    await town.books_balance()


async def test_only_who_was_named_sees_and_buys_what_is_not_on_the_shelf(
    town: Town, owner: db.Connection
) -> None:
    bowl = await town.stock(pieces=2)
    product_id = await owner.fetchval("update products set status = 'hidden' returning product_id")
    await gives(town, "exclusive", goods=[product_id])
    with pytest.raises(Refused, match="variant_gone"):
        await town.place([bowl], BOWL, asker=anybody(town, WANTING.phone, ""))
    await town.buys([bowl], BOWL, asker=hers(town))
    await town.books_balance()


async def test_a_privilege_ended_between_reading_and_placing_is_a_changed_price(
    town: Town, owner: db.Connection
) -> None:
    bowl = await town.stock()
    privilege_id = await gives(town, "percent", off_bps=1000)
    place, known = town.flusher.place, []

    async def slowly(*asked: object) -> object:
        await town.database.transaction(
            lambda conn: privileges.end(conn, town.shop_id, privilege_id, town.at)
        )
        known.append(asked)
        return await place(*asked)  # type: ignore[arg-type]

    town.flusher.place = slowly  # type: ignore[method-assign,assignment]
    with pytest.raises(Refused) as no:
        await town.place([bowl], CNY("151.20"), asker=hers(town))
    assert no.value.code == "price_changed"
    assert await owner.fetchval("select count(*) from orders") == 0


async def test_a_coupon_kept_from_a_link_is_that_devices_until_it_is_paused(town: Town) -> None:
    bowl, mine = await town.stock(), ids.hashed("mine")
    coupon_id = await makes_coupon(town, "KEPT", off_minor=800)
    for _ in range(2):  # again is harmless
        await town.database.transaction(
            lambda conn: coupons.keep(conn, town.shop_id, mine, coupon_id, town.at)
        )
    assert await total(town, [bowl], Asker(town.at, device=mine)) == CNY("160.00")
    assert await total(town, [bowl], Asker(town.at, device=ids.hashed("other"))) == BOWL
    await town.database.transaction(lambda conn: coupons.pause(conn, town.shop_id, coupon_id, True))
    assert await total(town, [bowl], Asker(town.at, device=mine)) == BOWL
