"""The stockroom's pages: the owner buys, counts and values; staff receives; strangers see none."""

from __future__ import annotations

import re
from dataclasses import replace

import httpx
import pytest_asyncio

from littleshop import http, ids
from littleshop.pricing.quotes import Item
from littleshop.shop import staff
from tests.cast import CNY
from tests.notify.test_push import ENDPOINT
from tests.sale.test_alerting import listens
from tests.web.back_room import BackRoom, shown
from tests.web.buyers_phone import NUMBER, Wanting
from tests.web.client import World, hidden

STAFF = "13900001002"


@pytest_asyncio.fixture
async def room(world: World, client: httpx.AsyncClient) -> BackRoom:
    made = BackRoom(world, client)
    await made.open()
    return made


async def hires(room: BackRoom) -> httpx.AsyncClient:
    """Somebody packs in the shop."""
    phone = room.world.browser()
    await room.world.sign_in(phone, STAFF)
    async with room.world.house.database.connection() as conn:
        person_id = await conn.fetchval(
            "select person_id from people where person_id not in (select person_id from staff)"
        )
        await staff.add(conn, room.town.shop_id, person_id, role="packer", at=room.world.at)
    return phone


async def test_a_purchase_is_ordered_scanned_in_counted_and_valued(room: BackRoom) -> None:
    product = await room.world.add_product(room.client, room.town.shop_id, title="=gaiwan")
    thing = f"/goods/{product}/stock"
    variant = re.search(r'name="barcode-([0-9a-f-]+)"', (await room.get(thing)).text)
    assert variant is not None
    fields = {"cost": "x", "barcode": " 6901 2345 ", "mark": "2"}
    wrong = await room.post(thing, **{f"{k}-{variant[1]}": v for k, v in fields.items()})
    assert (wrong.status_code, 'value=" 6901 2345 "' in wrong.text) == (422, True)
    assert "nobody said what a piece costs" in shown(await room.get("/stock/value"))
    fields["cost"] = "20"
    await room.follow(await room.post(thing, **{f"{k}-{variant[1]}": v for k, v in fields.items()}))
    form_key = hidden(await room.get("/stock/suppliers/new"), "form_key")
    kiln = {"name": "Longquan", "contact": "+86 139 0000 9999", "form_key": form_key}
    await room.follow(await room.post("/stock/suppliers/new", **kiln))
    went = await room.post("/stock/purchases", supplier=form_key, expected="2026-12-01")
    bought = went.headers["location"].removeprefix(room.root)
    await room.follow(await room.post(f"{bought}/lines", code="69012345", pieces="10", cost="30"))
    await room.follow(await room.post(bought, then="order"))
    phone = await hires(room)
    page = await phone.get(f"{room.root}{bought}")
    assert "¥" not in shown(page), "staff receives, and sees no costs"
    scan = {"code": "69012345", "pieces": "8", "form_key": hidden(page, "form_key")}
    for _ in range(2):
        await phone.post(f"{room.root}{bought}/receipts", data=scan)
    unknown = await phone.post(f"{room.root}{bought}/receipts", data=scan | {"code": "SF14"})
    assert "No thing has the code SF14" in shown(await phone.get(unknown.headers["location"]))
    asked = await room.post(f"{bought}/receipts", code="69012345", pieces="3", form_key=form_key)
    assert (asked.status_code, "8 are here, now 3 more" in shown(asked)) == (422, True)
    sure = {name: hidden(asked, name) for name in ("code", "pieces", "form_key", "more")}
    came = await room.follow(await room.post(f"{bought}/receipts", **sure))
    assert "11 of 10 came" in shown(came)
    story = shown(await room.get(thing))
    assert "Purchase 1 +8" in story and "Purchase 1 +3" in story and "139 **** 1002" in story
    begun = await room.post("/stock/counts")
    count = begun.headers["location"].removeprefix(room.root)
    await phone.post(f"{room.root}{count}", data={"code": "69012345", "pieces": "19"})
    await phone.post(f"{room.root}{count}", data={"code": "69012345"})  # one more, scanned
    assert (await phone.post(f"{room.root}{count}/end", data={"then": "book"})).status_code == 404
    assert "Counted 20, should be 21 " in shown(await room.get(count))
    await room.follow(await room.post(f"{count}/end", then="book"))
    worth = shown(await room.get("/stock/value"))
    assert "¥504.60" in worth  # 20 pieces; one costs the average of 10 at 20, 8 and 3 at 30
    table = (await room.get("/stock/value.csv")).content.decode("utf-8-sig").splitlines()
    assert table[1] == "'=gaiwan,,,69012345,20,0,20,168.00,25.23,142.77,504.60"
    await packs(room, phone, bought, form_key)
    await others(room, thing, bought, count, form_key)
    await room.town.books_balance()


async def test_what_lies_there_and_what_can_be_bought_have_each_one_word(room: BackRoom) -> None:
    product = await room.world.add_product(room.client, room.town.shop_id, title="gaiwan")
    async with room.world.house.database.connection() as conn:
        await conn.execute("update variants set on_hand = 10, held = 4")
    stock = shown(await room.get(f"/goods/{product}/stock"))
    assert "On hand: 10 · 4 held for orders · Available: 6" in stock
    assert "Available: 6" in shown(await room.get("/goods"))
    editor = (await room.get(f"/goods/{product}")).text
    assert "On hand" in editor and 'value="10"' in editor and "How many" not in editor
    table = (await room.get("/stock/value.csv")).content.decode("utf-8-sig").splitlines()
    assert "on hand,held for orders,available" in table[0] and ",10,4,6," in table[1]
    chinese = {"accept-language": "zh-CN"}
    there = await room.client.get(f"{room.root}/goods/{product}/stock", headers=chinese)
    assert "在库 10 件 · 订单占用 4 件 · 可售 6 件" in shown(there)


async def packs(room: BackRoom, phone: httpx.AsyncClient, bought: str, form_key: str) -> None:
    """What a packer sees and does in the stockroom, and what is written down of it."""
    for path in ("", "/low", "/purchases", "/counts"):
        assert (await phone.get(f"{room.root}/stock{path}")).status_code == 200
    for path in ("/value", "/value.csv", "/suppliers", f"/suppliers/{form_key}"):
        assert (await phone.get(f"{room.root}/stock{path}")).status_code == 404
    for path in ("/low", "/purchases", bought.removeprefix("/stock")):
        answer = await phone.post(f"{room.root}/stock{path}", data={"supplier": form_key})
        assert answer.status_code == 404, path
    acts = shown(await room.get("/acts"))
    for said in ("booked it: 1 of it differed", "Received 8 × =gaiwan", "mark of =gaiwan"):
        assert acts.count(said) == 1, said


async def others(room: BackRoom, thing: str, bought: str, count: str, supplier: str) -> None:
    """Another shop's owner, with these ids in his own shop and in this one."""
    stranger = room.world.browser()
    root = f"/console/{await room.world.open_shop(stranger, 'b', 'bbb', '13900001003')}"
    for place in (root, room.root):
        for path in (thing, bought, count, f"/stock/suppliers/{supplier}"):
            assert (await stranger.get(f"{place}{path}")).status_code == 404, path
            assert (await stranger.post(f"{place}{path}", data={})).status_code in (404, 303), path
        scan = {"code": "69012345", "pieces": "1"}
        for path in (f"{bought}/receipts", f"{bought}/lines", f"{count}/end"):
            answer = await stranger.post(f"{place}{path}", data=scan)
            assert answer.status_code in (404, 303), path


async def on_its_way_back(room: BackRoom, pieces: int) -> Wanting:
    """A buyer sends all that she bought back."""
    wanting = Wanting(room, room.world.browser())
    token = http.device_token(room.world.house.keyring, "wanting's phone")
    wanting.phone.cookies.set(http.DEVICE, token)
    bowl = await room.town.stock()
    wanting.placed = await room.town.buys(
        [Item(bowl.variant_id, pieces)], CNY(f"{168 * pieces}.00"), device=ids.hashed(token)
    )
    await room.town.ships(wanting.placed)
    await wanting.asks("return", "not_as_described")
    await room.follow(await wanting.seller("agreement", words="林小满 13900001001\n西湖边 3 号亭"))
    assert (await wanting.acts("parcel", tracking_number=NUMBER, carrier="")).status_code == 303
    return wanting


async def test_the_packer_takes_in_what_came_back_and_sees_and_moves_no_money(
    room: BackRoom,
) -> None:
    wanting = await on_its_way_back(room, 3)
    phone = await hires(room)
    await both_listen(room)
    assert "1 parcel is on its way back" in shown(await phone.get(f"{room.root}/stock"))
    page = await phone.get(f"{room.root}/stock/returned")
    assert "SF12 3456 7890 123" in shown(page) and "3 expected" in shown(page)
    assert "¥" not in page.text
    where = re.search(r'action="[^"]+(/stock/returned/[0-9a-f-]+)"', page.text)
    names = re.findall(r'name="((?:good|spoilt)-[0-9a-f-]+)"', page.text)
    assert where is not None and len(names) == 2
    told = {"variant": hidden(page, "variant")}
    for typed, said in (
        (("3", "1"), "more than was sent out"),
        (("0", "0"), "Say how many came back"),
        (("x", "0"), "whole number"),
    ):
        wrong = await phone.post(
            room.root + where[1], data=told | dict(zip(names, typed, strict=True))
        )
        assert (wrong.status_code, said in shown(wrong)) == (422, True), typed
    before = await in_stock(room)
    for _ in range(2):  # a second press finds it done
        went = await phone.post(
            room.root + where[1], data=told | dict(zip(names, "21", strict=True))
        )
        assert went.status_code == 303
    assert await in_stock(room) == before + 2
    assert await rang(room) == [("goods_in_return", {"good": 2, "spoilt": 1})]  # once, the owner
    assert "Nothing is on its way back" in shown(await phone.get(f"{room.root}/stock/returned"))
    assert (await wanting.case()).status == "sent_back"  # the money waits for who may give it
    assert (
        await phone.get(f"{room.root}/orders/{wanting.placed.number}/cases/1")
    ).status_code == 404
    desk = await wanting.desk("/cases/1")
    assert "What came back is unpacked" in shown(desk) and "on its way back" not in shown(desk)
    assert "2 good, 1 spoilt" in shown(desk) and 'name="to_shelf"' not in desk.text
    await room.follow(await wanting.seller("receipt", to_shelf="yes"))
    assert (await wanting.case()).status == "refunding"
    assert await in_stock(room) == before + 2  # it is there already
    acts = shown(await room.get("/acts"))
    assert "Put into stock what came back of order" in acts
    await wanting.rail_sends_back()
    await room.town.books_balance()


async def test_who_may_give_the_money_is_not_told_what_he_took_in_himself(room: BackRoom) -> None:
    await on_its_way_back(room, 1)
    await both_listen(room)
    page = await room.get("/stock/returned")
    where = re.search(r'action="[^"]+(/stock/returned/[0-9a-f-]+)"', page.text)
    variant = hidden(page, "variant")
    assert where is not None
    went = await room.post(where[1], variant=variant, **{f"good-{variant}": "1"})
    assert went.status_code == 303
    assert await rang(room) == []
    await room.town.books_balance()


async def both_listen(room: BackRoom) -> None:
    """Everybody in the shop has a browser that wants to be told."""
    async with room.world.house.database.connection() as conn:
        for member in await staff.of_shop(conn, room.town.shop_id):
            his = replace(room.town, person_id=member.person_id)
            await listens(his, f"{ENDPOINT}/{member.role}")


async def rang(room: BackRoom) -> list[tuple[str, dict[str, int]]]:
    """What was said of goods that are in, each time to the owner's browser."""
    async with room.world.house.database.connection() as conn:
        rows = await conn.fetch(
            "select m.about, m.channel, m.facts, s.role from messages m"
            " left join staff s on s.shop_id = m.shop_id and s.person_id = m.person_id"
            " where m.about like 'goods_in%'"
        )
    assert {(row["channel"], row["role"]) for row in rows} <= {("push", "owner")}
    return [(row["about"], {k: row["facts"][k] for k in ("good", "spoilt")}) for row in rows]


async def in_stock(room: BackRoom) -> int:
    async with room.world.house.database.connection() as conn:
        return int(await conn.fetchval("select sum(on_hand) from variants"))
