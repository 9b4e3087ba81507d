"""A market: a shop with ten bowls, a rail behind it, and the phone of somebody who wants one."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import httpx

from littleshop import audit
from tests.pay.gateways.small_alipay import SmallAlipay
from tests.web.client import World, hidden

WANTING = {
    "recipient": "陈婉婷",
    "phone": "138 0000 2046",
    "province": "浙江省",
    "city": "杭州市",
    "district": "西湖区",
    "street": "文三路 478 号 2 幢 301",
    "delivery": "courier",
    "method": "alipay",
    "then": "place",
}


@dataclass
class Market:
    """A shop with one product, a rail behind it, and the phone of somebody who wants it."""

    world: World
    alipay: SmallAlipay
    seller: httpx.AsyncClient
    buyer: httpx.AsyncClient
    shop_id: int
    product: str

    async def to_checkout(self, client: httpx.AsyncClient | None = None, pieces: int = 1) -> None:
        """Put pieces in the basket, on the way to the checkout."""
        answer = await (client or self.buyer).post(
            "/@xiaoman/basket/items",
            data={"product": self.product, "quantity": str(pieces), "then": "basket"},
        )
        assert answer.headers["location"] == "/@xiaoman/basket"

    async def form(self, client: httpx.AsyncClient | None = None) -> dict[str, str]:
        """The checkout form as the page hands it out, filled in."""
        page = await (client or self.buyer).get("/@xiaoman/checkout")
        names = ("key", "items", "cart", "total")
        return {name: hidden(page, name) for name in names} | WANTING

    async def place(self, form: dict[str, str] | None = None) -> httpx.Response:
        """Press the button."""
        return await self.buyer.post("/@xiaoman/checkout", data=form or await self.form())

    async def orders(self) -> int:
        async with self.world.house.database.connection() as conn:
            return int(await conn.fetchval("select count(*) from orders"))

    async def notify(self, reference: str, **changes: str | None) -> httpx.Response:
        """The rail tells us; it comes from another site and carries no cookie."""
        body = self.alipay.notice(
            **{
                "out_trade_no": reference,
                "total_amount": "168.00",
                "notify_id": secrets.token_hex(17),
                "notify_time": "2026-11-23 10:00:05",
                **changes,
            }
        )
        rail = self.world.browser(sec_fetch_site="cross-site")
        return await rail.post(
            "/callbacks/alipay",
            content=body,
            headers={"content-type": "application/x-www-form-urlencoded"},
        )

    async def statuses(self) -> list[str]:
        async with self.world.house.database.connection() as conn:
            rows = await conn.fetch("select status from orders order by number")
        return [row["status"] for row in rows]

    async def books_balance(self) -> None:
        async with self.world.house.database.connection() as conn:
            assert await audit.prove(conn) == []


def reference_of(answer: httpx.Response) -> str:
    """The reference in the rail's address that a buyer is sent to."""
    content = parse_qs(urlsplit(answer.headers["location"]).query)["biz_content"][0]
    found = re.search(r'"out_trade_no":\s*"([0-9A-Z]{20})"', content)
    assert found is not None
    return found[1]
