"""The facts a price is made of, read in one round trip, for everybody who waits at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID

import msgspec

from littleshop import db

Wanted = tuple[int, UUID]


class VariantFacts(msgspec.Struct, frozen=True, gc=False):
    """A variant, its product's words and the shop's terms, as the rows say now."""

    shop_id: int
    variant_id: UUID
    product_id: UUID
    title: str
    choice: str
    photo: str
    price_minor: int
    sold: bool  # on sale, not withdrawn
    spare: int
    shop_status: str
    currency: str
    pricing_version: int
    shipping_flat_minor: int
    shipping_free_over_minor: int | None
    direct: bool = False  # what is paid is the seller's at once
    no_return_why: str = ""


_SQL = """
    select v.shop_id, v.variant_id, v.product_id, p.title,
           array_to_string(v.choice, ' · ') as choice,
           coalesce((select f.file from photos f
                      where f.shop_id = v.shop_id and f.product_id = v.product_id
                      order by f.sort_order, f.photo_id limit 1), '') as photo,
           v.price_minor, p.status = 'on_sale' and not v.withdrawn as sold,
           v.on_hand - v.held as spare, s.status as shop_status, s.currency, s.pricing_version,
           s.shipping_flat_minor, s.shipping_free_over_minor,
           s.direct_settlement as direct, p.no_return_why
      from unnest($1::bigint[], $2::uuid[]) as w(shop_id, variant_id)
      join variants v on v.shop_id = w.shop_id and v.variant_id = w.variant_id
      join products p on p.shop_id = v.shop_id and p.product_id = v.product_id
      join shops s on s.shop_id = v.shop_id"""


async def load(conn: db.Connection, wanted: Sequence[Wanted]) -> dict[Wanted, VariantFacts]:
    """Facts of every wanted (shop_id, variant_id) that exists."""
    rows = await db.all(
        conn, VariantFacts, _SQL, [shop for shop, _ in wanted], [variant for _, variant in wanted]
    )
    return {(row.shop_id, row.variant_id): row for row in rows}


class Loader:
    """Reads for whoever waits: while one read is in flight the next callers gather."""

    def __init__(self, database: db.Database, most: int = 128) -> None:
        self._database = database
        self._most = most
        self._waiting: list[tuple[Sequence[Wanted], asyncio.Future[dict[Wanted, VariantFacts]]]]
        self._waiting = []
        self._reading: asyncio.Task[None] | None = None

    async def facts(self, shop_id: int, variants: Sequence[UUID]) -> dict[UUID, VariantFacts]:
        """The facts of these variants of a shop; one that does not exist is missing."""
        wanted = [(shop_id, variant) for variant in variants]
        future: asyncio.Future[dict[Wanted, VariantFacts]]
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((wanted, future))
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
        found = await future
        return {key[1]: found[key] for key in wanted if key in found}

    async def _read(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                keys = list({key for wanted, _ in batch for key in wanted})
                try:
                    async with self._database.connection() as conn:
                        found = await load(conn, keys)
                except Exception as fault:  # handed on whole to each caller, who can name it
                    for _, future in batch:
                        if not future.done():
                            future.set_exception(fault)
                    continue
                for _, future in batch:
                    if not future.done():
                        future.set_result(found)
        finally:
            self._reading = None
