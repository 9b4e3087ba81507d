"""Idempotency keys: the first answer under a key is kept for a day and given again."""

import hashlib
import json
from datetime import timedelta

from sandbox.clock import stamp
from sandbox.stripe.asked import Form, Problem
from sandbox.world import World

LIFE = timedelta(hours=24)


def digest(path: str, told: Form) -> str:
    """A hash of what is asked, to know the same request again."""
    text = json.dumps([path, told], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def kept(world: World, account: str, key: str, asked: str) -> tuple[int, str] | None:
    """The first answer under this key, or None. Raises Problem when something else was asked."""
    world.store.run("delete from stripe_keys where at < ?", stamp(world.clock.now() - LIFE))
    row = world.store.one("select * from stripe_keys where account = ? and key = ?", account, key)
    if row is None:
        return None
    if row["digest"] != asked:
        raise Problem(
            400,
            "idempotency_error",
            "Keys for idempotent requests can only be used with the same parameters they were"
            f" first used with. Try using a key other than '{key}' if you meant to execute a"
            " different request.",
        )
    return row["status"], row["body"]


def keep(world: World, account: str, key: str, asked: str, status: int, body: str) -> None:
    """Keep an answer. A 500 is kept too: Stripe gives it again and again for a day."""
    world.store.run(
        "insert into stripe_keys (account, key, digest, status, body, at)"
        " values (?, ?, ?, ?, ?, ?) on conflict (account, key) do update"
        " set status = excluded.status, body = excluded.body",
        account,
        key,
        asked,
        status,
        body,
        stamp(world.clock.now()),
    )
