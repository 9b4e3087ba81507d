"""Alipay: phone page, desktop page and QR, by our own client.

Sources: PROTOCOLS 2 (which names the public pages). Signed with RSA2; key and certificate mode.
"""

import asyncio
import json
import re
from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx
import msgspec

from littleshop import wires
from littleshop.clock import SHANGHAI, Clock
from littleshop.config import Misconfigured
from littleshop.errors import Conflict, GatewayError
from littleshop.money import Money
from littleshop.pay.gateways import alipay_answers as answers
from littleshop.pay.gateways import alipay_bills as bills
from littleshop.pay.gateways import asking
from littleshop.pay.gateways.alipay_keys import AlipayKeys, AlipaySettings, joined
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

SUBJECT_LENGTH = 256
# Alipay refuses / = & in the subject; characters outside the basic plane (emoji) and control
# characters break its cashier.
SUBJECT_REFUSES = re.compile("[/=&\\x00-\\x1f\\x7f\\ud800-\\udfff]|[^\\u0000-\\uffff]")
SIGNATURES = re.compile(r"""(sign["']?\s*[:=]\s*["']?)[A-Za-z0-9+/=%]{16,}""")
PEM_BLOCKS = re.compile(r"-----BEGIN [^-]+-----.*?-----END [^-]+-----", re.DOTALL)


class Alipay:
    """One app of one seller at Alipay."""

    name = "alipay"
    hows = frozenset({How.WAP, How.PAGE, How.QR})
    currencies = frozenset({"CNY"})
    has_bills = True
    answer_type = "text/plain"
    heard = b"success"  # exactly these seven bytes
    not_heard = b"fail"

    def __init__(
        self,
        settings: AlipaySettings,
        clock: Clock,
        wire: wires.Wire,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Raises Misconfigured when a key or certificate cannot be read."""
        self._transport = transport
        self._settings = settings
        self._keys = AlipayKeys(settings)
        self._clock = clock
        self._wire = wire

    def __repr__(self) -> str:
        return f"Alipay(app_id={self._settings.app_id!r})"

    async def pay(self, request: PayRequest) -> PayAnswer:
        """A signed address of Alipay's cashier (no call is made), or a code for a QR."""
        asking.refuse_what_it_cannot(self.name, self.hows, self.currencies, request)
        content = {
            "out_trade_no": request.reference,
            "total_amount": answers.yuan(request.amount),
            "subject": plain_subject(request.subject) or request.reference,
            "time_expire": answers.beijing(request.expires_at),
        }
        if request.how is How.QR:
            found = await self._ask("alipay.trade.precreate", content, request.notify_url)
            return PayAnswer(code_url=self._filled(found, "qr_code"))
        if request.how is How.WAP:
            method = "alipay.trade.wap.pay"
            content["product_code"] = self._settings.wap_product_code
            content["quit_url"] = request.return_url
        else:
            method = "alipay.trade.page.pay"
            content["product_code"] = "FAST_INSTANT_TRADE_PAY"
        urls = {"notify_url": request.notify_url, "return_url": request.return_url}
        signed = self._signed(method, content, urls)
        query = urlencode(signed, quote_via=quote, safe="")
        return PayAnswer(redirect_url=f"{self._settings.base_url}?{query}")

    async def query(self, reference: str) -> QueryAnswer:
        """Ask what became of a payment; a trade that was never opened is CREATED."""
        found = await self._hear("alipay.trade.query", {"out_trade_no": reference})
        if found.reason is Reason.NOT_CREATED:
            return QueryAnswer(state=PaymentState.CREATED)
        self._accept(found)
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
        found = await self._hear("alipay.trade.close", {"out_trade_no": reference})
        if found.reason is Reason.NOT_CREATED:
            return PaymentState.CREATED
        if found.reason in (Reason.WRONG_STATE, Reason.ALREADY_PAID, Reason.ALREADY_CLOSED):
            return (await self.query(reference)).state
        self._accept(found)
        return PaymentState.CLOSED

    async def refund(self, request: RefundRequest) -> RefundAnswer:
        """Give money back. Done only when Alipay says that funds moved (fund_change=Y) or its
        refund query says so; whatever is unclear is pending: call again with the same request.
        """
        content = _refund_content(request)
        content["refund_amount"] = answers.yuan(request.amount)
        content["refund_reason"] = plain_subject(request.reason) or "refund"
        found = await self._hear("alipay.trade.refund", content)
        if found.ok and found.text("fund_change") == "Y":
            # refund_fee of this answer is the sum over all refunds of the trade: not ours to tell
            return RefundAnswer(status="done", amount=request.amount)
        if found.ok or found.reason in (Reason.UNKNOWN, Reason.ALREADY_CLOSED):
            asked = await self.refund_query(request)
            if asked.status == "pending" and found.reason is Reason.ALREADY_CLOSED:
                return RefundAnswer(status="failed", reason=found.reason)
            return asked
        if found.reason is Reason.CONFLICT:
            raise Conflict(f"refund {request.refund_reference} was made with another sum")
        return RefundAnswer(status="failed", reason=found.reason)

    async def refund_query(self, request: RefundRequest) -> RefundAnswer:
        """Ask what became of a refund. An absent refund_status means: not done (yet)."""
        found = await self._hear("alipay.trade.fastpay.refund.query", _refund_content(request))
        if found.reason in (Reason.NOT_CREATED, Reason.UNKNOWN):
            return RefundAnswer(status="pending")
        self._accept(found)
        if found.text("refund_status") != "REFUND_SUCCESS":
            return RefundAnswer(status="pending")
        amount = self._refunded(found, request)
        if amount != request.amount:
            raise Conflict(f"refund {request.refund_reference} was made with another sum")
        return RefundAnswer(status="done", amount=amount)

    def parse_notice(self, headers: Mapping[str, str], body: bytes) -> Notice:
        """Verify and translate the form that Alipay posts. Raises NoticeRefused."""
        settings, at = self._settings, self._clock.now()
        return answers.notice(self._keys, settings.app_id, settings.seller_id, body, at)

    async def fetch_bill(self, day: date) -> Bill:
        """The trade bill of a Beijing day, made by about nine the next morning.

        On a day without any trade Alipay says the same as before it has made one: BillNotReady
        for three days, then an empty bill. If our books know better, that is a difference.
        """
        today = self._clock.now().astimezone(SHANGHAI).date()
        if day >= today:
            raise BillNotReady(self.name, day)
        content = {"bill_type": "trade", "bill_date": day.isoformat()}
        found = await self._hear(bills.METHOD, content)
        if found.code in bills.NOT_THERE:
            if today - day > bills.MADE_WITHIN:
                return bills.empty(day)
            raise BillNotReady(self.name, day)
        self._accept(found)
        told = self._filled(found, "bill_download_url")
        url = bills.address(told, self._settings.base_url, self._settings.bill_hosts)
        async with wires.Wire(
            "alipay's bill",
            url,
            secrets=(url, urlsplit(url).query),
            transport=self._transport,
            limit_bytes=bills.ZIP_LIMIT_BYTES,
        ) as wire:
            reply = await wire.get()
            wire.refuse(reply)
        return await asyncio.to_thread(bills.read, reply.body, day)

    async def refresh_keys(self) -> None:
        """Nothing: Alipay's keys are settings."""

    def scrub(self, text: str) -> str:
        """Return `text` without keys, certificates and signatures, fit for a log."""
        text = PEM_BLOCKS.sub("[secret]", self._wire.scrub(text))
        return SIGNATURES.sub(r"\1[secret]", text)

    async def disconnect(self) -> None:
        """Let the connections go."""
        await self._wire.close()

    async def _ask(
        self, method: str, content: Mapping[str, str], notify_url: str
    ) -> answers.Outcome:
        found = await self._hear(method, content, {"notify_url": notify_url})
        self._accept(found)
        return found

    async def _hear(
        self,
        method: str,
        content: Mapping[str, str],
        urls: Mapping[str, str] | None = None,
    ) -> answers.Outcome:
        """Call and return Alipay's own verdict, good or bad."""
        signed = self._signed(method, content, urls or {})
        # As Alipay's SDKs do: the body holds only biz_content, so that `charset` is known
        # before the body is decoded.
        form = {"biz_content": signed.pop("biz_content")}
        reply = await self._wire.post(params=signed, form=form)
        self._wire.refuse(reply)
        return answers.outcome(self._keys, method, reply.text())

    def _accept(self, found: answers.Outcome) -> None:
        if found.ok:
            return
        told = self.scrub(f"{found.code} {found.text('sub_msg') or found.text('msg')}")
        raise Declined(f"alipay: {told}", found.reason or Reason.OTHER)

    def _signed(
        self, method: str, content: Mapping[str, str], urls: Mapping[str, str]
    ) -> dict[str, str]:
        parameters = {
            "app_id": self._settings.app_id,
            "method": method,
            "format": "JSON",
            "charset": "utf-8",
            "sign_type": "RSA2",
            "timestamp": answers.beijing(self._clock.now()),
            "version": "1.0",
            "biz_content": json.dumps(content, ensure_ascii=False, separators=(",", ":")),
            **self._keys.serials,
            **urls,
        }
        filled = {name: value for name, value in parameters.items() if value}
        return {**filled, "sign": self._keys.sign(joined(filled))}

    @staticmethod
    def _filled(found: answers.Outcome, name: str) -> str:
        if not found.text(name):
            raise GatewayError(f"alipay's answer lacks {name}", retryable=True)
        return found.text(name)

    def _refunded(self, found: answers.Outcome, request: RefundRequest) -> Money:
        if found.text("out_request_no") not in ("", request.refund_reference):
            raise GatewayError("alipay told of another refund", retryable=True)
        try:
            return answers.money(self._filled(found, "refund_amount"))
        except ValueError:
            raise GatewayError("alipay's answer cannot be read", retryable=True) from None


def open_rail(
    rail: Mapping[str, Any], clock: Clock, transport: httpx.AsyncBaseTransport | None = None
) -> Alipay:
    """Open the rail from its settings; Misconfigured, without any secret, when unusable."""
    try:
        settings = msgspec.convert(rail, AlipaySettings)
    except msgspec.ValidationError as wrong:
        raise Misconfigured(f"alipay: {wrong}") from None
    lines = [line for line in settings.private_key.split() if "-----" not in line]
    wire = wires.Wire(
        "alipay",
        settings.base_url,
        secrets=(settings.private_key, "".join(lines), *lines),
        transport=transport,
    )
    return Alipay(settings, clock, wire, transport)


def plain_subject(text: str) -> str:
    """A title that Alipay takes: without / = &, emoji and control characters, 256 at most."""
    return " ".join(SUBJECT_REFUSES.sub(" ", text).split())[:SUBJECT_LENGTH]


def _refund_content(request: RefundRequest) -> dict[str, str]:
    return {"out_trade_no": request.reference, "out_request_no": request.refund_reference}
