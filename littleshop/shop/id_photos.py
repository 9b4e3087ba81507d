"""Photos of both sides of a seller's id card: the rows that name their sealed files.

A row is written before its files and deleted after them. The newest pair that is whole is the one
an institution is shown; nobody else sees it (entry/showing_id_card.py).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from littleshop import db

KEPT = timedelta(days=7)  # after a refusal, or before anybody was asked; then they are given again
AT_WORK = timedelta(hours=1)  # nobody writes two files for so long: the one who did was killed


class IdPhotos(msgspec.Struct, frozen=True):
    """`face` and `emblem` name the files of the two sides; whole once `kept_at` says when."""

    shop_id: int
    photos_id: UUID
    face: str
    emblem: str
    begun_at: datetime
    kept_at: datetime | None


_COLUMNS = ", ".join(IdPhotos.__struct_fields__)


async def begin(
    conn: db.Connection, shop_id: int, photos_id: UUID, face: str, emblem: str, at: datetime
) -> IdPhotos | None:
    """Name the two files before they are written; None where this pair was begun before."""
    return await db.one(
        conn,
        IdPhotos,
        "insert into id_photos (shop_id, photos_id, face, emblem, begun_at)"
        " values ($1, $2, $3, $4, $5) on conflict on constraint id_photos_pkey do nothing"
        f" returning {_COLUMNS}",
        shop_id,
        photos_id,
        face,
        emblem,
        at,
    )


async def complete(conn: db.Connection, photos: IdPhotos, at: datetime) -> bool:
    """Both files are written; False when that was said before."""
    return await db.changed(
        conn,
        "update id_photos set kept_at = $3"
        " where shop_id = $1 and photos_id = $2 and kept_at is null",
        photos.shop_id,
        photos.photos_id,
        at,
    )


async def get(conn: db.Connection, shop_id: int, photos_id: UUID) -> IdPhotos | None:
    """A pair of this shop, whole or not."""
    return await db.one(
        conn,
        IdPhotos,
        f"select {_COLUMNS} from id_photos where shop_id = $1 and photos_id = $2",
        shop_id,
        photos_id,
    )


async def newest(conn: db.Connection, shop_id: int) -> IdPhotos | None:
    """The pair that an institution is shown, or None."""
    return await db.one(
        conn,
        IdPhotos,
        f"select {_COLUMNS} from id_photos where shop_id = $1 and kept_at is not null"
        " order by kept_at desc, photos_id desc limit 1",
        shop_id,
    )


async def delete(conn: db.Connection, photos: IdPhotos) -> None:
    """Forget a pair whose files are removed."""
    await db.run(
        conn,
        "delete from id_photos where shop_id = $1 and photos_id = $2",
        photos.shop_id,
        photos.photos_id,
    )


_OVER = """
select {columns} from id_photos p /* all shops: the worker's sweep */
 where ($2::bigint is null or p.shop_id = $2)
   and case when p.kept_at is null then p.begun_at < $3 else
         exists (select from id_photos q where q.shop_id = p.shop_id
                    and (q.kept_at, q.photos_id) > (p.kept_at, p.photos_id))
         or not exists (
           select from admissions a where a.shop_id = p.shop_id and a.gateway = any ($1)
              and not exists (select from admissions b
                               where b.shop_id = a.shop_id and b.gateway = a.gateway
                                 and (b.asked_at, b.admission_id) > (a.asked_at, a.admission_id))
              and (a.status = 'asked' or (a.status = 'signing' and p.kept_at >= $4)
                   or (a.status = 'refused' and greatest(a.heard_at, p.kept_at) >= $4)))
         and (p.kept_at < $4
              or exists (select from admissions a
                          where a.shop_id = p.shop_id and a.gateway = any ($1)))
       end
 order by p.begun_at limit $5
"""


async def over(
    conn: db.Connection,
    wanting: list[str],
    at: datetime,
    *,
    shop_id: int | None = None,
    most: int = 200,
) -> list[IdPhotos]:
    """Pairs nobody needs any more, of all shops or of one: every institution that wants photos
    (`wanting`) has admitted the seller, or refused him longer ago than KEPT, or waits for his
    signature and they are older than KEPT; a later pair is there; or writing them never ended."""
    return await db.all(
        conn,
        IdPhotos,
        _OVER.format(columns=", ".join(f"p.{each}" for each in IdPhotos.__struct_fields__)),
        wanting,
        shop_id,
        at - AT_WORK,
        at - KEPT,
        most,
    )
