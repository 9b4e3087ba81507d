"""A team price through the pages: offered by the seller, opened, joined by its link, filled."""

from __future__ import annotations

import re
from html import unescape

import httpx

from tests.web.client import hidden
from tests.web.market import WANTING, Market, reference_of

SEATS = {"seats": "2", "price-0": "138", "then": "offer"}


async def offered(market: Market) -> str:
    """The seller offers it to teams of two: the address of the offer."""
    here = f"/console/{market.shop_id}/goods/{market.product}/team"
    answer = await market.seller.post(here, data=SEATS)
    assert answer.status_code == 303, answer.text
    return f"/@xiaoman/p/{market.product}/team"


async def takes_a_seat(client: httpx.AsyncClient, page: str, phone: str) -> httpx.Response:
    """From a team's page through the checkout to the rail."""
    shown = await client.get(page)
    only, team = hidden(shown, "only"), hidden(shown, "team")
    checkout = await client.get("/@xiaoman/checkout", params={"only": only, "team": team})
    names = ("key", "items", "cart", "total", "team")
    form = {name: hidden(checkout, name) for name in names} | WANTING | {"phone": phone}
    assert form["total"] == "13800"
    return await client.post("/@xiaoman/checkout", data=form)


async def pays(market: Market, sent: httpx.Response) -> None:
    await market.notify(reference_of(sent), total_amount="138.00")
    await market.world.work()


async def test_a_friend_with_the_link_takes_the_last_seat_and_both_are_sent(
    market: Market,
) -> None:
    page = await offered(market)
    product = await market.buyer.get(f"/@xiaoman/p/{market.product}")
    assert page in product.text
    sent = await takes_a_seat(market.buyer, page, "138 0000 2046")
    await pays(market, sent)
    assert await market.statuses() == ["forming"]

    token = re.search(r"/o/([^/?]+)", unescape(sent.headers["location"].replace("%2F", "/")))
    assert token is not None
    order = await market.buyer.get(f"/o/{token[1]}")
    team = re.search(r"/t/([0-9a-z_-]+)", order.text, re.I)
    assert team is not None
    stranger = await market.world.browser("en").get(f"/o/{token[1]}")
    assert "/t/" not in stranger.text  # the order's forwarded link gives no seat away
    mine = await market.buyer.get(team[0])
    assert 'name="only"' not in mine.text  # one seat each

    friend = market.world.browser("en")
    await pays(market, await takes_a_seat(friend, team[0], "138 0000 2047"))
    assert await market.statuses() == ["to_ship", "to_ship"]
    late = await market.world.browser("zh-CN").get(team[0])
    assert 'name="only"' not in late.text
    await market.books_balance()


async def test_what_is_wrong_with_an_offer_is_said_at_its_field_and_changes_nothing(
    market: Market,
) -> None:
    here = f"/console/{market.shop_id}/goods/{market.product}/team"
    for wrong in ({"seats": "1"}, {"seats": "二"}, {"price-0": "168"}, {"price-0": ""}):
        assert (await market.seller.post(here, data=SEATS | wrong)).status_code == 422
    assert (await market.buyer.get(f"/@xiaoman/p/{market.product}/team")).status_code == 404
    assert (await market.buyer.post(here, data=SEATS)).status_code in (303, 403, 404)
    assert (await market.buyer.get(f"/@xiaoman/p/{market.product}/team")).status_code == 404


async def test_a_withdrawn_offer_refuses_the_page_that_was_open(market: Market) -> None:
    page = await offered(market)
    here = f"/console/{market.shop_id}/goods/{market.product}/team"
    shown = await market.buyer.get(page)
    await market.seller.post(here, data={"then": "withdraw"})
    asked = {"only": hidden(shown, "only"), "team": "new"}
    checkout = await market.buyer.get("/@xiaoman/checkout", params=asked)
    assert 'name="team"' not in checkout.text
    assert await market.orders() == 0


async def test_whoever_is_signed_in_and_works_here_takes_no_seat_whatever_phone_he_types(
    market: Market,
) -> None:
    page = await offered(market)
    sent = await takes_a_seat(market.seller, page, "138 0000 2099")
    assert sent.status_code == 409
    assert await market.orders() == 0


async def test_a_teams_price_is_that_of_the_kind_which_is_chosen(market: Market) -> None:
    here = f"/console/{market.shop_id}/goods/{market.product}"
    form = {"title": "盖碗", "description": "", "price": "168", "stock": "9", "seen": "9"}
    form |= {"then": "save", "axis-0-name": "配杯", "axis-0-values": "不配，两只"}
    table = await market.seller.post(here, data=form)
    for place, key in enumerate(re.findall(r'name="variant-\d-key" value="([^"]*)"', table.text)):
        form |= {f"variant-{place}-key": unescape(key), f"variant-{place}-stock": "9"}
        form |= {f"variant-{place}-price": ("168", "268")[place]}
    assert (await market.seller.post(here, data=form)).status_code == 303
    seats = SEATS | {"price-1": "238"}
    assert (await market.seller.post(f"{here}/team", data=seats)).status_code == 303
    sending = f"/console/{market.shop_id}/settings/shipping"
    fees = {"mode": "flat", "fee": "8", "free_over": "200"}
    assert (await market.seller.post(sending, data=fees)).status_code == 303

    first = await market.buyer.get(f"/@xiaoman/p/{market.product}/team")
    cheap, dear = re.findall(r'<a class="pill[^"]*" href="(\?kind=[^"]+)"', first.text)
    assert dear.removeprefix("?kind=") not in hidden(first, "only")
    kinds = ((cheap, "138", "14600", "另付 ¥8.00"), (dear, "238", "23800", "包邮"))
    for asked, sees, asks, postage in kinds:
        shown = await market.buyer.get(f"/@xiaoman/p/{market.product}/team{asked}")
        down = shown.text.partition('<div class="down">')[2]  # under the perforation
        assert postage in down and ("另付" in down) != ("包邮" in down)
        sums = down.partition('<div class="sum">')[2].partition("</div>")[0]
        assert f"</i>{sees}" in sums, sums
        assert hidden(shown, "only") == f"{asked.removeprefix('?kind=')}:1"
        told = {"only": hidden(shown, "only"), "team": "new"}
        checkout = await market.buyer.get("/@xiaoman/checkout", params=told)
        assert hidden(checkout, "total") == asks
    unknown = await market.buyer.get(f"/@xiaoman/p/{market.product}/team?kind=x")
    assert hidden(unknown, "only") == hidden(first, "only")
