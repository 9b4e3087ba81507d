"""An invitation to pay as parts/letter.html draws it, for its reader and for its writer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import segno

from littleshop import i18n
from littleshop.money import Money
from littleshop.shop.shops import Shop
from littleshop.trade.invitations import Invitation, Line

ENDED = ("paid", "used", "expired", "cancelled", "sold_out")


def total(invitation: Invitation, lines: Sequence[Line]) -> Money:
    """What it comes to by courier, without a postage that depends on where it goes: what the
    stamp says."""
    goods = sum((line.amount for line in lines), Money(0, invitation.currency))
    return goods + invitation.shipping


def qr(link: str) -> str:
    """The code of a link: svg text with a viewBox."""
    return str(segno.make(link, error="m").svg_inline(border=0, omitsize=True))


def sheet(
    locale: str,
    shop: Shop,
    face: Any,
    invitation: Invitation,
    lines: Sequence[Line],
    state: str,
    now: datetime,
) -> SimpleNamespace:
    """What letter.sheet wants; `state` one of ENDED leaves its postmark."""
    sent, zone = invitation.sent_at or now, ZoneInfo(shop.zone)
    seller = shop.seller or shop.name
    here, first = sent.astimezone(zone), lines[0]
    picture = SimpleNamespace(digest=first.photo, alt=first.title) if first.photo else None
    amount = total(invitation, lines)
    head = "letters.head" if invitation.to_name else "letters.head.open"
    dot, named = i18n.t(locale, "words.dot"), shop.name if shop.name != seller else ""
    return SimpleNamespace(
        face=face,
        head=i18n.t(locale, head, seller=seller, name=invitation.to_name),
        from_where=dot.join(part for part in (named, shop.place) if part),
        words=invitation.words,
        signed=i18n.t(
            locale, "letters.signed", seller=seller, when=i18n.when(locale, sent, now, zone)
        ),
        stamp=SimpleNamespace(
            picture=picture, name=first.title, place=shop.place or shop.name, amount=amount
        ),
        postmark=(f"{here:%Y}", f"{here.month}.{here.day}"),
        ended=i18n.t(locale, f"letters.mark.{state}") if state in ENDED else "",
        lines=_lines(locale, invitation, lines),
        total=amount,
        total_label=i18n.t(locale, "checkout.total_from" if _open(invitation) else "words.total"),
    )


def _open(invitation: Invitation) -> bool:
    """Whether its postage depends on where it goes."""
    return invitation.shipping_minor is None


def _lines(locale: str, invitation: Invitation, lines: Sequence[Line]) -> list[SimpleNamespace]:
    shown = [_line(locale, line) for line in lines]
    days = invitation.ship_days
    note = i18n.t(locale, "letters.ships_within", count=days) if days else ""
    if invitation.way == "goods":
        free = "" if invitation.shipping_minor else i18n.t(locale, "letters.postage_free")
        if _open(invitation):
            free = i18n.t(locale, "checkout.by_region")
        label = i18n.t(locale, "letters.postage")
        fee = invitation.shipping if invitation.shipping_minor else None
        shown.append(SimpleNamespace(label=label, note=note, amount=fee, said=free, good=False))
    return shown


def _line(locale: str, line: Line) -> SimpleNamespace:
    label = f"{line.title}{i18n.t(locale, 'words.dot') if line.choice else ''}{line.choice}"
    if line.quantity > 1:
        label = f"{label} × {line.quantity}"
    cheaper = line.status == "on_sale" and 0 < line.unit_minor < line.shelf_minor
    return SimpleNamespace(
        label=label,
        note=i18n.t(locale, "letters.only_you", amount=line.shelf) if cheaper else "",
        amount=line.amount if line.unit_minor else None,
        said="" if line.unit_minor else i18n.t(locale, "letters.gift"),
        good=False,
    )
