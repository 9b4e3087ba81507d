"""What Alipay tells of a held payment: what is not settled yet, under which number it was settled,
and what was shared of it.

Source: TradeSettleInfo and TradeSettleDetail of Alipay's Java SDK (trade.query with the option
trade_settle_info).
"""

import json
from collections.abc import Mapping

import msgspec

from littleshop.errors import GatewayError
from littleshop.money import Money
from littleshop.pay.gateways import alipay_answers as answers
from littleshop.pay.gateways.alipay_calls import AlipayCalls
from littleshop.pay.gateways.contract import Reason

NOTHING = Money(0, "CNY")
OPTION = "trade_settle_info"


class Detail(msgspec.Struct, frozen=True):
    """One act: settle, transfer (a share), transfer_refund (its return), under whose number."""

    kind: str
    number: str
    amount: Money


class Settled(msgspec.Struct, frozen=True):
    """`unsettled` is what of the payment is frozen still."""

    unsettled: Money
    details: tuple[Detail, ...]

    @property
    def confirm_no(self) -> str | None:
        """The number under which it was settled, None while it is not."""
        return next((one.number for one in self.details if one.kind == "settle"), None)

    @property
    def amount(self) -> Money:
        """What of the settled money is the seller's: without our shares, with their returns."""
        signs = {"settle": 1, "transfer": -1, "transfer_refund": 1}
        parts = (signs.get(one.kind, 0) * one.amount.minor for one in self.details)
        return Money(sum(parts), "CNY")

    def has(self, kind: str, number: str) -> bool:
        """Whether that act bears that number."""
        return any((one.kind, one.number) == (kind, number) for one in self.details)


async def ask(calls: AlipayCalls, name: Mapping[str, str]) -> Settled | None:
    """How a payment (trade_no or out_trade_no) stands; None when it is not a held one, or not
    paid, or unknown."""
    content = {**name, "query_options": [OPTION]}
    found = await calls.ask("alipay.trade.query", content)
    if found.reason is Reason.NOT_CREATED:
        return None
    calls.accept(found)
    told = found.fields.get(OPTION)
    try:
        info = json.loads(told) if isinstance(told, str) else told
        return None if not info else _read(info)
    except (KeyError, TypeError, ValueError):
        raise GatewayError("alipay's answer cannot be read", retryable=True) from None


def _read(info: object) -> Settled | None:
    if not isinstance(info, dict) or "trade_unsettled_amount" not in info:
        return None
    details = tuple(
        Detail(
            kind=str(one["operation_type"]),
            number=str(one.get("operation_serial_no") or ""),
            amount=answers.money(str(one["amount"])),
        )
        for one in info.get("trade_settle_detail_list") or ()
    )
    return Settled(answers.money(str(info["trade_unsettled_amount"])), details)
