"""Identity and bank card through the pages: what is refused, with which words, and what warns."""

from __future__ import annotations

import httpx
import pytest

from littleshop import i18n
from littleshop.shop import cards
from tests.web.client import World, says

ID = "36020319920503120X"
CARD = "6222021502003456781"
LOCALES = pytest.mark.parametrize("locale", i18n.LOCALES)


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
    told, icbc = (await client.get("/open/bank?bin=622202")).json(), cards.bank("ICBC")
    assert icbc is not None
    assert told == {"name": icbc.name("en"), "credit": False}
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
