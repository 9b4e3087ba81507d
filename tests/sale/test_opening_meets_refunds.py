"""The buyer opens codes while a refund of them is asked for or agreed, and after it: two processes,
and whoever has the order first is right."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable

import pytest

from littleshop import db, ids
from littleshop.catalog import products, virtual
from littleshop.catalog.virtual import Content
from littleshop.errors import Refused
from littleshop.pricing.quotes import Item
from littleshop.sale import handing_out, placing
from littleshop.sale.placing import Placing
from littleshop.trade import handed_out
from littleshop.trade.orders import Delivery
from tests.cast import CNY, Town
from tests.sale.after_sale import AfterSale
from tests.sale.gates import Gate, hold_order, race
from tests.sale.test_kept_closed import is_open, offers, opens

CODES = ["AAAA-1111", "BBBB-2222", "CCCC-3333"]


async def three_codes(town: Town) -> AfterSale:
    """Three codes of 30 were paid and handed out; nobody has looked at them yet."""
    item = await town.stock("会员月卡", price=CNY("30.00"))

    async def writes(conn: db.Connection) -> None:
        (thing,) = await products.listing(conn, town.shop_id)
        await virtual.say(conn, town.shop_id, thing.product_id, Content("codes"), town.at)
        await virtual.add_codes(
            conn, town.keyring, town.shop_id, item.variant_id, CODES, person_id=None, at=town.at
        )

    await town.database.transaction(writes)
    wish = Placing(
        shop_id=town.shop_id, items=(Item(item.variant_id, 3),), way="none",
        total_seen=CNY("90.00"), delivery=Delivery("陈婉婷", "+8613800002046"),
        key=secrets.token_hex(8), device=ids.hashed("wanting's phone"), locale="zh-CN",
    )  # fmt: skip
    placed = await placing.place(town.flusher, town.loader, town.keyring, wish, town.at)
    await town.money_arrives(await town.opens_cashier(placed), CNY("90.00"))
    return AfterSale(town, placed)


async def sees(town: Town, sale: AfterSale) -> tuple[list[str], int]:
    """The codes that its buyer reads, and how many stay closed."""
    order = await town.order(sale.placed)
    async with town.database.connection() as conn:
        given = await handed_out.of_order(conn, town.shop_id, order.order_id)
        codes, closed = await handing_out.codes_shown(conn, town.keyring, order, given)
    return codes[given[0].position], closed


@pytest.mark.parametrize(
    "back, seen",
    [("29.99", CODES), ("30.00", CODES[:2]), ("59.00", CODES[:2]), ("89.99", CODES[:1])],
)
async def test_who_had_the_money_of_a_code_back_does_not_open_it(
    town: Town, back: str, seen: list[str]
) -> None:
    """As many stay closed as the sum pays for in whole; what is paid for is the buyer's."""
    sale = await three_codes(town)
    await sale.asks("refund", back, reason="not_wanted")
    town.later(minutes=1)
    await sale.seller_agrees()
    town.later(minutes=1)
    await opens(town, sale)
    assert await sees(town, sale) == (seen, 3 - len(seen))
    await sale.rail_sends_all_back()
    assert (await sees(town, sale))[0] == seen
    await town.books_balance()


async def test_what_was_opened_or_given_unasked_closes_nothing(town: Town) -> None:
    sale = await three_codes(town)
    await offers(town, sale, "30.00")
    await sale.rail_sends_all_back()
    town.later(minutes=1)
    await opens(town, sale)
    town.later(minutes=1)
    await sale.asks("refund", "30.00")
    await sale.seller_agrees()
    assert await sees(town, sale) == (CODES, 0)
    await sale.rail_sends_all_back()
    await town.books_balance()


@pytest.mark.parametrize("turn", [1, -1], ids=["opened_first", "agreed_first"])
@pytest.mark.parametrize("back", ["30.00", "90.00"])
async def test_opening_meets_the_sellers_yes(
    town: Town, twin: Town, gate: Gate, turn: int, back: str
) -> None:
    """While it is asked nothing is opened; after the yes what was not paid back is."""
    sale = await three_codes(town)
    await sale.asks("refund", back)
    town.later(minutes=1)
    twin.at = town.at
    await hold_order(gate, town, sale.placed)
    acts: list[Callable[[], Awaitable[object]]] = [
        lambda: opens(town, sale),
        lambda: AfterSale(twin, sale.placed).seller_agrees(),
    ]
    opening, agreeing = (await race(gate, *acts[::turn]))[::turn]
    assert not isinstance(agreeing, BaseException)
    if turn == 1:
        assert isinstance(opening, Refused) and opening.code == "goods_asked_back"
    elif back == "90.00":
        assert isinstance(opening, Refused) and opening.code == "goods_given_back"
    else:
        assert opening is None and await sees(town, sale) == (CODES[:2], 1)
    assert await is_open(town, sale) == (opening is None)
    await sale.rail_sends_all_back()
    await town.books_balance()


@pytest.mark.parametrize("turn", [1, -1], ids=["opened_first", "asked_first"])
async def test_opening_meets_the_buyers_own_request(
    town: Town, twin: Town, gate: Gate, turn: int
) -> None:
    """Two devices of his: what he has seen his seller reads, and what he asked for stays closed."""
    sale = await three_codes(town)
    twin.at = town.at
    await hold_order(gate, town, sale.placed)
    acts: list[Callable[[], Awaitable[object]]] = [
        lambda: opens(town, sale),
        lambda: AfterSale(twin, sale.placed).asks("refund", "90.00"),
    ]
    opening, asking = (await race(gate, *acts[::turn]))[::turn]
    assert not isinstance(asking, BaseException)
    if turn == 1:
        assert opening is None and await sees(town, sale) == (CODES, 0)
    else:
        assert isinstance(opening, Refused) and opening.code == "goods_asked_back"
    await sale.seller_agrees()
    await sale.rail_sends_all_back()
    assert await is_open(town, sale) == (turn == 1)
    await town.books_balance()
