"""Choosing a payee: a shop is paid to an account at a rail instead of to its bank card, or back.

`./run payee`, on the machine alone: somebody who has a seller's phone must not lead his money
elsewhere, so the platform makes sure who asks: no register tells whose such an account is, as it
does of a card. Payouts wait 48 hours, and the phones hear of it, as after a changed card.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from datetime import datetime
from uuid import UUID

from littleshop import config, crypto, db, i18n, installation
from littleshop.clock import Clock
from littleshop.config import Settings
from littleshop.crypto import Keyring
from littleshop.entry.changing_card import HELD
from littleshop.errors import NotFound, Refused
from littleshop.ids import uuid7
from littleshop.notify import messages
from littleshop.notify.messages import Recipient
from littleshop.risk import holds
from littleshop.shop import cards, payees, shops, staff
from littleshop.shop.payees import Rail


async def choose(
    conn: db.Connection, keyring: Keyring, shop_id: int, rail: Rail, account: str, at: datetime
) -> None:
    """Pay a shop to this account from now on, after 48 hours.

    Raises NotFound; Refused: card_first, payouts_stopped.
    """
    owner = await _owner(conn, shop_id, at)
    payee_id = uuid7(at)
    await payees.choose(conn, keyring, shop_id, payee_id, rail, account, by=owner, at=at)
    await holds.place(
        conn, shop_id, payee_id, "card_changed",
        reason=f"{rail} **** {account[-4:]}", at=at, until_at=at + HELD,
    )  # fmt: skip
    await _tell(conn, keyring, shop_id, payee_id, rail, account[-4:], at)


async def _tell(
    conn: db.Connection,
    keyring: Keyring,
    shop_id: int,
    payee_id: UUID,
    rail: Rail,
    tail: str,
    at: datetime,
) -> None:
    """Word to the owner and to the phone the bank knows of the card, as of a changed card."""
    shop, card = await shops.get(conn, shop_id), await cards.active(conn, shop_id)
    to = await staff.recipients(conn, shop_id, owners=True)
    known = {keyring.open(one.phone_sealed) for one in to if one.phone_sealed is not None}
    if card is not None and keyring.open(card.phone_sealed) not in known:
        to.append(Recipient(None, card.phone_sealed, to[0].locale))
    for one in to:
        await messages.send(
            conn, shop_id, [one], about="payee_changed", subject=payee_id, at=at, shop=shop.name,
            rail=i18n.t(one.locale, f"checkout.method.{rail}"), tail=tail,
            url=f"/console/{shop_id}/settings/payee",
        )  # fmt: skip


async def back_to_card(conn: db.Connection, shop_id: int, at: datetime) -> bool:
    """Pay a shop to its card again; False when it was. The card was checked when it was bound.

    Raises NotFound; Refused: card_first, payouts_stopped.
    """
    await _owner(conn, shop_id, at)
    return await payees.end(conn, shop_id, at)


async def _owner(conn: db.Connection, shop_id: int, at: datetime) -> UUID:
    await shops.get(conn, shop_id)
    await cards.lock(conn, shop_id)
    card = await cards.active(conn, shop_id)
    if card is None or card.verdict != "matched":
        raise Refused("card_first")
    hold = await holds.current(conn, shop_id, at)
    if hold is not None and hold.until_at is None:
        raise Refused("payouts_stopped")
    return next(one.person_id for one in await staff.of_shop(conn, shop_id) if one.role == "owner")


def command(arguments: list[str]) -> int:
    """`littleshop payee SHOP`: 1 when it cannot be, 2 for a wrong use."""
    parser = argparse.ArgumentParser(
        prog="littleshop payee", description="where a shop is paid · 店铺收款账户"
    )
    parser.add_argument("shop", type=int, metavar="SHOP", help="its number · 店铺编号")
    to = parser.add_mutually_exclusive_group(required=True)
    to.add_argument("--alipay", metavar="ACCOUNT", help="an Alipay account · 支付宝账号")
    to.add_argument("--wechat", metavar="OPENID", help="a person at WeChat · 微信 openid")
    to.add_argument("--card", action="store_true", help="the bank card again · 改回银行卡")
    told = parser.parse_args(arguments)
    try:
        asyncio.run(_run(told, config.read()))
    except Refused as no:
        said = (i18n.t(locale, f"errors.{no.code}", **no.details) for locale in ("en", "zh-CN"))
        print(" · ".join(said), file=sys.stderr)
        return 1
    except NotFound:
        print("no such shop · 没有这家店", file=sys.stderr)
        return 1
    return 0


async def _run(told: argparse.Namespace, settings: Settings) -> None:
    keyring = crypto.read_keys(settings.keys) if settings.keys else crypto.keys_at(settings.home)
    database = await db.open_database(settings.database_url, size=1, name="littleshop payee")
    rail: Rail = "alipay" if told.alipay else "wechat_pay"
    try:
        async with database.connection() as conn:
            await installation.settle(conn, settings, keyring)
            at = Clock(await installation.clock_offset(conn)).now()
        if told.card:
            await database.transaction(lambda conn: back_to_card(conn, told.shop, at))
            print("its bank card · 银行卡")
            return
        account = told.alipay or told.wechat
        await database.transaction(lambda conn: choose(conn, keyring, told.shop, rail, account, at))
        hours = int(HELD.total_seconds() // 3600)
        print(f"{rail} **** {account[-4:]}; payouts wait {hours} h · 打款暂停 {hours} 小时")
    finally:
        await database.close()
