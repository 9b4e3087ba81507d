"""Changing the payout card through the pages, and the page behind the link in the word about it."""

from __future__ import annotations

import json
from datetime import timedelta

import httpx
import pytest

from littleshop import i18n
from tests.web.client import World, hidden, says

ID = "36020319920503120X"
OLD, NEW = "6222021502003456781", "6222021502003456799"
OLD_BANK_PHONE = "139 0000 7001"
LOCALES = pytest.mark.parametrize("locale", i18n.LOCALES)


async def verified(world: World, client: httpx.AsyncClient) -> str:
    """A shop whose owner and card are verified; the address of its card page."""
    shop_id = await world.open_shop(client)
    shop = {"shop": str(shop_id)}
    person = {"legal_name": "林小满", "id_number": ID, "consent": "yes"}
    assert (await client.post("/open/identity", data=person | shop)).status_code == 303
    card = {"card_number": OLD, "reserved_phone": OLD_BANK_PHONE}
    assert (await client.post("/open/card", data=card | shop)).status_code == 303
    await world.work()
    world.later(hours=2)
    return f"/console/{shop_id}/card"


async def proved(world: World, client: httpx.AsyncClient, root: str) -> httpx.Response:
    """Have a code sent and type it; the answer leads to the form."""
    page = await client.get(root)
    answer = await client.post(root, data={"form_key": hidden(page, "form_key")})
    assert answer.headers["location"] == f"{root}/code"
    await world.work()
    return await client.post(f"{root}/code", data={"code": world.code()})


def words(world: World) -> list[tuple[str, dict[str, str]]]:
    """What was told about a new card: phone and facts."""
    sent = [(phone, json.loads(told)) for phone, told in world.inbox]
    return [(phone, told) for phone, told in sent if "objection" in told]


@LOCALES
async def test_the_owner_changes_the_card_from_the_settings(world: World, locale: str) -> None:
    client = world.browser(locale)
    root = await verified(world, client)
    settings = await client.get(root.replace("/card", "/settings"))
    assert f'href="{root}"' in settings.text
    page = await client.get(root)
    assert "**** 6781" in page.text and OLD not in page.text
    answer = await proved(world, client, root)
    assert answer.headers["location"] == f"{root}/new"
    form = {"id_number": ID, "card_number": NEW, "reserved_phone": "139 0000 7002"}
    for _ in range(2):  # a double click
        answer = await client.post(f"{root}/new", data=form)
        assert answer.status_code == 303
    page = await client.get(root)
    assert {"en": "We are asking the bank", "zh-CN": "正在向银行核对"}[locale] in page.text
    await world.work()
    page = await client.get(root)
    assert "**** 6799" in page.text and "**** 6781" not in page.text
    money = await client.get(root.replace("/card", "/money"))
    until = i18n.when(locale, world.at + timedelta(hours=48), world.at)
    assert i18n.t(locale, "entry.hold.card_changed", until=until) in money.text
    assert {phone for phone, _ in words(world)} == {"13900001001", "13900007001", "13900007002"}
    world.later(hours=48)
    money = await client.get(root.replace("/card", "/money"))
    assert i18n.t(locale, "entry.hold.look") not in money.text


async def test_a_stolen_code_alone_moves_the_card_nowhere(
    world: World, client: httpx.AsyncClient
) -> None:
    root = await verified(world, client)
    thief = world.browser()
    await world.sign_in(thief)  # with the owner's phone in his hand
    world.later(minutes=2)
    await proved(world, thief, root)
    for number in ("11010519491231002X", ID[:-1] + "1", ""):
        answer = await thief.post(f"{root}/new", data={"id_number": number, "card_number": NEW})
        assert answer.status_code == 422 and 'aria-describedby="e-id_number"' in answer.text
    await world.work()
    assert "**** 6781" in (await client.get(root)).text and words(world) == []


async def test_the_identity_number_is_guessed_ten_times_a_day_and_no_more(
    world: World, client: httpx.AsyncClient
) -> None:
    root = await verified(world, client)
    await proved(world, client, root)
    wrong = {"id_number": "11010519491231002X", "card_number": NEW}
    for _ in range(10):
        answer = await client.post(f"{root}/new", data=wrong)
        assert says(answer, "en", "id_differs")
    answer = await client.post(f"{root}/new", data=wrong | {"id_number": ID})
    assert answer.status_code == 422 and "Try again in" in answer.text
    world.later(days=1)
    for _ in range(12):  # without a fresh code nothing is guessed and nothing is used up
        answer = await client.post(f"{root}/new", data=wrong)
        assert answer.headers["location"] == root
    await proved(world, client, root)
    answer = await client.post(f"{root}/new", data=wrong | {"id_number": ID})
    assert answer.headers["location"] == root


async def test_the_form_is_closed_without_a_code_and_staff_and_strangers_find_no_page(
    world: World, client: httpx.AsyncClient
) -> None:
    root = await verified(world, client)
    form = {"id_number": ID, "card_number": NEW}
    for answer in (
        await client.get(f"{root}/new"),
        await client.post(f"{root}/new", data=form),
        await client.get(f"{root}/code"),
    ):
        assert answer.headers["location"] == root
    stranger = world.browser()
    await world.sign_in(stranger, "139 0000 1011")
    for path in ("", "/code", "/new"):
        assert (await stranger.get(root + path)).status_code == 404
        assert (await stranger.post(root + path, data=form)).status_code == 404
    nobody = world.browser()
    assert (await nobody.get(root)).headers["location"].startswith("/sign-in?next=/console/")


async def test_the_proof_of_one_browser_opens_no_form_in_anothers_session(
    world: World, client: httpx.AsyncClient
) -> None:
    root = await verified(world, client)
    await proved(world, client, root)
    other = world.browser()
    await world.sign_in(other, "139 0000 1011")
    other.cookies.set("card_proof", client.cookies["card_proof"], domain="shop.test")
    assert (await other.post(f"{root}/new", data={})).status_code == 404
    world.later(minutes=11)
    assert (await client.get(f"{root}/new")).headers["location"] == root


async def test_wrong_codes_are_counted_and_another_one_can_be_sent(
    world: World, client: httpx.AsyncClient
) -> None:
    root = await verified(world, client)
    await client.post(root)
    await world.work()
    code = world.code()
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    answer = await client.post(f"{root}/code", data={"code": wrong})
    assert answer.status_code == 422 and says(answer, "en", "code_wrong", left=4)
    world.later(seconds=10)
    answer = await client.post(f"{root}/code/again")
    assert answer.status_code == 429 and says(answer, "en", "code_too_soon", seconds=50)
    world.later(minutes=1)
    assert (await client.post(f"{root}/code/again")).status_code == 303
    await world.work()
    for _ in range(2):
        answer = await client.post(f"{root}/code", data={"code": world.code()})
        assert answer.headers["location"] == f"{root}/new"


async def test_a_shop_without_a_verified_card_is_led_to_the_step_of_its_opening(
    world: World, client: httpx.AsyncClient
) -> None:
    shop_id = await world.open_shop(client)
    answer = await client.get(f"/console/{shop_id}/card")
    assert answer.headers["location"] == f"/open/card?shop={shop_id}"


@LOCALES
async def test_whoever_gets_the_word_stops_the_payouts_without_signing_in(
    world: World, locale: str
) -> None:
    client = world.browser()
    root = await verified(world, client)
    await proved(world, client, root)
    await client.post(f"{root}/new", data={"id_number": ID, "card_number": NEW})
    await world.work()
    link = f"/not-me/{words(world)[0][1]['objection']}"
    anybody = world.browser(locale)
    page = await anybody.get(link)
    assert page.status_code == 200 and "**** 6799" in page.text and "小满茶器" in page.text
    assert ID not in page.text and "138" not in page.text and "1001" not in page.text
    assert page.headers["referrer-policy"] == "same-origin"
    assert page.headers["cache-control"] == "no-store" and "noindex" in page.text
    money = await client.get(root.replace("/card", "/money"))
    assert i18n.t("en", "entry.hold.not_me") not in money.text  # looking stops nothing
    for _ in range(2):
        assert (await anybody.post(link)).headers["location"] == link
    assert i18n.t(locale, "card.not_me.stopped") in (await anybody.get(link)).text
    money = await client.get(root.replace("/card", "/money"))
    assert i18n.t("en", "entry.hold.not_me") in money.text
    page = await client.get(root)
    assert i18n.t("en", "card.stopped") in page.text and "<form" not in page.text


async def test_a_made_up_link_and_one_of_last_month_stop_nothing(
    world: World, client: httpx.AsyncClient
) -> None:
    root = await verified(world, client)
    await proved(world, client, root)
    await client.post(f"{root}/new", data={"id_number": ID, "card_number": NEW})
    await world.work()
    link = f"/not-me/{words(world)[0][1]['objection']}"
    bent = f"{link[:-4]}0189"  # no signs of ours
    for wrong in (bent, "/not-me/x", "/not-me/1-", "/not-me/99-abcdef"):
        assert (await client.get(wrong)).status_code == 404
        assert (await client.post(wrong)).status_code == 404
    world.later(days=31)
    answer = await world.browser().post(link)
    assert answer.status_code == 409 and says(answer, "en", "objection_late", days=30)
