"""Fixtures of the page tests: a world with the real application, and a browser in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest_asyncio

from tests.web import client as clients
from tests.web import night_shift
from tests.web.client import World
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
