"""Photos of both sides of the owner's id card, for a payment company that wants to see them.

They come in one form and are never shown again, to nobody: what is wrong stands at its field, and
both are chosen anew.
"""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import uuid4

import msgspec
from starlette.datastructures import UploadFile
from starlette.requests import Request

from littleshop import db, http, i18n, pictures
from littleshop.entry import admitting, showing_id_card
from littleshop.errors import Refused
from littleshop.http import AtWork
from littleshop.pictures import Variant
from littleshop.web import forms, pages, registration

SIDES = ("face", "emblem")
LEAST = 300  # pixels of the shorter side: nobody can read a smaller card


class Given(msgspec.Struct, frozen=True):
    """The photos of a form by side, and the sentence at each side that is wrong."""

    sides: dict[str, bytes]
    wrong: dict[str, str]


async def take(request: Request, form: forms.Form, work: AtWork) -> Given:
    """Develop both sides; also that somebody sends more than anybody does is said at its field."""
    sides, wrong = {}, {}
    for side in SIDES:
        chosen = form.files(side)
        try:
            http.check_limits(request, "upload", work.person.person_id.bytes)
            sides[side] = (await _developed(chosen)).content
        except Refused as no:
            wrong[side] = forms.said(request, no)
        finally:
            for each in chosen:
                await each.close()
    if len(sides) == len(SIDES) and sides["face"] == sides["emblem"]:
        wrong["emblem"] = forms.said(request, Refused("id_photo_same"))
    return Given(sides, wrong)


async def _developed(chosen: list[UploadFile]) -> Variant:
    """The photo as an institution is shown it: a JPEG below its limits."""
    if not chosen:
        raise Refused("id_photo_missing")
    picture = (await pictures.process(await chosen[0].read(pictures.MAX_BYTES + 1))).card
    if min(picture.width, picture.height) < LEAST:
        raise Refused("id_photo_small", least=LEAST)
    return picture


async def keep(request: Request, form: forms.Form, work: AtWork, given: Given) -> None:
    """Keep both, sealed, and have who waits for them asked; a second press changes nothing."""
    house, at = http.house(request), http.now(request)
    wanting = showing_id_card.wanting(house.escrows)
    photos = await showing_id_card.write(
        house.database,
        house.keyring,
        house.files,
        work.shop.shop_id,
        key=forms.key(form.text("key"), uuid4()),
        sides=(given.sides["face"], given.sides["emblem"]),
        at=at,
    )
    if photos is not None:
        await house.database.transaction(
            partial(admitting.shown, photos=photos, wanting=wanting, at=at)
        )
        await showing_id_card.clear(house.database, house.files, wanting, at, work.shop.shop_id)


async def asked(
    request: Request, conn: db.Connection, work: AtWork, wrong: dict[str, str]
) -> dict[str, Any]:
    """What the page says of the photos, and its form for the owner."""
    house, locale = http.house(request), pages.locale_of(request)
    names = [
        i18n.t(locale, f"checkout.method.{each}") for each in showing_id_card.wanting(house.escrows)
    ]
    return {
        "photos": await registration.id_photos(conn, house, work.shop.shop_id),
        "photos_for": i18n.t(locale, "words.comma").join(names),
        "photos_key": str(uuid4()),
        "errors": wrong,
    }
