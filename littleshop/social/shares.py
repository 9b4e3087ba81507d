"""Shares: a link with a code of its own, so that the seller sees what came of it.

A visitor's share sheet makes one per device, thing and channel; a seller makes named ones. An
order is credited to the last share of its shop touched within seven days before placing, unless
its buyer is the sharer, the owner or one of the staff (PRODUCT 5). A personal link names one friend
and runs out; it beats open shares.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from littleshop import db, ids
from littleshop.errors import NotFound, Refused
from littleshop.shop.shops import tidy

TOUCH = timedelta(days=7)
LABEL_LENGTH = 30
PERSONAL = "personal"
PERSONAL_LIFE = timedelta(days=7)
NAMES_KEPT = timedelta(days=30)
NAME_LENGTH = 20


class Share(msgspec.Struct, frozen=True):
    """A row of shares; `product_id` None is the whole shop, `label` the seller's name for it.

    Of a personal link: whom it is for, who greets him ("" nobody), until when.
    """

    shop_id: int
    code: str
    product_id: UUID | None
    channel: str
    label: str
    device: bytes | None
    person_id: UUID | None
    created_at: datetime
    friend: str = ""
    sender: str = ""
    expires_at: datetime | None = None


class Touched(msgspec.Struct, frozen=True):
    """What a browser remembers: the last share of a shop that it came by, and when."""

    code: str
    at: datetime


_COLUMNS = ", ".join(Share.__struct_fields__)


async def make(
    conn: db.Connection,
    shop_id: int,
    *,
    product_id: UUID | None,
    channel: str,
    at: datetime,
    label: str = "",
    device: bytes | None = None,
    person_id: UUID | None = None,
) -> Share:
    """The share of this maker, thing, channel and name: a new one or the one made before.

    Raises Refused: share_label_length(most=). The product must be the shop's.
    """
    label = tidy(label)
    if len(label) > LABEL_LENGTH:
        raise Refused("share_label_length", most=LABEL_LENGTH)
    found = await _made(conn, shop_id, product_id, [channel], label, device, person_id, at)
    return found[channel]


async def make_several(
    conn: db.Connection,
    shop_id: int,
    channels: Sequence[str],
    *,
    product_id: UUID | None,
    device: bytes,
    at: datetime,
) -> dict[str, Share]:
    """A visitor's shares of one thing by channel, as `make` makes each."""
    return await _made(conn, shop_id, product_id, channels, "", device, None, at)


_MAKE = """
insert into shares (shop_id, code, product_id, channel, label, device, person_id, created_at)
select $1, w.code, $2, w.channel, $3, $4, $5, $6
  from unnest($7::text[], $8::text[]) as w(code, channel)
on conflict do nothing"""


async def _made(
    conn: db.Connection,
    shop_id: int,
    product_id: UUID | None,
    channels: Sequence[str],
    label: str,
    device: bytes | None,
    person_id: UUID | None,
    at: datetime,
) -> dict[str, Share]:
    """The shares of one maker, thing and name by channel; what is missing is made."""
    whose = (shop_id, product_id, label, device, person_id)
    for _ in range(8):  # a code may be taken by chance
        rows = await db.all(
            conn,
            Share,
            f"select {_COLUMNS} from shares where shop_id = $1"
            " and product_id is not distinct from $2 and label = $3"
            " and device is not distinct from $4 and person_id is not distinct from $5"
            " and channel = any ($6::text[]) and friend = ''",
            *whose,
            list(channels),
        )
        found = {row.channel: row for row in rows}
        missing = [channel for channel in channels if channel not in found]
        if not missing:
            return found
        codes = [ids.share_code(shop_id) for _ in missing]
        await db.run(conn, _MAKE, *whose, at, codes, missing)
    raise AssertionError("no free share code")


async def make_personal(
    conn: db.Connection,
    shop_id: int,
    *,
    product_id: UUID | None,
    friend: str,
    sender: str,
    device: bytes,
    at: datetime,
) -> Share:
    """A device's link for one friend, good for PERSONAL_LIFE from now; the same friend and thing is
    the same link. `sender` "" greets nobody.

    Raises Refused: friend_missing, friend_length(most=), sender_length(most=).
    """
    friend, sender = _names(friend, sender)
    until = at + PERSONAL_LIFE
    for _ in range(8):  # a code may be taken by chance
        share = await db.one(
            conn,
            Share,
            "update shares set sender = $5, expires_at = $6 where shop_id = $1"
            " and product_id is not distinct from $2 and device = $3 and friend = $4"
            f" and channel = '{PERSONAL}' returning {_COLUMNS}",
            shop_id,
            product_id,
            device,
            friend,
            sender,
            until,
        )
        if share is not None:
            return share
        await db.run(
            conn,
            "insert into shares (shop_id, code, product_id, channel, label, device, created_at,"
            " friend, sender, expires_at)"
            f" values ($1, $2, $3, '{PERSONAL}', '', $4, $5, $6, $7, $8)"
            " on conflict do nothing",
            shop_id,
            ids.share_code(shop_id),
            product_id,
            device,
            at,
            friend,
            sender,
            until,
        )
    raise AssertionError("no free share code")


def _names(friend: str, sender: str) -> tuple[str, str]:
    friend, sender = tidy(friend), tidy(sender)
    if not friend:
        raise Refused("friend_missing")
    for field, said in (("friend", friend), ("sender", sender)):
        if len(said) > NAME_LENGTH:
            raise Refused(f"{field}_length", most=NAME_LENGTH)
    return friend, sender


async def greeting(conn: db.Connection, shop_id: int, code: str, at: datetime) -> Share | None:
    """The personal link of this code, when its sharer greets by it and it has not run out."""
    return await db.one(
        conn,
        Share,
        f"select {_COLUMNS} from shares"
        " where shop_id = $1 and code = $2 and sender <> '' and expires_at > $3",
        shop_id,
        code,
        at,
    )


async def find(conn: db.Connection, shop_id: int, code: str) -> Share | None:
    """The share of this shop with this code, or None."""
    return await db.one(
        conn,
        Share,
        f"select {_COLUMNS} from shares where shop_id = $1 and code = $2",
        shop_id,
        code,
    )


async def get(conn: db.Connection, code: str) -> Share:
    """The share behind a code, in the shop that the code carries. Raises NotFound."""
    try:
        shop_id = ids.shop_of(code)
    except ValueError:
        raise NotFound("share") from None
    share = await find(conn, shop_id, code)
    if share is None:
        raise NotFound("share")
    return share


async def named(conn: db.Connection, shop_id: int) -> list[Share]:
    """The shares that the shop's own people made, the newest first."""
    return await db.all(
        conn,
        Share,
        f"select {_COLUMNS} from shares where shop_id = $1 and person_id is not null"
        " order by created_at desc, code",
        shop_id,
    )


async def forget_names(conn: db.Connection, at: datetime) -> int:
    """Friends and senders of links that ran out NAMES_KEPT ago are forgotten; the links stay."""
    return await db.run(
        conn,
        "update shares /* all shops: the worker's sweep */ set friend = code, sender = ''"
        f" where channel = '{PERSONAL}' and expires_at < $1 and friend <> code",
        at - NAMES_KEPT,
    )


async def credit(
    conn: db.Connection,
    shop_id: int,
    touched: Touched,
    device: bytes | None,
    phone_index: bytes,
    at: datetime,
    person_id: UUID | None = None,
) -> str | None:
    """The code that an order placed at `at` is credited to, or None.

    None when the touch is older than seven days (or from the future), the share is not this
    shop's or had run out when it was touched, or the buyer made the share, works here, or works in
    the shop for which it earns. The buyer is known by his device, by the phone he orders with and,
    when he is signed in, as `person_id`.
    """
    if not at - TOUCH <= touched.at <= at + timedelta(minutes=1):
        return None
    code = await db.value(
        conn,
        """
        select h.code from shares h
         where h.shop_id = $1 and h.code = $2 and h.device is distinct from $3
           and (h.expires_at is null or h.expires_at > $6)
           and not exists (select from orders o join order_devices d
                                on d.shop_id = o.shop_id and d.order_id = o.order_id
                            where o.shop_id = $1 and o.phone_index = $4 and d.device = h.device)
           and not exists (select from people p
                            where (p.phone_index = $4 or p.person_id = $5)
                              and (p.person_id = h.person_id
                                   or exists (select from sharers x where x.shop_id = $1
                                                 and x.device = h.device
                                                 and x.person_id = p.person_id)
                                   or exists (select from sharers x join sharer_shops k
                                                   on k.shop_id = x.shop_id
                                                  and k.earner_shop_id = x.earner_shop_id
                                               where x.shop_id = $1 and x.device = h.device
                                                 and p.person_id = any (k.crew))
                                   or exists (select from staff s where s.shop_id = $1
                                                 and s.person_id = p.person_id)))""",
        shop_id,
        touched.code,
        device,
        phone_index,
        person_id,
        touched.at,
    )
    return None if code is None else str(code)
