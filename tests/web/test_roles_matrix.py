"""Every address below an order, by everybody who may have one of its links: who is let in, that
nothing changes for who is not, and that nobody sees what is not his."""

from __future__ import annotations

import re
from html import unescape

import httpx
import pytest
from starlette.routing import Route

from littleshop.web import storefront
from tests.web import test_gifts
from tests.web.market import Market, reference_of
from tests.web.passing_on import passes_on, written
from tests.web.test_pay_letters import SECRETS, Sent, arrives, gives, sends

KINDS = ("checkout", "pay_for_me", "chip_in", "invitation")  # by a letter, passed on to a payer
PAYERS = {("GET", part) for part in ("", "/payment", "/payment/status", "/payment/wechat")} | {
    ("POST", "/payment")
}
PROVING = ("POST", "/code")  # writes to the phone of the one who ordered, and lets nobody in
KEPT = ("orders", "payments", "refunds", "parts", "order_devices", "order_events", "cases")


def addresses() -> list[tuple[str, str]]:
    """Every method and path below an order, as the routes are now."""
    found = [
        (method, re.sub(r"\{[^}]+\}", "1", route.path.removeprefix("/o/{token}")))
        for route in storefront.ROUTES
        if isinstance(route, Route) and route.path.startswith("/o/{token}")
        for method in route.methods or ()
        if method != "HEAD"
    ]
    assert len(found) > 20
    return sorted(set(found))


async def kept(market: Market) -> list[object]:
    """Whatever only acts change."""
    async with market.world.house.database.connection() as conn:
        return [sorted(map(repr, await conn.fetch(f"select * from {table}"))) for table in KEPT]


async def ordered(market: Market, kind: str, payer: httpx.AsyncClient) -> tuple[Sent, str]:
    """An order of this kind that somebody is about to pay, and the reference of his payment."""
    if kind == "invitation":
        sent = await passes_on(market.buyer, await written(market))
        return sent, reference_of(await gives(payer, sent))
    if kind != "checkout":
        sent = await sends(market, kind)
        return sent, reference_of(await gives(payer, sent, "rest" if kind == "chip_in" else ""))
    await market.to_checkout()
    went = await market.place()
    token = re.search(r"/o/([^/?&]+)", unescape(went.headers["location"].replace("%2F", "/")))
    assert token is not None
    return Sent(f"/o/{token[1]}", ""), reference_of(went)


async def knocks(client: httpx.AsyncClient, link: str, method: str, part: str) -> httpx.Response:
    answer = await client.request(method, f"{link}{part}", data={} if method == "POST" else None)
    assert answer.status_code < 500, (method, part)
    return answer


@pytest.mark.parametrize("paid", [False, True], ids=["not_paid", "paid"])
@pytest.mark.parametrize("kind", KINDS)
async def test_a_link_opens_what_its_role_may_and_leaves_all_else_as_it_was(
    market: Market, kind: str, paid: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    payer, stranger = market.world.browser("zh-CN"), market.world.browser("en")
    sent, reference = await ordered(market, kind, payer)
    if paid:
        await market.notify(reference, total_amount="168.00")
        await market.world.work()
        assert await market.statuses() == ["to_ship"]
    before, cells = await kept(market), 0
    for method, part in addresses():
        answer = await knocks(stranger, sent.order, method, part)
        if method == "POST" and (method, part) != PROVING:
            assert answer.status_code in (404, 409), (part, answer.status_code)
        said = unescape(answer.text)
        hidden = [each for each in SECRETS if each != "2046"]  # its last digits: a code goes there
        assert [each for each in (*hidden, sent.letter) if each and each in said] == [], part
        cells += 1
    for client in (payer, stranger) if sent.letter else ():
        for method, part in addresses():
            if (method, part) == ("POST", "/payment") and not paid:
                continue  # whoever has the link may pay
            answer = await knocks(client, sent.letter, method, part)
            own = (method, part) in PAYERS
            assert (answer.status_code == 404) != own, (method, part, answer.status_code)
            assert [each for each in sent.secrets if each in unescape(answer.text)] == [], part
            cells += 1
    assert await kept(market) == before
    for method, part in addresses():  # his own device: let in or told why not, never lost
        await knocks(market.buyer, sent.order, method, part)
        cells += 1
    assert "陈婉婷" in (await market.buyer.get(sent.order)).text
    await market.books_balance()
    with capsys.disabled():
        print(f" roles matrix {kind}, {'paid' if paid else 'not paid'}: {cells} cells", end="")


async def test_money_of_a_stranger_with_the_forwarded_payers_link_is_as_good(
    market: Market,
) -> None:
    sent = await sends(market, "pay_for_me")
    stranger = market.world.browser("en")
    await arrives(market, await gives(stranger, sent), "168.00")
    assert await market.statuses() == ["to_ship"]
    await market.books_balance()


async def test_of_a_claimed_gift_neither_a_stranger_nor_its_giver_does_what_is_the_recipients(
    market: Market, capsys: pytest.CaptureFixture[str]
) -> None:
    given = await test_gifts.gives(market)
    assert (await given.claims()).status_code == 303
    before, cells = await kept(market), 0
    for client, link in (
        (given.stranger, given.givers),
        (given.stranger, given.recipients),
        (market.buyer, given.recipients),
    ):
        for method, part in addresses():
            answer = await knocks(client, link, method, part)
            if method == "POST" and (method, part) != PROVING:
                assert answer.status_code in (404, 409), (part, answer.status_code)
            cells += 1
    assert await kept(market) == before
    with capsys.disabled():
        print(f" roles matrix gift, claimed: {cells} cells", end="")
