"""Somebody else was to pay and nobody did: who asked hears it once, and late money still counts."""

from __future__ import annotations

import pytest

from littleshop import db
from littleshop.notify import messages
from littleshop.pay import payments
from littleshop.pricing.quotes import Item
from littleshop.sale import asking_a_payer, paying, waiting
from littleshop.sale.placing import Placed
from tests.cast import CNY, WANTING, Town
from tests.sale.test_gifting import wraps
from tests.sale.test_held_again import BOWL, WORDS
from tests.sale.test_inviting import named, writes
from tests.sale.test_kinds_of_orders import chips_in, wish
from tests.sale.test_passing_a_letter_on import passes_on


async def asks(town: Town, bowl: Item, kind: str) -> Placed:
    asked = wish(town, [bowl], BOWL, kind, WANTING)
    return await town.database.transaction(
        lambda conn: asking_a_payer.place(conn, town.keyring, asked, WORDS, town.at)
    )


async def told(town: Town, placed: Placed) -> list[str]:
    async with town.database.connection() as conn:
        found = await messages.of(conn, town.shop_id, placed.order_id)
    return sorted(each.about for each in found)


@pytest.mark.parametrize("kind", ["pay_for_me", "chip_in", "invitation"])
async def test_who_asked_hears_once_that_nobody_paid(town: Town, kind: str) -> None:
    bowl = await town.stock(pieces=2)
    if kind == "invitation":
        sent = await writes(town, await named(town, bowl, CNY("150.00")), hours=6)
        placed = await passes_on(town, sent)
    else:
        placed = await asks(town, bowl, kind)
    assert await told(town, placed) == []
    town.later(hours=73)
    await town.clocks_strike()
    order = await town.order(placed)
    assert (order.status, order.cancel_reason) == ("cancelled", "unpaid")
    assert await told(town, placed) == ["nobody_paid"]

    async def again(conn: db.Connection) -> bool:
        await waiting.ended(conn, order, "invited", town.at)
        return await paying.expire(conn, town.shop_id, placed.order_id, town.at)

    assert not await town.database.transaction(again)
    assert await told(town, placed) == ["nobody_paid"]
    await town.books_balance()


async def test_late_money_for_what_was_closed_is_confirmed_like_any_other(town: Town) -> None:
    placed = await asks(town, await town.stock(pieces=1), "pay_for_me")
    await town.opens_cashier(placed)
    town.later(hours=25)
    await town.clocks_strike()
    assert await told(town, placed) == ["nobody_paid"]
    async with town.database.connection() as conn:
        attempt = (await payments.of_order(conn, town.shop_id, placed.order_id))[0]
    assert await town.money_arrives(attempt.reference, BOWL) == "accepted"
    assert await told(town, placed) == ["nobody_paid", "order_confirmed", "order_paid"]
    await town.books_balance()


async def test_who_was_to_pay_himself_hears_nothing_and_a_pot_with_money_says_what_goes_back(
    town: Town,
) -> None:
    bowl = await town.stock(pieces=3)
    own, pot = await town.place([bowl], BOWL), await asks(town, bowl, "chip_in")
    gift = await wraps(town, bowl.variant_id)
    await chips_in(town, pot, CNY("50.00"))
    town.later(hours=73)
    await town.clocks_strike()
    assert await told(town, own) == await told(town, gift) == []
    assert await told(town, pot) == ["pot_not_full"]
    await town.books_balance()
