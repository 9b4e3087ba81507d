"""The gateways by name: `rails = gateways.open(settings.rails, clock)`, `rails["alipay"]`."""

from collections.abc import Callable, Mapping
from typing import Any

import httpx

from littleshop.clock import Clock
from littleshop.pay.gateways import (
    alipay,
    alipay_escrow,
    baidu_wallet,
    stripe,
    wechat_pay,
    wechat_pay_escrow,
)
from littleshop.pay.gateways.contract import (
    Bill,
    BillNotReady,
    BillRow,
    BuyerCard,
    Declined,
    Gateway,
    How,
    Notice,
    NoticeRefused,
    OtherSum,
    PayAnswer,
    PaymentState,
    PayRequest,
    QueryAnswer,
    Reason,
    Redirecting,
    RefundAnswer,
    RefundRequest,
)
from littleshop.pay.gateways.escrow import Escrow

__all__ = [
    "Bill",
    "BillNotReady",
    "BillRow",
    "BuyerCard",
    "Declined",
    "Escrow",
    "Gateway",
    "How",
    "Notice",
    "NoticeRefused",
    "OtherSum",
    "PayAnswer",
    "PayRequest",
    "PaymentState",
    "QueryAnswer",
    "Reason",
    "Redirecting",
    "RefundAnswer",
    "RefundRequest",
    "escrows",
    "open",
]

# Settings of a rail are free-form JSON until the rail itself has checked them.
RailSettings = Mapping[str, Any]
Opener = Callable[[RailSettings, Clock, httpx.AsyncBaseTransport | None], Gateway]

OPENERS: dict[str, Opener] = {
    "alipay": alipay.open_rail,
    "wechat_pay": wechat_pay.open_rail,
    "stripe": stripe.open_rail,
    "baidu_wallet": baidu_wallet.open_rail,
}
# Institutions that hold money for sellers: whether a rail's settings say so, and its opener.
EscrowOpener = Callable[[RailSettings, Clock, httpx.AsyncBaseTransport | None], Escrow]
HOLDERS: dict[str, tuple[Callable[[RailSettings], bool], EscrowOpener]] = {
    "alipay": (lambda rail: bool(rail.get("zft")), alipay_escrow.open_escrow),
    "wechat_pay": (lambda rail: bool(rail.get("ecommerce")), wechat_pay_escrow.open_escrow),
}
# Institutions that pay sellers by themselves: what was released is the seller's own account there.
PAY_SELLERS = frozenset(
    each.name
    for each in (alipay_escrow.AlipayEscrow, wechat_pay_escrow.WechatPayEscrow)
    if each.pays_out
)
OFF_UNLESS_ENABLED = {"baidu_wallet"}  # nobody could verify that it still takes merchants


def open(
    rails: Mapping[str, RailSettings],
    clock: Clock,
    transport: httpx.AsyncBaseTransport | None = None,
) -> dict[str, Gateway]:
    """Open every gateway that has settings and is not `enabled: false` in them; Baidu Wallet is
    off unless they say `enabled: true`.

    Raises GatewayError(retryable=False) when settings are unusable. `transport` replaces the
    network in tests.
    """
    return {
        name: opener(rails[name], clock, transport)
        for name, opener in OPENERS.items()
        if rails.get(name) and rails[name].get("enabled", name not in OFF_UNLESS_ENABLED)
    }


def escrows(
    rails: Mapping[str, RailSettings],
    clock: Clock,
    transport: httpx.AsyncBaseTransport | None = None,
) -> dict[str, Escrow]:
    """Open the holding side of every rail whose settings make us a platform there, by name.

    Raises GatewayError(retryable=False) or Misconfigured when settings are unusable.
    """
    return {
        name: opener(rails[name], clock, transport)
        for name, (holds, opener) in HOLDERS.items()
        if rails.get(name) and rails[name].get("enabled", True) and holds(rails[name])
    }
