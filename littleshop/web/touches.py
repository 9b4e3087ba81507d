"""Which share or entrance brought this browser to a shop: cookies per shop, last touch, seven days.

There are two: a personal link's is kept apart, so that an open share opened later does not take its
place. A browser keeps so many of them; who opens links of ever more shops loses the oldest, not the
cookies that he needs.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from littleshop.social.shares import TOUCH, Touched

MOST = 30  # cookies of this kind in one browser: 1.3 kB of what each request brings along
_OWN = re.compile(rb"(?:share|friend)_[0-9]{1,15}\Z")
_MOMENT = re.compile(rb"[0-9a-v]{1,13}-[2-9a-z]{5,6}\.([0-9a-f]{1,8})\Z")
_VALUE = re.compile(r"([0-9a-v]{1,13}-[2-9a-z]{5,6})\.([0-9a-f]{1,8})\Z")


def name(shop_id: int, *, personal: bool = False) -> str:
    """The name of a shop's cookie."""
    return f"{'friend' if personal else 'share'}_{shop_id}"


def around(shop_id: int, code: str, *, secure: bool, personal: bool = False) -> tuple[bytes, bytes]:
    """What stands before and after the moment in the Set-Cookie value that remembers `code`; a
    kept page works it out once."""
    tail = "; Secure" if secure else ""
    age = int(TOUCH.total_seconds())
    after = f"; Max-Age={age}; Path=/; HttpOnly; SameSite=Lax{tail}"
    return f"{name(shop_id, personal=personal)}={code}.".encode(), after.encode()


def surplus(cookies: bytes, kept: bytes, *, secure: bool) -> list[bytes]:
    """The Set-Cookie values that take away what is too much beside the one that is set now, `kept`
    (its name and =): what we cannot read first, then the oldest. At most MOST at a time."""
    if cookies.count(b"share_") + cookies.count(b"friend_") < MOST:
        return []
    found: dict[bytes, int] = {}
    for part in cookies.split(b";"):
        name_, _, value = part.strip().partition(b"=")
        if _OWN.match(name_) and name_ + b"=" != kept:
            known = _MOMENT.match(value.strip(b'"'))
            found[name_] = int(known[1], 16) if known else -1
    oldest = sorted(found, key=lambda each: found[each])[: max(0, len(found) - MOST + 1)]
    tail = b"; Secure" if secure else b""
    end = b"=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax" + tail
    return [each + end for each in oldest[:MOST]]


def cookie(shop_id: int, code: str, at: datetime, *, secure: bool, personal: bool = False) -> str:
    """The whole Set-Cookie value that remembers `code`."""
    before, after = around(shop_id, code, secure=secure, personal=personal)
    return (before + b"%x" % int(at.timestamp()) + after).decode()


def remembered(cookies: str, shop_id: int) -> list[Touched]:
    """What the Cookie header remembers of this shop, a personal link before an open one; nothing
    of it is believed yet: `credits.credit` knows whether there are such shares."""
    found = (_read(cookies, name(shop_id, personal=personal)) for personal in (True, False))
    return [each for each in found if each is not None]


def last(cookies: str, shop_id: int) -> Touched | None:
    """What counts of what is remembered, or None."""
    return next(iter(remembered(cookies, shop_id)), None)


def fresh(cookies: str, shop_id: int, at: datetime) -> Touched | None:
    """The last touch, if it is none from the future and not older than credits go by."""
    touched = last(cookies, shop_id)
    if touched is None or not at - TOUCH <= touched.at <= at + timedelta(minutes=1):
        return None
    return touched


def _read(cookies: str, wanted: str) -> Touched | None:
    start = f"{wanted}="
    for part in cookies.split(";"):
        part = part.strip()
        if part.startswith(start):
            found = _VALUE.match(part[len(start) :].strip('"'))
            if found:
                return Touched(found[1], datetime.fromtimestamp(int(found[2], 16), UTC))
    return None
