"""The thread of a wish as both sides read it, and its private photos."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from types import SimpleNamespace
from urllib.parse import urlsplit
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from littleshop import http
from littleshop.catalog.drafts import tidy
from littleshop.errors import NotFound
from littleshop.trade import wishes
from littleshop.trade.invitations import Invitation
from littleshop.trade.wishes import Word
from littleshop.web import evidence, forms
from littleshop.web.forms import Form, Kept

LONGEST_LINK = 500


def words(text: str, most: int = 600) -> str:
    """What one person writes to another: lines of plain text, at most two empty ones in a row."""
    lines = [tidy(line) for line in text.replace("\r\n", "\n").split("\n")]
    kept: list[str] = []
    for line in lines:
        if line or (kept and kept[-1]):
            kept.append(line)
    return "\n".join(kept).strip()[:most]


def link_of(text: str) -> str:
    """A link as typed, when it is one to a page; it is shown as words, nobody is sent there."""
    link = tidy(text)[:LONGEST_LINK]
    try:
        parts = urlsplit(link)
    except ValueError:
        return ""
    return link if parts.scheme in ("http", "https") and parts.netloc else ""


def thread(
    said: Sequence[Word],
    letters: Sequence[Invitation],
    photo_url: Callable[[int], str],
    letter_url: Callable[[UUID], str],
    at: datetime,
) -> list[SimpleNamespace]:
    """What was said and the letters that answered, in the order in which they came."""
    rows: list[SimpleNamespace] = [
        SimpleNamespace(
            by=word.by_whom,
            words=word.words,
            photo_url=photo_url(word.position) if word.photo else "",
            letter_url="",
            state="",
            at=word.at,
        )
        for word in said
    ]
    rows += [
        SimpleNamespace(
            by="seller",
            words=letter.words,
            photo_url="",
            letter_url=letter_url(letter.invitation_id),
            state=letter.state(at),
            at=letter.sent_at,
        )
        for letter in letters
    ]
    return sorted(rows, key=lambda row: row.at)


async def photo_of(request: Request, form: Form, person: bytes) -> tuple[Kept | None, str]:
    """The photo of a form or the one a refused try had, and what is wrong with it."""
    found = await forms.photos(request, form.files("photo")[:1], person, private=True)
    before = forms.unseal(http.house(request).keyring, form.text("photo_kept"), Kept)
    private = before if before is not None and len(before.file) == evidence.PRIVATE_NAME else None
    return (found.kept[0] if found.kept else private), "".join(found.wrong[:1])


async def stream(request: Request, shop_id: int, wish_id: UUID, position: int) -> Response:
    """A photo of a thread; the caller has checked who asks. Raises NotFound."""
    house = http.house(request)
    async with house.database.connection() as conn:
        name = await wishes.photo(conn, shop_id, wish_id, position)
    content = await house.files.get_private(name) if name else None
    if content is None:
        raise NotFound("photo")
    return Response(content, media_type="image/jpeg", headers=evidence.HEADERS)
