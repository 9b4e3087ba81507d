"""A gift as its pages draw it: for who may claim it, and for who gave it. No amount in the first,
nothing of where it goes in the second."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from littleshop import i18n
from littleshop.shop.shops import Shop
from littleshop.trade.gifts import Claimed, GiftVariant
from littleshop.trade.letters import Letter
from littleshop.trade.order_links import Seen
from littleshop.trade.orders import UNPAID, Order, OrderItem
from littleshop.trade.timers import Timer
from littleshop.web.storefront import order_views, views

ENDED = ("taken", "over")
SPOKEN = {"ship_by": "ship", "confirm_by": "confirm"}  # clocks of which a recipient is told


def state_of(seen: Seen, claimed: Claimed | None) -> str:
    """wrapped (not paid yet), open, mine (claimed on this device), taken (claimed on another) or
    over (called off, or nobody claimed it)."""
    if claimed is not None:
        return "mine" if seen.may_act else "taken"
    if seen.order.status in UNPAID:
        return "wrapped"
    return "open" if seen.order.status == "claiming" else "over"


def sheet(
    locale: str, shop: Shop, letter: Letter, things: Sequence[OrderItem], state: str, now: datetime
) -> SimpleNamespace:
    """What letter.sheet wants. Claimed by another it says neither names nor words nor
    things."""
    here, first = letter.written_at.astimezone(ZoneInfo(shop.zone)), things[0]
    quiet = state == "taken"
    name = "" if quiet else letter.from_name
    signed = name or i18n.t(locale, "gifts.somebody")
    when = i18n.when(locale, letter.written_at, now, ZoneInfo(shop.zone))
    shown = first.photo and not quiet
    picture = SimpleNamespace(digest=first.photo, alt=first.title) if shown else None
    mark = i18n.t(locale, f"gifts.mark.{state}") if state in ENDED else ""
    return SimpleNamespace(
        face=SimpleNamespace(name=signed, picture=None),
        head=_head(locale, letter, state, name),
        from_where=i18n.t(locale, "gifts.from_shop", shop=shop.name),
        words="" if quiet else letter.words,
        signed="" if quiet else i18n.t(locale, "gifts.signed", name=signed, when=when),
        stamp=SimpleNamespace(
            picture=picture,
            name="" if quiet else first.title,
            place=shop.place or shop.name,
            amount=None,
        ),
        postmark=(f"{here:%Y}", f"{here.month}.{here.day}"),
        ended=mark,
        lines=[] if quiet else [_line(each) for each in things],
        total=None,
        total_label="",
    )


def _head(locale: str, letter: Letter, state: str, name: str) -> str:
    if state == "taken":
        return i18n.t(locale, "gifts.head.taken")
    to = ".to" if letter.to_name and name else ""
    key = f"gifts.head{to}" if name else "gifts.head.nobody"
    return i18n.t(locale, key, name=name, to=letter.to_name)


def _line(item: OrderItem) -> SimpleNamespace:
    pieces = f"× {item.quantity}" if item.quantity > 1 else ""
    return SimpleNamespace(label=item.title, note=item.choice, amount=None, said=pieces, good=False)


def thing(item: OrderItem) -> SimpleNamespace:
    """A thing of a gift, without what it cost."""
    shown = order_views.thing(item)
    shown.price = None
    return shown


def choices(
    things: Sequence[OrderItem], known: Sequence[GiftVariant], typed: dict[int, str]
) -> list[SimpleNamespace]:
    """What each line can be, where there is something to choose; what was chosen stays so."""
    shown = []
    for item in things:
        kinds = [each for each in known if each.position == item.position]
        if len(kinds) < 2:
            continue
        rows = [
            SimpleNamespace(
                value=str(each.variant_id),
                name=each.choice,
                gone=not each.chosen and each.spare < each.quantity,
                chosen=each.chosen,
            )
            for each in kinds
        ]
        wanted = next((row for row in rows if row.value == typed.get(item.position)), None)
        for row in rows:
            row.chosen = row is wanted if wanted and not wanted.gone else row.chosen
        shown.append(SimpleNamespace(name=f"kind_{item.position}", title=item.title, kinds=rows))
    return shown


def due(clocks: Sequence[Timer]) -> SimpleNamespace | None:
    """What happens by itself next, as far as it is a recipient's business."""
    for clock in clocks:
        if clock.kind in SPOKEN and clock.paused_at is None:
            return SimpleNamespace(kind=SPOKEN[clock.kind], at=clock.due_at)
    return None


def card(
    locale: str, order: Order, letter: Letter, claimed: Claimed | None, link: str, till: Any
) -> SimpleNamespace:
    """What its giver sees: the link while it can be claimed, and whether it was."""
    is_open = order.status == "claiming"
    name = letter.from_name or i18n.t(locale, "gifts.somebody")
    return SimpleNamespace(
        to=letter.to_name,
        link=link if is_open else "",
        qr=views.qr(link) if is_open else "",
        title=_head(locale, letter, "open", letter.from_name),
        text=i18n.t(locale, "gifts.send.text", name=name),
        seen_at=letter.seen_at,
        till=till if is_open else None,
        claimed_at=claimed.claimed_at if claimed else None,
        unpaid=order.status in UNPAID,
    )
