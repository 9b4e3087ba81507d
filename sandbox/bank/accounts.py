"""Accounts merchants hold at the bank, and how a request proves it comes from one."""

import hashlib
import hmac
import secrets

from starlette.requests import Request

from sandbox.bank import incomes
from sandbox.clock import BEIJING
from sandbox.store import Row
from sandbox.world import World, digits

CNAPS = "313290099992"
OPENING_MINOR = 500_000_000  # five million yuan: a demo's past was paid before the bank existed


class NotYours(Exception):
    """A request that does not prove which account it speaks for."""


def open_account(
    world: World, name: str, seller_id: str | None = None, opening_minor: int = OPENING_MINOR
) -> dict[str, str]:
    """Open an account; what its Alipay application earns will arrive here. Amounts in fen."""
    account, key = "6229" + digits(15), secrets.token_hex(32)
    world.store.run(
        "insert into bank_accounts (account, name, cnaps, key, seller_id, opening_minor,"
        " opened_on) values (?, ?, ?, ?, ?, ?, ?)",
        account,
        name,
        CNAPS,
        key,
        seller_id,
        opening_minor,
        world.clock.now().astimezone(BEIJING).date().isoformat(),
    )
    pair(world)
    incomes.pair(world)
    return {"account": account, "cnaps": CNAPS, "key": key}


def pair(world: World) -> None:
    """Join applications and accounts that bear the same name, oldest first."""
    loose = world.store.all(
        "select seller_id, name from alipay_apps where seller_id not in"
        " (select seller_id from bank_accounts where seller_id is not null) order by rowid"
    )
    for app in loose:
        world.store.run(
            "update bank_accounts set seller_id = ? where rowid = (select rowid from bank_accounts"
            " where name = ? and seller_id is null order by rowid limit 1)",
            app["seller_id"],
            app["name"],
        )


def proven(world: World, request: Request, content: bytes) -> Row:
    """The account whose key signed this content (a POST's body, a GET's query string).

    Raises NotYours.
    """
    account = world.store.one(
        "select * from bank_accounts where account = ?", request.headers.get("x-bank-account", "")
    )
    given = request.headers.get("x-bank-signature", "")
    if account is None:
        raise NotYours("unknown account")
    wanted = hmac.new(account["key"].encode(), content, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(wanted.encode(), given.lower().encode()):
        raise NotYours("wrong signature")
    return account
