"""Coming in: signing in and out, opening a shop, changing the card it is paid to,
working in a shop and taking one over."""

from __future__ import annotations

from littleshop.web.entry import (
    arriving,
    beginning,
    changing,
    joining,
    objecting,
    saving,
    signing_in,
    stepping,
    taking_over,
)

ROUTES = [
    *signing_in.ROUTES,
    *beginning.ROUTES,
    *stepping.ROUTES,
    *saving.ROUTES,
    *arriving.ROUTES,
    *changing.ROUTES,
    *joining.ROUTES,
    *objecting.ROUTES,
    *taking_over.ROUTES,
]
