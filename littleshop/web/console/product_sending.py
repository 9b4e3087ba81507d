"""How a thing is sent: by which template, and what a piece weighs; a fold of its form."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import UUID

from littleshop import db
from littleshop.catalog import shipping_rates
from littleshop.errors import Refused
from littleshop.shop.shops import Shop
from littleshop.web import postage_words
from littleshop.web.console import rates
from littleshop.web.forms import Form

FIELDS = ("rate", "weight", "weight_seen")


def typed(form: Form) -> dict[str, str]:
    """What was typed, nothing where the form did not ask."""
    return form.typed(*FIELDS) if "rate" in form else {}


async def stands(conn: db.Connection, shop: Shop, product_id: UUID) -> dict[str, str]:
    """The template by which it is sent; nothing in a shop with one fee for everything."""
    if not await shipping_rates.of(conn, shop.shop_id):
        return {}
    now = await shipping_rates.of_product(conn, shop.shop_id, product_id)
    return {"rate": str(now.rate_id or "")}


async def shown(
    conn: db.Connection, shop: Shop, product_id: UUID, form: dict[str, Any]
) -> SimpleNamespace | None:
    """The fold as its template draws it; None in a shop with one fee for everything."""
    known = await shipping_rates.of(conn, shop.shop_id)
    if not known:
        return None
    now = await shipping_rates.of_product(conn, shop.shop_id, product_id)
    weight = postage_words.kilos(now.grams) if now.grams else ""
    chosen = form.get("rate", str(now.rate_id or ""))
    return SimpleNamespace(
        rates=[(str(each.rate_id), each.name) for each in known],
        rate=chosen,
        name=next((each.name for each in known if str(each.rate_id) == chosen), ""),
        weight=form.get("weight", weight),
        weight_seen=form.get("weight_seen", weight),
    )


async def write(conn: db.Connection, shop_id: int, product_id: UUID, form: dict[str, Any]) -> None:
    """Write what was typed; a weight that was not touched stays, kinds may differ in it.

    Raises Refused: rate_unknown, weight_number, weight_wrong.
    """
    if "rate" not in form:
        return
    rate_id = None
    if form["rate"]:
        known = [each.rate_id for each in await shipping_rates.of(conn, shop_id)]
        rate_id = next((each for each in known if str(each) == form["rate"]), None)
        if rate_id is None:
            raise Refused("rate_unknown")
    await shipping_rates.assign(conn, shop_id, product_id, rate_id)
    typed_anew = form["weight"].strip() != form["weight_seen"]
    grams = rates.grams(form["weight"]) if form["weight"].strip() else 0
    if typed_anew or grams:  # a kind that is new weighs what the others do
        await shipping_rates.weigh(conn, shop_id, product_id, grams, unsaid=not typed_anew)
