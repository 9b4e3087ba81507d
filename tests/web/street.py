"""A shop with the application's pages in front of it, and strangers who look at it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import httpx

from littleshop import clock, db
from littleshop.catalog import drafts, photos, products
from littleshop.catalog.drafts import Option, ProductDraft, VariantDraft
from littleshop.insights import takings
from littleshop.web.kept_pages import Shelf
from littleshop.web.page_cache import PageCache
from littleshop.web.visiting import Counting
from tests.cast import Town
from tests.web.client import ORIGIN, World

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"
DESK = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"
BAIDUSPIDER = "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)"
PICTURE = "0123456789abcdef0123456789abcdef"
GAIWAN = ProductDraft(
    "青灰釉盖碗，松木柴烧 <b>🍵</b>",
    (VariantDraft(("月白",), 15800, 0), VariantDraft(("青灰",), 16800, 3)),
    description="手工拉坯。\n松木烧三天两夜。\n容量：150 毫升\n口径: 9.2 厘米",
    options=(Option("釉色", ("月白", "青灰")),),
    category="盖碗",
)


@dataclass
class Street(Town):
    """A town with the application's pages on it; its time is the world's."""

    world: World = field(kw_only=True)

    @property
    def shelf(self) -> Shelf:
        """The kept pages."""
        shelf: Shelf = self.world.app.state.shelf
        return shelf

    @property
    def counter(self) -> Counting:
        """Who counts the visits."""
        counter: Counting = self.world.app.state.counter
        return counter

    def stranger(
        self, locale: str = "zh-CN", agent: str = PHONE, **headers: str
    ) -> httpx.AsyncClient:
        """A browser of its own in front of the kept pages; nobody knows it."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        made = httpx.AsyncClient(
            transport=httpx.ASGITransport(PageCache(self.world.app)),
            base_url=ORIGIN,
            headers={
                "accept-language": locale,
                "user-agent": agent,
                "sec-fetch-site": "same-origin",
                **named,
            },
        )
        self.world.open_browsers.append(made)
        return made

    async def sells(self, draft: ProductDraft = GAIWAN, *, picture: str | None = PICTURE) -> UUID:
        """The shop puts something on the shelf; its id."""
        product_id, checked = uuid4(), drafts.check(draft)

        async def work(conn: db.Connection) -> None:
            await products.create(conn, self.shop_id, product_id, checked, at=self.at)
            if picture:
                await photos.add(
                    conn,
                    self.shop_id,
                    product_id,
                    file=picture,
                    width=900,
                    height=900,
                    colour="#AABBCC",
                    at=self.at,
                )

        await self.database.transaction(work)
        return product_id

    async def variant(self, product_id: UUID, choice: str = "青灰") -> UUID:
        """The variant of a choice."""
        async with self.database.connection() as conn:
            found = await products.variants(conn, self.shop_id, product_id)
        return next(one.variant_id for one in found if one.choice == (choice,))

    def today(self) -> date:
        """The shop's day."""
        return clock.local_day(self.world.at, "Asia/Shanghai")

    async def counted(self, day: date | None = None) -> dict[tuple[str, str], tuple[int, int]]:
        """What was counted on a day: (kind, subject) to visitors and views."""
        await self.counter.flush()
        kinds = ["shop", "look", "basket", "product", "share"]
        day = day or self.today()
        async with self.database.connection() as conn:
            found = await takings.came(conn, self.shop_id, kinds, day, day)
        return {(each.kind, each.subject): (each.visitors, each.views) for each in found}

    async def status(self, client: httpx.AsyncClient, path: str, **more: Any) -> int:
        """How a page answers."""
        return (await client.get(path, **more)).status_code
