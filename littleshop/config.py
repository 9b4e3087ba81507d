"""Settings: read once from the environment and from DIR; nothing else reads the environment."""

from __future__ import annotations

import ipaddress
import json
import os
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec


class Misconfigured(Exception):
    """The settings do not fit together; the start is refused with this sentence."""


# Who holds the buyers' money until receipt (PROTOCOLS 6, docs/decisions/0028-escrow.md).
EscrowMode = Literal["merchant_of_record", "psp_escrow", "bank_custody"]
MODES: tuple[EscrowMode, ...] = ("merchant_of_record", "psp_escrow", "bank_custody")
RIGHTS = ("own-licence", "own-goods")  # why the money may lie with the platform itself


class Settings(msgspec.Struct, frozen=True):
    """`home` keeps everything; `rails` maps a rail's name to its settings, absent means off.

    `escrow` says who holds the buyers' money, `merchant_of_record` by which right the platform
    does in the mode of that name ("" in demo mode).
    """

    home: Path
    mode: Literal["demo", "live"]
    database_url: str
    public_url: str
    sandbox_url: str | None
    rails: dict[str, dict[str, Any]]
    trusted_proxies: tuple[str, ...] = ()
    keys: str | None = None
    escrow: EscrowMode = "merchant_of_record"
    merchant_of_record: str = ""
    public_hosts: tuple[str, ...] = ()  # further names of ours (PUBLIC_HOSTS), made plain

    @property
    def own_goods(self) -> bool:
        """Whether the platform sells its own goods only: no stranger opens a shop."""
        return self.escrow == "merchant_of_record" and self.merchant_of_record == "own-goods"

    @property
    def secure(self) -> bool:
        """Whether cookies carry Secure: they do whenever the public address is https."""
        return self.public_url.startswith("https://")


def read(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of this process. Raises Misconfigured with a sentence for the operator."""
    home = Path(environment.get("LITTLESHOP_HOME", "var")).resolve()
    mode = environment.get("LITTLESHOP_MODE", "demo")
    if mode not in ("demo", "live"):
        raise Misconfigured(f"LITTLESHOP_MODE is demo or live, not {mode!r}")
    sandbox_url = environment.get("SANDBOX_URL") if mode == "demo" else None
    rails = _rails(home)
    _check_rails(mode, rails)
    public_url = environment.get("PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")
    if mode == "live" and not public_url.startswith("https://"):
        raise Misconfigured("PUBLIC_URL must be https in live mode")
    escrow, right = _escrow(environment, mode)
    return Settings(
        home=home,
        mode="live" if mode == "live" else "demo",
        database_url=environment.get("DATABASE_URL", ""),
        public_url=public_url,
        sandbox_url=sandbox_url,
        rails=rails,
        trusted_proxies=_words(environment, "TRUSTED_PROXIES"),
        keys=environment.get("LITTLESHOP_KEYS"),
        escrow=escrow,
        merchant_of_record=right,
        public_hosts=_hosts(environment),
    )


def _hosts(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Names people reach us by beside that of PUBLIC_URL, over the same scheme."""
    found = tuple(plain_host(host) for host in _words(environment, "PUBLIC_HOSTS"))
    if not all(re.fullmatch(r"[a-z0-9.:\[\]-]{1,260}", host) for host in found):
        raise Misconfigured("PUBLIC_HOSTS are names like b.example.com, with commas between them")
    return found


def _words(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in environment.get(name, "").split(",") if word.strip())


def _escrow(environment: Mapping[str, str], mode: str) -> tuple[EscrowMode, str]:
    """Who holds the buyers' money, and by which right it is the platform itself.

    Collecting it on one's own account for others is unlicensed clearing (PROTOCOLS 6), so a live
    platform has to say that it is licensed or sells its own goods.
    """
    named = environment.get("LITTLESHOP_ESCROW") or (
        "merchant_of_record" if mode == "demo" else "psp_escrow"
    )
    found = next((each for each in MODES if each == named), None)
    if found is None:
        raise Misconfigured(f"LITTLESHOP_ESCROW is one of {', '.join(MODES)}, not {named!r}")
    right = environment.get("LITTLESHOP_MERCHANT_OF_RECORD", "")
    if right and right not in RIGHTS:
        raise Misconfigured(
            f"LITTLESHOP_MERCHANT_OF_RECORD is {' or '.join(RIGHTS)}, not {right!r}"
        )
    if mode == "live" and found == "merchant_of_record" and not right:
        raise Misconfigured(
            "merchant_of_record puts the buyers' money on the platform's own account: say"
            " LITTLESHOP_MERCHANT_OF_RECORD=own-licence or own-goods, or use another"
            " LITTLESHOP_ESCROW"
        )
    return found, right


def _rails(home: Path) -> dict[str, dict[str, Any]]:
    path = home / "rails.json"
    if not path.exists():
        return {}
    rails = json.loads(path.read_text())
    if not isinstance(rails, dict):
        raise Misconfigured(f"{path} is not an object of rails")
    return rails


def _check_rails(mode: str, rails: Mapping[str, Mapping[str, Any]]) -> None:
    """Sandbox keys in live mode, or live keys in demo mode, stop the start.

    A rail without an address of its own (push: each browser brings one) is checked where it calls.
    """
    for name, rail in rails.items():
        if "base_url" not in rail:
            continue
        here = is_loopback(str(rail["base_url"]))
        if mode == "live" and here:
            raise Misconfigured(f"rail {name!r} points at this machine: a sandbox in live mode")
        if mode == "demo" and not here:
            raise Misconfigured(f"rail {name!r} has a live address in demo mode")


def plain_host(host: str) -> str:
    """A host as it is compared: letters small, no dot at the end, no port that goes without
    saying."""
    name = host.lower().removesuffix(":443").removesuffix(":80")
    return name.removesuffix(".")


def is_loopback(url: str) -> bool:
    """Whether the host of `url` is this machine, by its spelling (no name is looked up)."""
    try:
        host = (urlsplit(url).hostname or "").rstrip(".")
        if host == "localhost" or host.endswith(".localhost"):  # RFC 6761, 6.3
            return True
        address = ipaddress.ip_address(host)
    except ValueError:
        return _is_short_loopback(url)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_loopback or address.is_unspecified


def _is_short_loopback(url: str) -> bool:
    """127.1 and 2130706433 are 127.0.0.1 too, to whoever opens the connection."""
    try:
        host = urlsplit(url).hostname or ""
        return bool(host) and ipaddress.ip_address(socket.inet_aton(host)).is_loopback
    except (ValueError, OSError):
        return False
