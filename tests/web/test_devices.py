"""A device is known by a cookie that we handed out; one that somebody invents is none."""

from __future__ import annotations

from uuid import UUID

import httpx
import pytest

from littleshop import crypto, ids
from littleshop.web import browsers
from tests.web.client import World
from tests.web.street import Street

INVENTED = (
    "x" * 32,
    "x" * 24 + "." + "0" * 32,
    "." + "0" * 32,
    "",
    "喵" * 20,
    "a" * 4000,
)


async def _buys(street: Street, buyer: httpx.AsyncClient) -> str:
    """The buyer puts a bowl in the basket; the device's cookie."""
    product_id = await street.sells()
    sent = {"product": str(product_id), "option_0": "青灰", "quantity": "1"}
    await buyer.post("/@xiaoman/basket/items", data=sent)
    return buyer.cookies["device"]


async def test_a_device_that_acted_is_known_again(street: Street) -> None:
    buyer = street.stranger()
    token = await _buys(street, buyer)
    assert "青灰釉盖碗" in (await buyer.get("/@xiaoman/basket")).text
    assert buyer.cookies["device"] == token


@pytest.mark.parametrize("invented", INVENTED)
async def test_an_invented_device_is_nobodys_and_gets_one_of_ours(
    street: Street, invented: str
) -> None:
    product_id = await street.sells()
    sent = {"product": str(product_id), "option_0": "青灰", "quantity": "1"}
    answer = await street.stranger().post(
        "/@xiaoman/basket/items", data=sent, headers={b"cookie": f"device={invented}".encode()}
    )
    assert len(answer.cookies["device"]) == 57


async def test_a_device_of_another_installation_or_changed_by_a_sign_is_none(
    street: Street,
) -> None:
    buyer = street.stranger()
    token = await _buys(street, buyer)
    name, _, signature = token.partition(".")
    theirs = crypto.read_keys(crypto.make_keys()).sign(f"device {name}")
    for other in (f"{name}.{theirs}", f"{name[:-1]}.{signature}", f"{token}0", signature):
        basket = await street.stranger(cookie=f"device={other}").get("/@xiaoman/basket")
        assert "青灰釉盖碗" not in basket.text
    basket = await street.stranger(cookie=f"device={token}").get("/@xiaoman/basket")
    assert "青灰釉盖碗" in basket.text


async def test_what_is_kept_of_a_device_does_not_open_it(street: Street) -> None:
    token = await _buys(street, street.stranger())
    async with street.database.connection() as conn:
        [kept] = await conn.fetch("select device from carts")
    assert kept["device"] == ids.hashed(token)
    thief = street.stranger(cookie=f"device={kept['device'].hex()}")
    assert "青灰釉盖碗" not in (await thief.get("/@xiaoman/basket")).text


async def test_invented_devices_share_the_tight_budget_of_devices_without_a_cookie(
    world: World,
) -> None:
    statuses = [
        (
            await world.browser(cookie=f"device={number:032}").post(
                "/sign-in", data={"phone": f"139 0000 20{number:02}"}
            )
        ).status_code
        for number in range(21)
    ]
    assert statuses == [303] * 20 + [422]


async def test_two_presses_of_one_page_are_the_same_device_and_its_key_is_not_its_token(
    world: World,
) -> None:
    key = browsers.new_key()
    sent = {"phone": "139 0000 2001", "form_key": key}
    first = await world.browser().post("/sign-in", data=sent)
    second = await world.browser().post("/sign-in", data=sent)
    assert first.cookies["device"] == second.cookies["device"]
    assert str(UUID(key)) not in first.cookies["device"]
