"""WeChat's transfers to people (商家转账): the payee agrees inside WeChat before money moves.

Sources: PROTOCOLS 1.2. Nothing is paid under a new number before the old one is final.
"""

from collections.abc import Mapping
from typing import Any, Literal

import httpx

from littleshop.clock import Clock
from littleshop.errors import Conflict, GatewayError
from littleshop.money import Money
from littleshop.pay.gateways import wechat_pay_answers as answers
from littleshop.pay.gateways.contract import Declined, Reason
from littleshop.pay.gateways.transfers import PayeeKind, TransferAnswer, TransferRequest
from littleshop.pay.gateways.wechat_pay import plain
from littleshop.pay.gateways.wechat_pay_calls import Outcome, WechatPayCalls, open_calls

BILLS = "/v3/fund-app/mch-transfer/transfer-bills"
NAME_FROM = 200_000  # fen: from 2,000 yuan on WeChat compares the payee's name
REMARK_BYTES = 32
STATES: dict[str, Literal["pending", "done", "failed"]] = {
    "ACCEPTED": "pending",
    "PROCESSING": "pending",
    "WAIT_USER_CONFIRM": "pending",
    "TRANSFERING": "pending",  # WeChat's spelling
    "CANCELING": "pending",
    "SUCCESS": "done",
    "FAIL": "failed",
    "CANCELLED": "failed",
}
FAILURES = {
    "NAME_NOT_CORRECT": Reason.BUYER_ACCOUNT,
    "PAYEE_ACCOUNT_ABNORMAL": Reason.BUYER_ACCOUNT,
    "ACCOUNT_NOT_EXIST": Reason.BUYER_ACCOUNT,
    "OVERDUE_CLOSE": Reason.NOT_AGREED,  # nobody took it within a day
    "PAYER_ACCOUNT_ABNORMAL": Reason.NOT_ALLOWED,
    "MCH_NOT_EXISTS": Reason.NOT_ALLOWED,
}
UNCLEAR = (Reason.UNKNOWN, Reason.BAD_REQUEST, Reason.CONFLICT)


class WechatPayTransfers:
    """The paying-out side of one merchant."""

    name = "wechat_pay"

    def __init__(self, calls: WechatPayCalls) -> None:
        self._calls = calls

    def __repr__(self) -> str:
        return f"WechatPayTransfers(mchid={self._calls.settings.mchid!r})"

    async def transfer(self, request: TransferRequest) -> TransferAnswer:
        """Offer money to a person inside WeChat: pending until he takes it, within a day.

        `confirm_with` is then what his page hands on. Declined(BAD_REQUEST) for payees who are
        no openid; Conflict when the reference had other content.
        """
        if request.payee.kind != "openid":
            raise Declined("wechat_pay pays people by their openid", Reason.BAD_REQUEST)
        content, sealed_by = await self._content(request)
        found = await self._calls.ask("POST", BILLS, content, sealed_by=sealed_by)
        if found.ok:
            known = await self.transfer_query(request)
            return self._with_package(known, found)
        if found.reason in UNCLEAR and found.status != answers.TOO_MANY:
            known = await self.transfer_query(request)
            if known.status != "unknown":
                return known
        if found.reason is Reason.UNKNOWN:
            self._calls.accept(found)
        told = self._calls.scrub(f"{found.code} {found.text('message')}")
        return TransferAnswer(status="failed", reason=found.reason, said=told)

    async def transfer_query(self, request: TransferRequest) -> TransferAnswer:
        """Ask what became of a transfer."""
        found = await self._calls.ask("GET", f"{BILLS}/out-bill-no/{request.reference}")
        if found.reason is Reason.NOT_CREATED:
            return TransferAnswer(status="unknown")
        self._calls.accept(found)
        status = STATES.get(found.text("state"))
        if status is None or found.text("out_bill_no") != request.reference:
            raise GatewayError("wechat_pay told of another transfer", retryable=True)
        self._same(found, request)
        return self._answer(found, status)

    async def transfer_find(self, reference: str, kind: PayeeKind) -> TransferAnswer:
        """What WeChat knows of a transfer whose content we lost."""
        found = await self._calls.ask("GET", f"{BILLS}/out-bill-no/{reference}")
        if found.reason is Reason.NOT_CREATED:
            return TransferAnswer(status="unknown")
        self._calls.accept(found)
        status = STATES.get(found.text("state"))
        if status is None or found.text("out_bill_no") != reference:
            raise GatewayError("wechat_pay told of another transfer", retryable=True)
        return self._answer(found, status)

    def _answer(
        self, found: Outcome, status: Literal["pending", "done", "failed"]
    ) -> TransferAnswer:
        failed = status == "failed"
        changed = found.text("update_time")
        minor = found.fields.get("transfer_amount")
        return TransferAnswer(
            status=status,
            gateway_no=found.text("transfer_bill_no") or None,
            amount=Money(minor, "CNY") if isinstance(minor, int) else None,
            reason=FAILURES.get(found.text("fail_reason"), Reason.OTHER) if failed else None,
            said=self._calls.scrub(found.text("fail_reason") or found.text("state")),
            at=answers.moment(changed) if changed else None,
        )

    async def funds(self) -> Money:
        """What lies in the operation account, from which transfers are paid."""
        found = await self._calls.tell("GET", "/v3/merchant/fund/balance/OPERATION")
        try:
            return answers.money(found.fields, "available_amount")
        except (KeyError, ValueError):
            raise GatewayError("wechat_pay's answer cannot be read", retryable=True) from None

    async def refresh_keys(self) -> None:
        """Fetch the platform certificates, at most once a minute."""
        await self._calls.refresh_keys()

    async def disconnect(self) -> None:
        """Let the connections go."""
        await self._calls.disconnect()

    async def _content(self, request: TransferRequest) -> tuple[dict[str, object], str | None]:
        settings, title = self._calls.settings, plain(request.title, REMARK_BYTES) or "payout"
        content: dict[str, object] = {
            "appid": settings.appid,
            "out_bill_no": request.reference,
            "transfer_scene_id": settings.transfer_scene_id,
            "openid": request.payee.account,
            "transfer_amount": request.amount.minor,
            "transfer_remark": title,
            "transfer_scene_report_infos": [
                {"info_type": settings.transfer_scene_info, "info_content": title}
            ],
        }
        if request.amount.minor < NAME_FROM:
            return content, None
        name, sealed = await self._calls.seal({"name": request.payee.name})
        return {**content, "user_name": sealed["name"]}, name

    def _same(self, found: Outcome, request: TransferRequest) -> None:
        told = (found.fields.get("transfer_amount"), found.text("openid"))
        if told != (request.amount.minor, request.payee.account):
            raise Conflict(f"transfer {request.reference} was made with other content")

    def _with_package(self, known: TransferAnswer, found: Outcome) -> TransferAnswer:
        """The same with what the payee's page needs, while he has not agreed yet."""
        package = found.text("package_info")
        if known.status != "pending" or not package:
            return known
        settings = self._calls.settings
        told = {"mchId": settings.mchid, "appId": settings.appid, "package": package}
        return TransferAnswer(
            status=known.status,
            gateway_no=known.gateway_no,
            amount=known.amount,
            said=known.said,
            at=known.at,
            confirm_with=told,
        )


def open_transfers(
    rail: Mapping[str, Any], clock: Clock, transport: httpx.AsyncBaseTransport | None = None
) -> WechatPayTransfers:
    """Open the paying-out side of the rail's settings; Misconfigured when unusable."""
    return WechatPayTransfers(open_calls(rail, clock, transport))
