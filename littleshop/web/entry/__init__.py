"""Coming in: signing in and out, and opening a shop."""

from __future__ import annotations

from littleshop.web.entry import arriving, beginning, saving, signing_in, stepping

ROUTES = [
    *signing_in.ROUTES,
    *beginning.ROUTES,
    *stepping.ROUTES,
    *saving.ROUTES,
    *arriving.ROUTES,
]
