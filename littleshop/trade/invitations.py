"""Invitations to pay: letters in which a seller names things, prices and until when to somebody.

The uses are a claim of the same id (trade/claims.py), which is what everybody locks who changes an
invitation that was sent. Its state is read off its moments, its claim and its orders.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.errors import NotFound
from littleshop.money import Money

MOST_REMINDERS = 2


class Invitation(msgspec.Struct, frozen=True):
    """A row of invitations, with how many of its uses are taken and how many are paid.
    `shipping_minor` None: as the shop charges where it goes."""

    shop_id: int
    invitation_id: UUID
    person_id: UUID
    to_name: str
    phone_sealed: bytes | None
    words: str
    way: str
    currency: str
    shipping_minor: int | None
    uses: int
    keeps: bool
    holding: bool
    ship_days: int | None
    hours: int
    wish_id: UUID | None
    status: str
    created_at: datetime
    sent_at: datetime | None
    expires_at: datetime | None
    seen_at: datetime | None
    refused_at: datetime | None
    amended_at: datetime | None
    cancelled_at: datetime | None
    reminded_at: datetime | None
    reminders: int
    taken: int
    paid: int

    @property
    def shipping(self) -> Money:
        """The postage that stands in it."""
        return Money(self.shipping_minor or 0, self.currency)

    @property
    def left(self) -> int:
        """How many more may take it."""
        return self.uses - self.taken

    def state(self, at: datetime) -> str:
        """draft, sent, seen, paid (every use), expired or cancelled."""
        if self.status != "sent":
            return self.status
        assert self.expires_at is not None
        if self.paid >= self.uses:
            return "paid"
        if self.expires_at <= at:
            return "expired"
        return "seen" if self.seen_at else "sent"


class Line(msgspec.Struct, frozen=True):
    """What an invitation names, with the words and the price of the shelf as they are now."""

    product_id: UUID
    variant_id: UUID
    quantity: int
    unit_minor: int
    title: str
    choice: str
    photo: str
    shelf_minor: int
    status: str  # its product's
    spare: int
    currency: str

    @property
    def amount(self) -> Money:
        return Money(self.unit_minor * self.quantity, self.currency)

    @property
    def to_be_had(self) -> bool:
        """Whether it may be sold: not what its seller or an operator took off the shelf."""
        return self.status in ("on_sale", "unlisted")

    @property
    def shelf(self) -> Money:
        return Money(self.shelf_minor * self.quantity, self.currency)


class Named(msgspec.Struct, frozen=True):
    """A line as the seller writes it: so many of a variant, at this price each (minor units)."""

    product_id: UUID
    variant_id: UUID
    quantity: int
    unit_minor: int


class InvitationDraft(msgspec.Struct, frozen=True):
    """What a seller writes; `way`: goods or none (nothing is handed over)."""

    to_name: str
    phone_sealed: bytes | None
    words: str
    way: str
    currency: str
    shipping_minor: int | None
    uses: int
    keeps: bool
    ship_days: int | None
    hours: int
    wish_id: UUID | None = None
    phone_index: bytes | None = None  # of phone_sealed: the letter shows on that phone's own page


_OWN = (
    "i.shop_id, i.invitation_id, i.person_id, i.to_name, i.phone_sealed, i.words, i.way,"
    " i.currency, i.shipping_minor, i.uses, i.keeps, i.holding, i.ship_days, i.hours, i.wish_id,"
    " i.status, i.created_at, i.sent_at, i.expires_at, i.seen_at, i.refused_at, i.amended_at,"
    " i.cancelled_at, i.reminded_at, i.reminders"
)
_SELECT = f"""
    select {_OWN}, coalesce(c.taken, 0) as taken,
           (select count(*)::integer from order_claims k join orders o
              on o.shop_id = k.shop_id and o.order_id = k.order_id
             where k.shop_id = $1 and k.claim_id = i.invitation_id and k.held
               and o.paid_at is not null) as paid
      from invitations i
      left join claims c on c.shop_id = $1 and c.claim_id = i.invitation_id
     where i.shop_id = $1"""


async def write(
    conn: db.Connection,
    shop_id: int,
    invitation_id: UUID,
    letter: InvitationDraft,
    lines: Sequence[Named],
    *,
    token_hash: bytes,
    person_id: UUID,
    at: datetime,
) -> bool:
    """Keep a draft under the form's own id; False when it was written before."""
    facts = msgspec.structs.asdict(letter)
    holes = ", ".join(f"${place}" for place in range(6, 6 + len(facts)))
    written = await db.changed(
        conn,
        "insert into invitations (shop_id, invitation_id, token_hash, person_id, created_at,"
        f" {', '.join(facts)}) values ($1, $2, $3, $4, $5, {holes})"
        " on conflict on constraint invitations_pkey do nothing",
        shop_id,
        invitation_id,
        token_hash,
        person_id,
        at,
        *facts.values(),
    )
    if written:
        await conn.executemany(
            "insert into invitation_lines (shop_id, invitation_id, position, product_id,"
            " variant_id, quantity, unit_minor) values ($1, $2, $3, $4, $5, $6, $7)",
            [
                (shop_id, invitation_id, place, *msgspec.structs.astuple(line))
                for place, line in enumerate(lines, start=1)
            ],
        )
    return written


async def get(conn: db.Connection, shop_id: int, invitation_id: UUID) -> Invitation:
    """An invitation of this shop. Raises NotFound."""
    found = await db.one(
        conn, Invitation, f"{_SELECT} and i.invitation_id = $2", shop_id, invitation_id
    )
    if found is None:
        raise NotFound("invitation")
    return found


async def by_token(conn: db.Connection, shop_id: int, token_hash: bytes) -> Invitation:
    """The invitation behind a link; a draft has none yet. Raises NotFound."""
    found = await db.one(
        conn,
        Invitation,
        f"{_SELECT} and i.token_hash = $2 and i.sent_at is not null",
        shop_id,
        token_hash,
    )
    if found is None:
        raise NotFound("invitation")
    return found


async def of_order(conn: db.Connection, shop_id: int, order_id: UUID) -> Invitation | None:
    """The invitation that an order took up."""
    return await db.one(
        conn,
        Invitation,
        f"{_SELECT} and i.invitation_id = (select k.claim_id from order_claims k"
        "  where k.shop_id = $1 and k.order_id = $2 order by k.claim_id limit 1)",
        shop_id,
        order_id,
    )


async def of_wish(conn: db.Connection, shop_id: int, wish_id: UUID) -> list[Invitation]:
    """The sent answers to a wish, the first one first."""
    return await db.all(
        conn,
        Invitation,
        f"{_SELECT} and i.wish_id = $2 and i.sent_at is not null order by i.sent_at",
        shop_id,
        wish_id,
    )


async def listing(conn: db.Connection, shop_id: int, most: int = 200) -> list[Invitation]:
    """A shop's invitations, the newest first."""
    return await db.all(
        conn,
        Invitation,
        f"{_SELECT} order by i.created_at desc, i.invitation_id limit $2",
        shop_id,
        most,
    )


async def lines(conn: db.Connection, shop_id: int, invitation_id: UUID) -> list[Line]:
    """What it names, in its order."""
    return await db.all(
        conn,
        Line,
        "select l.product_id, l.variant_id, l.quantity, l.unit_minor, p.title,"
        "       array_to_string(v.choice, ' · ') as choice,"
        "       coalesce((select f.file from photos f where f.shop_id = $1"
        "         and f.product_id = l.product_id order by f.sort_order, f.photo_id limit 1), '')"
        "         as photo,"
        "       v.price_minor as shelf_minor, p.status,"
        "       v.on_hand - v.held as spare, i.currency"
        "  from invitation_lines l"
        "  join invitations i on i.shop_id = $1 and i.invitation_id = l.invitation_id"
        "  join variants v on v.shop_id = $1 and v.variant_id = l.variant_id"
        "  join products p on p.shop_id = $1 and p.product_id = l.product_id"
        " where l.shop_id = $1 and l.invitation_id = $2 order by l.position",
        shop_id,
        invitation_id,
    )


# An order `o` that waits to be paid at other prices than its letter `i` names by now.
MOVED = """(i.amended_at >= o.placed_at
   and (o.way = 'courier' and o.shipping_minor <> i.shipping_minor
     or exists (select from order_items t join invitation_lines l on l.shop_id = $1
                   and l.invitation_id = i.invitation_id and l.variant_id = t.variant_id
                 where t.shop_id = $1 and t.order_id = o.order_id
                   and t.unit_minor <> l.unit_minor)))"""


async def moved(conn: db.Connection, shop_id: int, invitation_id: UUID) -> set[UUID]:
    """The orders by it that wait to be paid at other prices than it names by now."""
    rows = await conn.fetch(
        "select o.order_id from order_claims k"
        "  join orders o on o.shop_id = $1 and o.order_id = k.order_id and o.status = 'invited'"
        "  join invitations i on i.shop_id = $1 and i.invitation_id = k.claim_id"
        f" where k.shop_id = $1 and k.claim_id = $2 and {MOVED}",
        shop_id,
        invitation_id,
    )
    return {row["order_id"] for row in rows}


async def send(conn: db.Connection, invitation: Invitation, *, holding: bool, at: datetime) -> bool:
    """draft -> sent, open for its hours from now; False when it was no draft any more."""
    return await db.changed(
        conn,
        "update invitations set status = 'sent', sent_at = $3, expires_at = $4, holding = $5"
        " where shop_id = $1 and invitation_id = $2 and status = 'draft'",
        invitation.shop_id,
        invitation.invitation_id,
        at,
        at + timedelta(hours=invitation.hours),
        holding,
    )


async def see(conn: db.Connection, shop_id: int, invitation_id: UUID, at: datetime) -> bool:
    """Somebody has read it; True the first time."""
    return await _once(conn, shop_id, invitation_id, "seen_at", at)


async def refuse(conn: db.Connection, shop_id: int, invitation_id: UUID, at: datetime) -> bool:
    """Not this time; True the first time."""
    return await _once(conn, shop_id, invitation_id, "refused_at", at)


async def _once(
    conn: db.Connection, shop_id: int, invitation_id: UUID, moment: str, at: datetime
) -> bool:
    return await db.changed(
        conn,
        f"update invitations set {moment} = $3"
        f" where shop_id = $1 and invitation_id = $2 and {moment} is null and status = 'sent'",
        shop_id,
        invitation_id,
        at,
    )


async def cancel(
    conn: db.Connection, shop_id: int, invitation_id: UUID, at: datetime, *, was: str
) -> bool:
    """Nobody may take it up any more; False when it is not (draft, sent) what it `was`."""
    return await db.changed(
        conn,
        "update invitations set status = 'cancelled', cancelled_at = $3, holding = false"
        " where shop_id = $1 and invitation_id = $2 and status = $4",
        shop_id,
        invitation_id,
        at,
        was,
    )


async def stop_holding(conn: db.Connection, shop_id: int, invitation_id: UUID) -> bool:
    """It holds its pieces no longer; the caller gives them back. False when it held none."""
    return await db.changed(
        conn,
        "update invitations set holding = false"
        " where shop_id = $1 and invitation_id = $2 and holding",
        shop_id,
        invitation_id,
    )


async def remind(conn: db.Connection, shop_id: int, invitation_id: UUID, at: datetime) -> int:
    """Count a reminder; which one it is, or 0 when there may be no more."""
    count = await db.value(
        conn,
        "update invitations set reminders = reminders + 1, reminded_at = $3"
        " where shop_id = $1 and invitation_id = $2 and status = 'sent' and reminders < $4"
        " returning reminders",
        shop_id,
        invitation_id,
        at,
        MOST_REMINDERS,
    )
    return int(count or 0)


async def amend(
    conn: db.Connection,
    invitation: Invitation,
    *,
    words: str,
    shipping_minor: int | None,
    expires_at: datetime,
    prices: dict[UUID, int],
    at: datetime,
) -> None:
    """Other words, prices, postage (none of what nobody sends) and another end; who has the page
    open sees the new sum first."""
    where = (invitation.shop_id, invitation.invitation_id)
    await db.run(
        conn,
        "update invitations set words = $3, expires_at = $5, amended_at = $6,"
        " shipping_minor = case when way = 'none' then 0 else $4 end"
        " where shop_id = $1 and invitation_id = $2",
        *where,
        words,
        shipping_minor,
        expires_at,
        at,
    )
    await db.run(
        conn,
        "update invitation_lines l set unit_minor = p.unit_minor"
        "  from unnest($3::uuid[], $4::bigint[]) as p(variant_id, unit_minor)"
        " where l.shop_id = $1 and l.invitation_id = $2 and l.variant_id = p.variant_id",
        *where,
        list(prices),
        list(prices.values()),
    )
