"""Cases in lists: what buyers of a shop want back, with the order it is about and its clock."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.crypto import Keyring
from littleshop.money import Money
from littleshop.trade.orders import Delivery

SELLERS_TURN = ("asked", "sent_back", "replacing")
MOST = 200


class CaseRow(msgspec.Struct, frozen=True):
    """A case in a list; `due_at` is None where no clock runs (disputed, money on its way)."""

    case_id: UUID
    number: int
    kind: str
    reason: str
    status: str
    amount_minor: int
    agreed_minor: int | None
    currency: str
    asked_at: datetime
    escalated_at: datetime | None
    ended_at: datetime | None
    order_id: UUID
    order_number: int
    delivery_sealed: bytes
    title: str
    photo: str
    pieces: int
    due_at: datetime | None

    @property
    def amount(self) -> Money:
        """What goes back, else what is asked back (zero for an exchange)."""
        minor = self.amount_minor if self.agreed_minor is None else self.agreed_minor
        return Money(minor, self.currency)

    @property
    def sellers_turn(self) -> bool:
        """Whether the seller is the one who is waited for."""
        return self.status in SELLERS_TURN

    def delivery(self, keyring: Keyring) -> Delivery:
        return msgspec.json.decode(keyring.open(self.delivery_sealed), type=Delivery)


_ROW = """
    select c.case_id, c.number, c.kind, c.reason, c.status, c.amount_minor, c.agreed_minor,
           c.currency, c.asked_at, c.escalated_at, c.ended_at, o.order_id,
           o.number as order_number, o.delivery_sealed, i.title, i.photo, i.pieces, t.due_at
      from cases c
      join orders o on o.shop_id = c.shop_id and o.order_id = c.order_id
      join lateral (select (array_agg(title order by position))[1] as title,
                           (array_agg(photo order by position))[1] as photo,
                           sum(quantity)::integer as pieces
                      from order_items where shop_id = $1 and order_id = c.order_id) i on true
      left join timers t on t.shop_id = $1 and t.subject = c.order_id and c.ended_at is null
       and t.kind = case c.status when 'asked' then 'case_answer'
                                  when 'returning' then 'case_send_back'
                                  when 'sent_back' then 'case_take_back'
                                  when 'replacing' then 'case_replace'
                                  when 'refused' then 'case_escalate' end
     where c.shop_id = $1"""


async def open_ones(conn: db.Connection, shop_id: int, most: int = MOST) -> list[CaseRow]:
    """A shop's open cases, what is due first at the top."""
    return await db.all(
        conn,
        CaseRow,
        f"{_ROW} and c.ended_at is null order by t.due_at nulls last, c.asked_at limit $2",
        shop_id,
        most,
    )


async def last_address(conn: db.Connection, shop_id: int) -> str:
    """Where a seller had goods sent back to the last time, as he wrote it, or ""."""
    words = await db.value(
        conn,
        "select e.words from case_events e join cases c on c.shop_id = $1"
        " and c.case_id = e.case_id and c.kind <> 'refund'"
        " where e.shop_id = $1 and e.kind = 'agreed' and e.by_role = 'seller' and e.words <> ''"
        " order by e.at desc limit 1",
        shop_id,
    )
    return str(words or "")


async def ended_ones(conn: db.Connection, shop_id: int, most: int = 30) -> list[CaseRow]:
    """A shop's cases that are over, the last one first."""
    return await db.all(
        conn,
        CaseRow,
        f"{_ROW} and c.ended_at is not null order by c.ended_at desc limit $2",
        shop_id,
        most,
    )
