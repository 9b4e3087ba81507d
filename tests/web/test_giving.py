"""Groups, privileges and coupons, through the forms of a seller: what is made, what is refused, and
who did it."""

from __future__ import annotations

import re

import httpx
import pytest
import pytest_asyncio

from tests.cast import CNY
from tests.web.back_room import BackRoom, shown
from tests.web.client import World, hidden

COUPON = {"code": "spring 20", "label": "春茶券", "kind": "fixed", "off": "20", "least": "100",
          "most": "50", "each": "1", "channel": "", "from": "", "until": ""}  # fmt: skip


@pytest_asyncio.fixture
async def room(world: World, client: httpx.AsyncClient) -> BackRoom:
    made = BackRoom(world, client)
    await made.open()
    return made


async def acts(room: BackRoom) -> str:
    return shown(await room.get("/acts"))


async def refuses_groups(room: BackRoom, empty: dict[str, str]) -> None:
    """What is typed wrongly is said at its field, and stays in it."""
    for bad in (
        {"name": "熟客"},  # no rule
        {"orders": "1"},  # no name
        {"name": "熟客", "orders": "-1"},
        {"name": "熟客", "orders": "9" * 8},
        {"name": "熟客", "spent": "1e3"},
        {"name": "熟客", "after": "2026-02-30"},
        {"name": "熟客", "quiet": "many"},
        {"name": "熟" * 200, "orders": "1"},
    ):
        answer = await room.post("/groups", **(empty | bad))
        assert answer.status_code == 422 and 'class="wrong"' in answer.text, bad
        assert all(value in answer.text for value in bad.values()), bad


async def test_a_group_and_its_privilege_are_made_shown_and_ended(room: BackRoom) -> None:
    await room.sells()
    empty = {"name": "", "orders": "", "spent": "", "tag": "", "after": "", "before": "",
             "quiet": "", "form_key": hidden(await room.get("/groups"), "form_key")}  # fmt: skip
    await refuses_groups(room, empty)
    went = [await room.post("/groups", **(empty | {"name": "熟客", "orders": "1"})) for _ in "ab"]
    group = went[0].headers["location"].removeprefix(room.root).partition("?")[0]
    page = await room.get(group)
    assert "陈婉婷" in page.text and "熟客" in page.text
    give = re.search(rf'href="{room.root}(/privileges/new\?for=[^"]+)"', page.text)
    assert give is not None
    whom = give[1].partition("for=")[2]
    key = hidden(await room.get(f"{give[1]}&kind=percent"), "form_key")
    form = {"for": whom, "kind": "percent", "label": "九折", "percent": "10", "from": "",
            "until": "", "form_key": key}  # fmt: skip
    for bad in (
        {"percent": ""}, {"percent": "100"}, {"percent": "-5"}, {"percent": "abc"},
        {"label": ""}, {"until": "yesterday"}, {"until": "2020-01-01"},
    ):  # fmt: skip
        answer = await room.post("/privileges/new", **(form | bad))
        assert answer.status_code == 422 and 'class="wrong"' in answer.text, bad
    for bad in ({"for": "f" * 64}, {"for": "nobody"}, {"kind": "free money"}):
        assert (await room.post("/privileges/new", **(form | bad))).status_code in (404, 422), bad
    assert "九折" not in shown(await room.get("/privileges"))
    for _ in range(2):  # a double press
        await room.post("/privileges/new", **form)
    listed = await room.get("/privileges")
    assert shown(listed).count("九折") == 1 and "九折" in shown(await room.get(group))
    end = re.search(rf'action="{room.root}(/privileges/[0-9a-f-]+/end)"', listed.text)
    assert end is not None
    assert (await room.post(end[1])).status_code == 303
    assert (await room.post(end[1])).status_code == 404  # it is over
    said = await acts(room)
    assert said.count("Gave a privilege: 九折") == 1 == said.count("Ended a privilege: 九折")
    person = re.search(rf'href="{room.root}(/people/[0-9a-f]+)"', page.text)
    assert person is not None
    assert "/privileges/new?for=" in (await room.get(person[1])).text
    assert (await room.post(f"{group}/removal")).status_code == 303
    assert (await room.client.get(room.root + group)).status_code == 404
    await room.town.books_balance()


@pytest.mark.parametrize(
    "bad",
    [
        {"code": ""}, {"code": "a b!"}, {"label": ""}, {"label": "长" * 60}, {"off": "0"},
        {"off": "-1"}, {"off": "x"}, {"kind": "percent", "off": "100"}, {"least": "10"},
        {"most": "0"}, {"most": "9" * 9}, {"each": "-1"}, {"until": "2020-01-01"},
        {"from": "31.12."}, {"channel": "1-abcde"},
    ],
    ids=str,
)  # fmt: skip
async def test_a_coupon_that_cannot_be_is_refused_at_its_field(
    room: BackRoom, bad: dict[str, str]
) -> None:
    answer = await room.post("/coupons/new", **(COUPON | bad))
    assert answer.status_code == 422 and 'class="wrong"' in answer.text
    assert "春茶券" not in shown(await room.get("/coupons"))


async def test_a_coupon_is_kept_to_an_entrance_of_the_list_and_paused(room: BackRoom) -> None:
    assert "Make an entrance" in shown(await room.get("/coupons/new"))
    await room.post("/entrances", kind="counter", name="集市")
    new = await room.get("/coupons/new")
    code = re.search(r'<option value="([^"]+)">Only by the entrance 集市', new.text)
    assert code is not None
    form = COUPON | {"channel": code[1], "form_key": hidden(new, "form_key")}
    went = [await room.post("/coupons/new", **form) for _ in range(2)]
    assert went[0].headers["location"] == went[1].headers["location"]
    one = went[0].headers["location"].removeprefix(room.root).partition("?")[0]
    page = await room.get(one)
    assert "集市" in shown(page) and "SPRING20" in page.text
    again = await room.post("/coupons/new", **COUPON)
    assert again.status_code == 422 and "SPRING" in again.text.upper()  # the code is taken
    for then in ("pause", "pause", "resume"):
        await room.post(one, then=then)
    said = await acts(room)
    for told in ("Made the coupon", "Paused the coupon", "Had the coupon"):
        assert said.count(told) == 1, told


async def test_a_refund_proposes_what_was_paid_for_the_chosen_pieces(room: BackRoom) -> None:
    room.town.at = room.world.at
    bowl, cup = await room.town.stock(), await room.town.stock("品茗杯", CNY("0.10"))
    wanted = [type(bowl)(bowl.variant_id, 1), type(cup)(cup.variant_id, 3)]
    paid = CNY("168.30")
    await room.town.buys(wanted, paid)
    page = await room.get("/orders/1001")
    bowls, cups = re.findall(r'name="(back-\d+)"', page.text)
    form = {"then": "propose", "reason": "碎了", "amount": "", "form_key": "k"}
    for pieces, sum_ in (({bowls: "1"}, "168.00"), ({cups: "2"}, "0.20"),
                         ({bowls: "1", cups: "3"}, "168.30"), ({}, "0.00")):  # fmt: skip
        answer = await room.post("/orders/1001/refunds", **form, **pieces)
        asked = re.search(r'<input[^>]*name="amount"[^>]*value="([^"]*)"', answer.text)
        assert answer.status_code == 200 and asked is not None and asked[1] == sum_, pieces
    for bad in ({cups: "4"}, {cups: "-1"}, {cups: "x"}, {bowls: "1.5"}):
        answer = await room.post("/orders/1001/refunds", **form, **bad)
        assert answer.status_code == 422 and 'class="wrong"' in answer.text, bad
    assert "went back" not in shown(await room.get("/orders/1001"))  # nothing has moved
    await room.town.books_balance()


async def test_what_is_done_to_goods_and_orders_is_written_down_once(room: BackRoom) -> None:
    product = await room.world.add_product(room.client, room.town.shop_id)
    for status in ("hidden", "hidden", "on_sale"):
        await room.post(f"/goods/{product}/status", status=status)
    await room.sells()
    key = hidden(await room.get("/orders/1001"), "form_key")
    for _ in range(2):
        await room.post("/orders/1001/refunds", amount="8", reason="碎了一角", form_key=key)
    await room.sells()
    await room.post("/orders/1002/cancellation", reason="缺货")
    said = await acts(room)
    for told in (
        "Took 青灰釉盖碗 off the shelf", "Put 青灰釉盖碗 on sale",
        "Gave ¥8.00 back on order 1001", "Called off order 1002",
    ):  # fmt: skip
        assert said.count(told) == 1, (told, said)
    await room.town.books_balance()
