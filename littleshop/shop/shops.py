"""Shops and the addresses of their pages."""

from __future__ import annotations

import re
import unicodedata
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from littleshop import db
from littleshop.db import Connection
from littleshop.errors import NotFound, Refused
from littleshop.shop import slugs

PLATFORM = 0
AWNINGS = ("sea", "moss", "clay", "straw", "plum", "dusk")
NAME_LENGTH = 60
LINE_LENGTH = 140
SELLER_LENGTH = 40
PLACE_LENGTH = 60
_TURNS = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])  # they reorder the rest
UNKEPT = timedelta(hours=1)


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

    @property
    def face(self) -> Face:
        """All that a seller says about it, to change a part of it."""
        return Face(
            name=self.name,
            slug=self.slug or "",
            line=self.line,
            picture=self.picture,
            awning=self.awning,
            seller=self.seller,
            place=self.place,
        )


class BroughtBy(msgspec.Struct, frozen=True):
    """What was on screen when somebody pressed "I also want to open a little shop", if he did."""

    shop_id: int | None = None
    share: str | None = None
    product_id: uuid.UUID | None = None


class Face(msgspec.Struct, frozen=True):
    """What a seller says about the shop; `picture` is a file name, `slug` the page's address,
    `seller` who keeps it ("" is the shop's own name), `place` where."""

    name: str
    slug: str
    line: str = ""
    picture: str | None = None
    awning: str = "sea"
    seller: str = ""
    place: str = ""


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

    Raises Refused: shop_name_empty, shop_name_length(have, most), shop_line_length(have, most),
    slug_invalid, slug_reserved(slug), awning_unknown.
    """
    name, line = tidy(face.name), tidy(face.line)
    if not any(unicodedata.category(sign)[0] not in "CZ" for sign in name):
        raise Refused("shop_name_empty")
    if len(name) > NAME_LENGTH:
        raise Refused("shop_name_length", have=len(name), most=NAME_LENGTH)
    if len(line) > LINE_LENGTH:
        raise Refused("shop_line_length", have=len(line), most=LINE_LENGTH)
    if face.awning not in AWNINGS:
        raise Refused("awning_unknown")
    slug = slugs.check(face.slug, shop_id) if face.slug.strip() else ""
    return msgspec.structs.replace(
        face,
        name=name,
        slug=slug,
        line=line,
        seller=tidy(face.seller)[:SELLER_LENGTH],
        place=tidy(face.place)[:PLACE_LENGTH],
    )


def tidy(text: str) -> str:
    """One line of text without control characters or doubled spaces."""
    plain = unicodedata.normalize("NFC", text).translate(_TURNS)
    shown = (" " if sign.isspace() else sign for sign in plain)
    kept = (sign for sign in shown if unicodedata.category(sign) not in ("Cc", "Cs", "Co"))
    return " ".join("".join(kept).split())


async def suggest_slug(conn: Connection, name: str, shop_id: int) -> str:
    """A free address for a name: its Latin letters, else s and the shop's number."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "-", plain.replace("'", "")).strip("-")[:26].strip("-")
    if stem.replace("-", "").isdigit():
        stem = ""
    for candidate in (stem, f"{stem}-shop", *(f"{stem}-{count}" for count in range(2, 6))):
        try:
            slug = slugs.check(candidate, shop_id)
        except Refused:
            continue
        if await db.value(conn, "select shop_id from slugs where slug = $1", slug) in (
            None,
            shop_id,
        ):
            return slug
    return slugs.own(shop_id)


async def take_slug(conn: Connection, slug: str, shop_id: int, at: datetime) -> bool:
    """Take an address for a shop; True also when it was this shop's already."""
    await db.run(
        conn,
        "insert into slugs (slug, shop_id, taken_at) values ($1, $2, $3)"
        " on conflict (slug) do nothing",
        slug,
        shop_id,
        at,
    )
    owner = await db.value(conn, "select shop_id from slugs where slug = $1", slug)
    return bool(owner == shop_id)


async def keep_slug(conn: Connection, slug: str, shop_id: int, at: datetime) -> None:
    """The shop really uses this address now; it stays with it for ever."""
    await db.run(
        conn,
        "update slugs set kept_at = $3 where slug = $1 and shop_id = $2 and kept_at is null",
        slug,
        shop_id,
        at,
    )


class _Taken(msgspec.Struct, frozen=True):
    slug: str
    shop_id: int


async def sweep_slugs(conn: Connection, at: datetime) -> int:
    """Free addresses that an opening took and never used; returns how many."""
    unkept = await db.all(
        conn,
        _Taken,
        "select slug, shop_id from slugs where kept_at is null and taken_at < $1",
        at - UNKEPT,
    )
    freed = 0
    for taken in unkept:
        shop = await find(conn, taken.shop_id)
        if shop is not None and shop.slug == taken.slug:
            await keep_slug(conn, taken.slug, taken.shop_id, at)
            continue
        freed += await db.run(
            conn, "delete from slugs where slug = $1 and kept_at is null", taken.slug
        )
    return freed


async def open_doors(conn: Connection, shop_id: int, face: Face, at: datetime) -> Shop | None:
    """Give a shop that is being opened its face and open it; None when it was open before."""
    return await db.one(
        conn,
        Shop,
        f"""
        update shops set name = $2, line = $3, picture = $4, awning = $5, slug = $6,
                         status = 'open', opened_at = $7, seller = $8, place = $9,
                         version = version + 1
         where shop_id = $1 and status = 'opening'
        returning {_COLUMNS}""",
        shop_id,
        face.name,
        face.line,
        face.picture,
        face.awning,
        face.slug,
        at,
        face.seller,
        face.place,
    )


async def describe(conn: Connection, shop_id: int, face: Face) -> Shop:
    """Change the face of an open shop; the slug must have been taken. Raises NotFound."""
    shop = await db.one(
        conn,
        Shop,
        f"""
        update shops set name = $2, line = $3, picture = $4, awning = $5, slug = $6,
                         seller = $7, place = $8, version = version + 1
         where shop_id = $1 and status <> 'opening'
        returning {_COLUMNS}""",
        shop_id,
        face.name,
        face.line,
        face.picture,
        face.awning,
        face.slug,
        face.seller,
        face.place,
    )
    if shop is None:
        raise NotFound("shop")
    return shop


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


async def pause(conn: Connection, shop_id: int) -> bool:
    """Pause an open shop (holiday); False when it was not open."""
    return await _move(conn, shop_id, before="open", after="paused")


async def resume(conn: Connection, shop_id: int) -> bool:
    """Open a paused shop again; False when it was not paused."""
    return await _move(conn, shop_id, before="paused", after="open")


async def _move(conn: Connection, shop_id: int, *, before: str, after: str) -> bool:
    moved = await db.run(
        conn,
        "update shops set status = $3, version = version + 1 where shop_id = $1 and status = $2",
        shop_id,
        before,
        after,
    )
    return moved == 1


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
