"""What of a basket another shop ships, under the face of the shop that sells it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import Request

from littleshop import db, http, i18n, ids
from littleshop.errors import Refused
from littleshop.pricing.facts import VariantFacts
from littleshop.pricing.quotes import Item
from littleshop.sale import reselling
from littleshop.sale.reselling import Consignment, Supplied
from littleshop.shop.shops import Shop
from littleshop.supply import resale_offers
from littleshop.trade import carts
from littleshop.trade.carts import CartItem
from littleshop.web import addresses, pages
from littleshop.web.storefront import bought_at, checkouts, views

OWN = "own"  # what of a basket the shop ships itself, where it holds both
WAY = "courier"
Thing = Callable[[str, CartItem, VariantFacts], SimpleNamespace]


async def consignments(
    request: Request, shop: Shop, items: Sequence[Item], facts: Mapping[UUID, VariantFacts] | None
) -> dict[int, Consignment]:
    """What of these things other shops ship. Where an institution holds the money that is none: it
    splits off our share and nobody else's."""
    house = http.house(request)
    if not items or house.settings.escrow == "psp_escrow":
        return {}
    async with house.database.connection() as conn:
        return await reselling.consignments(conn, shop.shop_id, items, facts)


async def leads(request: Request, shop: Shop, items: Sequence[Item]) -> str | None:
    """Where a checkout of these things goes on; None for one that is all the shop's own."""
    found = await consignments(request, shop, items, None)
    if not found:
        return None
    here = sum(len(consignment.items) for consignment in found.values())
    if len(found) == 1 and here == len(items):
        return addresses.resold_checkout(shop.slug or "", checkouts.items_text(items))
    return addresses.basket(shop.slug or "")


async def groups(
    request: Request,
    shop: Shop,
    cart: Sequence[CartItem],
    facts: Mapping[UUID, VariantFacts],
    draw: Thing,
) -> tuple[list[SimpleNamespace], set[UUID]]:
    """The basket's parts that other shops ship, each with what it costs, and all their things."""
    items = [Item(each.variant_id, each.quantity) for each in cart if each.variant_id in facts]
    found = await consignments(request, shop, items, facts)
    if not found:
        return [], set()
    async with http.house(request).database.connection() as conn:
        suppliers = {each.shop_id: each for each in await resale_offers.partners(conn, list(found))}
        supplied = await reselling.look_at_all(conn, found)
    locale, told, seen = pages.locale_of(request), [], set()
    for supplier, consignment in found.items():
        seen |= set(consignment.own.values())
        there = reselling.there(consignment, supplied[supplier])
        things = [
            _thing(locale, item, facts[item.variant_id], there, draw) for item in consignment.here
        ]
        group = _group(locale, shop, consignment, supplied[supplier], things)
        ships = bought_at.shipper(locale, suppliers[supplier])
        told.append(SimpleNamespace(ships=ships, items=things, **group))
    return told, seen


def _group(
    locale: str,
    shop: Shop,
    consignment: Consignment,
    supplied: Supplied,
    things: Sequence[SimpleNamespace],
) -> dict[str, Any]:
    """What those of these things that can be had cost, and where they are paid."""
    quote, left = None, _only(consignment, {each.id for each in things if each.problem is None})
    if left is not None and shop.status == "open":
        with contextlib.suppress(Refused):
            quote, _ = reselling.quote(left, supplied, WAY)
    text = checkouts.items_text(left.here) if left is not None else ""
    return {
        "lines": checkouts.lines(locale, quote, views.shop(shop).seller) if quote else [],
        "total": quote.total if quote else None,
        "depends": quote is not None and quote.depends,
        "go": addresses.resold_checkout(shop.slug or "", text),
    }


def _only(consignment: Consignment, good: set[UUID]) -> Consignment | None:
    """The same without what cannot be had; None when nothing is left."""
    items = tuple(each for each in consignment.items if consignment.own[each.variant_id] in good)
    keys = {each.variant_id for each in items}
    prices = {key: price for key, price in consignment.prices.items() if key in keys}
    return msgspec.structs.replace(consignment, items=items, prices=prices) if items else None


def _thing(
    locale: str, item: Item, fact: VariantFacts, there: Mapping[UUID, int], draw: Thing
) -> SimpleNamespace:
    known = msgspec.structs.replace(fact, spare=there.get(item.variant_id, 0))
    drawn = draw(locale, CartItem(item.variant_id, item.quantity), known)
    if item.variant_id not in there:
        drawn.problem = i18n.t(locale, "resale.basket.gone")
    return drawn


def own_part(cart_id: UUID) -> UUID:
    """By what a new attempt at the shop's own part of a basket finds the one before."""
    return ids.derived(cart_id, OWN)


async def take_out(
    request: Request, shop: Shop, device: bytes, cart_id: UUID, items: Sequence[Item]
) -> None:
    """What was ordered of a basket that holds more leaves it; the rest stays."""
    if cart_id.version != 5:  # a whole basket, which its order took with it
        return

    async def work(conn: db.Connection) -> None:
        cart = await carts.find(conn, shop.shop_id, device)
        if cart is None or own_part(cart.cart_id) != cart_id:
            return
        for item in items:
            await carts.set_quantity(conn, shop.shop_id, device, item.variant_id, 0)

    await http.house(request).database.transaction(work)
