"""The seller's orders as pages: finding, shipping, handing over, calling off."""

from __future__ import annotations

import asyncio
import re

import httpx
import pytest
import pytest_asyncio

from littleshop import i18n
from littleshop.sale import shipping
from tests.web.back_room import PRICE, SURE, UNSURE, BackRoom, shown
from tests.web.client import World, hidden


@pytest_asyncio.fixture
async def room(world: World, client: httpx.AsyncClient) -> BackRoom:
    made = BackRoom(world, client)
    await made.open()
    return made


PAGES = (
    "",
    "/orders",
    "/orders?state=all",
    "/orders/1001",
    "/orders/1001/slip",
    "/people",
    "/money",
    "/figures",
    "/figures?days=7",
    "/figures?span=today",
    "/figures?from=2025-01-01",
    "/figures.csv?of=ways",
    "/figures.csv?of=hours",
    "/shares",
    "/shares.csv",
    "/entrances",
    "/entrances.csv",
    "/held",
    "/collect",
    "/collect/new",
    "/collect/new?kind=amount",
    "/wishes",
    "/conversations",
    "/conversations?only=unread",
    "/conversations/answers",
)


async def test_a_page_of_another_shop_does_not_exist(room: BackRoom, world: World) -> None:
    await room.sells()
    await world.work()
    charlie = world.browser()
    for path in PAGES:
        assert (await charlie.get(room.root + path)).status_code == 303, path  # to sign in
    await world.open_shop(charlie, "Charlie's", "charlies", "139 0000 1009")
    for path in PAGES:
        assert (await charlie.get(room.root + path)).status_code == 404, path


@pytest.mark.parametrize("locale", i18n.LOCALES)
async def test_every_page_is_there_with_and_without_orders(room: BackRoom, locale: str) -> None:
    asked = [f"{path}{'&' if '?' in path else '?'}lang={locale}" for path in PAGES]
    for path in asked:
        if "1001" not in path:
            await room.get(path)
    await room.sells()
    for path in asked:
        page = await room.get(path)
        if ".csv" in path:
            assert page.headers["content-type"].startswith("text/csv"), path
            continue
        assert page.headers["content-language"] == locale, path
        assert "unsafe-inline" not in page.headers["content-security-policy"], path


async def test_a_new_order_waits_on_the_list_and_is_the_most_urgent_thing(
    room: BackRoom,
) -> None:
    await room.sells()
    today = shown(await room.get())
    assert "1 parcel to ship before Wed 25 Nov at 10:00" in today
    listed = shown(await room.get("/orders"))
    assert "1001" in listed and "陈婉婷" in listed and "杭州市" in listed


async def test_an_order_of_another_shop_is_not_found_by_its_number(room: BackRoom) -> None:
    assert (await room.client.get(f"{room.root}/orders/1001")).status_code == 404
    assert (await room.post("/orders/1001/parcels", tracking_number=SURE)).status_code == 404


async def test_shipping_by_a_number_that_names_its_courier(room: BackRoom) -> None:
    placed = await room.sells()
    answer = await room.post("/orders/1001/parcels", tracking_number=SURE, carrier="")
    page = shown(await room.follow(answer))
    assert "Order 1001 goes with SF Express" in page
    assert "SF14 0822 3100 671" in page
    assert await room.status(placed) == "shipped"


async def test_a_number_of_several_couriers_comes_back_with_the_guess_on_top(
    room: BackRoom,
) -> None:
    placed = await room.sells()
    answer = await room.post("/orders/1001/parcels", tracking_number=UNSURE, carrier="")
    assert answer.status_code == 422
    assert "More than one courier uses such numbers" in shown(answer)
    assert re.search(r'value="zto" checked', answer.text)
    assert await room.status(placed) == "to_ship"
    await room.follow(
        await room.post("/orders/1001/parcels", tracking_number=UNSURE, carrier="zto")
    )
    assert await room.status(placed) == "shipped"


async def test_a_number_that_was_put_right_still_leads_to_the_next_order(room: BackRoom) -> None:
    await room.sells()
    await room.sells()
    wrong = await room.post("/orders/1001/parcels", tracking_number="12345", then="next")
    assert wrong.status_code == 422 and hidden(wrong, "then") == "next"
    assert "Ship, then 1002" in shown(wrong)
    right = await room.post("/orders/1001/parcels", tracking_number=SURE, then="next")
    assert right.headers["location"].split("?")[0].endswith("/orders")


@pytest.mark.parametrize("number", ["", "12", "<script>", "单号", "A" * 60])
async def test_what_is_no_tracking_number_is_refused_at_its_field(
    room: BackRoom, number: str
) -> None:
    placed = await room.sells()
    answer = await room.post("/orders/1001/parcels", tracking_number=number, carrier="sf")
    assert answer.status_code == 422
    assert "A tracking number has 5 to 40 letters and digits" in shown(answer)
    assert await room.status(placed) == "to_ship"


async def test_a_double_click_ships_once_and_the_second_is_told_when(room: BackRoom) -> None:
    await room.sells()
    answers = await asyncio.gather(
        *(room.post("/orders/1001/parcels", tracking_number=SURE) for _ in range(2))
    )
    assert [answer.status_code for answer in answers] == [303, 303]
    page = shown(await room.follow(await room.post("/orders/1001/parcels", tracking_number="X")))
    assert "Order 1001 was shipped already, today at 10:00" in page
    async with room.world.house.database.connection() as conn:
        rows = await conn.fetchval("select count(*) from parcels")
    assert rows == 1


async def test_a_tracking_number_can_be_put_right_until_it_arrives(room: BackRoom) -> None:
    placed = await room.sells()
    await room.town.ships(placed)
    page = await room.get("/orders/1001")
    found = re.search(r'action="(/console/\d+/orders/1001/parcels/[0-9a-f-]{36})"', page.text)
    assert found is not None
    path = found[1].removeprefix(room.root)
    page = await room.follow(
        await room.post(path, tracking_number="YT1234567890123", carrier="yto")
    )
    assert "YTO Express" in shown(page)
    await room.town.receives(placed)
    answer = await room.follow(await room.post(path, tracking_number=SURE, carrier="sf"))
    assert "Only a parcel on its way" in shown(answer)


async def test_the_number_of_a_part_that_left_can_be_put_right_before_the_rest_leaves(
    room: BackRoom,
) -> None:
    room.town.at = room.world.at
    item = await room.town.stock()
    placed = await room.town.buys([type(item)(item.variant_id, 2)], PRICE * 2)
    part = {"some": "yes", "piece-1": "1"}
    await room.post("/orders/1001/parcels", tracking_number=SURE, carrier="sf", **part)
    assert await room.status(placed) == "to_ship"
    page = await room.get("/orders/1001")
    found = re.search(r'action="(/console/\d+/orders/1001/parcels/[0-9a-f-]{36})"', page.text)
    assert found is not None
    path = found[1].removeprefix(room.root)
    page = await room.follow(
        await room.post(path, tracking_number="YT1234567890123", carrier="yto")
    )
    assert "YTO Express" in shown(page) and "SF14" not in page.text
    assert await room.status(placed) == "to_ship"
    await room.town.books_balance()


async def test_the_courier_is_guessed_while_the_number_is_typed(room: BackRoom) -> None:
    answer = await room.get(f"/carriers?number={SURE}")
    assert answer.json()[0] == {"code": "sf", "name": "SF Express"}
    assert (await room.get("/carriers?number=")).json() == []


async def test_the_buyers_six_digits_are_the_receipt(room: BackRoom) -> None:
    placed = await room.sells(fetched=True)
    code = shipping.pickup_code(room.world.house.keyring, room.town.shop_id, placed.order_id)
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    assert "5 of 6 digits" in shown(await room.post("/orders/1001/pick-up", code=code[:5]))
    assert "Not that code" in shown(await room.post("/orders/1001/pick-up", code=wrong))
    page = await room.follow(
        await room.post("/orders/1001/pick-up", code=f" {code[:3]} {code[3:]}")
    )
    assert "the money is yours" in shown(page)
    assert await room.status(placed) == "received"
    again = await room.follow(await room.post("/orders/1001/pick-up", code=code))
    assert "was received already" in shown(again)
    await room.town.books_balance()


async def test_codes_cannot_be_tried_out(room: BackRoom) -> None:
    placed = await room.sells(fetched=True)
    code = shipping.pickup_code(room.world.house.keyring, room.town.shop_id, placed.order_id)
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    for _ in range(5):
        assert (await room.post("/orders/1001/pick-up", code=wrong)).status_code == 422
    answer = await room.post("/orders/1001/pick-up", code=code)
    assert answer.status_code == 429 and "Try again in" in shown(answer)
    assert await room.status(placed) == "to_ship"


async def test_an_order_given_by_hand_waits_for_the_buyers_yes(room: BackRoom) -> None:
    placed = await room.sells()
    page = shown(await room.follow(await room.post("/orders/1001/handover")))
    assert "Order 1001 is handed over" in page
    assert await room.status(placed) == "shipped"


async def test_a_paid_order_is_called_off_with_a_reason_and_once(room: BackRoom) -> None:
    placed = await room.sells()
    assert "Write a few words" in shown(await room.post("/orders/1001/cancellation", reason=" "))
    answers = await asyncio.gather(
        *(room.post("/orders/1001/cancellation", reason="broken") for _ in range(2))
    )
    page = shown(await room.follow(answers[0]))
    assert "Order 1001" in page and "on its way back" in page
    assert await room.status(placed) == "refunded"
    late = await room.follow(await room.post("/orders/1001/parcels", tracking_number=SURE))
    assert "Don’t send it" in shown(late)
    assert "1 refund is on its way back" in shown(await room.get())


async def test_what_was_sent_in_another_tab_cannot_be_called_off_and_the_page_says_so(
    room: BackRoom,
) -> None:
    placed = await room.sells()
    await room.post("/orders/1001/parcels", tracking_number=SURE)
    late = shown(
        await room.follow(await room.post("/orders/1001/cancellation", reason="sold twice"))
    )
    assert "can’t be called off now" in late and "Nothing was done twice" not in late
    assert await room.status(placed) == "shipped"


async def test_an_unpaid_order_cannot_be_shipped(room: BackRoom) -> None:
    item = await room.town.stock()
    await room.town.place([item], PRICE)
    answer = await room.follow(await room.post("/orders/1001/parcels", tracking_number=SURE))
    assert "is not paid yet" in shown(answer)
    assert "1001" in shown(await room.get("/orders?state=placed"))


async def test_a_late_order_says_so_before_anything_else(room: BackRoom) -> None:
    await room.sells()
    room.town.at = room.world.later(hours=49)
    await room.town.clocks_strike()
    assert "1 parcel is late" in shown(await room.get())
    assert "Late: it was due by" in shown(await room.get("/orders/1001"))
