"""Telling a shop's people what became of a payout, each in his language, with the reason."""

from __future__ import annotations

from datetime import datetime

from littleshop import db, i18n
from littleshop.identity import people
from littleshop.notify import messages, subscriptions
from littleshop.notify.messages import Recipient
from littleshop.settlement.payouts import Payout
from littleshop.shop import shops, staff


async def owner(
    conn: db.Connection, payout: Payout, about: str, at: datetime, *, reason: str = ""
) -> None:
    """Tell the shop's owner: the money is his affair, not the clerks'.

    `about` is payout_done or payout_returned; `reason` a BankReason, told as a sentence.
    """
    shop = await shops.get(conn, payout.shop_id)
    owners = [
        member.person_id
        for member in await staff.of_shop(conn, payout.shop_id)
        if member.role == "owner"
    ]
    browsers = await subscriptions.of(conn, payout.shop_id, owners)
    for person_id in owners:
        person = await people.get(conn, person_id)
        if person is None:
            continue
        push = tuple(browsers.get(person_id, ()))
        facts = {"reason": why(person.locale, reason)} if reason else {}
        await messages.send(
            conn,
            payout.shop_id,
            [Recipient(person.person_id, person.phone_sealed, person.locale, push)],
            about=about,
            subject=payout.payout_id,
            at=at,
            shop=shop.name,
            amount=payout.amount,
            tail=payout.tail,
            url=f"/console/{payout.shop_id}/money",
            **facts,
        )


def why(locale: str, reason: str) -> str:
    """A bank's reason (BankReason) as a sentence for the seller."""
    return i18n.t(locale, f"settlement.reason.{reason}")
