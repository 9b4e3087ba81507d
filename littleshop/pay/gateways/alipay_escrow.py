"""Alipay's ZFT (直付通): sellers as sub-merchants, money held until we confirm that it is settled.

Sources: PROTOCOLS 6.2; field names and rules by the comments of Alipay's Java SDK (the models
AntMerchantExpandIndirectZftCreate and ...ZftQuickcreate, ZftSubMerchantOrder,
AlipayTradeSettleConfirm, AlipayTradeOrderSettle, RoyaltyDetail, AlipayTradeRefund), the tutorials
cnblogs.com/keleyu/p/17645634.html and blog.csdn.net/zhglhy/article/details/134728968, and a copy of
Alipay's page on ZFT refunds (5851388.com/s01rfw9).

Alipay's order is the other way round than WeChat's: a payment is settled first, whole ("the amount
must equal what was paid less refunds"), and half a minute later a share may be taken from the
seller. So the commission settles with royalty_freeze, which keeps the seller's part frozen, and the
release ends that freeze; without a commission the release settles. The platform need not be bound
as a receiver: it is one from the beginning.

Could not be verified: the codes of refusals (any business refusal of a query is read as "unknown to
Alipay"), that order.settle.query tells of a mere royalty_finish and of returned shares, whether a
share may still be taken when Alipay settles to a card, and the number of an automatic settlement.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx

from littleshop.clock import Clock
from littleshop.config import Misconfigured
from littleshop.errors import Conflict, GatewayError
from littleshop.money import Money
from littleshop.pay.gateways import alipay_answers as answers
from littleshop.pay.gateways import alipay_settled
from littleshop.pay.gateways.alipay_calls import AlipayCalls, open_calls, plain_subject
from littleshop.pay.gateways.alipay_settled import Settled
from littleshop.pay.gateways.contract import Declined, Reason
from littleshop.pay.gateways.escrow import Admission, AdmissionRequest, Held, ShareAnswer
from littleshop.pay.gateways.transfers import TransferAnswer

ADMISSIONS = "ant.merchant.expand.indirect"
CONFIRM = "alipay.trade.settle.confirm"
SETTLE = "alipay.trade.order.settle"
SETTLE_QUERY = "alipay.trade.order.settle.query"
REFUND = "alipay.trade.refund"
INDIVIDUAL, IDENTITY_CARD = "06", "100"
DEBIT_CARD, PRIVATE = "DC", "02"
WEBSITE = "01"
BUSINESS_REFUSAL = "40004"
SHARE_STATES = {"SUCCESS": "done", "PROCESSING": "pending", "FAIL": "failed"}


class AlipayEscrow:
    """The holding side of a platform's app. Alipay pays the seller itself once we released."""

    name = "alipay"
    wants_id_card = False  # it knows its users: name and number are enough
    pays_out = True

    def __init__(self, calls: AlipayCalls) -> None:
        """Raises Misconfigured when the app is no platform's."""
        if not calls.settings.zft:
            raise Misconfigured("alipay: only a platform (zft) can have money held for sellers")
        if not calls.settings.zft_site_url:
            raise Misconfigured("alipay: zft_site_url says where the sellers sell")
        self.holds_for = timedelta(days=calls.settings.settle_period_days)
        self._calls = calls

    def __repr__(self) -> str:
        return f"AlipayEscrow(app_id={self._calls.settings.app_id!r})"

    async def admit(self, request: AdmissionRequest) -> Admission:
        """Ask for a seller's admission, unless it was asked for. His Alipay is known by his phone.

        Conflict when the reference was used for somebody else and is not refused yet.
        """
        order = await self._order(request.reference)
        if order is None or _text(order, "status") == "-1":
            method = f"{ADMISSIONS}.zft.{self._calls.settings.zft_admission}"
            found = await self._calls.ask(method, self._application(request))
            order = await self._order(request.reference)
            if order is None:
                self._calls.accept(found)
                raise GatewayError("alipay does not know the admission yet", retryable=True)
        if _text(order, "merchant_name") not in ("", request.legal_name):
            raise Conflict(f"admission {request.reference} was asked for with other data")
        return self._admission(order)

    async def admission(self, reference: str) -> Admission:
        """Ask what became of it."""
        order = await self._order(reference)
        return Admission(status="unknown") if order is None else self._admission(order)

    async def take_commission(self, held: Held, share_reference: str, share: Money) -> ShareAnswer:
        """Have the payment settled, its money frozen for shares, and half a minute later take ours.

        Raises Declined(UNKNOWN, retryable) until then.
        """
        settled = await self._settled(held)
        if settled.confirm_no is None:
            if not settled.unsettled:
                return ShareAnswer(status="failed", reason=Reason.AMOUNT)
            await self._confirm(held, _confirming(share_reference), settled.unsettled, freezes=True)
            raise Declined("alipay: settled just now, a share comes later", Reason.UNKNOWN)
        royalty = {
            "royalty_type": "transfer",
            "trans_in_type": "userId",
            "trans_in": self._calls.settings.seller_id,
            "amount": answers.yuan(share),
            "desc": "commission",
            "royalty_scene": "平台服务费",
        }
        content = {
            "out_request_no": share_reference,
            "trade_no": held.gateway_trade_no,
            "royalty_parameters": [royalty],
            "royalty_mode": "sync",
        }
        found = await self._calls.ask(SETTLE, content)
        if found.reason is Reason.CONFLICT:
            return await self._conflicting(held, share_reference)
        if not found.ok and found.reason is not Reason.UNKNOWN:
            return ShareAnswer(status="failed", reason=found.reason)
        known = await self._share(held, share_reference)
        if known is None:
            self._calls.accept(found)
            return ShareAnswer(status="pending", amount=share)
        if known.amount != share:
            raise Conflict(f"share {share_reference} was made with other content")
        return known

    async def release(self, held: Held, release_reference: str, rest: Money) -> ShareAnswer:
        """Let go of all that is left: settle it, or end the freeze of a settled one.

        The amount answered is what is the seller's at Alipay: `rest` less its fee. Conflict when
        the reference is a commission's. What Alipay settled by itself is done once it names that.
        """
        settled = await self._settled(held)
        if settled.has("transfer", release_reference):
            raise Conflict(f"release {release_reference} bears the number of a commission")
        if settled.confirm_no is None:
            if not settled.unsettled:  # nothing is frozen, and nobody says where it went
                return ShareAnswer(status="pending")
            await self._confirm(held, release_reference, settled.unsettled, freezes=False)
            settled = await self._settled(held)
            if settled.confirm_no is None:  # done, and not told of yet
                return ShareAnswer(status="pending")
        elif settled.confirm_no != release_reference:
            refused = await self._finish(held, release_reference)
            if refused is not None:
                return refused
        return ShareAnswer(status="done", amount=settled.amount)

    async def share_query(self, held: Held, share_reference: str) -> ShareAnswer:
        """Ask what became of a commission or a release."""
        settled = await self._settled(held)
        if settled.confirm_no == share_reference:
            return ShareAnswer(status="done", amount=settled.amount)
        known = await self._share(held, share_reference)
        if known is None:
            return ShareAnswer(status="unknown")
        if known.amount is None:  # the end of a freeze
            return ShareAnswer(status="done", amount=settled.amount)
        return known

    async def lapsed(self, held: Held) -> ShareAnswer:
        """Whether it was settled, and what of that is the seller's."""
        settled = await self._settled(held)
        if settled.confirm_no is None:
            return ShareAnswer(status="pending")
        return ShareAnswer(status="done", amount=settled.amount)

    async def return_commission(
        self, held: Held, share_reference: str, return_reference: str, share: Money
    ) -> ShareAnswer:
        """Give (part of) a commission back. Conflict when the number was used for another sum."""
        royalty = {
            "royalty_type": "transfer",
            "trans_out_type": "userId",
            "trans_out": self._calls.settings.seller_id,
            "amount": answers.yuan(share),
            "desc": f"return of {share_reference}",
        }
        content = {
            "trade_no": held.gateway_trade_no,
            "out_request_no": return_reference,
            "refund_amount": "0",
            "refund_royalty_parameters": [royalty],
        }
        found = await self._calls.ask(REFUND, content)
        if found.reason is Reason.CONFLICT:
            raise Conflict(f"return {return_reference} was made with another sum")
        if not found.ok and found.reason is not Reason.UNKNOWN:
            return ShareAnswer(status="failed", reason=found.reason)
        known = await self._share(held, return_reference)
        if known is None:
            self._calls.accept(found)
            return ShareAnswer(status="pending", amount=share)
        return known

    async def balance(self, merchant_id: str) -> Money:
        """Nobody but the seller may ask: raises Declined(NOT_ALLOWED)."""
        raise Declined("alipay: what lies in a seller's account is his own", Reason.NOT_ALLOWED)

    async def withdraw(self, merchant_id: str, reference: str, amount: Money) -> TransferAnswer:
        """Alipay pays sellers itself: raises Declined(NOT_ALLOWED)."""
        raise Declined("alipay: sellers are paid by alipay itself", Reason.NOT_ALLOWED)

    async def withdraw_query(self, merchant_id: str, reference: str) -> TransferAnswer:
        """As `withdraw`."""
        raise Declined("alipay: sellers are paid by alipay itself", Reason.NOT_ALLOWED)

    async def disconnect(self) -> None:
        """Let the connections go."""
        await self._calls.disconnect()

    async def _settled(self, held: Held) -> Settled:
        found = await alipay_settled.ask(self._calls, {"trade_no": held.gateway_trade_no})
        if found is None:
            raise Declined(f"alipay holds nothing for {held.reference}", Reason.WRONG_STATE)
        return found

    async def _confirm(self, held: Held, number: str, amount: Money, *, freezes: bool) -> None:
        """Settle what is not settled: after that a seller's money is no buyer's any more."""
        detail = {"trans_in_type": "defaultSettle", "amount": answers.yuan(amount)}
        content: dict[str, object] = {
            "out_request_no": number,
            "trade_no": held.gateway_trade_no,
            "settle_info": {"settle_detail_infos": [detail]},
        }
        if freezes:
            content["extend_params"] = {"royalty_freeze": "true"}
        await self._calls.tell(CONFIRM, content)

    async def _finish(self, held: Held, number: str) -> ShareAnswer | None:
        """End the freeze of a settled payment; an answer when Alipay would not."""
        content = {
            "out_request_no": number,
            "trade_no": held.gateway_trade_no,
            "extend_params": {"royalty_finish": "true"},
        }
        found = await self._calls.ask(SETTLE, content)
        if found.reason is Reason.CONFLICT:
            raise Conflict(f"release {number} was made with other content")
        if found.reason is Reason.UNKNOWN:
            self._calls.accept(found)
        return None if found.ok else ShareAnswer(status="failed", reason=found.reason)

    async def _conflicting(self, held: Held, number: str) -> ShareAnswer:
        """A number that was used: for another sum of this payment, or for another payment."""
        if await self._share(held, number) is not None:
            raise Conflict(f"share {number} was made with other content")
        return ShareAnswer(status="failed", reason=Reason.CONFLICT)

    async def _share(self, held: Held, number: str) -> ShareAnswer | None:
        """A commission or a return by its number; one without amount is the end of a freeze."""
        content = {"out_request_no": number, "trade_no": held.gateway_trade_no}
        found = await self._calls.ask(SETTLE_QUERY, content)
        if _is_unknown(found):
            return None
        self._calls.accept(found)
        details = found.fields.get("royalty_detail_list") or []
        try:
            if not isinstance(details, list) or found.text("out_request_no") != number:
                raise ValueError("another share")
            return _shared(details[0]) if details else ShareAnswer(status="done")
        except (KeyError, TypeError, ValueError):
            raise GatewayError("alipay's answer cannot be read", retryable=True) from None

    async def _order(self, reference: str) -> Mapping[str, object] | None:
        """The application as Alipay knows it, or None."""
        method = f"{ADMISSIONS}.zftorder.query"
        found = await self._calls.ask(method, {"external_id": reference})
        if _is_unknown(found):
            return None
        self._calls.accept(found)
        orders = found.fields.get("orders")
        if not isinstance(orders, list) or not orders:
            return None
        order = max(orders, key=lambda one: str(one.get("apply_time")))
        if _text(order, "external_id") not in ("", reference):
            raise GatewayError("alipay told of another admission", retryable=True)
        return dict(order)

    def _admission(self, order: Mapping[str, object]) -> Admission:
        status = _text(order, "status")
        memos = ("reason", "fk_audit_memo", "kz_audit_memo")
        said = self._calls.scrub(next((told for memo in memos if (told := _text(order, memo))), ""))
        if status == "99" and _text(order, "smid"):
            return Admission(status="admitted", merchant_id=_text(order, "smid"), said=said)
        if status == "-1":
            return Admission(status="refused", said=said)
        link = _text(order, "sub_sign_short_chain_url") or _text(order, "sub_sign_qr_code_url")
        if _text(order, "sub_confirm") in ("CREATE", "NOT_CONFIRM") and link:
            return Admission(status="signing", sign_url=link, said=said)
        # without a link he is asked in his Alipay, and there is nothing to show him
        return Admission(status="checking", said=said)

    def _application(self, request: AdmissionRequest) -> dict[str, object]:
        settings = self._calls.settings
        site = {
            "site_type": WEBSITE,
            "site_url": settings.zft_site_url,
            "site_name": request.shop_name,
        }
        content: dict[str, object] = {
            "external_id": request.reference,
            "name": request.legal_name,
            "alias_name": plain_subject(request.shop_name) or request.reference,
            "mcc": settings.zft_mcc,
            "contact_infos": [{"name": request.legal_name, "mobile": request.phone}],
            "service": ["wap支付", "电脑支付", "订单码支付"],
            "sites": [site],
            "binding_alipay_logon_id": request.phone,
            **_settling(request, to_card=settings.zft_settles_to == "card"),
        }
        if settings.zft_admission == "create":
            content |= {
                "merchant_type": INDIVIDUAL,
                "cert_type": IDENTITY_CARD,
                "cert_no": request.id_number,
            }
        return content


def open_escrow(
    rail: Mapping[str, Any], clock: Clock, transport: httpx.AsyncBaseTransport | None = None
) -> AlipayEscrow:
    """Open the holding side of the rail's settings; Misconfigured when unusable."""
    return AlipayEscrow(open_calls(rail, clock, transport))


def _settling(request: AdmissionRequest, *, to_card: bool) -> dict[str, object]:
    """Where the seller's money goes."""
    if not to_card:
        rule = {"default_settle_type": "alipayAccount", "default_settle_target": request.phone}
        return {"alipay_logon_id": request.phone, "default_settle_rule": rule}
    card = {
        "account_holder_name": request.legal_name,
        "account_no": request.card_number,
        "account_inst_name": request.bank_name,
        "account_inst_id": request.bank_code,
        "account_type": DEBIT_CARD,
        "usage_type": PRIVATE,
    }
    rule = {"default_settle_type": "bankCard", "default_settle_target": request.card_number}
    return {"biz_cards": [card], "default_settle_rule": rule}


def _confirming(share_reference: str) -> str:
    """The number under which a payment is settled for the sake of a commission."""
    return f"C{share_reference}"


def _is_unknown(found: answers.Outcome) -> bool:
    """Whether Alipay knows nothing of what a query named."""
    return found.text("code") == BUSINESS_REFUSAL and found.reason is not Reason.UNKNOWN


def _shared(detail: Mapping[str, Any]) -> ShareAnswer:
    status, told = SHARE_STATES[detail["state"]], detail.get("execute_dt")
    amount = answers.money(str(detail["amount"]))
    if status == "failed":
        return ShareAnswer(status="failed", amount=amount, reason=Reason.OTHER)
    if status == "pending":
        return ShareAnswer(status="pending", amount=amount)
    at = answers.moment(str(told)) if told else None
    return ShareAnswer(status="done", amount=amount, at=at)


def _text(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    return "" if value is None else str(value)
