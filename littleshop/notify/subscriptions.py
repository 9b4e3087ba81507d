"""Browsers that want to be told: kept per shop and person, let go when their service says so."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import NAMESPACE_URL, UUID

import msgspec

from littleshop import db, ids
from littleshop.notify.push import Push, check_keys, decoded

MOST_PER_PERSON = 10  # phones and computers of one person; the oldest makes room


class Subscription(msgspec.Struct, frozen=True):
    """Where and for whose eyes a push message goes; `locale` is the browser's."""

    subscription_id: UUID
    person_id: UUID
    endpoint: str
    p256dh: bytes
    auth: bytes
    locale: str


_COLUMNS = "subscription_id, person_id, endpoint, p256dh, auth, locale"


async def add(
    conn: db.Connection,
    shop_id: int,
    person_id: UUID,
    push: Push,
    *,
    endpoint: str,
    p256dh: str,
    auth: str,
    locale: str,
    at: datetime,
) -> UUID:
    """Keep what a browser's `subscribe()` gave (keys in base64url); again is the same one.

    A browser that another person used before now tells this one only.
    Raises Refused(push_endpoint | push_keys).
    """
    push.check(endpoint)
    point, secret = decoded(p256dh), decoded(auth)
    check_keys(point, secret)
    subscription_id = ids.derived(NAMESPACE_URL, endpoint)
    await db.run(
        conn,
        "insert into push_subscriptions (shop_id, subscription_id, person_id, endpoint, p256dh,"
        " auth, locale, added_at) values ($1, $2, $3, $4, $5, $6, $7, $8)"
        " on conflict on constraint push_subscriptions_pkey do update set"
        " person_id = excluded.person_id, p256dh = excluded.p256dh, auth = excluded.auth,"
        " locale = excluded.locale, added_at = excluded.added_at",
        shop_id,
        subscription_id,
        person_id,
        endpoint,
        point,
        secret,
        locale,
        at,
    )
    await db.run(
        conn,
        "delete from push_subscriptions where shop_id = $1 and subscription_id in ("
        " select subscription_id from push_subscriptions where shop_id = $1 and person_id = $2"
        " order by added_at desc, subscription_id offset $3)",
        shop_id,
        person_id,
        MOST_PER_PERSON,
    )
    return subscription_id


async def of(
    conn: db.Connection, shop_id: int, person_ids: Collection[UUID]
) -> dict[UUID, list[Subscription]]:
    """The browsers of these people in a shop, by person."""
    found = await db.all(
        conn,
        Subscription,
        f"select {_COLUMNS} from push_subscriptions"
        " where shop_id = $1 and person_id = any($2::uuid[]) order by added_at, subscription_id",
        shop_id,
        list(person_ids),
    )
    by_person: dict[UUID, list[Subscription]] = {}
    for subscription in found:
        by_person.setdefault(subscription.person_id, []).append(subscription)
    return by_person


async def get(conn: db.Connection, shop_id: int, subscription_id: UUID) -> Subscription | None:
    """One browser, None once it was let go."""
    return await db.one(
        conn,
        Subscription,
        f"select {_COLUMNS} from push_subscriptions where shop_id = $1 and subscription_id = $2",
        shop_id,
        subscription_id,
    )


async def remove(conn: db.Connection, shop_id: int, endpoint: str) -> None:
    """Let a browser go: it unsubscribed, or its service says that it is gone."""
    await db.run(
        conn,
        "delete from push_subscriptions where shop_id = $1 and subscription_id = $2",
        shop_id,
        ids.derived(NAMESPACE_URL, endpoint),
    )


async def forget(conn: db.Connection, shop_id: int, person_id: UUID) -> None:
    """Let all browsers of a person go: he hears of this shop no more."""
    await db.run(
        conn,
        "delete from push_subscriptions where shop_id = $1 and person_id = $2",
        shop_id,
        person_id,
    )
