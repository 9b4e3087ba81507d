"""Pictures of goods that a sheet names: from the open internet, or from an archive beside it.

A sheet may name anything: only http and https are asked, only addresses of the open internet are
connected to (knocking.py), wherever an answer sends us next, and neither a long nor an endless
answer is waited for. What comes is a stranger's file and goes to the darkroom.
"""

from __future__ import annotations

import asyncio
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Self
from urllib.parse import urljoin, urlsplit

import httpx

from littleshop import db, pictures, zips
from littleshop.errors import Refused
from littleshop.knocking import Checked

SECONDS = 20.0  # for one picture, with everywhere it sends us
HOPS = 3
TRIES = 2
MOST_ARCHIVE_BYTES = 300 * 1024 * 1024
MOST_FILES = 50_000
_SUFFIXES = ("", ".tbi", ".jpg", ".jpeg", ".png", ".webp", ".gif", ".avif")


class Web:
    """Asks for pictures; open one for many, `async with`."""

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._client = httpx.AsyncClient(
            transport=transport or Checked(near=False),
            timeout=httpx.Timeout(10.0, connect=5.0),
            follow_redirects=False,
            trust_env=False,
            headers={"user-agent": "littleshop", "accept": "image/*"},
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *ended: object) -> None:
        await self._client.aclose()

    async def get(self, url: str) -> bytes:
        """The bytes behind an address.

        Raises Refused: picture_address, picture_gone(status=), picture_away, photo_too_big."""
        assert not db.in_transaction(), "a picture is fetched inside a database transaction"
        for attempt in range(TRIES):
            try:
                async with asyncio.timeout(SECONDS):
                    return await self._follow(url)
            except (httpx.HTTPError, TimeoutError) as fault:
                last = attempt + 1 == TRIES
                if last or "do not knock" in str(fault):
                    code = "picture_address" if "do not knock" in str(fault) else "picture_away"
                    raise Refused(code) from fault
            except (httpx.InvalidURL, ValueError) as fault:
                raise Refused("picture_address") from fault
        raise AssertionError("unreachable")

    async def _follow(self, url: str) -> bytes:
        for _ in range(HOPS + 1):
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
                raise Refused("picture_address")
            async with self._client.stream("GET", url) as answer:
                if answer.is_redirect:
                    url = urljoin(url, answer.headers.get("location", ""))
                    continue
                if answer.status_code != 200:
                    raise Refused("picture_gone", status=answer.status_code)
                return await _read(answer)
        raise Refused("picture_address")


async def _read(answer: httpx.Response) -> bytes:
    body = bytearray()
    async for piece in answer.aiter_bytes():
        body += piece
        if len(body) > pictures.MAX_BYTES:
            raise Refused("photo_too_big", megabytes=pictures.MAX_BYTES // 1_000_000)
    return bytes(body)


class Archive:
    """The pictures of an archive by their names, wherever in it they lie; .tbi is what a Taobao
    assistant calls them. Nothing of it is ever written out."""

    def __init__(self, path: Path) -> None:
        """Raises Refused pictures_unreadable, pictures_too_many."""
        try:
            self._zip = zipfile.ZipFile(path)
        except zips.BROKEN as fault:
            raise Refused("pictures_unreadable") from fault
        found = self._zip.infolist()
        if len(found) > MOST_FILES:
            raise Refused("pictures_too_many", most=MOST_FILES)
        self._names = {_plain(each.filename): each for each in found if not each.is_dir()}

    def __contains__(self, source: str) -> bool:
        return self._find(source) is not None

    def _find(self, source: str) -> zipfile.ZipInfo | None:
        return next((self._names[name] for name in _tried(source) if name in self._names), None)

    def read(self, source: str) -> bytes:
        """The bytes of a picture. Raises Refused: picture_missing, photo_too_big, photo_broken."""
        found = self._find(source)
        if found is None:
            raise Refused("picture_missing")
        if found.file_size > pictures.MAX_BYTES:
            raise Refused("photo_too_big", megabytes=pictures.MAX_BYTES // 1_000_000)
        try:
            with self._zip.open(found) as file:
                return file.read(pictures.MAX_BYTES + 1)
        except zips.BROKEN as fault:
            raise Refused("photo_broken") from fault

    def close(self) -> None:
        self._zip.close()


def _plain(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).name.lower()


def _tried(source: str) -> Iterator[str]:
    """Names by which a picture may lie there: as written, of its address, with an ending."""
    name = _plain(urlsplit(source).path if "://" in source else source)
    yield name
    for suffix in _SUFFIXES[1:]:
        yield name + suffix
        yield str(PurePosixPath(name).with_suffix(suffix)) if name.strip(".") else suffix
