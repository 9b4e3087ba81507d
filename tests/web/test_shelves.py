"""A shop's shelf and its products as strangers see them."""

from __future__ import annotations

import json
import re
from uuid import uuid4

import pytest

from littleshop import db
from littleshop.catalog import products
from littleshop.catalog.drafts import ProductDraft, VariantDraft
from littleshop.pricing.quotes import Item
from littleshop.shop import shops, slugs
from littleshop.web.storefront import views
from littleshop.web.storefront.few import Few
from tests.cast import CNY
from tests.web.street import DESK, PICTURE, Street


async def test_a_stranger_sees_the_shelf_in_his_language(street: Street) -> None:
    product_id = await street.sells()
    page = await street.stranger().get("/@xiaoman")
    assert f"/@xiaoman/p/{product_id}" in page.text
    assert 'lang="zh-CN"' in page.text and page.headers["content-language"] == "zh-CN"
    english = await street.stranger("en-GB,en;q=0.9").get("/@xiaoman")
    assert 'lang="en"' in english.text


async def test_a_product_page_shows_choices_and_facts_and_neither_markup_nor_stock(
    street: Street,
) -> None:
    product_id = await street.sells()
    page = (await street.stranger().get(f"/@xiaoman/p/{product_id}")).text
    assert "<dt>容量</dt><dd>150 毫升</dd>" in page and "<dd>9.2 厘米</dd>" in page
    assert "¥158.00" not in page and "</i>168<" in page  # what the glaze that is left costs
    assert "&lt;b&gt;🍵" in page and "<b>🍵" not in page
    assert "还有 3 件" not in page and '"left"' not in page
    assert f"/open?from=xiaoman&amp;product={product_id}" in page


async def test_free_postage_is_said_where_every_choice_has_it(street: Street) -> None:
    product_id = await street.sells()  # 168.00, another glaze 10.00 more
    await street.database.transaction(
        lambda conn: shops.set_shipping(
            conn, street.shop_id, flat_minor=1200, free_over_minor=175_00
        )
    )
    page = (await street.stranger().get(f"/@xiaoman/p/{product_id}")).text
    assert "运费 ¥12.00，满 ¥175.00 包邮" in page


async def test_chats_and_machines_can_read_the_page(street: Street) -> None:
    product_id = await street.sells()
    page = (await street.stranger().get(f"/@xiaoman/p/{product_id}")).text
    here = f"http://shop.test/@xiaoman/p/{product_id}"
    assert f'<link rel="canonical" href="{here}">' in page
    assert f'<meta property="og:image" content="http://shop.test/cards/{PICTURE}.jpg">' in page
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', page)
    assert found is not None
    told = json.loads(found[1])
    assert told["@type"] == "Product" and told["offers"]["price"] == "168.00"
    assert told["offers"]["availability"].endswith("InStock") and told["url"] == here


async def test_what_differs_from_visitor_to_visitor_comes_apart(street: Street) -> None:
    product_id = await street.sells()
    someone = street.stranger()
    variant_id = await street.variant(product_id)
    piece = await someone.get(f"/@xiaoman/p/{product_id}/mine")
    assert piece.headers["cache-control"] == "no-store"
    assert f'data-left-of="{variant_id}"' in piece.text and 'data-basket="0"' in piece.text
    sent = {"product": str(product_id), "option_0": "青灰", "quantity": "2"}
    assert (await someone.post("/@xiaoman/basket/items", data=sent)).status_code == 303
    assert 'data-basket="2"' in (await someone.get("/@xiaoman/mine")).text
    assert "336" in (await someone.get("/@xiaoman/mine")).text
    assert 'data-basket="0"' in (await street.stranger().get("/@xiaoman/mine")).text


async def test_what_is_hidden_or_never_was_is_not_found(street: Street) -> None:
    product_id = await street.sells()

    async def hide(conn: db.Connection) -> None:
        await products.set_status(conn, street.shop_id, product_id, "hidden", street.at)

    await street.database.transaction(hide)
    someone = street.stranger()
    for path in (
        f"/@xiaoman/p/{product_id}",
        f"/@xiaoman/p/{uuid4()}",
        "/@xiaoman/p/1",
        "/@nobody-here",
        "/s/1-aaaaaa",
        "/s/zzz",
    ):
        assert await street.status(someone, path) == 404, path
    gone = await someone.get(f"/@xiaoman/p/{product_id}")  # it was shown here: that alone is said
    assert "店里不再卖这件了" in gone.text and 'href="/@xiaoman">进店看看' in gone.text
    assert "noindex" in gone.text and "青灰釉盖碗" not in gone.text
    assert "店里不再卖这件了" in (await someone.get(f"/@xiaoman/p/{product_id}/reviews")).text
    never = await someone.get(f"/@xiaoman/p/{uuid4()}")
    assert "这个地址上没有东西" in never.text and "不再卖" not in never.text
    piece = await someone.get(f"/@xiaoman/p/{product_id}/mine")
    unknown = await someone.get(f"/@xiaoman/p/{uuid4()}/mine")
    assert "data-left-of" not in piece.text and piece.status_code == unknown.status_code


async def test_an_old_address_leads_to_the_new_one(street: Street) -> None:
    async def move(conn: db.Connection) -> None:
        await slugs.take(conn, "xiaoman-tea", street.shop_id, street.at)
        await shops.readdress(conn, street.shop_id, "xiaoman", "xiaoman-tea")

    product_id = await street.sells()
    await street.database.transaction(move)
    someone = street.stranger()
    for old, new in (
        ("/@xiaoman?from=singlemessage", "/@xiaoman-tea?from=singlemessage"),
        (f"/@xiaoman/p/{product_id}", f"/@xiaoman-tea/p/{product_id}"),
        ("/@xiaoman/mine", "/@xiaoman-tea/mine"),
        (f"/@xiaoman/p/{product_id}/mine", f"/@xiaoman-tea/p/{product_id}/mine"),
    ):
        answer = await someone.get(old)
        assert (answer.status_code, answer.headers["location"]) == (301, new)
        assert await street.status(someone, new) == 200


async def test_what_is_nearly_gone_is_read_once_a_second_and_nothing_else_is(
    street: Street,
) -> None:
    few, many = await street.sells(), await street.sells(plenty())
    someone = street.stranger()
    piece = (await someone.get("/@xiaoman/mine")).text
    assert f'data-left-of="{few}"' in piece and str(many) not in piece
    ticks = [0.0]
    left = Few(street.database, lambda: ticks[0])
    assert await left.left(street.shop_id) == ((few, 3),)
    await street.place([Item(await street.variant(few), 1)], CNY("168.00"))
    assert await left.left(street.shop_id) == ((few, 3),)
    ticks[0] += 1
    assert await left.left(street.shop_id) == ((few, 2),)
    await street.place([Item(await street.variant(few), 2)], CNY("336.00"), device=b"d" * 32)
    ticks[0] += 1
    assert await left.left(street.shop_id) == ()


def plenty() -> ProductDraft:
    return ProductDraft("匀杯", (VariantDraft((), 9800, 40),))


async def test_a_long_shelf_has_pages_and_tags(street: Street) -> None:
    for number in range(26):
        tag = "杯子" if number < 2 else ""
        draft = ProductDraft(f"杯 {number}", (VariantDraft((), 1000, 1),), category=tag)
        await street.sells(draft, picture=None)
    someone = street.stranger()
    first = (await someone.get("/@xiaoman")).text
    assert first.count('<li class="tile') == 24 and "/@xiaoman?page=2" in first
    assert (await someone.get("/@xiaoman?page=2")).text.count('<li class="tile') == 2
    tagged = (await someone.get("/@xiaoman", params={"tag": "杯子"})).text
    assert tagged.count('<li class="tile') == 2


async def test_a_shop_on_a_break_says_so(street: Street) -> None:
    async def pause(conn: db.Connection) -> None:
        await shops.pause(conn, street.shop_id)

    product_id = await street.sells()
    await street.database.transaction(pause)
    assert "店主在休息" in (await street.stranger().get("/@xiaoman")).text
    assert "店主在休息" in (await street.stranger().get(f"/@xiaoman/p/{product_id}")).text


async def test_a_desk_gets_the_way_to_the_phone_and_a_phone_does_not_carry_it(
    street: Street,
) -> None:
    assert 'class="side"' in (await street.stranger(agent=DESK).get("/@xiaoman")).text
    assert 'class="side"' not in (await street.stranger().get("/@xiaoman")).text


async def test_the_demo_shows_its_shops_on_the_front_page(street: Street) -> None:
    await street.sells()
    assert "/@xiaoman" in (await street.stranger().get("/")).text


async def test_the_house_rules_are_there(street: Street) -> None:
    someone = street.stranger()
    assert "Disallow: /o/" in (await someone.get("/robots.txt")).text
    assert await street.status(someone, "/legal") == 200
    assert await street.status(someone, "/favicon.ico") == 301


@pytest.mark.parametrize(
    ("description", "line", "paragraphs", "facts"),
    [
        ("", "", [], []),
        ("一句话。", "一句话。", [], []),
        ("容量：150 毫升\n口径: 9 厘米", "", [], [("容量", "150 毫升"), ("口径", "9 厘米")]),
        ("https://example.com/a", "https://example.com/a", [], []),
        (
            "记住：先放水，再放茶。一句。\n第二段。",
            "第二段。",
            [],
            [("记住", "先放水，再放茶。一句。")],
        ),
        ("x" * 90 + "\nShort.", "", ["x" * 90, "Short."], []),
    ],
)
def test_a_description_is_parted_into_line_paragraphs_and_facts(
    description: str, line: str, paragraphs: list[str], facts: list[tuple[str, str]]
) -> None:
    found = views.words(description)
    told = [(fact.name, fact.value) for fact in found[2]]
    assert (found[0], found[1], told) == (line, paragraphs, facts)
