"""Telling a shop's people what became of a payout, each in his language, with the reason."""

from __future__ import annotations

from datetime import datetime

from littleshop import db, i18n
from littleshop.identity import people
from littleshop.notify import messages
from littleshop.notify.messages import Recipient
from littleshop.settlement import former
from littleshop.settlement.payouts import Payout
from littleshop.shop import shops, staff


async def owner(
    conn: db.Connection, payout: Payout, about: str, at: datetime, *, reason: str = ""
) -> None:
    """Tell the shop's owner: the money is his affair, not the clerks'.

    `about` is payout_done or payout_returned; `reason` a BankReason, told as a sentence.
    """
    shop = await shops.get(conn, payout.shop_id)
    for to in await _whose(conn, payout):
        facts = {"reason": why(to.locale, reason)} if reason else {}
        await messages.send(
            conn,
            payout.shop_id,
            [to],
            about=about,
            subject=payout.payout_id,
            at=at,
            shop=shop.name,
            amount=payout.amount,
            tail=payout.tail,
            url=f"/console/{payout.shop_id}/money",
            **facts,
        )


async def _whose(conn: db.Connection, payout: Payout) -> list[Recipient]:
    """Who is paid: the owner, or who kept the shop when it was earned (settlement/former.py)."""
    before = await former.keeper_of(conn, payout.shop_id, payout.card_id)
    if before is None:
        return await staff.recipients(conn, payout.shop_id, owners=True)
    person = await people.get(conn, before)
    assert person is not None, before
    return [Recipient(person.person_id, person.phone_sealed, person.locale)]


def why(locale: str, reason: str) -> str:
    """A bank's reason (BankReason) as a sentence for the seller."""
    return i18n.t(locale, f"settlement.reason.{reason}")
