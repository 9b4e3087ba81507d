"""To which share or entrance an order is credited, and who brought whom."""

from __future__ import annotations

from datetime import timedelta

import pytest

from littleshop import db
from littleshop.errors import Refused
from littleshop.shop import shops
from littleshop.social import credits, descents, entrances, shares
from littleshop.social.credits import Buyer
from littleshop.social.entrances import Entrance
from littleshop.social.shares import Share, Touched
from littleshop.web import touches
from tests.cast import WANTING, Town
from tests.web.street import BAIDUSPIDER, Street

STRANGER = b"a stranger's phone".ljust(32)


async def shared(town: Town, device: bytes, by: str | None = None, channel: str = "link") -> Share:
    """A visitor's share, made after he had come by `by`; a minute passes."""

    async def work(conn: db.Connection) -> Share:
        share = await shares.make(
            conn, town.shop_id, product_id=None, channel=channel, device=device, at=town.at
        )
        if by is not None:
            await descents.note(conn, town.shop_id, [share.code], by, town.at)
        return share

    share = await town.database.transaction(work)
    town.later(minutes=1)
    return share


async def friendly(town: Town, device: bytes) -> Share:
    """A link for one friend."""
    return await town.database.transaction(
        lambda conn: shares.make_personal(
            conn, town.shop_id, product_id=None, friend="小雨", sender="", device=device, at=town.at
        )
    )


async def entrance(town: Town, shop_id: int | None = None, name: str = "收银台") -> Entrance:
    """A code on the counter."""
    return await town.database.transaction(
        lambda conn: entrances.make(
            conn, town.shop_id if shop_id is None else shop_id, kind="counter", name=name,
            person_id=town.person_id, at=town.at,  # type: ignore[arg-type]
        )
    )  # fmt: skip


async def credited(
    town: Town, *codes: str, device: bytes = STRANGER, phone: str = WANTING.phone
) -> str | None:
    """To which of these touches an order placed now is credited."""
    at = town.at - timedelta(hours=1)
    buyer = Buyer(device, town.keyring.index(phone))
    async with town.database.connection() as conn:
        return await credits.credit(
            conn, town.shop_id, [Touched(code, at) for code in codes], buyer, town.at
        )


async def test_the_last_touch_counts_but_a_link_for_a_friend_comes_before_open_ones(
    street: Street,
) -> None:
    personal, group = await friendly(street, b"f" * 32), await shared(street, b"g" * 32)
    counter, someone = await entrance(street), street.stranger()
    found = []
    for path in (
        f"/s/{group.code}",
        f"/in/{counter.code}",
        f"/s/{personal.code}",
        f"/s/{group.code}",
    ):
        assert (await someone.get(path)).status_code == 200
        header = "; ".join(f"{name}={value}" for name, value in someone.cookies.items())
        remembered = touches.remembered(header, street.shop_id)
        found.append(await credited(street, *(each.code for each in remembered)))
        if path == f"/s/{personal.code}":  # who sent it to himself is credited for nothing
            codes = [each.code for each in remembered]
            assert await credited(street, *codes, device=b"f" * 32) == counter.code
    assert found == [group.code, counter.code, personal.code, personal.code]


async def test_who_stands_anywhere_above_a_share_buys_for_himself(town: Town) -> None:
    ada, ben, cleo = b"a" * 32, b"b" * 32, b"c" * 32
    first = await shared(town, ada)
    second = await shared(town, ben, by=first.code)
    third = await shared(town, cleo, by=second.code)
    assert await credited(town, third.code) == third.code
    for device in (ada, ben, cleo):
        assert await credited(town, third.code, device=device) is None
    assert await credited(town, first.code, device=cleo) == first.code


async def test_nobody_comes_of_himself_and_what_was_there_before_stays(town: Town) -> None:
    ada, ben = b"a" * 32, b"b" * 32
    first = await shared(town, ada)
    second = await shared(town, ben, by=first.code)
    around = await shared(town, ada, by=second.code, channel="qr")  # a circle
    again = await shared(town, ada, by=second.code)  # the share he had
    foreign = await shared(town, b"z" * 32, by="7-abcdef")  # no share of this shop
    async with town.database.connection() as conn:
        known = await descents.of_shop(conn, town.shop_id, most=9)
    assert [(each.code, each.parent_code) for each in known] == [(second.code, first.code)]
    assert again.code == first.code and around.code != foreign.code


async def test_an_entrance_counts_people_and_neither_robots_nor_what_is_fetched_ahead(
    street: Street,
) -> None:
    counter = await entrance(street)
    path = f"/in/{counter.code}"
    page = await street.stranger().get(path)
    assert page.status_code == 200 and "小满茶器" in page.text
    assert '<link rel="canonical" href="http://shop.test/@xiaoman">' in page.text
    await street.stranger(agent=BAIDUSPIDER).get(path)
    await street.stranger(agent="facebookexternalhit/1.1").get(path)
    await street.stranger().get(path, headers={"sec-purpose": "prefetch"})
    await street.stranger().head(path)
    assert (await street.counted())["share", counter.code] == (1, 1)
    assert await street.status(street.stranger(), f"/in/{counter.code[:-1]}2") == 404
    assert await credited(street, counter.code) == counter.code
    assert await credited(street, counter.code, phone="+8613900001001") is None  # she works here


async def test_the_platforms_own_entrance_leads_home_and_is_counted(street: Street) -> None:
    wallet = await entrance(street, shops.PLATFORM)
    for agent in ("Mozilla/5.0 (iPhone) Mobile", BAIDUSPIDER):
        answer = await street.stranger(agent=agent).get(f"/in/{wallet.code}")
        assert (answer.status_code, answer.headers["location"]) == (303, "/my")
    await street.counter.flush()
    async with street.database.connection() as conn:
        [row] = await conn.fetch("select * from visits where kind = 'share'")
    assert (row["shop_id"], row["subject"], row["views"]) == (0, wallet.code, 1)


async def test_an_entrance_has_a_name_and_is_made_once(town: Town) -> None:
    made = await entrance(town)
    assert entrances.is_code(made.code) and (await entrance(town)).code == made.code
    for name, why in (("", "entrance_name_missing"), ("长" * 31, "entrance_name_length")):
        with pytest.raises(Refused, match=why):
            await entrance(town, name=name)
