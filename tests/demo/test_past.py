"""Playing in the past: what flows defer is done at once, and what is not known stops the play."""

from __future__ import annotations

import pytest

from littleshop import db, jobs
from littleshop.demo.past import Held, Past
from littleshop.notify import messages
from littleshop.notify.messages import Recipient
from tests.cast import CNY, MORNING, Town


async def test_a_message_of_the_past_counts_as_told_then(town: Town) -> None:
    past = Past(town.database)

    async def tell(conn: db.Connection) -> None:
        to = Recipient(None, town.keyring.seal("+8613800002046"), "zh-CN")
        await messages.send(
            conn, town.shop_id, [to], about="order_shipped", subject="1", at=MORNING
        )

    await past.transaction(tell)
    async with town.database.connection() as conn:
        (message,) = await messages.of(conn, town.shop_id, "1")
        assert message.status == "sent" and not message.facts
        assert await jobs.counts(conn) == []


async def test_a_job_that_nobody_knows_stops_the_play(town: Town) -> None:
    past = Past(town.database)

    async def defer(conn: db.Connection) -> None:
        await jobs.defer(conn, "something.new", at=MORNING)

    with pytest.raises(AssertionError, match="nobody does"):
        await past.transaction(defer)


async def test_a_life_that_breaks_leaves_nothing(town: Town) -> None:
    item = await town.stock(pieces=3)

    async def broken(conn: db.Connection) -> None:
        inside = Town(Held(conn), town.keyring, at=town.at, shop_id=town.shop_id)
        await inside.place([item], CNY("168.00"))
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        await Past(town.database).transaction(broken)
    async with town.database.connection() as conn:
        assert await db.value(conn, "select count(*) from orders") == 0
    await town.books_balance()
