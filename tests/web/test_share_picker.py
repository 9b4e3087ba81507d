"""The list of shares, narrowed to one product, and links made for it."""

from __future__ import annotations

from uuid import uuid4

import httpx
import pytest

from tests.web.client import World, says


async def two_things(world: World, client: httpx.AsyncClient) -> tuple[str, str, str]:
    """The address of the list, a gaiwan and a cup, each with a link, and the shop with one."""
    shop_id = await world.open_shop(client)
    gaiwan = await world.add_product(client, shop_id, "青灰釉盖碗")
    cup = await world.add_product(client, shop_id, "品茗杯一对")
    here = f"/console/{shop_id}/shares"
    for name, product in (("tea group", gaiwan), ("market", cup), ("moments", "")):
        answer = await client.post(here, data={"name": name, "product": product})
        assert answer.headers["location"] == here
    return here, gaiwan, cup


async def test_the_shares_of_one_product_are_listed_alone(
    world: World, client: httpx.AsyncClient
) -> None:
    here, gaiwan, _ = await two_things(world, client)
    everything = (await client.get(here)).text
    assert everything.count("data-copy=") == 3
    editor = await client.get(here.replace("shares", f"goods/{gaiwan}"))
    assert f"{here}?product={gaiwan}" in editor.text
    page = (await client.get(here, params={"product": gaiwan})).text
    assert page.count("data-copy=") == 1 and "tea group" in page and "market" not in page
    whole = (await client.get(here, params={"product": "shop"})).text
    assert whole.count("data-copy=") == 1 and "moments" in whole


async def test_a_link_made_in_a_narrowed_list_is_of_that_product_and_shown_there(
    world: World, client: httpx.AsyncClient
) -> None:
    here, gaiwan, _ = await two_things(world, client)
    page = (await client.get(here, params={"product": gaiwan})).text
    assert page.count(f'<option value="{gaiwan}" selected>') == 2  # the list and the new link
    form = {"name": "newsletter", "product": gaiwan, "chosen": gaiwan}
    answer = await client.post(here, data=form)
    assert answer.headers["location"] == f"{here}?product={gaiwan}"
    assert (await client.get(answer.headers["location"])).text.count("data-copy=") == 2
    answer = await client.post(here, data=form | {"name": "x" * 31})
    assert answer.status_code == 422 and says(answer, "en", "share_label_length", most=30)
    assert answer.text.count("data-copy=") == 2 and f'value="{"x" * 31}"' in answer.text


@pytest.mark.parametrize("odd", ["1", "../..", "<script>", "' or 1=1"])
async def test_a_list_of_no_product_of_this_shop_is_not_found(
    world: World, client: httpx.AsyncClient, odd: str
) -> None:
    here, gaiwan, _ = await two_things(world, client)
    assert (await client.get(here, params={"product": odd})).status_code == 404
    assert (await client.get(here, params={"product": str(uuid4())})).status_code == 404
    ben = world.browser()
    bens = await world.open_shop(ben, "Ben", "night-owl", "139 0000 1011")
    for chosen in ({"product": gaiwan}, {"product": "", "name": "x", "chosen": gaiwan}):
        answer = await ben.get(f"/console/{bens}/shares", params=chosen)
        assert answer.status_code == (404 if chosen["product"] else 200)
    answer = await ben.post(f"/console/{bens}/shares", data={"name": "x", "product": gaiwan})
    assert answer.status_code == 404
