"""The demo town as it is written down: shops, goods, people, shares, and pictures encoded ahead.

This module only reads; the player that furnishes a town sends all of it through the same flows a
person uses. docs/data-pictures.md describes the schema and the origin of the pictures.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from littleshop.pictures import Kind, Picture, Variant

ART = Path(__file__).with_name("art")
TOWN = Path(__file__).with_name("town.json")


class Address(msgspec.Struct, frozen=True):
    """Where a parcel goes; the three levels are written in full as in the regions table."""

    province: str
    city: str
    district: str
    street: str
    postcode: str


class Identity(msgspec.Struct, frozen=True):
    """A made-up legal person: right check digit, nobody's number."""

    legal_name: str
    id_number: str
    card_number: str
    card_bank: str


class Seller(msgspec.Struct, frozen=True):
    """Who owns a shop; `phone` is E.164, `face` a picture key."""

    name: str
    phone: str
    face: str
    identity: Identity


class Choice(msgspec.Struct, frozen=True):
    """One option axis and its values in order, with the colours of those that have one."""

    name: str
    values: tuple[str, ...]
    colours: dict[str, str] = {}


class Variation(msgspec.Struct, frozen=True):
    """One thing to buy; `options` has one value per axis; prices in minor units."""

    options: tuple[str, ...]
    price_minor: int
    stock: int
    sku: str
    compare_at_minor: int | None = None
    cost_minor: int | None = None
    weight_grams: int | None = None


class Goods(msgspec.Struct, frozen=True):
    """A product with its pictures (keys of `picture`), the first one being the face of it."""

    key: str
    title: str
    line: str
    description: str
    category: str
    facts: tuple[tuple[str, str], ...]
    axes: tuple[Choice, ...]
    variants: tuple[Variation, ...]
    pictures: tuple[str, ...]
    alt: str
    popularity: int
    status: Literal["on_sale", "hidden", "draft"] = "on_sale"
    no_return: str = ""  # why it can't come back without a reason
    team_of: int = 0  # how many people can buy it together
    team_bps: int = 8500  # what each of them pays, of the price alone


class Shipping(msgspec.Struct, frozen=True):
    """Flat fee in minor units; free from `free_over_minor` on (null: never)."""

    fee_minor: int
    free_over_minor: int | None


class Sharing(msgspec.Struct, frozen=True):
    """A share with a name of its own; `product` is a product key or null for the shop."""

    name: str
    channel: str
    product: str | None
    weight: int


class Store(msgspec.Struct, frozen=True):
    """A furnished shop in one language."""

    slug: str
    name: str
    line: str
    story: str
    awning: Literal["sea", "moss", "clay", "straw", "plum", "dusk"]
    locale: Literal["zh-CN", "en"]
    currency: str
    zone: str
    place: str
    since: int
    picture: str
    seller: Seller
    shipping: Shipping
    categories: tuple[str, ...]
    products: tuple[Goods, ...]
    shares: tuple[Sharing, ...]


class Townsperson(msgspec.Struct, frozen=True):
    """A buyer; `tastes` are shop slugs they look at first."""

    name: str
    phone: str
    locale: Literal["zh-CN", "en"]
    address: Address
    tastes: tuple[str, ...]


class Credit(msgspec.Struct, frozen=True):
    """Where a picture that we did not draw comes from."""

    picture: str
    title: str
    author: str
    licence: str
    source: str


class Town(msgspec.Struct, frozen=True):
    """Everything the player needs."""

    shops: tuple[Store, ...]
    people: tuple[Townsperson, ...]
    credits: tuple[Credit, ...]


class _Entry(msgspec.Struct):
    hash: str
    width: int
    height: int
    colour: str
    files: list[tuple[Kind, int, int]]


@cache
def as_written() -> Town:
    """The town; raises msgspec.ValidationError when the file is not what it should be."""
    return msgspec.json.decode(TOWN.read_bytes(), type=Town)


@cache
def _index() -> dict[str, _Entry]:
    return msgspec.json.decode((ART / "index.json").read_bytes(), type=dict[str, _Entry])


def picture_keys() -> frozenset[str]:
    """Keys of all pictures encoded ahead."""
    return frozenset(_index())


def picture(key: str) -> Picture:
    """A picture encoded ahead, ready for `Files.put`; raises KeyError for an unknown key."""
    entry = _index()[key]
    folder = ART / entry.hash
    variants = tuple(
        Variant(kind, width, height, (folder / f"{width}.{kind}").read_bytes())
        for kind, width, height in entry.files
    )
    return Picture(entry.hash, entry.width, entry.height, entry.colour, variants)
