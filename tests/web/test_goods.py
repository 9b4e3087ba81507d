"""The shelf as a seller meets it: photos, prices, kinds, stock, order, state, settings."""

from __future__ import annotations

import asyncio
import io
import re
import zlib
from uuid import UUID

import httpx
import pytest
from PIL import Image

from littleshop import i18n
from littleshop.catalog import photos, products
from littleshop.errors import Refused
from littleshop.web import forms
from tests.web.client import SVG, World, chosen, hidden, photo, says

LOCALES = pytest.mark.parametrize("locale", i18n.LOCALES)


async def rows(world: World, shop_id: int) -> list[products.Listed]:
    async with world.house.database.connection() as conn:
        return await products.listing(conn, shop_id, all_states=True)


async def pictures(world: World, shop_id: int, product_id: str) -> list[photos.Photo]:
    async with world.house.database.connection() as conn:
        return await photos.of_product(conn, shop_id, UUID(product_id))


async def offer(
    client: httpx.AsyncClient, shop_id: int, files: object = None, **fields: str
) -> httpx.Response:
    """Send the form of a new thing."""
    page = await client.get(f"/console/{shop_id}/goods/new")
    sent = {"title": "青灰釉盖碗", "price": "168", "stock": "3", "then": "sale"} | fields
    return await client.post(
        f"/console/{shop_id}/goods/new",
        data={"form_key": hidden(page, "form_key")} | sent,
        files=files or {"photos": ("", b"", "application/octet-stream")},  # type: ignore[arg-type]
    )


async def test_a_thing_from_one_photo_is_on_sale(world: World, client: httpx.AsyncClient) -> None:
    shop_id = await world.open_shop(client)
    product_id = await world.add_product(client, shop_id)
    (listed,) = await rows(world, shop_id)
    assert (listed.status, listed.price_minor, listed.spare) == ("on_sale", 16800, 10)
    (picture,) = await pictures(world, shop_id, product_id)
    assert (picture.width, picture.height) == (640, 480)
    shelf = await client.get(f"/console/{shop_id}/goods")
    assert f"/f/{picture.file}/360.webp" in shelf.text
    kept = await client.get(f"/f/{picture.file}/360.webp")
    assert kept.status_code == 200 and kept.headers["content-type"] == "image/webp"


@LOCALES
async def test_a_price_that_is_none_is_said_beside_it(world: World, locale: str) -> None:
    client = world.browser(locale)
    shop_id = await world.open_shop(client)
    wrong: list[tuple[str, str, dict[str, object]]] = [
        ("", "price_empty", {}),
        ("0", "price_too_small", {}),
        ("0.00", "price_too_small", {}),
        ("-5", "price_too_small", {}),
        ("1234567890123", "price_too_large", {}),
        ("12.345", "price_decimals", {"places": 2}),
        ("zwölf", "price_number", {}),
        ("1e3", "price_number", {}),
        ("12,5", "price_number", {}),
    ]
    for typed, code, details in wrong:
        answer = await offer(client, shop_id, price=typed)
        assert answer.status_code == 422, typed
        assert says(answer, locale, code, **details), typed
        assert 'value="青灰釉盖碗"' in answer.text
    assert await rows(world, shop_id) == []


async def test_after_a_wrong_price_nothing_typed_is_lost(
    world: World, client: httpx.AsyncClient
) -> None:
    shop_id = await world.open_shop(client)
    answer = await offer(client, shop_id, chosen(photo()), price="zwölf")
    assert answer.status_code == 422
    again = {name: hidden(answer, name) for name in ("form_key", "photo_kept")}
    again |= {"title": "青灰釉盖碗", "price": "168", "stock": "3", "then": "sale"}
    answer = await client.post(f"/console/{shop_id}/goods/new", data=again)
    assert answer.status_code == 303
    (listed,) = await rows(world, shop_id)
    assert listed.photo  # it did not have to be taken twice


@pytest.mark.parametrize(
    ("typed", "minor"),
    [
        ("168", 16800),
        ("¥1,250.80", 125080),
        ("１２．５", 1250),
        (".5", 50),
        ("12.", 1200),
        ("12.500", 1250),
        ("99999999.99", 9_999_999_999),
        (" 8 元", 800),
        ("0.01", 1),
    ],
)
def test_prices_are_read_as_people_type_them(typed: str, minor: int) -> None:
    assert forms.price(typed, "CNY") == minor


@pytest.mark.parametrize("typed", ["", "-1", "1.5", "1000001", "many"])
def test_a_stock_is_a_whole_number(typed: str) -> None:
    with pytest.raises(Refused) as refused:
        forms.count(typed)
    assert refused.value.code.startswith("stock_")


def huge() -> bytes:
    """A PNG that says 60 megapixels and is a few kilobytes on the wire."""
    kept = io.BytesIO()
    Image.new("L", (10_000, 6_000)).save(kept, "PNG", optimize=False)
    return kept.getvalue()


@LOCALES
@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"Dear diary, I am a text.", "photo_not_a_picture"),
        (SVG, "photo_svg"),
        (photo()[:400], "photo_broken"),
    ],
)
async def test_a_file_that_is_no_photo_is_named_beside_the_photo(
    world: World, locale: str, content: bytes, code: str
) -> None:
    client = world.browser(locale)
    shop_id = await world.open_shop(client)
    answer = await offer(client, shop_id, chosen(content))
    assert answer.status_code == 422 and says(answer, locale, code)
    assert await rows(world, shop_id) == [] and b"alert(1)" not in answer.content


async def test_a_photo_of_sixty_megapixels_is_refused_with_the_limit(
    world: World, client: httpx.AsyncClient
) -> None:
    shop_id = await world.open_shop(client)
    answer = await offer(client, shop_id, chosen(huge()))
    assert answer.status_code == 422 and says(answer, "en", "photo_too_many_pixels", megapixels=50)


async def test_of_several_photos_the_good_are_kept_and_the_bad_are_named(
    world: World, client: httpx.AsyncClient
) -> None:
    shop_id = await world.open_shop(client)
    some = chosen(photo(), b"no photo", photo(colour="#C58A69"))
    answer = await offer(client, shop_id, some)
    assert answer.status_code == 422
    assert "“IMG_2.jpg”: " in answer.text and "IMG_1.jpg" not in answer.text
    kept = re.findall(r'name="photo_kept" value="([^"]+)"', answer.text)
    assert len(kept) == 2
    form = {"form_key": hidden(answer, "form_key"), "photo_kept": kept, "then": "sale"}
    form |= {"title": "盖碗", "price": "168", "stock": "3"}
    assert (await client.post(f"/console/{shop_id}/goods/new", data=form)).status_code == 303
    (listed,) = await rows(world, shop_id)
    assert len(await pictures(world, shop_id, str(listed.product_id))) == 2


async def test_a_product_takes_nine_photos_and_says_so_at_the_tenth(
    world: World, client: httpx.AsyncClient
) -> None:
    shop_id = await world.open_shop(client)
    product_id = await world.add_product(client, shop_id)
    here = f"/console/{shop_id}/goods/{product_id}"
    many = chosen(*(photo(64, 64, f"#{shade:02x}4060") for shade in range(0, 250, 30)))
    answer = await client.post(f"{here}/photos", files=many)
    assert answer.status_code == 422 and says(answer, "en", "photos_too_many", most=9)
    assert len(await pictures(world, shop_id, product_id)) == 9
    assert 'name="photos"' not in answer.text  # no more room is offered


async def test_photos_are_put_in_order_and_taken_away(
    world: World, client: httpx.AsyncClient
) -> None:
    shop_id = await world.open_shop(client)
    product_id = await world.add_product(client, shop_id)
    here = f"/console/{shop_id}/goods/{product_id}"
    two = chosen(photo(colour="#111111"), b"bad")
    answer = await client.post(f"{here}/photos", files=two)
    assert answer.status_code == 422 and "“IMG_2.jpg”" in answer.text
    before = await pictures(world, shop_id, product_id)
    assert len(before) == 2
    await client.post(f"{here}/photos/{before[1].photo_id}/first")
    after = await pictures(world, shop_id, product_id)
    assert [each.photo_id for each in after] == [before[1].photo_id, before[0].photo_id]
    for _ in range(2):  # a double click
        answer = await client.post(f"{here}/photos/{before[0].photo_id}/removal")
        assert answer.status_code == 303
    assert len(await pictures(world, shop_id, product_id)) == 1


async def test_a_press_beside_the_words_keeps_what_was_typed(
    world: World, client: httpx.AsyncClient
) -> None:
    shop_id = await world.open_shop(client)
    product_id = await world.add_product(client, shop_id)
    here = f"/console/{shop_id}/goods/{product_id}"
    (picture,) = await pictures(world, shop_id, product_id)
    typed = {"title": "Typed", "price": "20", "stock": "3", "seen": ""}
    await client.post(f"{here}/photos", data=typed, files=chosen(photo(colour="#111111")))
    (listed,) = await rows(world, shop_id)
    assert (listed.title, len(await pictures(world, shop_id, product_id))) == ("Typed", 2)
    hide = typed | {"title": "Again", "status": "hidden"}
    answer = await client.post(f"{here}/status", data=hide)
    assert answer.headers["location"].endswith(f"#p-{product_id}")
    (listed,) = await rows(world, shop_id)
    assert (listed.title, listed.status) == ("Again", "hidden")
    wrong = typed | {"title": "Kept on the page", "price": "x", "status": "on_sale"}
    for act in ("status", f"photos/{picture.photo_id}/removal"):
        answer = await client.post(f"{here}/{act}", data=wrong)
        assert answer.status_code == 422 and 'value="Kept on the page"' in answer.text
        assert 'href="#f-price"' in answer.text
    (listed,) = await rows(world, shop_id)
    assert (listed.title, listed.status) == ("Again", "hidden")


async def test_a_name_with_html_and_emoji_is_shown_as_typed(
    world: World, client: httpx.AsyncClient
) -> None:
    shop_id = await world.open_shop(client)
    title = "<img src=x onerror=alert(1)> “Tea” & 👩‍🍳🍵"
    product_id = await world.add_product(client, shop_id, title)
    (listed,) = await rows(world, shop_id)
    assert listed.title == title
    for page in ("goods", f"goods/{product_id}"):
        text = (await client.get(f"/console/{shop_id}/{page}")).text
        assert "<img src=x" not in text and "&lt;img src=x" in text and "👩‍🍳🍵" in text


@LOCALES
async def test_a_name_of_blanks_and_a_name_too_long_are_told(world: World, locale: str) -> None:
    client = world.browser(locale)
    shop_id = await world.open_shop(client)
    answer = await offer(client, shop_id, title=" \u200b\x00 ")
    assert says(answer, locale, "product_title_empty")
    answer = await offer(client, shop_id, title="茶" * 121)
    assert says(answer, locale, "product_title_length", have=121, most=120)


async def test_a_double_click_puts_one_thing_on_the_shelf_and_the_old_form_another(
    world: World, client: httpx.AsyncClient
) -> None:
    shop_id = await world.open_shop(client)
    page = await client.get(f"/console/{shop_id}/goods/new")
    form = {"form_key": hidden(page, "form_key"), "then": "sale"}
    form |= {"title": "盖碗", "price": "168", "stock": "3"}
    here = f"/console/{shop_id}/goods/new"
    first, second = await asyncio.gather(client.post(here, data=form), client.post(here, data=form))
    assert first.status_code == second.status_code == 303
    assert len(await rows(world, shop_id)) == 1
    await client.post(here, data=form | {"title": "茶杯"})  # by the back button
    assert len(await rows(world, shop_id)) == 2


async def test_the_shelf_says_once_what_was_put_on_it(
    world: World, client: httpx.AsyncClient
) -> None:
    shop_id = await world.open_shop(client)
    answer = await offer(client, shop_id)
    assert "“青灰釉盖碗” is on sale." in (await client.get(answer.headers["location"])).text
    assert "is on sale." not in (await client.get(answer.headers["location"])).text
    answer = await offer(client, shop_id, title="茶杯", then="details")
    assert "not on sale yet" in (await client.get(answer.headers["location"])).text


async def test_a_stale_form_after_signing_out_leads_to_signing_in_and_back(
    world: World, client: httpx.AsyncClient
) -> None:
    shop_id = await world.open_shop(client)
    product_id = await world.add_product(client, shop_id)
    await client.post("/sign-out")
    for path in ("goods/new", f"goods/{product_id}", f"goods/{product_id}/status"):
        answer = await client.post(f"/console/{shop_id}/{path}", data={"title": "x"})
        assert answer.headers["location"].startswith("/sign-in?next=")
    page = await client.get(answer.headers["location"])
    assert page.status_code == 200 and "Sign in first" in page.text
    world.later(minutes=2)
    await world.sign_in(client)
    answer = await client.get("/console")
    assert answer.headers["location"] == f"/console/{shop_id}"


async def test_another_shops_product_does_not_exist(
    world: World, client: httpx.AsyncClient
) -> None:
    theirs = world.browser()
    their_shop = await world.open_shop(theirs, "阿达", "ada", "139 0000 1009")
    product_id = await world.add_product(theirs, their_shop)
    shop_id = await world.open_shop(client)
    here = f"/console/{shop_id}/goods/{product_id}"
    form = {"title": "mine", "price": "1", "stock": "1", "then": "save"}
    assert (await client.get(here)).status_code == 404
    assert (await client.post(here, data=form)).status_code == 404
    assert (await client.post(f"{here}/status", data={"status": "hidden"})).status_code == 404
    assert (await client.post(f"{here}/position", data={"direction": "up"})).status_code == 404
    assert (await client.post(f"{here}/photos", files=chosen(photo()))).status_code == 404
    picture = (await pictures(world, their_shop, product_id))[0]
    assert (await client.post(f"{here}/photos/{picture.photo_id}/removal")).status_code == 404
    there = f"/console/{their_shop}/goods"
    assert (await client.get(there)).status_code == 404
    assert (await client.post(f"{there}/new", data=form)).status_code == 404
    (listed,) = await rows(world, their_shop)
    assert (listed.title, listed.status) == ("青灰釉盖碗", "on_sale")
    assert len(await pictures(world, their_shop, product_id)) == 1


async def test_made_up_ids_are_not_found(world: World, client: httpx.AsyncClient) -> None:
    shop_id = await world.open_shop(client)
    for path in (f"{shop_id}/goods/7", f"{shop_id}/goods/{UUID(int=7)}", "x/goods", "9" * 30):
        assert (await client.get(f"/console/{path}")).status_code == 404


async def test_things_are_hidden_shown_and_moved(world: World, client: httpx.AsyncClient) -> None:
    shop_id = await world.open_shop(client)
    first = await world.add_product(client, shop_id, "盖碗")
    await world.add_product(client, shop_id, "茶杯")
    goods = f"/console/{shop_id}/goods"
    assert [each.title for each in await rows(world, shop_id)] == ["茶杯", "盖碗"]
    await client.post(f"{goods}/{first}/position", data={"direction": "up"})
    assert [each.title for each in await rows(world, shop_id)] == ["盖碗", "茶杯"]
    answer = await client.post(f"{goods}/{first}/status", data={"status": "hidden"})
    assert answer.headers["location"] == f"{goods}#p-{first}"
    shown = await client.get(f"{goods}?status=on_sale")
    assert "茶杯" in shown.text and f"p-{first}" not in shown.text
    assert f"p-{first}" in (await client.get(f"{goods}?status=hidden")).text
    answer = await client.post(
        f"{goods}/{first}/status",
        data={"status": "on_sale"},
        headers={"referer": f"http://shop.test{goods}/{first}"},
    )
    assert answer.headers["location"] == f"{goods}/{first}"
    answer = await client.post(f"{goods}/{first}/status", data={"status": "stolen"})
    assert "either on sale or hidden" in (await client.get(answer.headers["location"])).text


async def test_a_post_larger_than_nine_photos_is_refused_before_it_is_read(
    world: World, client: httpx.AsyncClient
) -> None:
    shop_id = await world.open_shop(client)
    answer = await client.post(
        f"/console/{shop_id}/goods/new",
        content=b"",
        headers={"content-length": "400000000", "content-type": "multipart/form-data; boundary=x"},
    )
    assert answer.status_code == 413 and "MB at once" in answer.text
    bomb = zlib.compress(b"0" * 300_000, 0)
    answer = await client.post("/sign-in", data={"phone": bomb.decode("latin-1")})
    assert answer.status_code == 413 and says(answer, "en", "form_too_large")


async def test_a_thing_has_a_category_that_buyers_see_and_tags_that_only_its_seller_finds(
    world: World, client: httpx.AsyncClient
) -> None:
    shop_id = await world.open_shop(client)
    product_id = await world.add_product(client, shop_id)
    here = f"/console/{shop_id}/goods/{product_id}"
    page = await client.get(here)
    sent = {"title": "青灰釉盖碗", "price": "168", "stock": "10", "seen": "10", "then": "save"}
    sent |= {"category": "盖碗", "tags": "柴窑，送礼 ,柴窑"}
    assert 'name="category"' in page.text and 'name="tags"' in page.text
    assert (await client.post(here, data=sent)).status_code == 303
    page = await client.get(here)
    assert 'value="盖碗"' in page.text and 'value="柴窑, 送礼"' in page.text

    async def found(who: httpx.AsyncClient, address: str) -> bool:
        return product_id in (await who.get(address)).text

    buyer = world.browser("zh-CN")
    async with world.house.database.connection() as conn:
        slug = await conn.fetchval("select slug from shops where shop_id = $1", shop_id)
    assert await found(client, f"/console/{shop_id}/goods?q=柴窑")
    assert not await found(client, f"/console/{shop_id}/goods?q=电窑")
    assert await found(buyer, f"/@{slug}/search?q=盖碗")
    assert not await found(buyer, f"/@{slug}/search?q=柴窑")

    old = {name: text for name, text in sent.items() if name not in ("category", "tags")}
    assert (await client.post(here, data=old)).status_code == 303  # a page of before they were
    assert 'value="柴窑, 送礼"' in (await client.get(here)).text
