"""Local deliveries: a shop brings things itself, for a fee by distance."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

import msgspec

from littleshop import db
from littleshop.catalog.drafts import tidy
from littleshop.errors import Refused
from littleshop.shop import shops

MOST_BANDS = 5
MOST_PLACES = 30  # of a band
PLACE_LENGTH = 30
MOST_METERS = 100_000
_MOST_FEE = 100_000_000
_POINT = re.compile(r"(-?\d{1,3}\.\d{2,15})\s*(?:[,， ]|%2C)\s*(-?\d{1,3}\.\d{2,15})")


class Band(msgspec.Struct, frozen=True, gc=False):
    """Up to so many meters it costs `fee_minor`; `places` lie in it, whatever a phone thinks."""

    meters: int
    fee_minor: int
    places: tuple[str, ...] = ()


class Local(msgspec.Struct, frozen=True, gc=False):
    """What a shop says of it; without a point of its own only named places are reached."""

    lat_e6: int | None
    lon_e6: int | None
    least_minor: int
    bands: tuple[Band, ...]


def point(text: str) -> tuple[int, int] | None:
    """Latitude and longitude in millionths of a degree, typed ("30.27, 120.15") or out of a link of
    a map; None for anything else."""
    found = _POINT.search(text[:2000])
    if found is None:
        return None
    lat, lon = (round(float(part) * 1_000_000) for part in found.groups())
    if abs(lat) > 90_000_000 and abs(lon) <= 90_000_000:  # Chinese maps write longitude first
        lat, lon = lon, lat
    good = abs(lat) <= 90_000_000 and abs(lon) <= 180_000_000
    return (lat, lon) if good else None


def check(local: Local) -> Local:
    """Tidied, the nearest band first. Raises Refused: local_bands, local_meters, local_fee,
    local_places, local_nowhere."""
    bands = tuple(_check_band(each) for each in sorted(local.bands, key=lambda each: each.meters))
    if not 1 <= len(bands) <= MOST_BANDS or len({each.meters for each in bands}) < len(bands):
        raise Refused("local_bands", most=MOST_BANDS)
    names = [name for each in bands for name in each.places]
    if len(set(names)) < len(names):
        raise Refused("local_places", most=MOST_PLACES)
    if local.lat_e6 is None and not names:
        raise Refused("local_nowhere")
    if not 0 <= local.least_minor <= 100_000_000_000:
        raise Refused("local_fee")
    return msgspec.structs.replace(local, bands=bands)


def _check_band(band: Band) -> Band:
    if not 1 <= band.meters <= MOST_METERS:
        raise Refused("local_meters", most=MOST_METERS // 1000)
    if not 0 <= band.fee_minor <= _MOST_FEE:
        raise Refused("local_fee")
    places = tuple(filter(None, (tidy(name)[:PLACE_LENGTH] for name in band.places)))
    if len(places) > MOST_PLACES:
        raise Refused("local_places", most=MOST_PLACES)
    return msgspec.structs.replace(band, places=places)


async def of(conn: db.Connection, shop_id: int) -> Local | None:
    """What a shop says of it; None where it does not bring things."""
    row = await conn.fetchrow(
        "select lat_e6, lon_e6, least_minor, bands from local_deliveries where shop_id = $1",
        shop_id,
    )
    return None if row is None else msgspec.convert(dict(row), Local)


async def write(conn: db.Connection, shop_id: int, checked: Local, at: datetime) -> None:
    """It brings things from now on, like this."""
    await db.run(
        conn,
        "insert into local_deliveries (shop_id, lat_e6, lon_e6, least_minor, bands, changed_at)"
        " values ($1, $2, $3, $4, $5, $6) on conflict on constraint local_deliveries_pkey do update"
        " set lat_e6 = excluded.lat_e6, lon_e6 = excluded.lon_e6,"
        " least_minor = excluded.least_minor, bands = excluded.bands,"
        " changed_at = excluded.changed_at",
        shop_id,
        checked.lat_e6,
        checked.lon_e6,
        checked.least_minor,
        msgspec.to_builtins(checked.bands),
        at,
    )
    await shops.touch(conn, shop_id, pricing=True)


async def stop(conn: db.Connection, shop_id: int) -> None:
    """It brings nothing any more."""
    await db.run(conn, "delete from local_deliveries where shop_id = $1", shop_id)
    await shops.touch(conn, shop_id, pricing=True)


def places(bands: Sequence[Band]) -> list[tuple[str, Band]]:
    """Every place that a band names."""
    return [(name, band) for band in bands for name in band.places]
