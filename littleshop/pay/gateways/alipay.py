"""Alipay: phone page, desktop page and QR, by our own client.

Sources: PROTOCOLS 2 (which names the public pages). Signed with RSA2; key and certificate mode.
A payment that is held for a sub-merchant (alipay_escrow.py) is the same with two parts more.
"""

import asyncio
from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx

from littleshop import wires
from littleshop.clock import SHANGHAI, Clock
from littleshop.errors import Conflict, GatewayError
from littleshop.money import Money
from littleshop.pay.gateways import alipay_answers as answers
from littleshop.pay.gateways import alipay_bills as bills
from littleshop.pay.gateways import alipay_settled, asking
from littleshop.pay.gateways.alipay_calls import AlipayCalls, filled, open_calls, plain_subject
from littleshop.pay.gateways.contract import (
    Bill,
    BillNotReady,
    Declined,
    How,
    Notice,
    PayAnswer,
    PaymentState,
    PayRequest,
    QueryAnswer,
    Reason,
    RefundAnswer,
    RefundRequest,
)

# What it says of a trade that may stand so because this very refund was made before.
AFTER_A_REFUND = frozenset({Reason.ALREADY_CLOSED, Reason.WRONG_STATE, Reason.AMOUNT})


class Alipay:
    """One app of one seller at Alipay."""

    name = "alipay"
    hows = frozenset({How.WAP, How.PAGE, How.QR})
    currencies = frozenset({"CNY"})
    has_bills = True
    answer_type = "text/plain"
    heard = b"success"  # exactly these seven bytes
    not_heard = b"fail"

    def __init__(self, calls: AlipayCalls) -> None:
        self._calls = calls
        self._settings = calls.settings

    def __repr__(self) -> str:
        return f"Alipay(app_id={self._settings.app_id!r})"

    async def pay(self, request: PayRequest) -> PayAnswer:
        """A signed address of Alipay's cashier (no call is made), or a code for a QR."""
        asking.refuse_what_it_cannot(self.name, self.hows, self.currencies, request)
        content: dict[str, object] = {
            "out_trade_no": request.reference,
            "total_amount": answers.yuan(request.amount),
            "subject": plain_subject(request.subject) or request.reference,
            "time_expire": answers.beijing(request.expires_at),
            **self._holding(request),
        }
        if request.how is How.QR:
            found = await self._calls.tell(
                "alipay.trade.precreate", content, {"notify_url": request.notify_url}
            )
            return PayAnswer(code_url=filled(found, "qr_code"))
        if request.how is How.WAP:
            method = "alipay.trade.wap.pay"
            content["product_code"] = self._settings.wap_product_code
            content["quit_url"] = request.return_url
        else:
            method = "alipay.trade.page.pay"
            content["product_code"] = "FAST_INSTANT_TRADE_PAY"
        urls = {"notify_url": request.notify_url, "return_url": request.return_url}
        signed = self._calls.signed(method, content, urls)
        query = urlencode(signed, quote_via=quote, safe="")
        return PayAnswer(redirect_url=f"{self._settings.base_url}?{query}")

    async def query(self, reference: str) -> QueryAnswer:
        """Ask what became of a payment; a trade that was never opened is CREATED."""
        found = await self._calls.ask("alipay.trade.query", {"out_trade_no": reference})
        if found.reason is Reason.NOT_CREATED:
            return QueryAnswer(state=PaymentState.CREATED)
        self._calls.accept(found)
        state = answers.TRADE_STATES.get(found.text("trade_status"))
        if state is None or found.text("out_trade_no") != reference:
            raise GatewayError("alipay told of another trade or state", retryable=True)
        try:
            paid_at = found.text("send_pay_date")
            return QueryAnswer(
                state=state,
                amount=answers.money(found.text("total_amount")),
                gateway_trade_no=found.text("trade_no") or None,
                paid_at=answers.moment(paid_at) if paid_at else None,
            )
        except ValueError:
            raise GatewayError("alipay's answer cannot be read", retryable=True) from None

    async def close(self, reference: str) -> PaymentState:
        """Close an unpaid trade. A state that forbids it is looked up: the buyer may have paid."""
        found = await self._calls.ask("alipay.trade.close", {"out_trade_no": reference})
        if found.reason is Reason.NOT_CREATED:
            return PaymentState.CREATED
        if found.reason in (Reason.WRONG_STATE, Reason.ALREADY_PAID, Reason.ALREADY_CLOSED):
            return (await self.query(reference)).state
        self._calls.accept(found)
        return PaymentState.CLOSED

    async def refund(self, request: RefundRequest) -> RefundAnswer:
        """Give money back. Done only when Alipay says that funds moved (fund_change=Y) or its
        refund query says so; whatever is unclear is pending: call again with the same request.
        """
        content = _refund_content(request) | await self._settled_by(request)
        content["refund_amount"] = answers.yuan(request.amount)
        content["refund_reason"] = plain_subject(request.reason) or "refund"
        found = await self._calls.ask("alipay.trade.refund", content)
        if found.ok and found.text("fund_change") == "Y":
            # refund_fee of this answer is the sum over all refunds of the trade: not ours to tell
            # Y: this very request moved it, as it asked; its query does not tell who paid
            return RefundAnswer(status="done", amount=request.amount, advanced=request.advance)
        if found.ok or found.reason is Reason.UNKNOWN or found.reason in AFTER_A_REFUND:
            asked = await self.refund_query(request)
            if asked.status == "pending" and found.reason in AFTER_A_REFUND:
                return RefundAnswer(status="failed", reason=found.reason)
            return asked
        if found.reason is Reason.CONFLICT:
            raise Conflict(f"refund {request.refund_reference} was made with another sum")
        return RefundAnswer(status="failed", reason=found.reason)

    async def refund_query(self, request: RefundRequest) -> RefundAnswer:
        """Ask what became of a refund. An absent refund_status means: not done (yet)."""
        found = await self._calls.ask("alipay.trade.fastpay.refund.query", _refund_content(request))
        if found.reason in (Reason.NOT_CREATED, Reason.UNKNOWN):
            return RefundAnswer(status="pending")
        self._calls.accept(found)
        if found.text("refund_status") != "REFUND_SUCCESS":
            return RefundAnswer(status="pending")
        amount = self._refunded(found, request)
        if amount != request.amount:
            raise Conflict(f"refund {request.refund_reference} was made with another sum")
        return RefundAnswer(status="done", amount=amount)

    def parse_notice(self, headers: Mapping[str, str], body: bytes) -> Notice:
        """Verify and translate the form that Alipay posts. Raises NoticeRefused."""
        settings, at = self._settings, self._calls.now()
        return answers.notice(self._calls.keys, settings.app_id, settings.seller_id, body, at)

    async def fetch_bill(self, day: date) -> Bill:
        """The trade bill of a Beijing day, made by about nine the next morning.

        On a day without any trade Alipay says the same as before it has made one: BillNotReady
        for three days, then an empty bill. If our books know better, that is a difference.
        """
        today = self._calls.now().astimezone(SHANGHAI).date()
        if day >= today:
            raise BillNotReady(self.name, day)
        content = {"bill_type": "trade", "bill_date": day.isoformat()}
        found = await self._calls.ask(bills.METHOD, content)
        if found.code in bills.NOT_THERE:
            if today - day > bills.MADE_WITHIN:
                return bills.empty(day)
            raise BillNotReady(self.name, day)
        self._calls.accept(found)
        told = filled(found, "bill_download_url")
        url = bills.address(told, self._settings.base_url, self._settings.bill_hosts)
        async with wires.Wire(
            "alipay's bill",
            url,
            secrets=(url, urlsplit(url).query),
            transport=self._calls.transport,
            limit_bytes=bills.ZIP_LIMIT_BYTES,
        ) as wire:
            reply = await wire.get()
            wire.refuse(reply)
        return await asyncio.to_thread(bills.read, reply.body, day)

    async def refresh_keys(self) -> None:
        """Nothing: Alipay's keys are settings."""

    async def disconnect(self) -> None:
        """Let the connections go."""
        await self._calls.disconnect()

    def _holding(self, request: PayRequest) -> dict[str, object]:
        """For whom a payment is held, how much of it and for how long; nothing for our own."""
        if request.held_for is None:
            return {}
        if not self._settings.zft:
            raise Declined("alipay: this app holds no money", Reason.NOT_ALLOWED)
        detail = {"trans_in_type": "defaultSettle", "amount": answers.yuan(request.amount)}
        return {
            "sub_merchant": {"merchant_id": request.held_for},
            "settle_info": {
                "settle_detail_infos": [detail],
                "settle_period_time": f"{self._settings.settle_period_days}d",
            },
        }

    async def _settled_by(self, request: RefundRequest) -> dict[str, str]:
        """The number under which a held payment was settled: its refund must name it; and who
        pays when the seller has too little."""
        if not self._settings.zft:
            return {}
        found = await alipay_settled.ask(self._calls, {"out_trade_no": request.reference})
        number = None if found is None else found.confirm_no
        named = {} if number is None else {"related_settle_confirm_no": number}
        if request.advance:
            us = self._settings.seller_id
            named |= {"refund_advance_account_type": "userId", "refund_advance_account": us}
        return named

    def _refunded(self, found: answers.Outcome, request: RefundRequest) -> Money:
        if found.text("out_request_no") not in ("", request.refund_reference):
            raise GatewayError("alipay told of another refund", retryable=True)
        try:
            return answers.money(filled(found, "refund_amount"))
        except ValueError:
            raise GatewayError("alipay's answer cannot be read", retryable=True) from None


def open_rail(
    rail: Mapping[str, Any], clock: Clock, transport: httpx.AsyncBaseTransport | None = None
) -> Alipay:
    """Open the rail from its settings; Misconfigured, without any secret, when unusable."""
    return Alipay(open_calls(rail, clock, transport))


def _refund_content(request: RefundRequest) -> dict[str, str]:
    return {"out_trade_no": request.reference, "out_request_no": request.refund_reference}
