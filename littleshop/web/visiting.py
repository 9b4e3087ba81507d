"""From the headers of a request to a counted visit, and the cookies that go back."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict

from starlette.applications import Starlette
from starlette.requests import Request

from littleshop import http
from littleshop.http import House
from littleshop.insights.visits import Place, Strangers, Visits, seconds_left
from littleshop.notify import live
from littleshop.notify.live import Event
from littleshop.shop.shops import Shop
from littleshop.web import containers, touches
from littleshop.web.page_cache import Drawn, Header, Visitor, cookie

CHANGED = "visits"  # the hint that a shop's figures of today moved
MOST_HINTS = 20  # a second
_log = logging.getLogger(__name__)


class Counting:
    """Counts the pages that go to people (a page_cache.Counter)."""

    def __init__(self, app: Starlette, house: House) -> None:
        self._app = app
        self._house = house
        self._secure = house.settings.secure
        self._names: dict[int, bytes] = {}
        self._moved: OrderedDict[int, None] = OrderedDict()
        self.visits = Visits(house.database)
        self.strangers = Strangers()

    def seen(self, page: Drawn, visitor: Visitor) -> list[Header]:
        """A page goes out to a person; the cookies that go with it."""
        shop_id = page.shop_id
        name = self._names.get(shop_id)
        if name is None:
            name = self._names[shop_id] = f"v{shop_id}=".encode()
        at = self._house.clock.now().timestamp()
        token = cookie(visitor.cookies, name)
        more: list[Header] = []
        if len(token) == 16:
            self.strangers.returned(token)
        else:
            token = self.strangers.meet(shop_id, page.zone, self._client(visitor), at)
            more.append((b"set-cookie", self._visitor_cookie(name, token, page.zone, at)))
        session = cookie(visitor.cookies, b"session=") or None
        place = Place(shop_id, page.zone, page.product_id, page.share_code)
        self.visits.note(place, token, at, session)
        if page.share_code is not None:
            value = touches.cookie(
                shop_id, page.share_code, self._house.clock.now(), secure=self._secure
            )
            more.append((b"set-cookie", value.encode()))
        return more

    def put_in_basket(self, request: Request, shop: Shop) -> None:
        """Somebody puts something in the basket of this shop."""
        agent = request.headers.get("user-agent", "")
        if containers.is_robot(agent):
            return
        at = http.now(request).timestamp()
        cookies = request.headers.get("cookie", "").encode("latin-1")
        token = cookie(cookies, f"v{shop.shop_id}=".encode())
        if len(token) != 16:
            client = f"{http.address(request)}|{agent}"
            token = self.strangers.meet(shop.shop_id, shop.zone, client, at)
        session = cookie(cookies, b"session=") or None
        self.visits.note(Place(shop.shop_id, shop.zone, basket=True), token, at, session)

    def returned(self, request: Request, shop_id: int) -> None:
        """A piece of a page is fetched with the cookie the page brought: it was kept."""
        cookies = request.headers.get("cookie", "").encode("latin-1")
        self.strangers.returned(cookie(cookies, f"v{shop_id}=".encode()))

    def _client(self, visitor: Visitor) -> str:
        request = Request({**visitor.scope, "app": self._app})
        return f"{http.address(request)}|{request.headers.get('user-agent', '')}"

    def _visitor_cookie(self, name: bytes, token: bytes, zone: str, at: float) -> bytes:
        age = str(seconds_left(zone, at)).encode()
        tail = b"; Secure" if self._secure else b""
        return name + token + b"; Max-Age=" + age + b"; Path=/; HttpOnly; SameSite=Lax" + tail

    async def flush(self) -> None:
        """Write what was counted and hint at the shops whose figures moved."""
        for shop_id in await self.visits.flush():
            self._moved[shop_id] = None
        for _ in range(min(MOST_HINTS, len(self._moved))):
            shop_id, _nothing = self._moved.popitem(last=False)
            await live.hint(self._house.database, shop_id, Event(CHANGED))

    async def keep_up(self) -> None:
        """Flush once a second until cancelled."""
        while True:
            await asyncio.sleep(1)
            try:
                await self.flush()
            except Exception as fault:  # what was counted waits; it is tried again in a second
                _log.warning("visits were not written: %s", type(fault).__name__)
