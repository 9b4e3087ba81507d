"""A seller's letter whose reader asks somebody else to pay, through the pages."""

from __future__ import annotations

import re
from html import unescape

import httpx

from tests.web.client import hidden
from tests.web.market import WANTING, Market
from tests.web.test_pay_letters import ASKED, Sent


async def written(market: Market, kind: str = "goods") -> str:
    """The seller writes a letter for a bowl at ¥168, or for that sum alone: its link."""
    root = f"/console/{market.shop_id}/collect"
    page = await market.seller.get(f"{root}/new?kind={kind}")
    form = {"kind": kind, "form_key": hidden(page, "form_key"), "then": "send", "hours": "24"}
    form |= {"uses": "1", "to_name": "阿婷", "words": "给你留着。", "shipping": "0"}
    form |= {"own-0-title": "月白釉盖碗", "own-0-price": "168"}
    answer = await market.seller.post(root, data=form)
    assert answer.status_code == 303, answer.text
    shown = await market.seller.get(answer.headers["location"])
    found = re.search(r'value="https?://[^/"]+(/i/[^"]+)"', shown.text)
    assert found is not None
    return found[1]


async def asks(client: httpx.AsyncClient, link: str, **typed: str) -> httpx.Response:
    """Whoever got it presses "Ask someone else to pay" on its form."""
    page = await client.get(f"{link}/checkout?payer=1")
    form = {name: unescape(hidden(page, name)) for name in ("key", "total", "said")}
    return await client.post(
        f"{link}/checkout", data=WANTING | form | ASKED | {"then": "pay_for_me"} | typed
    )


async def passes_on(client: httpx.AsyncClient, link: str) -> Sent:
    """The same: his order's page, and the link for the payer."""
    answer = await asks(client, link)
    assert answer.status_code == 303, answer.text
    order = answer.headers["location"]
    page = (await client.get(order)).text
    found = re.search(r'data-link="http://shop\.test(/o/[^"]+)"', page)
    assert found is not None, page
    return Sent(order, found[1])
