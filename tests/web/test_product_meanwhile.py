"""Two have one product open: what one of them saved, the other's older page does not put back."""

from __future__ import annotations

from uuid import UUID

import httpx
import pytest_asyncio

from littleshop.catalog import products
from tests.web.client import World, chosen, photo
from tests.web.open_form import NO_FILE, Editor


class Bench:
    """A product, and as many open pages of it as a test likes."""

    def __init__(self, world: World, client: httpx.AsyncClient, shop_id: int, product: str) -> None:
        self.world, self.client = world, client
        self.shop_id, self.product_id = shop_id, UUID(product)
        self.here = f"/console/{shop_id}/goods/{product}"

    async def open(self) -> Editor:
        return await Editor(self.client, self.here).opens()

    async def has(self) -> tuple[str, str, dict[tuple[str, ...], int]]:
        """Title, description, prices."""
        async with self.world.house.database.connection() as conn:
            product = await products.get(conn, self.shop_id, self.product_id)
            rows = await products.variants(conn, self.shop_id, self.product_id)
        return product.title, product.description, {each.choice: each.price_minor for each in rows}


@pytest_asyncio.fixture
async def bench(world: World, client: httpx.AsyncClient) -> Bench:
    shop_id = await world.open_shop(client)
    product = await world.add_product(client, shop_id, title="双击茶", price="12.00")
    return Bench(world, client, shop_id, product)


async def with_sizes(bench: Bench) -> None:
    editor = await bench.open()
    sizes = {"axis-0-name": "大小", "axis-0-values": "大, 小"}
    page = await bench.client.post(
        bench.here, data=editor.fields | sizes | {"then": "variants"}, files=NO_FILE
    )
    editor.reads(page)
    prices = {editor.row("大"): "30", editor.row("小"): "20"}
    stocks = {name.replace("price", "stock"): "5" for name in prices}
    answer = await bench.client.post(
        bench.here, data=editor.fields | prices | stocks | {"then": "save"}, files=NO_FILE
    )
    assert answer.status_code == 303, answer.text


async def test_a_page_that_left_the_price_alone_does_not_put_it_back(bench: Bench) -> None:
    first, second = await bench.open(), await bench.open()
    assert (await first.saves(title="二手涨价了", price="99.00")).status_code == 303
    assert (await second.saves(description="新的一句")).status_code == 303
    assert await bench.has() == ("二手涨价了", "新的一句", {(): 99_00})


async def test_what_both_changed_is_said_and_taken_when_it_is_said_again(bench: Bench) -> None:
    first, second = await bench.open(), await bench.open()
    await first.saves(title="他的", price="99.00")
    answer = await second.saves(title="我的", price="15.00")
    assert answer.status_code == 422
    assert "changed this to “他的”" in answer.text and "changed this to “99.00”" in answer.text
    assert await bench.has() == ("他的", "", {(): 99_00})
    assert second.fields["title"] == "我的", "what was typed stands there still"
    assert (await second.saves()).status_code == 303
    assert await bench.has() == ("我的", "", {(): 15_00})


async def test_the_prices_of_variants_stand_each_for_itself(bench: Bench) -> None:
    await with_sizes(bench)
    first, second = await bench.open(), await bench.open()
    assert (await first.saves(**{first.row("大"): "33"})).status_code == 303
    assert (await second.saves(**{second.row("小"): "22"})).status_code == 303
    assert (await bench.has())[2] == {("大",): 33_00, ("小",): 22_00}
    third, fourth = await bench.open(), await bench.open()
    await third.saves(**{third.row("大"): "40"})
    answer = await fourth.saves(**{fourth.row("大"): "50"})
    assert answer.status_code == 422 and "changed this to “40.00”" in answer.text


async def test_variants_that_came_meanwhile_stay(bench: Bench) -> None:
    old = await bench.open()
    await with_sizes(bench)
    assert (await old.saves(description="新的一句")).status_code == 303
    _, description, prices = await bench.has()
    assert (description, prices) == ("新的一句", {("大",): 30_00, ("小",): 20_00})


async def test_whoever_changes_the_options_too_is_asked_to_look(bench: Bench) -> None:
    old = await bench.open()
    await with_sizes(bench)
    other = {"axis-0-name": "颜色", "axis-0-values": "青, 白"}
    page = await bench.client.post(
        bench.here, data=old.fields | other | {"then": "variants"}, files=NO_FILE
    )
    assert page.status_code == 422 and "This is how it stands now" in page.text
    assert (await bench.has())[2] == {("大",): 30_00, ("小",): 20_00}


async def test_a_press_for_photos_puts_no_price_back_either(bench: Bench) -> None:
    first, second = await bench.open(), await bench.open()
    await first.saves(price="99.00")
    files = chosen(photo(640, 480))
    await second.client.post(f"{bench.here}/photos", data=second.fields, files=files)
    assert (await bench.has())[2] == {(): 99_00}
