"""Wishing ("Buy for me"): a buyer asks for something, the two talk, a letter answers."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from littleshop import db, ids
from littleshop.crypto import Keyring
from littleshop.errors import Refused
from littleshop.identity import people
from littleshop.notify import live, messages, subscriptions
from littleshop.notify.live import Event
from littleshop.notify.messages import Recipient
from littleshop.shop import shops, staff
from littleshop.trade import wishes
from littleshop.trade.wishes import Asked, Wish


def token(keyring: Keyring, shop_id: int, wish_id: UUID) -> str:
    """The token of its link, derived, so that a message can carry it."""
    return ids.wish_token(keyring.link_key, shop_id, wish_id)


async def ask(
    conn: db.Connection,
    keyring: Keyring,
    shop_id: int,
    wish_id: UUID,
    asked: Asked,
    *,
    words: str,
    photo: str | None,
    device: bytes,
    at: datetime,
) -> None:
    """Write it down and tell the seller; a second press finds the first."""
    if not words and photo is None:
        raise Refused("wish_empty")
    written = await wishes.ask(
        conn, shop_id, wish_id, asked, words=words, photo=photo,
        token_hash=ids.hashed(token(keyring, shop_id, wish_id)), device=device, at=at,
    )  # fmt: skip
    if written:
        await _tell_seller(conn, await wishes.get(conn, shop_id, wish_id), at)


async def say(
    conn: db.Connection,
    wish: Wish,
    word_id: UUID,
    *,
    by_whom: str,
    words: str,
    photo: str | None = None,
    at: datetime,
) -> None:
    """One of the two says something more, and the other one hears of it.

    Raises Refused: wish_empty, wish_over, wish_full.
    """
    if not words and photo is None:
        raise Refused("wish_empty")
    before = await wishes.get(conn, wish.shop_id, wish.wish_id)
    if before.status != "open":
        raise Refused("wish_over")
    new = await wishes.say(
        conn, wish.shop_id, wish.wish_id, word_id, by_whom=by_whom, words=words, photo=photo, at=at
    )
    if new and by_whom == "seller":
        await _tell_buyer(conn, before, at)
    elif new and before.said_by == "seller":  # of several in a row he hears the first
        await _tell_seller(conn, before, at)


async def answered(conn: db.Connection, shop_id: int, wish_id: UUID, at: datetime) -> None:
    """An invitation answers it: the buyer hears of that."""
    wish = await wishes.get(conn, shop_id, wish_id)
    await wishes.heard(conn, shop_id, wish_id, by_whom="seller", at=at)
    await _tell_buyer(conn, wish, at)


async def decline(conn: db.Connection, shop_id: int, wish_id: UUID, at: datetime) -> None:
    """The seller can't or won't; the buyer hears of it. Again is harmless."""
    wish = await wishes.get(conn, shop_id, wish_id)
    if await wishes.end(conn, shop_id, wish_id, "declined"):
        await _tell_buyer(conn, wish, at)


async def withdraw(conn: db.Connection, shop_id: int, wish_id: UUID, at: datetime) -> None:
    """The buyer does not want it any more. Again is harmless."""
    if await wishes.end(conn, shop_id, wish_id, "withdrawn"):
        await live.publish(conn, shop_id, Event("wish", str(wish_id)), at=at)


async def _tell_buyer(conn: db.Connection, wish: Wish, at: datetime) -> None:
    """An SMS with the link; of several words within an hour he hears once."""
    shop = await shops.get(conn, wish.shop_id)
    await messages.send(
        conn,
        wish.shop_id,
        [Recipient(None, wish.phone_sealed, wish.locale)],
        about="wish_answered",
        subject=wish.wish_id,
        occasion=f"{at:%Y-%m-%dT%H}",
        at=at,
        shop=shop.name,
    )


async def _tell_seller(conn: db.Connection, wish: Wish, at: datetime) -> None:
    shop = await shops.get(conn, wish.shop_id)
    team = [member.person_id for member in await staff.of_shop(conn, wish.shop_id)]
    browsers = await subscriptions.of(conn, wish.shop_id, team)
    for person_id in team:
        person = await people.get(conn, person_id)
        if person is None:
            continue
        push = tuple(browsers.get(person_id, ()))
        await messages.send(
            conn,
            wish.shop_id,
            [Recipient(person.person_id, person.phone_sealed, person.locale, push)],
            about="wish_asked",
            subject=wish.wish_id,
            occasion=f"{at:%Y-%m-%dT%H}",
            at=at,
            shop=shop.name,
            name=wish.name,
            url=f"/console/{wish.shop_id}/wishes/{wish.wish_id}",
        )
    await live.publish(conn, wish.shop_id, Event("wish", str(wish.wish_id)), at=at)
