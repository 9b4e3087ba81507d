"""Abnormal refunds at WeChat (ABNORMAL: the payer's card is gone): sent to another card, or to us.

Sources: PROTOCOLS 1.2 (apply-abnormal-refund). The money has left what may be refunded already;
the same refund goes on under its own number. WeChat sends it to debit cards of these banks only.
"""

from littleshop.pay.gateways import wechat_pay_answers as answers
from littleshop.pay.gateways.contract import (
    BuyerCard,
    Declined,
    Reason,
    RefundAnswer,
    RefundRequest,
)
from littleshop.pay.gateways.wechat_pay_calls import Outcome, WechatPayCalls

TO_BUYER, TO_US = "USER_BANK_CARD", "MERCHANT_BANK_CARD"
BANK_TYPES = {
    "ABC": "ABC_DEBIT",
    "BOC": "BOC_DEBIT",
    "CCB": "CCB_DEBIT",
    "CEB": "CEB_DEBIT",
    "CIB": "CIB_DEBIT",
    "CITIC": "CITIC_DEBIT",
    "CMB": "CMB_DEBIT",
    "CMBC": "CMBC_DEBIT",
    "COMM": "COMM_DEBIT",
    "GDB": "GDB_DEBIT",
    "ICBC": "ICBC_DEBIT",
    "NBBANK": "NBCB_DEBIT",
    "PSBC": "PSBC_DEBIT",
    "SPABANK": "PAB_DEBIT",
    "SPDB": "SPDB_DEBIT",
}


async def redirect(
    calls: WechatPayCalls,
    known: Outcome,
    request: RefundRequest,
    card: BuyerCard | None,
    holder: str | None,
) -> RefundAnswer | None:
    """Send an abnormal refund on, as WeChat told of it (`known`); None when its answer does not
    say whether it was taken: ask for the refund. Raises Declined."""
    content: dict[str, object] = {"out_refund_no": request.refund_reference, "type": TO_US}
    sealed_by = None
    if card is not None:
        if card.bank not in BANK_TYPES:
            raise Declined("wechat_pay sends refunds to no card of this bank", Reason.BAD_REQUEST)
        sealed_by, sealed = await calls.seal({"number": card.number, "name": card.name})
        content |= {
            "type": TO_BUYER,
            "bank_type": BANK_TYPES[card.bank],
            "bank_account": sealed["number"],
            "real_name": sealed["name"],
        }
    kind = "refund/domestic" if holder is None else "ecommerce"
    if holder is not None:
        content["sub_mchid"] = holder
    path = f"/v3/{kind}/refunds/{known.text('refund_id')}/apply-abnormal-refund"
    found = await calls.ask("POST", path, content, sealed_by=sealed_by)
    if found.ok:
        return answers.refund(found, request)
    if found.reason in (Reason.UNKNOWN, Reason.BAD_REQUEST, Reason.CONFLICT):
        return None
    calls.accept(found)
    raise AssertionError("a refusal that was accepted")
