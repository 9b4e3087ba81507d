"""When what happens by itself (PRODUCT 8), and how long we keep what, as pages tell it."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from littleshop.notify import alerts
from littleshop.sale import parcelling, shipping
from littleshop.trade import trackings


class Terms(msgspec.Struct, frozen=True):
    """Spans: to ship, until all goes back, to confirm (counted from shipping); until a
    parcel's way and what a seller was told are deleted."""

    ship: timedelta
    refund: timedelta
    confirm: timedelta
    way: timedelta = trackings.SCANS_KEPT
    told: timedelta = alerts.KEPT


TERMS = Terms(ship=shipping.SHIP_BY, refund=shipping.SHIP_AT_LAST, confirm=parcelling.CONFIRM_BY)
