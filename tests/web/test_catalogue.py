"""Many goods at once through the console's pages: changes, categories, sheets in and out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest_asyncio

from littleshop import audit
from littleshop.i18n import t
from tests.catalog.foreign_sheets import SHOPIFY
from tests.web.back_room import BackRoom, shown
from tests.web.client import World, hidden


@pytest_asyncio.fixture
async def room(world: World, client: httpx.AsyncClient) -> BackRoom:
    made = BackRoom(world, client)
    await made.open()
    return made


async def post(room: BackRoom, path: str, **form: Any) -> httpx.Response:
    """A form with fields that come several times."""
    return await room.client.post(f"{room.root}{path}", data=form)


def carried(page: httpx.Response) -> dict[str, Any]:
    """What the page of a look sends on."""
    told: dict[str, Any] = {
        name: re.findall(rf'name="{name}"[^>]*?value="([^"]*)"', page.text)
        for name in ("mark", "price", "price_by", "rounding", "stock", "stock_by", "reason",
                     "status", "category", "category_new", "more_tags", "fewer_tags")
    }  # fmt: skip
    told["chosen"] = re.findall(r'<textarea name="chosen"[^>]*>([^<]*)<', page.text)[:1]
    return {name: value[:1] for name, value in told.items()}


async def rows(room: BackRoom, sql: str) -> list[tuple[Any, ...]]:
    async with room.world.house.database.connection() as conn:
        return [tuple(row) for row in await conn.fetch(sql, room.town.shop_id)]


PRICES = (
    "select p.title, v.price_minor, v.on_hand, p.category, p.tags from products p join variants v"
    " using (shop_id, product_id) where shop_id = $1 order by p.title"
)


async def test_many_are_changed_after_a_look_and_never_what_nobody_looked_at(
    room: BackRoom,
) -> None:
    cup = await room.world.add_product(room.client, room.town.shop_id, title="Cup", price="10.00")
    pot = await room.world.add_product(room.client, room.town.shop_id, title="Pot", price="99.00")
    await room.follow(await post(room, "/goods/categories", then="add", typed=" Tea "))
    taken = await post(room, "/goods/categories", then="add", typed="Tea")
    assert (taken.status_code, "Tea is there already" in shown(taken)) == (422, True)
    none = await room.follow(await post(room, "/goods/many"))
    assert "Tick something first" in shown(none)
    page = await post(room, "/goods/many", all="yes", q="", status="all")
    assert "Change 3 things" in shown(page) or "Change 2 things" in shown(page)
    chosen = carried(page)["chosen"]
    odd = await post(room, "/goods/many/look", chosen=chosen, price="percent", price_by="ten")
    assert (odd.status_code, "A per cent from" in shown(odd)) == (422, True)
    change = {"price": "percent", "price_by": "-10", "rounding": "nine", "stock": "add",
              "stock_by": "+2", "reason": "received", "category": "in:Tea",
              "more_tags": "new，tea"}  # fmt: skip
    look = await post(room, "/goods/many/look", chosen=chosen, **change)
    assert "¥10.00 → ¥8.90" in shown(look) and "¥99.00 → ¥88.90" in shown(look)
    before = await rows(room, PRICES)
    async with room.world.house.database.connection() as conn:
        await conn.execute(
            "update variants set cost_minor = 900 where shop_id = $1 and price_minor = 1000",
            room.town.shop_id,
        )
    stale = await post(room, "/goods/many/change", below_cost="yes", **carried(look))
    assert (stale.status_code, "look again" in shown(stale)) == (422, True)
    asked = await post(room, "/goods/many/change", **carried(stale))
    assert "below cost. Tick" in shown(asked) and await rows(room, PRICES) == before
    done = await post(room, "/goods/many/change", below_cost="yes", **carried(asked))
    assert "things are changed" in shown(await room.follow(done))
    twice = await post(room, "/goods/many/change", below_cost="yes", **carried(asked))
    assert twice.status_code == 422
    told = {title: rest for title, *rest in await rows(room, PRICES)}
    assert told["Cup"][0] == 890 and told["Pot"][0] == 8890
    assert told["Cup"][2:] == ["Tea", ["new", "tea"]]
    moves = await rows(room, "select reason, quantity from stock_movements where shop_id = $1"
                             " and person_id is not null order by at, movement_id")  # fmt: skip
    assert sorted(moves) == [("received", 2), ("received", 2), ("received", 10), ("received", 10)]
    assert "things at once" in shown(await room.get("/acts"))
    assert "Pot" in shown(await room.get("/goods?q=pot&category=Tea"))
    assert "Cup" not in shown(await room.get("/goods?q=pot"))
    assert (await room.get(f"/goods/{cup}")).status_code == 200 and pot
    async with room.world.house.database.connection() as conn:
        assert await audit.prove(conn) == []


async def test_another_shops_things_are_not_changed_and_its_sheets_not_seen(
    room: BackRoom, world: World
) -> None:
    mine = await room.world.add_product(room.client, room.town.shop_id, title="Cup", price="10.00")
    sent = await room.client.post(
        f"{room.root}/goods/imports", files={"sheet": ("my.csv", SHOPIFY.encode())}
    )
    which = sent.headers["location"].rpartition("/")[2]
    await world.work()
    other = BackRoom(world, world.browser())
    shop_id = await world.open_shop(other.client, "Other", "other", "139 0000 1009")
    other.town.shop_id, other.root = shop_id, f"/console/{shop_id}"
    look = await post(other, "/goods/many", product=[str(mine)])
    told = await post(other, "/goods/many/look", chosen=carried(look)["chosen"], status="hidden")
    assert "0 things will change" in shown(told)
    for path in ("", "/progress", "/report.csv"):
        assert (
            await other.client.get(f"{other.root}/goods/imports/{which}{path}")
        ).status_code == 404
    for path in ("/start", "/cancellation"):
        assert (await post(other, f"/goods/imports/{which}{path}")).status_code == 404
    assert (await other.client.get(f"{room.root}/goods/imports/{which}")).status_code == 404


async def test_a_sheet_is_handed_in_looked_at_run_and_reported(
    room: BackRoom, world: World
) -> None:
    sheet = SHOPIFY.replace("https://cdn.test", "ftp://cdn.test").encode("gb18030")
    empty = await room.client.post(f"{room.root}/goods/imports", data={"form_key": "x"})
    assert (empty.status_code, "Choose a file first" in shown(empty)) == (422, True)
    sent = await room.client.post(f"{room.root}/goods/imports", files={"sheet": ("=my.csv", sheet)})
    here = sent.headers["location"].removeprefix(room.root)
    assert "Reading" in shown(await room.get(here))
    await world.work()
    ready = shown(await room.get(here))
    assert "2 products would be new or changed" in ready and "row 6 No price" in ready
    await room.follow(await post(room, f"{here}/start"))
    running = await room.get(here)
    assert "data-poll" in running.text and "Products: 0 of 2" in shown(running)
    await world.work()
    done = shown(await room.get(f"{here}/progress"))
    assert "2 products are on your shelf" in done and "No public address" in done
    report = (await room.get(f"{here}/report.csv")).content.decode("utf-8-sig")
    assert "6,no-price,No price,Refused,,A price" in report.replace('"', "") or "Refused" in report
    table = (await room.get("/goods.csv")).content
    sent = await room.client.post(f"{room.root}/goods/imports", files={"sheet": ("b.csv", table)})
    await world.work()
    again = await room.follow(sent)
    assert "This file would change nothing" in shown(again)
    assert hidden(await room.get("/goods/imports"), "form_key")
    broken = await room.client.post(
        f"{room.root}/goods/imports", files={"sheet": ("c.xlsx", b"PK\x03\x04....")}
    )
    await world.work()
    assert "Excel workbook" in shown(await room.follow(broken))
    assert "Imported" in shown(await room.get("/acts"))


async def test_a_sheet_of_more_than_fifty_megabytes_is_refused_with_words_and_keeps_nothing(
    room: BackRoom,
) -> None:
    huge = b"Handle,Title\n" + b"a,b\n" * (51 * 1024 * 1024 // 4)
    no = await room.client.post(f"{room.root}/goods/imports", files={"sheet": ("a.csv", huge)})
    assert no.status_code == 422 and "a table can have 50 MB" in shown(no)
    table = b"number,tracking\n" + b"1001,SF1408223100671\n" * 150_000
    no = await room.client.post(f"{room.root}/orders/many", files={"sheet": ("b.csv", table)})
    assert no.status_code == 422 and "larger than 2 MB" in shown(no)
    async with room.world.house.database.connection() as conn:
        assert await conn.fetchval("select count(*) from imports") == 0


async def test_an_archive_that_cannot_be_read_is_said_on_the_pages_and_keeps_no_file(
    room: BackRoom, world: World, home: Path
) -> None:
    async def hands_in(seller: BackRoom, key: str, title: str, pictures: bytes) -> httpx.Response:
        sheet = f"handle,title,price,photos\na,{title},1,a.jpg\n".encode()
        chosen = {"sheet": ("a.csv", sheet), "pictures": ("a.zip", pictures)}
        data = {"form_key": key}
        return await seller.client.post(f"{seller.root}/goods/imports", data=data, files=chosen)

    def staged() -> list[str]:
        return sorted(each.name for each in (home / "files").glob("staged/*"))

    key = str(uuid4())
    refused = await hands_in(room, key, "Cup", b"Rar!....")
    assert refused.status_code == 422 and t("en", "errors.pictures_unreadable") in refused.text
    assert staged() == []
    sent = await hands_in(room, key, "Cup", b"PK\x03\x04 and no more")
    twice = await hands_in(room, key, "Pot", b"PK\x03\x04 of another")  # pressed again
    assert twice.headers["location"] == sent.headers["location"]
    other = BackRoom(world, world.browser())
    shop_id = await world.open_shop(other.client, "Other", "other", "139 0000 1009")
    other.town.shop_id, other.root = shop_id, f"/console/{shop_id}"
    theirs = await hands_in(other, key, "Lid", b"PK\x03\x04 of theirs")
    assert len(staged()) == 4  # a shop's own, though the form's key is the same
    await world.work()
    here = sent.headers["location"].removeprefix(room.root)
    ready = shown(await room.get(here))
    assert t("en", "errors.pictures_unreadable") in ready
    assert t("en", "catalogue.no_pictures.before") in ready
    await post(room, f"{here}/start")
    await world.work()
    done = shown(await room.get(here))
    assert t("en", "catalogue.no_pictures.after") in done and "Cup" in done and "Pot" not in done
    await post(other, f"{theirs.headers['location'].removeprefix(other.root)}/start")
    await world.work()
    assert await rows(other, "select title from products where shop_id = $1") == [("Lid",)]
    assert staged() == []
