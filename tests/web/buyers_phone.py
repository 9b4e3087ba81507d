"""陈婉婷's phone after paying: her order's page, what she wants back, and the seller's answers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import partial

import httpx

from littleshop import http, ids
from littleshop.pay import refunds
from littleshop.sale import placing, refunding
from littleshop.sale.placing import Placed
from littleshop.trade import cases
from littleshop.trade.cases import Case
from tests.web.back_room import BackRoom
from tests.web.client import chosen, hidden, photo

NUMBER = "SF1234567890123"


@dataclass
class Wanting:
    """She, her order, and 林小满 who sold it."""

    room: BackRoom
    phone: httpx.AsyncClient
    placed: Placed = field(init=False)
    locale: str = "en"

    async def buys(self, *, shipped: bool = True) -> None:
        token = http.device_token(self.room.world.house.keyring, "wanting's phone")
        self.phone.cookies.set(http.DEVICE, token)
        self.placed = await self.room.sells(device=ids.hashed(token))
        if shipped:
            self.room.town.at = self.room.world.at
            await self.room.town.ships(self.placed)

    @property
    def order(self) -> str:
        house = self.room.world.house
        return f"/o/{placing.link(house.keyring, self.room.town.shop_id, self.placed.order_id)}"

    async def page(self, path: str = "", status: int = 200) -> httpx.Response:
        """A page of her order."""
        answer = await self.phone.get(f"{self.order}{path}")
        assert answer.status_code == status, (answer.status_code, answer.text[:800])
        return answer

    async def form(self, kind: str = "refund", reason: str = "damaged") -> dict[str, str]:
        """The last step of asking as the page hands it out."""
        page = await self.page(f"/cases?kind={kind}&reason={reason}")
        typed = {"kind": kind, "reason": reason, "form_key": hidden(page, "form_key")}
        if kind != "exchange":
            found = re.search(r'id="amount" name="amount" value="([^"]*)"', page.text)
            assert found is not None
            typed["amount"] = found[1]
        return typed | {"words": "盖子碎了"}

    async def send(self, form: dict[str, str], *photos: bytes) -> httpx.Response:
        """Press the button of that step."""
        return await self.phone.post(f"{self.order}/cases", data=form, files=chosen(*photos))

    async def asks(self, kind: str = "refund", reason: str = "damaged", **typed: str) -> None:
        """Ask with one photo."""
        answer = await self.send(await self.form(kind, reason) | typed, photo())
        assert answer.headers["location"] == f"{self.order}/cases/1", answer.text[-2000:]

    async def acts(self, part: str, **typed: str) -> httpx.Response:
        """Press a button of the case's page."""
        return await self.phone.post(f"{self.order}/cases/1/{part}", data=typed)

    async def seller(self, part: str, **typed: str) -> httpx.Response:
        """The seller presses a button of the case's page."""
        number = self.placed.number
        return await self.room.post(f"/orders/{number}/cases/1/{part}", **typed)

    async def desk(self, path: str = "") -> httpx.Response:
        """The seller's page of the order, or of its case."""
        return await self.room.get(f"/orders/{self.placed.number}{path}")

    async def case(self) -> Case:
        async with self.room.world.house.database.connection() as conn:
            shop_id, order_id = self.room.town.shop_id, self.placed.order_id
            return (await cases.of_order(conn, shop_id, order_id))[-1]

    async def count(self) -> int:
        async with self.room.world.house.database.connection() as conn:
            shop_id, order_id = self.room.town.shop_id, self.placed.order_id
            return len(await cases.of_order(conn, shop_id, order_id))

    async def rail_sends_back(self) -> None:
        """Every refund of the order arrives."""
        database, town = self.room.world.house.database, self.room.town
        async with database.connection() as conn:
            asked = await refunds.of_order(conn, town.shop_id, self.placed.order_id)
        for each in asked:
            await database.transaction(
                partial(
                    refunding.hear,
                    shop_id=town.shop_id,
                    refund_id=each.refund_id,
                    at=self.room.world.at,
                )
            )

    async def clocks_strike(self) -> None:
        self.room.town.at = self.room.world.at
        await self.room.town.clocks_strike()
