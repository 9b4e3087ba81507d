"""The face of a shop and the address of its page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from littleshop import i18n
from littleshop.db import Database
from littleshop.errors import NotFound, Refused
from littleshop.shop import shops, slugs
from littleshop.shop.shops import BroughtBy, Face

MONDAY = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


async def opened(database: Database, name: str, slug: str) -> int:
    async with database.connection() as conn:
        shop_id = await shops.number(conn)
        await shops.create(conn, shop_id, locale="zh-CN", brought_by=BroughtBy(), at=MONDAY)
        assert await slugs.take(conn, slug, shop_id, MONDAY)
        await shops.open_doors(conn, shop_id, Face(name, slug), MONDAY)
        await slugs.keep(conn, slug, shop_id, MONDAY)
        return shop_id


async def test_the_platform_is_shop_0(database: Database) -> None:
    async with database.connection() as conn:
        platform = await shops.get(conn, shops.PLATFORM)
    assert (platform.shop_id, platform.name, platform.currency) == (0, "littleshop", "CNY")


@pytest.mark.parametrize(
    ("face", "code", "details"),
    [
        (Face("", "qing"), "shop_name_empty", {}),
        (Face(" \u200b\n", "qing"), "shop_name_empty", {}),
        (Face("青" * 61, "qing"), "shop_name_length", {"have": 61, "most": 60}),
        (Face("青瓷", "qing", line="x" * 141), "shop_line_length", {"have": 141, "most": 140}),
        (Face("青瓷", "qing", seller="x" * 41), "shop_seller_length", {"have": 41, "most": 40}),
        (Face("青瓷", "qing", place="x" * 61), "shop_place_length", {"have": 61, "most": 60}),
        (Face("【中国银行】", "qing"), "shop_name_bracket", {"sign": "【"}),
        (Face("茶 tea.com", "qing"), "shop_name_address", {"address": "tea.com"}),
        (Face("青瓷", "qing", awning="neon"), "awning_unknown", {}),
        (Face("青瓷", "q"), "slug_invalid", {}),
        (Face("青瓷", "qing ci"), "slug_invalid", {}),
        (Face("青瓷", "青瓷小店"), "slug_invalid", {}),
        (Face("青瓷", "-qing"), "slug_invalid", {}),
        (Face("青瓷", "qing--ci"), "slug_invalid", {}),
        (Face("青瓷", "../etc"), "slug_invalid", {}),
        (Face("青瓷", "q" * 31), "slug_invalid", {}),
        (Face("青瓷", "healthz"), "slug_reserved", {"slug": "healthz"}),
        (Face("青瓷", "s0002"), "slug_reserved", {"slug": "s0002"}),
    ],
)
def test_a_face_that_does_not_fit_is_refused(
    face: Face, code: str, details: dict[str, object]
) -> None:
    with pytest.raises(Refused) as said:
        shops.check_face(face, 1)
    assert (said.value.code, said.value.details) == (code, details)
    for locale in i18n.LOCALES:
        assert i18n.t(locale, f"errors.{code}", **details)


def test_a_name_is_tidied_and_keeps_its_emoji() -> None:
    face = shops.check_face(Face("  小满的\t青瓷 🍵\u202e ", " Qing-Ci "), 1)
    assert (face.name, face.slug) == ("小满的 青瓷 🍵", "qing-ci")


async def test_an_address_is_suggested_from_latin_letters_else_from_the_number(
    database: Database,
) -> None:
    await opened(database, "Ada's Knits", "adas-knits")
    async with database.connection() as conn:
        assert await slugs.suggest(conn, "Harbour & Söhne", 42) == "harbour-sohne"
        assert await slugs.suggest(conn, "Ada's Knits", 42) == "adas-knits-shop"
        assert await slugs.suggest(conn, "小满的青瓷", 42) == "s0042"
        assert await slugs.suggest(conn, "Admin", 42) == "admin-shop"
        assert await slugs.suggest(conn, "2024", 42) == "s0042"
        assert await slugs.suggest(conn, "M", 42) == "m-shop"


async def test_an_address_belongs_to_the_first_who_takes_it(database: Database) -> None:
    xiaoman = await opened(database, "小满的青瓷", "qingci")
    async with database.connection() as conn:
        assert not await slugs.take(conn, "qingci", xiaoman + 1, MONDAY)
        assert await slugs.take(conn, "qingci", xiaoman, MONDAY)
        found = await shops.by_slug(conn, "qingci")
        assert found is not None and found.shop_id == xiaoman
        assert await shops.by_slug(conn, "nobody") is None


async def test_an_address_taken_and_never_used_is_freed(database: Database) -> None:
    xiaoman = await opened(database, "小满的青瓷", "qingci")
    async with database.connection() as conn:
        await slugs.take(conn, "celadon", 77, MONDAY)
        await slugs.take(conn, "teacups", xiaoman, MONDAY)
        assert await slugs.sweep(conn, MONDAY + timedelta(minutes=59)) == 0
        assert await slugs.sweep(conn, MONDAY + timedelta(minutes=61)) == 2
        assert await slugs.take(conn, "celadon", 78, MONDAY)
        assert await shops.by_slug(conn, "qingci") is not None


async def test_an_old_address_still_leads_to_the_shop(database: Database) -> None:
    xiaoman = await opened(database, "小满的青瓷", "qingci")
    async with database.connection() as conn:
        await slugs.take(conn, "celadon", xiaoman, MONDAY)
        await shops.readdress(conn, xiaoman, "qingci", "celadon")
        old = await shops.by_slug(conn, "qingci")
    assert old is not None and old.slug == "celadon"


async def test_the_version_moves_when_a_visitor_could_see_it(database: Database) -> None:
    ada = await opened(database, "Ada's Knits", "adas-knits")
    async with database.connection() as conn:
        before = await shops.get(conn, ada)
        after = await shops.set_shipping(conn, ada, flat_minor=800, free_over_minor=9900)
        assert after.version > before.version and after.pricing_version > before.pricing_version
        await shops.touch(conn, ada)
        touched = await shops.get(conn, ada)
        assert touched.version > after.version
        assert touched.pricing_version == after.pricing_version
        assert await shops.pause(conn, ada) and not await shops.pause(conn, ada)
        assert (await shops.get(conn, ada)).status == "paused"
        assert await shops.resume(conn, ada)


@pytest.mark.parametrize(("flat", "free_over"), [(-1, None), (100_000_001, None), (0, 0), (0, -5)])
async def test_a_shipping_fee_out_of_bounds_is_refused(
    database: Database, flat: int, free_over: int | None
) -> None:
    async with database.connection() as conn:
        with pytest.raises(Refused, match="shipping_fee"):
            await shops.set_shipping(conn, 0, flat_minor=flat, free_over_minor=free_over)


async def test_a_shop_that_does_not_exist_is_not_found(database: Database) -> None:
    async with database.connection() as conn:
        with pytest.raises(NotFound):
            await shops.get(conn, 999_999)


async def test_the_database_refuses_an_open_shop_without_a_name(database: Database) -> None:
    async with database.connection() as conn:
        shop_id = await shops.number(conn)
        await shops.create(conn, shop_id, locale="en", brought_by=BroughtBy(), at=MONDAY)
        with pytest.raises(asyncpg.CheckViolationError, match="shops_named_once_open"):
            await conn.execute(
                "update shops set status = 'open', opened_at = $2 where shop_id = $1",
                shop_id,
                MONDAY,
            )


@pytest.mark.parametrize(
    ("year", "month", "told"),
    [
        ("", "", (None, None)),
        ("2019", "", (2019, None)),
        (" ２０１９ 年", "3", (2019, 3)),
        ("2026", "11", (2026, 11)),
        ("1669", "", (1669, None)),
        ("19", "", "since_year"),
        ("0999", "", "since_year"),
        ("-201", "", "since_year"),
        ("soon", "", "since_year"),
        ("", "3", "since_year"),
        ("2019", "13", "since_month"),
        ("2019", "03", "since_month"),
        ("2026", "12", "since_future"),
        ("9999", "", "since_future"),
    ],
)
def test_since_when_is_read_as_people_type_it(year: str, month: str, told: object) -> None:
    try:
        assert shops.since(year, month, MONDAY.date()) == told
    except Refused as refused:
        assert refused.code == told


def test_a_story_keeps_its_paragraphs_and_has_an_end() -> None:
    face = shops.check_face(
        Face("青瓷", "qing", story=" 我叫\t小满。\r\n\r\n\u202e坯自己拉。\n"), 1
    )
    assert face.story == "我叫 小满。\n坯自己拉。"
    with pytest.raises(Refused, match="shop_story_length"):
        shops.check_face(Face("青瓷", "qing", story="字" * 2001), 1)
