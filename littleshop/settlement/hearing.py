"""Hearing: what a rail answers of one payout, booked once.

done -> paid_out; failed -> the balance again, and the seller hears why; returned -> the same, days
after it was done. Money that lacks on our own account at the rail only makes it wait.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import partial

import msgspec

from littleshop import db
from littleshop.clock import UncoveredYear, value_date
from littleshop.crypto import Keyring
from littleshop.ledger import chart, journals
from littleshop.ledger.journals import Transfer
from littleshop.pay.gateways.contract import Reason
from littleshop.pay.gateways.transfers import TransferAnswer
from littleshop.settlement import funding, outlook, payouts, rails, remitters, telling
from littleshop.settlement.bank_answers import BankReason
from littleshop.settlement.desks import Desk
from littleshop.settlement.payouts import Payout

OURS = (Reason.NOT_ALLOWED, Reason.BAD_SIGNATURE)  # our settings are wrong, not the payee


async def hear(
    desk: Desk, payout: Payout, answer: TransferAnswer, source: str, at: datetime
) -> None:
    """Book an answer about a payout that is funded, sent or done; a repeat changes nothing."""
    if payout.status == "funded" and answer.status == "failed" and answer.reason in OURS:
        desk.set_aside(f"payout {payout.reference}", f"{payout.rail}: {answer.said}")
        return
    arrives_on = _arrives_on(desk, payout, at)
    await desk.database.transaction(
        partial(
            _book,
            keyring=desk.keyring,
            payout=payout,
            answer=answer,
            source=source,
            arrives_on=arrives_on,
            at=at,
        )
    )


def _arrives_on(desk: Desk, payout: Payout, at: datetime) -> date | None:
    try:
        return outlook.execution_day(desk.calendar, payout.run_on, at)
    except UncoveredYear:
        return None


async def _book(
    conn: db.Connection,
    *,
    keyring: Keyring,
    payout: Payout,
    answer: TransferAnswer,
    source: str,
    arrives_on: date | None,
    at: datetime,
) -> None:
    kept = await payouts.lock(conn, payout.shop_id, payout.payout_id)
    if kept.status not in ("funded", "sent", "done"):
        return
    if kept.status == "funded" and remitters.lacks_money(answer):
        await payouts.note_heard(conn, kept, payouts.NO_MONEY, at)
        return
    sealed = _sealed(keyring, answer)
    await payouts.mark_sent(conn, kept, arrives_on, at)
    await payouts.note_heard(conn, kept, answer.said or answer.status, at, confirm_sealed=sealed)
    if answer.status in ("done", "returned"):
        await _pay(conn, kept, answer, at)
    if answer.status == "returned":
        await _come_back(conn, kept, answer, source, at)
    if answer.status == "failed":
        await reject(conn, kept, answer.said or "failed", why(kept, answer), at)


def _sealed(keyring: Keyring, answer: TransferAnswer) -> bytes | None:
    """What the payee's page hands on, while he has not agreed yet."""
    if answer.status != "pending" or not answer.confirm_with:
        return None
    return keyring.seal(msgspec.json.encode(answer.confirm_with).decode())


async def _pay(conn: db.Connection, payout: Payout, answer: TransferAnswer, at: datetime) -> None:
    number = answer.gateway_no or payout.reference
    if not await payouts.mark_done(conn, payout, number, at):
        return
    await journals.post(
        conn,
        payout.shop_id,
        kind="paid_out",
        reference=payout.reference,
        value_on=value_date(at),
        booked_at=at,
        transfers=[Transfer(chart.IN_TRANSIT, rails.place(payout.rail), payout.amount)],
    )
    await telling.owner(conn, payout, "payout_done", at)


async def _come_back(
    conn: db.Connection, payout: Payout, answer: TransferAnswer, source: str, at: datetime
) -> None:
    """The money lies where it was paid from, and is owed again."""
    reason = why(payout, answer).value
    number = answer.gateway_no or payout.reference
    if not await payouts.mark_returned(conn, payout, number, reason, at):
        return
    await journals.post(
        conn,
        payout.shop_id,
        kind="payout_returned",
        reference=payout.reference,
        value_on=value_date(at),
        booked_at=at,
        transfers=[Transfer(source, chart.PAYABLE, payout.amount)],
    )
    await telling.owner(conn, payout, "payout_returned", at, reason=reason)


async def reject(
    conn: db.Connection, payout: Payout, code: str, reason: BankReason, at: datetime
) -> bool:
    """The rail will not pay it: all of it is the shop's balance again, and the seller hears why."""
    if not await payouts.mark_rejected(conn, payout, code[:200], reason.value, at):
        return False
    for kind in (funding.KIND, "payout") if payout.need else ("payout",):
        await journals.reverse(
            conn,
            payout.shop_id,
            kind=kind,
            reference=payout.reference,
            why=reason.value,
            value_on=value_date(at),
            booked_at=at,
        )
    if payout.rail != payouts.BANK:  # shop 0 gave nothing for it
        await payouts.mark_given_back(conn, payout, at)
    await telling.owner(conn, payout, "payout_returned", at, reason=reason.value)
    return True


def why(payout: Payout, answer: TransferAnswer) -> BankReason:
    """A rail's reason in the words that sellers are told."""
    if answer.reason is Reason.NOT_AGREED:
        return BankReason.NOT_AGREED
    if answer.reason is Reason.SELLER_FUNDS:
        return BankReason.FUNDS
    if answer.reason is Reason.AMOUNT:
        return BankReason.LIMIT
    if answer.reason is Reason.BUYER_ACCOUNT:
        to_card = payout.payee_id is None
        return BankReason.CARD_REFUSED if to_card else BankReason.PAYEE_REFUSED
    return BankReason.OTHER
