"""Money to sellers: the T+1 run, payouts, and the banks that carry them."""

from __future__ import annotations

import asyncio
import sys
from datetime import date

from littleshop import config

_USE = "./run settle [--on YYYY-MM-DD] [--home DIR] [--json]"


def command(arguments: list[str]) -> int:
    """`littleshop settle`: a whole day's run now; 1 when it could not be, 2 for a wrong use."""
    from littleshop.settlement import daily  # what the rest of this package needs stays light

    on, as_json, rest = None, False, list(arguments)
    while rest:
        word, _, value = rest.pop(0).partition("=")
        if word == "--json" and not value:
            as_json = True
            continue
        try:
            on = date.fromisoformat(value or rest.pop(0)) if word == "--on" else None
        except (ValueError, IndexError):
            on = None
        if on is None:
            print(_USE, file=sys.stderr)
            return 2
    return asyncio.run(daily.settle(config.read(), on, as_json=as_json))
