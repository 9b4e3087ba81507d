"""The kinds of orders: prices agreed on, what can be had so many times, and money in parts."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest

from littleshop import db, ids
from littleshop.errors import Refused
from littleshop.ledger import chart
from littleshop.money import Money
from littleshop.pay import payments, refunds
from littleshop.pricing.quotes import Agreed, Item
from littleshop.sale import paying, placing, refunding
from littleshop.sale.paying import PartDue
from littleshop.sale.placing import Placed, Placing
from littleshop.trade import claims
from littleshop.trade.orders import Delivery
from tests.cast import CNY, PRIYA, WANTING, Town

BOWL = CNY("168.00")
DAY = timedelta(hours=24)


def wish(town: Town, items: Sequence[Item], total: Money, kind: str, who: Delivery) -> Placing:
    return Placing(
        shop_id=town.shop_id,
        items=tuple(items),
        way="courier",
        delivery=who,
        total_seen=total,
        key=secrets.token_hex(8),
        device=ids.hashed(who.phone),
        locale="zh-CN",
        waits=kind in ("pay_for_me", "chip_in"),
        kind=kind,
    )


async def places(
    town: Town,
    placing_: Placing,
    *,
    claim: UUID | None = None,
    agreed: Agreed | None = None,
) -> Placed:
    """What the flow of a kind does in its transaction."""

    async def work(conn: db.Connection) -> Placed:
        if claim is not None:
            await claims.lock(conn, town.shop_id, claim)
        placed, new = await placing.place_within(
            conn, town.keyring, placing_, pay_within=DAY, agreed=agreed, at=town.at
        )
        if claim is None or not new:
            return placed
        if not await claims.take(conn, town.shop_id, placed.order_id, claim):
            raise Refused("claim_gone")
        return placed

    return await town.database.transaction(work)


async def offer(town: Town, most: int) -> UUID:
    claim_id = ids.uuid7(town.at)

    async def work(conn: db.Connection) -> None:
        await claims.open_(conn, town.shop_id, claim_id, "invitation", most)

    await town.database.transaction(work)
    return claim_id


async def taken(town: Town, claim_id: UUID) -> int:
    async with town.database.connection() as conn:
        return (await claims.get(conn, town.shop_id, claim_id)).taken


async def chips_in(town: Town, placed: Placed, amount: Money) -> tuple[str, str]:
    """A friend goes to pay a part, and it arrives: its reference, and what became of it."""
    part = PartDue(ids.uuid7(town.at), amount)

    async def ask(conn: db.Connection) -> str:
        asked = await paying.ask(
            conn, town.shop_id, placed.order_id, gateway="alipay", method="wap", part=part,
            at=town.at,
        )  # fmt: skip
        return asked.reference

    reference = await town.database.transaction(ask)
    return reference, await town.money_arrives(reference, amount)


async def sent_back(town: Town, placed: Placed) -> list[Money]:
    """The rail sends back whatever was asked of it."""
    async with town.database.connection() as conn:
        asked = await refunds.of_order(conn, town.shop_id, placed.order_id)
    for each in asked:
        await town.database.transaction(
            partial(_hear_back, shop_id=town.shop_id, refund_id=each.refund_id, town=town)
        )
    return [each.amount for each in asked]


async def _hear_back(conn: db.Connection, *, shop_id: int, refund_id: UUID, town: Town) -> None:
    await refunding.hear(conn, shop_id, refund_id, town.at)


async def test_an_agreed_price_is_charged_and_the_shelfs_is_kept_out_of_it(town: Town) -> None:
    bowl = await town.stock(pieces=2)
    agreed = Agreed("invited", {bowl.variant_id: 15000}, shipping=0)
    placed = await places(
        town, wish(town, [bowl], CNY("150.00"), "invitation", WANTING), agreed=agreed
    )
    order = await town.order(placed)
    assert (order.kind, order.status, order.total) == ("invitation", "placed", CNY("150.00"))
    with pytest.raises(Refused, match="price_changed"):  # the shelf's price is not what was agreed
        await places(town, wish(town, [bowl], BOWL, "invitation", PRIYA), agreed=agreed)
    await town.books_balance()


async def test_only_an_invitation_sells_what_is_not_on_the_shelf(
    town: Town, owner: db.Connection
) -> None:
    bowl = await town.stock(pieces=2)
    await owner.execute("update products set status = 'unlisted'")
    agreed = Agreed("invited", {}, unlisted=True)
    for kind in ("pay_for_me", "gift", "team"):
        with pytest.raises(Refused, match="variant_gone"):
            await places(town, wish(town, [bowl], BOWL, kind, WANTING), agreed=agreed)
    placed = await places(town, wish(town, [bowl], BOWL, "invitation", WANTING), agreed=agreed)
    assert (await town.order(placed)).status == "placed"


async def test_the_last_use_goes_to_one_of_two_who_press_at_once(town: Town, twin: Town) -> None:
    bowl = await town.stock(pieces=20)
    claim = await offer(town, 1)
    pressed = [
        places(each, wish(each, [bowl], BOWL, "invitation", who), claim=claim)
        for each, who in ((town, WANTING), (twin, PRIYA))
    ]
    ended = await asyncio.gather(*pressed, return_exceptions=True)
    assert sorted(type(each).__name__ for each in ended) == ["Placed", "Refused"]
    assert await taken(town, claim) == 1
    await town.books_balance()


async def test_a_use_that_nobody_paid_can_be_had_again_and_late_money_loses_to_who_took_it(
    town: Town,
) -> None:
    bowl = await town.stock(pieces=20)
    claim = await offer(town, 1)
    late = await places(town, wish(town, [bowl], BOWL, "invitation", WANTING), claim=claim)
    reference = await town.opens_cashier(late)
    town.later(hours=25)
    await town.clocks_strike()
    assert await taken(town, claim) == 0
    await places(town, wish(town, [bowl], BOWL, "invitation", PRIYA), claim=claim)
    assert await town.money_arrives(reference, BOWL) == "returned"
    assert await taken(town, claim) == 1
    await town.books_balance()


async def test_late_money_takes_its_use_again_while_it_is_there(town: Town) -> None:
    bowl = await town.stock(pieces=20)
    claim = await offer(town, 1)
    late = await places(town, wish(town, [bowl], BOWL, "invitation", WANTING), claim=claim)
    reference = await town.opens_cashier(late)
    town.later(hours=25)
    await town.clocks_strike()
    assert await town.money_arrives(reference, BOWL) == "accepted"
    assert (await town.order(late)).status == "to_ship"
    assert await taken(town, claim) == 1
    await town.books_balance()


async def test_parts_are_held_until_the_last_one_makes_the_order_paid(town: Town) -> None:
    bowl = await town.stock(pieces=1)
    placed = await places(town, wish(town, [bowl], BOWL, "chip_in", WANTING))
    assert (await town.order(placed)).status == "invited"
    await chips_in(town, placed, CNY("100.00"))
    order = await town.order(placed)
    assert (order.status, order.held_minor, order.paid_at) == ("collecting", 10000, None)
    assert await town.balance(chart.ESCROW) == CNY("100.00")
    await town.books_balance()
    with pytest.raises(Refused, match="part_too_large"):
        await chips_in(town, placed, CNY("68.01"))
    with pytest.raises(Refused, match="part_too_small"):
        await chips_in(town, placed, CNY("8.39"))  # less than a twentieth keeps nothing
    await chips_in(town, placed, CNY("68.00"))
    assert (await town.order(placed)).status == "to_ship"
    await town.books_balance()
    await town.ships(placed)
    await town.receives(placed)
    await town.books_balance()


async def test_who_pays_beyond_the_rest_at_the_same_moment_gets_all_of_it_back(town: Town) -> None:
    bowl = await town.stock(pieces=1)
    placed = await places(town, wish(town, [bowl], BOWL, "chip_in", WANTING))
    first, second = [PartDue(ids.uuid7(town.at), amount) for amount in (BOWL, CNY("10.00"))]

    async def ask(conn: db.Connection, part: PartDue) -> str:
        asked = await paying.ask(
            conn, town.shop_id, placed.order_id, gateway="alipay", method="wap", part=part,
            at=town.at,
        )  # fmt: skip
        return asked.reference

    references = [
        await town.database.transaction(partial(ask, part=part)) for part in (first, second)
    ]
    assert await town.money_arrives(references[0], BOWL) == "accepted"
    assert await town.money_arrives(references[1], CNY("10.00")) == "returned"
    assert await sent_back(town, placed) == [CNY("10.00")]
    assert (await town.order(placed)).held_minor == BOWL.minor
    await town.books_balance()


async def test_parts_that_never_became_full_go_back_to_where_each_came_from(town: Town) -> None:
    bowl = await town.stock(pieces=1)
    placed = await places(town, wish(town, [bowl], BOWL, "chip_in", WANTING))
    for amount in (CNY("100.00"), CNY("50.00")):
        town.later(minutes=1)
        await chips_in(town, placed, amount)
    town.later(hours=25)
    await town.clocks_strike()
    assert (await town.order(placed)).status == "cancelled"
    await town.books_balance()
    assert sorted(await sent_back(town, placed), key=lambda each: each.minor) == [
        CNY("50.00"), CNY("100.00"),
    ]  # fmt: skip
    async with town.database.connection() as conn:
        attempts = await payments.of_order(conn, town.shop_id, placed.order_id)
    assert all(each.refunded_minor == each.paid_minor for each in attempts)
    assert await town.balance(chart.ESCROW) == CNY("0.00")
    await town.books_balance()


async def test_a_refund_of_parts_goes_to_the_last_ones_first(town: Town) -> None:
    bowl = await town.stock(pieces=1)
    placed = await places(town, wish(town, [bowl], BOWL, "chip_in", WANTING))
    for amount in (CNY("100.00"), CNY("68.00")):
        town.later(minutes=1)
        await chips_in(town, placed, amount)

    async def give(conn: db.Connection) -> None:
        order = await town.order(placed)
        await refunding.give_back(
            conn, order, CNY("90.00"), reason="offered", refund_id=ids.uuid7(town.at), at=town.at
        )

    await town.database.transaction(give)
    assert [each.minor for each in await sent_back(town, placed)] == [6800, 2200]
    await town.books_balance()
