"""Follows: who wants to hear what is new in a shop, what a seller wants told, and what it costs.

Somebody follows by a code to his phone or, on the device that ordered, by one press. Who leaves is
remembered; only a new code to the same phone makes him follow again. A thing is new once. Nobody
hears from a shop more than once a day, and a shop has so many messages by SMS in a month.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

import msgspec

from littleshop import db, ids
from littleshop.catalog import products
from littleshop.errors import NotFound, Refused

SMS_A_MONTH = 300  # of a shop; a notification by the browser costs nothing and is not counted
FRESH = timedelta(days=7)  # what was pressed longer ago is not new any more
GATHERED = timedelta(minutes=20)  # so long more things may be pressed before the message goes
MOST_NAMED = 20
_SPACE = UUID("d0a55c6e-77b1-4a58-8d1f-3f9c2e5a9b02")  # of follow ids


class Follow(msgspec.Struct, frozen=True):
    """A row of follows; `left_at` None while he follows."""

    shop_id: int
    follow_id: UUID
    phone_index: bytes
    phone_sealed: bytes
    device: bytes
    locale: str
    followed_at: datetime
    left_at: datetime | None
    told_at: datetime | None
    heard_to: datetime


_COLUMNS = ", ".join(Follow.__struct_fields__)


def identity(shop_id: int, phone_index: bytes) -> UUID:
    """The id by which a follower's links name him; another one in each shop."""
    return ids.derived(_SPACE, f"{shop_id}:{phone_index.hex()}")


async def follow(
    conn: db.Connection,
    shop_id: int,
    phone_index: bytes,
    phone_sealed: bytes,
    *,
    device: bytes,
    key: bytes,
    locale: str,
    at: datetime,
    proven: bool,
) -> bool:
    """Let a phone follow a shop; False when it left before and is not `proven` by a code now.
    `key` is the one from which links follow (Keyring.link_key)."""
    follow_id = identity(shop_id, phone_index)
    followed = await db.run(
        conn,
        "insert into follows as f (shop_id, follow_id, phone_index, phone_sealed, token_hash,"
        " device, locale, followed_at, heard_to) values ($1, $2, $3, $4, $8, $9, $5, $6, $6)"
        " on conflict on constraint follows_pkey do update set left_at = null,"
        " device = excluded.device, locale = excluded.locale,"
        " followed_at = case when f.left_at is null then f.followed_at"
        "  else excluded.followed_at end,"
        " heard_to = case when f.left_at is null then f.heard_to else excluded.heard_to end"
        " where f.left_at is null or $7",
        shop_id,
        follow_id,
        phone_index,
        phone_sealed,
        locale,
        at,
        proven,
        ids.hashed(ids.follow_token(key, shop_id, follow_id)),
        device,
    )
    return followed == 1


async def get(conn: db.Connection, shop_id: int, follow_id: UUID) -> Follow:
    """A follower, also one who left. Raises NotFound."""
    found = await db.one(
        conn,
        Follow,
        f"select {_COLUMNS} from follows where shop_id = $1 and follow_id = $2",
        shop_id,
        follow_id,
    )
    if found is None:
        raise NotFound("follow")
    return found


async def by_link(conn: db.Connection, shop_id: int, token: str) -> Follow:
    """The follower whom a message's link names. Raises NotFound."""
    found = await db.one(
        conn,
        Follow,
        f"select {_COLUMNS} from follows where shop_id = $1 and token_hash = $2",
        shop_id,
        ids.hashed(token),
    )
    if found is None:
        raise NotFound("follow")
    return found


async def of_device(conn: db.Connection, shop_id: int, device: bytes | None) -> Follow | None:
    """The follower who began on this device, also one who left; None when nobody did."""
    return await db.one(
        conn,
        Follow,
        f"select {_COLUMNS} from follows where shop_id = $1 and device = $2"
        " order by left_at is not null, followed_at desc limit 1",
        shop_id,
        device,
    )


async def of_phone(conn: db.Connection, shop_id: int, phone_index: bytes) -> Follow | None:
    """Whether this phone follows, or left; None when it never did."""
    return await db.one(
        conn,
        Follow,
        f"select {_COLUMNS} from follows where shop_id = $1 and phone_index = $2",
        shop_id,
        phone_index,
    )


async def all_of_phone(conn: db.Connection, phone_index: bytes, most: int = 100) -> list[Follow]:
    """Every shop that this phone follows, the last first: for its owner's own page."""
    return await db.all(
        conn,
        Follow,
        f"select /* all shops: what one person follows */ {_COLUMNS} from follows"
        " where phone_index = $1 and left_at is null order by followed_at desc limit $2",
        phone_index,
        most,
    )


async def leave(conn: db.Connection, shop_id: int, follow_id: UUID, at: datetime) -> None:
    """Never tell this one again; a second press changes nothing. Raises NotFound."""
    await get(conn, shop_id, follow_id)
    await db.run(
        conn,
        "update follows set left_at = $3 where shop_id = $1 and follow_id = $2 and left_at is null",
        shop_id,
        follow_id,
        at,
    )


async def count(conn: db.Connection, shop_id: int) -> int:
    """How many follow a shop."""
    return int(
        await db.value(
            conn,
            "select count(*) from follows where shop_id = $1 and left_at is null",
            shop_id,
        )
    )


class Told(msgspec.Struct, frozen=True):
    """What a seller sees beside the button: his followers, whether this thing was told or waits,
    and how many messages by SMS the month has left."""

    followers: int
    asked_at: datetime | None
    sms_left: int


async def told_of(conn: db.Connection, shop_id: int, product_id: UUID, month: date) -> Told:
    """What there is to say about telling of a product."""
    row = await conn.fetchrow(
        "select (select count(*)::integer from follows where shop_id = $1 and left_at is null)"
        "  as followers,"
        " (select asked_at from news where shop_id = $1 and product_id = $2) as asked_at,"
        " coalesce((select sent from news_months where shop_id = $1 and month = $3), 0) as sent",
        shop_id,
        product_id,
        month,
    )
    assert row is not None
    return Told(row["followers"], row["asked_at"], SMS_A_MONTH - row["sent"])


async def tell(
    conn: db.Connection, shop_id: int, product_id: UUID, *, by: UUID, at: datetime
) -> None:
    """The seller wants his followers told of a product; a second press changes nothing.

    Raises NotFound, Refused("news_hidden") for what nobody can buy.
    """
    product = await products.get(conn, shop_id, product_id)
    if product.status != "on_sale":
        raise Refused("news_hidden")
    await db.run(
        conn,
        "insert into news (shop_id, product_id, asked_at, asked_by) values ($1, $2, $3, $4)"
        " on conflict on constraint news_pkey do nothing",
        shop_id,
        product_id,
        at,
        by,
    )


class Item(msgspec.Struct, frozen=True):
    """A thing that is new."""

    product_id: UUID
    title: str
    asked_at: datetime


async def lately(
    conn: db.Connection, shop_id: int, at: datetime, since: datetime | None = None
) -> list[Item]:
    """What is new in a shop and can be bought, the newest first; of the last week, or what was
    pressed after `since`."""
    return await db.all(
        conn,
        Item,
        "select n.product_id, p.title, n.asked_at from news n"
        " join products p on p.shop_id = n.shop_id and p.product_id = n.product_id"
        " where n.shop_id = $1 and n.asked_at > $2 and n.asked_at <= $3"
        " and p.status = 'on_sale' order by n.asked_at desc, n.product_id limit $4",
        shop_id,
        max(at - FRESH, since) if since else at - FRESH,
        at,
        MOST_NAMED,
    )


async def shops_with_news(conn: db.Connection, at: datetime) -> list[int]:
    """The shops whose sellers pressed within the last week."""
    rows = await conn.fetch(
        "select distinct /* all shops: the worker tells for each */ shop_id from news"
        " where asked_at > $1 and asked_at <= $2 order by shop_id",
        at - FRESH,
        at - GATHERED,
    )
    return [row["shop_id"] for row in rows]


async def to_tell(
    conn: db.Connection, shop_id: int, newest: datetime, today: datetime, most: int
) -> list[Follow]:
    """Followers who have not heard of what was pressed until `newest` and were told nothing since
    `today` began; rows another worker holds are passed over."""
    return await db.all(
        conn,
        Follow,
        f"select {_COLUMNS} from follows where shop_id = $1 and left_at is null"
        " and heard_to < $2 and (told_at is null or told_at < $3)"
        " order by heard_to, follow_id limit $4 for update skip locked",
        shop_id,
        newest,
        today,
        most,
    )


async def heard(
    conn: db.Connection,
    shop_id: int,
    follow_ids: Sequence[UUID],
    newest: datetime,
    at: datetime | None,
) -> None:
    """These were told of everything until `newest` at `at`; None: there was no message left for
    them, and what is older than the next one they do not hear of."""
    await db.run(
        conn,
        "update follows set heard_to = $3, told_at = coalesce($4, told_at)"
        " where shop_id = $1 and follow_id = any ($2::uuid[])",
        shop_id,
        list(follow_ids),
        newest,
        at,
    )


async def spend(conn: db.Connection, shop_id: int, month: date, wanted: int) -> int:
    """Take messages by SMS out of the shop's month; how many of the `wanted` there were."""
    sent = await db.value(
        conn,
        "select sent from news_months where shop_id = $1 and month = $2 for update",
        shop_id,
        month,
    )
    given = min(wanted, SMS_A_MONTH - (sent or 0))
    if given > 0:
        await db.run(
            conn,
            "insert into news_months as m (shop_id, month, sent) values ($1, $2, $3)"
            " on conflict on constraint news_months_pkey do update"
            " set sent = m.sent + excluded.sent",
            shop_id,
            month,
            given,
        )
    return max(0, given)
