"""Opening a shop through its pages: paths, resuming, what brought a person, double clicks."""

from __future__ import annotations

import re

import httpx
import pytest

from littleshop import i18n
from littleshop.shop import shops
from tests.web.client import ORIGIN, SELLER, World, hidden, photo, says

ID = "36020319920503120X"
CARD = "6222021502003456781"
LOCALES = pytest.mark.parametrize("locale", i18n.LOCALES)


async def test_from_the_front_page_the_steps_run_phone_identity_card_shop(
    world: World, client: httpx.AsyncClient
) -> None:
    await client.get("/open")
    await client.post("/open/phone", data={"phone": SELLER})
    await world.work()
    answer = await client.post("/open/phone/code", data={"code": world.code()})
    assert answer.headers["location"] == "/open"
    page = await client.get("/open")
    assert 'name="legal_name"' in page.text and "/skip" not in page.text
    shop = hidden(page, "shop")
    person = {"legal_name": "林小满", "id_number": ID, "consent": "yes", "shop": shop}
    answer = await client.post("/open/identity", data=person)
    assert answer.headers["location"] == f"/open?shop={shop}"
    page = await client.get(answer.headers["location"])
    assert 'name="card_number"' in page.text and "林**" in page.text and ID not in page.text
    await client.post("/open/card", data={"card_number": CARD, "shop": shop})
    page = await client.get("/open")
    assert 'name="slug"' in page.text
    answer = await client.post("/open/shop", data={"name": "小满茶器", "shop": shop})
    assert answer.headers["location"] == f"/console/{shop}/opened"
    page = await client.get(answer.headers["location"])
    assert "小满茶器" in page.text and "<svg" in page.text and "/open?shop=" in page.text
    assert f"{ORIGIN}/s/" in page.text  # what this link brings is counted
    assert page.text == (await client.get(answer.headers["location"])).text  # and it stays one
    await world.work()  # the register answers
    page = await client.get(answer.headers["location"])
    assert f'href="/open?shop={shop}"' not in page.text  # nothing waits any more


async def test_on_the_viral_path_a_name_opens_the_shop_and_the_rest_waits(
    world: World, client: httpx.AsyncClient
) -> None:
    first = await world.open_shop(world.browser(), "阿达", "ada", "139 0000 1009")
    seller = world.open_browsers[-1]
    product = await world.add_product(seller, first)
    query = f"?from=ada&share=&product={product}"
    page = await client.get(f"/open{query}")
    assert "青灰釉盖碗" in page.text and "阿达" in page.text
    shop_id = await world.open_shop(client, brought_by=query)
    async with world.house.database.connection() as conn:
        shop = await shops.get(conn, shop_id)
    assert (shop.brought_by_shop_id, str(shop.brought_by_product_id)) == (first, product)
    page = await client.get(f"/open?shop={shop_id}")
    assert 'action="/open/identity/skip"' in page.text
    answer = await client.post("/open/identity/skip", data={"shop": str(shop_id)})
    assert answer.headers["location"] == f"/console/{shop_id}"
    page = await client.get(f"/open/identity?shop={shop_id}")
    assert 'name="legal_name"' in page.text and "/skip" not in page.text


async def test_an_opening_goes_on_on_another_phone_and_remembers_who_brought_it(
    world: World, client: httpx.AsyncClient
) -> None:
    first = await world.open_shop(world.browser(), "阿达", "ada", "139 0000 1009")
    await client.get("/open?from=ada")
    await client.post("/open/phone", data={"phone": SELLER})
    await world.work()
    await client.post("/open/phone/code", data={"code": world.code()})
    world.later(minutes=2)
    other = world.browser("zh-CN")
    await world.sign_in(other)
    page = await other.get("/open")
    assert 'action="/open/shop"' in page.text
    shop_id = int(hidden(page, "shop"))
    saved = await other.get("/open/saved")
    assert "139 **** 1001" in saved.text
    async with world.house.database.connection() as conn:
        assert (await shops.get(conn, shop_id)).brought_by_shop_id == first


async def test_a_made_up_origin_brings_nobody(world: World, client: httpx.AsyncClient) -> None:
    for query in ("?from=nobody", "?share=7-abcdef", "?share=-%00", "?from=x&product=y"):
        assert (await client.get(f"/open{query}")).status_code == 200
    await client.post("/open/phone", data={"phone": SELLER})
    await world.work()
    await client.post("/open/phone/code", data={"code": world.code()})
    page = await client.get("/open")
    shop_id = int(hidden(page, "shop"))
    async with world.house.database.connection() as conn:
        shop = await shops.get(conn, shop_id)
    assert (shop.brought_by_shop_id, shop.brought_by_share) == (None, None)


async def test_a_double_click_on_opening_makes_one_shop(
    world: World, client: httpx.AsyncClient
) -> None:
    await world.sign_in(client)
    face = {"name": "小满茶器", "slug": "xiaoman"}
    first = await client.post("/open/shop", data=face)
    shop_id = first.headers["location"].split("/")[2]
    second = await client.post("/open/shop", data=face | {"shop": shop_id})
    assert first.headers["location"] == second.headers["location"]


async def test_two_tabs_before_the_first_step_are_the_same_shop(
    world: World, client: httpx.AsyncClient
) -> None:
    await world.sign_in(client)
    await identified_again(client)
    await identified_again(client)
    async with world.house.database.connection() as conn:
        assert await conn.fetchval("select count(*) from shops where shop_id > 0") == 1


async def identified_again(client: httpx.AsyncClient) -> None:
    sent = {"legal_name": "林小满", "id_number": ID, "consent": "yes"}
    assert (await client.post("/open/identity", data=sent)).status_code == 303


@LOCALES
async def test_a_taken_address_offers_a_free_one_and_keeps_the_rest(
    world: World, locale: str
) -> None:
    await world.open_shop(world.browser())
    client = world.browser(locale)
    await world.sign_in(client, "139 0000 1010")
    answer = await client.post(
        "/open/shop",
        data={"name": "小满", "slug": "xiaoman", "awning": "clay"},
        files={"picture": ("me.jpg", photo(), "image/jpeg")},
    )
    assert answer.status_code == 422
    assert says(answer, locale, "slug_taken", slug="xiaoman", free="xiaoman-shop")
    assert "/f/" in answer.text and 'value="clay" checked' in answer.text
    kept = hidden(answer, "picture_kept")
    again = {"name": "小满", "slug": "xiaoman-shop", "picture_kept": kept}
    answer = await client.post("/open/shop", data=again | {"shop": hidden(answer, "shop")})
    assert "/f/" in (await client.get(answer.headers["location"])).text


async def test_a_picture_that_is_none_is_said_beside_it_and_the_name_stays(
    world: World, client: httpx.AsyncClient
) -> None:
    await world.sign_in(client)
    answer = await client.post(
        "/open/shop",
        data={"name": "小满茶器"},
        files={"picture": ("me.jpg", b"hello, no picture", "image/jpeg")},
    )
    assert answer.status_code == 422 and says(answer, "en", "photo_not_a_picture")
    assert 'value="小满茶器"' in answer.text


async def test_a_bent_token_of_a_picture_names_no_picture(
    world: World, client: httpx.AsyncClient
) -> None:
    await world.sign_in(client)
    bent = {"name": "小满茶器", "picture_kept": "AAAA" * 20}
    answer = await client.post("/open/shop", data=bent)
    assert "/f/" not in (await client.get(answer.headers["location"])).text


async def test_a_step_that_outlived_its_session_leads_to_signing_in_and_back(
    world: World, client: httpx.AsyncClient
) -> None:
    await world.sign_in(client)
    await client.post("/sign-out")
    answer = await client.post("/open/shop", data={"name": "小满茶器"})
    assert answer.headers["location"] == "/sign-in?next=%2Fopen"


async def test_another_persons_opening_does_not_exist(
    world: World, client: httpx.AsyncClient
) -> None:
    shop_id = await world.open_shop(client)
    stranger = world.browser()
    await world.sign_in(stranger, "139 0000 1011")
    for path in (f"/open?shop={shop_id}", f"/open/card?shop={shop_id}", "/open?shop=x"):
        assert (await stranger.get(path)).status_code == 404
    answer = await stranger.post("/open/identity", data={"shop": str(shop_id)})
    assert answer.status_code == 404
    assert (await stranger.get(f"/console/{shop_id}/opened")).status_code == 404


async def test_a_shop_name_with_marks_is_shown_as_it_was_typed(
    world: World, client: httpx.AsyncClient
) -> None:
    await world.sign_in(client)
    answer = await client.post("/open/shop", data={"name": "<b>Ada</b> & 🧵", "slug": "ada"})
    page = await client.get(answer.headers["location"])
    assert "&lt;b&gt;Ada&lt;/b&gt; &amp; 🧵" in page.text and "<b>Ada" not in page.text


async def test_the_viral_path_asks_for_few_fields(world: World, client: httpx.AsyncClient) -> None:
    await world.open_shop(world.browser(), "阿达", "ada", "139 0000 1009")
    seen = 0
    page = await client.get("/open?from=ada")
    seen += fields(page)
    await client.post("/open/phone", data={"phone": SELLER})
    await world.work()
    seen += fields(await client.get("/open/phone/code"))
    await client.post("/open/phone/code", data={"code": world.code()})
    seen += fields(await client.get("/open"))
    assert seen <= 9


def fields(page: httpx.Response) -> int:
    """Fields a person can fill in; radios of one name are one choice."""
    found = re.findall(r"<input ([^>]*)>|<select|<textarea", page.text)
    shown = [each for each in found if 'type="hidden"' not in each and "readonly" not in each]
    names = [re.search(r'name="([^"]*)"', each) for each in shown]
    return len({name[1] for name in names if name})


async def test_the_other_language_keeps_the_shop_that_is_being_opened(
    world: World, client: httpx.AsyncClient
) -> None:
    shop_id = await world.open_shop(client)
    page = await client.get(f"/open/identity?shop={shop_id}")
    other = f"/open/identity?shop={shop_id}&amp;lang=zh-CN"
    assert f'href="{other}"' in page.text
    page = await client.get(other.replace("&amp;", "&"))
    assert 'lang="zh-CN"' in page.text and hidden(page, "shop") == str(shop_id)
    assert 'lang="zh-CN"' in (await client.get("/sign-in/code?x", follow_redirects=True)).text


@LOCALES
async def test_who_keeps_a_shop_already_opens_another_one(world: World, locale: str) -> None:
    client = world.browser(locale)
    first, second = (i18n.t(locale, f"opening.{key}") for key in ("title", "another"))
    assert f"<h1>{first}</h1>" in (await client.get("/open")).text
    await world.open_shop(client)
    page = (await client.get("/open")).text
    assert f"<h1>{second}</h1>" in page and first not in page
    assert "小满茶器" not in page  # nothing of the first shop stands in the form of the second
