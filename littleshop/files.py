"""Where files lie: a local folder, or S3 when a URL says so. A name is the hash of its content.

Public pictures have immutable addresses `/f/<hash>/<width>.<webp|avif|jpg>`. The file is written
first and the row that names it after; a file without a row is harmless and swept later. Writing
is atomic (a new name, then a rename) and repeating it changes nothing. Private files (evidence,
statements, bank files) lie apart and are streamed only by a caller that checked the permission.
Sealed files (photos of an id card) were encrypted by their caller, who removes them again; they
lie in a folder that no backup takes along.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from pathlib import Path
from typing import IO

import obstore
from obstore.store import LocalStore, ObjectStore, from_url

from littleshop.pictures import Picture

CONTENT_TYPES = {"webp": "image/webp", "avif": "image/avif", "jpg": "image/jpeg"}
_HASH = re.compile(r"[0-9a-f]{32}\Z")
_NAME = re.compile(r"[1-9][0-9]{0,4}\.(webp|avif|jpg)\Z")
SEALED = "sealed"  # the folder of what is kept for a while only
STAGED = "staged"  # the folder of what a job is to read and then remove
_STAGED = re.compile(r"[0-9]{1,19}-[0-9a-f]{32}-[a-z]{1,20}\Z")
_PRIVATE = re.compile(r"[0-9a-f]{64}\Z")


def address(picture_hash: str, width: int, kind: str) -> str:
    """Public path of one variant, such as `/f/<hash>/720.webp`."""
    return f"/f/{picture_hash}/{width}.{kind}"


class Files:
    """The files of one installation; open one per process with `Files.open`."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    @classmethod
    def open(cls, place: Path | str) -> Files:
        """Files under a local folder (made, readable by its owner only) or an `s3://` URL."""
        if isinstance(place, str) and "://" in place:
            return cls(from_url(place))
        folder = Path(place)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return cls(LocalStore(prefix=folder))

    async def put(self, picture: Picture) -> str:
        """Keep every variant of a picture; answers its hash. May be repeated."""
        if not _HASH.match(picture.hash):
            raise ValueError(f"not a picture hash: {picture.hash!r}")
        for variant in picture.variants:
            path = f"pictures/{picture.hash}/{variant.name}"
            await obstore.put_async(self._store, path, variant.content)
        return picture.hash

    async def get(self, picture_hash: str, name: str) -> bytes | None:
        """Content of `<width>.<kind>` of a picture; None for anything unknown or unsafe."""
        if not (_HASH.match(picture_hash) and _NAME.match(name)):
            return None
        return await self._read(f"pictures/{picture_hash}/{name}")

    async def names(self, picture_hash: str) -> list[str]:
        """The files of a picture, `<width>.<kind>` each; empty for an unknown one."""
        if not _HASH.match(picture_hash):
            return []
        found = await obstore.list(self._store, f"pictures/{picture_hash}/").collect_async()
        return [each["path"].rpartition("/")[2] for each in found]

    async def picture_response_parts(
        self, picture_hash: str, name: str
    ) -> tuple[bytes, str] | None:
        """Body and content type for `/f/<hash>/<name>`, or None for a 404."""
        content = await self.get(picture_hash, name)
        if content is None:
            return None
        return content, CONTENT_TYPES[name.rpartition(".")[2]]

    async def put_private(self, content: bytes) -> str:
        """Keep a private file; answers its name (64 hex digits, the hash of the content)."""
        name = hashlib.sha256(content).hexdigest()
        await obstore.put_async(self._store, f"private/{name}", content)
        return name

    async def get_private(self, name: str) -> bytes | None:
        """Content of a private file, or None. The caller has checked who asks."""
        return await self._read(f"private/{name}") if _PRIVATE.match(name) else None

    def sealed_name(self, content: bytes) -> str:
        """The name `put_sealed` gives this content: its row can be written first."""
        return hashlib.sha256(content).hexdigest()

    async def put_sealed(self, content: bytes) -> str:
        """Keep a file that was encrypted before; answers its name (64 hex digits)."""
        name = self.sealed_name(content)
        await obstore.put_async(self._store, f"{SEALED}/{name}", content)
        return name

    async def get_sealed(self, name: str) -> bytes | None:
        """Content of a sealed file, still encrypted, or None."""
        return await self._read(f"{SEALED}/{name}") if _PRIVATE.match(name) else None

    async def remove_sealed(self, name: str) -> None:
        """Remove a sealed file; one that is gone already is no fault."""
        if _PRIVATE.match(name):
            with contextlib.suppress(FileNotFoundError):
                await obstore.delete_async(self._store, f"{SEALED}/{name}")

    async def put_staged(self, name: str, content: IO[bytes]) -> None:
        """Keep a file for those who work on it later; it goes from disk to disk in pieces."""
        if not _STAGED.match(name):
            raise ValueError(f"not a name: {name!r}")
        await obstore.put_async(self._store, f"{STAGED}/{name}", content)

    async def fetch_staged(self, name: str, to: Path) -> bool:
        """Write a staged file to a path, in pieces; False when it is gone."""
        try:
            found = await obstore.get_async(self._store, f"{STAGED}/{name}")
        except FileNotFoundError:
            return False
        with to.open("wb") as file:
            async for piece in found.stream(min_chunk_size=1 << 20):
                file.write(piece)
        return True

    async def remove_staged(self, name: str) -> None:
        """Remove a staged file; one that is gone already is no fault."""
        with contextlib.suppress(FileNotFoundError):
            await obstore.delete_async(self._store, f"{STAGED}/{name}")

    async def _read(self, path: str) -> bytes | None:
        try:
            found = await obstore.get_async(self._store, path)
            return bytes(await found.bytes_async())
        except FileNotFoundError:
            return None
