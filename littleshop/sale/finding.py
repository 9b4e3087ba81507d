"""Finding: what a seller types into one box, looked for as everything that it may be."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Awaitable, Callable

import msgspec

from littleshop import db
from littleshop.catalog import search
from littleshop.crypto import Keyring
from littleshop.customers import customers
from littleshop.customers.customers import CustomerSum
from littleshop.errors import Refused
from littleshop.identity import phones
from littleshop.trade import deliveries, order_lists, order_notes, order_words
from littleshop.trade.order_lists import PAGE, OrderRow

_TRACKING = re.compile(r"[0-9A-Za-z-]{5,40}")
_LONGEST_NUMBER = 9  # digits of an order's number
_LONGEST_NAME = 30
_LOOKED_THROUGH = 500  # orders of a name or a tail, the last ones


class Result(msgspec.Struct, frozen=True):
    """What was found, the last order first, and as what it was looked for: number, tail, phone,
    tracking, name, title, note; `by` names those that found something."""

    rows: list[OrderRow]
    looked: list[str]
    by: list[str]


async def find(conn: db.Connection, keyring: Keyring, shop_id: int, text: str) -> Result:
    """The last orders that this may mean: at most PAGE of them."""
    ways = _ways(conn, keyring, shop_id, unicodedata.normalize("NFKC", text).strip())
    found: dict[int, None] = {}
    by = []
    for kind, look in ways.items():
        numbers = await look()
        if numbers:
            by.append(kind)
            found |= dict.fromkeys(numbers)
    numbers = sorted(found, reverse=True)[:PAGE]
    rows = await order_lists.of_numbers(conn, shop_id, numbers)
    return Result(rows, list(ways), by)


_Look = Callable[[], Awaitable[list[int]]]


def _ways(conn: db.Connection, keyring: Keyring, shop_id: int, text: str) -> dict[str, _Look]:
    """As what a text can be looked for."""
    ways: dict[str, _Look] = {}
    bare = re.sub(r"\s", "", text)
    plain = bare.removeprefix("#")
    digits = plain.isascii() and plain.isdigit()

    async def by_number() -> list[int]:
        rows = await order_lists.by_number(conn, shop_id, int(plain))
        return [row.number for row in rows]

    async def by_tail() -> list[int]:
        word = order_words.of_tail(keyring, shop_id, plain)
        return await order_words.having(conn, shop_id, word, PAGE)

    async def by_tracking() -> list[int]:
        held = await deliveries.with_number(conn, shop_id, bare.upper())
        return await order_lists.numbers_of(conn, shop_id, held)

    async def by_name() -> list[int]:
        word = order_words.of_name(keyring, shop_id, text)
        return [] if word is None else await order_words.having(conn, shop_id, word, PAGE)

    async def by_title() -> list[int]:
        things = await search.every(conn, shop_id, text)
        return await order_lists.with_things(conn, shop_id, things) if things else []

    async def by_note() -> list[int]:
        return await order_notes.having(conn, shop_id, text, PAGE)

    if digits and len(plain) <= _LONGEST_NUMBER:
        ways["number"] = by_number
    if digits and len(plain) == order_words.TAIL:
        ways["tail"] = by_tail
    if phone := _phone(text):
        index = keyring.index(phone)

        async def by_phone() -> list[int]:
            return [row.number for row in await order_lists.by_phone(conn, shop_id, index)]

        ways["phone"] = by_phone
    if _TRACKING.fullmatch(bare) and any(sign.isdigit() for sign in bare):
        ways["tracking"] = by_tracking
    if not digits and text:
        if len(bare) <= _LONGEST_NAME:
            ways["name"] = by_name
        ways["title"] = by_title
        ways["note"] = by_note
    return ways


async def people(
    conn: db.Connection, keyring: Keyring, shop_id: int, text: str
) -> list[CustomerSum]:
    """Who bought here with this phone, the last four of it, or under this name."""
    text = unicodedata.normalize("NFKC", text).strip()
    if phone := _phone(text):
        return await customers.by_phone(conn, shop_id, keyring.index(phone))
    digits = re.sub(r"\s", "", text)
    if len(digits) == order_words.TAIL and digits.isascii() and digits.isdigit():
        word: bytes | None = order_words.of_tail(keyring, shop_id, digits)
    else:
        word = order_words.of_name(keyring, shop_id, text[:_LONGEST_NAME])
    if word is None:
        return []
    numbers = await order_words.having(conn, shop_id, word, _LOOKED_THROUGH)
    return await customers.of_numbers(conn, shop_id, numbers)


def _phone(text: str) -> str:
    try:
        return phones.parse(text).e164
    except Refused:
        return ""
