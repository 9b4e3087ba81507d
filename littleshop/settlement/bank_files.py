"""The file that asks a bank to pay: pain.001.001.09 (ISO 20022).

The profile is that of PROTOCOLS 5: CNY, accounts as plain numbers, banks by CNAPS number,
one PmtInf per file, EndToEndId = our payout reference. What the bank answers is read by
`bank_answers`. Nothing here calls anybody.
"""

import re
from datetime import date, datetime

import msgspec
from lxml import etree

from littleshop.clock import SHANGHAI
from littleshop.money import Money, digits

PAIN_001 = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
IDENTIFIER = re.compile(r"[0-9A-Za-z-]{1,35}", re.ASCII)
ACCOUNT = re.compile(r"[0-9A-Za-z]{1,34}", re.ASCII)
NOT_XML = re.compile("[^\\t\\n\\r\\u0020-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")


class Debtor(msgspec.Struct, frozen=True, kw_only=True):
    """The account that pays, and the CNAPS number of its bank."""

    name: str
    account: str
    cnaps: str


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """Whose money on a custody account a payment takes: the owner's name in the sub-ledger."""

    reference: str
    name: str


class PayoutInstruction(msgspec.Struct, frozen=True, kw_only=True):
    """One payment to a card or account; `cnaps` is the head office of its bank, if known."""

    reference: str
    amount: Money
    name: str
    account: str
    cnaps: str | None = None
    remark: str = ""
    owner: Owner | None = None

    def __repr__(self) -> str:
        return f"PayoutInstruction({self.reference!r}, {self.amount!r}, …{self.account[-4:]})"


class PayoutBatch(msgspec.Struct, frozen=True, kw_only=True):
    """One file: written twice from the same batch it is the same bytes."""

    message_id: str
    created_at: datetime
    execute_on: date
    debtor: Debtor
    instructions: tuple[PayoutInstruction, ...]


def write_pain001(batch: PayoutBatch) -> bytes:
    """The batch as pain.001.001.09, UTF-8.

    Raises ValueError when it is empty, a reference repeats, an amount is not positive, or an
    id, account or name does not fit the format.
    """
    _check(batch)
    root = etree.Element(_q("Document"), nsmap={None: PAIN_001})
    message = _add(root, "CstmrCdtTrfInitn")
    header = _add(message, "GrpHdr")
    _add(header, "MsgId", batch.message_id)
    created = batch.created_at.astimezone(SHANGHAI)
    _add(header, "CreDtTm", created.isoformat(timespec="seconds"))
    _totals(header, batch)
    _add(_add(header, "InitgPty"), "Nm", _name(batch.debtor.name))
    payment = _add(message, "PmtInf")
    _add(payment, "PmtInfId", batch.message_id)
    _add(payment, "PmtMtd", "TRF")
    _totals(payment, batch)
    _add(_add(payment, "ReqdExctnDt"), "Dt", batch.execute_on.isoformat())
    _add(_add(payment, "Dbtr"), "Nm", _name(batch.debtor.name))
    _account(payment, "DbtrAcct", batch.debtor.account)
    _agent(payment, "DbtrAgt", batch.debtor.cnaps)
    for instruction in batch.instructions:
        _transfer(payment, instruction)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def check(instruction: PayoutInstruction) -> None:
    """Raises ValueError when this payment would spoil the file it stands in."""
    if not IDENTIFIER.fullmatch(instruction.reference):
        raise ValueError("an id has up to 35 letters, digits and dashes")
    if instruction.amount.minor <= 0:
        raise ValueError("an amount is positive")
    if not ACCOUNT.fullmatch(instruction.account):
        raise ValueError("an account has up to 34 letters and digits")
    _name(instruction.name)


def _check(batch: PayoutBatch) -> None:
    references = [one.reference for one in batch.instructions]
    if not references or len(set(references)) != len(references):
        raise ValueError("a batch needs payments, each with a reference of its own")
    if not IDENTIFIER.fullmatch(batch.message_id):
        raise ValueError("an id has up to 35 letters, digits and dashes")
    if len({one.amount.currency for one in batch.instructions}) != 1:
        raise ValueError("one file, one currency")
    if not ACCOUNT.fullmatch(batch.debtor.account):
        raise ValueError("an account has up to 34 letters and digits")
    for one in batch.instructions:
        check(one)


def _transfer(payment: etree._Element, instruction: PayoutInstruction) -> None:
    transfer = _add(payment, "CdtTrfTxInf")
    _add(_add(transfer, "PmtId"), "EndToEndId", instruction.reference)
    amount = instruction.amount
    _add(_add(transfer, "Amt"), "InstdAmt", _decimal(amount)).set("Ccy", amount.currency)
    if instruction.owner is not None:
        debtor = _add(transfer, "UltmtDbtr")
        _add(debtor, "Nm", _name(instruction.owner.name))
        _add(_add(_add(_add(debtor, "Id"), "OrgId"), "Othr"), "Id", instruction.owner.reference)
    if instruction.cnaps:
        _agent(transfer, "CdtrAgt", instruction.cnaps)
    _add(_add(transfer, "Cdtr"), "Nm", _name(instruction.name))
    _account(transfer, "CdtrAcct", instruction.account)
    remark = NOT_XML.sub("", instruction.remark).strip()[:140]
    if remark:
        _add(_add(transfer, "RmtInf"), "Ustrd", remark)


def _totals(parent: etree._Element, batch: PayoutBatch) -> None:
    total = sum((one.amount.minor for one in batch.instructions), 0)
    _add(parent, "NbOfTxs", str(len(batch.instructions)))
    _add(parent, "CtrlSum", _decimal(Money(total, batch.instructions[0].amount.currency)))


def _account(parent: etree._Element, tag: str, number: str) -> None:
    _add(_add(_add(_add(parent, tag), "Id"), "Othr"), "Id", number)


def _agent(parent: etree._Element, tag: str, cnaps: str) -> None:
    member = _add(_add(_add(parent, tag), "FinInstnId"), "ClrSysMmbId")
    _add(_add(member, "ClrSysId"), "Cd", "CNAPS")
    _add(member, "MmbId", cnaps)


def _add(parent: etree._Element, tag: str, text: str | None = None) -> etree._Element:
    child = etree.SubElement(parent, _q(tag))
    child.text = text
    return child


def _q(tag: str) -> str:
    return f"{{{PAIN_001}}}{tag}"


def _name(name: str) -> str:
    """A cut name would not match the account's: better no file than a returned payment."""
    clean = NOT_XML.sub("", name).strip()
    if not 1 <= len(clean) <= 140:
        raise ValueError("a name has 1 to 140 characters")
    return clean


def _decimal(amount: Money) -> str:
    places = digits(amount.currency)
    whole, part = divmod(amount.minor, 10**places)
    return f"{whole}.{part:0{places}d}" if places else str(whole)
