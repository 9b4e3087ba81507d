"""Templates that most shops want, from one fee: free nearby, dearer or not at all far away."""

from __future__ import annotations

import msgspec

from littleshop.catalog import provinces, shipping_rates
from littleshop.catalog.shipping_rates import Rate, Rule
from littleshop.i18n import t

NAMES = ("near_free", "remote_dearer", "remote_never", "own")
DEARER_MINOR = 1000  # what far provinces pay more, until the seller says another sum


def made(locale: str, name: str, fee_minor: int, free_over_minor: int | None) -> Rate:
    """A template by the name of a preset, checked."""
    usual = Rule(first_minor=fee_minor, free_over_minor=free_over_minor)
    remote = Rule(provinces.REMOTE, first_minor=fee_minor + DEARER_MINOR)
    overseas = Rule(provinces.OVERSEAS, delivered=False)
    far = msgspec.structs.replace(overseas, regions=provinces.REMOTE + provinces.OVERSEAS)
    rules = {
        "near_free": (Rule(provinces.NEAR), remote, overseas, usual),
        "remote_dearer": (remote, overseas, usual),
        "remote_never": (far, usual),
        "own": (usual,),
    }[name]
    return shipping_rates.check(t(locale, f"rates.preset.{name}.name"), "order", rules)
