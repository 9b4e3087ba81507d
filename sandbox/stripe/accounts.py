"""Merchants' accounts: their keys, and where and how webhooks are sent."""

import secrets
from datetime import timedelta

from sandbox.clock import stamp
from sandbox.store import Row
from sandbox.stripe.asked import Problem, number
from sandbox.world import World

BOTH_SIGN_FOR = timedelta(hours=24)


def register(world: World, name: str, webhook_url: str | None) -> dict[str, str]:
    """Open an account in test mode; webhooks go nowhere until an address is told."""
    account = {
        "account": number("acct"),
        "secret_key": f"sk_test_{secrets.token_hex(24)}",
        "publishable_key": f"pk_test_{secrets.token_hex(24)}",
        "webhook_secret": f"whsec_{secrets.token_hex(16)}",
    }
    world.store.run(
        "insert into stripe_accounts (id, name, secret_key, publishable_key, webhook_url,"
        " webhook_secret, opened_at) values (?, ?, ?, ?, ?, ?, ?)",
        account["account"],
        name,
        account["secret_key"],
        account["publishable_key"],
        webhook_url,
        account["webhook_secret"],
        stamp(world.clock.now()),
    )
    return account


def find(world: World, account: str) -> Row | None:
    """The account of this id, or None."""
    return world.store.one("select * from stripe_accounts where id = ?", account)


def of_key(world: World, key: str) -> Row:
    """The account that this secret key opens. Raises Problem (401), the key masked."""
    row = world.store.one("select * from stripe_accounts where secret_key = ?", key)
    if row is None:
        told = f"Invalid API Key provided: {key[:8]}*********{key[-4:]}" if key else "No API key"
        raise Problem(401, "invalid_request_error", told)
    return row


def lead_to(world: World, account: str, url: str) -> None:
    """From now on webhooks go to this address."""
    world.store.run("update stripe_accounts set webhook_url = ? where id = ?", url, account)


def roll(world: World, account: str) -> str:
    """A new webhook secret; for a day both sign, as when a merchant rolls it in life."""
    fresh = f"whsec_{secrets.token_hex(16)}"
    world.store.run(
        "update stripe_accounts set rolled_secret = webhook_secret, rolled_until = ?,"
        " webhook_secret = ? where id = ?",
        stamp(world.clock.now() + BOTH_SIGN_FOR),
        fresh,
        account,
    )
    return fresh


def secrets_of(world: World, account: Row) -> list[str]:
    """The secrets that sign now, the newest first."""
    rolled = account["rolled_secret"]
    both = rolled and account["rolled_until"] > stamp(world.clock.now())
    return [account["webhook_secret"], *([rolled] if both else [])]
