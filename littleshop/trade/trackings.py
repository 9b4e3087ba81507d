"""Trackings: the parcels that are followed, their scans, and what was pushed about them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from littleshop import db, ids
from littleshop.crypto import Keyring
from littleshop.trade.trackers import STATES, Scan, Told

SCANS_KEPT = timedelta(days=180)  # longer than a bank asks back what a card paid


class Tracking(msgspec.Struct, frozen=True):
    """A parcel that is followed. `status` is of our asking (asked, followed, unfollowed, over),
    `state` the parcel's by its latest scan, of `state_at` by the courier's clock; `told_at` when
    we heard of it last; `objected_at` when its recipient said that it did not come."""

    shop_id: int
    parcel_id: UUID
    order_id: UUID
    status: str
    why: str
    state: str
    state_at: datetime | None
    told_at: datetime | None
    objected_at: datetime | None
    asked_at: datetime


class KeptScan(msgspec.Struct, frozen=True):
    """A scan as it is kept."""

    parcel_id: UUID
    at: datetime
    state: str
    words_sealed: bytes

    def words(self, keyring: Keyring) -> str:
        """The courier's own words."""
        return keyring.open(self.words_sealed)


class Notice(msgspec.Struct, frozen=True):
    """What was pushed about a parcel, not acted on yet."""

    parcel_id: UUID
    told_sealed: bytes

    def told(self, keyring: Keyring) -> Told:
        """It, opened."""
        return msgspec.json.decode(keyring.open(self.told_sealed), type=Told)


_COLUMNS = ", ".join(f"t.{name}" for name in Tracking.__struct_fields__)


async def begin(
    conn: db.Connection, shop_id: int, parcel_id: UUID, order_id: UUID, at: datetime
) -> None:
    """A parcel is to be followed from now on; with another number once more from the start."""
    await db.run(
        conn,
        "insert into trackings (shop_id, parcel_id, order_id, status, asked_at)"
        " values ($1, $2, $3, 'asked', $4)"
        " on conflict on constraint trackings_pkey do update set status = 'asked', why = '',"
        " state = 'unknown', state_at = null, told_at = null, objected_at = null,"
        " asked_at = excluded.asked_at",
        shop_id,
        parcel_id,
        order_id,
        at,
    )
    await db.run(
        conn, "delete from scans where shop_id = $1 and parcel_id = $2", shop_id, parcel_id
    )


async def get(conn: db.Connection, shop_id: int, parcel_id: UUID) -> Tracking | None:
    """How a parcel is followed."""
    return await db.one(
        conn,
        Tracking,
        f"select {_COLUMNS} from trackings t where t.shop_id = $1 and t.parcel_id = $2",
        shop_id,
        parcel_id,
    )


async def of_order(conn: db.Connection, shop_id: int, order_id: UUID) -> dict[UUID, Tracking]:
    """How an order's parcels are followed."""
    found = await db.all(
        conn,
        Tracking,
        f"select {_COLUMNS} from trackings t where t.shop_id = $1 and t.order_id = $2",
        shop_id,
        order_id,
    )
    return {each.parcel_id: each for each in found}


async def of_token(conn: db.Connection, shop_id: int, token: str) -> Tracking | None:
    """The parcel that news pushed to this address are of."""
    return await db.one(
        conn,
        Tracking,
        f"select {_COLUMNS} from trackings t where t.shop_id = $1 and t.token_hash = $2",
        shop_id,
        ids.hashed(token),
    )


async def beside(conn: db.Connection, tracking: Tracking) -> list[Tracking]:
    """The trackings of all parcels of its shop that have its courier and number: several orders
    may lie in one parcel, and a service follows a number once."""
    return await db.all(
        conn,
        Tracking,
        f"select {_COLUMNS} from parcels a join parcels b on b.shop_id = $1"
        "   and b.tracking_number = a.tracking_number and b.carrier = a.carrier"
        "   and b.taken_back_at is null"
        "  join trackings t on t.shop_id = $1 and t.parcel_id = b.parcel_id"
        " where a.shop_id = $1 and a.parcel_id = $2 and a.tracking_number <> ''"
        " order by t.order_id",
        tracking.shop_id,
        tracking.parcel_id,
    )


async def ask(conn: db.Connection, shop_id: int, parcel_id: UUID, token: str) -> bool:
    """Note where its news will come, before the service is called; False when nobody is to be
    asked any more."""
    return await db.changed(
        conn,
        "update trackings set token_hash = $3"
        " where shop_id = $1 and parcel_id = $2 and status = 'asked'",
        shop_id,
        parcel_id,
        ids.hashed(token),
    )


async def settle(
    conn: db.Connection, shop_id: int, parcel_id: UUID, status: str, why: str = ""
) -> None:
    """What came of the asking: followed, unfollowed (`why`), over."""
    await db.run(
        conn,
        "update trackings set status = $3, why = $4 where shop_id = $1 and parcel_id = $2",
        shop_id,
        parcel_id,
        status,
        why[:200],
    )


async def add(
    conn: db.Connection, keyring: Keyring, tracking: Tracking, scans: Sequence[Scan], at: datetime
) -> None:
    """Keep scans that are not kept yet; each push tells all of them again."""
    await db.run(
        conn,
        "insert into scans (shop_id, parcel_id, scan_id, at, state, words_sealed, heard_at)"
        " select $1, $2, s.scan_id, s.at, s.state, s.words, $7"
        "   from unnest($3::uuid[], $4::timestamptz[], $5::text[], $6::bytea[])"
        "     as s(scan_id, at, state, words)"
        " on conflict on constraint scans_pkey do nothing",
        tracking.shop_id,
        tracking.parcel_id,
        [ids.derived(tracking.parcel_id, f"{each.at.timestamp()} {each.words}") for each in scans],
        [each.at for each in scans],
        [each.state for each in scans],
        [keyring.seal(each.words) for each in scans],
        at,
    )


async def latest(conn: db.Connection, shop_id: int, parcel_id: UUID) -> KeptScan | None:
    """The scan that says where a parcel is: the last by the courier's clock, whenever it came."""
    return await db.one(
        conn,
        KeptScan,
        "select parcel_id, at, state, words_sealed from scans"
        " where shop_id = $1 and parcel_id = $2"
        " order by at desc, array_position($3::text[], state) desc limit 1",
        shop_id,
        parcel_id,
        list(STATES),
    )


async def scans_of(conn: db.Connection, shop_id: int, order_id: UUID) -> list[KeptScan]:
    """The scans of an order's parcels, the last one first."""
    return await db.all(
        conn,
        KeptScan,
        "select s.parcel_id, s.at, s.state, s.words_sealed from scans s"
        "  join trackings t on t.shop_id = $1 and t.parcel_id = s.parcel_id"
        " where s.shop_id = $1 and t.order_id = $2"
        " order by s.at desc, array_position($3::text[], s.state) desc limit 300",
        shop_id,
        order_id,
        list(STATES),
    )


async def hear(
    conn: db.Connection, tracking: Tracking, state: str, state_at: datetime | None, at: datetime
) -> None:
    """What is known of a parcel now."""
    await db.run(
        conn,
        "update trackings set state = $3, state_at = $4, told_at = $5"
        " where shop_id = $1 and parcel_id = $2",
        tracking.shop_id,
        tracking.parcel_id,
        state,
        state_at,
        at,
    )


async def object_to(conn: db.Connection, shop_id: int, order_id: UUID, at: datetime) -> None:
    """Its recipient says that an order's parcels, delivered by the courier's word, did not come."""
    await db.run(
        conn,
        "update trackings set objected_at = $3 where shop_id = $1 and order_id = $2"
        " and state = 'delivered' and objected_at is null",
        shop_id,
        order_id,
        at,
    )


async def record(
    conn: db.Connection, keyring: Keyring, tracking: Tracking, told: Told, at: datetime
) -> UUID | None:
    """Keep what was pushed; its id, or None when the same was pushed before."""
    text = msgspec.json.encode(told).decode()
    notice_id = ids.derived(tracking.parcel_id, text)
    kept = await db.changed(
        conn,
        "insert into tracking_notices (shop_id, notice_id, parcel_id, told_sealed, received_at)"
        " values ($1, $2, $3, $4, $5)"
        " on conflict on constraint tracking_notices_pkey do nothing",
        tracking.shop_id,
        notice_id,
        tracking.parcel_id,
        keyring.seal(text),
        at,
    )
    return notice_id if kept else None


async def waiting(conn: db.Connection, shop_id: int, notice_id: UUID) -> Notice | None:
    """A notice that nobody acted on yet."""
    return await db.one(
        conn,
        Notice,
        "select parcel_id, told_sealed from tracking_notices"
        " where shop_id = $1 and notice_id = $2 and handled_at is null",
        shop_id,
        notice_id,
    )


async def handled(conn: db.Connection, shop_id: int, notice_id: UUID, at: datetime) -> bool:
    """Note that a notice was acted on; False when somebody was quicker."""
    return await db.changed(
        conn,
        "update tracking_notices set handled_at = $3"
        " where shop_id = $1 and notice_id = $2 and handled_at is null",
        shop_id,
        notice_id,
        at,
    )


async def sweep(conn: db.Connection, before: datetime) -> int:
    """Forget notices that were acted on before this moment; returns how many."""
    return await db.run(
        conn,
        "delete from tracking_notices /* all shops: old notices are swept */ where handled_at < $1",
        before,
    )


async def forget_scans(conn: db.Connection, before: datetime) -> int:
    """Forget what couriers said, whose words name people, and we heard before this moment; where a
    parcel came to stays. Returns how many."""
    return await db.run(
        conn, "delete from scans /* all shops: old scans are swept */ where heard_at < $1", before
    )
