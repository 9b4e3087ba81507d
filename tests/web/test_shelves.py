"""A shop's shelf and its products as strangers see them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import httpx
import pytest_asyncio

from littleshop import db
from littleshop.catalog import drafts, products
from littleshop.catalog.drafts import Option, ProductDraft, VariantDraft
from littleshop.pricing.quotes import Item
from littleshop.web.page_cache import PageCache
from tests.cast import CNY, Town
from tests.web.client import ORIGIN, World

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"


@dataclass
class Street(Town):
    """A town with the application's pages on it."""

    world: World = field(kw_only=True)

    def visitor(self, locale: str = "zh-CN", **headers: str) -> httpx.AsyncClient:
        """A browser of its own, in front of the kept pages."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        made = httpx.AsyncClient(
            transport=httpx.ASGITransport(PageCache(self.world.app)),
            base_url=ORIGIN,
            headers={"accept-language": locale, "user-agent": PHONE} | named,
        )
        self.world.open_browsers.append(made)
        return made

    async def gaiwan(self, *, pieces: int = 3) -> UUID:
        """A lidded bowl with a choice of glazes, one of them gone."""
        draft = drafts.check(
            ProductDraft(
                "青灰釉盖碗，松木柴烧 <b>🍵</b>",
                (
                    VariantDraft(("月白",), 15800, 0),
                    VariantDraft(("青灰",), 16800, pieces),
                ),
                description="手工拉坯。\n松木烧三天两夜。\n容量：150 毫升\n口径: 9.2 厘米",
                options=(Option("釉色", ("月白", "青灰")),),
                category="盖碗",
            )
        )
        product_id = uuid4()

        async def work(conn: db.Connection) -> None:
            await products.create(conn, self.shop_id, product_id, draft, at=self.at)

        await self.database.transaction(work)
        return product_id


@pytest_asyncio.fixture
async def street(world: World) -> AsyncIterator[Street]:
    """林小满's shop, open, and browsers to look at it."""
    house = world.house
    made = Street(house.database, house.keyring, world=world)
    await made.open_shop()
    yield made


async def test_a_stranger_sees_the_shelf(street: Street) -> None:
    product_id = await street.gaiwan()
    page = await street.visitor().get("/@xiaoman")
    assert page.status_code == 200
    assert f"/@xiaoman/p/{product_id}" in page.text
    assert "小满茶器" in page.text


async def test_a_product_page_shows_choices_facts_and_no_stock(street: Street) -> None:
    product_id = await street.gaiwan()
    page = await street.visitor().get(f"/@xiaoman/p/{product_id}")
    print(page.text)
    assert page.status_code == 200
