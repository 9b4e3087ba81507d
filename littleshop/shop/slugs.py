"""Slugs: which words may be the address of a shop's page."""

from __future__ import annotations

import re

from littleshop.errors import Refused

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
