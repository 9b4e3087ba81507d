"""Shops and products as the storefront's templates want them; nothing here reads the database."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec
import segno
from starlette.requests import Request

from littleshop import http, i18n
from littleshop.catalog.photos import Photo
from littleshop.catalog.products import Listed, Product, Variant
from littleshop.http import House
from littleshop.insights.figures import Record
from littleshop.money import Money
from littleshop.shop.shops import Shop
from littleshop.social import credits
from littleshop.trade import regions
from littleshop.web import touches
from littleshop.web.storefront import ways

_FACT = re.compile(r"([^:：。，！？.!?/]{1,20})[:：]\s*(\S.{0,99})\Z")
LINE_LENGTH = 80  # a first paragraph up to this long stands under the title


class Picture(msgspec.Struct, frozen=True):
    """A picture by its hash, and what it shows."""

    digest: str
    alt: str


class ShopView(msgspec.Struct, frozen=True):
    """A shop for the head of a page; `paused` is what to say about a break, `since` the year in
    which the trade began (`since_month`, when the seller says it), `story` its paragraphs."""

    slug: str
    name: str
    seller: str
    line: str
    place: str
    since: int
    picture: Picture | None
    awning: str
    direct: bool
    paused: str | None
    shown: Picture | None = None
    since_month: int | None = None
    story: tuple[str, ...] = ()


class Fact(msgspec.Struct, frozen=True):
    """A line of a description of the form "name: value"."""

    name: str
    value: str


class OptionView(msgspec.Struct, frozen=True):
    """A value of an axis; `price` is what the thing costs with it, None where the axis makes no
    difference; `up`: at least that, the rest of the choice decides."""

    value: str
    colour: str | None
    gone: bool
    price: Money | None
    up: bool = False


class Axis(msgspec.Struct, frozen=True):
    """An axis of choice."""

    name: str
    options: list[OptionView]


class VariantView(msgspec.Struct, frozen=True):
    """A variant for the picker of the page's script."""

    id: str
    options: list[str]
    price: Money
    gone: bool


class ProductView(msgspec.Struct, frozen=True):
    """A product's page; `no_return`: why it can't come back without a reason, or ""."""

    id: str
    title: str
    line: str
    paragraphs: list[str]
    facts: list[Fact]
    pictures: list[Picture]
    price: Money
    sold_out: bool
    axes: list[Axis]
    variants: list[VariantView]
    no_return: str = ""


class Tile(msgspec.Struct, frozen=True):
    """A product on the shelf."""

    id: str
    title: str
    picture: Picture | None
    price: Money
    from_price: bool
    sold_out: bool


class Said(msgspec.Struct, frozen=True):
    """A figure of the shop's record, what it means, and both as part of a sentence; `name` says
    which (on_time, buyers, again)."""

    figure: str
    means: str
    told: str
    name: str = ""


def shop(row: Shop, locale: str | None = None, shown: Picture | None = None) -> ShopView:
    """A shop for templates; `locale` is the language in which a break is said."""
    paused, zone = None, ZoneInfo(row.zone)
    if row.status != "open":
        paused = i18n.t(locale or row.locale, f"shelves.{row.status}")
    return ShopView(
        slug=row.slug or "",
        name=row.name,
        seller=row.seller or row.name,
        line=row.line,
        place=row.place,
        since=row.since_year or (row.opened_at or row.created_at).astimezone(zone).year,
        picture=Picture(row.picture, row.name) if row.picture else None,
        awning=row.awning,
        direct=row.direct_settlement,
        paused=paused,
        shown=shown,
        since_month=row.since_month,
        story=tuple(row.story.splitlines()),
    )


def tile(row: Listed) -> Tile:
    """A product of a list as a tile."""
    return Tile(
        id=str(row.product_id),
        title=row.title,
        picture=Picture(row.photo, row.title) if row.photo else None,
        price=row.price,
        from_price=row.most_minor > row.price_minor,
        sold_out=row.spare <= 0,
    )


def words(description: str) -> tuple[str, list[str], list[Fact]]:
    """A description parted into the line under the title, paragraphs and facts."""
    paragraphs, facts = [], []
    for line in description.splitlines():
        line = line.strip()
        found = _FACT.match(line)
        if found and not found[2].startswith("//"):
            facts.append(Fact(found[1].strip(), found[2].strip()))
        elif line:
            paragraphs.append(line)
    first = paragraphs.pop(0) if paragraphs and len(paragraphs[0]) <= LINE_LENGTH else ""
    return first, paragraphs, facts


def product(
    row: Product, variants: Sequence[Variant], photos: Sequence[Photo]
) -> tuple[ProductView, list[str]]:
    """A product for its page, and the choice that stands ready: the first that can be had."""
    line, paragraphs, facts = words(row.description)
    ready = next((one for one in variants if one.spare > 0), variants[0])
    view = ProductView(
        id=str(row.product_id),
        title=row.title,
        line=line,
        paragraphs=paragraphs,
        facts=facts,
        pictures=[Picture(photo.file, photo.alt or row.title) for photo in photos],
        price=ready.price,
        sold_out=all(one.spare <= 0 for one in variants),
        axes=_axes(row, variants),
        variants=[
            VariantView(str(one.variant_id), list(one.choice), one.price, one.spare <= 0)
            for one in variants
        ],
        no_return=row.no_return_why,
    )
    return view, list(ready.choice)


def _axes(row: Product, variants: Sequence[Variant]) -> list[Axis]:
    """What can be chosen, each value with the whole price it leads to, of what can be had: nothing
    has to be added up, and without a script it is as true as with one."""
    axes = []
    for place, option in enumerate(row.options):
        made = {one.choice[place] for one in variants}
        prices: dict[str, set[Money]] = {value: set() for value in option.values if value in made}
        for one in variants:
            if one.spare > 0:
                prices[one.choice[place]].add(one.price)
        tells = len({min(some) for some in prices.values() if some}) > 1
        axes.append(
            Axis(
                option.name,
                [
                    OptionView(
                        value,
                        option.colours.get(value),
                        not some,
                        min(some) if tells and some else None,
                        len(some) > 1,
                    )
                    for value, some in prices.items()
                ],
            )
        )
    return axes


def record(locale: str, known: Record) -> list[Said]:
    """What a shop has shown so far, in at most three figures; nothing before it means something."""
    said = []
    if known.due >= 5:
        said.append(_said(locale, "on_time", f"{known.on_time * 100 // known.due}%"))
    if known.buyers >= 5:
        said.append(_said(locale, "buyers", f"{known.buyers:,}", count=known.buyers))
    if known.buyers >= 10 and known.returned:
        said.append(_said(locale, "again", f"{known.returned * 100 // known.buyers}%"))
    return said


def _said(locale: str, name: str, figure: str, **more: int) -> Said:
    told = i18n.t(locale, f"shelves.told.{name}", figure=figure)
    return Said(figure, i18n.t(locale, f"shelves.record.{name}", **more), told, name)


def provinces(locale: str) -> list[tuple[str, str]]:
    """The provinces of a checkout form: what is sent, and what is read."""
    return [(each, regions.written(locale, each)) for each in regions.provinces()]


def rail_origins(house: House) -> list[str]:
    """Where a form of ours may end, the rails' gateways and cashiers: browsers check the redirect
    that answers a form too."""
    rails = house.settings.rails
    named = [rail.get(key, "") for rail in rails.values() for key in ("base_url", "open_base_url")]
    if house.settings.mode == "live":
        named += [page for name in house.rails for page in ways.CASHIERS.get(name, ())]
    found = [urlsplit(str(url)) for url in named]
    return sorted({f"{url.scheme}://{url.netloc}" for url in found if url.netloc})


def qr(text: str) -> str:
    """A text as a code for another phone's camera: SVG for inside a page."""
    return str(segno.make(text, error="m").svg_inline(scale=4, border=0, omitsize=True))


async def credit(request: Request, shop_id: int, device: bytes, phone: str) -> str | None:
    """The share an order placed by this request is credited to (PRODUCT 5), or None."""
    touched = touches.remembered(request.headers.get("cookie", ""), shop_id)
    if not touched:
        return None
    house, at = http.house(request), http.now(request)
    who = await http.somebody(request)
    async with house.database.connection() as conn:
        person_id = who.person.person_id if who else None
        buyer = credits.Buyer(device, house.keyring.index(phone), person_id)
        return await credits.credit(conn, shop_id, touched, buyer, at)
