"""Two have one form open: what one of them saved, the other's older page does not put back."""

from __future__ import annotations

import re

import httpx
import pytest
import pytest_asyncio

from tests.web.back_room import BackRoom
from tests.web.client import World
from tests.web.open_form import Editor


@pytest_asyncio.fixture
async def room(world: World, client: httpx.AsyncClient) -> BackRoom:
    made = BackRoom(world, client)
    await made.open()
    return made


async def opens(room: BackRoom, path: str) -> Editor:
    return await Editor(room.client, f"{room.root}{path}").opens()


async def test_the_face_of_a_shop(room: BackRoom) -> None:
    first, second = [await opens(room, "/settings/shop") for _ in range(2)]
    assert (await first.saves(line="手作茶器", place="景德镇")).status_code == 303
    assert (await second.saves(seller="小满")).status_code == 303
    now = (await opens(room, "/settings/shop")).fields
    assert (now["line"], now["place"], now["seller"]) == ("手作茶器", "景德镇", "小满")
    asked = await second.saves(line="另一句")
    assert asked.status_code == 422 and "changed this to “手作茶器”" in asked.text
    assert (await second.saves()).status_code == 303
    assert (await opens(room, "/settings/shop")).fields["line"] == "另一句"


async def test_what_is_noted_of_a_customer(room: BackRoom) -> None:
    await room.sells()
    found = re.search(rf'href="{room.root}(/people/[0-9a-f]+)"', (await room.get("/people")).text)
    assert found is not None
    first, second = [await opens(room, found[1]) for _ in range(2)]
    assert (await first.saves(notes="爱喝岩茶")).status_code == 303
    assert (await second.saves(tags="熟客")).status_code == 303
    now = await opens(room, found[1])
    assert (now.fields["notes"], now.fields["tags"]) == ("爱喝岩茶", "熟客")
    asked = await first.saves(tags="贵客")
    assert asked.status_code == 422 and "changed this to “熟客”" in asked.text


WHOLE = [
    ("/settings/shipping", {"mode": "flat", "fee": "8"}, {"mode": "free"}),
    (
        "/settings/local",
        {"point": "30.25, 120.16", "band-0-km": "3", "band-0-fee": "5"},
        {"point": "30.25, 120.16", "band-0-km": "5", "band-0-fee": "9"},
    ),
    ("/goods/{product}/team", {"seats": "3", "price-0": "90"}, {"seats": "5", "price-0": "80"}),
    (
        "/goods/{product}/resale",
        {"supply-0": "70", "open_to": "all", "then": "offer"},
        {"supply-0": "60", "open_to": "link", "then": "offer"},
    ),
]


@pytest.mark.parametrize(("path", "first", "second"), WHOLE)
async def test_what_means_something_as_a_whole_is_looked_at_before_it_is_written_over(
    room: BackRoom, path: str, first: dict[str, str], second: dict[str, str]
) -> None:
    product = await room.world.add_product(room.client, room.town.shop_id, price="100.00")
    here = path.format(product=product)
    mine, theirs = [await opens(room, here) for _ in range(2)]
    assert (await theirs.saves(**first)).status_code == 303
    now = (await opens(room, here)).fields["showed"]
    answer = await mine.saves(**second)
    assert answer.headers["location"] == f"{room.root}{here}"
    assert "This is how it stands now" in (await room.follow(answer)).text
    again = await opens(room, here)
    assert again.fields["showed"] == now, "nothing was written over"
    assert (await again.saves(**second)).status_code == 303
    assert (await opens(room, here)).fields["showed"] != now
