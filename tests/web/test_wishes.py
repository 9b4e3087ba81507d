"""Buy for me: a buyer asks, the seller answers with words or with a letter that can be paid."""

from __future__ import annotations

import re

import httpx
import pytest_asyncio

from tests.web.back_room import BackRoom, shown
from tests.web.client import World, hidden, photo, says
from tests.web.test_invitations import guest, pays, takes

ASKED = {"words": "想要一只月白的盖碗", "name": "阿婷", "phone": "13800002046", "top": "200"}


@pytest_asyncio.fixture
async def room(world: World, client: httpx.AsyncClient) -> BackRoom:
    """林小满 at her desk."""
    made = BackRoom(world, client)
    await made.open()
    return made


async def asks(person: httpx.AsyncClient, *photos: bytes, **typed: str) -> httpx.Response:
    page = await person.get("/@xiaoman/wishes")
    form = ASKED | {"form_key": hidden(page, "form_key"), "about": ""} | typed
    return await person.post(
        "/@xiaoman/wishes", data=form, files=[("photo", each) for each in photos] or None
    )


async def wish(room: BackRoom) -> str:
    """The console's address of the newest wish."""
    page = (await room.get("/wishes")).text
    found = re.search(rf'href="{room.root}(/conversations/[0-9a-f-]+)"', page)
    assert found is not None
    return found[1]


async def test_a_wish_is_talked_over_and_ends_in_a_letter_that_is_paid(room: BackRoom) -> None:
    person = guest(room)
    answer = await asks(person, photo())
    assert answer.status_code == 303, shown(answer)[:800]
    thread = answer.headers["location"]
    assert "Sent to" in shown(await person.get(thread))
    here = await wish(room)
    assert "One buyer waits for your word" in shown(await room.get("/collect"))
    assert "1 buyer waits for your word" in shown(await room.get())
    desk = await room.get(here)
    assert "想要一只月白的盖碗" in desk.text and "¥200.00" in shown(desk)
    picture = re.search(rf'src="({room.root}{here}/photos/1)"', desk.text)
    assert picture is not None
    assert (await room.client.get(picture[1])).headers["content-type"] == "image/jpeg"
    assert (await room.world.browser().get(picture[1])).status_code == 303  # to sign in
    said = await room.post(f"{here}/remarks", words="下周开窑", form_key=hidden(desk, "form_key"))
    await room.follow(said)
    await room.world.work()
    inbox = str(room.world.inbox)  # nobody proved that the typed phone is his: it stays silent
    assert thread.removeprefix("/w/") not in inbox and "13800002046" not in inbox
    page = await person.get(thread)
    assert "下周开窑" in page.text and "has answered" in shown(page)
    assert (await person.get(f"{thread}/photos/1")).status_code == 200
    friend = room.world.browser()  # whoever has the link reads, and sees no private photo
    assert f"{thread}/photos" not in (await friend.get(thread)).text
    assert (await friend.get(f"{thread}/photos/1")).status_code == 404
    new = await room.get(f"/collect/new?wish={here.rpartition('/')[2]}")
    assert 'value="阿婷"' in new.text
    sealed = await room.post(
        "/collect", kind="goods", form_key=hidden(new, "form_key"), wish=hidden(new, "wish"),
        then="send", hours="24", uses="1", to_name="阿婷", shipping="0",
        **{"own-0-title": "月白盖碗", "own-0-price": "180"},
    )  # fmt: skip
    assert sealed.status_code == 303, shown(sealed)[:800]
    letter = re.search(r'href="(/i/[^"]+)"', (await person.get(thread)).text)
    assert letter is not None
    assert thread in (await person.get(letter[1])).text
    assert thread in (await room.client.get(letter[1])).text
    assert thread not in (await guest(room).get(letter[1])).text  # who was sent the letter on
    assert (await takes(person, letter[1])).status_code == 303
    await pays(room)
    assert "This letter was paid" in (await person.get(thread)).text
    await room.town.books_balance()


async def test_a_forwarded_link_reads_and_does_not_write(room: BackRoom) -> None:
    person, friend = guest(room), guest(room)
    thread = (await asks(person)).headers["location"]
    page = await friend.get(thread)
    assert "Only the phone that asked can write here" in page.text and "<form" not in page.text
    assert "138" not in page.text
    for part in ("words", "withdrawal"):
        assert (await friend.post(f"{thread}/{part}", data={"words": "x"})).status_code == 409
    more = {"words": "要有盖的", "form_key": hidden(await person.get(thread), "form_key")}
    for _ in range(2):
        assert (await person.post(f"{thread}/words", data=more)).status_code == 303
    assert (await person.get(thread)).text.count("要有盖的") == 1
    await person.post(f"{thread}/withdrawal")
    assert "any more" in shown(await room.get(await wish(room)))
    assert says(await person.post(f"{thread}/words", data={"words": "x"}), "en", "wish_over")


async def test_hostile_wishes_are_only_words(room: BackRoom) -> None:
    evil = "<img src=x onerror=alert(1)>\u202e"
    person = guest(room)
    bad = await asks(person, link="javascript:alert(1)", words="", name="", phone="12")
    assert bad.status_code == 422
    assert says(bad, "en", "wish_link") and says(bad, "en", "wish_empty")
    await asks(person, link="https://evil.example/<script>", words=evil, name=evil[:30])
    for page in (await room.get(await wish(room)), await room.get("/wishes")):
        assert "<img src=x" not in page.text and "\u202e" not in page.text
        assert 'href="https://evil.example' not in page.text


async def test_a_seller_says_no_and_another_shop_sees_nothing(room: BackRoom) -> None:
    person = guest(room)
    thread = (await asks(person)).headers["location"]
    here = await wish(room)
    await room.post(f"{here.replace('conversations', 'wishes')}/refusal")
    assert "help this time" in shown(await person.get(thread))
    await room.world.work()
    other = room.world.browser()
    shop_id = await room.world.open_shop(other, "别家的店", "bieja", "139 0000 1002")
    for path in (here, f"{here}/photos/1"):
        assert (await other.get(f"/console/{shop_id}{path}")).status_code == 404
