"""The seller's order book: found by anything, priced before it is paid, packed in pieces, shipped
by a table."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from functools import partial

import httpx
import pytest
import pytest_asyncio

from littleshop import http, i18n, ids
from littleshop.clock import SHANGHAI
from littleshop.customers import customers
from littleshop.sale import bargaining, shipping
from littleshop.sale.bargaining import Price
from littleshop.sale.placing import Placed
from littleshop.trade import order_lists, order_words, orders, sheets, timers
from littleshop.trade.orders import Delivery
from tests.cast import CNY, WANTING
from tests.web.back_room import ADA, PRICE, SURE, BackRoom, shown
from tests.web.client import World

OTHER = "SF1408223100672"
OUYANG = Delivery("欧阳小满", "+8613711112046", "四川省", "成都市", "武侯区", "人民南路 1 号")


@pytest_asyncio.fixture
async def room(world: World, client: httpx.AsyncClient) -> BackRoom:
    made = BackRoom(world, client)
    await made.open()
    return made


async def unpaid(room: BackRoom, pieces: int = 1) -> Placed:
    """陈婉婷 orders on her own phone, and has not paid."""
    room.town.at = room.world.at
    item = await room.town.stock()
    wanted = type(item)(item.variant_id, pieces)
    return await room.town.place([wanted], PRICE * pieces, device=ids.hashed(device(room)))


def device(room: BackRoom) -> str:
    return http.device_token(room.world.house.keyring, "wanting's phone")


def her_phone(room: BackRoom) -> httpx.AsyncClient:
    phone = room.world.browser()
    phone.cookies.set(http.DEVICE, device(room))
    return phone


async def test_one_box_finds_an_order_by_whatever_the_seller_has(room: BackRoom) -> None:
    await room.sells()
    await room.sells(who=OUYANG, device=ids.hashed("ouyang"))
    await room.post("/orders/1002/parcels", tracking_number=SURE)
    database, keyring = room.world.house.database, room.world.house.keyring
    await order_words.fill(database, keyring)
    await order_words.fill(database, keyring)  # twice enters nothing twice
    for q, found in {
        "1002": {1002},
        "#1001": {1001},
        "2046": {1001, 1002},
        "138 0000 2046": {1001},
        "陈婉婷": {1001},
        "陈": {1001},
        "欧阳": {1002},
        " 小满": {1002},
        "盖碗": {1001, 1002},
        SURE.lower(): {1002},
        "欧": set(),
        "2047": set(),
    }.items():
        page = await room.get(f"/orders?q={q.replace('#', '%23')}")
        numbers = {int(n) for n in re.findall(r'order-row" href="[^"]*/orders/(\d+)"', page.text)}
        assert numbers == found, q
        assert "Looked for" in shown(page)
    assert "Try the order number" in shown(page)
    async with database.connection() as conn:
        kept = await conn.fetchval("select string_agg(word::text, ' ') from order_words")
    assert "2046" not in kept and WANTING.name not in kept
    for state in ("all", "shipped", "done", "ended", "placed", "waiting", "gathering"):
        await room.get(f"/orders?state={state}&beyond=1002")


async def test_people_are_found_by_name_phone_or_tail_and_counted_up_to_a_bound(
    room: BackRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    await room.sells()
    for name in ("a", "b"):
        await room.sells(who=OUYANG, device=ids.hashed(name))
    unpaid_one = Delivery("欧阳锋", "+8613711119999", "四川省", "成都市", "武侯区", "人民南路 2 号")
    room.town.at = room.world.at
    await room.town.place([await room.town.stock()], PRICE, who=unpaid_one)
    await order_words.fill(room.world.house.database, room.world.house.keyring)
    both = {"陈婉婷", "欧阳小满"}
    for q, found in {
        "": both, "2046": both, "欧阳": {"欧阳小满"}, "小满": {"欧阳小满"}, "陈婉婷": {"陈婉婷"},
        "138 0000 2046": {"陈婉婷"}, "欧": set(), "2047": set(), "9999": set(), "%": set(),
    }.items():  # fmt: skip
        page = (await room.get(f"/people?q={q.replace('%', '%25')}")).text
        named = set(re.findall(r'"first blk clip">(\S+) <', page))
        assert named == found, q
    assert "2 people bought here. 1 came back." in shown(await room.get("/people"))
    monkeypatch.setattr(customers, "COUNTED", 1)
    assert "More than 1 people bought here." in shown(await room.get("/people"))


async def test_a_note_is_the_shops_own_and_keeps_who_wrote_what(room: BackRoom) -> None:
    await room.sells()
    for text in ("送一包茶", "送一包茶", "", "不送了\n<b>"):
        await room.follow(await room.post("/orders/1001/notes", text=text))
    page = await room.get("/orders/1001")
    assert "3 versions" in shown(page) and "&lt;b&gt;" in page.text
    assert (await room.post("/orders/1001/notes", text="x" * 501)).status_code == 422
    assert (await room.post("/orders/9999/notes", text="x")).status_code == 404


async def test_a_price_is_changed_before_it_is_paid_and_old_money_goes_back(
    room: BackRoom,
) -> None:
    placed = await unpaid(room)
    old = await room.town.opens_cashier(placed)
    change = {"goods": "150", "postage": "0", "seen": "16800", "reason": "老客人"}
    for bad in ({"goods": "0"}, {"goods": "-1"}, {"goods": "x"}, {"reason": " "}):
        answer = await room.post("/orders/1001/price", **(change | bad))
        assert answer.status_code == 422, bad
    page = shown(await room.follow(await room.post("/orders/1001/price", **change)))
    assert "Order 1001 costs ¥150.00 now" in page and "老客人" in page
    stale = await room.follow(await room.post("/orders/1001/price", **(change | {"goods": "9"})))
    assert "¥150.00 now" in shown(stale)  # another tab showed the old sum
    phone, link = her_phone(room), f"/o/{placed.token}"
    hers = shown(await phone.get(link))
    assert "Changed by the seller" in hers and "老客人" in hers and "¥150.00" in hers
    pressed = await phone.post(f"{link}/payment", data={"seen": "16800"})
    said = shown(await phone.get(pressed.headers["location"]))
    assert "It comes to ¥150.00 now" in said
    assert await room.town.money_arrives(old, PRICE) == "returned"
    new = await room.town.opens_cashier(placed)
    assert new != old
    assert await room.town.money_arrives(new, CNY("150.00")) == "accepted"
    late = await room.follow(
        await room.post("/orders/1001/price", **(change | {"goods": "1", "seen": "15000"}))
    )
    assert "can't be changed" in shown(late).replace("’", "'")
    order = await room.town.order(placed)
    assert (order.status, order.total, order.held_minor) == ("to_ship", CNY("150.00"), 15000)
    await room.town.books_balance()


async def test_a_price_change_and_a_payment_at_once_have_one_result(room: BackRoom) -> None:
    for turn in range(4):
        placed = await unpaid(room)
        reference = await room.town.opens_cashier(placed)
        price = Price(CNY("100.00"), CNY("8.00"), PRICE, "a")
        change = room.world.house.database.transaction(
            partial(
                bargaining.reprice,
                shop_id=room.town.shop_id,
                order_id=placed.order_id,
                price=price,
                person_id=placed.order_id,
                at=room.town.at,
            )
        )
        both = [change, room.town.money_arrives(reference, PRICE)]
        first, second = await asyncio.gather(
            *(both if turn % 2 else both[::-1]), return_exceptions=True
        )
        order = await room.town.order(placed)
        paid = second if turn % 2 else first
        if paid == "accepted":
            assert (order.status, order.total) == ("to_ship", PRICE)
        else:
            assert paid == "returned"
            assert (order.status, order.total) == ("placed", CNY("108.00"))
    await room.town.books_balance()


async def test_an_unpaid_order_is_called_off_with_a_reason_and_late_money_returns(
    room: BackRoom,
) -> None:
    placed = await unpaid(room)
    reference = await room.town.opens_cashier(placed)
    assert (await room.post("/orders/1001/withdrawal", reason="")).status_code == 422
    page = await room.follow(await room.post("/orders/1001/withdrawal", reason="摔碎了"))
    assert "called off" in shown(page)
    assert await room.status(placed) == "cancelled"
    assert await room.town.money_arrives(reference, PRICE) == "returned"
    await room.town.books_balance()


async def test_an_order_in_two_parcels_is_shipped_with_the_last_piece(room: BackRoom) -> None:
    placed = await unpaid(room, 3)
    await room.town.money_arrives(await room.town.opens_cashier(placed), PRICE * 3)
    ship = {"tracking_number": SURE, "carrier": "sf", "some": "yes"}
    for bad in ("4", "0", "-1", "x"):
        answer = await room.post("/orders/1001/parcels", **ship, **{"piece-1": bad})
        assert answer.status_code == 422, bad
    [item] = await _items(room, placed)
    piece = f"piece-{item}"
    page = await room.follow(await room.post("/orders/1001/parcels", **ship, **{piece: "2"}))
    assert "A part of order 1001" in shown(page) and "1 piece is still to ship" in shown(page)
    assert await room.status(placed) == "to_ship"
    buyers = shown(await her_phone(room).get(f"/o/{placed.token}"))
    assert "× 2" in buyers and "The rest isn" in buyers
    assert buyers.count("SF14 0822 3100 671") == page.text.count("SF14 0822 3100 671") == 1
    undo = re.findall(r'action="[^"]*(/orders/1001/parcels/[^"]*/undo)"', page.text)
    await room.post(undo[0])
    assert "SF14" not in (await room.get("/orders/1001")).text
    await room.post("/orders/1001/parcels", **ship, **{piece: "2"})
    again = await room.post("/orders/1001/parcels", **ship, **{piece: "1"})
    assert again.status_code == 422  # this number is on it already
    await room.post("/orders/1001/parcels", **(ship | {"tracking_number": OTHER}), **{piece: "1"})
    assert await room.status(placed) == "shipped"
    assert "2 parcels" in shown(await room.get("/orders/1001"))
    await room.town.books_balance()


async def test_after_a_part_left_every_list_names_only_what_is_left(room: BackRoom) -> None:
    room.town.at = room.world.at
    bowl = await room.town.stock()
    cup = await room.town.stock(title="品茗杯")
    wanted = [type(bowl)(bowl.variant_id, 3), type(cup)(cup.variant_id, 1)]
    placed = await room.town.place(wanted, PRICE * 4)
    await room.town.money_arrives(await room.town.opens_cashier(placed), PRICE * 4)
    await room.post("/orders/1001/notes", text="先打电话")
    first, second = await _items(room, placed)
    listed = re.sub(r"\s+", " ", (await room.get("/orders/many")).text)
    assert "盖碗" in listed and "× 3</span>" in listed and "品茗杯 × 1</span>" in listed
    form = {"tracking_number": SURE, "carrier": "sf", "some": "yes", f"piece-{first}": "2"}
    await room.post("/orders/1001/parcels", **form)
    for path in ("/orders/to-ship.csv", "/orders/1001/slip", "/orders/slips?number=1001"):
        told = (await room.get(path)).text
        assert re.search("盖碗.*(x|×) 1", told, re.S) and "品茗杯" in told, path
        assert not re.search("(x|×) [23]", told) and "先打电话" not in told, path
    card = shown(await room.get("/orders"))
    assert "× 1" in card and "× 3" not in card and "先打电话" in card
    assert "先打电话" in shown(await room.get("/orders?state=all&q=电话"))
    assert "× 1" in shown(await room.get("/orders/many"))
    form = {"tracking_number": OTHER, "carrier": "sf", "some": "yes", f"piece-{first}": "1"}
    await room.post("/orders/1001/parcels", **form)
    left = shown(await room.get("/orders/1001/slip"))
    assert "品茗杯" in left and "盖碗" not in left
    await room.post("/orders/1001/parcels", tracking_number="SF1408223100679", carrier="sf")
    page = (await room.get("/orders/1001")).text
    assert page.count('name="carrier" value="sf" checked') == 3  # each is put right by itself
    assert page.count(f'value="{OTHER}"') == 1  # and none is shown twice
    assert second
    await room.town.books_balance()


async def test_pieces_that_are_never_sent_go_back_as_money_and_to_the_shelf(
    room: BackRoom,
) -> None:
    placed = await unpaid(room, 3)
    await room.town.money_arrives(await room.town.opens_cashier(placed), PRICE * 3)
    [item] = await _items(room, placed)
    form = {"tracking_number": SURE, "carrier": "sf", "some": "yes", f"piece-{item}": "2"}
    await room.post("/orders/1001/parcels", **form)
    room.town.at = room.world.at
    room.town.later(days=8)
    await room.town.clocks_strike()
    order = await room.town.order(placed)
    assert order.status == "shipped"
    async with room.world.house.database.connection() as conn:
        back = await conn.fetchval("select sum(amount_minor)::bigint from refunds")
        on_hand = await conn.fetchval("select on_hand from variants")
    assert (back, on_hand) == (PRICE.minor, 8)
    await room.town.books_balance()


async def _items(room: BackRoom, placed: Placed) -> list[int]:
    async with room.world.house.database.connection() as conn:
        found = await orders.items(conn, room.town.shop_id, placed.order_id)
    return [item.position for item in found]


async def test_a_number_of_another_buyer_is_refused_and_the_same_buyers_is_asked_about(
    room: BackRoom,
) -> None:
    await room.sells()
    second = await room.sells()
    third = await room.sells(who=ADA, device=ids.hashed("ada"))
    await room.post("/orders/1001/parcels", tracking_number=SURE)
    asked = await room.post("/orders/1002/parcels", tracking_number=SURE)
    assert asked.status_code == 422 and 'name="together"' in asked.text
    await room.post("/orders/1002/parcels", tracking_number=SURE, together="yes")
    assert await room.status(second) == "shipped"
    refused = await room.post("/orders/1003/parcels", tracking_number=SURE, together="yes")
    assert refused.status_code == 422 and "somebody else" in shown(refused)
    assert await room.status(third) == "to_ship"


async def test_a_table_goes_out_and_comes_back_and_ships_once(room: BackRoom) -> None:
    for _ in range(2):
        await room.sells()
    await room.sells(who=ADA, device=ids.hashed("ada"))
    await room.post("/orders/1003/parcels", tracking_number="SF1408223100679")
    out = (await room.get("/orders/to-ship.csv?lang=zh-CN")).content
    assert (
        out.startswith(b"\xef\xbb\xbf") and "陈婉婷" in out.decode() and "1003" not in out.decode()
    )
    lines = [
        "订单号;快递公司;快递单号",
        f"1001;顺丰速运;'{SURE}",
        "1002;中通;7.53E+13",
        "1002",
        f"1003;顺丰;{OTHER}",
        f"9999;顺丰;{OTHER}",
        f"1001;顺丰;{SURE}",
        f"=1+1;顺丰;{OTHER}",
    ]
    page = await _bring(room, "\r\n".join(lines).encode("gb18030"))
    text = shown(page)
    assert "1 of 7 rows will ship" in text and "lost digits" in text
    assert (
        "shipped already" in text and "no such order" in text and "same order as in row 2" in text
    )
    assert await _count(room) == 1  # a look ships nothing
    rows = re.findall(r'<textarea name="rows"[^>]*>([^<]*)<', page.text)
    done = await room.follow(await room.post("/orders/many/parcels", rows=rows[0]))
    assert "1 order is on its way" in shown(done)
    again = await room.post("/orders/many/parcels", rows=rows[0])
    assert "shipped already" in shown(again)
    assert await _count(room) == 2
    slips = await room.get("/orders/slips?number=1001&number=1002&number=1003")
    assert slips.text.count("next-sheet") == 2 and "168" not in shown(slips)
    big = await _bring(room, b"a" * (50 * 1024 * 1024))
    assert big.status_code in (413, 422) and "larger than 2 MB" in shown(big)


async def _bring(room: BackRoom, content: bytes) -> httpx.Response:
    files = {"sheet": ("shipped.csv", content, "text/csv")}
    return await room.client.post(f"{room.root}/orders/many", files=files)


async def _count(room: BackRoom) -> int:
    async with room.world.house.database.connection() as conn:
        return int(await conn.fetchval("select count(*) from parcels"))


COLUMNS = {"number": frozenset({"订单号"}), "tracking": frozenset({"快递单号"})}


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_a_table_is_read_in_any_coding_and_with_any_mark(coding: str, mark: str) -> None:
    text = f'快递单号{mark}订单号\r\n"SF{mark}1"{mark}1001\r\n\r\n="75300"{mark}１００２\r\nSF3'
    rows = sheets.read(text.encode(coding), COLUMNS).rows
    assert [cells["number"] for _, cells in rows] == ["1001", "1002", ""]
    assert [cells["tracking"] for _, cells in rows] == [f"SF{mark}1", "75300", "SF3"]


def test_a_spreadsheet_that_lost_digits_is_caught() -> None:
    lost = ("7.53E+13", "7.53e13", "7,53E+13", "73123456789012300000")
    assert all(sheets.digits_lost(cell) for cell in lost)
    assert not any(sheets.digits_lost(cell) for cell in ("SF1408223100671", "731234567890", "5E"))


async def test_what_is_late_comes_first_and_says_so_where_it_is_shipped(room: BackRoom) -> None:
    sold = [await room.sells() for _ in range(5)]
    async with room.world.house.database.connection() as conn:
        for placed in (sold[1], sold[3]):  # a promise of twenty days before them, say
            await timers.cancel(conn, room.town.shop_id, placed.order_id, "ship_by")
        pages, beyond = [], None
        for _ in range(3):
            found = await order_lists.of_state(
                conn, room.town.shop_id, "to_ship", beyond=beyond, most=2
            )
            pages.append([row.number for row in found])
            beyond = pages[-1][-1]
    assert pages == [[1002, 1004], [1001, 1003], [1005]]
    page = await room.get("/orders")
    dock = page.text[page.text.index('class="dock"') : page.text.index("</form>\n<script")]
    assert "/orders/1002/parcels" in dock
    ends = i18n.when("en", room.world.at + shipping.SHIP_BY, room.world.at, SHANGHAI)
    assert i18n.t("en", "console.order.was_due", when=ends) not in shown(page)  # not on time yet
    room.world.later(hours=shipping.SHIP_BY.total_seconds() / 3600 + 1)
    page = await room.get("/orders")
    late = i18n.when("en", room.world.at - timedelta(hours=1), room.world.at, SHANGHAI)
    dock = page.text[page.text.index('class="dock"') : page.text.index("</form>\n<script")]
    assert i18n.t("en", "console.order.was_due", when=late) in dock
    assert [int(n) for n in re.findall(r'order-row" href="[^"]*/orders/(\d+)"', page.text)] == [
        1004, 1001, 1003, 1005,
    ]  # fmt: skip
