"""Re-selling: what is bought in one shop and shipped by another is an order of who ships it.

Order, stock, escrow, parcel and after-sales are the supplier's, so every flow stays in one shop.
Her price is read first; then the order is placed in one transaction of the supplier's shop, which
asks his own rows whether he still offers it and for how much. Neither shop's coupons and privileges
hold: the price is hers, the postage his.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db, ids
from littleshop.catalog import provinces, resold
from littleshop.crypto import Keyring
from littleshop.errors import Refused
from littleshop.pricing import facts as pricing_facts
from littleshop.pricing import quotes
from littleshop.pricing.facts import VariantFacts
from littleshop.pricing.quotes import Agreed, Item, Quote
from littleshop.sale import placing, sharing_out
from littleshop.sale.placing import HOLD, Placed, Placing
from littleshop.shop import shops
from littleshop.supply import resale_offers, resales
from littleshop.supply.resale_offers import Price
from littleshop.supply.resales import Resale
from littleshop.trade import orders

KIND = "resale"


class Part(msgspec.Struct, frozen=True):
    """What of a basket in the shop `name` one supplier ships: his kinds, her prices by his kind,
    and her kinds."""

    shop_id: int
    name: str
    from_shop_id: int
    items: tuple[Item, ...]
    prices: dict[UUID, int]
    own: dict[UUID, UUID]

    @property
    def here(self) -> tuple[Item, ...]:
        """The same things as the re-seller's shop knows them."""
        return tuple(Item(self.own[each.variant_id], each.quantity) for each in self.items)


def agreed(part: Part) -> Agreed:
    """What the buyer pays for each piece: the re-seller's price."""
    return Agreed("resold", part.prices)


async def parts(
    conn: db.Connection,
    shop_id: int,
    items: Sequence[Item],
    facts: Mapping[UUID, VariantFacts] | None = None,
) -> dict[int, Part]:
    """What of these things other shops ship, by the shop; nothing for who sells only her own.
    `facts` of the things as her shop has them, where they are known."""
    kinds = await resold.among(conn, shop_id, [item.variant_id for item in items])
    if not kinds:
        return {}
    known = facts or await pricing_facts.load(conn, shop_id, list(kinds))
    name, found = (await shops.get(conn, shop_id)).name, dict[int, Part]()
    for item in items:
        kind = kinds.get(item.variant_id)
        fact = known.get(item.variant_id)
        if kind is None or fact is None:
            continue
        supplier, theirs = kind.from_shop_id, kind.from_variant_id
        part = found.get(supplier) or Part(shop_id, name, supplier, (), {}, {})
        found[supplier] = msgspec.structs.replace(
            part,
            items=(*part.items, Item(theirs, item.quantity)),
            prices=part.prices | {theirs: fact.price_minor},
            own=part.own | {theirs: item.variant_id},
        )
    return found


async def need_sold(conn: db.Connection, part: Part) -> None:
    """Raises Refused: variant_gone(title=) for what the re-seller does not sell, shop_closed."""
    facts = await pricing_facts.load(conn, part.shop_id, list(part.own.values()))
    for fact in facts.values():
        if fact.shop_status != "open":
            raise Refused("shop_closed")
        if not fact.sold or await resold.get(conn, part.shop_id, fact.product_id) is None:
            raise Refused("variant_gone", title=fact.title)


async def quote(
    conn: db.Connection, part: Part, way: str, to: str = provinces.UNKNOWN
) -> tuple[Quote, int]:
    """What a part of a basket costs, as the supplier's rows say now, sent to the province with the
    code `to`; and her margin in it, minor units. What his own shelf asks is not told.

    Raises Refused: resale_gone(title=) when he does not offer it or not for so little, and what
    quotes.quote raises."""
    facts = await pricing_facts.load(conn, part.from_shop_id, list(part.prices))
    terms = await _terms(conn, part, facts)
    told = quotes.quote(facts, part.items, way, agreed(part), to=to)
    lines = (msgspec.structs.replace(line, shelf_minor=None) for line in told.lines)
    return msgspec.structs.replace(told, lines=tuple(lines)), _margin(part, terms)


async def there(conn: db.Connection, part: Part) -> dict[UUID, int]:
    """How many pieces of each kind can be had now, by the re-seller's kind; of what this shop may
    not sell any more there is no entry."""
    facts = await pricing_facts.load(conn, part.from_shop_id, list(part.prices))
    terms, found = await _offered(conn, part, facts), {}
    for theirs, retail in part.prices.items():
        price, fact = terms.get(theirs), facts.get(theirs)
        if price is None or price.why_not(retail) is not None or fact is None or not fact.sold:
            continue
        found[part.own[theirs]] = max(fact.spare, 0) if fact.shop_status == "open" else 0
    return found


async def _offered(
    conn: db.Connection, part: Part, facts: Mapping[UUID, VariantFacts], *, lock: bool = False
) -> dict[UUID, Price]:
    """What the supplier lets this shop sell, and for how much."""
    terms: dict[UUID, Price] = {}
    for product_id in sorted({fact.product_id for fact in facts.values()}):
        offer = await resale_offers.get(conn, part.from_shop_id, product_id, lock=lock)
        if offer is None or not offer.stands:
            continue
        if offer.open_to_all or await resale_offers.is_taken(
            conn, part.from_shop_id, product_id, part.shop_id
        ):
            terms |= offer.prices
    return terms


async def _terms(
    conn: db.Connection, part: Part, facts: Mapping[UUID, VariantFacts], *, lock: bool = False
) -> dict[UUID, Price]:
    """What each kind costs the re-seller. Raises Refused("resale_gone", title=) unless she may sell
    each at her price."""
    terms = await _offered(conn, part, facts, lock=lock)
    for item in part.items:
        price, fact = terms.get(item.variant_id), facts.get(item.variant_id)
        if price is None or price.why_not(part.prices[item.variant_id]) is not None:
            raise Refused("resale_gone", title=fact.title if fact else "")
    return terms


def _margin(part: Part, terms: Mapping[UUID, Price]) -> int:
    return sum(
        (part.prices[each.variant_id] - terms[each.variant_id].supply_minor) * each.quantity
        for each in part.items
    )


async def place(
    conn: db.Connection, keyring: Keyring, wish: Placing, part: Part, at: datetime
) -> Placed:
    """Order a part of a basket, in the supplier's shop; a second press finds the first one's.

    Raises Refused: resale_gone(title=), terms_changed, and what placing.place_within raises.
    """
    assert wish.kind == KIND and wish.shop_id == part.from_shop_id, wish.kind
    facts = await pricing_facts.load(conn, wish.shop_id, list(part.prices))
    terms = await _terms(conn, part, facts, lock=True)
    if wish.said is not None:
        to = placing.where(wish.delivery)
        now = quotes.quote(facts, part.items, wish.way, agreed(part), to=to)
        if wish.said != placing.said(now, waits=False):
            raise Refused("terms_changed")
    placed, new = await placing.place_within(
        conn, keyring, wish, pay_within=HOLD, agreed=agreed(part), at=at
    )
    if new:
        await _keep(conn, wish, part, terms, placed, at)
    return placed


async def _keep(
    conn: db.Connection,
    wish: Placing,
    part: Part,
    terms: Mapping[UUID, Price],
    placed: Placed,
    at: datetime,
) -> None:
    """Who sold it and what of it is hers, in the transaction that places it."""
    goods = sum(part.prices[each.variant_id] * each.quantity for each in part.items)
    shop_id, order_id, margin = wish.shop_id, placed.order_id, _margin(part, terms)
    sold = Resale(shop_id, order_id, part.shop_id, goods - margin, margin, part.name)
    await resales.write(conn, sold)
    order = await orders.lock(conn, shop_id, order_id)
    await sharing_out.have_mirrored(conn, order, at, about="placed")


def cart_of(cart_id: UUID, part: Part) -> UUID:
    """By what a new attempt at the same part of a basket takes the place of the one before."""
    things = sorted(f"{each.variant_id}:{each.quantity}" for each in part.items)
    return ids.derived(cart_id, f"{part.from_shop_id} {' '.join(things)}")
