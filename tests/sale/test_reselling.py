"""Re-selling: who ships is owed the supply price and the postage, who sold it her margin."""

from __future__ import annotations

from functools import partial
from uuid import uuid4

import msgspec
import pytest

from littleshop import audit, db
from littleshop.errors import Conflict, NotFound, Refused
from littleshop.pricing.quotes import Item
from littleshop.sale import (
    carrying,
    listing_resold,
    passing_on,
    sharing_out,
)
from littleshop.settlement import seller_statements
from littleshop.shop import shops
from littleshop.supply import resales
from littleshop.supply.resale_offers import Price
from tests.cast import CNY, Town
from tests.sale.after_sale import AfterSale
from tests.sale.resold import TOKEN, Pair, pair, sell
from tests.settlement.paper_bank import PaperBank, beijing, settle, verify
from tests.settlement.test_settling import MON, TUE, WED


async def test_a_sale_is_shared_out_and_both_are_paid(town: Town, owner: db.Connection) -> None:
    """Of 80: fee 5 % is 4, of the other 76 a quarter is hers, for her margin is 20 of 80."""
    beijing(town, MON, 10)
    two = await pair(town)
    await owner.execute("update shops set commission_bps = 500")
    for shop in (two.reseller, two.supplier):
        town.shop_id = shop
        await verify(town)
    await two.offers()
    placed = await two.buys(await two.lists(), "80.00")
    await two.jobs_are_done()
    mirror = await two.mirror()
    assert (mirror.number, mirror.margin, mirror.total) == (1001, CNY("20.00"), CNY("80.00"))
    assert town.keyring.open(mirror.name_sealed) == "陈婉婷"
    assert await two.owes() == (CNY("0.00"), CNY("0.00"))
    await town.ships(placed)
    await town.receives(placed)
    await two.jobs_are_done()
    assert await two.owes() == (CNY("57.00"), CNY("19.00"))
    assert await two.balance(two.supplier, "commission") == CNY("4.00")
    assert await two.balance(two.supplier, f"due_to_shop:{two.reseller}") == CNY("0.00")
    assert await two.balance(two.reseller, "gateway_clearing:alipay") == CNY("19.00")
    await town.books_balance()
    told = await seller_statements.total(town.database, two.reseller, "CNY", MON, MON, most=9)
    assert [(line.kind, line.moved.balance) for line in told] == [("margin", 1900)]
    bank = PaperBank()
    bank.lump(TUE, CNY("80.00"))
    beijing(town, TUE, 8)
    payouts = (await settle(town, bank)).payouts
    assert sorted(each.amount_minor for each in payouts) == [1900, 5700]
    for each in payouts:
        bank.pays(TUE, each)
    beijing(town, WED, 8)
    await settle(town, bank)
    await town.books_balance()


async def test_what_goes_back_before_receipt_is_nobodys_margin(town: Town) -> None:
    two, placed = await sell(town)
    await two.jobs_are_done()
    sale = AfterSale(town, placed)
    await sale.asks("refund", "80.00")
    await sale.seller_agrees()
    await sale.rail_sends_all_back()
    await two.jobs_are_done()
    assert (await town.order(placed)).status == "refunded"
    assert await two.owes() == (CNY("0.00"), CNY("0.00"))
    assert (await two.mirror()).margin == CNY("20.00")
    await town.books_balance()


async def test_a_refund_after_the_payout_is_clawed_back_from_both(town: Town) -> None:
    """Half of 80 goes back: 30 of the supplier's, 10 of hers, made up for by what she sells."""
    bank = PaperBank()
    two = await pair(town)
    for shop in (two.reseller, two.supplier):
        town.shop_id = shop
        await verify(town)
    beijing(town, MON, 10)
    await two.offers()
    placed = await two.buys(await two.lists(), "80.00")
    await town.ships(placed)
    await town.receives(placed)
    await two.jobs_are_done()
    bank.lump(TUE, CNY("80.00"))
    beijing(town, TUE, 8)
    for payout in (await settle(town, bank)).payouts:
        bank.pays(TUE, payout)
    beijing(town, WED, 8)
    await settle(town, bank)
    sale = AfterSale(town, placed)
    await sale.asks("refund", "40.00")
    await sale.seller_agrees()
    await sale.rail_sends_all_back()
    await two.jobs_are_done()
    assert await two.owes() == (CNY("-30.00"), CNY("-10.00"))
    assert await two.balance(two.reseller, f"due_to_shop:{two.supplier}") == CNY("10.00")
    await town.books_balance()
    with two.at_hers():
        cup = await town.stock("茶杯", CNY("25.00"))
        own = await town.buys([cup], CNY("25.00"))
        await town.ships(own)
        await town.receives(own)
    await passes_on(two)
    assert await two.owes() == (CNY("-30.00"), CNY("15.00"))
    assert await two.balance(two.reseller, f"due_to_shop:{two.supplier}") == CNY("0.00")
    assert await two.balance(two.supplier, f"due_from_shop:{two.reseller}") == CNY("0.00")
    await town.books_balance()


async def passes_on(two: Pair) -> None:
    """What the hourly sweep does for who owes."""
    await two.town.database.transaction(
        partial(
            passing_on.pass_on, shop_id=two.reseller, to_shop_id=two.supplier, currency="CNY",
            at=two.town.at,
        )
    )  # fmt: skip
    await two.jobs_are_done()


async def test_a_kill_between_the_two_books_is_mended_by_the_job(town: Town) -> None:
    two, placed = await sell(town)
    await two.jobs_are_done()
    await town.ships(placed)
    await town.receives(placed)
    await two.jobs_are_done(sharing_out.BOOK)
    assert await two.owes() == (CNY("60.00"), CNY("0.00"))
    await town.books_balance()  # its job is under way
    town.later(minutes=5)
    await two.jobs_are_done(passing_on.COME_OVER)
    await town.books_balance()
    town.later(minutes=5)
    await two.jobs_are_done()
    assert await two.owes() == (CNY("60.00"), CNY("20.00"))
    await town.books_balance()


async def test_two_presses_are_one_order_and_a_price_that_moved_is_none(town: Town) -> None:
    two = await pair(town)
    await two.offers()
    thing = await two.lists()
    first = await two.places(thing, "80.00", key="the page's own key")
    again = await two.places(thing, "80.00", key="the page's own key")
    assert first.order_id == again.order_id
    with pytest.raises(Refused, match="price_changed"):
        await two.places(thing, "79.00")
    await two.jobs_are_done()
    async with town.database.connection() as conn:
        assert len(await resales.mirrored(conn, two.reseller)) == 1
    await town.books_balance()


async def test_what_is_withdrawn_leaves_baskets_and_not_the_orders(town: Town) -> None:
    two, placed = await sell(town)
    thing = await two.lists()
    await two.withdraws()
    with pytest.raises(Refused, match="resale_gone"):
        await two.places(thing, "80.00")
    await two.jobs_are_done()
    assert await two.listing() == ("withdrawn", False)
    with pytest.raises(Refused, match="resale_gone"):
        await two.places(thing, "80.00")
    await town.ships(placed)
    await town.receives(placed)
    await two.jobs_are_done()
    assert await two.owes() == (CNY("60.00"), CNY("20.00"))
    await town.books_balance()


@pytest.mark.parametrize("changed", ["withdrawn", "dearer", "told", "taken down", "paused"])
async def test_a_second_press_finds_its_order_whatever_the_shops_sell_by_now(
    town: Town, changed: str
) -> None:
    """A press of another page is refused, and says why."""
    two = await pair(town)
    await two.offers()
    thing = await two.lists()
    first = await two.places(thing, "80.00", key="the page's own key")
    if changed in ("withdrawn", "told"):
        await two.withdraws()
    if changed == "dearer":
        await two.offers("85.00")
    if changed == "taken down":
        await two.takes_down()
    if changed == "paused":
        await town.database.transaction(partial(shops.pause, shop_id=two.reseller))
    if changed == "told":
        await two.jobs_are_done()
    again = await two.places(thing, "80.00", key="the page's own key")
    assert again == first
    with pytest.raises(Refused, match="shop_closed" if changed == "paused" else "resale_gone"):
        await two.places(thing, "80.00", key="another page's key")
    with pytest.raises(Conflict):  # the same key is no way to another order
        await two.places(Item(thing.variant_id, 2), "160.00", key="the page's own key")
    reference = await town.opens_cashier(again)
    assert await town.money_arrives(reference, CNY("80.00")) == "accepted"
    await two.jobs_are_done()
    async with town.database.connection() as conn:
        assert len(await resales.mirrored(conn, two.reseller)) == 1
    await town.books_balance()


async def test_what_was_withdrawn_and_is_offered_again_is_put_up_at_a_new_price(town: Town) -> None:
    two = await pair(town)
    await two.offers()
    thing = await two.lists("80.00")
    await two.withdraws()
    await two.jobs_are_done()
    town.later(minutes=1)
    await two.offers("70.00")
    await two.jobs_are_done()
    with pytest.raises(Refused, match="resale_gone"):  # it does not come back by itself
        await two.places(thing, "80.00")
    again = await two.lists("95.00")
    assert again == thing
    await two.buys(again, "95.00")
    await two.jobs_are_done()
    assert (await two.mirror()).margin_minor == CNY("25.00").minor
    await town.books_balance()


async def test_nothing_is_sold_below_what_it_costs_her(town: Town) -> None:
    """Neither listed so, nor bought after the supplier raised his price; she asks more, and it
    is for sale again."""
    two = await pair(town, pieces=1)
    await two.offers(least="70.00", most="120.00")
    with pytest.raises(Refused, match="resale_below_supply"):
        await two.lists("59.99")
    with pytest.raises(Refused, match="resale_too_low"):
        await two.lists("69.99")
    thing = await two.lists("75.00")
    await two.offers("78.00")
    with pytest.raises(Refused, match="resale_gone"):
        await two.places(thing, "75.00")
    await two.jobs_are_done()
    assert await two.listing() == ("below_supply", False)
    await two.asks("88.00")
    assert await two.listing() == (None, True)
    await two.buys(thing, "88.00")
    await carrying.sweep(town.database, town.at)
    assert await two.listing() == (None, False)  # it was the last
    await town.books_balance()


async def test_who_may_list_what(town: Town) -> None:
    two = await pair(town)
    await two.offers(to_all=False)
    with pytest.raises(NotFound):
        await two.sees()
    await two.lists(token=TOKEN)
    assert await two.sees()  # who lists it already
    with two.at_hers(), pytest.raises(Refused, match="resale_chain"):
        await two.town.database.transaction(
            lambda conn: listing_resold.offer(
                conn, two.reseller, two.listed, [], open_to_all=True, token_hash=b"", at=town.at
            )
        )
    ware = await two.sees()
    with pytest.raises(Refused, match="resale_own"):
        await town.database.transaction(
            lambda conn: listing_resold.put_up(conn, two.supplier, ware, {}, town.at)
        )


async def test_both_shops_are_open_or_nothing_is_sold(town: Town) -> None:
    two = await pair(town)
    await two.offers()
    thing = await two.lists()
    for shop in (two.supplier, two.reseller):
        await town.database.transaction(partial(shops.pause, shop_id=shop))
        with pytest.raises(Refused, match="shop_closed"):
            await two.places(thing, "80.00")
        await town.database.transaction(partial(shops.resume, shop_id=shop))
    assert (await two.places(thing, "80.00")).number == 1001


async def test_a_buyer_is_told_by_the_name_he_knows(town: Town, owner: db.Connection) -> None:
    _, placed = await sell(town)
    await town.ships(placed)
    town.later(minutes=2)
    await town.clocks_strike()
    said = await owner.fetch(
        "select facts ->> 'shop' as shop from messages where person_id is null"
    )
    assert {row["shop"] for row in said} == {"晓晓的小铺"}


BROKEN = [
    ("owed_on_both_sides", "update transfers set amount_minor = amount_minor - 1 where journal_id ="
     " (select journal_id from journals where kind = 'margin')"),
    ("closed_days_are_even", "update transfers set amount_minor = amount_minor - 1 where journal_id"
     " = (select journal_id from journals where kind = 'came_over')"),
    ("mirror_is_its_order", "update resold_orders set margin_minor = margin_minor - 1"),
    ("mirror_is_its_order", "update resold_orders set order_number = order_number + 1"),
    ("released_is_split_as_agreed", "update resales set margin_minor = margin_minor - 1"),
    ("journal_has_its_row", "update journals set reference = reference || '0'"
     " where kind = 'margin'"),
]  # fmt: skip


@pytest.mark.parametrize(
    "rule, sql", BROKEN, ids=[f"{rule} {at}" for at, (rule, _) in enumerate(BROKEN)]
)
async def test_what_somebody_meddled_with_is_found(
    town: Town, owner: db.Connection, rule: str, sql: str
) -> None:
    two, placed = await sell(town)
    await two.jobs_are_done()
    await town.ships(placed)
    await town.receives(placed)
    await two.jobs_are_done()
    await owner.execute(
        "insert into closed_days values (0, date '2026-12-31', 'nobody', $1)", town.at
    )
    await town.books_balance()
    await owner.execute(sql)
    async with town.database.connection() as conn:
        assert rule in {each.rule for each in await audit.prove(conn)}


async def test_a_debt_that_cannot_be_passed_on_stops_no_other_and_is_held_once(town: Town) -> None:
    """The hourly sweep gives each pair of shops and each currency a job of its own."""
    two, placed = await sell(town)
    await two.jobs_are_done()
    await town.ships(placed)
    await town.receives(placed)
    await two.jobs_are_done(passing_on.PASS_ON)  # it waits
    hold = "update jobs set once_key = null, held_at = $2, fault = 'a test' where name = $1"
    async with town.database.connection() as conn:
        assert await db.run(conn, hold, passing_on.PASS_ON, town.at) == 1
    await passing_on.sweep(town.database, town.at)
    assert await waiting(town) == 1  # a person looks at it: the hours add nothing

    async with town.database.connection() as conn:
        await db.run(conn, "delete from jobs where name = $1", passing_on.PASS_ON)
    for _ in range(2):
        await passing_on.sweep(town.database, town.at)
    assert await waiting(town) == 1
    town.later(minutes=1)
    await two.jobs_are_done()
    assert await two.balance(two.supplier, f"due_to_shop:{two.reseller}") == CNY("0.00")
    await town.books_balance()


async def waiting(town: Town) -> int:
    """How many jobs there are that pass money on."""
    async with town.database.connection() as conn:
        return int(
            await db.value(conn, "select count(*) from jobs where name = $1", passing_on.PASS_ON)
        )


def test_a_price_is_proposed_that_leaves_a_margin_and_keeps_the_suppliers_bounds() -> None:
    price = Price(uuid4(), 6000, None, None)
    assert listing_resold.suggested(price, 8000) == 8000  # what the supplier asks himself
    assert listing_resold.suggested(price, 6000) == 7200
    bound = msgspec.structs.replace(price, least_minor=9000)
    assert listing_resold.suggested(bound, 8000) == 9000
    assert listing_resold.suggested(msgspec.structs.replace(price, most_minor=7500), 8000) == 7500
