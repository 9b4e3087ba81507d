"""Reviews on pages: who received it says how it is, in public, and nobody takes that back."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator

import httpx
import pytest_asyncio

from littleshop import db, http
from littleshop.shop import shops
from tests.web.back_room import BackRoom, shown
from tests.web.buyers_phone import Wanting
from tests.web.client import World, chosen, photo, says


@pytest_asyncio.fixture
async def wanting(world: World, client: httpx.AsyncClient) -> AsyncIterator[Wanting]:
    room = BackRoom(world, client)
    await room.open()
    made = Wanting(room, world.browser())
    await made.buys()
    yield made
    await room.town.books_balance()


async def receives(wanting: Wanting) -> None:
    wanting.room.town.at = wanting.room.world.at
    await wanting.room.town.receives(wanting.placed)


async def say(
    wanting: Wanting, *photos: bytes, phone: httpx.AsyncClient | None = None, **typed: str
) -> httpx.Response:
    form = {"stars": "2", "words": "口沿磕了个小口。"} | typed
    return await (phone or wanting.phone).post(
        f"{wanting.order}/reviews/1", data=form, files=chosen(*photos)
    )


async def product_page(wanting: Wanting, locale: str = "en") -> httpx.Response:
    house = wanting.room.world.house
    async with house.database.connection() as conn:
        product_id = await conn.fetchval("select product_id from order_items")
    browser = wanting.room.world.browser(locale)
    return await browser.get(f"/@xiaoman/p/{product_id}")


async def version(wanting: Wanting) -> int:
    async with wanting.room.world.house.database.connection() as conn:
        return (await shops.get(conn, wanting.room.town.shop_id)).version


async def test_only_who_received_it_says_how_it_is(wanting: Wanting) -> None:
    assert "How is it?" not in shown(await wanting.page())  # it is on its way
    assert (await say(wanting)).status_code == 409
    await receives(wanting)
    assert "How is it?" in shown(await wanting.page())
    friend = wanting.room.world.browser()
    assert "How is it?" not in shown(await friend.get(wanting.order))
    assert (await friend.get(f"{wanting.order}/reviews/1")).status_code == 303
    assert (await say(wanting, phone=friend)).status_code == 409
    assert (await wanting.phone.get(f"{wanting.order}/reviews/2")).status_code == 404
    for wrong, code, facts in (
        ({"stars": ""}, "review_stars", {}),
        ({"stars": "6"}, "review_stars", {}),
        ({"words": "长" * 1001}, "review_words", {"have": 1001, "most": 1000}),
    ):
        answer = await say(wanting, **wrong)  # type: ignore[arg-type]
        assert answer.status_code == 422 and says(answer, "en", code, **facts)
    answer = await say(wanting, *[photo(colour=f"#0000{n}0") for n in range(5)])
    assert answer.status_code == 422 and says(answer, "en", "review_photos", most=4)
    assert answer.text.count('name="photo_kept"') == 4  # none has to be chosen again
    assert "口沿" not in (await product_page(wanting)).text


async def test_bad_news_stands_in_public_with_its_photo_and_the_name_masked(
    wanting: Wanting,
) -> None:
    await receives(wanting)
    before = await version(wanting)
    assert (await say(wanting, photo())).status_code == 303
    assert await version(wanting) == before + 1
    assert (await say(wanting, words="口沿磕了个小口，<b>")).status_code == 303
    page = await product_page(wanting)
    assert "陈**" in page.text and "婉婷" not in page.text and "&lt;b&gt;" in page.text
    facts = json.loads(page.text.split('ld+json">')[1].split("</script>")[0])
    assert facts["aggregateRating"]["ratingValue"] == "2.0"
    assert facts["aggregateRating"]["reviewCount"] == 1
    listed = await wanting.phone.get(re.findall(r'href="([^"]+/reviews)"', page.text)[0])
    assert "Changed later by its writer" in shown(listed)
    form = await wanting.page("/reviews/1")
    assert 'value="2" checked' in form.text and "photo_kept" not in form.text  # taken out above
    wanting.room.world.later(days=31)
    late = await say(wanting, stars="5")
    assert late.status_code == 422 and says(late, "en", "review_late")
    assert "The 30 days are over" in shown(await wanting.page("/reviews/1"))


async def test_saying_the_same_twice_says_it_once_and_moves_no_page(wanting: Wanting) -> None:
    await receives(wanting)
    await say(wanting)
    before = await version(wanting)
    await say(wanting)
    assert await version(wanting) == before
    assert "Changed later" not in shown(await product_page(wanting))


async def test_the_seller_answers_once_and_has_nothing_to_delete_with(wanting: Wanting) -> None:
    await receives(wanting)
    await say(wanting, photo())
    room = wanting.room
    assert "1 waits for your answer" in shown(await room.get("/people"))
    page = await room.get("/reviews?only=unanswered")
    assert "陈**" in page.text and "delet" not in page.text.replace("Nothing can be deleted", "")
    [where] = re.findall(r'action="([^"]+/answer)"', page.text)
    empty = await room.client.post(where, data={"words": " "})
    assert empty.status_code == 422 and says(empty, "en", "answer_empty")
    said = await room.client.post(where, data={"words": "补寄了一只，今天发。"})
    assert "Answered" in shown(await room.follow(said))
    again = await room.client.post(where, data={"words": "我没说过"})
    assert again.status_code == 422 and says(again, "en", "answer_once")
    assert "补寄了一只" in shown(await product_page(wanting))
    assert "补寄了一只" in shown(await wanting.page("/reviews/1"))
    stranger = await room.world.browser().post(where, data={"words": "x"})
    assert "sign-in" in stranger.headers["location"]


async def test_who_works_in_the_shop_does_not_judge_it(wanting: Wanting) -> None:
    await receives(wanting)
    room = wanting.room
    async with room.world.house.database.connection() as conn:
        await conn.execute(
            "update people set phone_index = (select phone_index from orders limit 1)"
            " where person_id in (select person_id from staff)"
        )
    answer = await say(wanting, stars="5")
    assert answer.status_code == 422 and says(answer, "en", "review_own")
    assert "aggregateRating" not in (await product_page(wanting)).text


async def test_a_session_of_the_shop_writes_no_review_whatever_device_it_is_on(
    wanting: Wanting, owner: db.Connection
) -> None:
    await receives(wanting)
    room = wanting.room
    session = room.client.cookies[http.SESSION]
    for role in ("owner", "packer"):
        await owner.execute("update staff set role = $1", role)
        wanting.phone.cookies.set(http.SESSION, session)  # signed in on the buyer's own device
        answer = await say(wanting, stars="5")
        assert answer.status_code == 422 and says(answer, "en", "review_own")
        own_desk = await say(wanting, stars="5", phone=room.client)  # only looks by the link
        assert own_desk.status_code in (404, 409, 422)
        wanting.phone.cookies.delete(http.SESSION)
    assert "aggregateRating" not in (await product_page(wanting)).text
    assert (await say(wanting, stars="5")).status_code == 303  # signed out he may


async def test_a_review_says_what_was_done_about_it(wanting: Wanting) -> None:
    await wanting.asks("refund", "damaged", amount="168.00")
    await wanting.seller("agreement")
    await wanting.rail_sends_back()
    assert "How is it?" in shown(await wanting.page())  # all of it went back after it was sent
    await say(wanting, photo())
    assert "小满茶器 gave money back" in shown(await product_page(wanting))
    assert "小满茶器退了钱" in shown(await product_page(wanting, "zh-CN"))
