"""Fixtures of the page tests: a world with the real application, and a browser in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest_asyncio

from tests.web import client as clients
from tests.web.client import World
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
