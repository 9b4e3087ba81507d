"""The facts a price is made of, read in one round trip, for everybody who waits at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.pricing.offers import Asker

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
    cost_minor: int | None = None
    unlisted: bool = False  # not on the shelf, and sold to who was named
    weight_grams: int = 0
    virtual: str | None = None  # nobody carries it: text, file or codes
    local: Any = None  # how the shop brings things itself (pricing/bringing.py)
    rate: Any = None  # its shipping rate where that is not the flat fee (pricing/postage.py)
    offers: Any = None  # of who asks, with the first of his things (pricing/offers.py)


_SQL = """
    select v.shop_id, v.variant_id, v.product_id, p.title,
           array_to_string(v.choice, ' · ') as choice,
           coalesce((select f.file from photos f
                      where f.shop_id = v.shop_id and f.product_id = v.product_id
                      order by f.sort_order, f.photo_id limit 1), '') as photo,
           v.price_minor, p.status = 'on_sale' and not v.withdrawn as sold,
           v.on_hand - v.held as spare, s.status as shop_status, s.currency, s.pricing_version,
           s.shipping_flat_minor, s.shipping_free_over_minor,
           s.direct_settlement as direct, p.no_return_why, v.cost_minor, v.weight_grams,
           p.virtual_kind as virtual,
           (select jsonb_build_object('lat_e6', l.lat_e6, 'lon_e6', l.lon_e6,
                     'least_minor', l.least_minor, 'bands', l.bands)
              from local_deliveries l where l.shop_id = s.shop_id) as local,
           case when coalesce(p.rate_id, s.rate_id) is not null then (
                  select jsonb_build_object('rate_id', r.rate_id, 'name', r.name,
                           'measure', r.measure, 'rules', rules_of(r.shop_id, r.rate_id))
                    from shipping_rates r
                   where r.shop_id = s.shop_id and r.rate_id = coalesce(p.rate_id, s.rate_id))
                end as rate,
           case when p.status in ('hidden', 'unlisted') then not v.withdrawn and not exists (
                  select from takedowns d where d.shop_id = v.shop_id
                     and d.product_id = v.product_id and d.ended_at is null)
                else false end as unlisted,
           case when s.offers and w.asker is not null then offers_of(w.shop_id, w.asker) end
             as offers, w.place::integer as place
      from unnest($1::bigint[], $2::uuid[], $3::jsonb[]) with ordinality
             as w(shop_id, variant_id, asker, place)
      join variants v on v.shop_id = w.shop_id and v.variant_id = w.variant_id
      join products p on p.shop_id = v.shop_id and p.product_id = v.product_id
      join shops s on s.shop_id = v.shop_id"""


class _Row(VariantFacts, frozen=True, gc=False):
    place: int = 0  # in what was asked, from 1


_Asked = tuple[int, UUID, object | None]


async def _rows(conn: db.Connection, asked: Sequence[_Asked]) -> dict[int, VariantFacts]:
    """The facts that exist by their place in what was asked, from 0."""
    columns = [[each[at] for each in asked] for at in range(3)]
    return {row.place - 1: row for row in await db.all(conn, _Row, _SQL, *columns)}


async def load(
    conn: db.Connection, shop_id: int, variants: Sequence[UUID], asker: Asker | None = None
) -> dict[UUID, VariantFacts]:
    """Facts of these variants of a shop; one that does not exist is missing. With the first there
    is what `asker` has in the shop."""
    told = asker.told(variants) if asker is not None and asker.asks else None
    asked = [(shop_id, each, None if at else told) for at, each in enumerate(variants)]
    rows = await _rows(conn, asked)
    return {row.variant_id: row for row in rows.values()}


async def of_shops(conn: db.Connection, wanted: Sequence[Wanted]) -> dict[Wanted, VariantFacts]:
    """Facts of variants of several shops; one that does not exist is missing."""
    rows = await _rows(conn, [(*each, None) for each in wanted])
    return {(row.shop_id, row.variant_id): row for row in rows.values()}


async def offers_of(conn: db.Connection, shop_id: int, asker: Asker) -> object:
    """What `asker` has in a shop, whatever he buys, as offers.read takes it."""
    return await db.value(
        conn, "select offers_of(s.shop_id, $2::jsonb) from shops s where s.shop_id = $1", shop_id,
        asker.told([]),
    )  # fmt: skip


class _Waiting(msgspec.Struct):
    """One who waits for facts; `told`, what he is known by, is asked with the first of his things
    and answered to nobody else."""

    wanted: Sequence[Wanted]
    told: object | None
    future: asyncio.Future[dict[UUID, VariantFacts]]


class Loader:
    """Reads for whoever waits: while one read is in flight the next callers gather."""

    def __init__(self, database: db.Database, most: int = 128) -> None:
        self._database = database
        self._most = most
        self._waiting: list[_Waiting] = []
        self._reading: asyncio.Task[None] | None = None

    async def facts(
        self, shop_id: int, variants: Sequence[UUID], asker: Asker | None = None
    ) -> dict[UUID, VariantFacts]:
        """As `load`."""
        wanted = [(shop_id, variant) for variant in variants]
        told = asker.told(variants) if asker is not None and asker.asks and variants else None
        future: asyncio.Future[dict[UUID, VariantFacts]]
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(wanted, told, future))
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
        return await future

    async def _read(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                try:
                    answers = await self._answers(batch)
                except Exception as fault:  # handed on whole to each caller, who can name it
                    for waiting in batch:
                        if not waiting.future.done():
                            waiting.future.set_exception(fault)
                    continue
                for waiting, answer in zip(batch, answers, strict=True):
                    if not waiting.future.done():
                        waiting.future.set_result(answer)
        finally:
            self._reading = None

    async def _answers(self, batch: Sequence[_Waiting]) -> list[dict[UUID, VariantFacts]]:
        """One read for all: what several want alike is asked once, what is somebody's own apart."""
        common = list({key for waiting in batch for key in waiting.wanted})
        asked: list[_Asked] = [(*key, None) for key in common]
        own: dict[int, int] = {}
        for at, waiting in enumerate(batch):
            if waiting.told is not None:
                own[at] = len(asked)
                asked.append((*waiting.wanted[0], waiting.told))
        async with self._database.connection() as conn:
            rows = await _rows(conn, asked)
        known = {key: rows[place] for place, key in enumerate(common) if place in rows}
        answers = []
        for at, waiting in enumerate(batch):
            found = {key[1]: known[key] for key in waiting.wanted if key in known}
            if at in own and own[at] in rows:
                found[waiting.wanted[0][1]] = rows[own[at]]
            answers.append(found)
        return answers
