"""A seller's letter behind its link: what it names, who took it up, where it stands for whom."""

from __future__ import annotations

from uuid import UUID

import msgspec
from starlette.requests import Request

from littleshop import http, ids
from littleshop.sale import inviting
from littleshop.shop import shops
from littleshop.shop.shops import Shop
from littleshop.trade import invitations, orders, takers
from littleshop.trade.invitations import Invitation, Line
from littleshop.trade.takers import Taker
from littleshop.web.storefront import cashier

_ENDS = {  # why it cannot be taken up -> what the page shows
    "invitation_expired": "expired",
    "invitation_cancelled": "cancelled",
    "invitation_used": "used",
    "invitation_taken": "taken",
}


class Open(msgspec.Struct, frozen=True):
    """An invitation that somebody came to by its link."""

    shop: Shop
    row: Invitation
    lines: list[Line]
    takers: list[Taker]
    moved: set[UUID]  # orders that wait to be paid at prices of before
    token: str

    @property
    def own(self) -> Taker | None:
        """The order of this device that is paid or can be."""
        known = [each for each in self.takers if each.own and each.order_id not in self.moved]
        mine = [each for each in known if each.status != "cancelled"]
        return mine[-1] if mine else None


async def behind(request: Request) -> Open:
    """The invitation behind the link of the address. Raises NotFound."""
    token = request.path_params["token"]
    shop_id = http.token_shop(token)
    async with http.house(request).database.connection() as conn:
        row = await invitations.by_token(conn, shop_id, ids.hashed(token))
        return Open(
            await shops.get(conn, shop_id),
            row,
            await invitations.lines(conn, shop_id, row.invitation_id),
            await takers.of(conn, shop_id, row.invitation_id, http.device(request)),
            await invitations.moved(conn, shop_id, row.invitation_id),
            token,
        )


async def state(request: Request, found: Open) -> str:
    """open, mine, asked (another is to pay), paid, used, taken, expired, cancelled, sold_out,
    closed or registering"""
    if found.own is not None:
        if found.own.status not in orders.UNPAID:
            return "paid"
        if found.own.status != "invited":
            return "asked" if found.own.waited else "mine"
    no = inviting.why_not(found.row, http.now(request))
    if no is not None:
        return _ENDS[no.code]
    short = any(line.spare < line.quantity for line in found.lines) and not found.row.holding
    if short or not all(line.to_be_had for line in found.lines):
        return "sold_out"
    if found.shop.status != "open":
        return "closed"
    if found.own is not None:
        return "asked"
    return "registering" if await cashier.waits(request, found.shop) else "open"
