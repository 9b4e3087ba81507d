"""Kept pages: equal for all, never older than a second, never anybody's own."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from littleshop import db
from littleshop.catalog import products, stock
from littleshop.errors import NotFound
from littleshop.pricing.quotes import Item
from littleshop.shop import shops
from littleshop.web import kept_pages
from littleshop.web.kept_pages import Asked, Drawn, Key, Meeting, Shelf
from littleshop.web.page_cache import cookie, narrowed
from tests.cast import CNY, MORNING
from tests.web.street import DESK, Street


async def test_a_kept_page_is_the_same_bytes_for_everybody_and_holds_no_cookie(
    street: Street,
) -> None:
    product_id = await street.sells()
    one, other = street.stranger(), street.stranger()
    first = await one.get(f"/@xiaoman/p/{product_id}")
    again = await one.get(f"/@xiaoman/p/{product_id}")
    second = await other.get(f"/@xiaoman/p/{product_id}")
    assert first.content == again.content == second.content
    assert len(street.shelf) == 1
    for token in (one.cookies[f"v{street.shop_id}"], other.cookies[f"v{street.shop_id}"]):
        assert token not in first.text
    assert "set-cookie" not in again.headers
    kept = [header for page in street.shelf._kept.values() for header in page.headers]
    assert not any(name == b"set-cookie" for name, _ in kept)


async def test_a_change_is_seen_after_the_next_poll(street: Street) -> None:
    product_id = await street.sells()
    someone, path = street.stranger(), f"/@xiaoman/p/{product_id}"
    assert "168" in (await someone.get(path)).text

    async def dearer(conn: db.Connection) -> None:
        await conn.execute(
            "update variants set price_minor = 18800 where shop_id = $1 and product_id = $2"
            " and choice = '{青灰}'",
            street.shop_id,
            product_id,
        )
        await shops.touch(conn, street.shop_id, pricing=True)

    await street.database.transaction(dearer)
    await street.shelf.poll()
    assert len(street.shelf) == 0
    assert "188" in (await someone.get(path)).text


async def test_selling_out_and_coming_back_move_the_page_and_an_order_does_not(
    street: Street,
) -> None:
    product_id = await street.sells()
    someone, path = street.stranger(), f"/@xiaoman/p/{product_id}"
    variant_id = await street.variant(product_id)
    before = await someone.get(path)
    await street.place([Item(variant_id, 1)], CNY("168.00"))
    await street.shelf.poll()
    assert len(street.shelf) == 1  # nobody could see that
    last = await street.place([Item(variant_id, 2)], CNY("336.00"), device=b"d" * 32)
    await street.shelf.poll()
    gone = await someone.get(path)
    assert "SoldOut" in gone.text and "SoldOut" not in before.text

    async def back(conn: db.Connection) -> None:
        await stock.release(conn, street.shop_id, last.order_id)

    await street.database.transaction(back)
    await street.shelf.poll()
    assert "InStock" in (await someone.get(path)).text


async def test_a_browser_that_has_the_page_is_told_so(street: Street) -> None:
    someone = street.stranger()
    first = await someone.get("/@xiaoman")
    known = await someone.get("/@xiaoman", headers={"if-none-match": first.headers["etag"]})
    assert known.status_code == 304 and known.content == b""
    assert known.headers["etag"] == first.headers["etag"]
    assert known.headers["cache-control"] == "private, no-cache"


async def test_head_answers_as_get_without_a_body(street: Street) -> None:
    someone = street.stranger()
    got, head = await someone.get("/@xiaoman"), await someone.head("/@xiaoman")
    assert head.status_code == 200 and head.content == b""
    assert head.headers["etag"] == got.headers["etag"]


async def test_pages_come_compressed_to_who_can_read_that(street: Street) -> None:
    zipped = await street.stranger().get("/@xiaoman")
    plain = await street.stranger().get("/@xiaoman", headers={"accept-encoding": "identity"})
    assert zipped.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert zipped.text == plain.text
    assert int(zipped.headers["content-length"]) < len(plain.content) / 2


async def test_kept_pages_carry_the_safety_of_all_pages(street: Street) -> None:
    page = await street.stranger().get("/@xiaoman")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "strict-origin-when-cross-origin"


async def test_what_chats_add_to_a_link_makes_no_second_page(street: Street) -> None:
    someone = street.stranger()
    await someone.get("/@xiaoman")
    await someone.get("/@xiaoman?from=singlemessage&isappinstalled=0")
    await someone.get("/@xiaoman?utm_source=weibo")
    assert len(street.shelf) == 1


async def test_invented_tags_and_pages_make_no_second_page(street: Street) -> None:
    product_id = await street.sells()
    someone = street.stranger()
    whole = (await someone.get("/@xiaoman")).text
    product = (await someone.get(f"/@xiaoman/p/{product_id}")).text
    for query in ("tag=drills", "page=9", "tag=drills&page=2", "tag=盖碗&page=2&x=1", "page=0"):
        answer = await someone.get(f"/@xiaoman?{query}")
        assert answer.status_code == 200 and (query[4:6] == "盖碗" or answer.text == whole), query
        assert (await someone.get(f"/@xiaoman/p/{product_id}?{query}")).text == product
    kept = {(key.path, key.tag, key.page) for key in street.shelf._kept}
    assert kept == {
        ("/@xiaoman", None, 1),
        ("/@xiaoman", "盖碗", 1),
        (f"/@xiaoman/p/{product_id}", None, 1),
    }


async def test_a_fault_while_drawing_is_told_once_and_not_drawn_again(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = 0

    async def fail(asked: Asked) -> Drawn:
        nonlocal drawn
        drawn += 1
        raise faults.pop()

    monkeypatch.setattr(street.shelf, "_draw", fail)
    faults: list[Exception] = [db.Unavailable("away"), NotFound("shop")]
    someone = street.stranger()
    assert (await someone.get("/@xiaoman")).status_code == 404
    away = await someone.get("/@xiaoman")
    assert away.status_code == 503 and away.headers["retry-after"] == "5"
    faults.append(ZeroDivisionError("our mistake"))
    with pytest.raises(ZeroDivisionError):
        await someone.get("/@xiaoman")
    assert drawn == 3


async def test_what_requests_look_like_takes_room_and_has_little(
    database: db.Database,
) -> None:
    async def draw(asked: Asked) -> Drawn:
        return drawn(1, "x" * 5000)

    shelf = Shelf(database, draw, lambda: MORNING, public_url="", most_bytes=40_000)
    met = Meeting(await shelf.fetch(key("a")), person=True)
    page = shelf.bytes
    shelf.remember(b"x" * 3000, met)
    assert shelf.recall(b"x" * 3000) is None and shelf.bytes == page
    shelf.remember(b"x" * 900, met)
    assert shelf.recall(b"x" * 900) is met and shelf.bytes > page + 900
    for number in range(500):
        shelf.remember(b"%900d" % number, met)
        assert shelf.bytes <= page + 10_000
    assert shelf.recall(b"%900d" % 499) is met
    shelf.drop(1)
    assert shelf.bytes == shelf.look_bytes == 0


async def test_a_false_host_changes_nothing_on_the_page(street: Street) -> None:
    page = await street.stranger().get("/@xiaoman", headers={"host": "evil.example"})
    assert "evil.example" not in page.text
    assert len(street.shelf) == 1


async def test_the_language_asked_for_is_remembered(street: Street) -> None:
    someone = street.stranger("zh-CN")
    assert 'lang="en"' in (await someone.get("/@xiaoman?lang=en")).text
    assert 'lang="en"' in (await someone.get("/@xiaoman")).text
    assert 'lang="zh-CN"' in (await street.stranger().get("/@xiaoman?lang=xx")).text


async def test_what_is_not_there_is_said_by_the_app_and_not_kept(street: Street) -> None:
    answer = await street.stranger().get("/@nobody-here")
    assert answer.status_code == 404 and answer.headers["cache-control"] == "no-store"
    assert len(street.shelf) == 0


async def test_a_page_that_says_tomorrow_ends_at_midnight(street: Street) -> None:
    product_id = await street.sells()
    someone, path = street.stranger(), f"/@xiaoman/p/{product_id}"
    before = (await someone.get(path)).text
    street.world.later(hours=15)
    await street.shelf.poll()
    assert (await someone.get(path)).text != before


def drawn(version: int, text: str = "x", shop_id: int = 1) -> Drawn:
    return Drawn(shop_id, version, "Asia/Shanghai", text, datetime(2100, 1, 1, tzinfo=UTC))


def key(path: str) -> Key:
    return Key("http://shop.test", path, None, 1, "en", "phone", False)


async def test_many_who_ask_at_once_are_drawn_one_page(database: db.Database) -> None:
    count, open_door = 0, asyncio.Event()

    async def draw(asked: Asked) -> Drawn:
        nonlocal count
        count += 1
        await open_door.wait()
        return drawn(1)

    shelf = Shelf(database, draw, lambda: MORNING, public_url="http://shop.test")
    waiting = [asyncio.create_task(shelf.fetch(key("/@a"))) for _ in range(20)]
    await asyncio.sleep(0)
    open_door.set()
    assert len({id(page) for page in await asyncio.gather(*waiting)}) == 1
    assert count == 1


async def test_the_shelf_keeps_to_its_size_and_forgets_what_was_asked_for_longest_ago(
    database: db.Database,
) -> None:
    async def draw(asked: Asked) -> Drawn:
        return drawn(1, "x" * 10_000)

    shelf = Shelf(database, draw, lambda: MORNING, public_url="", most_bytes=40_000)
    for name in "abc":
        await shelf.fetch(key(name))
    shelf.find(key("a"))
    await shelf.fetch(key("d"))
    assert [name for name in "abcd" if shelf.find(key(name))] == ["a", "c", "d"]
    assert shelf.bytes <= 40_000


async def test_a_page_drawn_before_the_shop_moved_does_not_stay(database: db.Database) -> None:
    versions = iter((2, 1, 3))

    async def draw(asked: Asked) -> Drawn:
        return drawn(next(versions))

    shelf = Shelf(database, draw, lambda: MORNING, public_url="")
    await shelf.fetch(key("a"))
    await shelf.fetch(key("b"))
    assert shelf.find(key("b")) is None and shelf.find(key("a"))
    await shelf.fetch(key("c"))
    assert shelf.find(key("a")) is None and shelf.find(key("c"))


async def test_after_a_gap_nothing_kept_is_believed(street: Street) -> None:
    await street.stranger().get("/@xiaoman")
    await street.shelf.poll(ticks=100.0)
    await street.shelf.poll(ticks=101.0)
    assert len(street.shelf) == 1
    await street.shelf.poll(ticks=101.0 + kept_pages.GAP_SECONDS + 1)
    assert len(street.shelf) == 0


@pytest.mark.parametrize(
    ("cookies", "value"),
    [
        (b"v1=abc", b"abc"),
        (b"lang=en; v1=abc; x=y", b"abc"),
        (b"xv1=no; v1=abc", b"abc"),
        (b"xv1=no", b""),
        (b"", b""),
    ],
)
def test_a_cookie_is_found_among_others(cookies: bytes, value: bytes) -> None:
    assert cookie(cookies, b"v1=") == value


def test_a_query_is_read_for_what_it_narrows() -> None:
    assert narrowed(b"tag=%E6%9D%AF&page=2&lang=en&from=timeline") == ("杯", 2, "en")
    assert narrowed(b"page=0&lang=xx") == (None, 1, None)
    assert narrowed(b"&".join([b"a=1"] * 100)) == (None, 1, None)


async def test_containers_are_kept_apart(street: Street) -> None:
    await street.stranger().get("/@xiaoman")
    await street.stranger(agent=DESK).get("/@xiaoman")
    assert len(street.shelf) == 2


async def test_moving_products_moves_the_shelf(street: Street) -> None:
    first, second = await street.sells(), await street.sells()
    someone = street.stranger()
    before = (await someone.get("/@xiaoman")).text
    assert before.index(str(second)) < before.index(str(first))

    async def down(conn: db.Connection) -> None:
        await products.move(conn, street.shop_id, second, 1)

    await street.database.transaction(down)
    await street.shelf.poll()
    after = (await someone.get("/@xiaoman")).text
    assert after.index(str(first)) < after.index(str(second))
