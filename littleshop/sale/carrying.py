"""Carrying: what a supplier changes of a thing comes to every shop that lists it.

His price, whether he has any, his words and whether he still offers it: each listing is looked at
again when his pages have another version. No sale rests on what is carried.
"""

from __future__ import annotations

import logging
from datetime import datetime
from functools import partial
from uuid import UUID

import msgspec

from littleshop import db, jobs
from littleshop.catalog import products, resold, wares
from littleshop.catalog.resold import Listing
from littleshop.sale import telling_resellers
from littleshop.sale.listing_resold import FOLLOW, TAKEN, is_stale
from littleshop.shop import shops
from littleshop.supply import resale_offers

_log = logging.getLogger(__name__)
TIMETABLE: dict[str, jobs.Every | jobs.Daily] = {FOLLOW: jobs.Every(20)}


class _Found(msgspec.Struct, frozen=True):
    """What a supplier says of a listing: why it cannot be sold, its kinds that can, whether he
    withdrew it and offers it anew, and his words."""

    version: int
    why_off: str | None
    supply: dict[UUID, int]
    there: frozenset[UUID]
    stale: bool
    title: str
    description: str


async def follow(database: db.Database, listing: Listing, at: datetime) -> bool:
    """Carry what the supplier says to a listing; whether a visitor could see it."""
    async with database.connection() as conn:
        found = await _look(conn, listing)
    return await database.transaction(partial(_carry, listing=listing, found=found, at=at))


async def _look(conn: db.Connection, listing: Listing) -> _Found:
    supplier, product_id = listing.from_shop_id, listing.from_product_id
    shop = await shops.get(conn, supplier)
    offer = await resale_offers.get(conn, supplier, product_id)
    product = await products.get(conn, supplier, product_id)
    variants = await products.variants(conn, supplier, product_id)
    own = {
        each.variant_id: each.price_minor
        for each in await products.variants(conn, listing.shop_id, listing.product_id)
    }
    kinds = await resold.kinds(conn, listing.shop_id, listing.product_id)
    prices = offer.prices if offer is not None and offer.stands else {}
    spare = {each.variant_id: each.spare for each in variants}
    why: set[str | None] = set()
    there = set()
    for kind in kinds:
        price, retail = prices.get(kind.from_variant_id), own.get(kind.variant_id)
        if price is None or retail is None or kind.from_variant_id not in spare:
            continue
        no = price.why_not(retail)
        why.add(no)
        if no is None and product.status == "on_sale" and shop.status == "open":
            there |= {kind.variant_id} if spare[kind.from_variant_id] > 0 else set()
    off: str | None = next((no for no in ("below_supply", "out_of_bounds") if no in why), None)
    if not why or product.status != "on_sale" or shop.status == "closed":
        off = "gone" if prices else "withdrawn"
    stale = offer is not None and offer.stands and is_stale(listing, offer)
    if offer is not None and stale and not offer.open_to_all:
        off = "withdrawn"  # it is offered to others only
    supply = {key: price.supply_minor for key, price in prices.items()}
    words = product.title, product.description
    kept = frozenset() if stale else frozenset(there)
    return _Found(shop.version, off, supply, kept, stale, *words)


async def _carry(conn: db.Connection, listing: Listing, found: _Found, at: datetime) -> bool:
    shop_id, product_id = listing.shop_id, listing.product_id
    now = await resold.get(conn, shop_id, product_id)
    if now is None or now.listed_at != listing.listed_at:
        return False  # she took it down, or put it up anew, meanwhile
    changed = await wares.reword(
        conn, shop_id, product_id, now.own_title or found.title,
        now.own_description or found.description, at,
    )  # fmt: skip
    for kind in await resold.kinds(conn, shop_id, product_id):
        costs = found.supply.get(kind.from_variant_id, kind.supply_minor)
        there = kind.variant_id in found.there
        changed |= await resold.supply(conn, kind, costs, supplied=there)
    noted = await resold.note(conn, shop_id, product_id, found.why_off, found.version)
    if noted and found.why_off is not None:
        title = (await products.get(conn, shop_id, product_id)).title
        await telling_resellers.off(conn, shop_id, product_id, title, found.why_off, at)
    if found.stale or found.why_off == "withdrawn":
        changed |= await _take_off(conn, shop_id, product_id, at)
    if changed:
        await shops.touch(conn, shop_id, pricing=True)
    return changed


async def _take_off(conn: db.Connection, shop_id: int, product_id: UUID, at: datetime) -> bool:
    """It leaves the shelf; False when it had."""
    if (await products.get(conn, shop_id, product_id)).status == "hidden":
        return False
    await products.set_status(conn, shop_id, product_id, "hidden", at)
    return True


async def sweep(database: db.Database, at: datetime) -> int:
    """Carry what changed at any supplier to every listing of his; how many were looked at. One that
    cannot be carried keeps no other waiting: it is tried again by the next sweep."""
    async with database.connection() as conn:
        versions = await shops.versions(conn, await resold.suppliers(conn))
    looked = 0
    for supplier, version in versions.items():
        last: tuple[int, UUID] | None = None
        while True:
            async with database.connection() as conn:
                late = await resold.behind(conn, supplier, version, after=last)
            for listing in late:
                looked += await _tried(database, listing, at)
                last = (listing.shop_id, listing.product_id)
            if not late:
                break
    return looked


async def _tried(database: db.Database, listing: Listing, at: datetime) -> bool:
    """Whether a listing could be carried; a database that is away is everybody's fault."""
    try:
        await follow(database, listing, at)
    except Exception as fault:
        if jobs.retryable(fault):
            raise
        _log.exception("not carried: %s of shop %s", listing.product_id, listing.shop_id)
        return False
    return True


def tasks() -> dict[str, jobs.Task]:
    """The jobs between a supplier and who lists what he ships."""

    async def run_taken(
        context: jobs.Context, *, shop_id: int, product_id: str, reseller_shop_id: int,
        left: bool = False, since: str = "",
    ) -> None:  # fmt: skip
        done = resale_offers.leave if left else resale_offers.take
        at = datetime.fromisoformat(since) if since else context.at

        async def work(conn: db.Connection) -> None:
            await done(conn, shop_id, UUID(product_id), reseller_shop_id, at)

        await context.database.transaction(work)

    async def run_follow(context: jobs.Context) -> None:
        await sweep(context.database, context.at)

    return {
        TAKEN: jobs.Task(run_taken, attempts=40),
        FOLLOW: jobs.Task(run_follow, attempts=3),
    }
