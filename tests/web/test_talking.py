"""Talking with a seller, through the pages of both: who may read, what is told, what is refused."""

from __future__ import annotations

import asyncio
import re

import httpx
import pytest
import pytest_asyncio

from littleshop.notify.live import RELOAD, Event, Hub
from littleshop.sale import talking, ticking
from littleshop.web import talk_live
from tests.web import test_gifts
from tests.web.back_room import BackRoom, shown
from tests.web.client import SELLER, World, chosen, hidden, photo, says
from tests.web.market import Market
from tests.web.test_pay_letters import arrives, gives, sends

EVIL = "<img src=x onerror=alert(1)>\u202e\x00 https://evil.example"


@pytest_asyncio.fixture
async def room(world: World, client: httpx.AsyncClient) -> BackRoom:
    """林小满 at her desk."""
    made = BackRoom(world, client)
    await made.open()
    return made


async def begins(
    person: httpx.AsyncClient, place: str, words: str = "有现货吗？", *photos: bytes, **typed: str
) -> httpx.Response:
    """The first remark, on the form behind a chat button."""
    page = await person.get(place)
    assert page.status_code == 200, page.text[:500]
    form = {"words": words, "form_key": hidden(page, "form_key")} | typed
    return await person.post(place, data=form, files=chosen(*photos, name="photo") or None)


async def says_more(person: httpx.AsyncClient, talk: str, words: str) -> httpx.Response:
    page = await person.get(talk)
    form = {"words": words, "form_key": hidden(page, "form_key")}
    return await person.post(f"{talk}/remarks", data=form)


async def desk(room: BackRoom, only: str = "") -> str:
    """The console's address of the newest conversation."""
    page = (await room.get(f"/conversations{only}")).text
    found = re.search(rf'href="{room.root}(/conversations/[0-9a-f-]{{36}})"', page)
    assert found is not None, page
    return found[1]


async def leaves_phone(room: BackRoom, person: httpx.AsyncClient, talk: str) -> None:
    """By a code, as a phone is left."""
    asked = await person.post(f"{talk}/phone", data={"phone": "13800002046"})
    assert asked.status_code == 200
    await room.world.work()
    wrong = {"phone": "13800002046", "digits": "000000"}
    assert (await person.post(f"{talk}/phone", data=wrong)).status_code == 422
    right = wrong | {"digits": room.world.code()}
    assert (await person.post(f"{talk}/phone", data=right)).status_code == 303


def texts(room: BackRoom, talk: str) -> int:
    """How many texts led to this conversation."""
    return sum(talk.removeprefix("/c/") in told for _, told in room.world.inbox)


async def test_a_question_on_a_thing_is_answered_and_the_phone_hears_once_a_stretch(
    room: BackRoom,
) -> None:
    product = await room.world.add_product(room.client, room.town.shop_id)
    place, person = f"/@xiaoman/p/{product}", room.world.browser()
    assert f'href="{place}/conversation"' in (await person.get(place)).text
    went = await begins(person, f"{place}/conversation", "有现货吗？", photo(), name="阿婷")
    assert went.status_code == 303, shown(went)[:600]
    talk = went.headers["location"]
    assert (await person.get(f"{place}/conversation")).headers["location"] == talk
    today = shown(await room.get())
    assert "1 conversation with something new" in today
    here = await desk(room, "?only=unread")
    page = await room.get(here)
    assert "有现货吗？" in page.text and "青灰釉盖碗" in page.text and "阿婷" in page.text
    assert "conversation with something new" not in shown(await room.get())  # it was read
    picture = re.search(rf'src="({room.root}{here}/photos/1)"', page.text)
    assert picture is not None and (await room.client.get(picture[1])).status_code == 200
    for nobody in (room.world.browser(), room.world.browser()):
        assert (await nobody.get(picture[1])).status_code == 303  # to sign in
        assert (await nobody.get(f"{talk}/photos/1")).status_code == 404
    key = hidden(page, "form_key")
    for _ in range(2):  # a double press
        await room.post(f"{here}/remarks", words="有的，明天发", form_key=key)
    await room.world.work()
    assert texts(room, talk) == 0  # no phone was left: the answer waits
    mine = await person.get(f"{place}/mine")
    assert "1 new" in mine.text
    answered = await person.get(talk)
    assert answered.text.count("有的，明天发") == 1
    assert "new" not in shown(await person.get(f"{place}/mine"))
    assert "seen" in shown(await room.get(here))
    await leaves_phone(room, person, talk)
    for words in ("两只都有", "包邮"):
        await room.post(f"{here}/remarks", words=words, form_key=hidden(
            await room.get(here), "form_key"))  # fmt: skip
        await room.world.work()
        room.world.later(minutes=90)
    assert texts(room, talk) == 1
    assert (await says_more(person, talk, "要两只")).status_code == 303
    await room.post(f"{here}/remarks", words="好", form_key=hidden(
        await room.get(here), "form_key"))  # fmt: skip
    await room.world.work()
    assert texts(room, talk) == 2
    await comes_in(room, talk)


async def comes_in(room: BackRoom, talk: str) -> None:
    """Another device of his, by a code to the phone that he left."""
    strange = room.world.browser()
    shut = await strange.get(talk)
    assert "有现货吗" not in shut.text and not re.search(r"138|2046", shut.text)
    key = hidden(shut, "form_key")
    assert (await strange.post(f"{talk}/code", data={"form_key": key})).status_code == 200
    await room.world.work()
    code = {"form_key": key, "digits": room.world.code()}
    assert (await strange.post(f"{talk}/code", data=code)).status_code == 303
    assert "要两只" in (await strange.get(talk)).text


async def test_an_offer_from_the_thread_stands_in_it(room: BackRoom) -> None:
    person = room.world.browser()
    talk = (await begins(person, "/@xiaoman/conversation", "能刻字吗")).headers["location"]
    here = await desk(room)
    new = await room.get(f"/collect/new?wish={here.rpartition('/')[2]}")
    await room.post(
        "/collect", kind="goods", form_key=hidden(new, "form_key"), wish=hidden(new, "wish"),
        then="send", hours="24", uses="1", to_name="", shipping="0",
        **{"own-0-title": "刻字盖碗", "own-0-price": "200"},
    )  # fmt: skip
    letter = re.search(r'href="(/i/[^"]+)"', (await person.get(talk)).text)
    assert letter is not None
    assert talk in (await person.get(letter[1])).text
    assert talk not in (await room.world.browser().get(letter[1])).text
    assert "/collect/" in (await room.get(here)).text


async def test_of_an_order_each_role_reads_its_own_and_a_forwarded_link_reads_none(
    market: Market,
) -> None:
    sent = await sends(market, "pay_for_me")
    payer, stranger = market.world.browser("zh-CN"), market.world.browser("en")
    await arrives(market, await gives(payer, sent), "168.00")
    place = f"{sent.order}/conversation"
    went = await begins(market.buyer, place, "请包结实些", photo())
    talk = went.headers["location"]
    assert "请包结实些" in (await market.buyer.get(talk)).text
    assert (await market.buyer.get(place)).headers["location"] == talk
    for client in (payer, stranger):
        for path in (place, f"{sent.letter}/conversation"):
            assert (await client.get(path)).status_code in (404, 409), path
            told = await client.post(path, data={"words": "x"})
            assert told.status_code in (404, 409), path
        for part in ("", "/thread", "/live", "/photos/1"):
            answer = await client.get(f"{talk}{part}")
            assert answer.status_code == (200 if not part else 404), part
            assert "请包结实些" not in answer.text and "1001" not in answer.text
        for part in ("/remarks", "/phone"):  # /code writes to the phone of who ordered
            answer = await client.post(f"{talk}{part}", data={"words": "x"})
            assert answer.status_code == 404, part
    seller = await market.seller.get(f"/console/{market.shop_id}/conversations")
    assert "请包结实些" in seller.text and "1001" in seller.text
    here = re.search(rf"/console/{market.shop_id}(/conversations/[0-9a-f-]{{36}})", seller.text)
    assert here is not None
    other = market.world.browser()
    shop_id = await market.world.open_shop(other, "别家的店", "bieja", "139 0000 1002")
    for part in ("", "/thread", "/live", "/photos/1"):
        assert (await other.get(f"/console/{shop_id}{here[1]}{part}")).status_code == 404, part
        assert (await other.get(f"/console/{market.shop_id}{here[1]}{part}")).status_code == 404
    for part in ("/remarks", "/block", "/unblock"):
        path = f"/console/{shop_id}{here[1]}{part}"
        assert (await other.post(path, data={"words": "x"})).status_code == 404, part
    await market.books_balance()


async def test_a_seller_writes_first_on_an_order_and_knows_who_answers(room: BackRoom) -> None:
    await room.sells()
    page = await room.get("/orders/1001")
    assert "Write to 陈婉婷" in shown(page)
    write = {"words": "红色没有了，青色行吗", "role": "chooser", "form_key": hidden(
        page, "form_key")}  # fmt: skip
    empty = await room.post("/orders/1001/conversation", **(write | {"words": " "}))
    assert says(empty, "en", "talk_empty")
    for bad in ("payer", "recipient", ""):
        wrong = await room.post("/orders/1001/conversation", **(write | {"role": bad}))
        assert wrong.status_code == 404, bad
    for _ in range(2):  # a double press
        went = await room.post("/orders/1001/conversation", **write)
    here = went.headers["location"].removeprefix(room.root).partition("#")[0]
    await room.world.work()
    talk = [told for to, told in room.world.inbox if '"talk"' in told and to.endswith("2046")]
    assert len(talk) == 1  # she paid, so it is her phone
    assert "陈婉婷" in shown(await room.get(here))
    assert "陈婉婷" in shown(await room.get("/conversations"))
    assert "红色没有了" in shown(await room.get("/orders/1001"))
    assert "Write to 陈婉婷" not in shown(await room.get("/orders/1001"))


async def test_a_seller_without_notifications_hears_by_text_once_a_stretch(room: BackRoom) -> None:
    product = await room.world.add_product(room.client, room.town.shop_id)
    person, seller = room.world.browser(), SELLER.replace(" ", "")
    talk = (await begins(person, f"/@xiaoman/p/{product}/conversation")).headers["location"]

    async def heard() -> int:
        await room.world.work()
        mine = [told for to, told in room.world.inbox if to.endswith(seller)]
        return sum('"code"' not in told for told in mine)

    async def after(minutes: int) -> int:
        room.world.later(minutes=minutes)
        while await ticking.sweep(room.world.house.database, room.world.at):
            pass
        return await heard()

    assert await heard() == 1
    await says_more(person, talk, "在吗")
    here = await desk(room)
    page = await room.get(here)  # reading is no answer
    await says_more(person, talk, "？")
    assert await heard() == 1
    await room.post(f"{here}/remarks", words="在", form_key=hidden(page, "form_key"))
    await says_more(person, talk, "要一只")
    assert await heard() == 1  # a phone rings once in ten minutes
    assert await after(10) == 2
    letter = await room.get(f"/collect/new?wish={here.rpartition('/')[2]}")
    assert re.search(r'name="q-[0-9a-f-]{36}"[^>]*value="1"', letter.text)  # the thing asked about
    for _ in range(30):
        await begins(room.world.browser(), "/@xiaoman/conversation", "hi")
    assert await heard() == 2
    assert await after(10) == 3  # a flood of strangers is one sentence


async def test_giver_and_recipient_of_a_gift_talk_apart(market: Market) -> None:
    given = await test_gifts.gives(market)
    assert (await given.claims()).status_code == 303
    his = await begins(given.recipient, f"{given.recipients}/conversation", "我周末不在家")
    hers = await begins(market.buyer, f"{given.givers}/conversation", "别放发票")
    his_talk, her_talk = his.headers["location"], hers.headers["location"]
    assert his_talk != her_talk
    assert "周末" not in (await market.buyer.get(his_talk)).text
    assert "发票" not in (await given.recipient.get(her_talk)).text
    page = (await given.recipient.get(his_talk)).text
    assert not test_gifts.AMOUNT.search(page)


async def test_what_nobody_may_say_is_refused_and_kept_in_the_form(room: BackRoom) -> None:
    person, place = room.world.browser(), "/@xiaoman/conversation"
    assert says(await begins(person, place, " \u200b\n "), "en", "talk_empty")
    long = await begins(person, place, "长" * 2001)
    assert long.status_code == 422 and says(long, "en", "talk_long", most=2000, have=2001)
    assert "长" * 2001 in long.text
    bad = await begins(person, place, "看", b"GIF89a not a picture")
    assert bad.status_code == 422 and "看" in bad.text
    talk = (await begins(person, place, EVIL, name=EVIL)).headers["location"]
    here = await desk(room)
    for page in (await person.get(talk), await room.get(here), await room.get("/conversations")):
        assert "<img src=x" not in page.text and "\x00" not in page.text
        assert 'href="https://evil.example' not in page.text
    assert says(await says_more(person, talk, "x" * 2001), "en", "talk_long", most=2000, have=2001)
    flood = [await says_more(person, talk, f"{at}") for at in range(60)]
    assert flood[0].status_code == 303 and flood[-1].status_code == 422
    fresh = 0
    for _ in range(40):  # cookies thrown away
        fresh += (await begins(room.world.browser(), place, "hi")).status_code == 303
    assert fresh <= 30


async def test_who_is_blocked_hears_it_politely_and_a_closed_shop_hears_nothing(
    room: BackRoom,
) -> None:
    person, other, place = room.world.browser(), room.world.browser(), "/@xiaoman/conversation"
    talk = (await begins(person, place)).headers["location"]
    here = await desk(room)
    report = re.search(r'href="(/report\?[^"]+)"', (await person.get(talk)).text)
    assert report is not None
    assert (await room.world.browser().get(report[1])).status_code == 200
    await room.follow(await room.post(f"{here}/block"))
    assert says(await says_more(person, talk, "在吗"), "en", "talk_blocked")
    assert (await begins(other, place)).status_code == 303
    await room.post(f"{here}/unblock")
    assert (await says_more(person, talk, "在吗")).status_code == 303
    async with room.world.house.database.connection() as conn:
        await conn.execute("update shops set status = 'closed' where shop_id = $1",
                           room.town.shop_id)  # fmt: skip
    assert says(await person.get(talk), "en", "talk_closed")
    answer = await person.post(f"{talk}/remarks", data={"words": "?"})
    assert says(answer, "en", "talk_closed")


async def test_a_thing_that_is_gone_keeps_its_conversation_and_begins_none(room: BackRoom) -> None:
    product = await room.world.add_product(room.client, room.town.shop_id)
    person, place = room.world.browser(), f"/@xiaoman/p/{product}/conversation"
    talk = (await begins(person, place)).headers["location"]
    async with room.world.house.database.connection() as conn:
        await conn.execute("update products set status = 'hidden' where shop_id = $1",
                           room.town.shop_id)  # fmt: skip
    assert "not sold any more" in shown(await person.get(talk))
    assert "not sold any more" in shown(await room.get(await desk(room)))
    assert (await says_more(person, talk, "真的没有了？")).status_code == 303
    stranger = room.world.browser()
    assert (await stranger.get(place)).status_code == 404
    blind = await stranger.post(place, data={"words": "", "form_key": "x"})
    assert blind.status_code == 404 and "青灰釉盖碗" not in blind.text


async def test_a_shop_keeps_what_it_says_often(room: BackRoom) -> None:
    await begins(room.world.browser(), "/@xiaoman/conversation")
    await room.post("/conversations/answers", words="明天发货", form_key="not a key")
    here = await desk(room)
    pill = re.search(r'href="[^"]*(\?say=[0-9a-f-]{36})#', (await room.get(here)).text)
    assert pill is not None
    assert ">明天发货</textarea>" in (await room.get(f"{here}{pill[1]}")).text
    for at in range(20):
        last = await room.post("/conversations/answers", words=f"{at}", form_key="")
    assert last.status_code == 422 and says(last, "en", "quick_full", most=20)
    drop = f"/conversations/answers/{pill[1].removeprefix('?say=')}/removal"
    assert (await room.post(drop)).status_code == (await room.post(drop)).status_code == 303


async def test_open_pages_hear_of_their_own_conversation_only_and_are_bounded() -> None:
    hub, yes = Hub("", heartbeat_seconds=60), True

    async def still() -> bool:
        return yes

    told = talk_live.hints(hub, 7, "one", still)
    assert (await anext(told)).startswith("retry: ")
    waits = asyncio.ensure_future(anext(told))
    await asyncio.sleep(0)
    (page,) = hub._pages[7]
    for event in (Event("order_paid", "1001"), Event(talking.HINT, "two")):
        page.put(event)
    page.put(Event(talking.HINT, "one"))
    assert "event: talk" in await asyncio.wait_for(waits, 5)
    yes = False  # no longer his
    page.put(RELOAD)
    with pytest.raises(StopAsyncIteration):
        await asyncio.wait_for(anext(told), 5)
    assert hub.open_pages == 0
    listeners = talk_live.Listeners()
    places = [listeners.place(b"one") for _ in range(talk_live.MOST_OF_DEVICE)]
    for place in places:
        place.__enter__()
    assert listeners.is_full(b"one") and not listeners.is_full(b"two")
    places[0].__exit__(None, None, None)
    assert not listeners.is_full(b"one")
