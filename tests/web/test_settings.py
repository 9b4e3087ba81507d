"""The settings of a shop through the pages: its face, postage, a rest, notices."""

from __future__ import annotations

import re
from uuid import UUID

import httpx
import msgspec
import pytest

from littleshop import i18n
from littleshop.entry import choosing_payee
from littleshop.notify import messages
from littleshop.shop import payees, shops
from littleshop.shop.shops import Face
from tests.cast import Town
from tests.settlement.paper_bank import verify
from tests.web.back_room import shown
from tests.web.client import SVG, World, chosen, hidden, photo, says

LOCALES = pytest.mark.parametrize("locale", i18n.LOCALES)


async def test_postage_is_read_like_a_price_and_shown_in_one_line(
    world: World, client: httpx.AsyncClient
) -> None:
    shop_id = await world.open_shop(client)
    here = f"/console/{shop_id}/settings/shipping"
    sent = {"mode": "flat", "fee": "8", "free_over": "99"}
    answer = await client.post(here, data=sent)
    page = await client.get(answer.headers["location"])
    assert "¥8.00 for every order, free over ¥99.00" in page.text
    answer = await client.post(here, data=sent | {"fee": "", "free_over": "-1"})
    assert answer.status_code == 422
    assert says(answer, "en", "price_empty") and says(answer, "en", "price_too_small")
    await client.post(here, data={"mode": "free"})
    async with world.house.database.connection() as conn:
        shop = await shops.get(conn, shop_id)
    assert (shop.shipping_flat_minor, shop.shipping_free_over_minor) == (0, None)


async def test_the_shop_gets_another_face_and_keeps_its_address(
    world: World, client: httpx.AsyncClient
) -> None:
    shop_id = await world.open_shop(client)
    here = f"/console/{shop_id}/settings/shop"
    face = {"name": "小满的茶", "line": "柴烧", "awning": "clay"}
    answer = await client.post(here, data=face, files=chosen(photo(), name="picture"))
    page = await client.get(answer.headers["location"])
    assert "小满的茶" in page.text and "/f/" in page.text and "/@xiaoman" in page.text
    answer = await client.post(here, data=face | {"name": " "})
    assert answer.status_code == 422 and says(answer, "en", "shop_name_empty")
    answer = await client.post(here, data=face, files=chosen(SVG, name="picture"))
    assert answer.status_code == 422 and says(answer, "en", "photo_svg")


@LOCALES
async def test_the_sellers_name_and_place_are_shown_and_can_be_changed(
    world: World, locale: str
) -> None:
    client = world.browser(locale)
    shop_id = await world.open_shop(client)
    here = f"/console/{shop_id}/settings/shop"
    who = {"seller": "林小满", "place": "景德镇"}
    answer = await client.post(here, data={"name": "小满的茶", "awning": "clay"} | who)
    page = await client.get(answer.headers["location"])
    for name, said in who.items():
        assert f'value="{said}"' in page.text
        assert i18n.t(locale, f"console.settings.{name}") in page.text
    assert "景德镇" in (await client.get("/@xiaoman")).text


async def test_a_form_changes_only_what_it_holds(world: World, client: httpx.AsyncClient) -> None:
    shop_id = await world.open_shop(client)
    before = Face("小满的茶", "xiaoman", "柴烧", None, "clay", "林小满", "景德镇")
    await world.house.database.transaction(lambda conn: shops.describe(conn, shop_id, before))
    await client.post(f"/console/{shop_id}/settings/shop", data={"name": "小满茶器"})
    async with world.house.database.connection() as conn:
        shop = await shops.get(conn, shop_id)
    assert shop.face == msgspec.structs.replace(before, name="小满茶器")


async def test_a_shop_rests_and_opens_again(world: World, client: httpx.AsyncClient) -> None:
    shop_id = await world.open_shop(client)
    here = f"/console/{shop_id}/settings"
    for _ in range(2):  # a double click
        answer = await client.post(f"{here}/pause", data={"state": "paused"})
    assert "The shop rests" in (await client.get(answer.headers["location"])).text
    await client.post(f"{here}/pause", data={"state": "open"})
    assert "The shop is open" in (await client.get(here)).text


async def test_a_browser_subscribes_is_tried_and_is_let_go(
    world: World, client: httpx.AsyncClient
) -> None:
    shop_id = await world.open_shop(client)
    here = f"/console/{shop_id}/settings/notices"
    page = await client.get(here)
    assert re.search(r'data-key="[\w-]{80,}"', page.text)
    point = (
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
    )
    told = {
        "endpoint": "http://127.0.0.1:1/push/one",
        "keys": {"p256dh": point, "auth": "BTBZMqHH6r4Tts7J_aSIgg"},
    }
    assert (await client.post(f"{here}/devices", json=told)).status_code == 204
    evil = told | {"endpoint": "http://10.0.0.1/push"}
    assert (await client.post(f"{here}/devices", json=evil)).status_code == 422
    assert (await client.post(f"{here}/devices", content=b"{")).status_code == 400
    page = await client.get(here)
    device = re.search(r"devices/([0-9a-f-]{36})/removal", page.text)
    assert device is not None
    await client.post(f"{here}/test")
    await world.work()
    assert len(world.pushed) == 1
    await client.post(f"{here}/devices/{device[1]}/removal")
    assert "removal" not in (await client.get(here)).text


async def test_another_persons_browser_is_not_let_go(
    world: World, client: httpx.AsyncClient
) -> None:
    shop_id = await world.open_shop(client)
    answer = await client.post(f"/console/{shop_id}/settings/notices/devices/{UUID(int=1)}/removal")
    assert answer.status_code == 303
    stranger = world.browser()
    await world.sign_in(stranger, "139 0000 1011")
    answer = await stranger.get(f"/console/{shop_id}/settings")
    assert answer.status_code == 404


async def test_the_worker_of_notices_serves_all_pages(client: httpx.AsyncClient) -> None:
    answer = await client.get("/sw.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "showNotification" in answer.text


@LOCALES
async def test_a_story_and_since_when_are_told_on_the_shops_page(world: World, locale: str) -> None:
    client = world.browser(locale)
    shop_id = await world.open_shop(client)
    here = f"/console/{shop_id}/settings/shop"
    told = {"story": "坯自己拉。\n釉自己配 <b>。", "since_year": "2019", "since_month": "3"}
    answer = await client.post(here, data={"name": "小满的茶"} | told)
    page = await client.get(answer.headers["location"])
    assert "釉自己配 &lt;b&gt;。</textarea>" in page.text and 'value="2019"' in page.text
    assert '<option value="3" selected>' in page.text
    shown = (await client.get("/@xiaoman")).text
    assert i18n.t(locale, "storefront.story") in shown
    assert "坯自己拉。</p>" in shown and "釉自己配 &lt;b&gt;。</p>" in shown
    month = i18n.t(locale, "words.month.3")
    assert i18n.t(locale, "storefront.since_month", year=2019, month=month) in shown


async def test_without_a_story_the_shops_page_says_when_it_opened_here(
    world: World, client: httpx.AsyncClient
) -> None:
    shop_id = await world.open_shop(client)
    shown = (await client.get("/@xiaoman")).text
    assert "since 2026" in shown and "Our story" not in shown
    here = f"/console/{shop_id}/settings/shop"
    for typed, code in (({"since_year": "soon"}, "since_year"), ({"story": "x" * 2001}, "")):
        answer = await client.post(here, data={"name": "Kept on the page"} | typed)
        assert answer.status_code == 422 and 'value="Kept on the page"' in answer.text
        assert not code or says(answer, "en", code)


async def test_a_picture_does_not_have_to_be_chosen_twice(
    world: World, client: httpx.AsyncClient
) -> None:
    shop_id = await world.open_shop(client)
    here = f"/console/{shop_id}/settings/shop"
    files = chosen(photo(), name="picture")
    answer = await client.post(here, data={"name": " "}, files=files)
    kept = hidden(answer, "picture_kept")
    await client.post(here, data={"name": "小满的茶", "picture_kept": kept})
    async with world.house.database.connection() as conn:
        assert (await shops.get(conn, shop_id)).picture


async def test_the_page_moves_and_links_in_old_chats_go_on_working(
    world: World, client: httpx.AsyncClient
) -> None:
    shop_id = await world.open_shop(client)
    product_id = await world.add_product(client, shop_id)
    here = f"/console/{shop_id}/settings/address"
    page = await client.get(here)
    assert hidden(page, "seen") == "xiaoman" and "You can change it 3 more times." in page.text
    answer = await client.post(here, data={"slug": "Xiaoman-Tea", "seen": "xiaoman"})
    page = await client.get(answer.headers["location"])
    assert "shop.test/@xiaoman-tea" in page.text and "shop.test/@xiaoman<" in page.text
    buyer = world.browser()
    for path in ("", f"/p/{product_id}", "/mine"):
        answer = await buyer.get(f"/@xiaoman{path}")
        assert answer.status_code == 301
        assert answer.headers["location"] == f"/@xiaoman-tea{path}"
    assert (await buyer.get("/@xiaoman/basket")).status_code == 200
    bought = {"product": product_id, "quantity": "1", "then": "basket"}
    answer = await buyer.post("/@xiaoman/basket/items", data=bought)  # a page left open
    assert answer.headers["location"] == "/@xiaoman-tea/basket"


async def test_another_shop_cannot_take_an_address_that_was_left(
    world: World, client: httpx.AsyncClient
) -> None:
    shop_id = await world.open_shop(client)
    here = f"/console/{shop_id}/settings/address"
    await client.post(here, data={"slug": "xiaoman-tea", "seen": "xiaoman"})
    ben = world.browser()
    bens = await world.open_shop(ben, "Ben", "night-owl", "139 0000 1011")
    for wanted in ("xiaoman", "xiaoman-tea"):
        answer = await ben.post(
            f"/console/{bens}/settings/address", data={"slug": wanted, "seen": "night-owl"}
        )
        assert answer.status_code == 422
        assert says(answer, "en", "slug_taken", slug=wanted, free=f"{wanted}-shop")
        assert f'value="{wanted}"' in answer.text
    answer = await ben.post(here, data={"slug": "stolen", "seen": "xiaoman-tea"})
    assert answer.status_code == 404  # it is not his shop at all


async def test_the_window_left_open_is_told_where_the_page_went(
    world: World, client: httpx.AsyncClient
) -> None:
    shop_id = await world.open_shop(client)
    here = f"/console/{shop_id}/settings/address"
    await client.post(here, data={"slug": "first-window", "seen": "xiaoman"})
    answer = await client.post(here, data={"slug": "second-window", "seen": "xiaoman"})
    assert answer.status_code == 422 and says(answer, "en", "slug_moved", slug="first-window")
    assert hidden(answer, "seen") == "first-window"
    assert 'value="second-window"' in answer.text  # the same press again would be meant
    assert (await client.get("/@second-window")).status_code == 404


@pytest.mark.parametrize(
    "form",
    [
        {"slug": "../../etc", "seen": "xiaoman"},
        {"slug": "<script>alert(1)</script>", "seen": "xiaoman"},
        {"slug": "console", "seen": "' or 1=1 --"},
        {"slug": "x" * 5000, "seen": "x" * 5000},
        {"slug": "nul\x00", "seen": "xiaoman"},
        {"seen": "xiaoman"},
        {},
    ],
)
async def test_an_address_form_with_nonsense_changes_nothing(
    world: World, client: httpx.AsyncClient, form: dict[str, str]
) -> None:
    shop_id = await world.open_shop(client)
    answer = await client.post(f"/console/{shop_id}/settings/address", data=form)
    if form.get("slug") == "nul\x00":  # a mark no text holds is left out
        assert answer.status_code == 303
    else:
        assert answer.status_code == 422 and "<script>alert" not in answer.text
        assert (await client.get("/@xiaoman")).status_code == 200
    assert (await client.get("/@console")).status_code == 404


@LOCALES
async def test_another_payee_is_shown_with_how_to_ask_and_the_phones_hear_of_it(
    world: World, locale: str
) -> None:
    client = world.browser(locale)
    shop_id = await world.open_shop(client)
    root = f"/console/{shop_id}/settings"
    assert f"{root}/payee" not in (await client.get(root)).text  # only the card is possible here
    town = Town(world.house.database, world.house.keyring, world.at, shop_id=shop_id)
    await verify(town)
    await town.database.transaction(
        lambda conn: choosing_payee.choose(
            conn, town.keyring, shop_id, "alipay", "13900001001", world.at
        )
    )
    line = f"{i18n.t(locale, 'checkout.method.alipay')} **** 1001"
    page = await client.get(root)
    assert f"{root}/payee" in page.text and line in page.text
    page = await client.get(f"{root}/payee")
    assert line in page.text and i18n.t(locale, "console.payee.ask", number=shop_id) in shown(page)
    assert '<form method="post"' not in page.text.partition("<main")[2]
    async with town.database.connection() as conn:
        payee = await payees.active(conn, shop_id)
        assert payee is not None
        told = await messages.of(conn, shop_id, payee.payee_id)
    assert [one.about for one in told if one.channel == "sms"] == ["payee_changed"]
