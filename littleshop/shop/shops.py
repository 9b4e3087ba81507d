"""Shops and the addresses of their pages."""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from littleshop import db, linkless
from littleshop.db import Connection
from littleshop.errors import NotFound, Refused
from littleshop.shop import slugs

PLATFORM = 0
AWNINGS = ("sea", "moss", "clay", "straw", "plum", "dusk")
NAME_LENGTH = 60
LINE_LENGTH = 140
SELLER_LENGTH = 40
PLACE_LENGTH = 60
STORY_LENGTH = 2000
_MOST = {"name": NAME_LENGTH, "line": LINE_LENGTH, "seller": SELLER_LENGTH, "place": PLACE_LENGTH}
_TURNS = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])  # they reorder the rest


class Shop(msgspec.Struct, frozen=True):
    """A shop as a row. `version` moves when a visitor could see a change, `pricing_version` when
    a price or shipping rule does; amounts are in minor units of `currency`."""

    shop_id: int
    name: str
    line: str
    picture: str | None
    awning: str
    slug: str | None
    currency: str
    locale: str
    zone: str
    status: str
    version: int
    pricing_version: int
    shipping_flat_minor: int
    shipping_free_over_minor: int | None
    pickup_place: str | None
    commission_bps: int
    direct_settlement: bool
    brought_by_shop_id: int | None
    brought_by_share: str | None
    brought_by_product_id: uuid.UUID | None
    created_at: datetime
    opened_at: datetime | None
    seller: str = ""  # who keeps it; "" is the shop's own name
    place: str = ""
    story: str = ""
    since_year: int | None = None  # when the trade began; None: when the shop opened here
    since_month: int | None = None
    offers: bool = False  # it ever gave a privilege or made a coupon
    rate_id: uuid.UUID | None = None  # its standard shipping rate; None: the flat fee above

    @property
    def face(self) -> Face:
        """All that a seller says about it, to change a part of it."""
        told = {name: getattr(self, name) for name in Face.__struct_fields__}
        return Face(**(told | {"slug": self.slug or ""}))


class BroughtBy(msgspec.Struct, frozen=True):
    """What was on screen when somebody pressed "I also want to open a little shop", if he did."""

    shop_id: int | None = None
    share: str | None = None
    product_id: uuid.UUID | None = None


class Face(msgspec.Struct, frozen=True):
    """What a seller says about the shop; `picture` is a file name, `slug` the page's address,
    `seller` who keeps it ("" is the shop's own name), `place` where, `story` paragraphs parted by
    line ends, `since_*` when the trade began (None: when the shop opened here)."""

    name: str
    slug: str
    line: str = ""
    picture: str | None = None
    awning: str = "sea"
    seller: str = ""
    place: str = ""
    story: str = ""
    since_year: int | None = None
    since_month: int | None = None


_COLUMNS = ", ".join(Shop.__struct_fields__)


async def number(conn: Connection) -> int:
    """The next shop number; an unused one is no loss."""
    return int(await db.value(conn, "select nextval('shop_numbers')"))


async def create(
    conn: Connection, shop_id: int, *, locale: str, brought_by: BroughtBy, at: datetime
) -> None:
    """A shop that is being opened; the second time changes nothing."""
    await db.run(
        conn,
        """
        insert into shops (shop_id, locale, created_at, brought_by_shop_id, brought_by_share,
                           brought_by_product_id)
        values ($1, $2, $3, $4, $5, $6)
        on conflict (shop_id) do nothing""",
        shop_id,
        locale,
        at,
        brought_by.shop_id,
        brought_by.share,
        brought_by.product_id,
    )


async def find(conn: Connection, shop_id: int) -> Shop | None:
    """The shop of this number, or None."""
    return await db.one(conn, Shop, f"select {_COLUMNS} from shops where shop_id = $1", shop_id)


async def get(conn: Connection, shop_id: int) -> Shop:
    """The shop of this number. Raises NotFound."""
    shop = await find(conn, shop_id)
    if shop is None:
        raise NotFound("shop")
    return shop


async def versions(conn: Connection, shop_ids: Sequence[int]) -> dict[int, int]:
    """What version each of these shops has now."""
    rows = await conn.fetch(
        "select shop_id, version from shops where shop_id = any ($1)", list(shop_ids)
    )
    return {row["shop_id"]: row["version"] for row in rows}


async def names(conn: Connection, shop_ids: Sequence[int]) -> dict[int, str]:
    """The names of these shops."""
    rows = await conn.fetch(
        "select /* all shops: their names */ shop_id, name from shops where shop_id = any($1)",
        list(shop_ids),
    )
    return {row["shop_id"]: row["name"] for row in rows}


async def newest(conn: Connection, most: int) -> list[Shop]:
    """The shops that opened last, for the demo's front page."""
    return await db.all(
        conn,
        Shop,
        f"/* all shops: the town's front page */ select {_COLUMNS} from shops"
        " where status = 'open' and shop_id > 0 order by opened_at desc, shop_id desc limit $1",
        most,
    )


async def by_slug(conn: Connection, slug: str) -> Shop | None:
    """The shop whose page is or was at this address, or None; `shop.slug` is the current one."""
    shop_id = await db.value(conn, "select shop_id from slugs where slug = $1", slug)
    return None if shop_id is None else await find(conn, int(shop_id))


async def by_slugs(conn: Connection, slugs: Sequence[str]) -> dict[str, Shop]:
    """The shops whose pages are or were at these addresses."""
    numbers = {
        row["slug"]: row["shop_id"]
        for row in await conn.fetch(
            "select slug, shop_id from slugs where slug = any ($1)", list(slugs)
        )
    }
    rows = await db.all(
        conn,
        Shop,
        f"select {_COLUMNS} from shops where shop_id = any ($1)",
        sorted(set(numbers.values())),
    )
    known = {row.shop_id: row for row in rows}
    return {slug: known[number] for slug, number in numbers.items() if number in known}


def check_face(face: Face, shop_id: int) -> Face:
    """The face with spaces tidied; an empty slug stays empty, for us to suggest one.

    Raises Refused: shop_name_empty, shop_name_length, shop_line_length, shop_seller_length,
    shop_place_length, shop_story_length, each with (have, most); shop_name_bracket(sign),
    shop_name_address(address), slug_invalid, slug_reserved(slug), awning_unknown.
    """
    said = {name: tidy(getattr(face, name)) for name in _MOST}
    story = "\n".join(filter(None, map(tidy, face.story.splitlines())))
    if not any(unicodedata.category(sign)[0] not in "CZ" for sign in said["name"]):
        raise Refused("shop_name_empty")
    for field, most in _MOST.items():
        if len(said[field]) > most:
            raise Refused(f"shop_{field}_length", have=len(said[field]), most=most)
    if bracket := linkless.brackets(said["name"]):
        raise Refused("shop_name_bracket", sign=bracket)
    if address := linkless.address(said["name"]):
        raise Refused("shop_name_address", address=address)
    if len(story) > STORY_LENGTH:
        raise Refused("shop_story_length", have=len(story), most=STORY_LENGTH)
    if face.awning not in AWNINGS:
        raise Refused("awning_unknown")
    slug = slugs.check(face.slug, shop_id) if face.slug.strip() else ""
    return msgspec.structs.replace(face, **said, slug=slug, story=story)


def since(year: str, month: str, today: date) -> tuple[int | None, int | None]:
    """Year and month in which the trade began, as typed; nothing typed is when the shop opened.

    Raises Refused: since_year, since_month, since_future.
    """
    plain = unicodedata.normalize("NFKC", year).strip().rstrip("年").rstrip()
    if not plain and not month:
        return None, None
    if not (len(plain) == 4 and plain.isascii() and plain.isdigit() and plain >= "1000"):
        raise Refused("since_year")
    if month not in ("", *map(str, range(1, 13))):
        raise Refused("since_month")
    if (int(plain), int(month or 1)) > (today.year, today.month):
        raise Refused("since_future")
    return int(plain), int(month) if month else None


def tidy(text: str) -> str:
    """One line of text without control characters or doubled spaces."""
    plain = unicodedata.normalize("NFC", text).translate(_TURNS)
    shown = (" " if sign.isspace() else sign for sign in plain)
    kept = (sign for sign in shown if unicodedata.category(sign) not in ("Cc", "Cs", "Co"))
    return " ".join("".join(kept).split())


_SAID = [name for name in Face.__struct_fields__ if name != "slug"]
_FACE = ", ".join(f"{name} = ${at}" for at, name in enumerate(_SAID, start=2))


def _said(face: Face) -> list[object]:
    return [getattr(face, name) for name in _SAID]


async def open_doors(conn: Connection, shop_id: int, face: Face, at: datetime) -> Shop | None:
    """Give a shop that is being opened its face and open it; None when it was open before."""
    return await db.one(
        conn,
        Shop,
        f"update shops set {_FACE}, slug = $11, status = 'open', opened_at = $12,"
        f" version = version + 1 where shop_id = $1 and status = 'opening' returning {_COLUMNS}",
        shop_id,
        *_said(face),
        face.slug,
        at,
    )


async def describe(conn: Connection, shop_id: int, face: Face) -> Shop:
    """Change the face of an open shop; its address stays (shop/moving.py). Raises NotFound."""
    shop = await db.one(
        conn,
        Shop,
        f"update shops set {_FACE}, version = version + 1"
        f" where shop_id = $1 and status <> 'opening' returning {_COLUMNS}",
        shop_id,
        *_said(face),
    )
    if shop is None:
        raise NotFound("shop")
    return shop


async def readdress(conn: Connection, shop_id: int, before: str, slug: str) -> bool:
    """Let the shop's page be at another address, which must have been taken; False when it was
    not at `before` any more."""
    moved = await db.run(
        conn,
        "update shops set slug = $3, version = version + 1 where shop_id = $1 and slug = $2",
        shop_id,
        before,
        slug,
    )
    return moved == 1


async def set_shipping(
    conn: Connection,
    shop_id: int,
    *,
    flat_minor: int,
    free_over_minor: int | None,
    pickup_place: str | None = None,
) -> Shop:
    """The flat fee and from which amount it is waived (None: never), in minor units; the place
    where buyers can fetch their goods themselves (None: they cannot).

    Raises Refused shipping_fee when out of bounds (0 to a million yuan), NotFound.
    """
    bounded = 0 <= flat_minor <= 100_000_000
    if not bounded or not (free_over_minor is None or 1 <= free_over_minor <= 100_000_000_000):
        raise Refused("shipping_fee")
    shop = await db.one(
        conn,
        Shop,
        f"""
        update shops set shipping_flat_minor = $2, shipping_free_over_minor = $3,
                         pickup_place = $4, pricing_version = pricing_version + 1,
                         version = version + 1
         where shop_id = $1
        returning {_COLUMNS}""",
        shop_id,
        flat_minor,
        free_over_minor,
        tidy(pickup_place)[:LINE_LENGTH] or None if pickup_place else None,
    )
    if shop is None:
        raise NotFound("shop")
    return shop


async def set_rate(conn: Connection, shop_id: int, rate_id: uuid.UUID | None) -> None:
    """The shipping rate that holds for what names none; None: the flat fee."""
    await db.run(
        conn,
        "update shops set rate_id = $2, version = version + 1,"
        " pricing_version = pricing_version + 1 where shop_id = $1",
        shop_id,
        rate_id,
    )


async def pause(conn: Connection, shop_id: int) -> bool:
    """Pause an open shop (holiday); False when it was not open."""
    return await _move(conn, shop_id, before="open", after="paused")


async def resume(conn: Connection, shop_id: int) -> bool:
    """Open a paused shop again; False when it was not paused."""
    return await _move(conn, shop_id, before="paused", after="open")


async def close(conn: Connection, shop_id: int) -> bool:
    """Close a shop (shop/closings.py says since when); False when it was closed."""
    was_open = await _move(conn, shop_id, before="open", after="closed")
    return was_open or await _move(conn, shop_id, before="paused", after="closed")


async def reopen(conn: Connection, shop_id: int) -> bool:
    """Open a closed shop again; False when it was not closed."""
    return await _move(conn, shop_id, before="closed", after="open")


async def _move(conn: Connection, shop_id: int, *, before: str, after: str) -> bool:
    moved = await db.run(
        conn,
        "update shops set status = $3, version = version + 1 where shop_id = $1 and status = $2",
        shop_id,
        before,
        after,
    )
    return moved == 1


async def say_direct(conn: Connection, shop_id: int, direct: bool) -> None:
    """What its pages say of its terms (shop/terms.py): that buyers' money is its own at once."""
    await db.run(
        conn,
        "update shops set direct_settlement = $2, version = version + 1"
        " where shop_id = $1 and direct_settlement <> $2",
        shop_id,
        direct,
    )


async def say_offers(conn: Connection, shop_id: int) -> None:
    """What somebody has in this shop has changed: from here on its prices are asked with who asks,
    and no order is placed at what they were before."""
    await db.run(
        conn,
        "update shops set offers = true, version = version + 1,"
        " pricing_version = pricing_version + 1 where shop_id = $1",
        shop_id,
    )


async def touch(conn: Connection, shop_id: int, *, pricing: bool = False) -> None:
    """A visitor could see a change of this shop's catalogue (`pricing`: also of a price)."""
    await db.run(
        conn,
        """update shops set version = version + 1,
                            pricing_version = pricing_version + $2
            where shop_id = $1""",
        shop_id,
        1 if pricing else 0,
    )
