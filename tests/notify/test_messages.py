"""People are told once, in their own language, and nobody else reads it."""

from __future__ import annotations

import json
import logging
import uuid
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import httpx
import pytest

from littleshop import crypto, db, i18n, jobs
from littleshop.clock import Clock
from littleshop.money import Money
from littleshop.notify import messages, push, subscriptions
from littleshop.notify.channels import Channels
from littleshop.notify.messages import Recipient
from tests.notify.test_push import ENDPOINT, Browser, sender
from tests.notify.test_sms import Vendor, said

AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
SHOP = 0  # the platform's own row is in every database
PHONE = "+8613800002046"
LIN = uuid.UUID(int=1)
KEYRING = crypto.read_keys(crypto.make_keys())


class Stopped(Clock):
    """A clock that stands at `at`."""

    def __init__(self) -> None:
        super().__init__()
        self.at = AT

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Stopped:
    return Stopped()


def seller(locale: str = "zh-CN", push: tuple[subscriptions.Subscription, ...] = ()) -> Recipient:
    return Recipient(LIN, KEYRING.seal(PHONE), locale, push)


async def ask(
    conn: db.Connection,
    *to: Recipient,
    about: str = "order_paid",
    subject: str = "order-7",
    occasion: str = "",
) -> int:
    new = await messages.send(
        conn,
        SHOP,
        to,
        about=about,
        subject=subject,
        at=AT,
        occasion=occasion,
        shop="林记",
        number="1007",
        amount=Money(12850, "CNY"),
    )
    return len(new)


async def tell(
    database: db.Database, *to: Recipient, about: str = "order_paid", subject: str = "order-7"
) -> int:
    return await database.transaction(lambda conn: ask(conn, *to, about=about, subject=subject))


async def deliver(database: db.Database, clock: Stopped, channels: Channels) -> int:
    return await jobs.drain(database, messages.tasks(channels, KEYRING), clock)


async def statuses(database: db.Database) -> list[str]:
    async with database.connection() as conn:
        return [message.status for message in await messages.of(conn, SHOP, "order-7")]


async def test_the_seller_is_told_by_sms_in_her_language(
    database: db.Database, clock: Stopped
) -> None:
    for locale, amount in (("zh-CN", "¥128.50"), ("en", "¥128.50")):
        vendor = Vendor(said("OK"))
        await tell(database, seller(locale), subject=locale)
        assert await deliver(database, clock, Channels(sms=vendor.sms())) == 1
        form = parse_qs(vendor.requests[0].content.decode())
        assert form["PhoneNumbers"] == ["13800002046"]
        suffix = locale.upper().replace("-", "_")
        assert form["TemplateCode"] == [f"LITTLESHOP_ORDER_PAID_{suffix}"]
        shown = json.loads(form["TemplateParam"][0])
        assert shown == {"shop": "林记", "number": "1007", "amount": amount}


async def test_the_same_thing_is_told_once_however_often_it_is_asked(
    database: db.Database, clock: Stopped
) -> None:
    vendor = Vendor(said("OK"))
    assert await tell(database, seller()) == 1
    assert await tell(database, seller()) == 0
    channels = Channels(sms=vendor.sms())
    await deliver(database, clock, channels)
    assert await tell(database, seller()) == 0
    await deliver(database, clock, channels)
    assert len(vendor.requests) == 1


async def test_a_reminder_on_another_day_is_another_message(database: db.Database) -> None:
    async def remind(day: str) -> int:
        return await database.transaction(
            lambda conn: ask(conn, seller(), about="remind_ship", occasion=day)
        )

    assert [await remind("20 Nov"), await remind("20 Nov"), await remind("21 Nov")] == [1, 0, 1]


async def test_an_order_that_is_rolled_back_tells_nobody(
    database: db.Database, clock: Stopped
) -> None:
    async def fail(conn: db.Connection) -> None:
        await ask(conn, seller())
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        await database.transaction(fail)
    assert await deliver(database, clock, Channels()) == 0
    assert await statuses(database) == []


async def test_a_kill_after_the_vendor_took_it_repeats_the_same_id(
    database: db.Database, clock: Stopped
) -> None:
    class Killed(BaseException):
        pass

    class DyingVendor(Vendor):
        def __call__(self, request: httpx.Request) -> httpx.Response:
            super().__call__(request)
            raise Killed  # he has it; we never hear it

    dying, vendor = DyingVendor(said("OK")), Vendor(said("OK"))
    await tell(database, seller())
    with pytest.raises(Killed):
        await deliver(database, clock, Channels(sms=dying.sms()))
    assert await statuses(database) == ["sending"]
    clock.at += timedelta(minutes=2)
    assert await deliver(database, clock, Channels(sms=vendor.sms())) == 1
    ids = [parse_qs(one.requests[0].content.decode())["OutId"] for one in (dying, vendor)]
    assert ids[0] == ids[1]
    assert await statuses(database) == ["sent"]


async def test_a_busy_vendor_is_asked_later_and_a_strict_one_waits_for_a_person(
    database: db.Database, clock: Stopped
) -> None:
    vendor = Vendor(said("isv.BUSINESS_LIMIT_CONTROL"), said("isv.AMOUNT_NOT_ENOUGH"), said("OK"))
    channels = Channels(sms=vendor.sms())
    await tell(database, seller())
    assert await deliver(database, clock, channels) == 0
    clock.at += timedelta(minutes=1)
    assert await deliver(database, clock, channels) == 0
    async with database.connection() as conn:
        [job] = await jobs.held(conn)
        assert PHONE[3:] not in job.fault and "AMOUNT_NOT_ENOUGH" in job.fault
        await jobs.release(conn, job.id)
    assert await deliver(database, clock, channels) == 1
    assert await statuses(database) == ["sent"]


async def test_a_dead_number_and_a_rail_that_is_off_are_written_down_and_left(
    database: db.Database, clock: Stopped
) -> None:
    await tell(database, seller())
    vendor = Vendor(said("isv.MOBILE_NUMBER_ILLEGAL"))
    assert await deliver(database, clock, Channels(sms=vendor.sms())) == 1
    assert await statuses(database) == ["unwanted"]
    await tell(database, seller(), about="order_cancelled")
    assert await deliver(database, clock, Channels()) == 1
    assert sorted(await statuses(database)) == ["off", "unwanted"]


async def test_phones_are_sealed_and_facts_forgotten_once_told(
    database: db.Database,
    owner: db.Connection,
    clock: Stopped,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    await tell(database, seller())
    await deliver(database, clock, Channels(sms=Vendor(said("OK")).sms()))
    kept = await owner.fetch("select m::text as row from messages m")
    assert len(kept) == 1
    for text in (str(kept[0]["row"]), caplog.text):
        assert "13800002046" not in text and "12850" not in text and "林记" not in text
    assert await db.value(owner, "select facts from messages") == {}


async def browse(
    database: db.Database, channel: push.Push, browser: Browser, endpoint: str = ENDPOINT
) -> subscriptions.Subscription:
    """Let Lin's browser subscribe."""

    async def add(conn: db.Connection) -> subscriptions.Subscription:
        await subscriptions.add(
            conn,
            SHOP,
            LIN,
            channel,
            endpoint=endpoint,
            p256dh=push.encoded(browser.point),
            auth=push.encoded(browser.auth),
            locale="en",
            at=AT,
        )
        return (await subscriptions.of(conn, SHOP, [LIN]))[LIN][-1]

    return await database.transaction(add)


async def test_the_sellers_browser_shows_the_new_order(
    database: db.Database, clock: Stopped
) -> None:
    browser = Browser()
    channel = sender(browser)
    subscription = await browse(database, channel, browser)
    await tell(database, Recipient(LIN, None, "zh-CN", (subscription,)))
    assert await deliver(database, clock, Channels(push=channel)) == 1
    told = browser.read(browser.requests[0])
    assert told["title"] == "New order, ¥128.50" and "1007" in told["body"]
    assert told["tag"] == "order_paid:order-7"


async def test_a_browser_that_is_gone_is_let_go(database: db.Database, clock: Stopped) -> None:
    browser = Browser(status=410)
    channel = sender(browser)
    subscription = await browse(database, channel, browser)
    await tell(database, Recipient(LIN, None, "en", (subscription,)))
    assert await deliver(database, clock, Channels(push=channel)) == 1
    assert await statuses(database) == ["unwanted"]
    async with database.connection() as conn:
        assert await subscriptions.of(conn, SHOP, [LIN]) == {}


async def test_subscribing_again_is_one_browser_and_ten_are_the_most(
    database: db.Database,
) -> None:
    browser = Browser()
    channel = sender(browser)
    first = await browse(database, channel, browser)
    assert await browse(database, channel, browser) == first
    for number in range(12):
        await browse(database, channel, browser, f"https://web.push.apple.com/{number}")
    async with database.connection() as conn:
        found = await subscriptions.of(conn, SHOP, [LIN])
        assert len(found[LIN]) == subscriptions.MOST_PER_PERSON
        other = await subscriptions.of(conn, SHOP + 1, [LIN])
        assert other == {}


def test_every_text_stands_in_both_languages_with_the_same_holes() -> None:
    names = [
        {
            key: set(text.holes)
            for key, text in i18n.catalogue(locale).items()
            if key.startswith("sms.")
        }
        for locale in ("en", "zh-CN")
    ]
    assert names[0] == names[1] and len(names[0]) >= 11
    known = messages.templates("https://shop.test")
    assert known["LITTLESHOP_ORDER_SHIPPED_EN"].endswith("https://shop.test/o/${link}")
    assert known["LITTLESHOP_CODE_EN"].startswith("${code} is your littleshop code")


def test_a_moment_is_said_as_people_say_it() -> None:
    facts = {"shop": "Lin", "number": "7", "when": {"at": "2026-11-21T10:05:00+00:00"}}
    said_in_english = messages.values("en", "auto_confirm_soon", facts, AT)
    assert said_in_english["when"] == "tomorrow at 18:05"
