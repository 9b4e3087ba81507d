"""Field encryption: what is sealed opens only under its key, and a changed byte is seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from littleshop import crypto
from tests.cast import keyring


def test_what_is_sealed_opens_and_never_looks_the_same() -> None:
    ring = keyring()
    assert ring.open(ring.seal("+8613800002046")) == "+8613800002046"
    assert ring.seal("a") != ring.seal("a")


def test_a_changed_byte_or_another_key_does_not_open() -> None:
    ring, sealed = keyring(), keyring().seal("secret")
    with pytest.raises(crypto.WrongKey):
        ring.open(sealed)
    mine = bytearray(ring.seal("secret"))
    mine[-1] ^= 1
    with pytest.raises(crypto.WrongKey):
        ring.open(bytes(mine))


def test_the_blind_index_finds_equal_texts_only() -> None:
    ring = keyring()
    assert ring.index("a") == ring.index("a") != ring.index("b")
    assert ring.index("a") != keyring().index("a")


def test_keys_are_made_once_and_for_their_owner_only(tmp_path: Path) -> None:
    first = crypto.keys_at(tmp_path)
    assert crypto.keys_at(tmp_path).fingerprint() == first.fingerprint()
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o600


def test_masks_show_enough_and_no_more() -> None:
    assert crypto.mask_phone("+8613800002046") == "138 **** 2046"
    assert crypto.mask_phone("+447700900123") == "+44 **** 0123"
    assert crypto.mask_name("陈婉婷") == "陈**"
    assert crypto.mask_name("Priya Nair") == "Priya N."
