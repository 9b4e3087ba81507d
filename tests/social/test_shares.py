"""Shares: links with a code of their own, and which of them an order is credited to."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

import httpx
import pytest

from littleshop import clock, db, ids
from littleshop.catalog import products
from littleshop.errors import Refused
from littleshop.identity import people, phones
from littleshop.insights import comers, sales
from littleshop.pricing.quotes import Item
from littleshop.social import shares
from littleshop.social.shares import Share, Touched
from littleshop.web import touches
from tests.cast import CNY, MORNING, WANTING, Town
from tests.web.street import BAIDUSPIDER, Street

PHONE_OF_WANTING = WANTING.phone


async def named(town: Town, label: str = "周六市集", product_id: UUID | None = None) -> Share:
    """A share that the seller made."""

    async def work(conn: db.Connection) -> Share:
        return await shares.make(
            conn,
            town.shop_id,
            product_id=product_id,
            channel="link",
            label=label,
            person_id=town.person_id,
            at=town.at,
        )

    return await town.database.transaction(work)


async def credited(
    town: Town, code: str, *, phone: str = PHONE_OF_WANTING, device: bytes = b"w" * 32, **ago: float
) -> str | None:
    """What an order by this buyer is credited to, `ago` after he touched the share."""
    touched = Touched(code, town.at - timedelta(**ago))
    async with town.database.connection() as conn:
        return await shares.credit(
            conn, town.shop_id, touched, device, town.keyring.index(phone), town.at
        )


async def test_the_sheet_gives_a_device_the_same_link_again(street: Street) -> None:
    product_id = await street.sells()
    someone = street.stranger()
    path = f"/@xiaoman/p/{product_id}/shares"
    first = await someone.get(path, headers={"hx-request": "true"})
    assert "<html" not in first.text and "<svg" in first.text
    found = re.search(r'data-link="http://shop.test(/s/[^"]+)"', first.text)
    assert found is not None
    assert found[1] in (await someone.get(path)).text
    assert found[1] not in (await street.stranger().get(path)).text
    shown = await street.stranger().get(found[1])
    assert f'<link rel="canonical" href="http://shop.test/@xiaoman/p/{product_id}">' in shown.text


async def test_a_robot_is_given_no_share(street: Street) -> None:
    page = await street.stranger(agent=BAIDUSPIDER).get("/@xiaoman/shares")
    assert "/s/" not in page.text and "set-cookie" not in page.headers
    async with street.database.connection() as conn:
        assert await db.value(conn, "select count(*) from shares") == 0


async def test_sharing_the_same_thing_without_end_is_refused(street: Street) -> None:
    someone = street.stranger()
    answers = {await street.status(someone, "/@xiaoman/shares") for _ in range(62)}
    assert answers == {200, 429}


async def test_a_share_is_the_page_itself_and_is_remembered(street: Street) -> None:
    share = await named(street)
    someone = street.stranger()
    page = await someone.get(f"/s/{share.code}?from=timeline")
    assert page.status_code == 200 and "小满茶器" in page.text
    assert f"/open?from=xiaoman&amp;share={share.code}" in page.text
    cookie = someone.cookies[touches.name(street.shop_id)]
    found = touches.last(f"{touches.name(street.shop_id)}={cookie}", street.shop_id)
    assert found is not None
    assert found == Touched(share.code, street.world.at)
    assert (await street.counted())[("share", share.code)] == (1, 1)


async def test_another_shops_share_code_is_not_found(street: Street) -> None:
    share = await named(street)
    other = await street.open_shop("Ada’s Corner", "ada-corner", "+8613900001002")
    tail = share.code.partition("-")[2]
    foreign = f"{ids.share_code(other).partition('-')[0]}-{tail}"
    assert await street.status(street.stranger(), f"/s/{foreign}") == 404
    async with street.database.connection() as conn:
        touched = Touched(share.code, street.at)
        index = street.keyring.index(PHONE_OF_WANTING)
        assert await shares.credit(conn, other, touched, None, index, street.at) is None


async def test_a_share_of_a_thing_taken_off_the_shelf_shows_the_shop(street: Street) -> None:
    product_id = await street.sells()
    share = await named(street, product_id=product_id)

    async def hide(conn: db.Connection) -> None:
        await products.set_status(conn, street.shop_id, product_id, "hidden", street.at)

    await street.database.transaction(hide)
    page = await street.stranger().get(f"/s/{share.code}")
    assert page.status_code == 200
    assert '<link rel="canonical" href="http://shop.test/@xiaoman">' in page.text


async def test_an_order_is_credited_within_seven_days_and_not_after(town: Town) -> None:
    share = await named(town)
    assert await credited(town, share.code, minutes=1) == share.code
    assert await credited(town, share.code, days=7) == share.code
    assert await credited(town, share.code, days=7, seconds=1) is None
    assert await credited(town, share.code, hours=-1) is None
    assert await credited(town, f"{share.code[:-6]}222222") is None


async def test_the_owners_and_staffs_own_orders_are_not_credited(town: Town) -> None:
    share = await named(town)
    assert await credited(town, share.code, phone="+8613900001001") is None
    async with town.database.connection() as conn:
        touched = Touched(share.code, town.at)
        index = town.keyring.index(PHONE_OF_WANTING)
        signed_in = await shares.credit(
            conn, town.shop_id, touched, None, index, town.at, town.person_id
        )
    assert signed_in is None


async def test_a_sharers_own_order_is_not_credited(town: Town) -> None:
    device, item = b"s" * 32, await town.stock()

    async def work(conn: db.Connection) -> Share:
        return await shares.make(
            conn, town.shop_id, product_id=None, channel="link", device=device, at=town.at
        )

    share = await town.database.transaction(work)
    assert await credited(town, share.code, device=device) is None
    assert await credited(town, share.code) == share.code
    await town.place([item], CNY("168.00"), device=device)  # now we know the sharer's phone
    assert await credited(town, share.code, device=b"another" * 4) is None
    assert await credited(town, share.code, phone="+8613800009999") == share.code


async def test_a_share_made_signed_in_is_not_credited_to_its_maker(town: Town) -> None:
    async def work(conn: db.Connection) -> Share:
        person = await people.meet(
            conn, town.keyring, phones.parse(PHONE_OF_WANTING), locale="zh-CN", at=town.at
        )
        return await shares.make(
            conn,
            town.shop_id,
            product_id=None,
            channel="wechat_group",
            person_id=person.person_id,
            at=town.at,
        )

    share = await town.database.transaction(work)
    assert await credited(town, share.code) is None


async def test_the_same_name_is_the_same_share_and_a_long_one_is_refused(town: Town) -> None:
    assert (await named(town, " 周六市集 ")).code == (await named(town, "周六市集")).code
    assert (await named(town, "周日市集")).code != (await named(town)).code
    with pytest.raises(Refused, match="share_label_length"):
        await named(town, "长" * 31)
    async with town.database.connection() as conn:
        assert {share.label for share in await shares.named(conn, town.shop_id)} == {
            "周六市集",
            "周日市集",
        }


async def test_the_names_of_a_personal_link_are_forgotten_a_month_after_its_end(
    town: Town,
) -> None:
    async def make(conn: db.Connection) -> Share:
        return await shares.make_personal(
            conn,
            town.shop_id,
            product_id=None,
            friend="阿婷",
            sender="小满",
            device=b"s" * 32,
            at=town.at,
        )

    made = await town.database.transaction(make)
    month = shares.PERSONAL_LIFE + shares.NAMES_KEPT
    for span, forgotten in ((month, 0), (month + timedelta(seconds=1), 1)):
        found = await town.database.transaction(
            lambda conn, span=span: shares.forget_names(conn, town.at + span)  # type: ignore[misc]
        )
        assert found == forgotten
    async with town.database.connection() as conn:
        left = await shares.get(conn, made.code)
    assert (left.friend, left.sender) == (made.code, "")
    assert (await town.database.transaction(make)).code != made.code


async def test_what_came_of_a_share_is_told(street: Street) -> None:
    share = await named(street)
    product_id = await street.sells()
    item = Item(await street.variant(product_id), 1)
    await street.stranger().get(f"/s/{share.code}")
    await street.counter.flush()
    await street.place([item], CNY("168.00"), share_code=share.code, device=b"x" * 32)
    await street.buys([item], CNY("168.00"), share_code=share.code, device=b"y" * 32)
    day = clock.local_day(street.at, "Asia/Shanghai")
    async with street.database.connection() as conn:
        reach = await sales.reach(conn, street.shop_id, "Asia/Shanghai", day, day)
        found = await comers.ways(conn, reach)
    told = [(each.way, each.label, each.orders, each.minor) for each in found]
    assert told == [("share", share.label, 1, 16800)]
    assert (await street.counted())["share", share.code] == (1, 1)


async def test_an_order_on_the_pages_is_credited_to_the_share_that_brought_it(
    street: Street,
) -> None:
    product_id = await street.sells()
    share = await named(street, product_id=product_id)
    someone = street.stranger()
    await someone.get(f"/s/{share.code}")
    assert await _remembered(street, someone) == share.code
    later = await named(street, "群里", product_id=product_id)
    await someone.get(f"/s/{later.code}")
    assert await _remembered(street, someone) == later.code  # the last touch wins


async def _remembered(street: Street, browser: httpx.AsyncClient) -> str | None:
    name = touches.name(street.shop_id)
    found = touches.last(f"a=b; {name}={browser.cookies[name]}", street.shop_id)
    assert found is not None
    return await credited(street, found.code)


@pytest.mark.parametrize("value", ["", "x", "1-abcdef", "1-abcdef.zz", "1-abcdef.999999999999"])
def test_a_bent_cookie_is_no_touch(value: str) -> None:
    assert touches.last(f"share_1={value}", 1) is None


def test_a_touch_survives_the_cookie() -> None:
    told = touches.cookie(1, "1-abcdef", MORNING, secure=True)
    assert told.endswith("; Secure") and "Max-Age=604800" in told
    assert touches.last(told.partition(";")[0], 1) == Touched("1-abcdef", MORNING)
    assert touches.last(told.partition(";")[0], 2) is None
