"""Letters that ask to be paid, through the pages: the seller writes, somebody takes it up."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest_asyncio

from littleshop.sale import placing
from littleshop.trade import invitations
from littleshop.trade.invitations import Invitation
from tests.cast import CNY
from tests.web.back_room import BackRoom, shown
from tests.web.client import World, hidden, photo, says

PHONE = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36"
ADDRESS = {
    "recipient": "张婷", "phone": "13800002046", "province": "浙江省", "city": "杭州市",
    "district": "西湖区", "street": "文三路 478 号", "delivery": "courier", "then": "place",
}  # fmt: skip


@pytest_asyncio.fixture
async def room(world: World, client: httpx.AsyncClient) -> BackRoom:
    """林小满 at her desk, a bowl on the shelf."""
    made = BackRoom(world, client)
    await made.open()
    return made


async def writes(room: BackRoom, kind: str = "goods", **typed: str) -> httpx.Response:
    """She fills in the form and seals it."""
    page = await room.get(f"/collect/new?kind={kind}")
    form = {"kind": kind, "form_key": hidden(page, "form_key"), "then": "send", "hours": "24"}
    form |= {"uses": "1", "to_name": "阿婷", "words": "给你留着。", "shipping": "12"}
    return await room.post("/collect", **form | typed)


async def seals(room: BackRoom, kind: str = "goods", **typed: str) -> tuple[str, str]:
    """The same; the console's address of the letter, and its link."""
    answer = await writes(room, kind, **typed)
    assert answer.status_code == 303, shown(answer)[:1500]
    here = answer.headers["location"].removeprefix(room.root)
    page = await room.get(here)
    found = re.search(r'value="https?://[^/"]+(/i/[^"]+)"', page.text)
    assert found is not None
    return here, found[1]


def guest(room: BackRoom, locale: str = "en") -> httpx.AsyncClient:
    return room.world.browser(locale, user_agent=PHONE)


async def letter(room: BackRoom, here: str) -> Invitation:
    invitation_id = UUID(here.rpartition("/")[2])
    async with room.world.house.database.connection() as conn:
        return await invitations.get(conn, room.town.shop_id, invitation_id)


async def takes(person: httpx.AsyncClient, link: str, **typed: str) -> httpx.Response:
    """Somebody fills in the form behind the button."""
    page = await person.get(f"{link}/checkout")
    if page.status_code != 200:
        return page
    form = {name: hidden(page, name) for name in ("key", "total", "said")}
    form["said"] = html.unescape(form["said"])
    return await person.post(f"{link}/checkout", data=ADDRESS | form | typed)


async def pays(room: BackRoom) -> None:
    """The money of the newest order arrives."""
    town = room.town
    town.at = room.world.at
    async with room.world.house.database.connection() as conn:
        row = await conn.fetchrow(
            "select order_id, number, total_minor from orders order by number desc limit 1"
        )
    assert row is not None
    link = placing.link(town.keyring, town.shop_id, row["order_id"])
    placed = placing.Placed(row["order_id"], row["number"], link)
    total = CNY("0.00") + CNY("0.01") * row["total_minor"]
    assert await town.money_arrives(await town.opens_cashier(placed), total) == "accepted"


async def test_a_letter_goes_from_the_desk_to_a_friend_who_pays(room: BackRoom) -> None:
    item = await room.town.stock(pieces=5)
    name = str(item.variant_id)
    here, link = await seals(room, **{f"q-{name}": "1", f"p-{name}": "150"})
    assert (await room.client.get(link)).status_code == 200  # her own look is not his
    robot = room.world.browser(user_agent="WhatsApp/2.23 A")
    assert (await robot.get(link)).status_code == 200
    assert (await letter(room, here)).seen_at is None
    person = guest(room)
    page = await person.get(link)
    assert "给你留着。" in page.text and "¥162.00" in shown(page).replace(" ", "")
    assert page.headers["x-robots-tag"] == "noindex, nofollow"
    assert page.headers["referrer-policy"] == "same-origin"
    assert (await letter(room, here)).seen_at is not None
    complaint = re.search(r'href="(/report\?about=[^"]+)"', page.text)
    assert complaint is not None and "%2Fi%2F" in complaint[1]  # of the letter, not of the shop
    assert (await person.get(complaint[1])).status_code == 200
    answer = await takes(person, link)
    assert answer.status_code == 303 and answer.headers["location"].startswith("/o/"), (
        answer.headers
    )
    assert "Finish paying" in (await person.get(link)).text
    stranger = guest(room)
    assert "Somebody is paying right now" in (await stranger.get(link)).text
    assert (await takes(stranger, link)).headers["location"] == link
    await pays(room)
    assert "See my order" in (await person.get(link)).text
    assert "/o/" not in (await stranger.get(link)).text
    desk = shown(await room.get(here))
    assert "Paid" in desk and "Order 1001 paid" in desk
    assert "Take this letter back" not in desk
    await room.town.books_balance()


async def test_the_next_letter_opens_filled_in_on_his_own_device_and_nowhere_else(
    room: BackRoom,
) -> None:
    person, stranger = guest(room), guest(room)
    _, first = await seals(room, "amount", **{"own-0-title": "定金", "own-0-price": "50"})
    _, link = await seals(room, **{"own-0-title": "碗", "own-0-price": "80"})
    assert (await takes(person, link)).status_code == 303
    await pays(room)
    _, again = await seals(room, **{"own-0-title": "盖", "own-0-price": "30"})
    page = await person.get(f"{again}/checkout")
    assert 'value="张婷"' in page.text and "文三路 478 号" in page.text
    other = await stranger.get(f"{again}/checkout")
    assert "张婷" not in other.text and "文三路" not in other.text
    bare = await stranger.get(f"{first}/checkout")  # nothing is sent: no address is asked
    assert "Who are you?" in bare.text
    answer = await takes(stranger, first, province="", city="", district="", street="")
    assert answer.status_code == 303
    await pays(room)
    answer = await room.post("/orders/1002/done")
    assert "three days to confirm" in shown(await room.follow(answer))
    assert (await takes(stranger, first)).headers["location"] == first  # it is his already
    order = re.search(r'href="(/o/[^"]+)"', (await stranger.get(first)).text)
    assert order is not None
    assert "says it is done. Is it?" in (await stranger.get(order[1])).text
    await room.town.books_balance()


async def test_a_changed_price_is_shown_before_it_is_paid(room: BackRoom) -> None:
    here, link = await seals(room, **{"own-0-title": "碗", "own-0-price": "80"})
    person = guest(room)
    form = await person.get(f"{link}/checkout")
    old = {name: html.unescape(hidden(form, name)) for name in ("key", "total", "said")}
    async with room.world.house.database.connection() as conn:
        rows = await invitations.lines(
            conn, room.town.shop_id, (await letter(room, here)).invitation_id
        )
    name = f"p-{rows[0].variant_id}"
    bad = await room.post(f"{here}/terms", words="x", shipping="0", hours="", **{name: "free"})
    assert bad.status_code == 422
    answer = await room.post(f"{here}/terms", words="x", shipping="0", hours="", **{name: "70"})
    assert answer.status_code == 303
    refused = await person.post(f"{link}/checkout", data=ADDRESS | old)
    assert refused.status_code == 409
    assert says(refused, "en", "price_changed", now=CNY("70.00"), seen=CNY("92.00"))
    assert hidden(refused, "total") == "7000"
    assert (await takes(person, link)).status_code == 303


async def test_the_sums_can_be_had_alone_and_a_pasted_address_is_sorted_out(
    room: BackRoom,
) -> None:
    _, link = await seals(room, **{"own-0-title": "碗", "own-0-price": "80"})
    person = guest(room)
    page = await person.get(f"{link}/checkout")
    form = {name: hidden(page, name) for name in ("key", "total", "said")}
    piece = await person.post(
        f"{link}/checkout", data=form | {"then": "quote"}, headers={"hx-request": "true"}
    )
    assert "<html" not in piece.text and hidden(piece, "total") == "9200"
    pasted = "陈婉婷 13800002046 浙江省杭州市西湖区文三路 478 号"
    split = await person.post(f"{link}/checkout", data=form | {"then": "split", "pasted": pasted})
    assert 'value="陈婉婷"' in split.text


async def test_a_double_press_is_one_order(room: BackRoom) -> None:
    _, link = await seals(room, **{"own-0-title": "碗", "own-0-price": "80"})
    person = guest(room)
    page = await person.get(f"{link}/checkout")
    form = {name: html.unescape(hidden(page, name)) for name in ("key", "total", "said")}
    first = await person.post(f"{link}/checkout", data=ADDRESS | form)
    second = await person.post(f"{link}/checkout", data=ADDRESS | form)
    assert first.headers["location"] == second.headers["location"]


async def test_what_ended_says_what_to_do_next(room: BackRoom) -> None:
    here, link = await seals(room, **{"own-0-title": "碗", "own-0-price": "80"})
    lapsed, old = await seals(room, **{"own-0-title": "碗", "own-0-price": "80"})
    person = guest(room)
    answer = await person.post(f"{link}/refusal")
    assert "If you change your mind" in (await person.get(answer.headers["location"])).text
    assert "said: not this time" in shown(await room.get(here))
    await room.post(f"{here}/cancellation")
    assert "took this letter back" in (await person.get(link)).text
    room.world.later(hours=25)
    assert "time is over" in (await person.get(old)).text
    assert "Its time is over" in shown(await room.get(lapsed))
    assert shown(await room.get("/collect?state=ended")).count("To 阿婷") == 2


async def test_of_two_with_the_form_open_the_second_is_told_and_pays_nothing(
    room: BackRoom,
) -> None:
    item = await room.town.stock(pieces=1)
    name = str(item.variant_id)
    links = [(await seals(room, **{f"q-{name}": "1", f"p-{name}": "150"}))[1] for _ in range(2)]
    people = [guest(room) for _ in range(3)]
    pages = [
        await person.get(f"{link}/checkout")
        for person, link in zip(people, (links[0], links[0], links[1]), strict=True)
    ]
    typed = [
        ADDRESS | {each: html.unescape(hidden(page, each)) for each in ("key", "total", "said")}
        for page in pages
    ]
    assert (await people[0].post(f"{links[0]}/checkout", data=typed[0])).status_code == 303
    second = await people[1].post(f"{links[0]}/checkout", data=typed[1])
    assert second.status_code == 409 and "Somebody is paying right now" in second.text
    third = await people[2].post(f"{links[1]}/checkout", data=typed[2])
    assert third.status_code == 409 and "has just gone" in third.text
    await room.town.books_balance()


async def test_a_letter_of_another_shop_is_not_there(room: BackRoom) -> None:
    here, link = await seals(room, **{"own-0-title": "碗", "own-0-price": "80"})
    other = room.world.browser()
    shop_id = await room.world.open_shop(other, "别家的店", "bieja", "139 0000 1002")
    assert (await other.get(f"/console/{shop_id}{here}")).status_code == 404
    assert (await other.get(f"{room.root}{here}")).status_code == 404
    assert (await room.client.get(f"{room.root}/collect/{uuid4()}")).status_code == 404
    shop, _, secret = link.rpartition("/")[2].partition("-")
    assert (await guest(room).get(f"/i/{int(shop, 32) + 1}-{secret}")).status_code == 404
    assert (await guest(room).get(f"/i/{shop}-{secret[:-1]}")).status_code == 404


async def test_a_form_says_what_is_wrong_and_keeps_what_was_typed(room: BackRoom) -> None:
    answer = await writes(room, words="你好" * 10)
    assert says(answer, "en", "invitation_empty") and "你好" * 10 in answer.text
    answer = await writes(
        room, **{"own-0-title": "碗", "own-0-price": "cheap", "keeps": "yes", "uses": "3"}
    )
    assert answer.status_code == 422
    assert says(answer, "en", "price_number") and says(answer, "en", "invitation_keeps_one")
    item = await room.town.stock(pieces=1)
    name = str(item.variant_id)
    answer = await writes(room, **{f"q-{name}": "2", f"p-{name}": "150", "keeps": "yes"})
    assert says(answer, "en", "stock_short", title="青灰釉盖碗", left=1)
    line = {f"q-{name}": "1", f"p-{name}": "150"}
    odd = {"hours": "25", "ship_days": "-1", "uses": "1e3", "phone": "12", "words": "留着的话"}
    answer = await writes(room, **line | odd)
    assert answer.status_code == 422 and "留着的话" in answer.text and 'value="1e3"' in answer.text
    for code in ("letter_hours", "letter_ship_days"):
        assert says(answer, "en", code)
    assert (await writes(room, **line | {"hours": ""})).status_code == 422
    here, _ = await seals(room, **line)
    terms = {"words": "新的话", "shipping": "12", f"p-{name}": "140", "hours": "99999999999"}
    answer = await room.post(f"{here}/terms", **terms)
    assert answer.status_code == 422 and says(answer, "en", "letter_hours")
    assert "新的话" in answer.text and 'value="140"' in answer.text


async def test_hostile_words_are_only_words(room: BackRoom) -> None:
    evil = "<script>alert(1)</script>\u202e\x07javascript:alert(1)"
    _, link = await seals(
        room, words=evil, to_name=evil[:30], **{"own-0-title": evil, "own-0-price": "1"}
    )
    page = (await guest(room).get(link)).text
    assert "<script>alert" not in page and "\u202e" not in page and "\x07" not in page


async def test_a_line_of_his_own_has_a_photo_and_is_not_on_the_shelf(room: BackRoom) -> None:
    page = await room.get("/collect/new")
    form = {
        "kind": "goods",
        "form_key": hidden(page, "form_key"),
        "then": "keep",
        "uses": "2",
        "hours": "24",
    }
    form |= {"own-0-title": "样杯", "own-0-price": "20", "shipping": "0", "ship_days": "7"}
    answer = await room.client.post(
        f"{room.root}/collect", data=form, files=[("own-0-photo", photo())]
    )
    assert answer.status_code == 303, shown(answer)[:800]
    here = answer.headers["location"].removeprefix(room.root)
    assert "Written, not sent yet" in shown(await room.get(here))
    await room.post(f"{here}/sending")
    page = await room.get(here)
    found = re.search(r'value="https?://[^/"]+(/i/[^"]+)"', page.text)
    assert found is not None
    seen = (await guest(room).get(found[1])).text
    assert (
        "/f/" in seen
        and "7 days" in seen
        and "2 more can pay." in shown(await guest(room).get(found[1]))
    )
    assert "样杯" not in (await room.get("/goods")).text
    assert "样杯" not in (await guest(room).get("/@xiaoman")).text


async def test_a_reminder_reaches_the_phone_with_the_link(room: BackRoom) -> None:
    here, link = await seals(
        room, "amount", phone="13800002046", **{"own-0-title": "定金", "own-0-price": "50"}
    )
    assert "138" in shown(await room.get(here))
    for _ in range(3):
        answer = await room.follow(await room.post(f"{here}/reminder"))
    assert says(answer, "en", "invitation_reminded")
    await room.world.work()
    row = await letter(room, here)
    assert row.reminders == 2
    told = str(room.world.inbox)
    assert link.removeprefix("/i/") in told
    assert timedelta(hours=row.hours) == timedelta(days=1)


async def test_a_letter_without_postage_takes_it_as_its_shop_does(room: BackRoom) -> None:
    """What is "a price for you" costs no more than the same on the shelf."""
    async with room.world.house.database.connection() as conn:
        await conn.execute(
            "update shops set shipping_flat_minor = 1200, shipping_free_over_minor = 19900"
            " where shop_id = $1", room.town.shop_id,
        )  # fmt: skip
    own = {"own-0-title": "样杯", "shipping": ""}
    below, _ = await seals(room, **own | {"own-0-price": "198.99"})
    beyond, _ = await seals(room, **own | {"own-0-price": "199"})
    free, _ = await seals(room, **own | {"own-0-price": "20", "shipping": "0"})
    found = [(await letter(room, here)).shipping_minor for here in (below, beyond, free)]
    assert found == [1200, 0, 0]
