"""Writing camt.053.001.08: the booked statement of one account and one value date."""

from datetime import date, datetime
from typing import TYPE_CHECKING

from sandbox.bank import booking
from sandbox.bank.accounts import CNAPS
from sandbox.bank.reports import WORDS, add, document, local_time, write
from sandbox.clock import unstamp
from sandbox.store import Row
from sandbox.world import World, yuan

if TYPE_CHECKING:
    from lxml.etree import _Element

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
CODES = {
    "transfer": ("ICDT", "DMCT"),
    "return": ("ICDT", "RRTN"),
    "alipay": ("RCDT", "DMCT"),
    "wechat": ("RCDT", "DMCT"),
    "baidu": ("RCDT", "DMCT"),
}


def camt053(world: World, account: Row, day: date) -> bytes:
    """The statement: opening and closing balance, every entry with its references."""
    at = world.clock.now()
    root = document(NAMESPACE)
    message = add(root, "BkToCstmrStmt")
    name = f"{day:%Y%m%d}-{account['account'][-12:]}"
    add(message, "GrpHdr/MsgId", f"M{name}")
    add(message[0], "CreDtTm", local_time(at))
    statement = add(message, "Stmt")
    add(statement, "Id", name)
    add(statement, "CreDtTm", local_time(at))
    holder = add(statement, "Acct")
    add(holder, "Id/Othr/Id", account["account"])
    add(holder, "Ccy", "CNY")
    add(holder, "Nm", account["name"][:70])
    add(holder, "Svcr/FinInstnId/ClrSysMmbId/MmbId", CNAPS)
    entries = world.store.all(
        "select * from bank_entries where account = ? and value_on = ? order by id",
        account["account"],
        day.isoformat(),
    )
    opening = booking.balance(world, account["account"], before=day)
    _balance(statement, "OPBD", opening, day)
    _balance(statement, "CLBD", opening + sum(entry["amount_minor"] for entry in entries), day)
    for entry in entries:
        _entry(world, statement, entry)
    return write(root)


def _balance(statement: "_Element", code: str, minor: int, day: date) -> None:
    balance = add(statement, "Bal")
    add(balance, "Tp/CdOrPrtry/Cd", code)
    _amount(balance, minor)
    add(balance, "Dt/Dt", day.isoformat())


def _amount(parent: "_Element", minor: int) -> None:
    add(parent, "Amt", yuan(abs(minor))).set("Ccy", "CNY")
    add(parent, "CdtDbtInd", "CRDT" if minor >= 0 else "DBIT")


def _day(parent: "_Element", tag: str, at: datetime) -> None:
    add(parent, f"{tag}/Dt", local_time(at)[:10])


def _entry(world: World, statement: "_Element", booked: Row) -> None:
    entry = add(statement, "Ntry")
    reference = f"E{booked['id']:012d}"
    add(entry, "NtryRef", booked["reference"][:35])
    _amount(entry, booked["amount_minor"])
    add(entry, "Sts/Cd", "BOOK")
    _day(entry, "BookgDt", unstamp(booked["booked_at"]))
    add(entry, "ValDt/Dt", booked["value_on"])
    add(entry, "AcctSvcrRef", reference)
    _code(entry, booked["kind"])
    details = add(entry, "NtryDtls/TxDtls")
    transfer = world.store.one("select * from bank_transfers where id = ?", booked["transfer_id"])
    references = add(details, "Refs")
    if transfer is None:
        add(references, "AcctSvcrRef", reference)
        add(references, "EndToEndId", "NOTPROVIDED")
    else:
        _references(references, transfer, reference)
    add(details, "Amt", yuan(abs(booked["amount_minor"]))).set("Ccy", "CNY")
    add(details, "CdtDbtInd", "CRDT" if booked["amount_minor"] >= 0 else "DBIT")
    if transfer is None:
        add(details, "RltdPties/Dbtr/Pty/Nm", booked["reference"].partition(" ")[0])
        add(details, "RmtInf/Ustrd", booked["reference"])
        add(entry, "AddtlNtryInf", booked["reference"])
        return
    add(details, "RltdPties/Cdtr/Pty/Nm", transfer["creditor_name"][:140])
    if booked["kind"] == "return":
        back = add(details, "RtrInf")
        add(back, "Rsn/Cd", transfer["return_reason"])
        add(back, "AddtlInf", WORDS.get(transfer["return_reason"], "returned"))


def _references(references: "_Element", transfer: Row, own: str) -> None:
    add(references, "MsgId", transfer["message_id"])
    add(references, "AcctSvcrRef", own)
    add(references, "PmtInfId", transfer["payment_id"])
    if transfer["instruction_id"]:
        add(references, "InstrId", transfer["instruction_id"])
    add(references, "EndToEndId", transfer["end_to_end_id"])


def _code(entry: "_Element", kind: str) -> None:
    family, sub = CODES[kind]
    domain = add(entry, "BkTxCd/Domn")
    add(domain, "Cd", "PMNT")
    add(domain, "Fmly/Cd", family)
    add(domain[1], "SubFmlyCd", sub)
