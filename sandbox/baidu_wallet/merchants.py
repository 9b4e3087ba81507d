"""Merchants: a number, a shared key, and how both sides sign (PROTOCOLS 3.1)."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from urllib.parse import quote_plus

from sandbox.clock import stamp
from sandbox.store import Row
from sandbox.world import World, digits

DIGESTS = {"1": hashlib.md5, "2": hashlib.sha1}


def register(world: World, name: str) -> dict[str, str]:
    """A new merchant and his key."""
    made = {"sp_no": digits(10), "key": secrets.token_hex(16)}
    world.store.run(
        "insert into baidu_merchants (sp_no, key, name, opened_at) values (?, ?, ?, ?)",
        made["sp_no"],
        made["key"],
        name,
        stamp(world.clock.now()),
    )
    return made


def find(world: World, sp_no: str) -> Row | None:
    """The merchant with this number, or None."""
    return world.store.one("select * from baidu_merchants where sp_no = ?", sp_no)


def sign(fields: Mapping[str, str], key: str) -> str:
    """The digest of all fields but `sign`, sorted, raw in GBK, the key at the end."""
    text = "&".join(f"{name}={fields[name]}" for name in sorted(fields) if name != "sign")
    digest = DIGESTS[fields["sign_method"]]
    return digest(f"{text}&key={key}".encode("gbk"), usedforsecurity=False).hexdigest()


def is_signed(fields: Mapping[str, str], key: str) -> bool:
    """Whether the merchant signed this; the case of the hex does not matter."""
    return hmac.compare_digest(fields.get("sign", "").lower().encode(), sign(fields, key).encode())


def query(fields: Mapping[str, str]) -> str:
    """Fields as a query, percent-encoded GBK."""
    return "&".join(f"{name}={quote_plus(value.encode('gbk'))}" for name, value in fields.items())
