"""Showing the id card: photos of both sides are kept for an institution, shown to it, and removed.

Nobody else sees them: there is no address that answers with one. What lies on the disk is sealed,
is no part of a backup, and goes as soon as no institution needs it any more (`clear`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from uuid import UUID

from littleshop import db, ids
from littleshop.crypto import Keyring
from littleshop.files import Files
from littleshop.pay.gateways import Escrow
from littleshop.shop import id_photos
from littleshop.shop.id_photos import IdPhotos


def wanting(escrows: Mapping[str, Escrow]) -> list[str]:
    """The institutions that want to see both sides of the id card."""
    return sorted(name for name, escrow in escrows.items() if escrow.wants_id_card)


async def write(
    database: db.Database,
    keyring: Keyring,
    files: Files,
    shop_id: int,
    *,
    key: UUID,
    sides: tuple[bytes, bytes],
    at: datetime,
) -> IdPhotos | None:
    """Seal the side with the face and the one with the emblem (JPEG) and write them; they count
    once `id_photos.complete` is said. None when the form with this `key` was kept before."""
    face, emblem = [keyring.seal_bytes(each) for each in sides]
    names = files.sealed_name(face), files.sealed_name(emblem)

    async def begin(conn: db.Connection) -> IdPhotos | None:
        known = await id_photos.get(conn, shop_id, key)
        if known is not None and known.kept_at is not None:
            return None
        photos_id = key if known is None else ids.uuid7(at)  # the first press was never ended
        made = await id_photos.begin(conn, shop_id, photos_id, *names, at)
        return made or await id_photos.begin(conn, shop_id, ids.uuid7(at), *names, at)

    photos = await database.transaction(begin)
    if photos is not None:
        await files.put_sealed(face)
        await files.put_sealed(emblem)
    return photos


async def read(
    database: db.Database, keyring: Keyring, files: Files, shop_id: int
) -> tuple[bytes, bytes] | None:
    """Both sides, unsealed; None when they are not there. A pair whose files are lost (restored
    from a backup) is forgotten: the seller is asked for them again."""
    while True:
        async with database.connection() as conn:
            photos = await id_photos.newest(conn, shop_id)
        if photos is None:
            return None
        face = await files.get_sealed(photos.face)
        emblem = await files.get_sealed(photos.emblem)
        if face is not None and emblem is not None:
            return keyring.open_bytes(face), keyring.open_bytes(emblem)
        await _remove(database, files, photos)


async def clear(
    database: db.Database,
    files: Files,
    gateways: list[str],
    at: datetime,
    shop_id: int | None = None,
) -> int:
    """Remove what none of these institutions needs any more, of one shop or of all; how many."""
    async with database.connection() as conn:
        over = await id_photos.over(conn, gateways, at, shop_id=shop_id)
    for photos in over:
        await _remove(database, files, photos)
    return len(over)


async def _remove(database: db.Database, files: Files, photos: IdPhotos) -> None:
    """The files first: a kill between leaves a row, which is found again."""
    await files.remove_sealed(photos.face)
    await files.remove_sealed(photos.emblem)
    await database.transaction(partial(id_photos.delete, photos=photos))
