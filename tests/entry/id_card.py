"""A seller's id card, photographed: both sides, kept for the institutions that want to see them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from uuid import UUID, uuid4

from littleshop.entry import admitting, showing_id_card
from littleshop.files import Files
from littleshop.pay.gateways import Escrow
from tests.cast import Town

SIDES = (b"\xff\xd8\xff the face", b"\xff\xd8\xff the emblem")


async def shows(
    town: Town,
    files: Files,
    escrows: Mapping[str, Escrow],
    *,
    sides: tuple[bytes, bytes] = SIDES,
    key: UUID | None = None,
) -> None:
    """What the page does with both photos."""
    photos = await showing_id_card.write(
        town.database, town.keyring, files, town.shop_id,
        key=key or uuid4(), sides=sides, at=town.at,
    )  # fmt: skip
    wanting = showing_id_card.wanting(escrows)
    if photos is not None:
        await town.database.transaction(
            partial(admitting.shown, photos=photos, wanting=wanting, at=town.at)
        )
        await showing_id_card.clear(town.database, files, wanting, town.at, town.shop_id)
