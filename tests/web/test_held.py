"""Jobs that wait for a person: a shop's owner sees those of the shop, and of no other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from littleshop import jobs
from tests.web import client as clients
from tests.web.client import World

MODES: tuple[Literal["demo", "live"], ...] = ("demo", "live")


@pytest_asyncio.fixture(params=MODES)
async def either(request: pytest.FixtureRequest, dsn: str, home: Path) -> AsyncIterator[World]:
    """An installation of each mode."""
    async with clients.opened(dsn, home, mode=request.param) as made:
        yield made


async def given_up(world: World, name: str, shop_id: int | None = None) -> UUID:
    """A job of this name, of a shop or the platform's, was tried often enough."""
    async with world.house.database.connection() as conn:
        if shop_id is None:
            await jobs.defer(conn, name, at=world.at, day="2026-11-23")
        else:
            await jobs.defer(conn, name, at=world.at, shop_id=shop_id)
        await conn.execute(
            "update jobs set held_at = $1, fault = 'the other side is away' where name = $2",
            world.at,
            name,
        )
        job_id: UUID = await conn.fetchval("select id from jobs where name = $1", name)
        return job_id


async def waiting(world: World) -> set[str]:
    """The names of all jobs that still wait for a person."""
    async with world.house.database.connection() as conn:
        return {each.name for each in await jobs.held(conn)}


async def test_an_owner_sees_and_touches_the_jobs_of_his_shop_only(either: World) -> None:
    mine, other = either.browser(), either.browser()
    shop_id = await either.open_shop(mine)
    other_id = await either.open_shop(other, "阿达", "ada", "139 0000 1009")
    own = await given_up(either, "own.job", shop_id)
    foreign = await given_up(either, "foreign.job", other_id)
    platform = await given_up(either, "platform.job")
    root = f"/console/{shop_id}/held"
    page = await mine.get(root)
    assert "own.job" in page.text
    assert "foreign.job" not in page.text and "platform.job" not in page.text
    for job in (foreign, platform):
        for act in ("attempt", "removal"):
            answer = await mine.post(f"{root}/{job}/{act}", data={"reason": "not mine"})
            assert answer.status_code == 404
    assert await waiting(either) == {"own.job", "foreign.job", "platform.job"}
    assert (await mine.get(f"/console/{other_id}/held")).status_code == 404
    assert (await mine.post(f"/console/{other_id}/held/{foreign}/attempt")).status_code == 404
    for _ in range(2):  # a double click is one press
        assert (await mine.post(f"{root}/{own}/attempt")).headers["location"] == root
    assert await waiting(either) == {"foreign.job", "platform.job"}


async def test_only_who_also_runs_the_installation_drops_a_job_and_reads_its_fault(
    either: World,
) -> None:
    client = either.browser()
    shop_id = await either.open_shop(client)
    job = await given_up(either, "refunding.send", shop_id)
    page = await client.get(f"/console/{shop_id}/held")
    demo = either.house.settings.mode == "demo"
    assert (f"/{job}/removal" in page.text) == ("the other side is away" in page.text) == demo
    answer = await client.post(
        f"/console/{shop_id}/held/{job}/removal", data={"reason": "paid by hand"}
    )
    assert answer.status_code == (303 if demo else 404)
    assert await waiting(either) == (set() if demo else {"refunding.send"})


async def test_the_settings_count_the_jobs_of_this_shop(either: World) -> None:
    client: httpx.AsyncClient = either.browser()
    shop_id = await either.open_shop(client)
    await given_up(either, "foreign.job", shop_id + 1)
    page = await client.get(f"/console/{shop_id}/settings")
    demo = either.house.settings.mode == "demo"
    assert (f"/console/{shop_id}/held" in page.text) == demo and "1 job waits" not in page.text
    await given_up(either, "own.job", shop_id)
    page = await client.get(f"/console/{shop_id}/settings")
    assert f"/console/{shop_id}/held" in page.text
