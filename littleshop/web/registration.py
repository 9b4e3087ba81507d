"""Where a shop stands with the institutions that are to admit its seller (psp_escrow)."""

from __future__ import annotations

from collections.abc import Sequence

from littleshop import db
from littleshop.entry import admitting, showing_id_card
from littleshop.http import House
from littleshop.shop import admissions
from littleshop.shop.admissions import Admission
from littleshop.shop.shops import Shop


def latest(found: Sequence[Admission]) -> list[Admission]:
    """What each institution said last, and what is in force beside it; `found` latest first."""
    newest: dict[str, Admission] = {}
    for each in found:
        newest.setdefault(each.gateway, each)
    chosen = [e for e in found if e.status == "admitted" or newest[e.gateway] is e]
    return sorted(chosen, key=lambda each: (each.gateway, each.asked_at))


def standing(found: Sequence[Admission]) -> str:
    """Where the shop stands: admitted (by one, at least), signing, asked, refused, or missing."""
    states = {each.status for each in latest(found)}
    for state in ("admitted", "signing", "asked", "refused"):
        if state in states:
            return state
    return "missing"


async def id_photos(conn: db.Connection, house: House, shop_id: int) -> str:
    """Whether the seller is to give photos of his id card; see admitting.photos_fit."""
    if not house.admits_at:
        return ""
    return await admitting.photos_fit(conn, shop_id, showing_id_card.wanting(house.escrows))


async def to_say(conn: db.Connection, house: House, shop: Shop) -> str | None:
    """What a seller is to be told: a state as `standing`, or that `photos` of his id card are
    missing; None when there is nothing to tell."""
    if house.settings.escrow != "psp_escrow":
        return None
    if await id_photos(conn, house, shop.shop_id) == "missing":
        return "photos"
    found = await admissions.of_shop(conn, shop.shop_id)
    state = standing(found)
    if state == "admitted" and any(each.status == "signing" for each in latest(found)):
        return "signing"
    return None if state in ("admitted", "missing") else state


def steps(house: House, missing: Sequence[str]) -> list[str]:
    """The missing steps of an opening by what waits for them: being paid out, or, where an
    institution admits sellers by them, being paid at all (`_first`)."""
    first = house.settings.escrow == "psp_escrow"
    return [f"{each}_first" if first else each for each in missing]
