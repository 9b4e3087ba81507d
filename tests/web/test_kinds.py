"""Options and kinds of a product: a table to look over, and stock that is counted, not reset."""

from __future__ import annotations

import re
from uuid import UUID

import httpx
import pytest

from littleshop import db, i18n
from littleshop.catalog import products, stock
from tests.web.client import World, says

LOCALES = pytest.mark.parametrize("locale", i18n.LOCALES)


async def kinds(world: World, shop_id: int, product_id: str) -> list[products.Variant]:
    async with world.house.database.connection() as conn:
        return await products.variants(conn, shop_id, UUID(product_id))


async def edit(
    client: httpx.AsyncClient, shop_id: int, product_id: str, **fields: str
) -> httpx.Response:
    form = {"title": "盖碗", "description": "", "price": "168", "stock": "10", "seen": "10"}
    form |= {"then": "save"} | fields
    return await client.post(f"/console/{shop_id}/goods/{product_id}", data=form)


async def test_kinds_are_listed_first_and_each_has_its_price_and_stock(
    world: World, client: httpx.AsyncClient
) -> None:
    shop_id = await world.open_shop(client)
    product_id = await world.add_product(client, shop_id)
    axes = {"axis-0-name": "釉色", "axis-0-values": "青灰，月白", "axis-1-name": "配杯"}
    axes |= {"axis-1-values": "只要盖碗、配两只杯"}
    page = await edit(client, shop_id, product_id, **axes)  # saved without looking at the kinds
    assert page.status_code == 422 and "Look over the kinds" in page.text
    assert len(await kinds(world, shop_id, product_id)) == 1
    table = {}
    for place in range(4):
        key = re.search(rf'name="variant-{place}-key" value="([^"]*)"', page.text)
        assert key is not None
        table[f"variant-{place}-key"] = key[1].replace("&#34;", '"')
        table |= {f"variant-{place}-price": f"{100 + place}", f"variant-{place}-stock": "2"}
    wrong = table | {"variant-2-price": "0"}
    answer = await edit(client, shop_id, product_id, **axes, **wrong)
    assert answer.status_code == 422 and says(answer, "en", "price_too_small")
    answer = await edit(client, shop_id, product_id, **axes, **table)
    assert answer.status_code == 303
    made = await kinds(world, shop_id, product_id)
    assert [(each.choice, each.price_minor, each.on_hand) for each in made][3] == (
        ("月白", "配两只杯"),
        10300,
        2,
    )
    shown = (await client.get(f"/@xiaoman/p/{product_id}")).text  # whole prices, by either axis
    chips = re.findall(r'>([^<>]+)<span class="soft num t13">([^<]*)</span></label>', shown)
    assert chips == [
        ("青灰", "¥100.00 and up"),
        ("月白", "¥102.00 and up"),
        ("只要盖碗", "¥100.00 and up"),
        ("配两只杯", "¥101.00 and up"),
    ]
    sets = {"variant-1-price": "103", "variant-2-price": "100", "variant-3-price": "103"}
    keys = {name: value for name, value in table.items() if name.endswith("-key")}
    stock = {f"variant-{place}-stock": "2" for place in range(4)}
    dearer = axes | keys | stock | {"variant-0-price": "100"} | sets
    assert (await edit(client, shop_id, product_id, **dearer)).status_code == 303
    shown = (await client.get(f"/@xiaoman/p/{product_id}")).text
    chips = re.findall(r'>([^<>]+)<span class="soft num t13">([^<]*)</span></label>', shown)
    assert chips == [("只要盖碗", "¥100.00"), ("配两只杯", "¥103.00")]  # the glaze costs nothing
    answer = await edit(client, shop_id, product_id)  # and back to one kind
    page = await client.get(f"/console/{shop_id}/goods/{product_id}")
    assert len(await kinds(world, shop_id, product_id)) == 1


async def test_too_many_kinds_and_axes_without_a_name_are_told(
    world: World, client: httpx.AsyncClient
) -> None:
    shop_id = await world.open_shop(client)
    product_id = await world.add_product(client, shop_id)
    many = ",".join(str(number) for number in range(40))
    axes = {f"axis-{place}-{part}": value for place in range(3) for part, value in (
        ("name", f"n{place}"), ("values", many))}  # fmt: skip
    answer = await edit(client, shop_id, product_id, **axes)
    assert says(answer, "en", "variants_too_many", most=100)
    answer = await edit(client, shop_id, product_id, **{"axis-0-values": "red", "then": "variants"})
    assert answer.status_code == 200


async def test_what_was_sold_while_the_page_was_open_is_not_put_back(
    world: World, client: httpx.AsyncClient
) -> None:
    shop_id = await world.open_shop(client)
    product_id = await world.add_product(client, shop_id)
    (kind,) = await kinds(world, shop_id, product_id)

    async def two_leave(conn: db.Connection) -> None:
        await stock.move(conn, shop_id, kind.variant_id, -2, reason="damaged", at=world.at)

    await world.house.database.transaction(two_leave)
    await edit(client, shop_id, product_id, title="盖碗，新名字")
    (kind,) = await kinds(world, shop_id, product_id)
    assert kind.on_hand == 8
    await edit(client, shop_id, product_id, stock="7")  # counted again: this is what there is
    (kind,) = await kinds(world, shop_id, product_id)
    assert kind.on_hand == 7


async def test_what_the_form_does_not_show_survives_it(
    world: World, client: httpx.AsyncClient
) -> None:
    shop_id = await world.open_shop(client)
    product_id = await world.add_product(client, shop_id)

    async def mark(conn: db.Connection) -> None:
        await conn.execute(
            "update variants set compare_at_minor = 19800, sku = 'GW-1' where shop_id = $1",
            shop_id,
        )

    await world.house.database.transaction(mark)
    assert (await edit(client, shop_id, product_id, price="158")).status_code == 303
    kind = (await kinds(world, shop_id, product_id))[0]
    assert (kind.price_minor, kind.compare_at_minor, kind.sku) == (15800, 19800, "GW-1")
    assert (await edit(client, shop_id, product_id, price="198")).status_code == 303
    kind = (await kinds(world, shop_id, product_id))[0]
    assert (kind.price_minor, kind.compare_at_minor, kind.sku) == (19800, None, "GW-1")


@LOCALES
async def test_a_value_gets_a_colour_by_name_or_by_digits_and_its_name_stays_readable(
    world: World, locale: str
) -> None:
    client = world.browser(locale)
    shop_id = await world.open_shop(client)
    product_id = await world.add_product(client, shop_id)
    axis = {"axis-0-name": "釉色", "axis-0-values": "天青，月亮，本色"}
    page = await edit(client, shop_id, product_id, **axis, then="variants")
    celadon = i18n.t(locale, "colours.celadon")
    assert f'name="dot-0-0" value="{celadon}"' in page.text  # the value is called like a colour
    assert 'name="dot-0-1" value=""' in page.text
    rows = {
        f"variant-{at}-{part}": value
        for at, name in enumerate(("天青", "月亮", "本色"))
        for part, value in (("key", f'["{name}"]'), ("price", "168"), ("stock", "2"))
    }
    dots = {"dots-0": '["天青","月亮","本色"]', "dot-0-0": celadon, "dot-0-1": "#8fb3A9"}
    wrong = await edit(client, shop_id, product_id, **axis, **rows, **dots, **{"dot-0-2": "sky"})
    assert wrong.status_code == 422 and says(wrong, locale, "colour_unknown", text="sky")
    assert 'href="#f-dot-0-2"' in wrong.text and 'value="sky"' in wrong.text
    answer = await edit(client, shop_id, product_id, **axis, **rows, **dots, **{"dot-0-2": ""})
    assert answer.status_code == 303
    async with world.house.database.connection() as conn:
        product = await products.get(conn, shop_id, UUID(product_id))
    assert product.options[0].colours == {"天青": "#8FB3A9", "月亮": "#8FB3A9"}
    shown = (await client.get(f"/@xiaoman/p/{product_id}")).text
    assert shown.count('fill="#8FB3A9"') == 2 and shown.count('class="sw"') == 2
    assert all(f"{name}</label>" in shown for name in ("天青", "月亮", "本色"))


@pytest.mark.parametrize("dots", ['"', "[1]", "{}", '["青灰"' * 2000, '["<svg onload=x>"]'])
async def test_colours_that_nobody_asked_for_change_nothing(
    world: World, client: httpx.AsyncClient, dots: str
) -> None:
    shop_id = await world.open_shop(client)
    product_id = await world.add_product(client, shop_id)
    axis = {"axis-0-name": "Size", "axis-0-values": "S, M", "then": "variants"}
    odd = {"dots-0": dots, "dot-0-0": '"/><script>alert(1)</script>'}
    answer = await edit(client, shop_id, product_id, **axis, **odd)
    assert answer.status_code == 200 and "<script>alert" not in answer.text
    assert answer.text.count("data-dot>") == 2


async def test_a_script_that_sends_photos_is_told_where_to_go_on(
    world: World, client: httpx.AsyncClient
) -> None:
    shop_id = await world.open_shop(client)
    product_id = await world.add_product(client, shop_id)
    here = f"/console/{shop_id}/goods/{product_id}"
    script = {"hx-request": "true"}
    typed = {"title": "盖碗", "price": "168", "stock": "10", "seen": "10"}
    answer = await client.post(here, data=typed, headers=script)
    assert (answer.status_code, answer.headers["hx-redirect"]) == (204, here)
    assert "Saved. Buyers see it" in (await client.get(here)).text  # said there, and only once
    answer = await client.post(here, data=typed | {"price": "x"}, headers=script)
    assert answer.status_code == 422 and 'id="main"' in answer.text
