"""Telling followers: once a day at most, by day, gathered, paid within bounds, and never again to
who left."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from littleshop import db, i18n, ids
from littleshop.catalog import drafts, products
from littleshop.catalog.drafts import ProductDraft, VariantDraft
from littleshop.errors import Refused
from littleshop.notify import messages
from littleshop.notify.sms import template_name
from littleshop.sale import telling_news, texting
from littleshop.social import follows
from tests.cast import CNY, WANTING, Town

PHONES = ["+8613800002046", "+8613800002047"]


class Fans:
    """People who follow the town's shop, and what reaches them."""

    def __init__(self, town: Town) -> None:
        self.town = town

    async def follow(self, phone: str = PHONES[0], *, proven: bool = True) -> bool:
        town = self.town
        return await town.database.transaction(
            lambda conn: follows.follow(
                conn, town.shop_id, town.keyring.index(phone), town.keyring.seal(phone),
                device=ids.hashed(phone), key=town.keyring.link_key, locale="zh-CN",
                at=town.at, proven=proven,
            )
        )  # fmt: skip

    async def types_code(self, phone: str) -> None:
        """A code that came to the phone is typed in its owner's browser."""
        async with self.town.database.connection() as conn:
            await conn.execute(
                "insert into code_phones (phone_index, first_asked_at) values ($1, $2)",
                self.town.keyring.index(phone), self.town.at,
            )  # fmt: skip
            await conn.execute(
                "insert into phone_browsers (phone_index, browser, proven_at) values ($1, $2, $3)",
                self.town.keyring.index(phone), ids.hashed(phone), self.town.at,
            )  # fmt: skip

    def id_of(self, phone: str = PHONES[0]) -> UUID:
        return follows.identity(self.town.shop_id, self.town.keyring.index(phone))

    async def leave(self, phone: str = PHONES[0]) -> None:
        town = self.town
        await town.database.transaction(
            lambda conn: follows.leave(conn, town.shop_id, self.id_of(phone), town.at)
        )

    async def new(self, title: str, status: str = "on_sale") -> UUID:
        """The seller puts something on the shelf and presses."""
        town, product_id = self.town, uuid4()
        draft = ProductDraft(title, (VariantDraft((), 100, 1),), status=status)

        async def work(conn: db.Connection) -> None:
            await products.create(conn, town.shop_id, product_id, drafts.check(draft), at=town.at)
            await follows.tell(conn, town.shop_id, product_id, by=product_id, at=town.at)

        await town.database.transaction(work)
        return product_id

    async def swept(self) -> int:
        """The worker comes by; how many followers were looked at."""
        town, looked = self.town, 0
        while some := await town.database.transaction(
            lambda conn: telling_news.tell(conn, town.shop_id, town.at)
        ):
            looked += some
        return looked

    async def heard(self, phone: str = PHONES[0]) -> list[str]:
        """What each message to this phone says is new, first things first."""
        async with self.town.database.connection() as conn:
            told = await messages.of(conn, self.town.shop_id, self.id_of(phone))
        return [str(each.facts["what"]) for each in told]


@pytest_asyncio.fixture
async def fans(town: Town) -> AsyncIterator[Fans]:
    made = Fans(town)
    await made.follow()
    town.later(minutes=1)
    yield made


async def test_what_is_pressed_within_a_while_is_one_message_and_there_is_one_a_day(
    fans: Fans,
) -> None:
    await fans.new("青灰釉盖碗")
    fans.town.later(minutes=5)
    await fans.new("茶末釉小杯")
    assert await fans.swept() == 0  # more may come
    fans.town.later(minutes=21)
    assert await fans.swept() == 1
    assert await fans.heard() == ["「茶末釉小杯」等 1 件"]
    await fans.new("落灰茶仓")
    fans.town.later(hours=2)
    assert await fans.swept() == 0  # told today already
    fans.town.later(days=1)
    assert await fans.swept() == 1 and await fans.swept() == 0
    assert await fans.heard() == ["「茶末釉小杯」等 1 件", "「落灰茶仓」"]
    await fans.swept()
    assert len(await fans.heard()) == 2


@pytest.mark.parametrize(("hour", "rings"), [(8, False), (9, True), (20, True), (21, False)])
def test_nobodys_phone_rings_at_night(hour: int, rings: bool) -> None:
    at = datetime.fromisoformat(f"2026-11-23T{hour:02}:15:00+08:00")
    assert telling_news.by_day("Asia/Shanghai", at) is rings


async def test_news_of_the_night_come_in_the_morning_and_old_ones_never(fans: Fans) -> None:
    fans.town.later(hours=12)  # ten in the evening
    await fans.new("夜里上的")
    fans.town.later(minutes=30)
    assert await fans.swept() == 0
    fans.town.later(hours=11)
    assert await fans.swept() == 1 and await fans.heard() == ["「夜里上的」"]
    await fans.new("没人看见")
    fans.town.later(days=8)
    assert await fans.swept() == 0


async def test_who_left_hears_nothing_and_only_a_new_code_brings_him_back(fans: Fans) -> None:
    await fans.leave()
    await fans.leave()
    await fans.new("青灰釉盖碗")
    fans.town.later(hours=1)
    assert await fans.swept() == 0 and await fans.heard() == []
    assert not await fans.follow(proven=False)  # a press on an order's page is not enough
    assert await fans.swept() == 0
    assert await fans.follow(proven=True)
    assert await fans.swept() == 0  # what was new before he came back is not told
    fans.town.later(minutes=1)
    await fans.new("小壶")
    fans.town.later(hours=1)
    assert await fans.swept() == 1 and await fans.heard() == ["「小壶」"]


async def test_a_shop_has_so_many_sms_in_a_month_and_who_has_none_left_misses_it(
    fans: Fans, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fans.follow(PHONES[1])
    monkeypatch.setattr(follows, "SMS_A_MONTH", 1)
    fans.town.later(minutes=1)
    await fans.new("青灰釉盖碗")
    fans.town.later(hours=1)
    assert await fans.swept() == 2 and await fans.swept() == 0
    assert sorted([len(await fans.heard(phone)) for phone in PHONES]) == [0, 1]
    fans.town.later(days=31)
    await fans.new("小壶")
    fans.town.later(hours=1)
    await fans.swept()
    counts = [len(await fans.heard(phone)) for phone in PHONES]
    assert sum(counts) == 2  # the next month has one more


async def test_a_thing_is_new_once_a_hidden_one_is_not_told_and_a_pausing_shop_is_silent(
    fans: Fans, owner: db.Connection
) -> None:
    with pytest.raises(Refused, match="news_hidden"):
        await fans.new("藏着的", status="hidden")
    product_id, town = await fans.new("青灰釉盖碗"), fans.town
    town.later(hours=1)
    await owner.execute("update shops set status = 'paused'")
    assert await fans.swept() == 0
    await owner.execute("update shops set status = 'open'")
    assert await fans.swept() == 1
    await town.database.transaction(
        lambda conn: follows.tell(conn, town.shop_id, product_id, by=product_id, at=town.at)
    )
    town.later(days=2)
    assert await fans.swept() == 0 and len(await fans.heard()) == 1


def test_a_message_names_the_way_out_and_its_words_fit_what_vendors_take() -> None:
    long = follows.Item(uuid4(), "一" * 120, datetime.min)
    for locale in i18n.LOCALES:
        assert len(telling_news.what(locale, [long] * 20)) <= 35
        made = messages.templates("https://shop.test")[template_name("news", locale)]
        assert "https://shop.test/n/${news}" in made
    assert timedelta(days=7) == follows.FRESH


async def test_a_phone_that_no_code_proved_hears_three_times_a_month(
    fans: Fans,
) -> None:
    """Who pays a fen under a stranger's number and follows cannot have us text him every day."""
    stranger, owner_ = PHONES
    assert await fans.follow(stranger, proven=False) and await fans.follow(owner_)
    await fans.types_code(owner_)
    for day in range(12):
        await fans.new(f"今天的碗 {day}")
        fans.town.later(hours=24)
        await fans.swept()
    assert 3 <= len(await fans.heard(stranger)) <= 6  # twelve days may touch two windows
    assert len(await fans.heard(owner_)) > 9


async def test_of_a_shop_and_of_a_phone_so_many_messages_a_day_and_no_more(fans: Fans) -> None:
    town = fans.town
    await fans.types_code(PHONES[0])

    async def text(shop_id: int, phone: str = PHONES[0]) -> bool:
        index, device = town.keyring.index(phone), ids.hashed(PHONES[0])
        return await town.database.transaction(
            lambda conn: texting.take(conn, shop_id, index, device, town.at)
        )

    assert [await text(shop) for shop in range(1, 23)] == [True] * 20 + [False] * 2
    assert await text(1, "+8613900000001") and await text(1, "+8613900000001")
    others = [await text(1, f"+86139{each:08d}") for each in range(2, 110)]
    assert others.count(True) == 18  # twenty a day of a young shop to phones that nobody proved


async def test_a_phone_is_his_by_a_code_or_by_a_paid_order_of_the_same_device(
    town: Town,
) -> None:
    bowl = await town.stock(pieces=2)
    index, device = town.keyring.index(WANTING.phone), ids.hashed("his")
    placed = await town.place([bowl], CNY("168.00"), device=device)

    async def is_own(of: bytes = device) -> bool:
        async with town.database.connection() as conn:
            return await texting.is_own(conn, town.shop_id, index, of, town.at)

    assert not await is_own()  # typed, not paid: it may be a stranger's
    assert await town.money_arrives(await town.opens_cashier(placed), CNY("168.00")) == "accepted"
    assert await is_own() and not await is_own(ids.hashed("another's"))
