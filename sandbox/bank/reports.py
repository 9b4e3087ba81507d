"""Writing pain.002.001.12: how each transfer of a message stands."""

from datetime import datetime
from typing import TYPE_CHECKING

from sandbox.bank.instructions import NAMESPACE as PAIN_001
from sandbox.clock import BEIJING
from sandbox.store import Row

if TYPE_CHECKING:
    from lxml.etree import _Element

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.002.001.12"
WORDS = {
    "AC01": "wrong account number",
    "AC04": "account closed",
    "AC06": "account blocked",
    "AM04": "insufficient funds",
    "BE01": "name does not belong to the account",
    "DT01": "date too far away",
    "DUPL": "transfer was sent before",
}


def local_time(at: datetime) -> str:
    """ISODateTime with Beijing's zone."""
    return at.astimezone(BEIJING).isoformat(timespec="seconds")


def add(parent: "_Element", path: str, text: str | None = None) -> "_Element":
    """Add nested elements in the parent's namespace; returns the innermost."""
    from lxml import etree

    for step in path.split("/"):
        parent = etree.SubElement(parent, etree.QName(etree.QName(parent).namespace, step))
    if text is not None:
        parent.text = text
    return parent


def document(namespace: str) -> "_Element":
    """An empty Document of one ISO 20022 message."""
    from lxml import etree

    return etree.Element(f"{{{namespace}}}Document", nsmap={None: namespace})


def write(root: "_Element") -> bytes:
    """The document as UTF-8 XML."""
    from lxml import etree

    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def pain002(message: Row, transfers: list[Row], at: datetime) -> bytes:
    """The status report on one pain.001, one TxInfAndSts per transfer."""
    root = document(NAMESPACE)
    report = add(root, "CstmrPmtStsRpt")
    header = add(report, "GrpHdr")
    add(header, "MsgId", f"S{at.strftime('%Y%m%d%H%M%S%f')}")
    add(header, "CreDtTm", local_time(at))
    original = add(report, "OrgnlGrpInfAndSts")
    add(original, "OrgnlMsgId", message["message_id"])
    add(original, "OrgnlMsgNmId", PAIN_001.rpartition(":")[2])
    add(original, "OrgnlNbOfTxs", str(message["items"]))
    states = {transfer["status"] for transfer in transfers}
    add(original, "GrpSts", states.pop() if len(states) == 1 else "PART")
    for payment_id in dict.fromkeys(transfer["payment_id"] for transfer in transfers):
        payment = add(report, "OrgnlPmtInfAndSts")
        add(payment, "OrgnlPmtInfId", payment_id)
        for transfer in transfers:
            if transfer["payment_id"] == payment_id:
                _transfer(payment, transfer)
    return write(root)


def _transfer(payment: "_Element", transfer: Row) -> None:
    single = add(payment, "TxInfAndSts")
    if transfer["instruction_id"]:
        add(single, "OrgnlInstrId", transfer["instruction_id"])
    add(single, "OrgnlEndToEndId", transfer["end_to_end_id"])
    add(single, "TxSts", transfer["status"])
    if transfer["reason"]:
        reason = add(single, "StsRsnInf")
        add(reason, "Rsn/Cd", transfer["reason"])
        add(reason, "AddtlInf", WORDS.get(transfer["reason"], transfer["reason"]))
    add(single, "AcctSvcrRef", f"T{transfer['id']:012d}")
