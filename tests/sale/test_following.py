"""The jobs that speak with a tracking service: asked once however often they run, and what comes of
an answer, a no, silence, and of there being no service at all."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID, uuid4

import httpx
import pytest

from littleshop.clock import Clock
from littleshop.errors import GatewayError
from littleshop.jobs import Context
from littleshop.sale import tracking
from littleshop.sale.placing import Placed
from littleshop.sale.tracking import Following
from littleshop.trade import deliveries, trackings
from littleshop.trade.trackers.kuaidi100 import Kuaidi100
from littleshop.trade.trackings import Tracking
from littleshop.wires import Wire
from tests.cast import CNY, Town

RAIL = {"base_url": "http://127.0.0.1:1", "customer": "c", "key": "the-key", "salt": "the-salt"}
YES = {"result": True, "returnCode": "200", "message": "提交成功"}


class OtherSide:
    """The other end of the wire: keeps what it was asked and answers in turn."""

    def __init__(self, town: Town, *answers: dict[str, Any] | int) -> None:
        self.town, self.answers = town, list(answers)
        self.asked: list[dict[str, Any]] = []
        wire = Wire("courier", RAIL["base_url"], transport=httpx.MockTransport(self._answer))
        self.following = Following(Kuaidi100(RAIL, wire), town.keyring, "https://shop.test")

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(json.loads(parse_qs(request.content.decode())["param"][0]))
        answer = self.answers.pop(0)
        if isinstance(answer, int):
            return httpx.Response(answer)
        return httpx.Response(200, json=answer)

    async def does(self, what: str, parcel_id: UUID) -> None:
        job = getattr(self.following, what)
        context = Context(self.town.database, Clock(), self.town.at, uuid4(), attempt=1)
        await job(context, shop_id=self.town.shop_id, parcel_id=str(parcel_id))


async def shipped(town: Town, number: str = "", carrier: str = "sf") -> tuple[Placed, UUID]:
    placed = await town.buys([await town.stock()], CNY("168.00"))
    await town.ships(placed, number)
    async with town.database.connection() as conn:
        [parcel] = await deliveries.of_order(conn, town.shop_id, placed.order_id)
        return placed, parcel.parcel_id


async def known(town: Town, parcel_id: UUID) -> Tracking:
    async with town.database.connection() as conn:
        found = await trackings.get(conn, town.shop_id, parcel_id)
    assert found is not None
    return found


async def test_a_parcel_is_asked_for_until_it_is_followed_and_not_again(town: Town) -> None:
    _, parcel_id = await shipped(town)
    service = OtherSide(town, 503, YES)
    with pytest.raises(GatewayError) as away:  # the worker asks again; so does who was killed here
        await service.does("subscribe", parcel_id)
    assert away.value.retryable
    assert (await known(town, parcel_id)).status == "asked"
    await service.does("subscribe", parcel_id)
    assert (await known(town, parcel_id)).status == "followed"
    await service.does("subscribe", parcel_id)
    assert len(service.asked) == 2
    told = service.asked[1]["parameters"]
    assert told["phone"] == "2046"  # SF's own wish, and no more of the phone than that
    token = told["callbackurl"].removeprefix(f"https://shop.test{tracking.ROAD}/")
    async with town.database.connection() as conn:
        found = await trackings.of_token(conn, town.shop_id, token)
    assert found is not None and found.parcel_id == parcel_id


async def test_what_a_service_does_not_know_nobody_follows(town: Town) -> None:
    _, parcel_id = await shipped(town)
    await OtherSide(town, {"result": False, "returnCode": "701", "message": "不支持"}).does(
        "subscribe", parcel_id
    )
    found = await known(town, parcel_id)
    assert (found.status, found.why) == ("unfollowed", "701 不支持")
    _, other = await shipped(town, "SF1408223100999")
    nobody = OtherSide(town)
    nobody.following = Following(None, town.keyring, "https://shop.test")
    await nobody.does("subscribe", other)
    assert (await known(town, other)).why == "no service"
    town.later(hours=12)
    await town.clocks_strike()
    await nobody.does("query", other)
    assert nobody.asked == []


async def test_a_parcel_of_which_nothing_was_pushed_is_asked_about(town: Town) -> None:
    placed, parcel_id = await shipped(town)
    at = (town.at + timedelta(hours=30, minutes=480)).strftime("%Y-%m-%d %H:%M:%S")  # Beijing's
    row = {"time": at, "statusCode": "301", "context": "已签收"}
    number = f"SF1408223{placed.number:06d}"
    said = {"status": "200", "state": "3", "nu": number, "data": [row]}
    service = OtherSide(town, YES, 502, said)
    await service.does("subscribe", parcel_id)
    town.later(hours=31)
    await service.does("query", parcel_id)  # away: its clock asks again
    assert (await town.order(placed)).status == "shipped"
    await service.does("query", parcel_id)
    assert (await town.order(placed)).status == "delivered"
    town.later(days=2)
    await town.clocks_strike()
    assert await town.balance("payable") == CNY("168.00")
    await town.books_balance()
