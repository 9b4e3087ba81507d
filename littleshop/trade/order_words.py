"""Order words: an order is found by its recipient's name and the tail of his phone without either
being read: each word is a blind index under a key of its use, another one in every shop. What
another shop ships is found by words of a use of its own, under the number of the shop that sold it.

A job enters them shop by shop, up to the number that was placed last, so they may lag.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from littleshop import db
from littleshop.catalog import search
from littleshop.crypto import Keyring
from littleshop.jobs import Context, Daily, Every, Task
from littleshop.trade.orders import Delivery

JOB = "order_words.fill"
TIMETABLE: dict[str, Every | Daily] = {JOB: Every(5)}
BATCH = 300  # orders of a shop in one transaction
SHOPS = 1000  # shops at once
TAIL = 4
OWN, RESOLD = "name", "resold name"  # uses of a name's words
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")
_DOUBLE = re.compile(
    "欧阳|司马|上官|诸葛|司徒|东方|独孤|南宫|夏侯|尉迟|皇甫|公孙|慕容|令狐|长孙|宇文|轩辕|司空"
    "|端木|百里|东郭|西门|申屠|澹台|闻人|呼延|赫连|拓跋"
)
_TITLES = re.compile("(先生|女士|小姐|老师|师傅|阿姨)$")


def names(text: str) -> list[str]:
    """By what a name is found: all of it, a Chinese surname and given name, each Latin word."""
    words = re.findall(r"\w+", search.plain(text))
    whole = "".join(words)
    found = [whole, *words]
    if _HAN.fullmatch(whole):
        whole = _TITLES.sub("", whole) or whole
        cut = 2 if _DOUBLE.match(whole) and len(whole) > 2 else 1
        found += [whole, whole[:cut]]
        if len(whole) - cut > 1:
            found.append(whole[cut:])
    return [word for word in dict.fromkeys(found) if word]


def of_name(keyring: Keyring, shop_id: int, name: str, *, use: str = OWN) -> bytes | None:
    """The word of a name or surname as it is typed into a search; None for none."""
    whole = "".join(re.findall(r"\w+", search.plain(name)))
    return keyring.word(use, f"{shop_id}:{whole}") if whole else None


def of_tail(keyring: Keyring, shop_id: int, tail: str) -> bytes:
    """The word of the last four digits of a phone."""
    return keyring.word("phone tail", f"{shop_id}:{tail}")


def of_buyer(keyring: Keyring, shop_id: int, name: str, *, use: str = OWN) -> list[bytes]:
    """All words of a name."""
    return [keyring.word(use, f"{shop_id}:{word}") for word in names(name)]


def of_delivery(keyring: Keyring, shop_id: int, to: Delivery) -> list[bytes]:
    """All words of where an order goes."""
    made = of_buyer(keyring, shop_id, to.name)
    if len(to.phone) > TAIL:
        made.append(of_tail(keyring, shop_id, to.phone[-TAIL:]))
    return made


async def write(conn: db.Connection, shop_id: int, words: Iterable[tuple[int, bytes]]) -> None:
    """Enter words of orders (number, word); what is there stays."""
    pairs = list(words)
    await db.run(
        conn,
        "insert into order_words (shop_id, word, number)"
        " select $1, w.word, w.number from unnest($2::bytea[], $3::bigint[]) as w(word, number)"
        " on conflict (shop_id, word, number) do nothing",
        shop_id,
        [word for _, word in pairs],
        [number for number, _ in pairs],
    )


async def having(conn: db.Connection, shop_id: int, word: bytes, most: int) -> list[int]:
    """The numbers of the orders that have a word, the last first."""
    rows = await conn.fetch(
        "select number from order_words where shop_id = $1 and word = $2"
        " order by number desc limit $3",
        shop_id,
        word,
        most,
    )
    return [row["number"] for row in rows]


class Behind(msgspec.Struct, frozen=True):
    """A shop whose orders after `number` have no words yet; its last one has number `last`."""

    shop_id: int
    number: int
    last: int


async def behind(conn: db.Connection, most: int = SHOPS) -> list[Behind]:
    """The shops with orders that have no words; numbers are given in the order of commits."""
    return await db.all(
        conn,
        Behind,
        "select /* all shops: the job that enters their words */ c.shop_id,"
        "       coalesce(m.number, 0) as number, c.last_number as last"
        "  from order_counters c left join order_word_marks m on m.shop_id = c.shop_id"
        " where c.last_number > coalesce(m.number, 0) order by c.shop_id limit $1",
        most,
    )


class _Placed(msgspec.Struct, frozen=True):
    number: int
    delivery_sealed: bytes


async def enter(conn: db.Connection, keyring: Keyring, shop: Behind, most: int = BATCH) -> None:
    """Enter the words of a shop's next orders and remember how far."""
    placed = await db.all(
        conn,
        _Placed,
        "select number, delivery_sealed from orders"
        " where shop_id = $1 and number > $2 and number <= $3 order by number limit $4",
        shop.shop_id,
        shop.number,
        shop.last,
        most,
    )
    made = []
    for each in placed:
        to = msgspec.json.decode(keyring.open(each.delivery_sealed), type=Delivery)
        made += [(each.number, word) for word in of_delivery(keyring, shop.shop_id, to)]
    await write(conn, shop.shop_id, made)
    await db.run(
        conn,
        "insert into order_word_marks as m (shop_id, number) values ($1, $2)"
        " on conflict (shop_id) do update set number = excluded.number"
        " where m.number < excluded.number",
        shop.shop_id,
        placed[-1].number if len(placed) == most else shop.last,
    )


async def fill(database: db.Database, keyring: Keyring) -> None:
    """Enter what every shop's orders lack."""
    while True:
        async with database.connection() as conn:
            late = await behind(conn)
        for shop in late:
            await database.transaction(lambda conn, shop=shop: enter(conn, keyring, shop))  # type: ignore[misc]
        if not late:
            return


def tasks(keyring: Keyring) -> dict[str, Task]:
    """The job of these words."""

    async def work(context: Context) -> None:
        await fill(context.database, keyring)

    return {JOB: Task(work, attempts=3)}
