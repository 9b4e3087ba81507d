"""After paying, on pages: asking, answering, showing photos, and who may do and see what."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from PIL import Image

from littleshop import audit
from tests.cast import CNY
from tests.web.back_room import BackRoom, shown
from tests.web.buyers_phone import NUMBER, Wanting
from tests.web.client import World, hidden, photo, says

WHERE = "林小满 13900001001\n杭州市西湖边 3 号亭"


@pytest_asyncio.fixture
async def wanting(world: World, client: httpx.AsyncClient) -> AsyncIterator[Wanting]:
    room = BackRoom(world, client)
    await room.open()
    made = Wanting(room, world.browser())
    await made.buys()
    yield made
    async with world.house.database.connection() as conn:
        assert await audit.prove(conn) == []


async def test_three_taps_ask_for_money_and_the_seller_gives_it(wanting: Wanting) -> None:
    page = await wanting.page()
    assert "Something wrong?" in shown(page)
    kinds = await wanting.page("/cases")
    assert "cases?kind=exchange" in kinds.text
    whys = await wanting.page("/cases?kind=refund")
    assert "reason=damaged" in whys.text
    form = await wanting.form()
    assert form["amount"] == "168.00"
    await wanting.asks(amount="60")
    page = await wanting.page("/cases/1")
    assert "If 小满茶器 says nothing, that counts as a yes: Wed 25 Nov at 10:00" in shown(page)
    assert "¥60.00 goes back to you" in shown(page)
    desk = await wanting.desk("/cases/1")
    assert "陈婉婷 asks for ¥60.00 back" in shown(desk)
    assert "from the money held ¥60.00" in shown(desk)
    page = await wanting.room.follow(await wanting.seller("agreement"))
    assert "You said yes" in shown(page)
    assert "¥60.00 is on its way back to you" in shown(await wanting.page("/cases/1"))
    await wanting.rail_sends_back()
    assert "¥60.00 went back to you" in shown(await wanting.page("/cases/1"))
    order = shown(await wanting.page())
    assert "¥60.00 of it went back" in order and "we pay 小满茶器 your ¥108.00" in order
    desk_order = shown(await wanting.desk())
    assert "−¥60.00" in desk_order and "¥108.00" in desk_order


async def test_while_goods_travel_back_nobody_reads_that_nothing_is_left_to_do(
    wanting: Wanting,
) -> None:
    await wanting.room.town.receives(wanting.placed)
    assert "Nothing is left for you to do" in shown(await wanting.page())
    await wanting.asks("return", "not_as_described")
    await wanting.seller("agreement", words=WHERE)
    told = shown(await wanting.page())
    assert "Nothing is left for you to do" not in told and "Please send it back" in told


async def test_what_is_said_to_be_all_there_is_shown_and_then_it_is_the_sellers(
    wanting: Wanting,
) -> None:
    """It lies with us until the payout, so the page does not say that he has it."""
    page = await wanting.page("/receipt")
    assert "青灰釉盖碗" in page.text and "Yes, pay 小满茶器 ¥168.00" in shown(page)
    answer = await wanting.phone.post(f"{wanting.order}/receipt")
    assert answer.status_code == 303
    told = shown(await wanting.page())
    assert "Held until it was received, now 小满茶器’s" in told and "We hold it" not in told


async def test_goods_travel_back_and_the_money_follows(wanting: Wanting) -> None:
    await wanting.asks("return", "not_as_described")
    answer = await wanting.seller("agreement")
    assert answer.status_code == 422 and says(answer, "en", "case_where")
    await wanting.room.follow(await wanting.seller("agreement", words=WHERE))
    page = await wanting.page("/cases/1")
    assert "小满茶器 pays the way back" in shown(page) and "西湖边 3 号亭" in shown(page)
    answer = await wanting.acts("parcel", tracking_number="12", carrier="")
    assert answer.status_code == 409 and says(answer, "en", "tracking_number")
    answer = await wanting.acts("parcel", tracking_number=NUMBER, carrier="")
    assert answer.status_code == 303
    assert (await wanting.case()).carrier == "sf"
    page = await wanting.desk("/cases/1")
    assert "SF Express SF12 3456 7890 123" in shown(page)
    await wanting.room.follow(await wanting.seller("receipt", to_shelf="no"))
    assert (await wanting.case()).status == "refunding"
    assert "All the money is on its way back" in shown(await wanting.page())
    await wanting.rail_sends_back()
    assert "All the money went back" in shown(await wanting.page())


async def test_another_piece_is_sent(wanting: Wanting) -> None:
    await wanting.asks("exchange", "wrong_item")
    await wanting.room.follow(await wanting.seller("agreement", words=WHERE))
    await wanting.acts("parcel", tracking_number=NUMBER, carrier="")
    await wanting.room.follow(await wanting.seller("receipt", to_shelf="yes"))
    answer = await wanting.seller("replacement", tracking_number="x", carrier="")
    assert answer.status_code == 422 and says(answer, "en", "tracking_number")
    page = await wanting.room.follow(
        await wanting.seller("replacement", tracking_number=NUMBER, carrier="zto")
    )
    assert "You sent 陈婉婷 another piece" in shown(page)
    assert "sent you another piece" in shown(await wanting.page("/cases/1"))


async def test_a_no_goes_to_the_platform_with_the_words_of_both(wanting: Wanting) -> None:
    await wanting.asks()
    answer = await wanting.seller("refusal", words="  ")
    assert answer.status_code == 422 and says(answer, "en", "case_words")
    await wanting.room.follow(await wanting.seller("refusal", words="发货时是好的"))
    page = shown(await wanting.page("/cases/1"))
    assert "小满茶器 says no" in page and "发货时是好的" in page
    assert "we pay 小满茶器 ¥168.00 Thu 10 Dec" in page or "¥168.00" in page
    assert (await wanting.acts("escalation", words="照片在上面")).status_code == 303
    assert "The platform is looking at it" in shown(await wanting.page("/cases/1"))
    assert "照片在上面" in shown(await wanting.desk("/cases/1"))
    assert "is with the platform" in shown(await wanting.room.get())


async def test_silence_does_what_the_page_said(wanting: Wanting) -> None:
    await wanting.asks(amount="60")
    wanting.room.world.later(hours=48)
    await wanting.clocks_strike()
    page = shown(await wanting.page("/cases/1"))
    assert "No answer in time: that is a yes" in page and "¥60.00 is on its way" in page


async def test_today_and_the_list_name_what_waits(wanting: Wanting) -> None:
    await wanting.asks(amount="60")
    today = shown(await wanting.room.get())
    assert "1 request to answer by Wed 25 Nov at 10:00" in today
    await wanting.room.sells()  # something to ship is more urgent
    today = shown(await wanting.room.get())
    assert "1 parcel" in today and "Silence means yes: ¥60.00 goes back." in today
    listed = shown(await wanting.room.get("/cases"))
    assert "1 waits for you" in listed and "by Wed 25 Nov at 10:00" in listed
    await wanting.acts("withdrawal")
    assert "taken back" in shown(await wanting.room.get("/cases"))
    assert "request to answer" not in shown(await wanting.room.get())


async def test_a_double_press_asks_once_and_a_stale_page_moves_nothing(wanting: Wanting) -> None:
    form = await wanting.form()
    answers = await asyncio.gather(*[wanting.send(form, photo()) for _ in range(3)])
    assert {each.headers["location"] for each in answers} == {f"{wanting.order}/cases/1"}
    assert await wanting.count() == 1
    again = await wanting.page("/cases", 303)
    assert again.headers["location"] == f"{wanting.order}/cases/1"
    assert (await wanting.acts("withdrawal")).status_code == 303
    assert (await wanting.acts("withdrawal")).status_code == 303
    late = await wanting.seller("agreement")
    assert late.status_code == 422 and says(late, "en", "case_moved")
    assert (await wanting.case()).status == "withdrawn"
    stale = await wanting.send(form, photo())  # the page is pressed again after the withdrawal
    assert stale.headers["location"] == f"{wanting.order}/cases/1"
    assert await wanting.count() == 1


async def test_what_is_said_twice_by_a_double_press_stands_once(wanting: Wanting) -> None:
    await wanting.asks()
    await asyncio.gather(*[wanting.acts("words", words="还少一个杯子") for _ in range(2)])
    assert (await wanting.page("/cases/1")).text.count("还少一个杯子") == 1
    await asyncio.gather(*[wanting.seller("words", words="请补照片") for _ in range(2)])
    assert (await wanting.page("/cases/1")).text.count("请补照片") == 1


@pytest.mark.parametrize(
    "typed", ["0", "-5", "168.01", "9999999999999", "", "all", "1e3", "１６９"]
)
async def test_an_amount_that_does_not_fit_is_told_what_would(wanting: Wanting, typed: str) -> None:
    answer = await wanting.send(await wanting.form() | {"amount": typed})
    assert answer.status_code == 422
    assert says(answer, "en", "case_amount", most=CNY("168.00"))
    assert 'value="168.00"' in answer.text and "盖子碎了" in answer.text
    assert await wanting.count() == 0


@pytest.mark.parametrize(
    "kind, reason",
    [
        ("gift", "damaged"),
        ("refund", "hunger"),
        ("refund", "offered"),
        ("", ""),
        ("return", "\x00"),
    ],
)
async def test_a_wish_that_no_page_offers_changes_nothing(
    wanting: Wanting, kind: str, reason: str
) -> None:
    answer = await wanting.send(await wanting.form() | {"kind": kind, "reason": reason})
    assert answer.status_code == 422
    assert await wanting.count() == 0


async def test_hostile_words_stay_words(wanting: Wanting) -> None:
    evil = "<script>alert(1)</script>\u202egnp.exe\x00\n<img src=x onerror=alert(1)>" + "长" * 400
    await wanting.asks(words=evil)
    for page in (await wanting.page("/cases/1"), await wanting.desk("/cases/1")):
        assert "<script>alert" not in page.text and "<img src=x" not in page.text
        assert "\u202e" not in page.text and "&lt;script&gt;" in page.text
    answer = await wanting.acts("words", words="长" * 501)
    assert answer.status_code == 409 and says(answer, "en", "case_words")


async def test_a_tenth_photo_is_refused_and_the_nine_are_carried_on(wanting: Wanting) -> None:
    form = await wanting.form()
    answer = await wanting.send(form, *[photo(64 + each, 48) for each in range(10)])
    assert answer.status_code == 422 and says(answer, "en", "case_photos", most=9)
    carried = re.findall(r'name="photo_kept" value="([^"]+)" checked', answer.text)
    assert len(carried) == 9
    again: dict[str, object] = {**form, "photo_kept": carried}
    sent = await wanting.phone.post(f"{wanting.order}/cases", data=again)
    assert sent.status_code == 303
    page = await wanting.page("/cases/1")
    assert len(set(re.findall(r'href="[^"]+(/photos/[^"]+)"', page.text))) == 9
    full = await wanting.phone.post(
        f"{wanting.order}/cases/1/words", files=[("photos", ("a.jpg", photo(), "image/jpeg"))]
    )
    assert full.status_code == 409 and says(full, "en", "case_photos", most=9)


async def test_a_text_file_named_jpg_is_no_photo_and_nothing_is_lost(wanting: Wanting) -> None:
    answer = await wanting.send(await wanting.form(), b"hello, I am a photo", photo())
    assert answer.status_code == 422 and says(answer, "en", "photo_not_a_picture")
    assert len(re.findall('name="photo_kept"', answer.text)) == 1
    assert await wanting.count() == 0


def camera_photo() -> bytes:
    """A photo that says where it was taken and by whom."""
    kept, exif = io.BytesIO(), Image.Exif()
    exif[0x013B] = "Chen Wanting"  # artist
    exif.get_ifd(0x8825)[2] = (30.0, 14.0, 24.0)  # GPS latitude
    Image.new("RGB", (640, 480), "#7C97A3").save(kept, "JPEG", exif=exif)
    return kept.getvalue()


async def test_a_photo_is_for_the_two_sides_only_and_tells_nothing_but_its_picture(
    wanting: Wanting, world: World
) -> None:
    sent = await wanting.send(await wanting.form(), camera_photo())
    assert sent.status_code == 303
    page = await wanting.page("/cases/1")
    [part] = set(re.findall(r'href="[^"]+(/photos/[^"]+)"', page.text))
    mine = await wanting.phone.get(f"{wanting.order}/cases/1{part}")
    theirs = await wanting.desk(f"/cases/1{part}")
    for answer in (mine, theirs):
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.headers["cache-control"] == "no-store"
        assert "noindex" in answer.headers["x-robots-tag"]
        assert b"Wanting" not in answer.content
        assert not Image.open(io.BytesIO(answer.content)).getexif()
    friend = world.browser()
    assert (await friend.get(f"{wanting.order}/cases/1{part}")).status_code == 409
    await world.work()  # what else there is to tell has been told
    charlie = world.browser()
    shop_id = await world.open_shop(charlie, "Charlie's", "charlies", "139 0000 1009")
    for path in (f"/orders/{wanting.placed.number}/cases/1{part}", "/cases/1"):
        assert (await charlie.get(f"{wanting.room.root}{path}")).status_code == 404
        assert (await charlie.get(f"/console/{shop_id}{path}")).status_code == 404


async def test_a_friend_with_the_link_looks_and_neither_reads_nor_acts(
    wanting: Wanting, world: World
) -> None:
    await wanting.asks(words="邻居家的狗咬坏了")
    friend = world.browser()
    page = await friend.get(f"{wanting.order}/cases/1")
    assert page.status_code == 200 and "A request: waits for an answer" in shown(page)
    assert "The buyer asked for ¥168.00 back" in shown(page)
    assert "邻居家的狗" not in page.text and "/photos/" not in page.text
    assert "<form" not in page.text and "/code" in page.text
    assert (await friend.get(f"{wanting.order}/cases?kind=refund")).status_code == 303
    for part in ("withdrawal", "words", "escalation", "parcel"):
        answer = await friend.post(f"{wanting.order}/cases/1/{part}", data={"words": "x"})
        assert answer.status_code == 409 and says(answer, "en", "only_look")
    asked = await friend.post(f"{wanting.order}/cases", data={"kind": "refund"})
    assert asked.status_code == 409
    assert (await wanting.case()).status == "asked"


async def test_another_shops_seller_finds_nothing_to_answer(wanting: Wanting, world: World) -> None:
    await wanting.asks()
    await world.work()  # what else there is to tell has been told
    charlie = world.browser()
    await world.open_shop(charlie, "Charlie's", "charlies", "139 0000 1009")
    here = f"{wanting.room.root}/orders/{wanting.placed.number}"
    for part in ("agreement", "refusal", "words", "receipt", "replacement"):
        answer = await charlie.post(f"{here}/cases/1/{part}", data={"words": "x"})
        assert answer.status_code == 404, part
    assert (await charlie.post(f"{here}/refunds", data={"amount": "1"})).status_code == 404
    assert (await wanting.case()).status == "asked"


async def test_the_law_is_said_before_a_no_is_tried(wanting: Wanting) -> None:
    await wanting.asks("return", "not_wanted")
    page = await wanting.desk("/cases/1")
    assert "the law leaves no choice" in shown(page) and "/refusal" not in page.text
    answer = await wanting.seller("refusal", words="不退")
    assert answer.status_code == 422 and says(answer, "en", "case_must_take_back")


async def test_a_seller_gives_a_part_back_unasked_and_once(wanting: Wanting) -> None:
    page = await wanting.desk()
    assert "At most ¥168.00 is left" in shown(page)
    form = {"amount": "8", "reason": "路上磕了一下", "form_key": hidden(page, "form_key")}
    path = f"/orders/{wanting.placed.number}/refunds"
    answers = [await wanting.room.post(path, **form) for _ in range(2)]
    assert [each.status_code for each in answers] == [303, 303]
    await wanting.rail_sends_back()
    await wanting.room.post(path, **form)  # Back, and pressed again
    assert await wanting.count() == 1
    assert "¥8.00 went back to you" in shown(await wanting.page("/cases/1"))
    assert "gave ¥8.00 back unasked" in shown(await wanting.page("/cases/1"))
    assert "¥8.00 of it went back" in shown(await wanting.page())
    for typed in ({"amount": "0"}, {"amount": "161"}, {"amount": "abc"}):
        fresh = form | {"form_key": hidden(await wanting.desk(), "form_key")} | typed
        answer = await wanting.room.post(path, **fresh)
        assert answer.status_code == 422
        assert says(answer, "en", "case_amount", most=CNY("160.00"))
    answer = await wanting.room.post(path, **(form | {"reason": " ", "form_key": ""}))
    assert answer.status_code == 422 and says(answer, "en", "case_words")


async def test_an_offer_from_a_page_that_is_out_of_date_says_what_came_first(
    wanting: Wanting,
) -> None:
    form = {"form_key": hidden(await wanting.desk(), "form_key"), "amount": "8", "reason": "x"}
    await wanting.asks()
    answer = await wanting.room.post(f"/orders/{wanting.placed.number}/refunds", **form)
    assert says(await wanting.room.follow(answer), "en", "case_open")
    assert await wanting.count() == 1


async def test_money_the_seller_has_already_is_named_as_such(wanting: Wanting) -> None:
    await wanting.room.town.receives(wanting.placed)
    await wanting.asks(amount="60")
    page = shown(await wanting.desk("/cases/1"))
    assert "from your balance you were paid already ¥60.00" in page
    await wanting.seller("agreement")
    assert "from your balance you were paid already ¥60.00" in shown(await wanting.desk("/cases/1"))
    await wanting.rail_sends_back()


async def test_before_shipping_only_money_can_be_asked_for(
    world: World, client: httpx.AsyncClient
) -> None:
    room = BackRoom(world, client)
    await room.open()
    wanting = Wanting(room, world.browser())
    await wanting.buys(shipped=False)
    page = await wanting.page("/cases")
    assert "It takes too long" in shown(page) and "kind=return" not in page.text
    await wanting.asks("refund", "not_wanted", amount="168")
    assert 'action="' + room.root + "/orders/1001/parcels" not in (await wanting.desk()).text
    await wanting.seller("agreement")
    await wanting.rail_sends_back()
    assert "All the money went back" in shown(await wanting.page())


@pytest.mark.parametrize("locale", ["en", "zh-CN"])
async def test_every_step_reads_in_both_languages(wanting: Wanting, locale: str) -> None:
    for path in ("/cases", "/cases?kind=return", "/cases?kind=exchange&reason=damaged"):
        split = "&" if "?" in path else "?"
        await wanting.page(f"{path}{split}lang={locale}")
    await wanting.asks("return", "damaged")
    for act, typed in (
        ("", {}),
        ("refusal", {"words": "不"}),
        ("agreement", {"words": WHERE}),
    ):
        if act:
            await wanting.seller(act, **typed)
        await wanting.page(f"/cases/1?lang={locale}")
        await wanting.desk(f"/cases/1?lang={locale}")
        await wanting.desk(f"?lang={locale}")
        await wanting.page(f"?lang={locale}")
        await wanting.room.get(f"/cases?lang={locale}")
