"""Taking up a letter: whether it can be, and its pieces, which go over to the order that does.

An order that somebody else is to pay takes its use, and the pieces, only when he goes to pay.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from littleshop import db
from littleshop.catalog import stock
from littleshop.errors import Refused
from littleshop.trade import invitations, timers
from littleshop.trade.invitations import Invitation
from littleshop.trade.orders import Order

LAPSE = "invitation_by"  # the timer of one that holds pieces
RECALL = "recalling.end"  # the job that ends what waits by a letter that was taken back
LETTER_BACK = "letter_back"  # why such an order ended


def why_not(invitation: Invitation, at: datetime) -> Refused | None:
    """Why it cannot be taken up now; None when it can."""
    state = invitation.state(at)
    if state in ("draft", "cancelled"):
        return Refused("invitation_cancelled")
    if state == "paid":
        return Refused("invitation_used")
    if state == "expired":
        return Refused("invitation_expired")
    return Refused("invitation_taken") if invitation.left < 1 else None


async def pieces(conn: db.Connection, invitation: Invitation) -> dict[UUID, int]:
    """How many of which variant one who takes it up gets."""
    lines = await invitations.lines(conn, invitation.shop_id, invitation.invitation_id)
    return {line.variant_id: line.quantity for line in lines}


async def let_go(conn: db.Connection, invitation: Invitation) -> None:
    """What it keeps goes over to who takes it up; its claim is locked. Nobody comes between: the
    rows are ours until the end."""
    shop_id, invitation_id = invitation.shop_id, invitation.invitation_id
    if await invitations.stop_holding(conn, shop_id, invitation_id):
        await stock.let_go(conn, shop_id, await pieces(conn, invitation))
        await timers.cancel(conn, shop_id, invitation_id, LAPSE)


async def of_invited(conn: db.Connection, order: Order) -> Invitation | None:
    """The letter that an order took up which somebody else is to pay; None of any other."""
    if order.kind != "invitation" or order.status != "invited":
        return None
    return await invitations.of_order(conn, order.shop_id, order.order_id)


async def overtaken(
    conn: db.Connection, order: Order, invitation: Invitation, at: datetime
) -> Refused | None:
    """Why an order by this letter cannot be paid any more; None when it can.

    Codes: what why_not says, and invitation_changed: its prices are others than when he asked.
    """
    no = why_not(invitation, at)
    if no is not None:
        return no
    moved = await invitations.moved(conn, order.shop_id, invitation.invitation_id)
    return Refused("invitation_changed") if order.order_id in moved else None
