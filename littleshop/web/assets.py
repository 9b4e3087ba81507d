"""Style sheets, scripts and icons: bundled, squeezed and compressed in the process, no build step.

A bundle is several source files under one address, so that a page makes one request; every address
carries the hash of its content and may be kept for ever.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import posixpath
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

FOLDER = Path(__file__).parent.parent / "static"
_FOUNDATION = ("css/tokens.css", "css/base.css", "css/parts.css")
_BUYERS = (
    "css/shelf.css",
    "css/life.css",
    "css/checkout.css",
    "css/order.css",
    "css/case.css",
    "css/letter.css",
    "css/talk.css",
)
BUNDLES = {
    "storefront.css": (*_FOUNDATION, *_BUYERS),
    "console.css": (
        *_FOUNDATION,
        "css/console.css",
        "css/life.css",
        "css/collect.css",
        "css/talk.css",
        "css/scanning.css",
    ),
    "opening.css": (*_FOUNDATION, "css/opening.css"),
    "operator.css": (*_FOUNDATION, "css/console.css", "css/life.css", "css/operator.css"),
}
_comments = re.compile(r"/\*.*?\*/", re.S)
_blanks = re.compile(r"\s*([{};,])\s*|\s+")
_for_ever = "public, max-age=31536000, immutable"
_compressible = (
    "text/",
    "application/json",
    "application/manifest",
    "application/wasm",
    "image/svg",
)


class Asset(NamedTuple):
    """A file as it is sent; `gzipped` is None for kinds that are compressed by nature."""

    content: bytes
    gzipped: bytes | None
    kind: str
    version: str

    def headers(self, asked_version: str | None) -> dict[str, str]:
        """Kept for ever under the address that names this very content, others briefly."""
        return {
            "cache-control": _for_ever if asked_version == self.version else "public, max-age=60",
            "vary": "accept-encoding",
            "x-content-type-options": "nosniff",
            "etag": f'"{self.version}"',
        }


class NoSuchAsset(LookupError):
    """No file or bundle of this name is published."""


@cache
def load(name: str) -> Asset:
    """The asset `name` (a path under static/, or a bundle); raises NoSuchAsset."""
    if name in BUNDLES:
        sources = (FOLDER / part for part in BUNDLES[name])
        content = "".join(_squeezed(each.read_text()) for each in sources if each.exists()).encode()
    else:
        content = _published(name).read_bytes()
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    if kind == "application/javascript":
        kind = "text/javascript"
    gzipped = gzip.compress(content, 9, mtime=0) if kind.startswith(_compressible) else None
    return Asset(content, gzipped, kind, hashlib.sha256(content).hexdigest()[:10])


def static(name: str) -> str:
    """The address of an asset, with the hash of its content; raises NoSuchAsset."""
    return f"/static/{name}?v={load(name).version}"


async def serve(request: Request) -> Response:
    """GET /static/{path:path}; an address with the right hash is kept for ever, others briefly."""
    try:
        asset = load(_plain(request.path_params["path"]))
    except NoSuchAsset:
        return Response(status_code=404)
    headers = asset.headers(request.query_params.get("v"))
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    if asset.gzipped is None or "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(asset.content, media_type=asset.kind, headers=headers)
    headers["content-encoding"] = "gzip"
    return Response(asset.gzipped, media_type=asset.kind, headers=headers)


def _plain(name: str) -> str:
    """The one name a file has in the cache. Raises NoSuchAsset for its other ways to be written."""
    if name != posixpath.normpath(name) or len(name) > 120:
        raise NoSuchAsset(name[:40])
    return name


def _published(name: str) -> Path:
    path = (FOLDER / name).resolve()
    if not path.is_relative_to(FOLDER.resolve()) or not path.is_file():
        raise NoSuchAsset(name)
    return path


def _squeezed(css: str) -> str:
    """A style sheet without comments and needless white; strings in it hold no double blanks."""
    bare = _comments.sub("", css)
    return _blanks.sub(lambda found: found[1] or " ", bare).strip().replace(";}", "}")
