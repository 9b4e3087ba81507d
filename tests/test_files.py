"""Files under the hash of their content."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from littleshop.files import Files, address
from littleshop.pictures import Picture, Variant

HASH = "0123456789abcdef" * 2
TEA = Picture(
    HASH, 360, 270, "#a9b9af",
    (Variant("webp", 360, 270, b"webp bytes"), Variant("avif", 360, 270, b"avif bytes"),
     Variant("jpg", 600, 450, b"jpeg bytes")),
)  # fmt: skip


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files.open(tmp_path / "files")


def test_a_picture_is_kept_and_answered_with_its_type(files: Files) -> None:
    async def story() -> None:
        assert await files.put(TEA) == HASH
        assert await files.picture_response_parts(HASH, "360.webp") == (b"webp bytes", "image/webp")
        assert await files.picture_response_parts(HASH, "360.avif") == (b"avif bytes", "image/avif")
        assert await files.picture_response_parts(HASH, "600.jpg") == (b"jpeg bytes", "image/jpeg")

    asyncio.run(story())
    assert address(HASH, 360, "webp") == f"/f/{HASH}/360.webp"


def test_keeping_it_twice_changes_nothing(files: Files, tmp_path: Path) -> None:
    async def story() -> None:
        await files.put(TEA)
        await files.put(TEA)

    asyncio.run(story())
    kept = [path for path in (tmp_path / "files").rglob("*") if path.is_file()]
    assert len(kept) == 3  # and no half-written file beside them


def test_what_is_unknown_is_not_there(files: Files) -> None:
    async def story() -> None:
        await files.put(TEA)
        assert await files.picture_response_parts(HASH, "720.webp") is None
        assert await files.picture_response_parts("f" * 32, "360.webp") is None
        assert await files.get_private("0" * 64) is None

    asyncio.run(story())


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        (HASH, "../../secret.jpg"), (HASH, "..%2f..%2fsecret.jpg"), (HASH, "360.webp\n"),
        (HASH, "360.svg"), (HASH, "/etc/passwd"), (HASH, "0360.webp"), (HASH, ""),
        (HASH, "360.webp/../720.webp"), ("..", "360.webp"), ("../private", "360.webp"),
        (HASH.upper(), "360.webp"), (HASH + "\0", "360.webp"), ("", "360.webp"),
        (HASH, "３60.webp"),
    ],
)  # fmt: skip
def test_no_name_leads_out_of_the_pictures(
    files: Files, tmp_path: Path, folder: str, name: str
) -> None:
    (tmp_path / "files" / "secret.jpg").write_bytes(b"secret")
    (tmp_path / "secret.jpg").write_bytes(b"secret")

    async def story() -> None:
        await files.put(TEA)
        assert await files.picture_response_parts(folder, name) is None

    asyncio.run(story())


def test_a_picture_with_a_made_up_hash_is_not_kept(files: Files, tmp_path: Path) -> None:
    wrong = Picture("../../out", 1, 1, "#000000", TEA.variants)
    with pytest.raises(ValueError, match="not a picture hash"):
        asyncio.run(files.put(wrong))
    assert not list((tmp_path / "files").rglob("*.webp"))


def test_private_files_lie_apart_from_public_ones(files: Files) -> None:
    async def story() -> None:
        name = await files.put_private(b"a bank statement")
        assert await files.get_private(name) == b"a bank statement"
        assert await files.get(name[:32], "360.webp") is None
        assert await files.get_private(f"../pictures/{HASH}/360.webp") is None

    asyncio.run(story())


def test_the_folder_is_for_its_owner_only(files: Files, tmp_path: Path) -> None:
    assert (tmp_path / "files").stat().st_mode & 0o077 == 0
