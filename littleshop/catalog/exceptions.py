"""Goods that the law lets a seller keep sold: what they are, and what buyers must say to them.

Goods bought at a distance may come back within seven days without a reason (consumer protection
law, article 25). Four kinds never do; three more only when the buyer said yes to that in this
very purchase (interim measures on seven-day returns, articles 6 and 7).
"""

from __future__ import annotations

from datetime import timedelta

ALWAYS = ("made", "fresh", "digital", "press")
WHEN_CONFIRMED = ("opened", "used", "flawed")
KINDS = (*ALWAYS, *WHEN_CONFIRMED)
A_MOMENT = timedelta(minutes=1)  # a new exception counts for orders a little later: pages lag
