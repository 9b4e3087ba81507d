"""The tracking services by name: `trackers.open(settings.rails)`; one is used, or none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from littleshop.errors import GatewayError
from littleshop.trade.trackers.contract import (
    STATES,
    Asked,
    PushRefused,
    Scan,
    Told,
    Tracker,
    Unfollowed,
)
from littleshop.trade.trackers.kdniao import Kdniao
from littleshop.trade.trackers.kuaidi100 import Kuaidi100

__all__ = [
    "STATES",
    "Asked",
    "PushRefused",
    "Scan",
    "Told",
    "Tracker",
    "Unfollowed",
    "faults",
    "open",
]

OPENERS: dict[str, Callable[[Mapping[str, Any]], Tracker]] = {
    "kuaidi100": Kuaidi100,
    "kdniao": Kdniao,
}
NEEDED = {
    "kuaidi100": ("base_url", "customer", "key", "salt"),
    "kdniao": ("base_url", "business_id", "key"),
}


def open(rails: Mapping[str, Mapping[str, Any]]) -> Tracker | None:
    """The service that rails.json names under "courier"; None where it names none.

    Raises GatewayError(retryable=False) when its settings are unusable."""
    rail = rails.get("courier")
    if not rail or not rail.get("enabled", True):
        return None
    if lacking := faults(rail):
        raise GatewayError(f"rail courier: {lacking}", retryable=False)
    return OPENERS[vendor(rail)](rail)


def vendor(rail: Mapping[str, Any]) -> str:
    """Which service the settings are of."""
    return str(rail.get("vendor") or "kuaidi100")


def faults(rail: Mapping[str, Any]) -> str:
    """What is wrong with settings of the rail, said to who wrote them; "" for nothing."""
    name = vendor(rail)
    if name not in OPENERS:
        return f"vendor is {' or '.join(OPENERS)}, not {name!r}"
    lacking = [field for field in NEEDED[name] if not rail.get(field)]
    return f"{name} lacks {', '.join(lacking)}" if lacking else ""
