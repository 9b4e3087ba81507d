"""Visits: who counts, once a day each, and what is left when the day is over."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import asyncpg
import httpx
import msgspec
import pytest

from littleshop import db
from littleshop.identity import people, phones, sessions
from littleshop.insights import takings, visits
from littleshop.insights.visits import Place, Strangers, Visits, day_at, seconds_left
from littleshop.shop import staff
from littleshop.web import containers
from tests.cast import MORNING, Town
from tests.web.street import BAIDUSPIDER, DESK, PHONE, Street

SHANGHAI = "Asia/Shanghai"
KEY = b"k" * 16


async def test_a_visitor_counts_once_a_day_and_every_view_counts(street: Street) -> None:
    product_id = await street.sells()
    someone = street.stranger()
    for path in ("/@xiaoman", f"/@xiaoman/p/{product_id}", "/@xiaoman"):
        await someone.get(path)
    await street.stranger(agent=DESK).get("/@xiaoman")
    assert await street.counted() == {
        ("shop", ""): (2, 4),
        ("look", ""): (1, 1),
        ("product", str(product_id)): (1, 1),
    }


async def test_two_tabs_opened_at_once_are_one_visitor(street: Street) -> None:
    browser, other_tab = street.stranger(), street.stranger()
    first = await browser.get("/@xiaoman")
    second = await other_tab.get("/@xiaoman")  # before the first cookie came back
    assert first.cookies[f"v{street.shop_id}"] == second.cookies[f"v{street.shop_id}"]
    assert await street.counted() == {("shop", ""): (1, 2)}


async def test_a_private_window_is_another_visitor(street: Street) -> None:
    browser = street.stranger()
    await browser.get("/@xiaoman")
    await browser.get("/@xiaoman/mine")  # the page's own piece brings the cookie back
    await street.stranger().get("/@xiaoman")
    assert await street.counted() == {("shop", ""): (2, 2)}


async def test_a_browser_that_refuses_cookies_is_one_visitor(street: Street) -> None:
    browser = street.stranger()
    for _ in range(5):
        await browser.get("/@xiaoman")
        browser.cookies.clear()
    assert await street.counted() == {("shop", ""): (1, 5)}


@pytest.mark.parametrize(
    "headers",
    [
        {"user-agent": BAIDUSPIDER},
        {"user-agent": "facebookexternalhit/1.1"},
        {"user-agent": "curl/8.5.0"},
        {"user-agent": ""},
        {"sec-purpose": "prefetch;prerender"},
        {"purpose": "prefetch"},
        {"x-moz": "prefetch"},
    ],
)
async def test_robots_and_what_is_fetched_ahead_do_not_count(
    street: Street, headers: dict[str, str]
) -> None:
    answer = await street.stranger().get("/@xiaoman", headers=headers)
    assert answer.status_code == 200 and "set-cookie" not in answer.headers
    assert await street.counted() == {}


async def test_head_does_not_count(street: Street) -> None:
    await street.stranger().head("/@xiaoman")
    assert await street.counted() == {}


async def test_a_page_the_browser_had_already_counts(street: Street) -> None:
    someone = street.stranger()
    first = await someone.get("/@xiaoman")
    await someone.get("/@xiaoman", headers={"if-none-match": first.headers["etag"]})
    assert await street.counted() == {("shop", ""): (1, 2)}


async def _signs_in(street: Street, browser: httpx.AsyncClient, phone: str) -> None:
    async def work(conn: db.Connection) -> str:
        person = await people.meet(
            conn, street.keyring, phones.parse(phone), locale="zh-CN", at=street.at
        )
        token, _ = await sessions.start(conn, person.person_id, device="phone", at=street.at)
        return token

    browser.cookies.set("session", await street.database.transaction(work))


async def test_the_shops_own_people_do_not_count_and_others_signed_in_do(street: Street) -> None:
    async def note(conn: db.Connection) -> None:
        assert street.person_id is not None
        await staff.note_shop(conn, street.person_id, street.shop_id, role="owner", at=street.at)

    await street.database.transaction(note)
    owner, guest = street.stranger(), street.stranger(agent=DESK)
    await _signs_in(street, owner, "+8613900001001")
    await _signs_in(street, guest, "+8613800002046")
    await owner.get("/@xiaoman")
    await guest.get("/@xiaoman")
    assert await street.counted() == {("shop", ""): (1, 1)}


async def test_putting_something_in_the_basket_is_counted_for_the_same_visitor(
    street: Street,
) -> None:
    product_id = await street.sells()
    someone = street.stranger()
    await someone.get(f"/@xiaoman/p/{product_id}")
    sent = {"product": str(product_id), "option_0": "青灰", "quantity": "1"}
    await someone.post("/@xiaoman/basket/items", data=sent)
    counted = await street.counted()
    assert counted[("basket", "")] == (1, 1) and counted[("shop", "")] == (1, 1)


async def test_the_cookie_dies_at_the_shops_midnight(street: Street) -> None:
    street.world.clock.at = MORNING.replace(hour=15, minute=59, second=30)  # 23:59:30 there
    answer = await street.stranger().get("/@xiaoman")
    set_cookie = answer.headers["set-cookie"]
    assert "Max-Age=30;" in set_cookie and "HttpOnly" in set_cookie and "SameSite=Lax" in set_cookie


async def test_who_stays_over_midnight_counts_on_both_days(street: Street) -> None:
    street.world.clock.at = MORNING.replace(hour=15, minute=59)
    someone = street.stranger()
    await someone.get("/@xiaoman")
    before = street.today()
    street.world.later(minutes=2)
    await someone.get("/@xiaoman")
    assert street.today() == before + timedelta(days=1)
    assert await street.counted(before) == {("shop", ""): (1, 1)}
    assert await street.counted() == {("shop", ""): (1, 1)}


async def test_a_day_that_is_over_becomes_counters_and_its_visitors_are_forgotten(
    street: Street,
) -> None:
    product_id = await street.sells()
    street.world.clock.at = MORNING  # ten o'clock
    for agent in (PHONE, DESK):
        await street.stranger(agent=agent).get(f"/@xiaoman/p/{product_id}")
    before = await street.counted()
    yesterday = street.today()
    street.world.later(hours=13, minutes=59)
    assert await visits.fold(street.database, street.world.at) == 0  # 23:59, still open
    street.world.later(minutes=3)
    assert await visits.fold(street.database, street.world.at) == 1
    assert await street.counted(yesterday) == before
    async with street.database.connection() as conn:
        assert await db.value(conn, "select count(*) from visits") == 0
        for quarter, came in ((40, 0), (41, 2), (96, 2)):
            found = await takings.visitors_by(
                conn, street.shop_id, yesterday, quarter, street.world.at
            )
            assert found == came, quarter


async def test_what_could_not_be_written_waits_and_is_not_lost(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = Visits(town.database)
    place = Place(town.shop_id, SHANGHAI)
    at = town.at.timestamp()
    transaction = town.database.transaction

    async def away(work: object) -> None:
        raise db.Unavailable("away")

    counted.note(place, b"a" * 16, at)
    monkeypatch.setattr(town.database, "transaction", away)
    with pytest.raises(db.Unavailable):
        await counted.flush()
    counted.note(place, b"a" * 16, at + 1)
    counted.note(place, b"b" * 16, at + 1)
    monkeypatch.setattr(town.database, "transaction", transaction)
    assert await counted.flush() == {town.shop_id}
    assert await counted.flush() == set()
    async with town.database.connection() as conn:
        day = day_at(SHANGHAI, at)
        [came] = await takings.came(conn, town.shop_id, ["shop"], day, day)
    assert (came.visitors, came.views) == (2, 3)


async def test_two_processes_count_the_same_visitor_once(town: Town) -> None:
    processes = [Visits(town.database), Visits(town.database)]
    for number in range(50):
        for each in processes:
            each.note(Place(town.shop_id, SHANGHAI), f"{number:016}".encode(), town.at.timestamp())
    await asyncio.gather(*(each.flush() for each in processes))
    async with town.database.connection() as conn:
        day = day_at(SHANGHAI, town.at.timestamp())
        [came] = await takings.came(conn, town.shop_id, ["shop"], day, day)
        assert (came.visitors, came.views) == (50, 100)
        assert await visits.viewers(conn, town.shop_id, day, town.at + timedelta(minutes=4)) == 50
        assert await visits.viewers(conn, town.shop_id, day, town.at + timedelta(minutes=6)) == 0


def test_memory_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visits, "MOST_WAITING", 10)
    monkeypatch.setattr(visits, "MOST_FRESH", 10)
    monkeypatch.setattr(visits, "MOST_KNOWN", 10)
    counted, strangers = Visits(None), Strangers(KEY)  # type: ignore[arg-type]
    at = MORNING.timestamp()
    for number in range(50):
        counted.note(Place(1, SHANGHAI), str(number).encode(), at)
        strangers.meet(1, SHANGHAI, str(number), "phone", at)
        assert strangers.knows(1, SHANGHAI, strangers.make(1, day_at(SHANGHAI, at)), at)
    assert len(counted._seen) == 10 and counted.lost == 40
    assert len(strangers._fresh) == len(strangers._handed) == len(strangers._came) == 10
    assert len(strangers._known) <= 10


def test_the_key_of_a_day_is_thrown_away() -> None:
    strangers, at = Strangers(KEY), MORNING.timestamp()
    first = strangers.meet(1, SHANGHAI, "10.0.0.1", "phone", at)
    assert strangers.meet(1, SHANGHAI, "10.0.0.1", "phone", at + 60) == first
    for day in range(5):
        strangers.meet(1, SHANGHAI, "10.0.0.1", "phone", at + day * 86_400)
    assert len(strangers._keys) == 3
    assert day_at(SHANGHAI, at) not in strangers._keys


def test_the_seconds_of_a_day_are_counted_in_the_shops_zone() -> None:
    at = MORNING.timestamp()  # 10:00 in Shanghai, 21:00 the day before in New York
    assert seconds_left(SHANGHAI, at) == 14 * 3600
    assert seconds_left("America/New_York", at) == 3 * 3600
    assert day_at("America/New_York", at) == day_at(SHANGHAI, at) - timedelta(days=1)


async def test_invented_cookies_are_no_visitors(street: Street) -> None:
    for number in range(20):
        invented = f"v{street.shop_id}=invented{number:08}"
        answer = await street.stranger(cookie=invented).get("/@xiaoman")
        assert len(answer.cookies[f"v{street.shop_id}"]) == 16  # he gets one of ours
    product_id = await street.sells()
    sent = {"product": str(product_id), "option_0": "青灰", "quantity": "1"}
    for number in range(20):
        invented = f"v{street.shop_id}=invented{number:08}"
        await street.stranger(cookie=invented).post("/@xiaoman/basket/items", data=sent)
    counted = await street.counted()
    assert counted == {("shop", ""): (1, 20), ("basket", ""): (1, 20)}


async def test_a_cookie_counts_in_its_shop_and_on_its_day_only(street: Street) -> None:
    someone = street.stranger()
    await someone.get("/@xiaoman")
    kept = someone.cookies[f"v{street.shop_id}"]
    known, at = street.counter.strangers.knows, street.world.at.timestamp()
    assert known(street.shop_id, SHANGHAI, kept.encode(), at)
    assert not known(street.shop_id + 1, SHANGHAI, kept.encode(), at)
    assert not known(street.shop_id, SHANGHAI, kept.encode() + b"0", at)
    assert not known(street.shop_id, SHANGHAI, kept[:-1].encode() + b"x", at)
    assert not known(street.shop_id, SHANGHAI, kept.encode(), at + 86_400)
    street.world.later(days=1)
    await street.shelf.poll()
    answer = await street.stranger(cookie=f"v{street.shop_id}={kept}").get("/@xiaoman")
    assert answer.cookies[f"v{street.shop_id}"] != kept


def test_another_process_knows_the_cookie_and_another_installation_does_not() -> None:
    at = MORNING.timestamp()
    token = Strangers(KEY).meet(1, SHANGHAI, "10.0.0.1", "phone", at)
    assert Strangers(KEY).knows(1, SHANGHAI, token, at)
    assert not Strangers(b"another key").knows(1, SHANGHAI, token, at)


def test_who_throws_his_cookies_away_is_no_crowd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visits, "MOST_OF_ADDRESS", 5)
    strangers, at = Strangers(KEY), MORNING.timestamp()

    def comes(address: str, agent: str = "phone", shop_id: int = 1, at: float = at) -> bytes:
        token = strangers.meet(shop_id, SHANGHAI, address, agent, at)
        assert strangers.knows(shop_id, SHANGHAI, token, at)
        return token

    assert len({comes("203.0.113.9", f"phone {number}") for number in range(50)}) == 6
    assert len({comes("203.0.113.9") for _ in range(50)}) == 1
    assert len({comes("203.0.113.7") for _ in range(5)}) == 5  # neighbours, other shops, tomorrow
    assert len({comes("203.0.113.9", shop_id=2) for _ in range(5)}) == 5
    assert len({comes("203.0.113.9", at=at + 86_400) for _ in range(5)}) == 5


@pytest.mark.parametrize(
    ("agent", "container"),
    [
        (f"{PHONE} MicroMessenger/8.0.50(0x1800323c)", "wechat"),
        (f"{PHONE} AlipayClient/10.5.96.6000", "alipay"),
        (f"{PHONE} QQ/9.0.56 V1_IPH", "qq"),
        ("Mozilla/5.0 (Linux; Android 14) Chrome/121 MQQBrowser/15.1 Mobile", "phone"),
        (f"{PHONE} Weibo (iPhone14,5__weibo__14.5.1__iphone)", "weibo"),
        (f"{PHONE} baiduboxapp/13.65.0.10", "baidu"),
        (PHONE, "phone"),
        (DESK, "desktop"),
        ("", "desktop"),
    ],
)
def test_an_app_is_known_by_its_browsers_name(agent: str, container: str) -> None:
    assert containers.of(agent) == container


def test_a_phone_made_by_cubot_is_not_a_robot() -> None:
    assert not containers.is_robot("Mozilla/5.0 (Linux; Android 13; CUBOT NOTE 40) Mobile Safari")
    assert containers.is_robot("Googlebot/2.1 (+http://www.google.com/bot.html)")
    assert containers.is_preview("WhatsApp/2.23.20.0")


async def test_nonsense_cannot_be_written(town: Town) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="visit_days_sane"):
        async with town.database.connection() as conn:
            await conn.execute(
                "insert into visit_days values ($1, $2, 'shop', '', 1, 2, '{}')",
                town.shop_id,
                MORNING.date(),
            )


async def test_what_a_stranger_says_of_his_way_is_not_remembered(street: Street) -> None:
    for number in range(20):
        await street.stranger(x_forwarded_for=f"10.0.0.{number}").get("/@xiaoman")
    assert list(street.counter._addresses.values()) == ["127.0.0.1"]


async def test_a_proxy_of_ours_is_believed_and_remembered_within_bounds(street: Street) -> None:
    house = street.world.house
    house.settings = msgspec.structs.replace(house.settings, trusted_proxies=("127.0.0.1",))
    for way in ("203.0.113.7", "203.0.113.8", "1.1.1.1, " * 100 + "203.0.113.9"):
        await street.stranger(x_forwarded_for=way).get("/@xiaoman")
    assert list(street.counter._addresses.values()) == ["203.0.113.7", "203.0.113.8"]


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 AppleWebKit/537.36; compatible; ChatGPT-User/1.0",
        "Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/121.0.0.0 Safari/537.36",
        "meta-externalagent/1.1",
        "Dalvik/2.1.0 (Linux; U; Android 13; SM-A505F)",
        "Apache-HttpClient/4.5.14",
    ],
)
def test_a_program_that_fetches_pages_is_no_visitor(agent: str) -> None:
    assert containers.is_robot(agent)
