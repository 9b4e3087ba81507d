"""Fixtures of the page tests: a world with the real application, and a browser in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest_asyncio

from littleshop.pay.gateways.alipay import open_rail
from tests.cast import MORNING
from tests.pay.gateways.small_alipay import SmallAlipay
from tests.web import client as clients
from tests.web import night_shift
from tests.web.client import Hands, World
from tests.web.market import Market
from tests.web.night_shift import Desk
from tests.web.street import Street


@pytest_asyncio.fixture
async def world(dsn: str, home: Path) -> AsyncIterator[World]:
    """The application over a fresh database."""
    async with clients.opened(dsn, home) as made:
        yield made


@pytest_asyncio.fixture
async def client(world: World) -> httpx.AsyncClient:
    """A browser with nobody signed in; English."""
    return world.browser()


@pytest_asyncio.fixture
async def street(world: World) -> Street:
    """林小满's shop, open, and strangers to look at it."""
    made = Street(world.house.database, world.house.keyring, world=world)
    await made.open_shop()
    return made


@pytest_asyncio.fixture
async def desk(world: World, client: httpx.AsyncClient) -> Desk:
    """An operator at the desk; the town has a shop."""
    made = await night_shift.at_work(world, client)
    answer = await made.comes()
    assert answer.headers["location"] == "/operator"
    await made.town.open_shop()
    return made


@pytest_asyncio.fixture
async def market(dsn: str, home: Path) -> AsyncIterator[Market]:
    """小满's shop sells ten bowls."""
    small = SmallAlipay()
    rail = open_rail(small.rail, Hands(MORNING), small.transport())
    async with clients.opened(dsn, home, {"alipay": rail}) as world:
        seller = world.browser("zh-CN")
        shop_id = await world.open_shop(seller)
        product = await world.add_product(seller, shop_id)
        yield Market(world, small, seller, world.browser("zh-CN"), shop_id, product)
