"""What a form brings: texts within limits, prices and counts as people type them, photos."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from typing import TypeVar
from uuid import UUID

import msgspec
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from littleshop import http, i18n, pictures
from littleshop.catalog import drafts, typed
from littleshop.crypto import Keyring, WrongKey
from littleshop.errors import Refused
from littleshop.pictures import Picture
from littleshop.web import pages

MOST_BYTES = 256 * 1024  # of a form without photos
MOST_FIELDS = 500
FILES_TOO_MANY = 30  # so many more than fit are told so, not turned away; all count as bytes
LONGEST = 20_000  # characters of one field
Fact = TypeVar("Fact")


class Form:
    """The fields of a form; a name that is not there is an empty text."""

    def __init__(self, fields: FormData) -> None:
        self._fields = fields

    def __contains__(self, name: str) -> bool:
        """Whether the form that was sent has this field at all."""
        return name in self._fields

    def text(self, name: str, most: int = LONGEST) -> str:
        """The first value of a field, without marks that no text holds."""
        value = self._fields.get(name)
        return _clean(value, most) if isinstance(value, str) else ""

    def texts(self, name: str) -> list[str]:
        """Every value of a field."""
        return [_clean(v, LONGEST) for v in self._fields.getlist(name) if isinstance(v, str)]

    def ticked(self, name: str) -> bool:
        """Whether a box is ticked."""
        return self.text(name) == "yes"

    def typed(self, *names: str) -> dict[str, str]:
        """Fields as they were typed, to show the form again."""
        return {name: self.text(name) for name in names}

    def files(self, name: str) -> list[UploadFile]:
        """The files chosen in a field; an empty file field sends one without a name."""
        found = self._fields.getlist(name)
        return [each for each in found if isinstance(each, UploadFile) and each.filename]


def _clean(text: str, most: int) -> str:
    bare = text[:most].replace("\x00", "")
    return bare.encode("utf-8", "replace").decode()  # a lone surrogate is no text


async def body(request: Request, most: int) -> bytes:
    """The whole body of a request. Raises Refused when it is longer than `most` bytes, and as
    http.arrived."""
    http.expect(request, most)
    told = await request.body()
    await http.arrived(request)
    return told


async def read(request: Request, *, photos: int = 0) -> Form:
    """The form of a request with at most `photos` photos; who sends it is checked before.

    Raises Refused form_too_big, form_too_large when it holds more than it may, form_broken when
    it cannot be read, and as http.arrived.
    """
    http.expect(request, MOST_BYTES + photos * (pictures.MAX_BYTES + 4096))
    try:
        fields = await request.form(
            max_files=photos + FILES_TOO_MANY if photos else 1,
            max_fields=MOST_FIELDS,
            max_part_size=MOST_BYTES,
        )
    except HTTPException:  # what the parser makes of a body that is no form
        raise Refused("form_broken") from None
    await http.arrived(request)
    return Form(fields)


async def read_file(request: Request, most: int) -> Form:
    """The form of a request with one file of any kind, of at most `most` bytes.

    Raises Refused form_too_big, form_broken, and as http.arrived.
    """
    http.expect(request, MOST_BYTES + most)
    try:
        fields = await request.form(max_files=2, max_fields=MOST_FIELDS, max_part_size=MOST_BYTES)
    except HTTPException:
        raise Refused("form_broken") from None
    await http.arrived(request)
    return Form(fields)


def price(text: str, currency: str) -> int:
    """A price as typed (168, ¥1,250.80, １２．５) in minor units, without any float.

    Raises Refused: price_empty, price_number, price_decimals(places), price_too_small,
    price_too_large.
    """
    return typed.amount(text, currency, least=1)


def fee(text: str, currency: str) -> int:
    """Like `price`, and nothing or 0 is 0."""
    return typed.amount(text or "0", currency, least=0)


def count(text: str) -> int:
    """A number of pieces as typed. Raises Refused: stock_empty, stock_number, stock_count(most)."""
    return typed.count(text)


def shown(minor: int | None, currency: str) -> str:
    """An amount as it stands in a field: 168.00."""
    if minor is None:
        return ""
    return typed.shown(minor, currency)


def said(request: Request, refused: Refused) -> str:
    """What a refusal says to this person."""
    return i18n.t(pages.locale_of(request), f"errors.{refused.code}", **refused.details)


def key(text: str, fallback: UUID) -> UUID:
    """The idempotency key of a form; one that is missing or bent counts as a new form."""
    try:
        return UUID(text)
    except ValueError:
        return fallback


class Kept(msgspec.Struct, frozen=True):
    """A photo whose files are kept; sizes in pixels of the largest one."""

    file: str
    width: int
    height: int
    colour: str

    def url_width(self, wanted: int) -> int:
        """The width of the file to show where `wanted` would do: none is enlarged."""
        return min(wanted, self.width)


class Photos(msgspec.Struct, frozen=True):
    """What became of the photos of one post: `wrong` names each bad one with its sentence."""

    kept: tuple[Kept, ...]
    wrong: tuple[str, ...]


async def photos(
    request: Request, files: Iterable[UploadFile], person: bytes, *, private: bool = False
) -> Photos:
    """Develop and keep the photos of a post one by one; a bad one does not spoil the others.
    A private one is a single file without a public address.

    Raises Refused too_many when this person sends more than anybody does.
    """
    kept: list[Kept] = []
    wrong: list[tuple[str, str]] = []
    chosen = list(files)
    for file in chosen:
        http.check_limits(request, "upload", person)
        try:
            picture = await pictures.process(await file.read(pictures.MAX_BYTES + 1))
            kept.append(await (keep_private if private else keep)(request, picture))
        except Refused as refused:
            wrong.append((file.filename or "", said(request, refused)))
        finally:
            await file.close()
    if len(chosen) == 1:  # one photo needs no name
        return Photos(tuple(kept), tuple(sentence for _, sentence in wrong))
    return Photos(tuple(kept), tuple(_named(request, *each) for each in wrong))


def _named(request: Request, name: str, sentence: str) -> str:
    bare = drafts.tidy(name.replace("\\", "/").rpartition("/")[2])[-40:]
    locale = pages.locale_of(request)
    return i18n.t(locale, "forms.photo_named", name=bare, sentence=sentence)


async def keep(request: Request, picture: Picture) -> Kept:
    """Write a picture's files; the row that names them comes after."""
    await http.house(request).files.put(picture)
    return Kept(picture.hash, picture.width, picture.height, picture.colour)


async def keep_private(request: Request, picture: Picture) -> Kept:
    """Write one file of a picture, for `Files.get_private`: a JPEG as wide as link cards."""
    card = picture.card
    name = await http.house(request).files.put_private(card.content)
    return Kept(name, card.width, card.height, picture.colour)


def seal(keyring: Keyring, fact: object) -> str:
    """A fact that a page or cookie carries for us: unreadable and unchangeable outside."""
    return urlsafe_b64encode(keyring.seal(msgspec.json.encode(fact).decode())).decode()


def unseal(keyring: Keyring, text: str | None, kind: type[Fact]) -> Fact | None:
    """The fact of `seal`, or None for anything that is not ours."""
    if not text or len(text) > 4096:
        return None
    try:
        return msgspec.json.decode(keyring.open(urlsafe_b64decode(text.encode())), type=kind)
    except (ValueError, WrongKey, msgspec.DecodeError):
        return None
