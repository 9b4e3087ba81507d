"""What people are told: asked in the caller's transaction, sent by a job, once per vendor.

ask:  `send` writes one row per person and channel and defers its delivery.
send: `deliver` marks the row, calls the vendor with the row's id, writes what he said.
A kill in between leaves the row `sending`: nobody knows, so it is sent again under the same id.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from littleshop import db, i18n, ids, jobs, linkless
from littleshop.crypto import Keyring
from littleshop.money import Money
from littleshop.notify import addressed, subscriptions
from littleshop.notify.channels import Channels
from littleshop.notify.sms import LONGEST_VALUE, Unwanted, template_name
from littleshop.notify.subscriptions import Subscription

Fact = str | int | Money | datetime
DELIVER = "messages.deliver"
ADDRESSES = {  # of an order, a new card, news, an invitation, a wish, a talk, staff, a shop
    "link": "/o/",
    "objection": "/not-me/",
    "news": "/n/",
    "letter": "/i/",
    "wish": "/w/",
    "talk": "/c/",
    "work": "/work/",
    "shop_offer": "/take-over/",
}
_NAMES = UUID("6f0d3a52-6b1d-4b0e-9a57-2a2b8a2f1c11")  # of message ids


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody to tell, looked up by the caller; SMS needs the phone (E.164, sealed). He is told
    `after` a while in which it may be taken back."""

    person_id: UUID | None
    phone_sealed: bytes | None
    locale: str
    push: tuple[Subscription, ...] = ()
    after: timedelta = timedelta()
    wechat: bytes | None = None  # his openid, sealed
    email: bytes | None = None  # sealed


class Message(msgspec.Struct, frozen=True):
    """One thing told to one person by one channel."""

    message_id: UUID
    about: str
    subject: str
    channel: str
    phone_sealed: bytes | None
    subscription_id: UUID | None
    locale: str
    facts: dict[str, str | int | dict[str, str | int]]
    status: str
    address_sealed: bytes | None = None


class _Row(msgspec.Struct, frozen=True):
    message_id: UUID
    channel: str
    person_id: UUID | None
    phone_sealed: bytes | None
    subscription_id: UUID | None
    locale: str
    address_sealed: bytes | None = None


async def send(
    conn: db.Connection,
    shop_id: int,
    to: Collection[Recipient],
    *,
    about: str,
    subject: str | UUID,
    at: datetime,
    occasion: str = "",
    **facts: Fact,
) -> list[UUID]:
    """Have people told `about` something, in the caller's transaction; ids of new messages.

    The same about, subject, occasion and address is told once, however often this is called; who
    may be reminded twice names the `occasion` (a day). Facts fill the texts `sms.<about>` and
    `push.<about>.title/.body`; the fact `url` is where a push message leads, {news} in it the
    token of a follower's link.
    """
    rows = [
        (row, recipient)
        for place, recipient in enumerate(to)
        for row in _rows(shop_id, recipient, place, f"{about}:{subject}:{occasion}", about)
    ]
    written = []
    as_json = kept(facts)
    for row, recipient in rows:
        if not await db.run(
            conn,
            "insert into messages (shop_id, message_id, about, subject, channel, person_id,"
            " phone_sealed, subscription_id, locale, facts, status, asked_at, address_sealed)"
            " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'waiting', $11, $12)"
            " on conflict on constraint messages_pkey do nothing",
            shop_id,
            row.message_id,
            about,
            str(subject),
            row.channel,
            row.person_id,
            row.phone_sealed,
            row.subscription_id,
            row.locale,
            as_json,
            at,
            row.address_sealed,
        ):
            continue
        due = at + recipient.after
        await jobs.defer(conn, DELIVER, at=due, shop_id=shop_id, message_id=str(row.message_id))
        written.append(row.message_id)
    return written


def _rows(shop_id: int, recipient: Recipient, place: int, what: str, about: str) -> list[_Row]:
    """The channels by which this is told to this person, with ids that a repeat finds again."""
    rows = []
    if recipient.phone_sealed is not None and i18n.has(recipient.locale, f"sms.{about}"):
        # a guest has no person, and a phone is sealed differently each time: his place counts
        who = recipient.person_id or f"guest {place}"
        name = ids.derived(_NAMES, f"{shop_id}:{what}:sms:{who}")
        rows.append(
            _Row(name, "sms", recipient.person_id, recipient.phone_sealed, None, recipient.locale)
        )
    if i18n.has(recipient.locale, f"push.{about}.title"):
        for browser in recipient.push:
            name = ids.derived(_NAMES, f"{shop_id}:{what}:push:{browser.subscription_id}")
            rows.append(
                _Row(
                    name, "push", recipient.person_id, None, browser.subscription_id, browser.locale
                )
            )
        for channel, sealed in (("wechat", recipient.wechat), ("email", recipient.email)):
            if sealed is not None:
                name = ids.derived(_NAMES, f"{shop_id}:{what}:{channel}:{recipient.person_id}")
                locale = recipient.locale
                rows.append(_Row(name, channel, recipient.person_id, None, None, locale, sealed))
    return rows


async def told(conn: db.Connection, shop_id: int, message_ids: Collection[UUID]) -> None:
    """These were told when they were asked: the demo's past rings nobody's phone today."""
    await db.run(
        conn,
        "update messages set status = 'sent', sent_at = asked_at, facts = $3"
        " where shop_id = $1 and message_id = any ($2) and status = 'waiting'",
        shop_id,
        list(message_ids),
        {},
    )


async def take_back(
    conn: db.Connection,
    shop_id: int,
    subjects: Collection[str],
    about: Collection[str],
    **fact: str,
) -> bool:
    """What waits to be told and holds this fact is told to nobody; False when it leaves already."""
    of = (shop_id, list(subjects), list(about), fact)
    if await db.value(
        conn,
        "select exists (select from messages where shop_id = $1 and subject = any ($2)"
        " and about = any ($3) and facts @> $4 and status in ('sending', 'sent'))",
        *of,
    ):
        return False
    await db.run(
        conn,
        "update messages set status = 'unwanted', fault = 'taken back', facts = '{}'"
        " where shop_id = $1 and subject = any ($2) and about = any ($3) and facts @> $4"
        " and status = 'waiting'",
        *of,
    )
    return True


async def of(conn: db.Connection, shop_id: int, subject: str | UUID) -> list[Message]:
    """What was told about a subject, first things first."""
    return await db.all(
        conn,
        Message,
        f"select {_COLUMNS} from messages where shop_id = $1 and subject = $2"
        " order by asked_at, message_id",
        shop_id,
        str(subject),
    )


_COLUMNS = (
    "message_id, about, subject, channel, phone_sealed, subscription_id, locale, facts, status,"
    " address_sealed"
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """The job that brings one message to its vendor."""

    channels: Channels
    keyring: Keyring

    async def run(self, context: jobs.Context, *, shop_id: int, message_id: str) -> None:
        """Send it unless that was done; raises GatewayError for the worker."""
        message = await context.database.transaction(
            lambda conn: _begin(conn, shop_id, UUID(message_id))
        )
        if message is None:
            return
        status, said = await self._call(context, shop_id, message)
        await context.database.transaction(
            lambda conn: _end(conn, shop_id, message.message_id, status, said, context.clock.now())
        )

    async def _call(self, context: jobs.Context, shop_id: int, message: Message) -> tuple[str, str]:
        """The wire call; the status it leaves and the vendor's word."""
        try:
            if message.channel == "sms":
                return await self._by_sms(context, shop_id, message)
            if message.address_sealed is not None:
                told = addressed.Told(**push_text(message, context.at))
                to, at = self.keyring.open(message.address_sealed), context.at
                home = context.settings.public_url if context.settings else ""
                by = (self.channels, home, message.channel)
                return await addressed.send(*by, to, told, message.message_id, at)
            return await self._by_push(context, shop_id, message)
        except Unwanted as fault:
            return "unwanted", str(fault)

    async def _by_sms(
        self, context: jobs.Context, shop_id: int, message: Message
    ) -> tuple[str, str]:
        at = context.at
        if self.channels.sms is None or message.phone_sealed is None:
            return "off", "no SMS rail"
        vendor_id = await self.channels.sms.send(
            self.keyring.open(message.phone_sealed),
            message.about,
            message.locale,
            values(message.locale, message.about, self._facts(shop_id, message), at),
            out_id=message.message_id.hex,
            at=at,
        )
        return "sent", vendor_id

    def _facts(self, shop_id: int, message: Message) -> dict[str, object]:
        """The facts and, never stored, the token that ends the subject's address: the address
        itself stands in the vendor's template, whose variables are short."""
        key, subject = self.keyring.link_key, message.subject
        tokens = {
            "link": ids.order_token(key, shop_id, subject),
            "objection": ids.objection_token(key, shop_id, subject),
            "news": ids.follow_token(key, shop_id, subject),
            "letter": ids.invitation_token(key, shop_id, subject),
            "wish": ids.wish_token(key, shop_id, subject),
            "talk": ids.talk_token(key, shop_id, subject),
            "work": ids.work_token(key, shop_id, subject),
            "shop_offer": ids.handover_token(key, shop_id, subject),
        }
        return {**message.facts, **tokens}

    async def _by_push(
        self, context: jobs.Context, shop_id: int, message: Message
    ) -> tuple[str, str]:
        if self.channels.push is None or message.subscription_id is None:
            return "off", "no push rail"
        async with context.database.connection() as conn:
            browser = await subscriptions.get(conn, shop_id, message.subscription_id)
        if browser is None:
            return "unwanted", "unsubscribed"
        told = push_text(message, context.at)
        told["url"] = told["url"].replace("{news}", str(self._facts(shop_id, message)["news"]))
        try:
            return "sent", await self.channels.push.send(
                browser.endpoint, browser.p256dh, browser.auth, told, context.at
            )
        except Unwanted:
            await context.database.transaction(
                lambda conn: subscriptions.remove(conn, shop_id, browser.endpoint)
            )
            raise


async def _begin(conn: db.Connection, shop_id: int, message_id: UUID) -> Message | None:
    """Mark that the vendor is about to be called; None when he has been heard already."""
    return await db.one(
        conn,
        Message,
        "update messages set status = 'sending' where shop_id = $1 and message_id = $2"
        f" and status in ('waiting', 'sending') returning {_COLUMNS}",
        shop_id,
        message_id,
    )


async def _end(
    conn: db.Connection, shop_id: int, message_id: UUID, status: str, said: str, at: datetime
) -> None:
    """Write what the vendor said; what was told is forgotten, that it was told stays."""
    sent = status == "sent"
    await db.run(
        conn,
        "update messages set status = $3, sent_at = $4, vendor_id = $5, fault = $6,"
        " facts = $7 where shop_id = $1 and message_id = $2 and status = 'sending'",
        shop_id,
        message_id,
        status,
        at if sent else None,
        said or None if sent else None,
        None if sent else said,
        {},
    )


def values(locale: str, about: str, facts: Mapping[str, object], at: datetime) -> dict[str, str]:
    """What fills the holes of the SMS text `about`, as people of this locale write it. Of names,
    titles and what else somebody typed, brackets and web addresses are cut (linkless)."""
    left_out = i18n.t(locale, "words.left_out")
    holes = i18n.catalogue(locale)[f"sms.{about}"].holes
    shown = {hole: str(_shown(locale, facts[hole], at)) for hole in holes}
    return {
        hole: text if hole in ADDRESSES else linkless.cut(text[:LONGEST_VALUE], left_out)
        for hole, text in shown.items()
    }


def push_text(message: Message, at: datetime) -> dict[str, str]:
    """What the service worker shows: title, body, where a tap leads, and what it replaces."""
    shown = {name: _shown(message.locale, fact, at) for name, fact in message.facts.items()}
    return {
        "title": i18n.t(message.locale, f"push.{message.about}.title", **shown),
        "body": i18n.t(message.locale, f"push.{message.about}.body", **shown),
        "url": str(message.facts.get("url", "/")),
        "tag": f"{message.about}:{message.subject}",
    }


def templates(public_url: str) -> dict[str, str]:
    """The SMS texts by the names a vendor should know them under, holes written ${so}; the holes
    of ADDRESSES follow the fixed beginning of an address."""
    return {
        template_name(key.removeprefix("sms."), locale): i18n.t(
            locale, key, **{hole: _hole(hole, public_url) for hole in text.holes}
        )
        for locale in i18n.LOCALES
        for key, text in i18n.catalogue(locale).items()
        if key.startswith("sms.")
    }


def _hole(name: str, public_url: str) -> str:
    variable = f"${{{name}}}"
    return public_url + ADDRESSES[name] + variable if name in ADDRESSES else variable


def kept(facts: Mapping[str, Fact]) -> dict[str, object]:
    """Facts as JSON; what is so already stays."""
    return {name: _kept(fact) for name, fact in facts.items()}


def _kept(fact: Fact) -> object:
    """A fact as JSON that `_shown` reads back."""
    if isinstance(fact, Money):
        return {"minor": fact.minor, "currency": fact.currency}
    if isinstance(fact, datetime):
        return {"at": fact.isoformat()}
    return fact


def _shown(locale: str, fact: object, at: datetime) -> object:
    if isinstance(fact, dict):
        if "at" in fact:
            return i18n.when(locale, datetime.fromisoformat(str(fact["at"])), at)
        return str(i18n.money(locale, Money(int(fact["minor"]), str(fact["currency"]))))
    return fact


def tasks(channels: Channels, keyring: Keyring) -> dict[str, jobs.Task]:
    """The jobs of this module: about two hours of patience, then a person looks."""
    delivery = Delivery(channels, keyring)
    return {
        DELIVER: jobs.Task(delivery.run, attempts=9, longest_wait=timedelta(minutes=30)),
    }
