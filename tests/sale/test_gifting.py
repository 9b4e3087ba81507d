"""Gifts: paid first, claimed within a day by one, else all goes back; each knows only his part."""

from __future__ import annotations

import asyncio
import secrets
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from littleshop import db, ids
from littleshop.catalog import drafts, products
from littleshop.catalog.drafts import Option, ProductDraft, VariantDraft
from littleshop.errors import Refused
from littleshop.ledger import chart
from littleshop.notify import messages
from littleshop.pay import refunds
from littleshop.pricing.quotes import Item
from littleshop.sale import charging_back, gifting, refunding
from littleshop.sale.placing import Placed, Placing
from littleshop.trade import letters, orders, timers
from littleshop.trade.orders import Delivery, Order
from tests.cast import CNY, WANTING, Town
from tests.sale.acts import calls_off, strikes

GIVER = Delivery("林", "+8613900000001")
TOTAL = CNY("168.00")
PHONE, TABLET = ids.hashed("wanting's phone"), ids.hashed("wanting's tablet")
COLOURS = ("青灰", "月白", "天蓝")


async def bowls(town: Town, *pieces: int) -> list[UUID]:
    """A bowl in three colours, the last one dearer: their variants."""
    prices = (16800, 16800, 18800)
    kinds = tuple(
        VariantDraft((colour,), price, left)
        for colour, price, left in zip(COLOURS, prices, pieces or (5, 5, 5), strict=True)
    )
    draft, product_id = (
        drafts.check(ProductDraft("盖碗", kinds, options=(Option("颜色", COLOURS),))),
        uuid4(),
    )

    async def work(conn: db.Connection) -> list[UUID]:
        await products.create(conn, town.shop_id, product_id, draft, at=town.at)
        made = await products.variants(conn, town.shop_id, product_id)
        return [each.variant_id for colour in COLOURS for each in made if colour in each.choice]

    return await town.database.transaction(work)


async def wraps(town: Town, variant_id: UUID, key: str = "") -> Placed:
    wish = Placing(
        shop_id=town.shop_id,
        items=(Item(variant_id, 1),),
        way="courier",
        delivery=GIVER,
        total_seen=TOTAL,
        key=key or secrets.token_hex(8),
        device=ids.hashed("lin's phone"),
        locale="zh-CN",
        kind="gift",
    )
    letter = letters.write_down("林", "婉婷", "生日快乐", town.at)
    return await town.database.transaction(
        lambda conn: gifting.place(conn, town.keyring, wish, letter, town.at)
    )


async def gives(town: Town, variant_id: UUID) -> Placed:
    placed = await wraps(town, variant_id)
    assert await town.money_arrives(await town.opens_cashier(placed), TOTAL) == "accepted"
    return placed


async def claims(
    town: Town, placed: Placed, device: bytes = PHONE, **swapped: UUID
) -> Order | Refused:
    wanted = {int(line.removeprefix("line")): each for line, each in swapped.items()}
    try:
        return await town.database.transaction(
            lambda conn: gifting.claim(
                conn,
                town.keyring,
                town.shop_id,
                placed.order_id,
                delivery=WANTING,
                swapped=wanted,
                device=device,
                locale="en",
                at=town.at,
            )
        )
    except Refused as no:
        return no


async def status(town: Town, placed: Placed) -> str:
    return (await town.order(placed)).status


async def sent_back(town: Town, placed: Placed) -> None:
    """The rail has done every refund of it."""
    async with town.database.connection() as conn:
        asked = await refunds.of_order(conn, town.shop_id, placed.order_id)
    assert [each.amount for each in asked] == [TOTAL]
    await town.database.transaction(
        lambda conn: refunding.hear(conn, town.shop_id, asked[0].refund_id, town.at)
    )
    assert await town.balance(chart.ESCROW) == CNY("0.00")
    await town.books_balance()


async def held(town: Town) -> list[int]:
    async with town.database.connection() as conn:
        rows = await conn.fetch("select held from variants order by price_minor, choice desc")
    return [row["held"] for row in rows]


async def told(town: Town, placed: Placed) -> set[tuple[str, str, str]]:
    """What was told of it: to which phone, about what, in which language; never to any phone that
    is not its own."""
    async with town.database.connection() as conn:
        rows = [
            each
            for subject in (str(placed.order_id), f"{placed.order_id}:recipient")
            for each in await messages.of(conn, town.shop_id, subject)
            if each.channel == "sms" and each.phone_sealed and each.about != "order_paid"
        ]
    open_ = town.keyring.open
    assert all("amount" not in row.facts for row in rows if ":" in row.subject)
    return {(open_(row.phone_sealed), row.about, row.locale) for row in rows if row.phone_sealed}


async def test_the_giver_pays_the_recipient_says_where_to_and_each_hears_his_own(
    town: Town,
) -> None:
    (grey, *_) = await bowls(town)
    placed = await gives(town, grey)
    assert await status(town, placed) == "claiming"
    with pytest.raises(Refused, match="not_to_ship"):
        await town.ships(placed)
    await town.books_balance()
    claimed = await claims(town, placed)
    assert isinstance(claimed, Order) and claimed.status == "to_ship"
    order = await town.order(placed)
    assert order.delivery(town.keyring) == WANTING
    assert order.phone_index == town.keyring.index(GIVER.phone)
    await town.ships(placed)
    await town.receives(placed)
    await town.books_balance()
    assert await told(town, placed) == {
        (GIVER.phone, "gift_paid", "zh-CN"),
        (GIVER.phone, "gift_claimed", "zh-CN"),
        (WANTING.phone, "gift_is_yours", "en"),
        (WANTING.phone, "order_shipped", "en"),
    }


async def test_another_kind_of_the_same_price_is_held_in_its_place_and_no_other_is(
    town: Town,
) -> None:
    grey, white, blue = await bowls(town, 5, 1, 5)
    first, second = await gives(town, grey), await gives(town, grey)
    dearer = await claims(town, first, line1=blue)
    assert isinstance(dearer, Refused) and dearer.code == "gift_swap"
    assert isinstance(await claims(town, first, line1=white), Order)
    assert await held(town) == [1, 1, 0]
    gone = await claims(town, second, line1=white)
    assert isinstance(gone, Refused) and gone.code == "stock_short"
    assert await status(town, second) == "claiming"
    async with town.database.connection() as conn:
        (line,) = await orders.items(conn, town.shop_id, first.order_id)
    assert (line.variant_id, line.choice) == (white, "月白")
    await town.books_balance()
    await calls_off(town, first)
    assert await held(town) == [1, 0, 0]
    await town.books_balance()


async def test_claimed_in_two_processes_at_once_exactly_one_has_it(town: Town, twin: Town) -> None:
    grey, white, _ = await bowls(town)
    placed = await gives(town, grey)
    ended = await asyncio.gather(
        *(claims((town, twin)[n % 2], placed, ids.hashed(f"{n}"), line1=white) for n in range(12))
    )
    assert sum(isinstance(each, Order) for each in ended) == 1
    assert {each.code for each in ended if isinstance(each, Refused)} == {"gift_taken"}
    assert await held(town) == [0, 1, 0]
    await town.books_balance()


async def test_two_who_want_the_last_white_one_for_their_gifts_do_not_both_get_it(
    town: Town, twin: Town
) -> None:
    grey, white, _ = await bowls(town, 5, 1, 5)
    first, second = await gives(town, grey), await gives(town, grey)
    ended = await asyncio.gather(
        claims(town, first, line1=white), claims(twin, second, TABLET, line1=white)
    )
    assert sorted(type(each).__name__ for each in ended) == ["Order", "Refused"]
    assert await held(town) == [1, 1, 0]
    await town.books_balance()


async def test_the_same_press_twice_claims_once(town: Town) -> None:
    (grey, *_) = await bowls(town)
    placed = await gives(town, grey)
    assert isinstance(await claims(town, placed), Order)
    assert isinstance(await claims(town, placed), Order)
    taken = await claims(town, placed, TABLET)
    assert isinstance(taken, Refused) and taken.code == "gift_taken"
    await town.books_balance()


async def test_what_nobody_claims_in_a_day_goes_back_and_cannot_be_claimed_any_more(
    town: Town,
) -> None:
    (grey, *_) = await bowls(town)
    placed = await gives(town, grey)
    town.later(hours=25)
    late = await claims(town, placed)  # before the clock has struck
    assert isinstance(late, Refused) and late.code == "gift_over"
    await town.clocks_strike()
    assert await status(town, placed) == "refunded"
    assert await held(town) == [0, 0, 0]
    after = await claims(town, placed)
    assert isinstance(after, Refused) and after.code == "gift_over"
    await town.books_balance()
    await sent_back(town, placed)
    said = {about for _, about, _ in await told(town, placed)}
    assert said == {"gift_paid", "gift_unclaimed", "refund_done"}


async def test_its_giver_takes_it_back_until_somebody_has_claimed_it(town: Town) -> None:
    (grey, *_) = await bowls(town)
    placed, other = await gives(town, grey), await gives(town, grey)
    await claims(town, other)
    for each in (placed, other):

        async def call_off(conn: db.Connection, order_id: UUID = each.order_id) -> Order:
            return await gifting.call_off(conn, town.shop_id, order_id, town.at)

        if each is placed:
            await town.database.transaction(call_off)
        else:
            with pytest.raises(Refused, match="not_cancellable"):
                await town.database.transaction(call_off)
    assert [await status(town, each) for each in (placed, other)] == ["refunded", "to_ship"]
    await town.books_balance()


async def test_unpaid_it_is_not_to_be_claimed_and_late_money_begins_its_day(town: Town) -> None:
    (grey, *_) = await bowls(town)
    placed = await wraps(town, grey, "the page's own key")
    assert await wraps(town, grey, "the page's own key") == placed
    wrapped = await claims(town, placed)
    assert isinstance(wrapped, Refused) and wrapped.code == "gift_wrapped"
    late = await town.opens_cashier(placed)
    town.later(minutes=31)
    await town.clocks_strike()
    assert await status(town, placed) == "cancelled"
    assert await town.money_arrives(late, TOTAL) == "accepted"
    assert await status(town, placed) == "claiming"
    async with town.database.connection() as conn:
        (clock,) = await timers.of(conn, town.shop_id, placed.order_id)
    assert (clock.kind, clock.due_at) == ("claim_by", town.at + timedelta(hours=24))
    await town.books_balance()


@pytest.mark.parametrize("won", [True, False])
async def test_while_the_givers_bank_has_the_payment_nobody_claims_and_no_clock_runs(
    town: Town, won: bool
) -> None:
    (grey, *_) = await bowls(town)
    placed = await wraps(town, grey)
    reference = await town.opens_cashier(placed)
    await town.money_arrives(reference, TOTAL)
    await town.database.transaction(
        lambda conn: charging_back.hear_opened(conn, town.shop_id, reference, TOTAL, town.at)
    )
    stopped = await claims(town, placed)
    assert isinstance(stopped, Refused) and stopped.code == "gift_stopped"
    town.later(hours=30)
    await town.clocks_strike()
    assert await status(town, placed) == "claiming"
    await town.database.transaction(
        lambda conn: charging_back.hear_ended(
            conn, town.shop_id, reference, TOTAL, won=won, at=town.at
        )
    )
    await town.books_balance()
    if not won:
        assert await status(town, placed) == "refunded"
        assert await held(town) == [0, 0, 0]
        return
    assert isinstance(await claims(town, placed), Order)
    assert not await strikes(town, placed, "claim_by")
    await town.books_balance()
