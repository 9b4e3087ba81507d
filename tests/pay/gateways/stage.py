"""The stage on which the contract of every rail is played: the real sandbox, and one rail on it.

Bringing a rail in takes one file and one line:
1. `stage_RAIL.py` with a subclass of Stage. Its `__init__` calls `super().__init__(sandbox)`; an
   opener (an async context manager, see stage_alipay.py) registers a fresh merchant by the
   sandbox's control API, opens the gateway with `clock=stage.clock` and leads the rail's notices
   to `stage.notify_url` (where the rail has the address in its own settings, register it there).
   Each test gets a merchant of its own, so nothing is shared but the sandbox's clock and faults,
   and both are put back after each test.
2. In stages.py an entry `"name of the stage": opener`.

What a stage says and does:
- `secrets`: texts that no error, repr or log may show. `notifies_by`: GET or POST.
  `tells_time`: whether a notice that is too old can be told by itself.
- `opens` follows what pay() answered as the buyer's device does (a page, a form, a code, the
  parameters inside WeChat); `pays` presses the button and says whether money moved.
- `given_back` reads the rail's own books: what was given back of a payment so far.
- `faults` names the sandbox's switch for each Trouble, Bend and Plant; each strikes once (a plant:
  one bill). A rail that cannot have one of them leaves it out only where the suite asks a flag.
- `tamper` changes what was signed in a notice without breaking its form.
A stage whose rail answers refunds later does nothing more: the suite waits by `passes`.
"""

import abc
import asyncio
from datetime import UTC, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import ClassVar

import httpx
import msgspec

from littleshop.clock import SHANGHAI, Clock
from littleshop.money import Money
from littleshop.pay.gateways.contract import Gateway, How, Notice, PayAnswer, PayRequest
from tests.sandbox_process import Sandbox


class Trouble(StrEnum):
    """What goes wrong with the next call to the rail."""

    FAILING = "500, nothing is done"
    BUSY = "429, nothing is done"
    LOST = "done, but no answer comes"
    GARBLED = "done, but the answer cannot be read"


class Bend(StrEnum):
    """What is wrong with the next notice."""

    FORGED = "signed by somebody else"
    OLD = "three days old"
    TWICE = "sent twice at once"


class Plant(StrEnum):
    """What is wrong with the next bill."""

    MISSING = "a row is missing"
    EXTRA = "a row too many"
    AMOUNT = "a row says another sum"
    UNKNOWN = "a row of a strange kind"


class Sent(msgspec.Struct, frozen=True):
    """A notice as it arrived; `body` is the query when it came by GET. Names in lower case."""

    method: str
    headers: dict[str, str]
    body: bytes


class Stage(abc.ABC):
    """One merchant of one rail at the sandbox, his buyer, and his ear for notices."""

    gateway: Gateway
    secrets: tuple[str, ...]
    price: Money = Money(8888, "CNY")
    openid: str | None = None
    notifies_by: ClassVar[str] = "POST"
    tells_time: ClassVar[bool] = True
    zone: ClassVar[tzinfo] = SHANGHAI  # in which the days of the bills are days
    faults: ClassVar[dict[Trouble | Bend | Plant, object]]

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.clock = Clock()
        self._passed = False
        self.notify_url = ""
        self._arrived: asyncio.Queue[Sent] = asyncio.Queue()
        self._ear: asyncio.Server | None = None
        self._hearing: set[asyncio.Task[None]] = set()

    @abc.abstractmethod
    async def pays(self, reference: str) -> bool:
        """The buyer presses the button; whether money moved now."""

    @abc.abstractmethod
    async def given_back(self, reference: str) -> int:
        """What the rail's own books say was given back, in minor units."""

    @abc.abstractmethod
    async def send_again(self, reference: str) -> None:
        """The rail sends its notices of this payment once more."""

    @abc.abstractmethod
    def tamper(self, sent: Sent) -> Sent:
        """The same notice of another sum, its signature as it was."""

    @abc.abstractmethod
    async def stranger(self) -> Gateway:
        """The gateway of another merchant of this rail; the stage disconnects it."""

    async def opens(self, answer: PayAnswer) -> bool:
        """The buyer follows what pay() answered; whether the cashier let him in."""
        async with httpx.AsyncClient(
            follow_redirects=True, trust_env=False, verify=False
        ) as browser:
            page = await browser.get(answer.redirect_url or answer.code_url or "")
        return page.status_code == 200

    async def strikes(self, kind: Trouble | Bend | Plant) -> None:
        """Let it strike the next call, notice or bill."""
        await self.sandbox.control("/control/faults", self.faults[kind])

    async def calm(self) -> None:
        """Nothing is wrong any more."""
        await self.sandbox.control("/control/faults/clear")

    async def passes(self, span: timedelta) -> None:
        """Time passes on both sides of the wire."""
        self._passed = True
        self.clock.offset += span
        seconds = {"offset_seconds": round(self.clock.offset.total_seconds())}
        await self.sandbox.control("/control/clock", seconds)

    async def until_noon(self) -> None:
        """Noon of tomorrow comes, in the rail's zone: what a test does then is on one day."""
        now = self.clock.now().astimezone(self.zone)
        noon = datetime.combine(now.date() + timedelta(days=1), time(12), self.zone)
        await self.passes(noon.astimezone(UTC) - now.astimezone(UTC))

    def asked(self, number: int, how: How) -> PayRequest:
        """A request for the price, open for forty minutes."""
        return PayRequest(
            reference=f"R{number:019d}",
            amount=self.price,
            subject="小满的茶 / 一壶",
            return_url="https://shop.test/orders/1?from=cashier&x=茶",
            notify_url=self.notify_url,
            expires_at=self.clock.now() + timedelta(minutes=40),
            how=how,
            openid=self.openid if how is How.JSAPI else None,
            client_ip="203.0.113.7",
        )

    async def sent(self) -> Sent:
        """The next notice that arrives, as it is."""
        async with asyncio.timeout(10):
            return await self._arrived.get()

    async def hears(self) -> Notice:
        """The next notice that means something to us, verified."""
        while True:
            sent = await self.sent()
            notice = self.gateway.parse_notice(sent.headers, sent.body)
            if notice is not None:
                return notice

    async def listen(self) -> None:
        """Open the ear; `notify_url` is known afterwards."""
        self._ear = await asyncio.start_server(self._hear, "127.0.0.1", 0)
        port = self._ear.sockets[0].getsockname()[1]
        self.notify_url = f"http://127.0.0.1:{port}/notices"

    async def leave(self) -> None:
        """Close what is open; the sandbox's clock and faults are as they were."""
        await self.gateway.disconnect()
        await self.calm()
        if self._passed:
            await self.sandbox.control("/control/clock", {"offset_seconds": 0})
        # nothing more falls due now: whoever speaks is heard out before the ear closes
        await asyncio.gather(*self._hearing, return_exceptions=True)
        if self._ear is not None:
            self._ear.close()
        await self.sandbox.read("/healthz")  # whoever was let in by then has begun to speak
        for _ in range(3):  # let in, met, heard: a turn of the loop each
            await asyncio.gather(*self._hearing, return_exceptions=True)
            await asyncio.sleep(0)

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one notice and say that it was heard."""
        task = asyncio.current_task()
        assert task is not None
        self._hearing.add(task)
        try:
            await self._take(reader, writer)
        finally:
            self._hearing.discard(task)
            writer.close()
            await writer.wait_closed()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, target, _ = head[0].split(" ")
        pairs = (line.partition(":") for line in head[1:] if line)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        query = target.partition("?")[2].encode()
        self._arrived.put_nowait(Sent(method, headers, query if method == "GET" else body))
        answer, kind = self.gateway.heard, self.gateway.answer_type.encode()
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: %s\r\n" % kind)
        writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(answer), answer))
        await writer.drain()
