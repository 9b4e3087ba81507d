"""A seller's letter that its reader has somebody else pay: what waits takes nothing from anybody;
who goes to pay has the use of the letter and what it keeps, or is told what became of it."""

from __future__ import annotations

import asyncio
import secrets
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from littleshop import db, ids
from littleshop.errors import Refused
from littleshop.money import Money
from littleshop.pay import payments
from littleshop.sale import inviting, paying, ticking, waiting
from littleshop.sale.paying import PartDue
from littleshop.sale.placing import Placed, Placing
from littleshop.trade import claims, letters, orders
from littleshop.trade.orders import Delivery
from tests.cast import CNY, PRIYA, WANTING, Town
from tests.sale.test_inviting import accepts, acts, named, pays, spare, state, writes

TOTAL = CNY("162.00")


async def passes_on(town: Town, sent: UUID, who: Delivery = WANTING, **more: Any) -> Placed:
    """Who got the letter asks somebody else to pay."""
    wish = Placing(
        shop_id=town.shop_id, items=(), way="courier", delivery=who, total_seen=TOTAL,
        key=more.get("key") or secrets.token_hex(8), device=ids.hashed(who.phone), locale="zh-CN",
    )  # fmt: skip
    note = letters.write_down("阿婷", "", "你来付？", town.at)
    return await town.database.transaction(
        lambda conn: inviting.ask_a_payer(conn, town.keyring, sent, wish, note, town.at)
    )


async def goes_to_pay(town: Town, placed: Placed, amount: Money = TOTAL) -> str:
    """A payer presses the button: the reference of his attempt."""

    async def ask(conn: db.Connection) -> str:
        asked = await paying.ask(
            conn, town.shop_id, placed.order_id, gateway="alipay", method="wap",
            part=PartDue(ids.uuid7(town.at), amount), at=town.at,
        )  # fmt: skip
        return asked.reference

    return await town.database.transaction(ask)


async def refused(town: Town, placed: Placed) -> str:
    with pytest.raises(Refused) as no:
        await goes_to_pay(town, placed)
    return no.value.code


async def seen_by_payer(town: Town, placed: Placed) -> str:
    async with town.database.connection() as conn:
        order = await orders.get(conn, town.shop_id, placed.order_id)
        assert order is not None
        return await waiting.why_gone(conn, order, town.at)


async def left(town: Town, sent: UUID) -> int:
    async with town.database.connection() as conn:
        return (await claims.get(conn, town.shop_id, sent)).left


async def time_passes(town: Town, **span: float) -> None:
    town.at += timedelta(**span)
    await ticking.sweep(town.database, town.at)


async def test_it_takes_the_use_and_the_pieces_only_while_somebody_goes_to_pay(
    town: Town,
) -> None:
    bowl = await town.stock(pieces=2)
    sent = await writes(town, await named(town, bowl, CNY("150.00")))
    key = secrets.token_hex(8)
    placed = await passes_on(town, sent, key=key)
    assert (await passes_on(town, sent, key=key)).order_id == placed.order_id
    order = await town.order(placed)
    assert (order.kind, order.status, order.total) == ("invitation", "invited", TOTAL)
    assert (await spare(town, bowl), await left(town, sent)) == (2, 1)
    await goes_to_pay(town, placed)
    assert (await spare(town, bowl), await left(town, sent)) == (1, 0)
    await time_passes(town, minutes=31)  # he did not: the letter is open again, and his link too
    assert (await town.order(placed)).status == "invited"
    assert (await spare(town, bowl), await left(town, sent)) == (2, 1)
    assert await town.money_arrives(await goes_to_pay(town, placed), TOTAL) == "accepted"
    assert await state(town, sent) == "paid"
    await town.ships(placed)
    await town.receives(placed)
    await town.books_balance()


async def test_what_the_letter_keeps_for_one_person_goes_over_to_who_pays(town: Town) -> None:
    bowl = await town.stock(pieces=1)
    sent = await writes(town, await named(town, bowl, CNY("150.00")), keeps=True)
    placed = await passes_on(town, sent)
    assert (await spare(town, bowl), await seen_by_payer(town, placed)) == (0, "")
    await town.books_balance()  # the letter keeps it still
    assert await town.money_arrives(await goes_to_pay(town, placed), TOTAL) == "accepted"
    assert (await town.order(placed)).status == "to_ship"
    await town.books_balance()


async def test_of_two_who_pay_at_the_same_second_one_pays_and_the_other_has_it_back(
    town: Town, twin: Town
) -> None:
    bowl = await town.stock(pieces=5)
    sent = await writes(town, await named(town, bowl, CNY("150.00")))
    placed = await passes_on(town, sent)
    first, second = await goes_to_pay(town, placed), await goes_to_pay(town, placed)
    ended = await asyncio.gather(
        town.money_arrives(first, TOTAL), twin.money_arrives(second, TOTAL)
    )
    assert sorted(ended) == ["accepted", "returned"]
    async with town.database.connection() as conn:
        every = await payments.of_order(conn, town.shop_id, placed.order_id)
    assert sorted(str(each.outcome) for each in every) == ["accepted", "returned"]
    await town.books_balance()


async def test_of_a_payer_and_a_stranger_at_the_same_second_one_has_the_only_use(
    town: Town, twin: Town
) -> None:
    bowl = await town.stock(pieces=5)
    sent = await writes(town, await named(town, bowl, CNY("150.00")))
    placed = await passes_on(town, sent)
    ended = await asyncio.gather(
        goes_to_pay(town, placed), accepts(twin, sent, TOTAL, PRIYA), return_exceptions=True
    )
    lost = [each for each in ended if isinstance(each, Refused)]
    assert [each.code for each in lost] == ["invitation_taken"]
    assert (await spare(town, bowl), await left(town, sent)) == (4, 0)
    await town.books_balance()


async def test_who_comes_after_the_letter_ended_is_told_why_and_charged_nothing(
    town: Town,
) -> None:
    bowl = await town.stock(pieces=9)
    line = await named(town, bowl, CNY("150.00"))
    back, moved, short, used = [await writes(town, line) for _ in range(4)]
    asked = {each: await passes_on(town, each) for each in (back, moved, short, used)}
    await acts(town, inviting.cancel, back)
    price = {bowl.variant_id: 14000}
    terms: dict[str, Any] = {"words": "", "shipping": CNY("12.00"), "hours": None}
    await acts(town, inviting.amend, moved, prices=price, **terms)
    same = {"prices": {bowl.variant_id: 15000}, **terms}
    await acts(town, inviting.amend, short, **same | {"hours": 1})
    assert await seen_by_payer(town, asked[short]) == ""  # other words change nothing for him
    town.at += timedelta(hours=2)
    assert await pays(town, await accepts(town, used, TOTAL, PRIYA), TOTAL) == "accepted"
    told = {back: ("letter_back", "invitation_cancelled"), used: ("gone", "invitation_used")}
    told |= {
        moved: ("letter_moved", "invitation_changed"),
        short: ("expired", "invitation_expired"),
    }
    for sent, (shown, code) in told.items():
        assert await seen_by_payer(town, asked[sent]) == shown
        assert await refused(town, asked[sent]) == code
    assert (await spare(town, bowl), await left(town, moved)) == (8, 1)
    await town.books_balance()


async def test_sold_out_meanwhile_says_so_and_it_ends_with_the_letter(town: Town) -> None:
    bowl = await town.stock(pieces=1)
    sent = await writes(town, await named(town, bowl, CNY("150.00")), hours=6)
    placed = await passes_on(town, sent)
    other = await writes(town, await named(town, bowl, CNY("150.00")))
    await accepts(town, other, TOTAL, PRIYA)
    assert await seen_by_payer(town, placed) == "gone"
    assert await refused(town, placed) == "gone_meanwhile"
    assert await left(town, sent) == 1
    await time_passes(town, hours=6, minutes=1)
    assert (await town.order(placed)).cancel_reason == "unpaid"
    await town.books_balance()


async def test_late_money_is_taken_while_the_letter_stands_and_goes_back_when_it_does_not(
    town: Town,
) -> None:
    bowl = await town.stock(pieces=9)
    line = await named(town, bowl, CNY("150.00"))
    for ended, outcome in ((False, "accepted"), (True, "returned")):
        sent = await writes(town, line)
        reference = await goes_to_pay(town, await passes_on(town, sent))
        await time_passes(town, minutes=31)
        if ended:
            await acts(town, partial(inviting.cancel), sent)
        assert await town.money_arrives(reference, TOTAL) == outcome
    await town.books_balance()
