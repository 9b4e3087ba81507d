"""Re-selling: what is bought in one shop and shipped by another is an order of who ships it.

Order, stock, escrow, parcel and after-sales are the supplier's, so every flow stays in one shop.
Her price is read first; then the order is placed in one transaction of the supplier's shop, which
asks his own rows whether he still offers it and for how much. Neither shop's coupons and privileges
hold: the price is hers, the postage his.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db, ids
from littleshop.catalog import provinces, resold
from littleshop.crypto import Keyring
from littleshop.errors import NotFound, Refused
from littleshop.pricing import facts as pricing_facts
from littleshop.pricing import quotes
from littleshop.pricing.facts import VariantFacts
from littleshop.pricing.quotes import Agreed, Item, Line, Quote
from littleshop.sale import placing, sharing_out
from littleshop.sale.placing import HOLD, Placed, Placing
from littleshop.shop import shops
from littleshop.supply import resale_offers, resales
from littleshop.supply.resale_offers import Price
from littleshop.supply.resales import Resale
from littleshop.trade import orders

KIND = "resale"


class Consignment(msgspec.Struct, frozen=True):
    """What of a basket in the shop `name` one supplier ships: his kinds, her prices by his kind,
    her kinds, and what she calls them."""

    shop_id: int
    name: str
    from_shop_id: int
    items: tuple[Item, ...]
    prices: dict[UUID, int]
    own: dict[UUID, UUID]
    titles: dict[UUID, str] = {}

    @property
    def here(self) -> tuple[Item, ...]:
        """The same things as the re-seller's shop knows them."""
        return tuple(Item(self.own[each.variant_id], each.quantity) for each in self.items)


class Supplied(msgspec.Struct, frozen=True):
    """What the supplier's rows say now of a part of a basket: his kinds, and what those that this
    shop may sell cost it."""

    facts: dict[UUID, VariantFacts]
    terms: dict[UUID, Price]


def agreed(consignment: Consignment) -> Agreed:
    """What the buyer pays for each piece: the re-seller's price."""
    return Agreed("resold", consignment.prices)


async def consignments(
    conn: db.Connection,
    shop_id: int,
    items: Sequence[Item],
    facts: Mapping[UUID, VariantFacts] | None = None,
) -> dict[int, Consignment]:
    """What of these things other shops ship, by the shop; nothing for who sells only her own.
    `facts` of the things as her shop has them, where they are known."""
    kinds = await resold.among(conn, shop_id, [item.variant_id for item in items])
    if not kinds:
        return {}
    known = facts or await pricing_facts.load(conn, shop_id, list(kinds))
    name, found = (await shops.get(conn, shop_id)).name, dict[int, Consignment]()
    for item in items:
        kind = kinds.get(item.variant_id)
        fact = known.get(item.variant_id)
        if kind is None or fact is None:
            continue
        supplier, theirs = kind.from_shop_id, kind.from_variant_id
        consignment = found.get(supplier) or Consignment(shop_id, name, supplier, (), {}, {})
        found[supplier] = msgspec.structs.replace(
            consignment,
            items=(*consignment.items, Item(theirs, item.quantity)),
            prices=consignment.prices | {theirs: fact.price_minor},
            own=consignment.own | {theirs: item.variant_id},
            titles=consignment.titles | {theirs: fact.title},
        )
    return found


async def need_sold(conn: db.Connection, consignment: Consignment) -> None:
    """Raises Refused: resale_gone(title=) for what the re-seller does not sell, shop_closed."""
    facts = await pricing_facts.load(conn, consignment.shop_id, list(consignment.own.values()))
    listed = await resold.listed(
        conn, consignment.shop_id, [fact.product_id for fact in facts.values()]
    )
    for fact in facts.values():
        if fact.shop_status != "open":
            raise Refused("shop_closed")
        if not fact.sold or fact.product_id not in listed:
            raise Refused("resale_gone", title=fact.title)


async def look(conn: db.Connection, consignment: Consignment, *, lock: bool = False) -> Supplied:
    """What the supplier lets this shop sell, and for how much; with `lock` he changes neither until
    we commit."""
    supplier = consignment.from_shop_id
    facts = await pricing_facts.load(conn, supplier, list(consignment.prices))
    wanted = {fact.product_id for fact in facts.values()}
    offers = await resale_offers.of_products(conn, supplier, list(wanted), lock=lock)
    stand = [each for each in offers.values() if each.stands]
    chosen = [each.product_id for each in stand if not each.open_to_all]
    hers = await resale_offers.taken(conn, supplier, chosen, consignment.shop_id) if chosen else ()
    terms: dict[UUID, Price] = {}
    for each in stand:
        if each.open_to_all or each.product_id in hers:
            terms |= each.prices
    return Supplied(facts, terms)


async def look_at_all(conn: db.Connection, found: Mapping[int, Consignment]) -> dict[int, Supplied]:
    """The same of what several suppliers ship for one shop, by the supplier, in as many statements
    as of one."""
    if not found:
        return {}
    wanted = [(supplier, each) for supplier, part in found.items() for each in part.prices]
    facts = await pricing_facts.of_shops(conn, wanted)
    places = list({(fact.shop_id, fact.product_id) for fact in facts.values()})
    offers = await resale_offers.of_places(conn, places)
    stand = {place: each for place, each in offers.items() if each.stands}
    chosen = [place for place, each in stand.items() if not each.open_to_all]
    reseller = next(iter(found.values())).shop_id
    hers = await resale_offers.taken_of(conn, chosen, reseller) if chosen else set()
    supplied = {supplier: Supplied({}, {}) for supplier in found}
    for (supplier, variant_id), fact in facts.items():
        supplied[supplier].facts[variant_id] = fact
    for place, each in stand.items():
        if each.open_to_all or place in hers:
            supplied[place[0]].terms.update(each.prices)
    return supplied


def quote(
    consignment: Consignment, supplied: Supplied, way: str, to: str = provinces.UNKNOWN
) -> tuple[Quote, int]:
    """What a part of a basket costs, sent to the province with the code `to`; and her margin in it,
    minor units. What is asked for it in the supplier's own shop is not told.

    Raises Refused: resale_gone(title=) when he does not offer it or not for so little, and what
    quotes.quote raises."""
    with _in_her_words(consignment, supplied):
        _need_offered(consignment, supplied)
        told = quotes.quote(supplied.facts, consignment.items, way, agreed(consignment), to=to)
    lines = tuple(_hers(line, consignment) for line in told.lines)
    return msgspec.structs.replace(told, lines=lines), _margin(consignment, supplied.terms)


@contextmanager
def _in_her_words(consignment: Consignment, supplied: Supplied) -> Iterator[None]:
    """A refusal names a thing as its buyer knows it."""
    try:
        yield
    except NotFound:
        raise
    except Refused as no:
        called = {
            fact.title: consignment.titles.get(key, fact.title)
            for key, fact in supplied.facts.items()
        }
        title = no.details.get("title")
        if title not in called:
            raise
        raise Refused(no.code, **{**no.details, "title": called[title]}) from no


def _hers(line: Line, consignment: Consignment) -> Line:
    """A line as her buyer reads it."""
    fact = line.facts
    if fact is not None and fact.variant_id in consignment.titles:
        fact = msgspec.structs.replace(fact, title=consignment.titles[fact.variant_id])
    return msgspec.structs.replace(line, shelf_minor=None, facts=fact)


def there(consignment: Consignment, supplied: Supplied) -> dict[UUID, int]:
    """How many pieces of each kind can be had now, by the re-seller's kind; of what this shop may
    not sell any more there is no entry."""
    found: dict[UUID, int] = {}
    for theirs, retail in consignment.prices.items():
        price, fact = supplied.terms.get(theirs), supplied.facts.get(theirs)
        if price is None or price.why_not(retail) is not None or fact is None or not fact.sold:
            continue
        found[consignment.own[theirs]] = max(fact.spare, 0) if fact.shop_status == "open" else 0
    return found


def _need_offered(consignment: Consignment, supplied: Supplied) -> None:
    """Raises Refused("resale_gone", title=) unless she may sell each at her price."""
    for item in consignment.items:
        price, fact = supplied.terms.get(item.variant_id), supplied.facts.get(item.variant_id)
        if price is None or price.why_not(consignment.prices[item.variant_id]) is not None:
            raise Refused("resale_gone", title=fact.title if fact else "")


def _margin(consignment: Consignment, terms: Mapping[UUID, Price]) -> int:
    return sum(
        (consignment.prices[each.variant_id] - terms[each.variant_id].supply_minor) * each.quantity
        for each in consignment.items
    )


async def place(
    database: db.Database, keyring: Keyring, wish: Placing, consignment: Consignment, at: datetime
) -> Placed:
    """Order a part of a basket, in the supplier's shop. A second press finds what the first one
    placed, also when either shop has sold none of it since.

    Raises Refused: resale_gone(title=), terms_changed, what need_sold and what
    placing.place_within raises; Conflict.
    """
    assert wish.kind == KIND and wish.shop_id == consignment.from_shop_id, wish.kind
    try:
        async with database.connection() as conn:
            await need_sold(conn, consignment)
        return await database.transaction(lambda conn: _place(conn, keyring, wish, consignment, at))
    except Refused:
        known = await placing.find(database, keyring, wish)
        if known is None:
            raise
        return known


async def _place(
    conn: db.Connection, keyring: Keyring, wish: Placing, consignment: Consignment, at: datetime
) -> Placed:
    supplied = await look(conn, consignment, lock=True)
    now, _ = quote(consignment, supplied, wish.way, placing.where(wish.delivery))
    if wish.said is not None and wish.said != placing.said(now, waits=False):
        raise Refused("terms_changed")
    with _in_her_words(consignment, supplied):
        placed, new = await placing.place_within(
            conn, keyring, wish, pay_within=HOLD, agreed=agreed(consignment), at=at
        )
    if new:
        await _keep(conn, wish, consignment, supplied, placed, at)
    return placed


async def _keep(
    conn: db.Connection,
    wish: Placing,
    consignment: Consignment,
    supplied: Supplied,
    placed: Placed,
    at: datetime,
) -> None:
    """Who sold it, what of it is hers and what she calls it, in the transaction that places it."""
    goods = sum(consignment.prices[each.variant_id] * each.quantity for each in consignment.items)
    shop_id, order_id, margin = wish.shop_id, placed.order_id, _margin(consignment, supplied.terms)
    sold = Resale(shop_id, order_id, consignment.shop_id, goods - margin, margin, consignment.name)
    await resales.write(conn, sold)
    facts, hers = supplied.facts, consignment.titles
    titles = {key: name for key, name in hers.items() if key in facts and facts[key].title != name}
    if titles:
        await resales.name_lines(conn, shop_id, order_id, titles)
    order = await orders.lock(conn, shop_id, order_id)
    await sharing_out.have_mirrored(conn, order, at, about="placed")


def cart_of(cart_id: UUID, consignment: Consignment) -> UUID:
    """By what a new attempt at the same part of a basket takes the place of the one before."""
    things = sorted(f"{each.variant_id}:{each.quantity}" for each in consignment.items)
    return ids.derived(cart_id, f"{consignment.from_shop_id} {' '.join(things)}")
