"""Signing in and out through the pages: codes, refusals, double clicks, where one ends up."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from littleshop import i18n
from tests.web import client as clients
from tests.web.client import ORIGIN, SELLER, World, hidden, says

ID = "36020319920503120X"
CARD = "6222021502003456781"
LOCALES = pytest.mark.parametrize("locale", i18n.LOCALES)


async def at_the_code(world: World, client: httpx.AsyncClient, phone: str = SELLER) -> str:
    """Ask for a code at the sign-in page; the code that came."""
    answer = await client.post("/sign-in", data={"phone": phone})
    assert answer.headers["location"] == "/sign-in/code"
    await world.work()
    return world.code()


async def test_a_phone_and_its_code_sign_in_and_lead_on(
    world: World, client: httpx.AsyncClient
) -> None:
    code = await at_the_code(world, client)
    page = await client.get("/sign-in/code")
    assert "139 **** 1001" in page.text
    answer = await client.post("/sign-in/code", data={"code": code})
    assert answer.headers["location"] == "/console"
    cookies = [each for each in answer.headers.get_list("set-cookie") if "session=" in each]
    assert "HttpOnly" in cookies[0] and "SameSite=lax" in cookies[0]
    onward = await client.get("/console")
    assert onward.headers["location"] == "/open"  # no shop yet


@LOCALES
async def test_a_code_typed_wrong_five_times_is_spent_and_a_sixth_try_is_told_so(
    world: World, locale: str
) -> None:
    client = world.browser(locale)
    code = await at_the_code(world, client)
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    for left in (4, 3, 2, 1, 0):
        answer = await client.post("/sign-in/code", data={"code": wrong})
        assert answer.status_code == 422 and says(answer, locale, "code_wrong", left=left)
        assert 'aria-invalid="true"' in answer.text
    answer = await client.post("/sign-in/code", data={"code": wrong})
    assert says(answer, locale, "code_spent")
    answer = await client.post("/sign-in/code", data={"code": code})
    assert answer.status_code == 422 and "session" not in client.cookies


@LOCALES
async def test_a_code_older_than_five_minutes_is_told_to_be_old(world: World, locale: str) -> None:
    client = world.browser(locale)
    code = await at_the_code(world, client)
    world.later(minutes=5, seconds=1)
    answer = await client.post("/sign-in/code", data={"code": code})
    assert answer.status_code == 422 and says(answer, locale, "code_expired")


@LOCALES
async def test_a_phone_of_a_country_without_texts_is_named_with_its_country(
    world: World, locale: str
) -> None:
    client = world.browser(locale)
    for page in ("/sign-in", "/open/phone"):
        answer = await client.post(page, data={"phone": "+254 712 345678"})
        assert answer.status_code == 422
        assert says(
            answer,
            locale,
            "phone_country",
            country_en="Kenya",
            country_zh="肯尼亚",
            calling="+254",
        )
        assert 'value="+254 712 345678"' in answer.text  # what was typed stays


async def test_a_short_phone_is_counted_not_blamed(client: httpx.AsyncClient) -> None:
    answer = await client.post("/sign-in", data={"phone": "1390000100"})
    assert says(answer, "en", "phone_length", have=10, want=11)


async def test_asking_again_too_soon_says_how_long_to_wait(
    world: World, client: httpx.AsyncClient
) -> None:
    await at_the_code(world, client)
    world.later(seconds=10)
    answer = await client.post("/sign-in/code/again")
    assert answer.status_code == 429 and says(answer, "en", "code_too_soon", seconds=50)
    world.later(seconds=50)
    assert (await client.post("/sign-in/code/again")).status_code == 303


async def test_one_device_cannot_have_codes_sent_to_everybody(
    world: World, client: httpx.AsyncClient
) -> None:
    for number in range(10):
        answer = await client.post("/sign-in", data={"phone": f"139000020{number:02}"})
        assert answer.status_code == 303
    answer = await client.post("/sign-in", data={"phone": "13900003000"})
    assert answer.status_code == 422 and "Try again in" in answer.text


async def test_a_double_click_on_the_code_signs_in_both_times(
    world: World, client: httpx.AsyncClient
) -> None:
    code = await at_the_code(world, client)
    waits = dict(client.cookies)
    first = await client.post("/sign-in/code", data={"code": code})
    client.cookies.clear()  # the browser dropped the first answer
    client.cookies.update(waits)
    second = await client.post("/sign-in/code", data={"code": code})
    assert first.headers["location"] == second.headers["location"] == "/console"
    assert (await client.get("/console")).headers["location"] == "/open"


async def test_two_presses_that_two_processes_hear_begin_one_session(dsn: str, home: Path) -> None:
    async with clients.opened(dsn, home) as one, clients.opened(dsn, home) as two:
        client = one.browser()
        code = await at_the_code(one, client)
        waits = dict(client.cookies)
        sessions = set()
        for process in (one, two):
            pressed = process.browser()
            pressed.cookies.update(waits)  # both presses left before an answer came
            answer = await pressed.post("/sign-in/code", data={"code": code})
            assert (answer.status_code, answer.headers["location"]) == (303, "/console")
            sessions.add(pressed.cookies["session"])
        assert len(sessions) == 1


async def test_two_presses_on_opening_that_two_processes_hear_lead_to_one_shop(
    dsn: str, home: Path
) -> None:
    async with clients.opened(dsn, home) as one, clients.opened(dsn, home) as two:
        client = one.browser()
        await client.post("/open/phone", data={"phone": SELLER})
        await one.work()
        waits, shops = dict(client.cookies), set()
        for process in (one, two):
            pressed = process.browser()
            pressed.cookies.update(waits)
            answer = await pressed.post("/open/phone/code", data={"code": one.code()})
            assert (answer.status_code, answer.headers["location"]) == (303, "/open")
            shops.add(hidden(await pressed.get("/open"), "shop"))
        assert len(shops) == 1


async def test_a_double_click_on_asking_is_one_code_though_the_browser_has_no_cookie_yet(
    world: World, client: httpx.AsyncClient
) -> None:
    for page, path in (("/sign-in", "/sign-in"), ("/open", "/open/phone")):
        key = hidden(await client.get(page), "form_key")
        for _ in range(2):  # the browser drops the first answer with its cookies
            client.cookies.clear()
            asked = {"phone": SELLER if page == "/open" else "139 0000 1002", "form_key": key}
            assert (await client.post(path, data=asked)).status_code == 303
        await world.work()
        answer = await client.post(f"{path}/code", data={"code": world.code()})
        assert answer.status_code == 303
        client.cookies.clear()
    assert len(world.inbox) == 2


async def test_a_stranger_who_knows_the_number_does_not_keep_its_owner_out(
    world: World, client: httpx.AsyncClient
) -> None:
    await world.sign_in(client)
    await client.post("/sign-out")
    world.later(hours=2)
    stranger = world.browser()
    for _ in range(6):
        await stranger.post("/sign-in", data={"phone": SELLER})
        await world.work()
        for _ in range(6):
            await stranger.post("/sign-in/code", data={"code": "000000"})
        world.later(minutes=2)
    answer = await stranger.post("/sign-in", data={"phone": SELLER})
    assert answer.status_code == 422 and "Enough codes" in answer.text
    await world.sign_in(client)


async def test_a_code_that_was_asked_for_elsewhere_is_not_taken_here(
    world: World, client: httpx.AsyncClient
) -> None:
    code = await at_the_code(world, client)
    thief = world.browser()
    thief.cookies.set("asked", client.cookies["asked"], domain="shop.test")
    answer = await thief.post("/sign-in/code", data={"code": code})
    assert answer.status_code == 422 and says(answer, "en", "code_expired")


async def test_after_signing_in_one_is_where_one_wanted_to_be_but_never_elsewhere(
    world: World, client: httpx.AsyncClient
) -> None:
    answer = await client.get("/console/7/goods")
    assert answer.headers["location"] == "/sign-in?next=/console/7/goods"
    page = await client.get(answer.headers["location"])
    assert hidden(page, "next") == "/console/7/goods"
    for evil in ("//evil.test/", "https://evil.test", "/\\evil.test", "javascript:1"):
        assert hidden(await client.get("/sign-in", params={"next": evil}), "next") == ""
        await client.post("/sign-in", data={"phone": SELLER, "next": evil})
    await world.work()
    answer = await client.post("/sign-in/code", data={"code": world.code()})
    assert answer.headers["location"] == "/console"


async def test_signing_out_ends_the_session_and_a_second_time_changes_nothing(
    world: World, client: httpx.AsyncClient
) -> None:
    await world.open_shop(client)
    session = client.cookies["session"]
    assert (await client.post("/sign-out")).headers["location"] == "/"
    assert (await client.post("/sign-out")).status_code == 303
    client.cookies.set("session", session, domain="shop.test")
    answer = await client.get("/console")
    assert answer.headers["location"].startswith("/sign-in")


async def test_a_post_from_another_site_is_refused(world: World) -> None:
    elsewhere = world.browser(sec_fetch_site="cross-site")
    assert (await elsewhere.post("/sign-in", data={"phone": SELLER})).status_code == 403
    silent = httpx.AsyncClient(transport=httpx.ASGITransport(world.app), base_url=ORIGIN)
    async with silent:
        assert (await silent.post("/sign-out")).status_code == 403


async def test_no_page_of_entry_is_kept_or_sends_where_it_was(
    world: World, client: httpx.AsyncClient
) -> None:
    for path in ("/sign-in", "/open"):
        answer = await client.get(path)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert not re.search(r"\son[a-z]+=|<script>", answer.text)


@LOCALES
async def test_a_country_whose_codes_are_used_up_waits_and_the_others_do_not(
    world: World, locale: str
) -> None:
    while await world.house.meters.spend_exactly("code_abroad", ["GB"], world.at) is None:
        pass
    client = world.browser(locale)
    answer = await client.post("/sign-in", data={"phone": "+44 7400 123456"})
    assert answer.status_code == 422 and says(
        answer, locale, "too_many", wait=timedelta(minutes=60)
    )
    assert (await client.post("/sign-in", data={"phone": SELLER})).status_code == 303


async def test_codes_for_browsers_without_a_cookie_end_before_those_of_known_ones(
    world: World,
) -> None:
    known = world.browser()
    await at_the_code(world, known)
    for number in range(19):
        answer = await world.browser().post("/sign-in", data={"phone": f"139 0000 20{number:02}"})
        assert answer.status_code == 303
    answer = await world.browser().post("/sign-in", data={"phone": "139 0000 2099"})
    assert answer.status_code == 422 and says(answer, "en", "too_many", wait=timedelta(minutes=60))
    answer = await known.post("/sign-in", data={"phone": "139 0000 2098"})
    assert answer.status_code == 303
