"""Appointing: who is an operator is decided by whoever has the machine, on its command line."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import sys
from datetime import datetime
from urllib.parse import urlsplit

import msgspec
import segno

from littleshop import config, crypto, db, i18n, installation, stand_in
from littleshop.clock import Clock
from littleshop.config import Settings
from littleshop.crypto import Keyring
from littleshop.errors import Refused
from littleshop.identity import operators, people, phones
from littleshop.identity.operators import Operator
from littleshop.identity.people import Person
from littleshop.identity.phones import Phone
from littleshop.oversight import acts

# Reasons that the program itself writes into the log; its page says them in either language.
WITH_DEMO = "comes with the demo · 演示自带"
BY_COMMAND = "on the command line, by "


class Appointed(msgspec.Struct, frozen=True):
    """Somebody who is an operator now, and what his authenticator app needs, this once."""

    person: Person
    secret: bytes


class Listed(msgspec.Struct, frozen=True):
    """An operator with the phone he signs in with, masked."""

    operator: Operator
    phone: str


async def appoint(
    conn: db.Connection,
    keyring: Keyring,
    phone: Phone,
    *,
    reason: str,
    at: datetime,
    secret: bytes | None = None,
) -> Appointed:
    """Make the person of this phone an operator. Raises Refused operator_already."""
    person = await people.meet(conn, keyring, phone, locale="zh-CN", at=at)
    secret = secret or operators.new_secret()
    if not await operators.add(conn, keyring, person.person_id, secret, at):
        raise Refused("operator_already")
    await acts.record(
        conn, None, "operator_added", f"person/{person.person_id}", reason=reason, at=at
    )
    return Appointed(person, secret)


async def dismiss(
    conn: db.Connection, keyring: Keyring, phone: Phone, *, reason: str, at: datetime
) -> None:
    """End it, on every device at once. Raises Refused operator_unknown."""
    person = await people.by_phone(conn, keyring, phone)
    if person is None or not await operators.remove(conn, person.person_id, at):
        raise Refused("operator_unknown")
    await acts.record(
        conn, None, "operator_removed", f"person/{person.person_id}", reason=reason, at=at
    )


async def appoint_stand_in(
    conn: db.Connection, keyring: Keyring, settings: Settings, at: datetime
) -> bool:
    """The operator of a demo, once; False when he was appointed before, also if dismissed since.

    Raises Misconfigured in live mode: his secret is no secret.
    """
    if settings.mode != "demo":
        raise config.Misconfigured("only a demo has an operator whom everybody knows")
    phone = phones.parse(stand_in.PHONE)
    person = await people.by_phone(conn, keyring, phone)
    if person is not None and await operators.was_one(conn, person.person_id):
        return False
    secret = operators.from_typed(stand_in.SECRET)
    await appoint(conn, keyring, phone, reason=WITH_DEMO, at=at, secret=secret)
    return True


async def listed(conn: db.Connection, keyring: Keyring) -> list[Listed]:
    """Who is an operator now."""
    found = []
    for operator in await operators.listed(conn):
        person = await people.get(conn, operator.person_id)
        found.append(Listed(operator, person.masked_phone(keyring) if person else "?"))
    return found


def address(settings: Settings, phone: Phone, secret: bytes) -> str:
    """What an authenticator app reads: otpauth://, named after this installation."""
    host = urlsplit(settings.public_url).hostname or ""  # apps take no colon here
    return operators.uri(secret, phone.masked.replace(" ", ""), f"littleshop {host}")


def command(arguments: list[str]) -> int:
    """`littleshop operator add|remove|list`; 1 when there is nothing to do, 2 for a wrong use."""
    parser = argparse.ArgumentParser(
        prog="littleshop operator", description="who runs the platform · 谁管平台"
    )
    acts_ = parser.add_subparsers(dest="act", required=True)
    for name, help_ in (("add", "appoint · 任命"), ("remove", "dismiss, at once · 立即免去")):
        one = acts_.add_parser(name, help=help_)
        one.add_argument("phone", metavar="PHONE")
        one.add_argument("--why", default="", help="the reason, for the log · 原因，记入日志")
    acts_.add_parser("list", help="who is · 名单")
    told = parser.parse_args(arguments)
    try:
        return asyncio.run(_run(told, config.read()))
    except Refused as no:
        print(_SAID.get(no.code) or _both(no), file=sys.stderr)
    except config.Misconfigured as fault:
        print(fault, file=sys.stderr)
    return 1


_SAID = {
    "operator_already": "is an operator already; remove first for a new secret"
    " · 已经是运营者；要换密钥，请先 remove",
    "operator_unknown": "is no operator · 不是运营者",
}


def _both(no: Refused) -> str:
    said = (i18n.t(locale, f"errors.{no.code}", **no.details) for locale in ("en", "zh-CN"))
    return " · ".join(said)


async def _run(told: argparse.Namespace, settings: Settings) -> int:
    keyring = crypto.read_keys(settings.keys) if settings.keys else crypto.keys_at(settings.home)
    database = await db.open_database(settings.database_url, size=1, name="littleshop operator")
    try:
        async with database.connection() as conn:
            await installation.settle(conn, settings, keyring)
            at = Clock(await installation.clock_offset(conn)).now()
        if told.act == "list":
            async with database.connection() as conn:
                _print(await listed(conn, keyring))
            return 0
        phone = phones.parse(told.phone)
        reason = told.why.strip() or f"{BY_COMMAND}{getpass.getuser()}"
        if told.act == "remove":
            await database.transaction(
                lambda conn: dismiss(conn, keyring, phone, reason=reason, at=at)
            )
            print(f"{phone.masked} is no operator any more · 不再是运营者")
            return 0
        new = await database.transaction(
            lambda conn: appoint(conn, keyring, phone, reason=reason, at=at)
        )
    finally:
        await database.close()
    _introduce(settings, phone, new.secret)
    return 0


def _print(found: list[Listed]) -> None:
    for one in found:
        since = one.operator.added_at
        proven = "" if one.operator.confirmed_at else "  no code yet · 还没用过验证码"
        print(f"{one.phone}  {since:%Y-%m-%d}{proven}")
    print(f"{len(found)} · {len(found)} 位运营者")


def _introduce(settings: Settings, phone: Phone, secret: bytes) -> None:
    """The secret, this once: as a picture for the app's camera and as text."""
    told = address(settings, phone, secret)
    segno.make(told, error="l").terminal(compact=True)
    print(f"\n{told}\n\n  {operators.as_typed(secret)}\n")
    print(f"  {phone.masked} is an operator · 成为运营者")
    print("  Scan it with an authenticator app; it is not shown again. Then: ", end="")
    print("请用验证器应用扫码，只显示这一次。然后打开：")
    print(f"  {settings.public_url}/operator")
