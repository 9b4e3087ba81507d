"""Search in a shop: by which words a thing is found, and what a visitor's words find.

Chinese is cut into single characters and pairs of them, so that a word of two characters is found
wherever it stands; a title's also into pinyin (gai, wan, gaiwan) and its initials (gw). Latin words
go by their English stem. The same cutting is used on both sides, so finding is one comparison of
arrays, which a GIN index answers; each word carries its shop's number, so that the index of all
shops serves one without a look at the others. Whoever writes a product writes its words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, lru_cache
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.catalog.drafts import Option, ProductDraft, tidy

MAKER = 1  # raise it when the cutting changes: what an older one made is made anew
LONGEST_QUERY = 60
MOST_TERMS = 24  # of a query; what comes after is not looked for
MOST_WORDS = 3000  # of a product
MOST_FOUND = 120
DESCRIPTION = 2000  # characters of a description that are looked at
_LONGEST_WORD = 40
_SYLLABLES = 4  # so many in a row make a word of pinyin
_INITIALS = 8
_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_RUNS = re.compile(rf"([{_HAN}]+)|(\d+(?:\.\d+)?)|([^\W\d_]+)")


class Found(msgspec.Struct, frozen=True):
    """A thing that was found; `in_title` when its title holds the words as they were typed."""

    product_id: UUID
    in_title: bool


@cache
def _stems() -> Callable[[str], str]:
    """English stems; one stemmer keeps what it has met."""
    import snowballstemmer  # type: ignore[import-untyped]

    stemmer = snowballstemmer.stemmer("english")
    return lru_cache(maxsize=20_000)(lambda word: str(stemmer.stemWord(word)))


@cache
def _pinyin() -> Callable[[str], list[str]]:
    """Syllables of characters. Loaded with the first Chinese title that is written: its dictionary
    takes 50 MB and a fifth of a second, and most processes never write one."""
    from pypinyin import lazy_pinyin

    return lazy_pinyin


def plain(text: str) -> str:
    """Text as it is compared: full-width signs made plain, lower case, accents left out."""
    bare = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).lower())
    kept = "".join(sign for sign in bare if not unicodedata.combining(sign))
    return unicodedata.normalize("NFC", kept)


def _latin(word: str) -> str:
    return _stems()(word[:_LONGEST_WORD])


def _pairs(run: str) -> Iterator[str]:
    return (run[at : at + 2] for at in range(len(run) - 1))


def _spoken(run: str) -> Iterator[str]:
    """Pinyin of a run of characters: syllables, some in a row, and the initials of some."""
    syllables = _pinyin()(run)
    for at in range(len(syllables)):
        for length in range(1, min(_SYLLABLES, len(syllables) - at) + 1):
            yield _latin("".join(syllables[at : at + length]))
        for length in range(2, min(_INITIALS, len(syllables) - at) + 1):
            yield _latin("".join(syllable[:1] for syllable in syllables[at : at + length]))


def _cut(text: str, *, spoken: bool) -> Iterator[str]:
    """Every word by which this text is found."""
    for han, number, latin in _RUNS.findall(plain(text)):
        if han:
            yield from han
            yield from _pairs(han)
            if spoken:
                yield from _spoken(han)
        else:
            yield number[:_LONGEST_WORD] or _latin(latin)


def words(draft: ProductDraft, shop_id: int) -> list[str]:
    """By which words a product is found: first those of its title, as many as are kept."""
    chosen = [part for option in draft.options for part in (option.name, *option.values)]
    found: dict[str, None] = {}
    for text in (draft.title, draft.category, *chosen):
        found |= dict.fromkeys(_cut(text, spoken=True))
    found |= dict.fromkeys(_cut(draft.description[:DESCRIPTION], spoken=False))
    return of_shop(shop_id, list(found)[:MOST_WORDS])


def of_shop(shop_id: int, plain_words: Iterable[str]) -> list[str]:
    """Words as a shop's index has them: no other shop has the same ones."""
    return [f"{shop_id}:{word}" for word in plain_words]


def terms(query: str) -> list[str]:
    """What a thing must have to be found by these words; none when they hold no letter or digit.

    A Chinese run of one character asks for it, a longer one for its pairs.
    """
    found: dict[str, None] = {}
    for han, number, latin in _RUNS.findall(plain(query[:LONGEST_QUERY])):
        if han:
            found |= dict.fromkeys(_pairs(han) if len(han) > 1 else han)
        else:
            found[number[:_LONGEST_WORD] or _latin(latin)] = None
    return list(found)[:MOST_TERMS]


def typed(query: str) -> str:
    """What was typed, fit to be shown again: one line, at most LONGEST_QUERY characters."""
    return tidy(query[: 4 * LONGEST_QUERY])[:LONGEST_QUERY]


async def write(conn: db.Connection, shop_id: int, product_id: UUID, draft: ProductDraft) -> None:
    """Keep the words of a product, in the transaction that writes it; a title of marks alone has
    the shop for its word."""
    await write_many(conn, shop_id, [(product_id, draft)])


async def write_many(
    conn: db.Connection, shop_id: int, drafts: Sequence[tuple[UUID, ProductDraft]]
) -> None:
    """The same of many products."""
    await conn.executemany(
        "insert into product_words (shop_id, product_id, words, made_by) values ($1, $2, $3, $4)"
        " on conflict on constraint product_words_pkey do update"
        " set words = excluded.words, made_by = excluded.made_by",
        [
            (shop_id, product_id, words(draft, shop_id) or [f"{shop_id}:"], MAKER)
            for product_id, draft in drafts
        ],
    )


async def find(conn: db.Connection, shop_id: int, query: str) -> list[Found]:
    """What of a shop's shelf has all the words of a query: first what says so in its title, then
    in the shelf's order; at most MOST_FOUND."""
    query = typed(query)
    wanted = terms(query)
    if not wanted:
        return []
    return await db.all(conn, Found, FIND, shop_id, of_shop(shop_id, wanted), plain(query))


async def every(conn: db.Connection, shop_id: int, query: str) -> list[UUID]:
    """What of a shop has all these words, on the shelf or not: its seller looks for what he sold;
    at most MOST_FOUND."""
    wanted = terms(query)
    if not wanted:
        return []
    rows = await conn.fetch(
        "select product_id from product_words where shop_id = $1 and words @> $2::text[]"
        f" limit {MOST_FOUND}",
        shop_id,
        of_shop(shop_id, wanted),
    )
    return [row["product_id"] for row in rows]


FIND = f"""
select p.product_id, position($3 in lower(p.title)) > 0 as in_title
  from products p
 where p.shop_id = $1 and p.status = 'on_sale'
   and p.product_id = any (array(select w.product_id from product_words w
                                  where w.shop_id = $1 and w.words @> $2::text[]))
 order by in_title desc, p.sort_order, p.product_id limit {MOST_FOUND}"""


class _Wordless(msgspec.Struct, frozen=True):
    """A product whose words nobody made yet, or an older maker."""

    shop_id: int
    product_id: UUID
    title: str
    description: str
    category: str
    options: list[dict[str, object]]


async def fill(database: db.Database, most: int = 500) -> int:
    """Make the words of products that were there before search was, some at a time; how many."""
    async with database.connection() as conn:
        found = await db.all(
            conn,
            _Wordless,
            "select /* all shops: what was written before */ p.shop_id, p.product_id, p.title,"
            " p.description, p.category, p.options from products p"
            " left join product_words w on w.shop_id = p.shop_id and w.product_id = p.product_id"
            " where w.made_by is null or w.made_by < $1 limit $2",
            MAKER,
            most,
        )
    await _fill(database, found)
    return len(found)


async def _fill(database: db.Database, found: Sequence[_Wordless]) -> None:
    for row in found:
        draft = ProductDraft(
            title=row.title,
            variants=(),
            description=row.description,
            category=row.category,
            options=_options(row.options),
        )

        async def work(
            conn: db.Connection, row: _Wordless = row, draft: ProductDraft = draft
        ) -> None:
            await write(conn, row.shop_id, row.product_id, draft)

        await database.transaction(work)


def _options(kept: Iterable[dict[str, object]]) -> tuple[Option, ...]:
    return msgspec.convert(list(kept), tuple[Option, ...])
