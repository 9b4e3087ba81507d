"""Telling a shop's people what became of a payout, each in his language, with the reason."""

from __future__ import annotations

from datetime import datetime

from littleshop import db, i18n
from littleshop.notify import messages
from littleshop.settlement.payouts import Payout
from littleshop.shop import owners, shops


async def owner(
    conn: db.Connection, payout: Payout, about: str, at: datetime, *, reason: str = ""
) -> None:
    """Tell the shop's owner: the money is his affair, not the clerks'.

    `about` is payout_done or payout_returned; `reason` a BankReason, told as a sentence.
    """
    shop = await shops.get(conn, payout.shop_id)
    for to in await owners.to_tell(conn, payout.shop_id):
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


def why(locale: str, reason: str) -> str:
    """A bank's reason (BankReason) as a sentence for the seller."""
    return i18n.t(locale, f"settlement.reason.{reason}")
