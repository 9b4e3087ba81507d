"""Alipay's transfers: from our own Alipay account to a seller's bank card or Alipay account.

Sources: PROTOCOLS 2.2; field names, states and codes by the comments of Alipay's own Java SDK
(AlipayFundTransUniTransferModel, AlipayFundTransCommonQueryResponse, Participant). Could not be
verified: which identity type a bank card has (a setting), and that the bank-card product is still
sold to new merchants. Alipay offers these calls to apps with certificates only.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal

import httpx

from littleshop.clock import Clock
from littleshop.config import Misconfigured
from littleshop.errors import Conflict, GatewayError
from littleshop.money import Money
from littleshop.pay.gateways import alipay_answers as answers
from littleshop.pay.gateways.alipay_calls import AlipayCalls, filled, open_calls, plain_subject
from littleshop.pay.gateways.contract import Declined, Reason
from littleshop.pay.gateways.transfers import PayeeKind, TransferAnswer, TransferRequest

TRANSFER = "alipay.fund.trans.uni.transfer"
QUERY = "alipay.fund.trans.common.query"
FUNDS = "alipay.fund.account.query"
SCENE = "DIRECT_TRANSFER"
PRODUCTS = {"bank_card": "TRANS_BANKCARD_NO_PWD", "account": "TRANS_ACCOUNT_NO_PWD"}
PRIVATE_CARD = "2"
USER_ID = re.compile(r"2088\d{12}", re.ASCII)
TITLE_LENGTH = 128
STATES: dict[str, Literal["pending", "done", "failed", "returned"]] = {
    "SUCCESS": "done",
    "DEALING": "pending",
    "WAIT_PAY": "pending",
    "FAIL": "failed",
    "CLOSED": "failed",
    "REFUND": "returned",  # the bank sent it back, days after SUCCESS
}


class AlipayTransfers:
    """The paying-out side of one app."""

    name = "alipay"

    def __init__(self, calls: AlipayCalls) -> None:
        """Raises Misconfigured for an app without certificates."""
        if not calls.settings.by_certificate:
            raise Misconfigured("alipay: transfers need the three certificates")
        self._calls = calls

    def __repr__(self) -> str:
        return f"AlipayTransfers(app_id={self._calls.settings.app_id!r})"

    async def transfer(self, request: TransferRequest) -> TransferAnswer:
        """Pay a card (pending first) or an account (done at once).

        Declined(BAD_REQUEST) for an openid; Conflict when the reference had other content. When
        our own account was too empty the answer is failed with SELLER_FUNDS, and the same request
        may be made again.
        """
        found = await self._calls.ask(TRANSFER, self._content(request))
        if found.ok and found.text("status") in STATES:
            return self._answer(found, request)
        if found.ok or found.reason is Reason.UNKNOWN:
            known = await self.transfer_query(request)
            if found.ok or known.status != "unknown":
                return known
            self._calls.accept(found)
        if found.reason is Reason.CONFLICT:
            raise Conflict(f"transfer {request.reference} was made with other content")
        return TransferAnswer(status="failed", reason=found.reason, said=self._calls.said(found))

    async def transfer_query(self, request: TransferRequest) -> TransferAnswer:
        """Ask what became of a transfer; a done one to a card may be returned days later."""
        content = {
            "out_biz_no": request.reference,
            "product_code": self._product(request),
            "biz_scene": SCENE,
        }
        found = await self._calls.ask(QUERY, content)
        if found.reason is Reason.NOT_CREATED:
            return TransferAnswer(status="unknown")
        self._calls.accept(found)
        return self._answer(found, request)

    async def transfer_find(self, reference: str, kind: PayeeKind) -> TransferAnswer:
        """What Alipay knows of a transfer whose content we lost; its sum comes when it is paid."""
        if kind not in PRODUCTS:
            return TransferAnswer(status="unknown")
        content = {
            "out_biz_no": reference,
            "product_code": PRODUCTS[kind],
            "biz_scene": SCENE,
        }
        found = await self._calls.ask(QUERY, content)
        if found.reason is Reason.NOT_CREATED:
            return TransferAnswer(status="unknown")
        self._calls.accept(found)
        status, told = STATES.get(found.text("status")), found.text("trans_amount")
        if status is None or found.text("out_biz_no") != reference:
            raise GatewayError("alipay told of another transfer", retryable=True)
        try:
            amount = answers.money(told) if told else None
        except ValueError:
            raise GatewayError("alipay's answer cannot be read", retryable=True) from None
        return TransferAnswer(status=status, amount=amount)

    async def funds(self) -> Money:
        """What lies in our own Alipay account, to be paid out."""
        owner = {
            "alipay_user_id": self._calls.settings.seller_id,
            "account_type": "ACCTRANS_ACCOUNT",
        }
        found = await self._calls.tell(FUNDS, owner)
        try:
            return answers.money(filled(found, "available_amount"))
        except ValueError:
            raise GatewayError("alipay's answer cannot be read", retryable=True) from None

    async def disconnect(self) -> None:
        """Let the connections go."""
        await self._calls.disconnect()

    @staticmethod
    def _product(request: TransferRequest) -> str:
        product = PRODUCTS.get(request.payee.kind)
        if product is None:
            raise Declined("alipay pays cards and its own accounts", Reason.BAD_REQUEST)
        return product

    def _content(self, request: TransferRequest) -> dict[str, object]:
        title = plain_subject(request.title)[:TITLE_LENGTH] or "payout"
        settings = self._calls.settings
        content: dict[str, object] = {
            "out_biz_no": request.reference,
            "trans_amount": answers.yuan(request.amount),
            "product_code": self._product(request),
            "biz_scene": SCENE,
            "order_title": title,
            "remark": title,  # obligatory from 50,000 yuan on
            "payee_info": self._payee(request),
        }
        if settings.transfer_scene_name:
            info = {"info_type": settings.transfer_scene_info, "info_content": title}
            content["transfer_scene_name"] = settings.transfer_scene_name
            content["transfer_scene_report_infos"] = [info]
        return content

    def _payee(self, request: TransferRequest) -> dict[str, object]:
        payee = request.payee
        told: dict[str, object] = {"identity": payee.account, "name": payee.name}
        if payee.kind == "bank_card":
            card = {"account_type": PRIVATE_CARD, "inst_name": payee.bank_name}
            return {
                **told,
                "identity_type": self._calls.settings.card_identity_type,
                "bankcard_ext_info": card,
            }
        by_number = USER_ID.fullmatch(payee.account) is not None
        return {**told, "identity_type": "ALIPAY_USER_ID" if by_number else "ALIPAY_LOGON_ID"}

    def _answer(self, found: answers.Outcome, request: TransferRequest) -> TransferAnswer:
        status = STATES.get(found.text("status"))
        if status is None or found.text("out_biz_no") != request.reference:
            raise GatewayError("alipay told of another transfer", retryable=True)
        bad = status in ("failed", "returned")
        code = found.text("error_code")
        at = found.text("trans_date") or found.text("pay_date")
        try:
            # the sum comes with SUCCESS only
            told = found.text("trans_amount")
            if told and answers.money(told) != request.amount:
                raise Conflict(f"transfer {request.reference} was made with another sum")
            moment = answers.moment(at) if at else None
        except ValueError:
            raise GatewayError("alipay's answer cannot be read", retryable=True) from None
        return TransferAnswer(
            status=status,
            gateway_no=found.text("order_id") or None,
            amount=request.amount,
            reason=answers.SUB_CODES.get(code, Reason.OTHER) if bad else None,
            said=self._calls.scrub(f"{code} {found.text('fail_reason')}".strip()),
            at=moment,
        )


def open_transfers(
    rail: Mapping[str, Any], clock: Clock, transport: httpx.AsyncBaseTransport | None = None
) -> AlipayTransfers:
    """Open the paying-out side of the rail's settings; Misconfigured when unusable."""
    return AlipayTransfers(open_calls(rail, clock, transport))
