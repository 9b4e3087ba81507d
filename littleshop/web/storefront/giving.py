"""Giving: what somebody with a payer's link is going to pay on this device, and what became of it.

By a payer's link every device pays for itself: a part of what friends chip in for, or all of what
one pays for another. The device then finds its own attempts and nobody else's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING

from starlette.requests import Request

from littleshop import db, http, ids
from littleshop.errors import Refused
from littleshop.money import Money
from littleshop.pay import payments
from littleshop.pay.payments import Payment
from littleshop.sale import paying
from littleshop.trade import letters, order_links, parts
from littleshop.trade.orders import PAYABLE, Order
from littleshop.trade.parts import Part
from littleshop.web import forms

if TYPE_CHECKING:
    from littleshop.web.storefront.orders import OrderLink

LONGEST_KEY = 64


def gives(link: OrderLink) -> bool:
    """Whether what is paid by this link is a part: by a payer's link, or of what friends share."""
    return link.seen.role == "payer" or link.order.kind == "chip_in"


def left_of(order: Order) -> Money:
    """What is still to go."""
    return order.total - Money(order.held_minor, order.currency)


async def mine(request: Request, link: OrderLink) -> Part | None:
    """What was last set out to be paid on this device; None where nothing is paid in parts."""
    device = http.device(request)
    if device is None or not gives(link):
        return None
    async with http.house(request).database.connection() as conn:
        return await parts.last_of(conn, link.shop.shop_id, link.order_id, device)


def part_of(link: OrderLink, known: Part | None) -> paying.PartDue | None:
    """The same for the flow of paying."""
    if known is None:
        return None
    return paying.PartDue(known.part_id, Money(known.amount_minor, link.order.currency))


async def ask(
    request: Request, link: OrderLink, form: Mapping[str, str], device: bytes
) -> paying.PartDue:
    """What is to be paid now on this device, which is a payer's from here on; without a sum in the
    form it is that of before, another way to pay was pressed.

    Raises Refused: part_empty, part_too_large(left=), part_too_small(least=), field_too_long, and
    what forms.price raises.
    """
    order, at = link.order, http.now(request)
    known = part_of(link, await mine(request, link))
    if order.kind == "chip_in" and "amount" not in form:
        if known is None:
            raise Refused("part_empty")
        return known
    whole, key = order.kind != "chip_in", form.get("key", "")[:LONGEST_KEY]
    amount = order.total if whole else _amount(form, order)
    letter = letters.write_down(form.get("name", ""), "", form.get("words", ""), at)
    seed = f"{device.hex()}:{'' if whole else key}:{amount.minor}"
    part_id = ids.derived(link.order_id, seed)

    async def work(conn: db.Connection) -> Part:
        to = (conn, order.shop_id, order.order_id)
        if await payments.part_is_paid(conn, order.shop_id, part_id):
            raise Refused("not_payable", status="paid")  # its name and words stay as they were
        if link.seen.role == "payer":
            await order_links.trust_device(*to, "payer", device)
        return await parts.ask(*to, part_id, letter, amount.minor, device)

    return paying.PartDue((await http.house(request).database.transaction(work)).part_id, amount)


def _amount(form: Mapping[str, str], order: Order) -> Money:
    chosen, left = form["amount"], left_of(order)
    if chosen == "rest":
        return left
    if chosen == "other":
        minor = forms.price(form.get("other", ""), left.currency)
    elif chosen.isascii() and chosen.isdigit() and 0 < len(chosen) < 12 and int(chosen):
        minor = int(chosen)
    else:
        raise Refused("part_empty")
    if minor > left.minor:
        raise Refused("part_too_large", left=left)
    if minor < (least := parts.least(order.total, left)).minor:
        raise Refused("part_too_small", least=least)
    return Money(minor, left.currency)


def ended(order: Order, attempts: Sequence[Payment]) -> str:
    """What became of the payer's `attempts`, when nothing is left for him to do: paid, back, taken
    (others paid it), closed; "" while he can pay."""
    arrived = {each.outcome for each in attempts if each.status == "paid"}
    if "returned" in arrived or (arrived and order.status == "cancelled"):
        return "back"
    if arrived:
        return "paid"
    if order.status in PAYABLE:
        return ""
    return "closed" if order.status == "cancelled" else "taken"


def state_of(order: Order, attempt: Payment) -> SimpleNamespace:
    """Where the money of a paid attempt is: held, seller, back (all of it, or so much)."""
    returned = attempt.outcome == "returned"
    back = attempt.paid if returned else Money(attempt.refunded_minor, attempt.currency)
    if back and back == attempt.paid:
        where = "twice" if returned and order.status != "cancelled" else "back"
    elif order.direct or order.status in ("received", "closed"):
        where = "seller"
    else:
        where = "held"
    return SimpleNamespace(where=where, amount=attempt.paid, back=back, at=attempt.paid_at)
