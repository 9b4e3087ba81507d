"""Who brought a new shopkeeper, and how the seller sees what shares and entrances brought."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from functools import partial

import httpx
import pytest

from littleshop import db
from littleshop.social import descents, shares
from littleshop.social.descents import BroughtShop
from littleshop.social.shares import Share
from tests.web.back_room import BackRoom
from tests.web.client import World, says
from tests.web.street import Street


async def came(world: World, shop_id: int) -> list[BroughtShop]:
    """The shops that this one brought, once the worker has heard of them."""
    await world.work()
    async with world.house.database.connection() as conn:
        return await descents.brought_shops(conn, shop_id, world.at - timedelta(days=1), most=9)


async def visitors_share(street: Street, browser: httpx.AsyncClient) -> str:
    """The code of a share that this browser's device makes."""
    page = await browser.get("/@xiaoman/shares")
    found = re.search(r'data-link="[^"]*/s/([^"]+)"', page.text)
    assert found is not None
    return found[1]


async def test_a_brought_shopkeeper_is_credited_to_the_shop_the_share_and_the_sharer(
    street: Street,
) -> None:
    world, product_id = street.world, await street.sells()
    sharer, friend = street.stranger(), street.stranger()
    code = await visitors_share(street, sharer)
    await friend.get(f"/s/{code}")
    await friend.get(f"/@xiaoman/p/{product_id}")  # looked on; the button knows no share here
    opened = await world.open_shop(
        friend, "阿蓝的布", "alan", "139 0000 1003",
        brought_by=f"?from=xiaoman&product={product_id}",
    )  # fmt: skip
    [row] = await came(world, street.shop_id)
    assert (row.brought_shop_id, row.code, row.product_id) == (opened, code, product_id)
    async with street.database.connection() as conn:
        made = await shares.get(conn, code)
    assert row.device == made.device is not None

    by = f"?from=xiaoman&share={code}"
    own = await world.open_shop(sharer, "我自己的店", "own-one", "139 0000 1004", brought_by=by)
    rows = {each.brought_shop_id: each for each in await came(world, street.shop_id)}
    assert rows[own].code is None and rows[own].device is None  # by himself, not by his share
    assert len(rows) == 2


async def test_who_works_in_a_shop_brings_nobody_by_opening_another(
    world: World, client: httpx.AsyncClient
) -> None:
    first = await world.open_shop(client)
    await client.get("/open?from=xiaoman")
    answer = await client.post("/open/shop", data={"name": "第二家", "slug": "second-one"})
    assert answer.status_code == 303
    assert await came(world, first) == []


async def test_who_was_brought_goes_straight_to_the_first_thing_and_shares_it(
    street: Street,
) -> None:
    world, friend = street.world, street.stranger()
    shop_id = await world.open_shop(
        friend, "阿蓝的布", "alan", "139 0000 1003", brought_by="?from=xiaoman"
    )
    page = await friend.get(f"/console/{shop_id}/goods/new?first=1")
    assert 'name="first" value="1"' in page.text and f"/console/{shop_id}/opened" in page.text
    answer = await friend.post(
        f"/console/{shop_id}/goods/new",
        data={"title": "蓝染方巾", "price": "88", "stock": "1", "then": "sale", "first": "1"},
    )
    shared = await friend.get(answer.headers["location"])
    assert shared.status_code == 200 and "「蓝染方巾」上架了" in shared.text
    assert len(re.findall(r"/s/[0-9a-v]+-[2-9a-z]{6}\"", shared.text)) >= 2
    assert (await friend.get(f"/console/{shop_id}/opened?product=../..")).status_code == 404


async def _line(room: BackRoom) -> tuple[Share, Share]:
    """A named share, and a visitor's that came of it."""
    shop_id, at = room.town.shop_id, room.world.at

    async def work(conn: db.Connection) -> tuple[Share, Share]:
        known = await shares.named(conn, shop_id)
        own = next(each for each in known if each.label == "market")
        made = await shares.make(
            conn, shop_id, product_id=None, channel="qq", device=b"v" * 32, at=at
        )
        await descents.note(conn, shop_id, [made.code], own.code, at)
        return own, made

    return await room.world.house.database.transaction(work)


async def test_the_seller_sees_shares_channels_sharers_and_who_brought_whom(
    room: BackRoom,
) -> None:
    await room.post("/shares", name="market")
    own, visitors = await _line(room)
    await room.sells(share_code=own.code, device=b"1" * 32)
    await room.sells(share_code=visitors.code, device=b"2" * 32)
    page = await room.get("/shares")
    assert "In 90 days shares brought 0 visitors, 2 orders and ¥336.00" in said(page)
    for by, words in {
        "share": ("market", "Visitor "),
        "channel": ("Link", "QQ"),
        "sharer": ("Shared by you", "Visitor "),
        "tree": ("market", "Visitor ", "With all below it: 0 visitors, 2 orders kept, ¥336.00"),
    }.items():
        page = await room.get(f"/shares?by={by}")
        assert all(word in said(page) for word in words), by
        answer = await room.get(f"/shares.csv?by={by}")
        rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert [row[4:9] for row in rows[1:]] == [["1", "1", "1", "168.00", "168.00"]] * 2, by
    await room.town.books_balance()


async def test_the_name_in_a_link_for_one_friend_stays_between_the_two(room: BackRoom) -> None:
    async def work(conn: db.Connection) -> list[Share]:
        of_shop = partial(shares.make_personal, conn, room.town.shop_id, product_id=None)
        return [
            await of_shop(friend="婉婷", sender="阿福", device=sign * 32, at=room.world.at)
            for sign in (b"f", b"g")
        ]

    for sent in await room.world.house.database.transaction(work):
        await room.sells(share_code=sent.code, device=b"1" * 32)
    for by in ("share", "channel", "sharer", "tree"):
        page = await room.get(f"/shares?by={by}")
        table = await room.get(f"/shares.csv?by={by}")
        for words in (page.text, table.content.decode("utf-8-sig")):
            assert "阿福" not in words and "婉婷" not in words, by
        if by == "sharer":  # who they are nobody knows; that they are two is seen
            assert len(set(re.findall(r"Visitor [0-9A-F]{4}", said(page)))) == 2
    await room.town.books_balance()


def said(page: httpx.Response) -> str:
    """The words of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text)).replace(" ,", ",")


async def test_an_entrance_is_made_printed_and_told_apart_from_shares(room: BackRoom) -> None:
    answer = await room.post("/entrances", kind="counter", name="")
    assert answer.status_code == 422 and says(answer, "en", "entrance_name_missing")
    made = await room.post("/entrances", kind="counter", name="till <b>")
    page = await room.follow(made)
    assert "till &lt;b&gt;" in page.text and "<svg" in page.text
    code = made.headers["location"].rpartition("/")[2]
    assert f"/in/{code}" in page.text
    await room.sells(share_code=code)
    page = await room.get("/entrances")
    assert "till &lt;b&gt;" in page.text and "168" in page.text
    assert "till" not in (await room.get("/shares")).text
    rows = list(csv.reader(io.StringIO((await room.get("/entrances.csv")).text)))
    assert rows[1][:2] == ["till <b>", "Code on the counter"]
    assert (await room.client.get(f"{room.root}/entrances/{code}x")).status_code == 404


@pytest.fixture
async def room(world: World, client: httpx.AsyncClient) -> BackRoom:
    """林小满's back room."""
    made = BackRoom(world, client)
    await made.open()
    return made
