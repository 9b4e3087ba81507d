"""How WeChat describes a trade: in the answer to a query, and in a notice."""

from sandbox.clock import unstamp
from sandbox.store import Row
from sandbox.wechat_pay.keys import rfc3339

WORDS = {
    "NOTPAY": "订单未支付",
    "SUCCESS": "支付成功",
    "REFUND": "订单发生过退款，退款详情请查询退款单",
    "CLOSED": "订单已关闭",
}


def direct(merchant: Row, trade: Row) -> dict[str, object]:
    """A direct merchant's trade."""
    fields: dict[str, object] = {
        "appid": merchant["appid"],
        "mchid": merchant["mchid"],
        "out_trade_no": trade["out_trade_no"],
        "trade_type": trade["trade_type"],
        "trade_state": trade["status"],
        "trade_state_desc": WORDS[trade["status"]],
        "attach": trade["attach"] or "",
        "amount": {"total": trade["total_minor"], "currency": "CNY"},
    }
    if trade["paid_at"]:
        fields |= {
            "transaction_id": trade["transaction_id"],
            "bank_type": "OTHERS",
            "success_time": rfc3339(unstamp(trade["paid_at"])),
            "payer": {"openid": trade["openid"]},
            "amount": {
                "total": trade["total_minor"],
                "payer_total": trade["total_minor"],
                "currency": "CNY",
                "payer_currency": "CNY",
            },
        }
    return fields


def combined(merchant: Row, trade: Row) -> dict[str, object]:
    """A combined order around the one payment that is held for a sub-merchant."""
    order: dict[str, object] = {
        "mchid": merchant["mchid"],
        "sub_mchid": trade["sub_mchid"],
        "out_trade_no": trade["out_trade_no"],
        "trade_type": trade["trade_type"],
        "trade_state": trade["status"],
        "attach": trade["attach"] or "",
        "amount": {"total_amount": trade["total_minor"], "currency": "CNY"},
    }
    fields: dict[str, object] = {
        "combine_appid": merchant["appid"],
        "combine_mchid": merchant["mchid"],
        "combine_out_trade_no": trade["combine_no"],
        "sub_orders": [order],
    }
    if trade["paid_at"]:
        order |= {
            "transaction_id": trade["transaction_id"],
            "bank_type": "OTHERS",
            "success_time": rfc3339(unstamp(trade["paid_at"])),
            "amount": {
                "total_amount": trade["total_minor"],
                "payer_amount": trade["total_minor"],
                "currency": "CNY",
                "payer_currency": "CNY",
            },
        }
        fields["combine_payer_info"] = {"openid": trade["openid"]}
    return fields


def refunded(merchant: Row, trade: Row, refund: Row) -> dict[str, object]:
    """A refund, as its notice tells it."""
    held = trade["sub_mchid"] is not None
    fields: dict[str, object] = {
        "sp_mchid" if held else "mchid": merchant["mchid"],
        "transaction_id": trade["transaction_id"],
        "out_trade_no": trade["out_trade_no"],
        "refund_id": refund["refund_id"],
        "out_refund_no": refund["out_refund_no"],
        "refund_status": refund["status"],
        "user_received_account": "支付用户零钱",
        "amount": {
            "total": trade["total_minor"],
            "refund": refund["amount_minor"],
            "payer_total": trade["total_minor"],
            "payer_refund": refund["amount_minor"],
        },
    }
    if held:
        fields["sub_mchid"] = trade["sub_mchid"]
    if refund["status"] == "SUCCESS":
        fields["success_time"] = rfc3339(unstamp(refund["done_at"]))
    return fields
