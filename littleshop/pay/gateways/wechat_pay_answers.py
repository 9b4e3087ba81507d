"""Reading what WeChat Pay says: trades, refunds and notices become ours.

Sources: PROTOCOLS 1.2, 1.3, 13b. Amounts are whole fen, times RFC 3339.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from littleshop.errors import Conflict, GatewayError
from littleshop.money import Money
from littleshop.pay.gateways import wechat_pay_keys
from littleshop.pay.gateways.contract import (
    Notice,
    NoticeRefused,
    PaymentState,
    QueryAnswer,
    Reason,
    RefundAnswer,
    RefundRequest,
)
from littleshop.pay.gateways.wechat_pay_calls import Outcome
from littleshop.pay.gateways.wechat_pay_keys import UnknownKey, WechatPayKeys, WechatPaySettings

NOTICE_LIMIT_BYTES = 64 * 1024
PROBE = "WECHATPAY/SIGNTEST/"  # a signature that must be refused: WeChat tries us out with it
MERCHANTS = ("mchid", "sp_mchid", "combine_mchid")
APPS = ("appid", "sp_appid", "combine_appid")
TOO_MANY = 429
COMBINED = "C"  # before our reference: the number of the order around a held payment

TRADE_STATES = {
    "NOTPAY": PaymentState.PENDING,
    "USERPAYING": PaymentState.PENDING,
    "ACCEPT": PaymentState.PENDING,
    "SUCCESS": PaymentState.PAID,
    "REFUND": PaymentState.PAID,  # was paid; how much went back it does not say
    "CLOSED": PaymentState.CLOSED,
    "REVOKED": PaymentState.CLOSED,
    "PAYERROR": PaymentState.FAILED,
}
REFUND_STATES: dict[str, tuple[Literal["done", "pending", "failed"], Reason | None]] = {
    "SUCCESS": ("done", None),
    "PROCESSING": ("pending", None),
    "ABNORMAL": ("failed", Reason.BUYER_ACCOUNT),  # the payer's card or account takes no money
    "CLOSED": ("failed", Reason.ALREADY_CLOSED),
    "CLOSE": ("failed", Reason.ALREADY_CLOSED),
}
# Who paid a refund of held money. That we allowed to be made to is no answer (its manual says so),
# and the field is absent while nobody has paid.
PAID_BY_US = {"REFUND_SOURCE_PARTNER_ADVANCE": True, "REFUND_SOURCE_SUB_MERCHANT": False}
NOTICE_KINDS: dict[str, Literal["paid", "refunded"]] = {
    "TRANSACTION.SUCCESS": "paid",
    # whatever became of a refund is asked for by its number
    "REFUND.SUCCESS": "refunded",
    "REFUND.ABNORMAL": "refunded",
    "REFUND.CLOSED": "refunded",
}


class Trade(msgspec.Struct, frozen=True):
    """A payment as WeChat tells it; `merchant_id` is the sub-merchant that it is held for."""

    state: PaymentState
    amount: Money
    transaction_id: str | None
    paid_at: datetime | None
    merchant_id: str | None = None

    @property
    def answer(self) -> QueryAnswer:
        """The same in the gateways' words."""
        return QueryAnswer(
            state=self.state,
            amount=self.amount,
            gateway_trade_no=self.transaction_id,
            paid_at=self.paid_at,
        )


def direct(found: Outcome, settings: WechatPaySettings, reference: str) -> Trade:
    """The trade of a direct merchant's query. GatewayError when it is of something else."""
    fields = found.fields
    ours = (settings.mchid, reference)
    if (fields.get("mchid"), fields.get("out_trade_no")) != ours:
        raise GatewayError("wechat_pay told of another trade", retryable=True)
    return _read(fields, "total")


def combined(found: Outcome, settings: WechatPaySettings, reference: str) -> Trade:
    """The one trade of a combined order: a payment held for a sub-merchant."""
    fields = found.fields
    ours = (settings.mchid, COMBINED + reference)
    if (fields.get("combine_mchid"), fields.get("combine_out_trade_no")) != ours:
        raise GatewayError("wechat_pay told of another trade", retryable=True)
    try:
        (order,) = fields["sub_orders"]
        if order["out_trade_no"] != reference:
            raise ValueError("another trade")
        trade = _read(order, "total_amount")
        return msgspec.structs.replace(trade, merchant_id=str(order["sub_mchid"]))
    except (KeyError, TypeError, ValueError):
        raise GatewayError("wechat_pay's answer cannot be read", retryable=True) from None


def _read(fields: Mapping[str, Any], total: str) -> Trade:
    try:
        paid_at = fields.get("success_time") or None
        return Trade(
            state=TRADE_STATES[fields["trade_state"]],
            amount=money(fields["amount"], total),
            transaction_id=str(fields.get("transaction_id") or "") or None,
            paid_at=moment(paid_at) if paid_at else None,
        )
    except (KeyError, TypeError, ValueError):
        raise GatewayError("wechat_pay's answer cannot be read", retryable=True) from None


def refund(found: Outcome, request: RefundRequest) -> RefundAnswer:
    """The state of a refund. Conflict when it was made with another sum."""
    try:
        if found.fields["out_refund_no"] != request.refund_reference:
            raise GatewayError("wechat_pay told of another refund", retryable=True)
        amount = money(found.fields["amount"], "refund")
        status, reason = REFUND_STATES[found.fields["status"]]
    except (KeyError, TypeError, ValueError):
        raise GatewayError("wechat_pay's answer cannot be read", retryable=True) from None
    if amount != request.amount:
        raise Conflict(f"refund {request.refund_reference} was made with another sum")
    advanced = PAID_BY_US.get(found.text("refund_account"))
    return RefundAnswer(status=status, amount=amount, reason=reason, advanced=advanced)


def notice(
    keys: WechatPayKeys,
    settings: WechatPaySettings,
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
) -> Notice | None:
    """Verify, decrypt and translate a notice; None when it is of no payment. NoticeRefused."""
    _verify(keys, {name.lower(): value for name, value in headers.items()}, body, now)
    try:
        told = msgspec.json.decode(body, type=dict[str, Any])
        content = _opened(keys, told["resource"])
        kind = NOTICE_KINDS.get(told["event_type"])
        if kind is None:
            return None
        _is_ours(content, settings)
        return _translated(told, content, kind, body)
    except (KeyError, TypeError, ValueError, msgspec.DecodeError, RecursionError):
        raise NoticeRefused("malformed") from None


def _verify(keys: WechatPayKeys, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    if len(body) > NOTICE_LIMIT_BYTES:
        raise NoticeRefused("malformed")
    stamp, nonce = headers.get("wechatpay-timestamp", ""), headers.get("wechatpay-nonce", "")
    signature = headers.get("wechatpay-signature", "")
    if signature.startswith(PROBE):
        raise NoticeRefused("signature")
    try:
        old = wechat_pay_keys.is_old(stamp, now)
    except ValueError:
        raise NoticeRefused("signature") from None
    if old:
        raise NoticeRefused("old")
    content = f"{stamp}\n{nonce}\n".encode() + body + b"\n"
    try:
        if not keys.verifies(headers.get("wechatpay-serial", ""), content, signature, now):
            raise NoticeRefused("signature")
    except UnknownKey:
        raise NoticeRefused("unknown_key") from None


def _opened(keys: WechatPayKeys, resource: Mapping[str, Any]) -> dict[str, Any]:
    """What is inside. WeChat signed around it: if our key does not fit, it is somebody else's."""
    try:
        text = keys.open(resource)
    except ValueError:
        raise NoticeRefused("seller") from None
    return msgspec.json.decode(text, type=dict[str, Any])


def _is_ours(content: Mapping[str, Any], settings: WechatPaySettings) -> None:
    """Refunds name no appid; whoever names one must name ours."""
    merchants = [
        content[name] for name in ("mchid", "sp_mchid", "combine_mchid") if name in content
    ]
    apps = [content[name] for name in ("appid", "sp_appid", "combine_appid") if name in content]
    if merchants != [settings.mchid]:
        raise NoticeRefused("seller")
    if any(app != settings.appid for app in apps):
        raise NoticeRefused("app")


def _translated(
    told: Mapping[str, Any],
    content: Mapping[str, Any],
    kind: Literal["paid", "refunded"],
    body: bytes,
) -> Notice:
    refunded = kind == "refunded"
    trade, total = content, "refund" if refunded else "total"
    if not refunded:
        if "sub_orders" in content:
            (trade,) = content["sub_orders"]
            total = "total_amount"
        if trade["trade_state"] != "SUCCESS":
            raise ValueError("a payment that is none")
    return Notice(
        gateway="wechat_pay",
        notice_id=_filled(told["id"]),
        reference=_filled(trade["out_trade_no"]),
        kind=kind,
        amount=money(trade["amount"], total),
        gateway_trade_no=_filled(trade["transaction_id"]),
        at=moment(trade.get("success_time") or told["create_time"]),
        raw=body.decode("utf-8"),
        refund_reference=_filled(content["out_refund_no"]) if refunded else None,
    )


def money(amount: Mapping[str, Any], name: str) -> Money:
    """A sum in whole units; CNY where none is named. Raises KeyError, TypeError, ValueError."""
    minor = amount[name]
    if type(minor) is not int or minor < 0:
        raise ValueError("not a sum")
    return Money(minor, str(amount.get("currency") or "CNY"))


def moment(text: str) -> datetime:
    """RFC 3339 as aware UTC. Raises ValueError."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    return at.astimezone(UTC)


def _filled(text: object) -> str:
    if not isinstance(text, str) or not text:
        raise ValueError("an empty number")
    return text
