"""Bringing: pure arithmetic from how far somebody lives to what it costs to bring things there."""

from __future__ import annotations

from math import asin, cos, radians, sin, sqrt

import msgspec

from littleshop.catalog import local_deliveries
from littleshop.catalog.local_deliveries import Band, Local
from littleshop.errors import Refused
from littleshop.money import Money
from littleshop.pricing.postage import Postage

_EARTH = 6_371_008.8  # meters, the mean radius (IUGG)


def meters(lat: int, lon: int, to_lat: int, to_lon: int) -> int:
    """The distance as the crow flies between two points in millionths of a degree (haversine)."""
    one, other = radians(lat / 1e6), radians(to_lat / 1e6)
    half = sin((other - one) / 2) ** 2
    half += cos(one) * cos(other) * sin(radians((to_lon - lon) / 1e6) / 2) ** 2
    return round(2 * _EARTH * asin(min(1.0, sqrt(half))))


def of(row: object, spot: str, goods: Money) -> Postage:
    """What it costs to bring goods to a spot: a place that a band names, or coordinates; to nobody
    knows where ("") what it costs at least.

    Raises Refused: local_off, local_where, local_far(most=), local_least(least=).
    """
    if row is None:
        raise Refused("local_off")
    local = msgspec.convert(row, Local)
    if not spot:
        least = min(local.bands, key=lambda band: band.fee_minor).fee_minor
        varies = len({band.fee_minor for band in local.bands}) > 1
        return Postage(least, "from" if varies else "local", varies)
    band = _band(local, spot)
    if goods.minor < local.least_minor:
        raise Refused("local_least", least=Money(local.least_minor, goods.currency))
    return Postage(band.fee_minor, "local")


def _band(local: Local, spot: str) -> Band:
    for name, band in local_deliveries.places(local.bands):
        if name == spot:
            return band
    there = local_deliveries.point(spot)
    if there is None or local.lat_e6 is None or local.lon_e6 is None:
        raise Refused("local_where")
    far = meters(local.lat_e6, local.lon_e6, *there)
    for band in local.bands:
        if far <= band.meters:
            return band
    raise Refused("local_far", most=f"{local.bands[-1].meters / 1000:g}")
