"""From the headers of a request to a counted visit, and the cookies that go back."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict

from starlette.requests import Request

from littleshop import edge, http
from littleshop.crypto import Keyring
from littleshop.http import House
from littleshop.insights.visits import Place, Strangers, Visits, seconds_left
from littleshop.notify import live
from littleshop.notify.live import Event
from littleshop.shop.shops import Shop
from littleshop.web import containers, touches
from littleshop.web.kept_pages import Drawn, Header, Kept
from littleshop.web.page_cache import cookie, fetched_ahead

CHANGED = "visits"  # the hint that a shop's figures of today moved
MOST_HINTS = 20  # a second
MOST_ADDRESSES = 4096
LONGEST_WAY = 200  # bytes of an X-Forwarded-For that is remembered: four hops of IPv6
_SAID = b"x-forwarded-for"
_log = logging.getLogger(__name__)
# Of a kept page: the shop's cookie with its =, what is shown, its share's cookie but the moment.
_Mark = tuple[bytes, Place, tuple[bytes, bytes] | None]


def _marked(page: Drawn, *, secure: bool) -> _Mark:
    place = Place(page.shop_id, page.zone, page.product_id, page.share_code)
    touch = None
    if page.share_code is not None:
        touch = touches.around(page.shop_id, page.share_code, secure=secure, personal=page.personal)
    return f"v{page.shop_id}=".encode(), place, touch


def strangers(keyring: Keyring) -> Strangers:
    """Who knows the visitors' cookies of this installation."""
    return Strangers(bytes.fromhex(keyring.sign("visitors")))


class Counting:
    """Counts the pages that go to people (a page_cache.Counter)."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._secure = house.settings.secure
        self._addresses: dict[tuple[str | None, bytes], str] = {}
        self._moved: OrderedDict[int, None] = OrderedDict()
        self.visits = Visits(house.database)
        self.strangers = strangers(house.keyring)

    def seen(
        self, kept: Kept, cookies: bytes, peer: str | None, said: bytes, agent: bytes | None
    ) -> list[Header]:
        """A page goes out to a person; the cookies that go with it."""
        mark: _Mark = kept.mark
        if mark is None:
            mark = kept.mark = _marked(kept.page, secure=self._secure)
        name, place, touch = mark
        at = self._house.clock.now().timestamp()
        token = cookie(cookies, name)
        more: list[Header] = []
        if not self.strangers.knows(place.shop_id, place.zone, token, at):
            client = self._client(peer, said, agent)
            token = self.strangers.meet(place.shop_id, place.zone, *client, at)
            more = [(b"set-cookie", self._visitor_cookie(name, token, place.zone, at))]
        session = cookie(cookies, b"session=") or None if b"session=" in cookies else None
        self.visits.note(place, token, at, session)
        if touch is not None:
            more.append((b"set-cookie", touch[0] + b"%x" % int(at) + touch[1]))
            kept_name = touch[0].partition(b"=")[0] + b"="
            gone = touches.surplus(cookies, kept_name, secure=self._secure)
            more.extend((b"set-cookie", each) for each in gone)
        return more

    def put_in_basket(self, request: Request, shop: Shop) -> None:
        """Somebody puts something in the basket of this shop."""
        self._note(request, Place(shop.shop_id, shop.zone, basket=True))

    def entered(self, request: Request, shop: Shop, code: str) -> None:
        """Somebody comes by an entrance that leads to no kept page: the platform's own."""
        if request.method == "GET" and not fetched_ahead(request.headers.raw):
            self._note(request, Place(shop.shop_id, shop.zone, share_code=code))

    def _note(self, request: Request, place: Place) -> None:
        agent = request.headers.get("user-agent", "")
        if containers.is_robot(agent):
            return
        at = http.now(request).timestamp()
        cookies = request.headers.get("cookie", "").encode("latin-1")
        token = cookie(cookies, f"v{place.shop_id}=".encode())
        if not self.strangers.knows(place.shop_id, place.zone, token, at):
            peer, headers = request.client, request.headers
            said = ",".join(headers.getlist("x-forwarded-for")).encode("latin-1")
            client = self._client(peer.host if peer else None, said, agent.encode("latin-1"))
            token = self.strangers.meet(place.shop_id, place.zone, *client, at)
        session = cookie(cookies, b"session=") or None
        self.visits.note(place, token, at, session)

    def returned(self, request: Request, shop_id: int) -> None:
        """A piece of a page is fetched with the cookie the page brought: it was kept."""
        cookies = request.headers.get("cookie", "").encode("latin-1")
        self.strangers.returned(cookie(cookies, f"v{shop_id}=".encode()))

    def _client(self, peer: str | None, said: bytes, agent: bytes | None) -> tuple[str, str]:
        """Address and agent; the address of a peer is worked out once. What a peer says of the
        way is part of it only when the peer is a proxy of ours."""
        trusted = self._house.settings.trusted_proxies
        via = (peer, said if peer in trusted else b"")
        address = self._addresses.get(via)
        if address is None:
            address = edge.sender((peer, 0) if peer else None, [(_SAID, via[1])], trusted)
            if len(via[1]) <= LONGEST_WAY:
                if len(self._addresses) >= MOST_ADDRESSES:
                    self._addresses.clear()
                self._addresses[via] = address
        return address, repr(agent)

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
