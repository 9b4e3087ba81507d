"""When what happens by itself (PRODUCT 8), as pages tell it."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from littleshop.sale import parcelling, shipping


class Terms(msgspec.Struct, frozen=True):
    """Spans: to ship, until all goes back, to confirm (counted from shipping)."""

    ship: timedelta
    refund: timedelta
    confirm: timedelta


TERMS = Terms(ship=shipping.SHIP_BY, refund=shipping.SHIP_AT_LAST, confirm=parcelling.CONFIRM_BY)
