"""What is shared, with all that a sheet, a card or a poster says of it: a product, or a shop."""

from __future__ import annotations

from uuid import UUID

import msgspec
from starlette.requests import Request

from littleshop import db, http
from littleshop.catalog import photos, products
from littleshop.catalog.products import Product
from littleshop.errors import NotFound
from littleshop.money import Money
from littleshop.shop import shops
from littleshop.shop.shops import Shop
from littleshop.social import outlets, shares
from littleshop.web import addresses
from littleshop.web.storefront.visitors import shop_here

TITLE_COLUMNS = 56  # what the card of a link shows in two lines


class Subject(msgspec.Struct, frozen=True):
    """A product of a shop, or all of the shop (`product` None). `photo` is the hash of its picture,
    "" for none; `price` the least of a product, `from_price` when there are dearer ones."""

    shop: Shop
    product: Product | None = None
    photo: str = ""
    price: Money | None = None
    from_price: bool = False
    sold_out: bool = False

    @property
    def product_id(self) -> UUID | None:
        return self.product.product_id if self.product else None

    @property
    def name(self) -> str:
        return self.product.title if self.product else self.shop.name

    @property
    def title(self) -> str:
        """Its name as long as a card shows it."""
        return outlets.cut(self.name, TITLE_COLUMNS)

    @property
    def address(self) -> str:
        """Its page, without any share."""
        slug = self.shop.slug or ""
        return addresses.product(slug, self.product_id) if self.product else addresses.shop(slug)


async def here(request: Request) -> Subject:
    """What the address of a sheet names. Raises NotFound."""
    shop, wanted = await shop_here(request), request.path_params.get("product_id")
    async with http.house(request).database.connection() as conn:
        return await _known(conn, shop, http.uuid(wanted) if wanted else None)


async def of_share(conn: db.Connection, code: str) -> Subject:
    """What a share shows: its product, or the shop when that is no longer on sale. Raises
    NotFound."""
    share = await shares.get(conn, code)
    shop = await shops.find(conn, share.shop_id)
    if shop is None or shop.status == "opening" or shop.slug is None:
        raise NotFound("shop")
    try:
        return await _known(conn, shop, share.product_id)
    except NotFound:
        return await _known(conn, shop, None)


async def _known(conn: db.Connection, shop: Shop, product_id: UUID | None) -> Subject:
    if product_id is None:
        return Subject(shop, photo=shop.picture or await _first_photo(conn, shop.shop_id))
    product = await products.on_sale(conn, shop.shop_id, product_id)
    variants = await products.variants(conn, shop.shop_id, product_id)
    pictures = await photos.of_product(conn, shop.shop_id, product_id)
    had = [one.price for one in variants if one.spare > 0]
    asked = sorted((one.price for one in variants), key=lambda price: price.minor)
    prices = sorted(had, key=lambda price: price.minor) or asked
    return Subject(
        shop,
        product,
        photo=pictures[0].file if pictures else "",
        price=prices[0] if prices else None,
        from_price=len({price.minor for price in prices}) > 1,
        sold_out=not had,
    )


async def _first_photo(conn: db.Connection, shop_id: int) -> str:
    listed = await products.listing(conn, shop_id, most=8)
    return next((each.photo for each in listed if each.photo), "")
