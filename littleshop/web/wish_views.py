"""What a person writes to another: words, a link, a private photo."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request

from littleshop import http
from littleshop.catalog.drafts import tidy
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


async def photo_of(request: Request, form: Form, person: bytes) -> tuple[Kept | None, str]:
    """The photo of a form or the one a refused try had, and what is wrong with it."""
    found = await forms.photos(request, form.files("photo")[:1], person, private=True)
    before = forms.unseal(http.house(request).keyring, form.text("photo_kept"), Kept)
    private = before if before is not None and len(before.file) == evidence.PRIVATE_NAME else None
    return (found.kept[0] if found.kept else private), "".join(found.wrong[:1])
