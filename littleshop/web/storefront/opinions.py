"""Reviews as pages show them; nothing here reads the database."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import msgspec

from littleshop import i18n
from littleshop.trade.reviews import Shown, Sum
from littleshop.web.storefront.views import Picture, Said

ON_PRODUCT = 2  # as many as stand on a product's page


class Opinion(msgspec.Struct, frozen=True):
    """A review for a page; `done` is a key of life.done, or "". Widths of photos are those of
    their files."""

    id: str
    name: str
    choice: str
    title: str
    stars: int
    words: list[str]
    photos: list[Picture]
    day: date
    changed: bool
    done: str
    answer: list[str]
    answered: date | None


class Rating(msgspec.Struct, frozen=True):
    """How a thing was judged."""

    mean: str
    count: int


def opinion(shown: Shown, zone: str) -> Opinion:
    """A review for a page, its days those of the shop."""
    row, place = shown.review, ZoneInfo(zone)
    return Opinion(
        id=str(row.review_id),
        name=row.name,
        choice=row.choice,
        title=shown.title,
        stars=row.stars,
        words=row.words.splitlines(),
        photos=[Picture(photo.file, "") for photo in shown.photos],
        day=row.written_at.astimezone(place).date(),
        changed=row.amended_at is not None,
        done=shown.done,
        answer=row.answer.splitlines(),
        answered=row.answered_at.astimezone(place).date() if row.answered_at else None,
    )


def rating(known: Sum | None) -> Rating | None:
    """The mean and how many it is made of; None when nobody said anything."""
    return None if known is None else Rating(known.mean, known.count)


def with_rating(locale: str, record: list[Said], known: Sum | None) -> list[Said]:
    """A shop's record with how it was judged, in at most three figures."""
    if known is None:
        return record
    said = Said(
        known.mean,
        i18n.t(locale, "life.record.rating", count=known.count),
        i18n.t(locale, "life.told.rating", figure=known.mean, count=known.count),
    )
    return [*record[:1], said, *record[1:]][:3]
