"""Field encryption: AES-256-GCM with a key id, a blind index under a key of its own."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from base64 import b64decode, b64encode
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class WrongKey(Exception):
    """The text was sealed under a key that this installation does not hold."""


class Keyring:
    """Keys by id: the newest seals, all of them open; index and link keys never rotate alone."""

    def __init__(self, seals: dict[int, bytes], index_key: bytes, link_key: bytes) -> None:
        self._seals = {key_id: AESGCM(key) for key_id, key in seals.items()}
        self._newest = max(seals)
        self._index_key = index_key
        self.link_key = link_key

    def seal(self, text: str) -> bytes:
        """Encrypt; layout: 1 byte key id, 12 bytes nonce, ciphertext with its tag."""
        return self.seal_bytes(text.encode())

    def seal_bytes(self, content: bytes) -> bytes:
        """Encrypt what is no text, such as a picture; the layout of `seal`."""
        nonce = os.urandom(12)
        head = bytes([self._newest])
        return head + nonce + self._seals[self._newest].encrypt(nonce, content, head)

    def open(self, sealed: bytes) -> str:
        """Decrypt. Raises WrongKey when the key is unknown or the bytes were changed."""
        return self.open_bytes(sealed).decode()

    def open_bytes(self, sealed: bytes) -> bytes:
        """Decrypt what `seal_bytes` made. Raises WrongKey as `open` does."""
        head, nonce, body = sealed[:1], sealed[1:13], sealed[13:]
        try:
            return self._seals[head[0]].decrypt(nonce, body, head)
        except (KeyError, InvalidTag, IndexError) as fault:
            raise WrongKey("sealed under another key, or changed") from fault

    def index(self, text: str) -> bytes:
        """A blind index: equal texts are found without being read (HMAC-SHA256)."""
        return hmac.digest(self._index_key, text.encode(), "sha256")

    def word(self, use: str, text: str) -> bytes:
        """A short blind index (16 bytes) for one `use`, under a key of its own derived for it: what
        has few values, such as the tail of a phone, is not compared with anything else."""
        key = hmac.digest(self._index_key, f"word:{use}".encode(), "sha256")
        return hmac.digest(key, text.encode(), "sha256")[:16]

    def sign(self, text: str) -> str:
        """A short signature for what we hand to a browser and want back unchanged."""
        digest = hmac.digest(self.link_key, text.encode(), "sha256")
        return digest[:16].hex()

    def fingerprint(self) -> str:
        """What the database remembers of its keys, so that it refuses to start without them."""
        return hashlib.sha256(b"fingerprint" + self._index_key + self.link_key).hexdigest()[:32]


def make_keys() -> str:
    """A fresh key file's text (JSON)."""
    keys = {
        "seal": {"1": b64encode(secrets.token_bytes(32)).decode()},
        "index": b64encode(secrets.token_bytes(32)).decode(),
        "link": b64encode(secrets.token_bytes(32)).decode(),
    }
    return json.dumps(keys, indent=1)


def read_keys(text: str) -> Keyring:
    """The keyring of a key file's text. Raises ValueError when it is not one."""
    try:
        keys = json.loads(text)
        seals = {int(key_id): b64decode(key) for key_id, key in keys["seal"].items()}
        return Keyring(seals, b64decode(keys["index"]), b64decode(keys["link"]))
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as fault:
        raise ValueError("LITTLESHOP_KEYS is not a key file") from fault


def keys_at(folder: Path) -> Keyring:
    """The keyring kept in `folder`/keys, made there (0600) at the first start."""
    path = folder / "keys"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        fresh = folder / f".keys-{os.getpid()}"
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(make_keys())
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(fresh, path)  # the first of two starters wins, the other reads his keys
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return read_keys(path.read_text())


def mask_phone(phone: str) -> str:
    """+8613800002046 -> 138 **** 2046; other countries keep their code and the last four."""
    if phone.startswith("+86") and len(phone) == 14:
        return f"{phone[3:6]} **** {phone[-4:]}"
    return f"{phone[:3]} **** {phone[-4:]}"


def mask_name(name: str) -> str:
    """陈婉婷 -> 陈**, Priya Nair -> Priya N."""
    if not name:
        return ""
    if name.isascii():
        first, _, rest = name.partition(" ")
        return f"{first} {rest[0]}." if rest else f"{first[0]}."
    return name[0] + "**"
