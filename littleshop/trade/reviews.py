"""Reviews: what people who received a thing say of it, and the seller's one answer.

One review for each line of an order, written by the role that received it; it may be amended for
thirty days. Nobody deletes one. An operator may take one down with a reason (oversight).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from littleshop import db, ids
from littleshop.catalog.drafts import tidy
from littleshop.errors import NotFound, Refused
from littleshop.shop import shops
from littleshop.trade.orders import Order

AMEND = timedelta(days=30)
MOST_PHOTOS = 4
WORDS_LENGTH = 1000
ANSWER_LENGTH = 500
_SPACE = UUID("3b4b1a54-0f5c-4c53-9b86-6b1d3f4f7a10")  # of review ids


class Photo(msgspec.Struct, frozen=True):
    """A public picture; width and height of its largest size in pixels."""

    file: str
    width: int
    height: int
    colour: str


class Review(msgspec.Struct, frozen=True):
    """A row of reviews; `name` is masked, `answer` "" until the seller wrote one."""

    shop_id: int
    review_id: UUID
    order_id: UUID
    position: int
    product_id: UUID
    choice: str
    stars: int
    words: str
    name: str
    written_at: datetime
    amended_at: datetime | None
    answer: str
    answered_at: datetime | None
    taken_down_at: datetime | None
    taken_down_why: str

    def may_amend(self, at: datetime) -> bool:
        """Whether its writer may still change it."""
        return self.taken_down_at is None and at <= self.written_at + AMEND


class Said(msgspec.Struct, frozen=True):
    """What somebody wants to say of a line of his order."""

    stars: int
    words: str
    photos: tuple[Photo, ...] = ()


class Sum(msgspec.Struct, frozen=True):
    """How a thing or a shop was judged: `tenths` is the mean, 47 for 4.7."""

    count: int
    tenths: int

    @property
    def mean(self) -> str:
        """The mean as people read it: 4.7."""
        return f"{self.tenths // 10}.{self.tenths % 10}"


class Shown(msgspec.Struct, frozen=True):
    """A review with its photos and what the shop did about it: "money", "goods_back", "exchange",
    "open" (it is being settled) or ""."""

    review: Review
    photos: list[Photo]
    done: str
    title: str = ""


_COLUMNS = ", ".join(Review.__struct_fields__)
_OF_ROW = ", ".join(f"r.{name}" for name in Review.__struct_fields__)


def received(order: Order) -> bool:
    """Whether there is something to say: it was received, or all went back after it was sent."""
    if order.status in ("received", "closed"):
        return True
    return order.status == "refunded" and order.shipped_at is not None


def check(said: Said) -> Said:
    """What was said, tidied. Raises Refused: review_stars, review_words(have, most),
    review_photos(most)."""
    words = "\n".join(filter(None, map(tidy, said.words.splitlines())))
    if not 1 <= said.stars <= 5:
        raise Refused("review_stars")
    if len(words) > WORDS_LENGTH:
        raise Refused("review_words", have=len(words), most=WORDS_LENGTH)
    if len(said.photos) > MOST_PHOTOS:
        raise Refused("review_photos", most=MOST_PHOTOS)
    return msgspec.structs.replace(said, words=words)


def identity(shop_id: int, order_id: UUID, position: int) -> UUID:
    """The id of the review of a line."""
    return ids.derived(_SPACE, f"{shop_id}:{order_id}:{position}")


async def write(
    conn: db.Connection,
    order: Order,
    position: int,
    said: Said,
    *,
    name: str,
    device: bytes,
    at: datetime,
) -> Review:
    """Write or amend the review of a line; saying the same again changes nothing.

    The caller has checked that this device may. Raises Refused: as `check`, review_not_yet,
    review_late; NotFound.
    """
    said = check(said)
    if not received(order):
        raise Refused("review_not_yet")
    review_id = identity(order.shop_id, order.order_id, position)
    fresh = await db.run(
        conn,
        "insert into reviews (shop_id, review_id, order_id, position, product_id, choice, stars,"
        " words, name, device, written_at)"
        " select $1, $2, $3, $4, i.product_id, i.choice, $5, $6, $7, $8, $9 from order_items i"
        "  where i.shop_id = $1 and i.order_id = $3 and i.position = $4"
        " on conflict on constraint reviews_pkey do nothing",
        order.shop_id,
        review_id,
        order.order_id,
        position,
        said.stars,
        said.words,
        name,
        device,
        at,
    )
    known = await lock(conn, order.shop_id, review_id)
    shown = await _photos(conn, order.shop_id, [review_id])
    if not fresh and _says(known, shown.get(review_id, [])) == said:
        return known
    if not fresh:
        known = await _amend(conn, known, said, at)
    await _show(conn, known, said.photos)
    await shops.touch(conn, order.shop_id)
    return known


def _says(review: Review, photos: Sequence[Photo]) -> Said:
    return Said(review.stars, review.words, tuple(photos))


async def _amend(conn: db.Connection, known: Review, said: Said, at: datetime) -> Review:
    if not known.may_amend(at):
        raise Refused("review_late")
    await db.run(
        conn,
        "update reviews set stars = $3, words = $4, amended_at = $5"
        " where shop_id = $1 and review_id = $2",
        known.shop_id,
        known.review_id,
        said.stars,
        said.words,
        at,
    )
    return msgspec.structs.replace(known, stars=said.stars, words=said.words, amended_at=at)


async def _show(conn: db.Connection, review: Review, photos: Sequence[Photo]) -> None:
    await db.run(
        conn,
        "delete from review_photos where shop_id = $1 and review_id = $2",
        review.shop_id,
        review.review_id,
    )
    for place, photo in enumerate(photos):
        await db.run(
            conn,
            "insert into review_photos (shop_id, review_id, place, file, width, height, colour)"
            " values ($1, $2, $3, $4, $5, $6, $7)",
            review.shop_id,
            review.review_id,
            place,
            photo.file,
            photo.width,
            photo.height,
            photo.colour,
        )


async def lock(conn: db.Connection, shop_id: int, review_id: UUID) -> Review:
    """A review, held until the transaction ends. Raises NotFound."""
    found = await db.one(
        conn,
        Review,
        f"select {_COLUMNS} from reviews where shop_id = $1 and review_id = $2 for update",
        shop_id,
        review_id,
    )
    if found is None:
        raise NotFound("review")
    return found


async def answer(
    conn: db.Connection, shop_id: int, review_id: UUID, words: str, *, by: UUID, at: datetime
) -> None:
    """The seller answers, once; the same words again change nothing.

    Raises Refused: answer_empty, answer_length(have, most), answer_once; NotFound.
    """
    words = "\n".join(filter(None, map(tidy, words.splitlines())))
    if not words:
        raise Refused("answer_empty")
    if len(words) > ANSWER_LENGTH:
        raise Refused("answer_length", have=len(words), most=ANSWER_LENGTH)
    known = await lock(conn, shop_id, review_id)
    if known.answer == words:
        return
    if known.answer or known.taken_down_at is not None:
        raise Refused("answer_once")
    await db.run(
        conn,
        "update reviews set answer = $3, answered_by = $4, answered_at = $5"
        " where shop_id = $1 and review_id = $2",
        shop_id,
        review_id,
        words,
        by,
        at,
    )
    await shops.touch(conn, shop_id)


async def take_down(
    conn: db.Connection, shop_id: int, review_id: UUID, *, why: str, by: UUID, at: datetime
) -> Review:
    """An operator takes a review off the pages; its writer and the seller read why.

    Raises NotFound, Refused("review_down") when it was taken down before.
    """
    known = await lock(conn, shop_id, review_id)
    if known.taken_down_at is not None:
        raise Refused("review_down")
    await db.run(
        conn,
        "update reviews set taken_down_at = $3, taken_down_by = $4, taken_down_why = $5"
        " where shop_id = $1 and review_id = $2",
        shop_id,
        review_id,
        at,
        by,
        why,
    )
    await shops.touch(conn, shop_id)
    return known


async def find(conn: db.Connection, shop_id: int, review_id: UUID) -> Shown | None:
    """One review with what belongs to it, whatever became of it."""
    found = await _shown(conn, shop_id, f"{_BY} and r.review_id = $2 limit $3 offset $4",
                         review_id, 1, 0)  # fmt: skip
    return found[0] if found else None


async def of_order(conn: db.Connection, shop_id: int, order_id: UUID) -> dict[int, Review]:
    """The reviews of an order by its lines."""
    rows = await db.all(
        conn,
        Review,
        f"select {_COLUMNS} from reviews where shop_id = $1 and order_id = $2",
        shop_id,
        order_id,
    )
    return {row.position: row for row in rows}


async def of_product(
    conn: db.Connection, shop_id: int, product_id: UUID, *, most: int, skip: int = 0
) -> list[Shown]:
    """What is said of a product, the newest first; what was taken down is left out."""
    return await _shown(
        conn,
        shop_id,
        f"{_BY} and r.product_id = $2 and r.taken_down_at is null"
        " order by r.written_at desc, r.review_id limit $3 offset $4",
        product_id,
        most,
        skip,
    )


async def of_shop(
    conn: db.Connection, shop_id: int, *, unanswered: bool, most: int, skip: int = 0
) -> list[Shown]:
    """What is said of all that a shop sells, for its people: what was taken down as well."""
    return await _shown(
        conn,
        shop_id,
        f"{_BY} and (not $2 or (r.answer = '' and r.taken_down_at is null))"
        " order by r.written_at desc, r.review_id limit $3 offset $4",
        unanswered,
        most,
        skip,
    )


async def unanswered(conn: db.Connection, shop_id: int) -> int:
    """How many reviews the seller did not answer."""
    return int(
        await db.value(
            conn,
            "select count(*) from reviews where shop_id = $1 and answer = ''"
            " and taken_down_at is null",
            shop_id,
        )
    )


async def of(conn: db.Connection, shop_id: int, product_id: UUID | None = None) -> Sum | None:
    """How a product, or all that a shop sells, was judged; None when nobody said."""
    row = await conn.fetchrow(
        "select count(*)::integer as count, round(avg(stars) * 10)::integer as tenths"
        "  from reviews where shop_id = $1 and ($2::uuid is null or product_id = $2)"
        " and taken_down_at is null",
        shop_id,
        product_id,
    )
    assert row is not None
    return Sum(row["count"], row["tenths"]) if row["count"] else None


# What became of the order it is about: of several cases the last; an open one is being settled.
_BY = f"""
select {_OF_ROW}, coalesce(i.title, '') as title, coalesce(c.done, '') as done
  from reviews r
  left join order_items i on i.shop_id = r.shop_id and i.order_id = r.order_id
                         and i.position = r.position
  left join lateral (
    select case when k.ended_at is null then 'open' when k.kind = 'exchange' then 'exchange'
                when k.kind = 'return' then 'goods_back' else 'money' end as done
      from cases k where k.shop_id = $1 and k.order_id = r.order_id
       and (k.ended_at is null or k.status = 'done')
     order by k.number desc limit 1) c on true
 where r.shop_id = $1"""


async def _shown(conn: db.Connection, shop_id: int, sql: str, *values: object) -> list[Shown]:
    rows = await conn.fetch(sql, shop_id, *values)
    photos = await _photos(conn, shop_id, [row["review_id"] for row in rows])
    own = Review.__struct_fields__
    return [
        Shown(
            Review(**{name: row[name] for name in own}),
            photos.get(row["review_id"], []),
            row["done"],
            row["title"],
        )
        for row in rows
    ]


async def _photos(
    conn: db.Connection, shop_id: int, review_ids: Sequence[UUID]
) -> dict[UUID, list[Photo]]:
    found: dict[UUID, list[Photo]] = {}
    if not review_ids:
        return found
    for row in await conn.fetch(
        "select review_id, file, width, height, colour from review_photos"
        " where shop_id = $1 and review_id = any ($2::uuid[]) order by review_id, place",
        shop_id,
        list(review_ids),
    ):
        told = dict(row)
        found.setdefault(told.pop("review_id"), []).append(Photo(**told))
    return found
