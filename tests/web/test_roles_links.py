"""No page shows somebody a way to where he may not go."""

from __future__ import annotations

import re
from html import unescape

import httpx
import pytest

from tests.web.back_room import BackRoom
from tests.web.client import World
from tests.web.test_staff import joins, room

__all__ = ["room"]
LINK = re.compile(r'href="(/console/\d+[^"#]*)')
NO_PAGES = (".csv", "/manifest.webmanifest", "/live")


async def walk(browser: httpx.AsyncClient, start: list[str], most: int = 150) -> dict[str, str]:
    """Every page of the console that links lead to from these; where each dead link stands."""
    seen, dead = dict.fromkeys(start, "the tabs"), {}
    waiting = list(start)
    while waiting and len(seen) < most:
        path = waiting.pop(0)
        page = await browser.get(path)
        if page.status_code == 404:
            dead[path] = seen[path]
        for found in LINK.findall(page.text) if page.status_code == 200 else ():
            to = unescape(found)
            if to not in seen and not to.partition("?")[0].endswith(NO_PAGES):
                seen[to] = path
                waiting.append(to)
    return dead


@pytest.mark.parametrize("role", ["manager", "packer", "bookkeeper"])
async def test_every_link_that_somebody_sees_leads_somewhere(
    room: BackRoom, world: World, role: str
) -> None:
    browser = await joins(room, world, role)
    await room.sells()
    await world.add_product(room.client, room.town.shop_id, stock="1")
    first = {"bookkeeper": "/money", "packer": "/orders"}.get(role, "")
    starts = [f"{room.root}{path}" for path in (first, "/settings")]
    more = {"packer": ["/stock", "/stock/low"], "bookkeeper": ["/figures"], "manager": ["/money"]}
    assert await walk(browser, starts + [f"{room.root}{path}" for path in more[role]]) == {}
