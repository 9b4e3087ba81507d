"""When what happens by itself (PRODUCT 8), as pages tell it."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from littleshop.sale import paying, receiving, shipping


class Terms(msgspec.Struct, frozen=True):
    """Spans: to ship, until all goes back, to confirm with and without tracking, to answer a
    refund, to tell of a fault after receipt."""

    ship: timedelta
    refund: timedelta
    tracked: timedelta
    untracked: timedelta
    answer: timedelta
    fault: timedelta


TERMS = Terms(
    ship=paying.SHIP_BY,
    refund=paying.SHIP_AT_LAST,
    tracked=timedelta(days=2),
    untracked=shipping.CONFIRM_BY,
    answer=timedelta(hours=48),
    fault=receiving.AFTER_SALE,
)
