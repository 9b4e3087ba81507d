"""Slugs: the addresses of the shops' pages; what a shop once used stays with it for ever."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, timedelta

import msgspec

from littleshop import db
from littleshop.db import Connection
from littleshop.errors import Refused

UNKEPT = timedelta(hours=1)

_SLUG = re.compile(r"[a-z0-9](-?[a-z0-9]){2,29}")
_NUMBERED = re.compile(r"s[0-9]+")
# first parts of our own addresses, and names that would pass for the platform
_RESERVED = """
    about account admin alipay api app apps assets billing blog books callback callbacks cart
    cashier checkout console control demo docs doctor favicon feed feeds files go healthz help
    home imprint in inbox invitation invitations item jobs legal littleshop live llms login logout
    mail manifest mcp me metrics my new notify offline open opening operator order orders pay
    payment payments platform poster privacy product products readyz robots root rss s sandbox
    search security session sessions settings shop shops sign-in signin sitemap sms static status
    supplier support sw system terms test u ucp upload uploads user users web wechat well-known
    www
"""
RESERVED = frozenset(_RESERVED.split())


def check(text: str, shop_id: int) -> str:
    """The address in small letters. Raises Refused: slug_empty, slug_invalid, slug_reserved."""
    slug = text.strip().lower()
    if not slug:
        raise Refused("slug_empty")
    if len(slug) > 30 or not _SLUG.fullmatch(slug):
        raise Refused("slug_invalid")
    if slug in RESERVED or (_NUMBERED.fullmatch(slug) and slug != own(shop_id)):
        raise Refused("slug_reserved", slug=slug)
    return slug


def own(shop_id: int) -> str:
    """The address that nobody else can take: s and the shop's number."""
    return f"s{shop_id:04}"


async def of_shop(conn: Connection, shop_id: int) -> list[str]:
    """The addresses this shop has used, the first one first."""
    rows = await conn.fetch(
        "select slug from slugs where shop_id = $1 and kept_at is not null order by taken_at, slug",
        shop_id,
    )
    return [row["slug"] for row in rows]


async def suggest(conn: Connection, name: str, shop_id: int) -> str:
    """A free address for a name: its Latin letters, else s and the shop's number."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "-", plain.replace("'", "")).strip("-")[:26].strip("-")
    if stem.replace("-", "").isdigit():
        stem = ""
    for candidate in (stem, f"{stem}-shop", *(f"{stem}-{count}" for count in range(2, 6))):
        try:
            slug = check(candidate, shop_id)
        except Refused:
            continue
        if await _owner(conn, slug) in (None, shop_id):
            return slug
    return own(shop_id)


async def _owner(conn: Connection, slug: str) -> int | None:
    found: int | None = await db.value(conn, "select shop_id from slugs where slug = $1", slug)
    return found


async def take(conn: Connection, slug: str, shop_id: int, at: datetime) -> bool:
    """Take an address for a shop; True also when it was this shop's already."""
    await db.run(
        conn,
        "insert into slugs (slug, shop_id, taken_at) values ($1, $2, $3)"
        " on conflict (slug) do nothing",
        slug,
        shop_id,
        at,
    )
    return await _owner(conn, slug) == shop_id


async def keep(conn: Connection, slug: str, shop_id: int, at: datetime) -> None:
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


async def sweep(conn: Connection, at: datetime) -> int:
    """Free addresses that an opening or a move took and never used; returns how many."""
    unkept = await db.all(
        conn,
        _Taken,
        "select slug, shop_id from slugs where kept_at is null and taken_at < $1",
        at - UNKEPT,
    )
    freed = 0
    for taken in unkept:
        current = await db.value(conn, "select slug from shops where shop_id = $1", taken.shop_id)
        if current == taken.slug:
            await keep(conn, taken.slug, taken.shop_id, at)
            continue
        freed += await db.run(
            conn, "delete from slugs where slug = $1 and kept_at is null", taken.slug
        )
    return freed
