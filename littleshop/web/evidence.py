"""Photos that one side of a case shows: private files, seen by the two sides and the operator.

They are developed like any photo (decoded in a child, without metadata) and kept without a public
address. A photo that came with a form that was refused is carried on by the form, sealed.
"""

from __future__ import annotations

from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from littleshop import http
from littleshop.errors import NotFound, Refused
from littleshop.sale.returning import MOST_PHOTOS
from littleshop.trade import cases
from littleshop.web import forms, pages
from littleshop.web.forms import Form, Kept

PRIVATE_NAME = 64  # digits; a public picture's hash is shorter
HEADERS = pages.PRIVATE | {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
    "content-disposition": "inline",
    "cross-origin-resource-policy": "same-origin",
}


class Shown(msgspec.Struct, frozen=True):
    """The photos of a form: their private files, and the sentences of what is wrong."""

    kept: tuple[Kept, ...] = ()
    wrong: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(each.file for each in self.kept)


NOTHING = Shown()


async def take(request: Request, form: Form, person: bytes) -> Shown:
    """The photos of a form and those it carried on (`photo_kept`); a bad one does not spoil the
    others. Raises Refused too_many when this person sends more than anybody does."""
    keyring, chosen = http.house(request).keyring, form.files("photos")
    before = [forms.unseal(keyring, each, Kept) for each in form.texts("photo_kept")]
    carried = [each for each in before if each is not None and len(each.file) == PRIVATE_NAME]
    room = max(0, MOST_PHOTOS - len(carried))
    found = await forms.photos(request, chosen[:room], person, private=True)
    kept = tuple(dict.fromkeys((*carried, *found.kept)))[:MOST_PHOTOS]
    wrong = found.wrong
    for surplus in chosen[room:]:
        await surplus.close()
    if len(chosen) > room:
        wrong += (forms.said(request, Refused("case_photos", most=MOST_PHOTOS)),)
    return Shown(kept, wrong)


def tokens(request: Request, shown: Shown) -> list[str]:
    """The photos as a form carries them on."""
    keyring = http.house(request).keyring
    return [forms.seal(keyring, each) for each in shown.kept]


async def stream(request: Request, shop_id: int, case_id: UUID, photo_id: UUID) -> Response:
    """A photo of a case; the caller has checked who asks. Raises NotFound."""
    house = http.house(request)
    async with house.database.connection() as conn:
        name = await cases.photo(conn, shop_id, case_id, photo_id)
    content = await house.files.get_private(name) if name else None
    if content is None:
        raise NotFound("photo")
    return Response(content, media_type="image/jpeg", headers=HEADERS)
