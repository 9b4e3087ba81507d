"""Asking others to pay: the choice below "how paid", and placing the cart for them."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace

import msgspec
from starlette.requests import Request

from littleshop import http
from littleshop.errors import Refused
from littleshop.pricing import quotes
from littleshop.sale import asking_a_payer, inviting, placing
from littleshop.sale.placing import Placed, Placing
from littleshop.shop.shops import Shop, tidy
from littleshop.trade import letters
from littleshop.trade.invitations import Invitation
from littleshop.web.storefront import askers, cashier
from littleshop.web.storefront.checkouts import Bag


def kind_of(form: Mapping[str, str]) -> str:
    """pay_for_me or chip_in when others are to pay, "" when the buyer pays himself."""
    then = form.get("then", "")
    return then if then in asking_a_payer.PAY_WITHIN else ""


def unsigned(form: Mapping[str, str]) -> dict[str, Refused]:
    """A letter that asks for money says from whom: one that doesn't reads like a fraud."""
    nameless = kind_of(form) and not tidy(form.get("from_name", ""))
    return {"from_name": Refused("asker_nameless")} if nameless else {}


async def offered(request: Request, shop: Shop, bag: Bag) -> list[str]:
    """Who else can be asked: nobody while the shop can't be paid, or for a seat of a team. No
    institution that holds the money splits several payments as one."""
    if bag.team or await cashier.waits(request, shop):
        return []
    splits = http.house(request).settings.escrow != "psp_escrow"
    return [kind for kind in asking_a_payer.PAY_WITHIN if splits or kind != "chip_in"]


async def shown(
    request: Request, shop: Shop, bag: Bag, form: Mapping[str, str]
) -> SimpleNamespace | None:
    """The choice as the checkout draws it, with what was typed; None when there is none."""
    kinds = await offered(request, shop, bag)
    if not kinds:
        return None
    return _shown(kinds, form)


def _shown(kinds: list[str], form: Mapping[str, str], first: bool = False) -> SimpleNamespace:
    return SimpleNamespace(
        kinds=kinds,
        from_name=form.get("from_name", ""),
        words=form.get("words", ""),
        open=bool(kind_of(form)),
        first=first,
    )


async def by_letter(
    request: Request, found: Invitation, form: Mapping[str, str], wish: Placing
) -> Placed:
    """Take up a seller's letter for somebody else to pay. Raises Refused: field_too_long, and as
    inviting.ask_a_payer; Conflict."""
    house, at = http.house(request), http.now(request)
    letter = letters.write_down(form.get("from_name", ""), "", form.get("words", ""), at)
    return await house.database.transaction(
        lambda conn: inviting.ask_a_payer(
            conn, house.keyring, found.invitation_id, wish, letter, at
        )
    )


def by_letter_shown(form: Mapping[str, str], *, first: bool) -> SimpleNamespace:
    """The choice on the form of a seller's letter: its uses are paid by one person each. It comes
    `first` on the form of who said already that another pays."""
    return _shown(["pay_for_me"], form, first)


def named_once(form: dict[str, str], way: str) -> dict[str, str]:
    """The form of who asks another to pay what nobody sends: his name stands in it once."""
    if way != "none" or not kind_of(form) or form.get("recipient"):
        return form
    return {**form, "recipient": form.get("from_name", "")}


async def place(
    request: Request, shop: Shop, bag: Bag, form: Mapping[str, str], wish: Placing
) -> Placed:
    """Place the cart for others to pay. Raises Refused: field_too_long, terms_changed, and as
    placing.place_within; Conflict."""
    house, at, kind = http.house(request), http.now(request), kind_of(form)
    if kind not in await offered(request, shop, bag):
        raise Refused("terms_changed")
    letter = letters.write_down(form.get("from_name", ""), "", form.get("words", ""), at)
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
    asked = msgspec.structs.replace(wish, kind=kind, waits=True)
    return await house.database.transaction(
        lambda conn: asking_a_payer.place(conn, house.keyring, asked, letter, at)
    )
