"""Which share brought this browser to a shop: a cookie per shop, last touch, seven days."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from littleshop.social.shares import TOUCH, Touched

_VALUE = re.compile(r"([0-9a-v]{1,13}-[2-9a-z]{6})\.([0-9a-f]{1,8})\Z")


def name(shop_id: int) -> str:
    """The name of a shop's cookie."""
    return f"share_{shop_id}"


def cookie(shop_id: int, code: str, at: datetime, *, secure: bool) -> str:
    """The whole Set-Cookie value that remembers `code`."""
    value = f"{code}.{int(at.timestamp()):x}"
    tail = "; Secure" if secure else ""
    age = int(TOUCH.total_seconds())
    return f"{name(shop_id)}={value}; Max-Age={age}; Path=/; HttpOnly; SameSite=Lax{tail}"


def last(cookies: str, shop_id: int) -> Touched | None:
    """The share of this shop that the Cookie header remembers, or None; it is not believed yet:
    `shares.credit` knows whether the share exists."""
    start = f"{name(shop_id)}="
    for part in cookies.split(";"):
        part = part.strip()
        if part.startswith(start):
            found = _VALUE.match(part[len(start) :].strip('"'))
            if found:
                return Touched(found[1], datetime.fromtimestamp(int(found[2], 16), UTC))
    return None
