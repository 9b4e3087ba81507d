"""Goods that nobody carries: who has his money back does not open them, and who opened them said
so before."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest

from littleshop import db, ids
from littleshop.catalog import products, virtual
from littleshop.catalog.virtual import Content
from littleshop.errors import Refused
from littleshop.ledger import accounts
from littleshop.sale import handing_out, placing, refunding, returning
from littleshop.sale.placing import Placing
from littleshop.trade import handed_out
from littleshop.trade.orders import Delivery
from tests.cast import CNY, Town
from tests.sale.after_sale import AfterSale, after
from tests.sale.gates import Gate, hold_order, race


async def bought(town: Town) -> AfterSale:
    """A recipe for 100 was paid and handed out; nobody has looked at it yet."""
    item = await town.stock("茶谱", price=CNY("100.00"))

    async def writes(conn: db.Connection) -> None:
        (thing,) = await products.listing(conn, town.shop_id)
        words = Content("text", town.keyring.seal("水温九十度"))
        await virtual.say(conn, town.shop_id, thing.product_id, words, town.at)

    await town.database.transaction(writes)
    wish = Placing(
        shop_id=town.shop_id, items=(item,), way="none", total_seen=CNY("100.00"),
        delivery=Delivery("陈婉婷", "+8613800002046"), key=secrets.token_hex(8),
        device=ids.hashed("wanting's phone"), locale="zh-CN",
    )  # fmt: skip
    placed = await placing.place(town.flusher, town.loader, town.keyring, wish, town.at)
    await town.money_arrives(await town.opens_cashier(placed), CNY("100.00"))
    return AfterSale(town, placed)


async def opens(town: Town, sale: AfterSale) -> None:
    await town.database.transaction(
        lambda conn: handing_out.open_(conn, town.shop_id, sale.placed.order_id, town.at)
    )


async def is_open(town: Town, sale: AfterSale) -> bool:
    async with town.database.connection() as conn:
        given = await handed_out.of_order(conn, town.shop_id, sale.placed.order_id)
    return any(one.opened_at for one in given)


async def offers(town: Town, sale: AfterSale, amount: str) -> None:
    await town.database.transaction(
        lambda conn: returning.offer(
            conn, town.shop_id, sale.placed.order_id, CNY(amount), words="送你",
            case_id=uuid4(), at=town.at,
        )
    )  # fmt: skip


async def test_a_small_sum_given_unasked_does_not_lock_what_was_bought(town: Town) -> None:
    """Also while the rail still thinks about it: who keeps the goods for less may open them."""
    sale = await bought(town)
    await offers(town, sale, "5.00")
    await opens(town, sale)
    assert await is_open(town, sale)
    await town.books_balance()


async def test_who_asks_for_a_part_opens_nothing_until_that_is_decided(town: Town) -> None:
    sale = await bought(town)
    await sale.asks("refund", "40.00")
    with pytest.raises(Refused, match="goods_asked_back"):
        await opens(town, sale)
    await sale.seller_agrees()
    await opens(town, sale)
    await town.books_balance()


@pytest.mark.parametrize("turn", [1, -1], ids=["opened_first", "agreed_first"])
async def test_opening_and_giving_all_back_meet_and_only_one_of_them_is_first(
    town: Town, twin: Town, gate: Gate, turn: int
) -> None:
    """Two processes: what went back is not opened; what was opened before went back knowingly."""
    sale = await bought(town)
    await hold_order(gate, town, sale.placed)
    acts: list[Callable[[], Awaitable[object]]] = [
        lambda: opens(town, sale),
        lambda: offers(twin, sale, "100.00"),
    ]
    opening, offering = (await race(gate, *acts[::turn]))[::turn]
    assert offering is None
    if turn == 1:
        assert opening is None and await is_open(town, sale)
    else:
        assert isinstance(opening, Refused) and opening.code == "goods_given_back"
        assert not await is_open(town, sale)
    await sale.rail_sends_all_back()
    await town.books_balance()


async def test_giving_back_unasked_and_a_receipt_take_the_accounts_in_one_order(
    town: Town, twin: Town, owner: db.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two orders of a shop, both of which move its money: nobody is the victim of a deadlock."""
    monkeypatch.setattr(db, "_ATTEMPTS", 1)
    first, second = await after(town), await after(town)
    await town.ships(first.placed)
    await town.receives(first.placed)
    await town.ships(second.placed)
    there, goes_on = asyncio.Event(), asyncio.Event()
    real = refunding.sources

    async def slowly(*told: object) -> refunding.Sources:
        there.set()
        await goes_on.wait()
        return await real(*told)  # type: ignore[arg-type]

    monkeypatch.setattr(refunding, "sources", slowly)
    offering = asyncio.create_task(offers(town, first, "30.00"))
    await there.wait()
    receiving = asyncio.create_task(twin.receives(second.placed))
    await Gate(owner).queue([receiving])
    goes_on.set()
    await asyncio.gather(offering, receiving)
    async with town.database.connection() as conn:
        assert await accounts.balance(conn, town.shop_id, "payable", "CNY") == CNY("170.00")
    await town.books_balance()
