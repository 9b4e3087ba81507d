"""The other sides of the wire on which the contract of every gateway is played."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol
from urllib.parse import parse_qsl, urlsplit

import httpx

from littleshop.clock import Clock
from littleshop.pay import gateways
from littleshop.pay.gateways.contract import Gateway, PayAnswer
from tests.pay.gateways.conftest import StillClock
from tests.pay.gateways.small_alipay import SmallAlipay, key_of, private_pem, public_pem
from tests.sandbox_process import Sandbox


class Side(Protocol):
    """What a test may do on the other side, as a buyer or as bad luck."""

    gateway: Gateway
    notify_url: str

    async def buyer_opens(self, reference: str, answer: PayAnswer) -> None:
        """The buyer follows what pay() answered."""
        ...

    async def buyer_pays(self, reference: str) -> None:
        """The buyer presses the button."""
        ...

    async def notice(self) -> bytes:
        """The body of the next notice that arrives."""
        ...

    async def lose_next_answer(self) -> None:
        """The next call is acted upon, but its answer is SYSTEM_ERROR."""
        ...


class AlipayByHand:
    """A handful of trades behind httpx.MockTransport."""

    notify_url = "https://shop.test/notices/alipay"

    def __init__(self) -> None:
        self.small = SmallAlipay()
        self.trades: dict[str, dict[str, str]] = {}
        self.refunds: dict[str, int] = {}
        self.lost = False
        transport = httpx.MockTransport(self._handle)
        self.gateway = gateways.open({"alipay": self.small.rail}, StillClock(), transport)["alipay"]

    async def buyer_opens(self, reference: str, answer: PayAnswer) -> None:
        query = dict(parse_qsl(urlsplit(answer.redirect_url or "").query))
        content = json.loads(query["biz_content"])
        self.trades[reference] = {
            "out_trade_no": reference,
            "trade_no": "T" + reference,
            "trade_status": "WAIT_BUYER_PAY",
            "total_amount": content["total_amount"],
        }

    async def buyer_pays(self, reference: str) -> None:
        trade = self.trades[reference]
        assert trade["trade_status"] == "WAIT_BUYER_PAY"
        trade |= {"trade_status": "TRADE_SUCCESS", "send_pay_date": "2026-11-22 18:00:03"}

    async def notice(self) -> bytes:
        trade = next(iter(self.trades.values()))
        told = {k: v for k, v in trade.items() if k != "send_pay_date"}
        return self.small.notice(**told)

    async def lose_next_answer(self) -> None:
        self.lost = True

    def _handle(self, request: httpx.Request) -> httpx.Response:
        sent = dict(request.url.params) | dict(parse_qsl(request.content.decode()))
        content = json.loads(sent["biz_content"])
        verb = sent["method"].rpartition("trade.")[2]
        act = {"query": self._query, "close": self._close, "refund": self._refund}.get(verb)
        if verb == "precreate":
            answer = {"qr_code": "https://qr.alipay.test/1"}
        elif content["out_trade_no"] not in self.trades:
            answer = _no("ACQ.TRADE_NOT_EXIST")
        else:
            trade = self.trades[content["out_trade_no"]]
            answer = (act or self._refund_query)(trade, content)
        if self.lost:
            self.lost, answer = False, _no("ACQ.SYSTEM_ERROR")
        inner = json.dumps({"code": "10000", **answer})
        return httpx.Response(200, content=self.small.signed(sent["method"], inner))

    def _query(self, trade: dict[str, str], content: dict[str, str]) -> dict[str, str]:
        return trade

    def _close(self, trade: dict[str, str], content: dict[str, str]) -> dict[str, str]:
        if trade["trade_status"] != "WAIT_BUYER_PAY":
            return _no("ACQ.TRADE_STATUS_ERROR")
        trade["trade_status"] = "TRADE_CLOSED"
        return {}

    def _refund(self, trade: dict[str, str], content: dict[str, str]) -> dict[str, str]:
        number, fen = content["out_request_no"], int(content["refund_amount"].replace(".", ""))
        if number in self.refunds:
            same = self.refunds[number] == fen
            return {"fund_change": "N"} if same else _no("ACQ.DISCORDANT_REPEAT_REQUEST")
        if sum(self.refunds.values()) + fen > int(trade["total_amount"].replace(".", "")):
            return _no("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL")
        self.refunds[number] = fen
        return {"fund_change": "Y"}

    def _refund_query(self, trade: dict[str, str], content: dict[str, str]) -> dict[str, str]:
        fen = self.refunds.get(content["out_request_no"])
        if fen is None:
            return {}
        amount = f"{fen // 100}.{fen % 100:02d}"
        return {"refund_status": "REFUND_SUCCESS", "refund_amount": amount}


class AlipayInSandbox:
    """An application at the sandbox, and an address on which its notices arrive."""

    def __init__(self, sandbox: Sandbox, rail: dict[str, str], notify_url: str) -> None:
        self.sandbox = sandbox
        self.notify_url = notify_url
        self.arrived: asyncio.Queue[bytes] = asyncio.Queue()
        self.gateway = gateways.open({"alipay": rail}, Clock())["alipay"]

    async def buyer_opens(self, reference: str, answer: PayAnswer) -> None:
        async with httpx.AsyncClient(follow_redirects=True) as browser:
            page = await browser.get(answer.redirect_url or answer.code_url or "")
        assert page.status_code == 200, page.text

    async def buyer_pays(self, reference: str) -> None:
        await self.sandbox.control(f"/control/alipay/trades/{reference}/pay")

    async def notice(self) -> bytes:
        async with asyncio.timeout(10):
            return await self.arrived.get()

    async def lose_next_answer(self) -> None:
        await self.sandbox.control("/control/faults", {"alipay": {"gateway": {"system_error": 1}}})

    async def listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one posted notice and say that it was heard."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = next(
            int(line.partition(":")[2])
            for line in head.splitlines()
            if line.startswith("content-length:")
        )
        self.arrived.put_nowait(await reader.readexactly(length))
        body = self.gateway.heard
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n")
        writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()


@asynccontextmanager
async def alipay_by_hand() -> AsyncIterator[Side]:
    """The side behind MockTransport."""
    side = AlipayByHand()
    yield side
    await side.gateway.disconnect()


@asynccontextmanager
async def alipay_in_sandbox(sandbox: Sandbox, mode: str) -> AsyncIterator[Side]:
    """The side of the real sandbox process; `mode` is key or cert."""
    merchant = key_of("merchant")
    asked = {"public_key": public_pem(merchant), "name": "contract", "mode": mode}
    told = await sandbox.control("/control/alipay/apps", asked)
    rail = {
        **{name: str(value) for name, value in told.items() if value is not None},
        "base_url": f"{sandbox.url}/alipay/gateway.do",
        "private_key": private_pem(merchant),
    }
    if mode == "cert":
        del rail["alipay_public_key"]
    server = await asyncio.start_server(lambda r, w: side.listen(r, w), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    side = AlipayInSandbox(sandbox, rail, f"http://127.0.0.1:{port}/notices/alipay")
    yield side
    await side.gateway.disconnect()
    server.close()
    await server.wait_closed()


def _no(sub_code: str) -> dict[str, str]:
    return {"code": "40004", "sub_code": sub_code}
