"""Signing in and opening a shop as a person meets them: pages, forms, cookies, refusals."""

from __future__ import annotations

import re

import httpx
import pytest

from littleshop import i18n
from littleshop.shop import cards, shops
from tests.web.client import ORIGIN, SELLER, World, hidden, photo

ID = "36020319920503120X"
CARD = "6222021502003456781"
LOCALES = pytest.mark.parametrize("locale", i18n.LOCALES)


def says(answer: httpx.Response, locale: str, code: str, **details: object) -> bool:
    """Whether the page says this refusal."""
    sentence = i18n.t(locale, f"errors.{code}", **details)
    return sentence in answer.text.replace("&#39;", "'").replace("&amp;", "&")


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


async def identified(world: World, client: httpx.AsyncClient, **person: str) -> httpx.Response:
    """A shop on the front path, its owner naming herself."""
    await world.sign_in(client)
    sent = {"legal_name": "林小满", "id_number": ID, "consent": "yes"} | person
    return await client.post("/open/identity", data=sent)


@LOCALES
async def test_an_id_number_with_a_wrong_check_digit_is_told_where_to_look(
    world: World, locale: str
) -> None:
    client = world.browser(locale)
    answer = await identified(world, client, id_number="360203199205031201")
    assert answer.status_code == 422 and says(answer, locale, "id_check_digit")
    assert 'value="林小满"' in answer.text


@LOCALES
async def test_somebody_under_sixteen_is_told_from_which_day_on(world: World, locale: str) -> None:
    client = world.browser(locale)
    answer = await identified(world, client, id_number="36020320120503120X")
    assert answer.status_code == 422
    assert says(answer, locale, "id_underage", age=16, on="2028-05-03")


async def test_without_consent_nothing_is_asked_of_the_register(
    world: World, client: httpx.AsyncClient
) -> None:
    answer = await identified(world, client, consent="")
    assert says(answer, "en", "consent_missing")


@LOCALES
async def test_a_card_that_fails_luhn_warns_and_passes_when_insisted_on(
    world: World, locale: str
) -> None:
    client = world.browser(locale)
    await identified(world, client)
    typo = CARD[:-1] + str((int(CARD[-1]) + 1) % 10)
    answer = await client.post("/open/card", data={"card_number": typo})
    assert answer.status_code == 422 and says(answer, locale, "card_luhn")
    assert 'name="confirm_number"' in answer.text and typo in answer.text
    answer = await client.post("/open/card", data={"card_number": typo, "confirm_number": "yes"})
    assert answer.status_code == 303


@LOCALES
async def test_a_credit_card_is_refused_with_its_bank(world: World, locale: str) -> None:
    client = world.browser(locale)
    await identified(world, client)
    answer = await client.post("/open/card", data={"card_number": "4392260033445566"})
    assert answer.status_code == 422
    bank = {"bank_en": "China Merchants Bank", "bank_zh": "招商银行"}
    assert bank["bank_zh" if locale == "zh-CN" else "bank_en"] in answer.text
    assert "confirm_number" not in answer.text


async def test_the_first_digits_of_a_card_name_its_bank(client: httpx.AsyncClient) -> None:
    told = (await client.get("/open/bank?bin=622202")).json()
    assert told == {"name": cards.launch_banks()[0].name("en"), "credit": False}
    assert (await client.get("/open/bank?bin=000000")).status_code == 404


async def test_a_card_before_a_name_asks_for_the_name_first(
    world: World, client: httpx.AsyncClient
) -> None:
    await world.sign_in(client)
    answer = await client.post("/open/card", data={"card_number": CARD})
    assert says(answer, "en", "identity_first") and 'name="legal_name"' in answer.text


async def test_what_the_register_denies_is_shown_as_refused_and_may_be_said_again(
    world: World, client: httpx.AsyncClient
) -> None:
    shop_id = await world.open_shop(client, brought_by="?from=")
    world.register_says = {"match": False, "reason": "name"}
    person = {"legal_name": "林小满", "id_number": ID, "consent": "yes", "shop": str(shop_id)}
    await client.post("/open/identity", data=person)
    await world.work()
    page = await client.get(f"/open?shop={shop_id}")
    assert 'name="legal_name"' in page.text
    world.register_says = {"match": True, "reason": None}
    assert (await client.post("/open/identity", data=person)).status_code == 303
    await world.work()
    page = await client.get(f"/open?shop={shop_id}")
    assert 'name="card_number"' in page.text


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


async def test_no_page_of_entry_is_kept_or_sends_where_it_was(
    world: World, client: httpx.AsyncClient
) -> None:
    for path in ("/sign-in", "/open"):
        answer = await client.get(path)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert not re.search(r"\son[a-z]+=|<script>", answer.text)


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
