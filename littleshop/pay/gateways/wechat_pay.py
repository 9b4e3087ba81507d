"""WeChat Pay v3: inside WeChat (JSAPI), phone page (H5) and QR (Native), by our own client.

Sources: PROTOCOLS 1 (which names the public pages). A payment that is held for a sub-merchant is
the one sub-order of a combined order: only that can be asked about by our number alone.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from littleshop.clock import SHANGHAI, Clock
from littleshop.errors import GatewayError
from littleshop.pay.gateways import (
    asking,
    wechat_pay_abnormal,
    wechat_pay_bills,
    wechat_pay_keys,
)
from littleshop.pay.gateways import wechat_pay_answers as answers
from littleshop.pay.gateways.contract import (
    Bill,
    BuyerCard,
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
from littleshop.pay.gateways.wechat_pay_answers import COMBINED, Trade
from littleshop.pay.gateways.wechat_pay_calls import Outcome, WechatPayCalls, open_calls

KINDS = {How.JSAPI: "jsapi", How.WAP: "h5", How.QR: "native"}
DESCRIPTION_BYTES = 127
REASON_BYTES = 80

# Control characters and what does not fit the basic plane (emoji) is refused or shown as boxes.
REFUSED_SIGNS = re.compile("[\\x00-\\x1f\\x7f\\ud800-\\udfff]|[^\\u0000-\\uffff]")
LOOK_AGAIN = (
    Reason.WRONG_STATE,
    Reason.ALREADY_PAID,
    Reason.ALREADY_CLOSED,
    Reason.BAD_REQUEST,
)


class WechatPay:
    """One merchant and one official account at WeChat Pay."""

    name = "wechat_pay"
    hows = frozenset(KINDS)
    currencies = frozenset({"CNY"})
    has_bills = True
    answer_type = "application/json"
    heard = b'{"code":"SUCCESS"}'
    not_heard = b'{"code":"FAIL","message":"refused"}'

    def __init__(self, calls: WechatPayCalls) -> None:
        self._calls = calls
        self._settings = calls.settings

    def __repr__(self) -> str:
        return f"WechatPay(mchid={self._settings.mchid!r})"

    async def pay(self, request: PayRequest) -> PayAnswer:
        """Order the payment and say how the buyer gets to it.

        Declined(BAD_REQUEST) without the openid (JSAPI) or the address (phone page) it needs.
        """
        asking.refuse_what_it_cannot(self.name, self.hows, self.currencies, request)
        content = self._held(request) if request.held_for else self._direct(request)
        kind = "combine-transactions" if request.held_for else "pay/transactions"
        found = await self._calls.tell("POST", f"/v3/{kind}/{KINDS[request.how]}", content)
        if request.how is How.QR:
            return PayAnswer(code_url=_filled(found, "code_url"))
        if request.how is How.WAP:
            # h5_url lives five minutes and comes back to `redirect_url`, paid or not
            back = quote(request.return_url, safe="")
            return PayAnswer(redirect_url=f"{_filled(found, 'h5_url')}&redirect_url={back}")
        prepay_id, at = _filled(found, "prepay_id"), self._calls.now()
        keys, appid = self._calls.keys, self._settings.appid
        return PayAnswer(invoke=wechat_pay_keys.invoke(keys, appid, prepay_id, at))

    async def query(self, reference: str) -> QueryAnswer:
        """Ask what became of a payment; one that was never ordered is CREATED."""
        trade = await self._trade(reference)
        return QueryAnswer(state=PaymentState.CREATED) if trade is None else trade.answer

    async def close(self, reference: str) -> PaymentState:
        """Close an unpaid payment. A state that forbids it is looked up: it may be paid."""
        holder = await self._holder(reference)
        if holder is None:
            path = f"/v3/pay/transactions/out-trade-no/{reference}/close"
            content: dict[str, object] = {"mchid": self._settings.mchid}
        else:
            path = f"/v3/combine-transactions/out-trade-no/{COMBINED}{reference}/close"
            order = {
                "mchid": self._settings.mchid,
                "sub_mchid": holder,
                "out_trade_no": reference,
            }
            content = {"combine_appid": self._settings.appid, "sub_orders": [order]}
        found = await self._calls.ask("POST", path, content)
        if found.reason is Reason.NOT_CREATED:
            return PaymentState.CREATED
        if found.reason in LOOK_AGAIN:
            return (await self.query(reference)).state
        self._calls.accept(found)
        return PaymentState.CLOSED

    async def refund(self, request: RefundRequest) -> RefundAnswer:
        """Give money back. Most refunds are pending first; whatever is unclear is pending too:
        call again with the same request. Conflict when the number was used for another sum.
        """
        holder = await self._holder(request.reference)
        path = "/v3/refund/domestic/refunds" if holder is None else "/v3/ecommerce/refunds/apply"
        found = await self._calls.ask("POST", path, self._refund_content(request, holder))
        if found.ok:
            return answers.refund(found, request)
        if found.status == answers.TOO_MANY:
            self._calls.accept(found)
        if found.reason not in (Reason.NOT_ALLOWED, Reason.BAD_SIGNATURE):
            known = await self._refund_known(request, holder)
            if known is not None:
                return known
        if found.reason is Reason.UNKNOWN:
            return RefundAnswer(status="pending")
        reason: Reason | None = found.reason
        if reason is Reason.BAD_REQUEST:
            reason = await self._why_no_refund(request.reference, found)
        return RefundAnswer(status="failed", reason=reason)

    async def refund_query(self, request: RefundRequest) -> RefundAnswer:
        """Ask what became of a refund; one WeChat never heard of is pending."""
        known = await self._refund_known(request, await self._holder(request.reference))
        return known or RefundAnswer(status="pending")

    async def redirect_refund(self, request: RefundRequest, card: BuyerCard | None) -> RefundAnswer:
        """Send a refund that got stuck (ABNORMAL) to the buyer's debit card, or to our own account.

        Raises Declined: NOT_CREATED for a refund WeChat does not know, BAD_REQUEST when it does
        not take the card.
        """
        holder = await self._holder(request.reference)
        known = await self._refund_found(request, holder)
        if known is None:
            raise Declined("wechat_pay does not know this refund", Reason.NOT_CREATED)
        if known.text("status") != "ABNORMAL":
            return answers.refund(known, request)
        sent = await wechat_pay_abnormal.redirect(self._calls, known, request, card, holder)
        answer = sent or await self._refund_known(request, holder)
        if answer is None or answer.status == "failed":
            raise Declined("wechat_pay did not take it", Reason.BAD_REQUEST)
        return answer

    def parse_notice(self, headers: Mapping[str, str], body: bytes) -> Notice | None:
        """Verify, decrypt and translate a notice; None when it is of no payment or refund."""
        now = self._calls.now()
        return answers.notice(self._calls.keys, self._settings, headers, body, now)

    async def refresh_keys(self) -> None:
        """Fetch the platform certificates, at most once a minute."""
        await self._calls.refresh_keys()

    async def fetch_bill(self, day: date) -> Bill:
        """The trade bill of a day that is over in Beijing. Raises BillNotReady."""
        return await wechat_pay_bills.fetch(self._calls, day)

    def scrub(self, text: str) -> str:
        """Return `text` without keys and signatures, fit for a log."""
        return self._calls.scrub(text)

    async def disconnect(self) -> None:
        """Let the connections go."""
        await self._calls.disconnect()

    async def _why_no_refund(self, reference: str, found: Outcome) -> Reason:
        """PARAM_ERROR and INVALID_REQUEST say only in words what was wrong: look, then read."""
        trade = await self._trade(reference)
        if trade is None:
            return Reason.NOT_CREATED
        if trade.state is not PaymentState.PAID:
            return Reason.WRONG_STATE
        return Reason.AMOUNT if "金额" in found.text("message") else Reason.BAD_REQUEST

    async def _trade(self, reference: str) -> Trade | None:
        """The payment as WeChat knows it: a held one on a platform, else a direct one."""
        held = await self._held_trade(reference)
        if held is not None:
            return held
        path = f"/v3/pay/transactions/out-trade-no/{reference}"
        query = urlencode({"mchid": self._settings.mchid})
        found = await self._calls.ask("GET", f"{path}?{query}")
        if found.reason is Reason.NOT_CREATED:
            return None
        self._calls.accept(found)
        return answers.direct(found, self._settings, reference)

    async def _held_trade(self, reference: str) -> Trade | None:
        if not self._settings.ecommerce:
            return None
        path = f"/v3/combine-transactions/out-trade-no/{COMBINED}{reference}"
        found = await self._calls.ask("GET", path)
        if found.reason is Reason.NOT_CREATED:
            return None
        self._calls.accept(found)
        return answers.combined(found, self._settings, reference)

    async def _holder(self, reference: str) -> str | None:
        """The sub-merchant for whom a payment is held, None for a direct one."""
        held = await self._held_trade(reference)
        return None if held is None else held.merchant_id

    async def _refund_known(
        self, request: RefundRequest, holder: str | None
    ) -> RefundAnswer | None:
        found = await self._refund_found(request, holder)
        return None if found is None else answers.refund(found, request)

    async def _refund_found(self, request: RefundRequest, holder: str | None) -> Outcome | None:
        path = f"/v3/refund/domestic/refunds/{request.refund_reference}"
        if holder is not None:
            query = urlencode({"sub_mchid": holder})
            path = f"/v3/ecommerce/refunds/out-refund-no/{request.refund_reference}?{query}"
        found = await self._calls.ask("GET", path)
        if found.reason is Reason.NOT_CREATED:
            return None
        self._calls.accept(found)
        return found

    def _direct(self, request: PayRequest) -> dict[str, object]:
        payer = {"payer": {"openid": _openid(request)}} if request.how is How.JSAPI else {}
        return {
            "appid": self._settings.appid,
            "mchid": self._settings.mchid,
            "description": _description(request),
            "out_trade_no": request.reference,
            "time_expire": beijing(request.expires_at),
            "notify_url": request.notify_url,
            "amount": {"total": request.amount.minor, "currency": request.amount.currency},
            **payer,
            **_scene(request),
        }

    def _held(self, request: PayRequest) -> dict[str, object]:
        if not self._settings.ecommerce:
            raise Declined("wechat_pay: this merchant holds no money", Reason.NOT_ALLOWED)
        order = {
            "mchid": self._settings.mchid,
            "sub_mchid": request.held_for,
            "out_trade_no": request.reference,
            "attach": request.reference,
            "description": _description(request),
            "amount": {"total_amount": request.amount.minor, "currency": request.amount.currency},
            "settle_info": {"profit_sharing": True},
        }
        jsapi = request.how is How.JSAPI
        payer = {"combine_payer_info": {"openid": _openid(request)}} if jsapi else {}
        return {
            "combine_appid": self._settings.appid,
            "combine_mchid": self._settings.mchid,
            "combine_out_trade_no": COMBINED + request.reference,
            "time_expire": beijing(request.expires_at),
            "notify_url": request.notify_url,
            "sub_orders": [order],
            **payer,
            **_scene(request),
        }

    def _refund_content(self, request: RefundRequest, holder: str | None) -> dict[str, object]:
        content: dict[str, object] = {
            "out_trade_no": request.reference,
            "out_refund_no": request.refund_reference,
            "reason": plain(request.reason, REASON_BYTES) or "refund",
            "amount": {
                "refund": request.amount.minor,
                "total": request.paid.minor,
                "currency": request.amount.currency,
            },
        }
        if self._settings.refund_notify_url:
            content["notify_url"] = self._settings.refund_notify_url
        if holder is not None:
            content |= {"sub_mchid": holder, "sp_appid": self._settings.appid}
            if request.advance:
                content["refund_account"] = "REFUND_SOURCE_PARTNER_ADVANCE"
        return content


def open_rail(
    rail: Mapping[str, Any], clock: Clock, transport: httpx.AsyncBaseTransport | None = None
) -> WechatPay:
    """Open the rail from its settings; Misconfigured, without any secret, when unusable."""
    return WechatPay(open_calls(rail, clock, transport))


def plain(text: str, most_bytes: int) -> str:
    """A text that WeChat takes: no control characters or emoji, cut at a whole character."""
    words = " ".join(REFUSED_SIGNS.sub(" ", text).split())
    return words.encode()[:most_bytes].decode("utf-8", "ignore").strip()


def beijing(at: datetime) -> str:
    """An aware time as WeChat writes it: RFC 3339 with Beijing's offset, to the second."""
    assert at.tzinfo is not None
    return at.astimezone(UTC).astimezone(SHANGHAI).isoformat(timespec="seconds")


def _description(request: PayRequest) -> str:
    return plain(request.subject, DESCRIPTION_BYTES) or request.reference


def _openid(request: PayRequest) -> str:
    if not request.openid:
        raise Declined("wechat_pay: inside WeChat the payer's openid is needed", Reason.BAD_REQUEST)
    return request.openid


def _scene(request: PayRequest) -> dict[str, object]:
    """The payer's address: asked for by the phone page, welcome elsewhere."""
    if request.how is not How.WAP:
        return {"scene_info": {"payer_client_ip": request.client_ip}} if request.client_ip else {}
    if not request.client_ip:
        raise Declined("wechat_pay: a phone page needs the payer's address", Reason.BAD_REQUEST)
    return {"scene_info": {"payer_client_ip": request.client_ip, "h5_info": {"type": "Wap"}}}


def _filled(found: Outcome, name: str) -> str:
    if not found.text(name):
        raise GatewayError(f"wechat_pay's answer lacks {name}", retryable=True)
    return found.text(name)
