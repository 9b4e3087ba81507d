"""Stripe's part of the books: no keys, minor units, newest last."""

from sandbox.store import Row
from sandbox.stripe import balance, sessions
from sandbox.world import World


def payment(world: World, row: Row) -> dict[str, object]:
    """One session with its intent, refunds and disputes."""
    now = sessions.current(world, row["id"])
    assert now is not None
    store = world.store
    intent = store.one("select * from stripe_intents where id = ?", now["intent"])
    refunds = store.all(
        "select id, amount_minor, status, failure, metadata, created_at from stripe_refunds"
        " where intent = ? order by rowid",
        now["intent"],
    )
    disputes = store.all("select * from stripe_disputes where intent = ?", now["intent"])
    return {
        **dict(now),
        "intent": dict(intent) if intent else None,
        "refunds": [dict(one) for one in refunds],
        "disputes": [dict(one) for one in disputes],
    }


def everything(world: World) -> dict[str, object]:
    """What /books.json says of Stripe."""
    sessions.expire_old(world)
    store = world.store
    accounts = store.all("select id, name, opened_at from stripe_accounts order by rowid")
    return {
        "accounts": [
            {**dict(row), "balance_minor": balance.sums(world, row["id"])} for row in accounts
        ],
        "sessions": [
            dict(row)
            for row in store.all(
                "select account, reference, id, amount_minor, currency, status, intent, created_at,"
                " expires_at from stripe_sessions order by rowid"
            )
        ],
        "intents": [
            dict(row)
            for row in store.all(
                "select account, id, charge, amount_minor, refunded_minor, currency, status,"
                " created_at, paid_at from stripe_intents order by rowid"
            )
        ],
        "refunds": [dict(row) for row in store.all("select * from stripe_refunds order by rowid")],
        "disputes": [
            dict(row) for row in store.all("select * from stripe_disputes order by rowid")
        ],
        "balance": [dict(row) for row in store.all("select * from stripe_balance order by rowid")],
    }
