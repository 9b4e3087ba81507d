"""Listing what another shop ships: the supplier opens a product, a re-seller puts it on her shelf.

The supplier's side and hers are two shops and so two transactions: her listing is written first, a
job tells the supplier's books who lists it. What the supplier changes afterwards a sweep carries to
every listing (carrying.py); placing an order asks the supplier's rows themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db, ids, jobs
from littleshop.catalog import drafts, photos, products, resold, virtual, wares
from littleshop.catalog.drafts import ProductDraft, VariantDraft
from littleshop.catalog.photos import Photo
from littleshop.catalog.products import Product, Variant
from littleshop.catalog.resold import Listing, ResoldVariant
from littleshop.errors import NotFound, Refused
from littleshop.money import Money
from littleshop.shop import shops
from littleshop.shop.shops import Shop
from littleshop.supply import resale_offers
from littleshop.supply.resale_offers import Offer, Price
from littleshop.trade import teams

TAKEN, FOLLOW = "reselling.taken", "reselling.follow"
SUGGESTED_BPS = 2000  # of the supply price: what is proposed where the shelf leaves no margin


class Ware(msgspec.Struct, frozen=True):
    """A supplier's product as somebody who may re-sell it sees it."""

    shop: Shop
    product: Product
    variants: list[Variant]
    pictures: list[Photo]
    offer: Offer

    @property
    def offered(self) -> list[Variant]:
        """The kinds that are offered."""
        return [each for each in self.variants if each.variant_id in self.offer.prices]


async def offer(
    conn: db.Connection,
    shop_id: int,
    product_id: UUID,
    prices: list[Price],
    *,
    open_to_all: bool,
    token_hash: bytes,
    at: datetime,
) -> None:
    """Let others sell a product, or change what it costs them.

    Raises NotFound, Refused: resale_chain for what another shop ships, resale_virtual,
    resale_supply_missing, resale_least(least=), resale_most(least=).
    """
    shop = await shops.get(conn, shop_id)
    await products.lock(conn, shop_id, product_id)
    if await resold.get(conn, shop_id, product_id) is not None:
        raise Refused("resale_chain")
    if (await virtual.of(conn, shop_id, product_id)).kind is not None:
        raise Refused("resale_virtual")
    if not prices:
        raise Refused("resale_supply_missing")
    await resale_offers.offer(
        conn,
        shop_id,
        product_id,
        [resale_offers.check(each, shop.currency) for each in prices],
        open_to_all=open_to_all,
        token_hash=token_hash,
        at=at,
    )
    await _changed(conn, shop_id, at)


async def need_own(conn: db.Connection, shop_id: int, product_id: UUID) -> None:
    """What a product is and its price in a team are said by who ships it; nobody opens it to
    re-sellers meanwhile. Raises Refused resale_not_ours; NotFound."""
    await products.lock(conn, shop_id, product_id)
    if await resold.get(conn, shop_id, product_id) is not None:
        raise Refused("resale_not_ours")


async def need_unoffered(conn: db.Connection, shop_id: int, product_id: UUID) -> None:
    """The same, and no other shop may sell it. Raises Refused resale_not_ours,
    resale_still_offered; NotFound."""
    await need_own(conn, shop_id, product_id)
    found = await resale_offers.get(conn, shop_id, product_id)
    if found is not None and found.stands:
        raise Refused("resale_still_offered")


async def withdraw(conn: db.Connection, shop_id: int, product_id: UUID, at: datetime) -> None:
    """Nobody sells it for us any more; orders that were placed stay."""
    if await resale_offers.withdraw(conn, shop_id, product_id, at):
        await _changed(conn, shop_id, at)


async def _changed(conn: db.Connection, shop_id: int, at: datetime) -> None:
    """No order is placed at what was offered before, and every listing looks again."""
    await shops.touch(conn, shop_id, pricing=True)
    await jobs.defer(conn, FOLLOW, at=at, key=f"supplier {shop_id}")


async def ware(
    conn: db.Connection, shop_id: int, product_id: UUID, *, for_shop: int | None, token: str = ""
) -> Ware:
    """What may be listed: open to all, or to who has its link or lists it already. Raises NotFound
    otherwise, and for what is not on sale."""
    shop, found = await shops.get(conn, shop_id), None
    found = await resale_offers.get(conn, shop_id, product_id)
    if found is None or not found.stands or shop.status not in ("open", "paused"):
        raise NotFound("product")
    let_in = found.open_to_all or ids.hashed(token) == found.token_hash
    if not let_in and for_shop is not None:
        let_in = await resale_offers.is_taken(conn, shop_id, product_id, for_shop)
    if not let_in:
        raise NotFound("product")
    product = await products.on_sale(conn, shop_id, product_id)
    variants = await products.variants(conn, shop_id, product_id)
    pictures = await photos.of_product(conn, shop_id, product_id)
    told = Ware(shop, product, variants, pictures, found)
    if not told.offered:
        raise NotFound("product")
    return told


def suggested(price: Price, shelf_minor: int) -> int:
    """What a re-seller may ask: what the supplier himself does, or a usual margin where that leaves
    none, within what she may."""
    wish = shelf_minor
    if wish <= price.supply_minor:
        wish = price.supply_minor + price.supply_minor * SUGGESTED_BPS // 10_000
    wish = max(wish, price.least_minor or 0)
    return min(wish, price.most_minor or wish)


def check_price(price: Price, retail_minor: int, currency: str) -> None:
    """Raises Refused: resale_below_supply(supply=, least=), resale_too_low(least=),
    resale_too_high(most=)."""
    why = price.why_not(retail_minor)
    if why == "below_supply":
        least = max(price.supply_minor, price.least_minor or 0)
        raise Refused(
            "resale_below_supply", supply=Money(price.supply_minor, currency),
            least=Money(least, currency),
        )  # fmt: skip
    if why is not None and retail_minor < (price.least_minor or 0):
        raise Refused("resale_too_low", least=Money(price.least_minor or 0, currency))
    if why is not None:
        raise Refused("resale_too_high", most=Money(price.most_minor or 0, currency))


async def put_up(
    conn: db.Connection, shop_id: int, ware: Ware, prices: Mapping[UUID, int], at: datetime,
    person_id: UUID | None = None, *, words: tuple[str, str] = ("", ""),
) -> UUID:  # fmt: skip
    """Put a supplier's product on this shop's shelf at these prices by the supplier's kind, under a
    title and a text of its own or, where these are empty, the supplier's; the product's id here,
    the same for a second press. What left her shelf begins anew at these prices.

    Raises Refused: resale_own, resale_chain, resale_made_own, resale_currency, what
    drafts.own_words and what check_price raises.
    """
    words = drafts.own_words(*words)
    shop, supplier = await shops.get(conn, shop_id), ware.shop
    if supplier.shop_id == shop_id:
        raise Refused("resale_own")
    if shop.currency != supplier.currency:
        raise Refused("resale_currency", currency=supplier.currency)
    for each in ware.offered:
        price = ware.offer.prices[each.variant_id]
        check_price(price, prices.get(each.variant_id, 0), shop.currency)
    from_product = ware.product.product_id
    product_id = ids.derived(from_product, f"resold by {shop_id}")
    before = await resold.of_supplier(conn, shop_id, supplier.shop_id, from_product)
    if before is not None and before.ended_at is None:
        if not is_stale(before, ware.offer):
            return product_id
        await resold.end(conn, shop_id, product_id, at)  # it was withdrawn, and is offered again
    if before is not None:
        await _need_nothing_made_of_it(conn, shop_id, product_id)
    draft = _draft(ware, prices, words)
    if not await products.create(conn, shop_id, product_id, draft, at=at, person_id=person_id):
        await products.edit(conn, shop_id, product_id, draft, at=at, person_id=person_id)
    for picture in ware.pictures:
        await photos.add(
            conn, shop_id, product_id, file=picture.file, width=picture.width,
            height=picture.height, colour=picture.colour, at=at,
        )  # fmt: skip
    await _write(conn, shop_id, product_id, ware, words, at)
    await jobs.defer(
        conn, TAKEN, at=at, shop_id=supplier.shop_id, product_id=str(from_product),
        reseller_shop_id=shop_id, since=at.isoformat(),
    )  # fmt: skip
    return product_id


def is_stale(listing: Listing, offer: Offer) -> bool:
    """Whether it was listed before the offer was withdrawn and made anew."""
    return listing.listed_at < offer.opened_at


async def _need_nothing_made_of_it(conn: db.Connection, shop_id: int, product_id: UUID) -> None:
    """What she sold for another and then made a thing of her own: others would sell what she does
    not ship, or it would be sent as a text, and its price for a team is over. Raises Refused:
    resale_chain, resale_made_own."""
    await products.lock(conn, shop_id, product_id)
    own = await resale_offers.get(conn, shop_id, product_id)
    if own is not None and own.stands:
        raise Refused("resale_chain")
    if (await virtual.of(conn, shop_id, product_id)).kind is not None:
        raise Refused("resale_made_own")
    await teams.withdraw(conn, shop_id, product_id)


def _draft(ware: Ware, prices: Mapping[UUID, int], words: tuple[str, str]) -> ProductDraft:
    product, (title, description) = ware.product, words
    return drafts.check(
        ProductDraft(
            title=title or product.title,
            variants=tuple(
                VariantDraft(each.choice, prices[each.variant_id], 0) for each in ware.offered
            ),
            description=description or product.description,
            options=tuple(product.options),
            no_return=product.no_return_why,
        )
    )


async def _write(
    conn: db.Connection, shop_id: int, product_id: UUID, ware: Ware, words: tuple[str, str],
    at: datetime,
) -> None:  # fmt: skip
    """What is the supplier's of a product that is on this shop's shelf now."""
    supplier = ware.shop.shop_id
    own = {each.choice: each for each in await products.variants(conn, shop_id, product_id)}
    listing = Listing(
        shop_id, product_id, supplier, ware.product.product_id, at, None, None, ware.shop.version,
        *words,
    )  # fmt: skip
    kinds = [
        ResoldVariant(
            shop_id,
            own[each.choice].variant_id,
            product_id,
            supplier,
            each.variant_id,
            ware.offer.prices[each.variant_id].supply_minor,
            each.spare > 0 and ware.shop.status == "open",
        )
        for each in ware.offered
    ]
    await resold.list_(conn, listing, kinds)
    await shops.touch(conn, shop_id, pricing=True)


async def reprice(
    conn: db.Connection, listing: Listing, prices: Mapping[UUID, int], offer: Offer | None
) -> None:
    """What the re-seller wants for each kind, by its id here; the sweep looks again whether it can
    be sold. `offer` is what the supplier says now. Raises what check_price raises, resale_gone."""
    shop = await shops.get(conn, listing.shop_id)
    if offer is None or not offer.stands:
        raise Refused("resale_gone", title="")
    for kind in await resold.kinds(conn, listing.shop_id, listing.product_id):
        price, wish = offer.prices.get(kind.from_variant_id), prices.get(kind.variant_id)
        if price is None or wish is None:
            continue
        check_price(price, wish, shop.currency)
        await resold.reprice(conn, listing.shop_id, kind.variant_id, wish)
    await shops.touch(conn, listing.shop_id, pricing=True)


async def reword(
    conn: db.Connection, listing: Listing, title: str, description: str, at: datetime
) -> None:
    """The re-seller's own title and text; an empty one is the supplier's, now and when he changes
    it. Raises Refused: as drafts.own_words."""
    title, description = drafts.own_words(title, description)
    theirs = await products.get(conn, listing.from_shop_id, listing.from_product_id)
    await resold.reword(conn, listing, title, description)
    await wares.reword(
        conn, listing.shop_id, listing.product_id, title or theirs.title,
        description or theirs.description, at,
    )  # fmt: skip


async def take_down(conn: db.Connection, listing: Listing, at: datetime) -> None:
    """The re-seller sells it no more: it leaves her shelf, and the supplier's list."""
    if not await resold.end(conn, listing.shop_id, listing.product_id, at):
        return
    for kind in await resold.kinds(conn, listing.shop_id, listing.product_id):
        await resold.supply(conn, kind, kind.supply_minor, supplied=False)
    await products.set_status(conn, listing.shop_id, listing.product_id, "hidden", at)
    await jobs.defer(
        conn, TAKEN, at=at, shop_id=listing.from_shop_id, product_id=str(listing.from_product_id),
        reseller_shop_id=listing.shop_id, left=True, since=at.isoformat(),
    )  # fmt: skip
