"""Wrapping a gift: the checkout without an address. Its recipient says where it goes."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace

import msgspec
from starlette.requests import Request

from littleshop import http
from littleshop.errors import Refused
from littleshop.pricing import quotes
from littleshop.sale import gifting, placing
from littleshop.sale.placing import Placed, Placing
from littleshop.shop.shops import Shop
from littleshop.trade import letters
from littleshop.web.storefront import askers, cashier
from littleshop.web.storefront.checkouts import GIFT, Bag


def is_gift(form: Mapping[str, str]) -> bool:
    """Whether the form is one of a gift."""
    return form.get("as") == GIFT


def turned(form: Mapping[str, str]) -> dict[str, str]:
    """The form as its buttons "it is a gift" and "no gift" (then=gift, then=own) turn it."""
    return {**form, "as": {"gift": GIFT, "own": ""}.get(form["then"], form.get("as", ""))}


async def offered(request: Request, shop: Shop, bag: Bag) -> bool:
    """Whether this can be given: not a team's seat, and only where it can be paid at once."""
    return not bag.team and not await cashier.waits(request, shop)


async def shown(
    request: Request, shop: Shop, bag: Bag, form: Mapping[str, str]
) -> SimpleNamespace | None:
    """The gift as the checkout draws it, with what was typed; None where none is offered."""
    if not await offered(request, shop, bag):
        return None
    typed = {name: form.get(name, "") for name in ("to_name", "words")}
    return SimpleNamespace(chosen=is_gift(form), **typed)


async def place(
    request: Request, shop: Shop, bag: Bag, form: Mapping[str, str], wish: Placing
) -> Placed:
    """Place the gift. Raises Refused: field_too_long, terms_changed, and as placing.place_within;
    Conflict."""
    house, at = http.house(request), http.now(request)
    if not await offered(request, shop, bag):
        raise Refused("terms_changed")
    letter = letters.write_down(
        wish.delivery.name, form.get("to_name", ""), form.get("words", ""), at
    )
    only = [item.variant_id for item in bag.items]
    facts = await house.loader.facts(shop.shop_id, only, wish.asker)
    quote = quotes.quote(
        facts,
        bag.items,
        wish.way,
        code=askers.code_of(form),
        to=placing.goes_to(wish),
    )
    if wish.said is not None and wish.said != placing.said(quote, waits=False):
        raise Refused("terms_changed")
    gift = msgspec.structs.replace(wish, kind="gift", note="")
    return await house.database.transaction(
        lambda conn: gifting.place(conn, house.keyring, gift, letter, at)
    )
