"""Reading pain.001.001.09: credit transfers to cards, checked as the bank checks them."""

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.etree import _Element

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
AMOUNT = re.compile(r"\d{1,13}(\.\d{1,2})?", re.ASCII)
ID = re.compile(r"[0-9A-Za-z/\-?:().,'+ ]{1,35}", re.ASCII)


class Unfit(Exception):
    """A file the bank does not take, with the ISO reason code."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code


@dataclass(frozen=True)
class Transfer:
    """One credit transfer as the merchant asks for it; amount in fen."""

    payment_id: str
    instruction_id: str | None
    end_to_end_id: str
    execute_on: date
    amount_minor: int
    creditor_name: str
    creditor_account: str
    creditor_cnaps: str | None
    on_behalf_of: str | None = None


@dataclass(frozen=True)
class Message:
    """One pain.001."""

    message_id: str
    transfers: list[Transfer]

    @property
    def sum_minor(self) -> int:
        """Sum of all transfers, fen."""
        return sum(transfer.amount_minor for transfer in self.transfers)


def read(content: bytes, account: str) -> Message:
    """The message in these bytes, drawn on this account. Raises Unfit."""
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as broken:
        raise Unfit("FF01", "not XML") from broken
    if root.tag != f"{{{NAMESPACE}}}Document" or root.getroottree().docinfo.doctype:
        raise Unfit("FF01", "not a pain.001.001.09")
    body = _need(root, "CstmrCdtTrfInitn")
    group = _need(body, "GrpHdr")
    payments = body.findall(f"{{{NAMESPACE}}}PmtInf")
    transfers = [one for payment in payments for one in _payment(payment, account)]
    message = Message(_id(group, "MsgId"), transfers)
    _check_totals(group, transfers)
    if len({transfer.end_to_end_id for transfer in transfers}) != len(transfers):
        raise Unfit("DUPL", "an EndToEndId appears twice")
    return message


def _payment(payment: "_Element", account: str) -> list[Transfer]:
    if _need_text(payment, "PmtMtd") != "TRF":
        raise Unfit("FF05", "PmtMtd is not TRF")
    if _need_text(payment, "DbtrAcct/Id/Othr/Id") != account:
        raise Unfit("AC02", "the debtor account is not the one that signed")
    try:
        execute_on = date.fromisoformat(_need_text(payment, "ReqdExctnDt/Dt"))
    except ValueError as broken:
        raise Unfit("DT01", "ReqdExctnDt is no date") from broken
    payment_id = _id(payment, "PmtInfId")
    singles = payment.findall(f"{{{NAMESPACE}}}CdtTrfTxInf")
    transfers = [_transfer(single, payment_id, execute_on) for single in singles]
    _check_totals(payment, transfers)
    return transfers


def _transfer(single: "_Element", payment_id: str, execute_on: date) -> Transfer:
    amount = _need(single, "Amt/InstdAmt")
    if amount.get("Ccy") != "CNY":
        raise Unfit("AM03", "the currency is not CNY")
    return Transfer(
        payment_id=payment_id,
        instruction_id=_text(single, "PmtId/InstrId"),
        end_to_end_id=_id(single, "PmtId/EndToEndId"),
        execute_on=execute_on,
        amount_minor=minor(amount.text or ""),
        creditor_name=_need_text(single, "Cdtr/Nm"),
        creditor_account=_need_text(single, "CdtrAcct/Id/Othr/Id"),
        creditor_cnaps=_text(single, "CdtrAgt/FinInstnId/ClrSysMmbId/MmbId"),
        on_behalf_of=_text(single, "UltmtDbtr/Id/OrgId/Othr/Id"),
    )


def minor(text: str) -> int:
    """Yuan as fen, exactly; zero and nonsense are Unfit."""
    if not AMOUNT.fullmatch(text):
        raise Unfit("AM12", f"not an amount: {text}")
    yuan, _, cents = text.partition(".")
    value = int(yuan) * 100 + int(cents.ljust(2, "0") or 0)
    if value <= 0:
        raise Unfit("AM01", "an amount of zero")
    return value


def _check_totals(parent: "_Element", transfers: list[Transfer]) -> None:
    count, total = _text(parent, "NbOfTxs"), _text(parent, "CtrlSum")
    if not transfers or (count is not None and count != str(len(transfers))):
        raise Unfit("AM18", "NbOfTxs does not count the transfers")
    if total is not None and minor(total) != sum(one.amount_minor for one in transfers):
        raise Unfit("AM10", "CtrlSum is not the sum of the transfers")


def _find(parent: "_Element", path: str) -> "_Element | None":
    return parent.find("/".join(f"{{{NAMESPACE}}}{step}" for step in path.split("/")))


def _need(parent: "_Element", path: str) -> "_Element":
    found = _find(parent, path)
    if found is None:
        raise Unfit("FF01", f"{path} is missing")
    return found


def _text(parent: "_Element", path: str) -> str | None:
    found = _find(parent, path)
    return None if found is None else (found.text or "").strip() or None


def _need_text(parent: "_Element", path: str) -> str:
    text = _text(parent, path)
    if text is None:
        raise Unfit("FF01", f"{path} is empty or missing")
    return text


def _id(parent: "_Element", path: str) -> str:
    text = _need_text(parent, path)
    if not ID.fullmatch(text):
        raise Unfit("FF01", f"{path} is longer than 35 or holds strange characters")
    return text
