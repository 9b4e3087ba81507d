"""Baidu Wallet, generation 1 (baifubao.com): phone page and desktop page, by our own client.

Sources: PROTOCOLS 3.1. Its refusals are numbers nobody published: what became of a refund, and
why it was refused, is looked up instead of read.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

import httpx
import msgspec

from littleshop import wires
from littleshop.clock import Clock
from littleshop.config import Misconfigured
from littleshop.errors import GatewayError
from littleshop.money import Money
from littleshop.pay.gateways import asking
from littleshop.pay.gateways import baidu_wallet_wire as wire
from littleshop.pay.gateways.baidu_wallet_wire import BaiduWalletSettings
from littleshop.pay.gateways.contract import (
    Bill,
    Declined,
    How,
    Notice,
    OtherSum,
    PayAnswer,
    PaymentState,
    PayRequest,
    QueryAnswer,
    Reason,
    RefundAnswer,
    RefundRequest,
)

PAGES = {How.WAP: "/api/0/pay/0/wapdirect", How.PAGE: "/api/0/pay/0/direct"}
QUERY = "/api/0/query/0/pay_result_by_order_no"
QUERY_TRANSACTION = "/o2o/0/b2c/0/api/0/query_trans/0"
CANCEL, REFUND, REFUND_QUERY = "/api/0/cancel", "/api/0/refund", "/api/0/refund/0/query"
NAME_BYTES = 128
XML = {"output_type": "1", "output_charset": "1", "version": "2"}
UNKNOWN_ORDER = "1002"
STATUSES = {
    "5801": Reason.BAD_REQUEST,
    "5802": Reason.BAD_REQUEST,
    "5803": Reason.NOT_ALLOWED,
    "5804": Reason.BAD_SIGNATURE,
    "5806": Reason.UNKNOWN,
}


class BaiduWallet:
    """One merchant at Baidu Wallet."""

    name = "baidu_wallet"
    hows = frozenset(PAGES)
    currencies = frozenset({"CNY"})
    has_bills = False
    answer_type = "text/html"
    heard = (
        b'<html><head><meta name="VIP_BFB_PAYMENT" content="BAIFUBAO"></head><body></body></html>'
    )
    not_heard = b"<html><head><title>refused</title></head><body></body></html>"

    def __init__(self, settings: BaiduWalletSettings, clock: Clock, line: wires.Wire) -> None:
        self._settings = settings
        self._clock = clock
        self._line = line

    def __repr__(self) -> str:
        return f"BaiduWallet(sp_no={self._settings.sp_no!r})"

    async def pay(self, request: PayRequest) -> PayAnswer:
        """A signed address of Baidu's cashier; no call is made."""
        asking.refuse_what_it_cannot(self.name, self.hows, self.currencies, request)
        title = wire.plain(request.subject, NAME_BYTES) or request.reference
        fields = {
            "service_code": "1",
            "sp_no": self._settings.sp_no,
            "order_create_time": wire.beijing(self._clock.now()),
            "order_no": request.reference,
            "goods_name": title,
            "goods_desc": title,
            "total_amount": str(request.amount.minor),
            "currency": "1",
            "return_url": request.notify_url,
            "page_url": wire.plain(request.return_url, 1024),
            "pay_type": "2",
            "expire_time": wire.beijing(request.expires_at),
            "input_charset": "1",
            "version": "2",
            "sign_method": self._settings.sign_method,
        }
        query = wire.query(fields, self._settings.key, self._settings.sign_method)
        return PayAnswer(redirect_url=f"{self._settings.base_url}{PAGES[request.how]}?{query}")

    async def query(self, reference: str) -> QueryAnswer:
        """Ask what became of a payment; a waiting one may be closed, which only the other query
        can say."""
        fields = {"service_code": "11", "order_no": reference}
        found = await self._ask(QUERY, fields)
        status = found.get("query_status", "")
        if status == UNKNOWN_ORDER:
            return QueryAnswer(state=PaymentState.CREATED)
        self._accept("query_status", status, good="0")
        self._is_ours(found, reference)
        state = wire.BY_ORDER_NO.get(found.get("pay_result", ""))
        if state is PaymentState.PENDING:
            return QueryAnswer(state=await self._closed_or_pending(reference))
        if state is None:
            raise GatewayError("baidu_wallet told of a state we do not know", retryable=True)
        try:
            return QueryAnswer(
                state=state,
                amount=wire.fen(found.get("total_amount", "")),
                gateway_trade_no=found["bfb_order_no"],
                paid_at=wire.moment(found.get("pay_time", "")),
            )
        except (KeyError, ValueError):
            raise GatewayError("baidu_wallet's answer cannot be read", retryable=True) from None

    async def close(self, reference: str) -> PaymentState:
        """Close an unpaid payment, and look how it stands then."""
        await self._ask(CANCEL, {"order_no": reference})
        return (await self.query(reference)).state

    async def refund(self, request: RefundRequest) -> RefundAnswer:
        """Give money back the way it came. What is not plainly done is looked up.

        Conflict when the number was used for another sum.
        """
        fields = {
            "service_code": "2",
            "order_no": request.reference,
            "cashback_amount": str(request.amount.minor),
            "cashback_time": wire.beijing(self._clock.now()),
            "currency": "1",
            "sp_refund_no": request.refund_reference,
            "return_method": "1",
            "refund_type": "2",
            "input_charset": "1",
        }
        if self._settings.refund_notify_url:
            fields["return_url"] = self._settings.refund_notify_url
        found = await self._ask(REFUND, fields)
        if found.get("ret_code") == "1" and found.get("cashback_amount") == str(
            request.amount.minor
        ):
            return RefundAnswer(status="done", amount=request.amount)
        asked = await self.refund_query(request)
        if asked.status == "done":
            return asked
        return await self._why_no_refund(request, found)

    async def refund_query(self, request: RefundRequest) -> RefundAnswer:
        """Ask what became of a refund; one that Baidu does not know is pending."""
        fields = {"order_no": request.reference, "sp_refund_no": request.refund_reference}
        minor = await self._given_back(fields)
        if minor is None:
            return RefundAnswer(status="pending")
        if minor != request.amount.minor:
            raise OtherSum(
                f"refund {request.refund_reference} was made with another sum", Money(minor, "CNY")
            )
        return RefundAnswer(status="done", amount=request.amount)

    def parse_notice(self, headers: Mapping[str, str], body: bytes) -> Notice | None:
        """Verify and translate the query of a notice. Raises NoticeRefused."""
        return wire.notice(self._settings, body, self._clock.now())

    async def refresh_keys(self) -> None:
        """Nothing: the key is a setting."""

    async def fetch_bill(self, day: date) -> Bill:
        """Raises Declined: this rail has no bills, each payment is asked about."""
        raise Declined(f"baidu_wallet has no bill of {day}", Reason.NOT_ALLOWED)

    def scrub(self, text: str) -> str:
        """Return `text` without the key, fit for a log."""
        return self._line.scrub(text)

    async def disconnect(self) -> None:
        """Let the connections go."""
        await self._line.close()

    async def _closed_or_pending(self, reference: str) -> PaymentState:
        """A payment that waits by the one query, by the other one. Where that knows it not, it
        waits; PAID waits too, until the query that tells the sum says so."""
        found = await self._ask(QUERY_TRANSACTION, {"order_no": reference})
        state = wire.BY_TRANSACTION.get(found.get("pay_result", ""), PaymentState.PENDING)
        if found.get("ret") != "0" or state is PaymentState.PAID:
            return PaymentState.PENDING
        return state

    async def _given_back(self, fields: Mapping[str, str]) -> int | None:
        """What went back under these numbers; None when Baidu knows of nothing."""
        found = await self._ask(REFUND_QUERY, {"service_code": "12", **fields})
        if found.get("ret_code") != "1":
            return None
        self._is_ours(found, fields["order_no"])
        try:
            return wire.fen(found.get("cashback_amount", "")).minor
        except ValueError:
            raise GatewayError("baidu_wallet's answer cannot be read", retryable=True) from None

    async def _why_no_refund(
        self, request: RefundRequest, found: Mapping[str, str]
    ) -> RefundAnswer:
        state = (await self.query(request.reference)).state
        if state is PaymentState.CREATED:
            return RefundAnswer(status="failed", reason=Reason.NOT_CREATED)
        if state is not PaymentState.PAID:
            return RefundAnswer(status="failed", reason=Reason.WRONG_STATE)
        before = await self._given_back({"order_no": request.reference}) or 0
        if before + request.amount.minor > request.paid.minor:
            return RefundAnswer(status="failed", reason=Reason.AMOUNT)
        if STATUSES.get(found.get("ret_code", "")) is Reason.UNKNOWN:
            return RefundAnswer(status="pending")
        poor = "余额" in found.get("ret_detail", "")
        return RefundAnswer(status="failed", reason=Reason.SELLER_FUNDS if poor else Reason.OTHER)

    async def _ask(self, path: str, fields: Mapping[str, str]) -> dict[str, str]:
        """Call and return the elements of the answer, good or bad."""
        told = {
            **fields,
            "sp_no": self._settings.sp_no,
            **XML,
            "sign_method": self._settings.sign_method,
        }
        signed = wire.query(told, self._settings.key, self._settings.sign_method)
        reply = await self._line.get(f"{path}?{signed}")
        self._line.refuse(reply)
        return wire.answer(reply.body)

    @staticmethod
    def _accept(name: str, status: str, good: str) -> None:
        if status != good:
            said = status if status.isdigit() else "nothing"
            raise Declined(
                f"baidu_wallet: {name} {said[:10]}", STATUSES.get(status, Reason.UNKNOWN)
            )

    def _is_ours(self, found: Mapping[str, str], reference: str) -> None:
        if (found.get("sp_no"), found.get("order_no")) != (self._settings.sp_no, reference):
            raise GatewayError("baidu_wallet told of another payment", retryable=True)


def open_rail(
    rail: Mapping[str, Any], clock: Clock, transport: httpx.AsyncBaseTransport | None = None
) -> BaiduWallet:
    """Open the rail from its settings; Misconfigured, without any secret, when unusable."""
    try:
        settings = msgspec.convert(rail, BaiduWalletSettings)
    except msgspec.ValidationError as wrong:
        raise Misconfigured(f"baidu_wallet: {wrong}") from None
    if len(settings.key) < wires.SHORTEST_SECRET or not settings.sp_no.isdigit():
        raise Misconfigured("baidu_wallet: sp_no is a number, and the key is longer than that")
    line = wires.Wire(
        "baidu_wallet", settings.base_url, secrets=(settings.key,), transport=transport
    )
    return BaiduWallet(settings, clock, line)
