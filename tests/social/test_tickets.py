"""An official account's ticket: asked for by one process, kept for all; and what it signs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
import pytest_asyncio

from littleshop import db
from littleshop.crypto import Keyring, make_keys, read_keys
from littleshop.social import wechat_official
from littleshop.social.tickets import CLAIM, EARLY, Tickets
from littleshop.social.wechat_official import signature
from tests.cast import MORNING

ACCOUNT = {"app_id": "wx5", "app_secret": "a-very-long-secret", "base_url": "https://weixin.test"}


class Weixin:
    """api.weixin.qq.com, played: counts what it is asked and gives a new value each time."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.busy = False
        self.forgets = False  # the token that was given is not the current one any more

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        name = request.url.path.rpartition("/")[2]
        self.asked.append(name)
        await asyncio.sleep(0)
        if self.busy:
            return httpx.Response(200, json={"errcode": 45011, "errmsg": "api minute-quota"})
        if name == "stable_token":
            assert json.loads(request.content)["secret"] == "a-very-long-secret"
            token = f"access-token-{len(self.asked)}"
            return httpx.Response(200, json={"access_token": token, "expires_in": 7200})
        if self.forgets:
            self.forgets = False
            return httpx.Response(200, json={"errcode": 40001, "errmsg": "invalid credential"})
        ticket = f"ticket-{len(self.asked)} for {request.url.params['access_token']}"
        return httpx.Response(200, json={"errcode": 0, "ticket": ticket, "expires_in": 7200})


@pytest.fixture
def keyring() -> Keyring:
    return read_keys(make_keys())


@pytest.fixture
def weixin() -> Weixin:
    return Weixin()


@pytest_asyncio.fixture
async def processes(
    dsn: str, keyring: Keyring, weixin: Weixin
) -> AsyncIterator[tuple[Tickets, Tickets]]:
    """Two processes of one installation, each with connections of its own."""
    pools = [await db.open_database(dsn, size=4, name="tickets") for _ in range(2)]
    made = [
        Tickets(pool, keyring, wechat_official.open_account(ACCOUNT, httpx.MockTransport(weixin)))
        for pool in pools
    ]
    yield made[0], made[1]
    for tickets, pool in zip(made, pools, strict=True):
        await tickets.official.disconnect()
        await pool.close()


def test_a_page_is_signed_as_wechat_writes_it_in_its_own_example() -> None:
    ticket = (
        "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg"
    )
    url = "http://mp.weixin.qq.com?params=value"
    signed = signature(ticket, "Wm3WZYTPz0wzccnW", 1414587457, url)
    assert signed == "0f9de62fce790f9a083d5c99e95740ceb90c27ed"


async def test_of_many_at_once_one_asks_wechat_and_all_have_the_ticket_afterwards(
    processes: tuple[Tickets, Tickets], weixin: Weixin
) -> None:
    first = await asyncio.gather(*(processes[n % 2].ticket(MORNING) for n in range(20)))
    assert weixin.asked == ["stable_token", "getticket"]
    assert len({each for each in first if each}) == 1  # the others went on without one
    later = await asyncio.gather(*(each.ticket(MORNING) for each in processes))
    assert set(later) == {each for each in first if each}
    assert weixin.asked == ["stable_token", "getticket"]


async def test_it_is_fetched_anew_a_little_before_its_end_and_sealed_in_the_database(
    processes: tuple[Tickets, Tickets], weixin: Weixin, owner: db.Connection
) -> None:
    one, other = processes
    old = await one.ticket(MORNING)
    soon = MORNING + timedelta(seconds=7200) - EARLY
    weixin.busy = True
    assert await one.ticket(soon) == old  # still good, so nobody waits for a busy WeChat
    weixin.busy = False
    assert await other.ticket(soon + CLAIM - timedelta(seconds=1)) == old  # nor asks again at once
    assert await other.ticket(soon + CLAIM) not in (old, None)
    kept = await owner.fetch("select kind, sealed from official_tickets")
    assert {row["kind"] for row in kept} == {"access_token", "ticket"}
    assert not any(b"tick" in row["sealed"] or b"tok" in row["sealed"] for row in kept)


async def test_a_token_that_wechat_forgot_is_fetched_again(
    processes: tuple[Tickets, Tickets], weixin: Weixin
) -> None:
    weixin.forgets = True
    assert await processes[0].ticket(MORNING) == "ticket-4 for access-token-3"
    assert weixin.asked == ["stable_token", "getticket", "stable_token", "getticket"]


async def test_without_an_answer_there_is_no_ticket_and_no_storm_of_questions(
    processes: tuple[Tickets, Tickets], weixin: Weixin
) -> None:
    weixin.busy = True
    for _ in range(5):
        assert [await each.ticket(MORNING) for each in processes] == [None, None]
    assert weixin.asked == ["stable_token"]


async def test_of_two_who_were_refused_the_same_token_one_has_another_made(
    processes: tuple[Tickets, Tickets], weixin: Weixin
) -> None:
    one, other = processes
    old = await one.access_token(MORNING)
    assert old is not None and await other.access_token(MORNING) == old
    new = await one.access_token(MORNING, refused=old)
    assert new not in (None, old)
    assert await other.access_token(MORNING, refused=old) == new
    assert weixin.asked.count("stable_token") == 2
