"""Reports: somebody says that something is wrong with a page, and what an operator did with it.

A report is about a shop, one of its products, a review or a letter (whatever one person sends
another); a device has one open report of each. The seller never learns who reported.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, get_args
from uuid import UUID

import msgspec

from littleshop import db, ids
from littleshop.catalog.drafts import tidy
from littleshop.errors import Refused

About = Literal["shop", "product", "review", "letter"]
Outcome = Literal["dismissed", "taken_down", "settled"]
KINDS = ("banned", "fake", "stolen", "misleading", "rude", "other")
WORDS_LENGTH = 500
ABOUTS = get_args(About)


class Subject(msgspec.Struct, frozen=True):
    """What is reported: `subject` is the id of a product or review, the hash of a letter's token
    as hex digits, or "" for the shop itself; `path` its page, without any token."""

    shop_id: int
    about: About
    subject: str
    path: str


class Reported(msgspec.Struct, frozen=True):
    """What people say of one thing and nobody decided yet; `kinds` and `words` of the newest."""

    shop_id: int
    about: About
    subject: str
    path: str
    count: int
    since: datetime
    kinds: list[str]
    words: list[str]


async def file(
    conn: db.Connection,
    subject: Subject,
    *,
    kind: str,
    words: str,
    device: bytes,
    at: datetime,
) -> None:
    """Keep a report; a device that has an open one of the same thing changes nothing.

    Raises Refused: report_kind, report_words(have, most); `other` asks for words: report_empty.
    """
    said = "\n".join(filter(None, map(tidy, words.splitlines())))
    if kind not in KINDS:
        raise Refused("report_kind")
    if len(said) > WORDS_LENGTH:
        raise Refused("report_words", have=len(said), most=WORDS_LENGTH)
    if kind == "other" and not said:
        raise Refused("report_empty")
    await db.run(
        conn,
        "insert into reports (shop_id, report_id, about, subject, path, kind, words, device, at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing",
        subject.shop_id,
        ids.uuid7(at),
        subject.about,
        subject.subject,
        subject.path,
        kind,
        said,
        device,
        at,
    )


_GROUPED = """
select /* all shops: the operator's desk */ shop_id, about, subject, min(path) as path,
       count(*)::integer as count, min(at) as since,
       (array_agg(kind order by at desc))[:20] as kinds,
       (array_agg(words order by at desc) filter (where words <> ''))[:5] as words
  from reports
 where status = 'open' and ($1::bigint is null or shop_id = $1)
   and ($2::text is null or about = $2) and ($3::text is null or subject = $3)
 group by shop_id, about, subject
 order by min(at) limit $4"""


async def waiting(conn: db.Connection, most: int = 100) -> list[Reported]:
    """Everything reported of which nobody decided, what waits longest first."""
    return [_read(row) for row in await conn.fetch(_GROUPED, None, None, None, most)]


def _read(row: Mapping[str, Any]) -> Reported:
    told = dict(row)
    return Reported(**(told | {"words": told["words"] or []}))


async def decide(
    conn: db.Connection,
    shop_id: int,
    about: str,
    subject: str,
    outcome: Outcome,
    *,
    by: UUID,
    at: datetime,
) -> int:
    """Close every open report of a thing; how many. Raises Refused("report_decided") for none."""
    closed = await db.run(
        conn,
        "update reports set status = $4, decided_at = $5, decided_by = $6 where shop_id = $1"
        " and about = $2 and subject = $3 and status = 'open'",
        shop_id,
        about,
        subject,
        outcome,
        at,
        by,
    )
    if not closed:
        raise Refused("report_decided")
    return closed
