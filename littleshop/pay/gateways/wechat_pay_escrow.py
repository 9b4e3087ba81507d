"""WeChat's ecommerce (平台收付通): sellers as sub-merchants, money frozen until it is released.

Sources: PROTOCOLS 1.2, 6.1. Payments themselves are wechat_pay.py's, with PayRequest.held_for.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal
from urllib.parse import urlencode

import httpx

from littleshop.clock import Clock
from littleshop.config import Misconfigured
from littleshop.errors import Conflict, GatewayError
from littleshop.money import Money
from littleshop.pay.gateways import wechat_pay_answers as answers
from littleshop.pay.gateways import wechat_pay_media
from littleshop.pay.gateways.contract import Declined, Reason
from littleshop.pay.gateways.escrow import Admission, AdmissionRequest, Held, ShareAnswer
from littleshop.pay.gateways.transfers import TransferAnswer
from littleshop.pay.gateways.wechat_pay import plain
from littleshop.pay.gateways.wechat_pay_calls import Outcome, WechatPayCalls, open_calls

INDIVIDUAL = "2500"  # 个人卖家, an individual who sells
PRIVATE_ACCOUNT = "75"
OWNER = "65"  # the contact is the seller himself
SHARES = "/v3/ecommerce/profitsharing"
APPLYMENTS = "/v3/ecommerce/applyments"
WITHDRAWALS = "/v3/ecommerce/fund/withdraw"
CHECKING = ("CHECKING", "AUDITING")
REFUSED = ("REJECTED", "FROZEN", "CANCELED")
WITHDRAWN: dict[str, Literal["pending", "done", "failed", "returned"]] = {
    "SUCCESS": "done",
    "FAIL": "failed",
    "CLOSE": "failed",
    "REFUND": "returned",
    "CREATE_SUCCESS": "pending",
    "INIT": "pending",
}
UNCLEAR = (Reason.UNKNOWN, Reason.BAD_REQUEST, Reason.CONFLICT)


class WechatPayEscrow:
    """The holding side of a platform merchant."""

    name = "wechat_pay"
    holds_for = timedelta(days=180)
    wants_id_card = True
    pays_out = False

    def __init__(self, calls: WechatPayCalls) -> None:
        """Raises Misconfigured when the merchant is no platform."""
        if not calls.settings.ecommerce:
            raise Misconfigured("wechat_pay: only an ecommerce merchant can hold money for sellers")
        self._calls = calls
        self._mchid = calls.settings.mchid

    def __repr__(self) -> str:
        return f"WechatPayEscrow(mchid={self._mchid!r})"

    async def admit(self, request: AdmissionRequest) -> Admission:
        """Ask for a seller's admission; names, numbers and the card travel encrypted.

        Conflict when the reference was used for another seller and is not refused yet.
        """
        pictures: dict[str, str] = {}
        if request.id_card is not None:
            known = await self.admission(request.reference)
            if known.status not in ("unknown", "refused"):
                return known
            names = ("id_card_copy", "id_card_national")
            for side, picture in zip(names, request.id_card, strict=True):
                pictures[side] = await wechat_pay_media.upload(self._calls, picture)
        name, sealed = await self._calls.seal(
            {
                "name": request.legal_name,
                "id": request.id_number,
                "card": request.card_number,
                "phone": request.phone,
            }
        )
        content = _application(request, sealed, pictures)
        found = await self._calls.ask("POST", f"{APPLYMENTS}/", content, sealed_by=name)
        if found.ok:
            return await self.admission(request.reference)
        if found.reason is Reason.CONFLICT:
            raise Conflict(f"admission {request.reference} was asked for with other data")
        if found.reason is Reason.UNKNOWN:
            known = await self.admission(request.reference)
            if known.status != "unknown":
                return known
        self._calls.accept(found)
        raise AssertionError("a refusal that was accepted")

    async def admission(self, reference: str) -> Admission:
        """Ask what became of it."""
        found = await self._calls.ask("GET", f"{APPLYMENTS}/out-request-no/{reference}")
        if found.reason is Reason.NOT_CREATED:
            return Admission(status="unknown")
        self._calls.accept(found)
        state, said = found.text("applyment_state"), found.text("applyment_state_desc")
        if state == "FINISH":
            return Admission(status="admitted", merchant_id=_number(found, "sub_mchid"), said=said)
        if state == "NEED_SIGN":
            return Admission(status="signing", sign_url=_number(found, "sign_url"), said=said)
        if state == "ACCOUNT_NEED_VERIFY":
            url = found.text("legal_validation_url") or None
            return Admission(status="signing" if url else "checking", sign_url=url, said=said)
        if state in REFUSED:
            return Admission(status="refused", said=self._calls.scrub(_why(found) or said))
        if state not in CHECKING:
            raise GatewayError("wechat_pay told of a strange admission", retryable=True)
        return Admission(status="checking", said=said)

    async def take_commission(self, held: Held, share_reference: str, share: Money) -> ShareAnswer:
        """Split our commission off a frozen payment; it is pending until `share_query` says done.

        Raises Declined(UNKNOWN, retryable) in the first half minute after the payment.
        """
        receiver = {
            "type": "MERCHANT_ID",
            "receiver_account": self._mchid,
            "amount": share.minor,
            "description": "commission",
        }
        content = {
            "appid": self._calls.settings.appid,
            "sub_mchid": held.merchant_id,
            "transaction_id": held.gateway_trade_no,
            "out_order_no": share_reference,
            "receivers": [receiver],
            "finish": False,
        }
        found = await self._calls.ask("POST", f"{SHARES}/orders", content)
        if found.ok:
            return await self._shared(held, share_reference, share)
        return await self._unshared(found, held, share_reference, share)

    async def release(self, held: Held, release_reference: str, rest: Money) -> ShareAnswer:
        """Unfreeze all that is left. The amount answered is what WeChat released: `rest` less
        its fee. Conflict when the reference is a commission's: WeChat would answer well and
        release nothing (PROTOCOLS 15.2).
        """
        content = {
            "sub_mchid": held.merchant_id,
            "transaction_id": held.gateway_trade_no,
            "out_order_no": release_reference,
            "description": "release",
        }
        found = await self._calls.ask("POST", f"{SHARES}/finish-order", content)
        if found.ok:
            return await self._released(held, release_reference)
        return await self._unshared(found, held, release_reference, None)

    async def share_query(self, held: Held, share_reference: str) -> ShareAnswer:
        """Ask what became of a commission or a release."""
        found = await self._ask_share(held, share_reference)
        return ShareAnswer(status="unknown") if found is None else _share(found)

    async def lapsed(self, held: Held) -> ShareAnswer:
        """Whether nothing of it is frozen any more; where it went WeChat does not tell."""
        path = f"{SHARES}/orders/{held.gateway_trade_no}/amounts"
        left = _money(await self._calls.tell("GET", path), "unsplit_amount")
        return ShareAnswer(status="pending" if left else "done")

    async def return_commission(
        self, held: Held, share_reference: str, return_reference: str, share: Money
    ) -> ShareAnswer:
        """Give (part of) a commission back. Conflict when the number was used for another sum."""
        content = {
            "sub_mchid": held.merchant_id,
            "out_order_no": share_reference,
            "out_return_no": return_reference,
            "return_mchid": self._mchid,
            "amount": share.minor,
            "description": "refund",
        }
        found = await self._calls.ask("POST", f"{SHARES}/returnorders", content)
        if found.reason in UNCLEAR and found.status != answers.TOO_MANY:
            query = urlencode(
                {
                    "sub_mchid": held.merchant_id,
                    "out_order_no": share_reference,
                    "out_return_no": return_reference,
                }
            )
            known = await self._calls.ask("GET", f"{SHARES}/returnorders?{query}")
            if known.ok:
                found = known
        if found.reason is not None:
            return self._failed(found)
        if found.fields.get("amount") != share.minor:
            raise Conflict(f"return {return_reference} was made with another sum")
        return _returned(found, share)

    async def balance(self, merchant_id: str) -> Money:
        """What a seller may withdraw now."""
        found = await self._calls.tell("GET", f"/v3/ecommerce/fund/balance/{merchant_id}")
        return _money(found, "available_amount")

    async def withdraw(self, merchant_id: str, reference: str, amount: Money) -> TransferAnswer:
        """Pay a seller's balance out to his card. Conflict when the reference had another sum."""
        content = {
            "sub_mchid": merchant_id,
            "out_request_no": reference,
            "amount": amount.minor,
            "remark": "payout",
        }
        found = await self._calls.ask("POST", WITHDRAWALS, content)
        known = TransferAnswer(status="unknown")
        if found.ok or (found.reason in UNCLEAR and found.status != answers.TOO_MANY):
            known = await self.withdraw_query(merchant_id, reference)
        if known.status != "unknown":
            if known.amount != amount:
                raise Conflict(f"withdrawal {reference} was made with another sum")
            return known
        if found.ok:
            return TransferAnswer(status="pending", amount=amount)
        if found.reason is Reason.UNKNOWN:
            self._calls.accept(found)
        told = self._calls.scrub(f"{found.code} {found.text('message')}")
        return TransferAnswer(status="failed", reason=found.reason, said=told)

    async def withdraw_query(self, merchant_id: str, reference: str) -> TransferAnswer:
        """Ask what became of a withdrawal; done may be returned days later."""
        query = urlencode({"sub_mchid": merchant_id})
        found = await self._calls.ask("GET", f"{WITHDRAWALS}/out-request-no/{reference}?{query}")
        if found.reason is Reason.NOT_CREATED:
            return TransferAnswer(status="unknown")
        self._calls.accept(found)
        status = WITHDRAWN.get(found.text("status"))
        if status is None or found.text("out_request_no") != reference:
            raise GatewayError("wechat_pay told of another withdrawal", retryable=True)
        changed = found.text("update_time")
        return TransferAnswer(
            status=status,
            gateway_no=found.text("withdraw_id") or None,
            amount=_money(found, "amount"),
            reason=Reason.BUYER_ACCOUNT if status in ("failed", "returned") else None,
            said=self._calls.scrub(found.text("reason")),
            at=answers.moment(changed) if changed else None,
        )

    async def refresh_keys(self) -> None:
        """Fetch the platform certificates, at most once a minute."""
        await self._calls.refresh_keys()

    async def disconnect(self) -> None:
        """Let the connections go."""
        await self._calls.disconnect()

    async def _ask_share(self, held: Held, reference: str) -> Outcome | None:
        query = urlencode(
            {
                "sub_mchid": held.merchant_id,
                "transaction_id": held.gateway_trade_no,
                "out_order_no": reference,
            }
        )
        found = await self._calls.ask("GET", f"{SHARES}/orders?{query}")
        if found.reason is Reason.NOT_CREATED:
            return None
        self._calls.accept(found)
        return found

    async def _shared(self, held: Held, reference: str, share: Money) -> ShareAnswer:
        found = await self._ask_share(held, reference)
        if found is None:
            return ShareAnswer(status="pending", amount=share)
        if not found.fields.get("receivers") or _share(found).amount != share:
            raise Conflict(f"share {reference} was made with other content")
        return _share(found)

    async def _released(self, held: Held, reference: str) -> ShareAnswer:
        found = await self._ask_share(held, reference)
        if found is None:
            return ShareAnswer(status="pending")
        if found.fields.get("receivers"):
            raise Conflict(f"release {reference} bears the number of a commission")
        return _share(found)

    async def _unshared(
        self, found: Outcome, held: Held, reference: str, share: Money | None
    ) -> ShareAnswer:
        """A no to a commission or a release: perhaps it was made before."""
        if found.reason in UNCLEAR and found.status != answers.TOO_MANY:
            known = await self._ask_share(held, reference)
            if known is not None:
                if share is None:
                    return await self._released(held, reference)
                return await self._shared(held, reference, share)
        return self._failed(found)

    def _failed(self, found: Outcome) -> ShareAnswer:
        """A plain no is failed; what may work later, or nobody knows, is raised."""
        if found.reason is Reason.UNKNOWN:
            self._calls.accept(found)
        return ShareAnswer(status="failed", reason=found.reason)


def open_escrow(
    rail: Mapping[str, Any], clock: Clock, transport: httpx.AsyncBaseTransport | None = None
) -> WechatPayEscrow:
    """Open the holding side of the rail's settings; Misconfigured when unusable."""
    return WechatPayEscrow(open_calls(rail, clock, transport))


def _application(
    request: AdmissionRequest, sealed: Mapping[str, str], pictures: Mapping[str, str]
) -> dict[str, object]:
    return {
        "out_request_no": request.reference,
        "organization_type": INDIVIDUAL,
        "id_card_info": {
            "id_card_name": sealed["name"],
            "id_card_number": sealed["id"],
            **pictures,
        },
        "account_info": {
            "bank_account_type": PRIVATE_ACCOUNT,
            "account_bank": request.bank_name,
            "account_name": sealed["name"],
            "account_number": sealed["card"],
        },
        "contact_info": {
            "contact_type": OWNER,
            "contact_name": sealed["name"],
            "contact_id_card_number": sealed["id"],
            "mobile_phone": sealed["phone"],
        },
        "sales_scene_info": {"store_name": request.shop_name},
        "merchant_shortname": plain(request.shop_name, 64) or request.reference,
    }


def _why(found: Outcome) -> str:
    details = found.fields.get("audit_detail")
    if not isinstance(details, list):
        return ""
    said = [one.get("reject_reason") for one in details if isinstance(one, dict)]
    return "; ".join(str(reason) for reason in said if reason)


def _share(found: Outcome) -> ShareAnswer:
    """A commission (it has receivers) or a release, as WeChat tells it."""
    try:
        if found.fields.get("receivers"):
            return _commission(found.fields["receivers"][0])
        if "finish_amount" not in found.fields:
            return ShareAnswer(status="pending")
        return ShareAnswer(status="done", amount=_money(found, "finish_amount"))
    except (KeyError, TypeError, ValueError):
        raise GatewayError("wechat_pay's answer cannot be read", retryable=True) from None


def _commission(receiver: Mapping[str, Any]) -> ShareAnswer:
    amount = answers.money(receiver, "amount")
    if receiver["result"] == "PENDING":
        return ShareAnswer(status="pending", amount=amount)
    if receiver["result"] == "CLOSED":
        return ShareAnswer(status="failed", amount=amount, reason=Reason.OTHER)
    if receiver["result"] != "SUCCESS":
        raise ValueError("a result we do not know")
    return ShareAnswer(status="done", amount=amount, at=answers.moment(receiver["finish_time"]))


def _returned(found: Outcome, share: Money) -> ShareAnswer:
    result = found.text("result")
    if result == "PROCESSING":
        return ShareAnswer(status="pending", amount=share)
    if result == "FAIL":
        return ShareAnswer(status="failed", amount=share, reason=Reason.OTHER)
    if result != "SUCCESS":
        raise GatewayError("wechat_pay told of a strange return", retryable=True)
    finished = found.text("finish_time")
    at = answers.moment(finished) if finished else None
    return ShareAnswer(status="done", amount=share, at=at)


def _money(found: Outcome, name: str) -> Money:
    try:
        return answers.money(found.fields, name)
    except (KeyError, ValueError):
        raise GatewayError("wechat_pay's answer cannot be read", retryable=True) from None


def _number(found: Outcome, name: str) -> str:
    if not found.text(name):
        raise Declined(f"wechat_pay's answer lacks {name}", Reason.UNKNOWN)
    return found.text(name)
