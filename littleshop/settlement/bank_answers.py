"""What a bank answers: pain.002 (states of payments) and camt.053 (the booked statement).

Read with lxml as any version of the two messages (ISO 20022, profile of PROTOCOLS 5).
A pain.002 is news; the truth is next morning's camt.053. Nothing here calls anybody.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime
from enum import StrEnum
from itertools import chain
from typing import Literal

import msgspec
from lxml import etree

from littleshop.clock import SHANGHAI
from littleshop.errors import GatewayError
from littleshop.money import Money, digits

FAMILY = "urn:iso:std:iso:20022:tech:xsd:"
FILE_LIMIT_BYTES = 16 * 1024 * 1024
AMOUNT = re.compile(r"(\d{1,13})(?:\.(\d{1,5}))?", re.ASCII)


class BankReason(StrEnum):
    """Why a bank or a rail refused or returned a payment: the fixed list for foreign codes."""

    WRONG_ACCOUNT = "wrong_account"
    ACCOUNT_CLOSED = "account_closed"
    ACCOUNT_BLOCKED = "account_blocked"
    NAME_MISMATCH = "name_mismatch"
    FUNDS = "funds"
    LIMIT = "limit"
    DATE = "date"
    DUPLICATE = "duplicate"
    CARD_REFUSED = "card_refused"  # a rail does not tell more of a card
    PAYEE_REFUSED = "payee_refused"  # the account at a rail
    NOT_AGREED = "not_agreed"  # the payee did not take it in time
    OTHER = "other"


REASONS = {
    "AC01": BankReason.WRONG_ACCOUNT,
    "AC03": BankReason.WRONG_ACCOUNT,
    "AC04": BankReason.ACCOUNT_CLOSED,
    "AC07": BankReason.ACCOUNT_CLOSED,
    "AC06": BankReason.ACCOUNT_BLOCKED,
    "AM02": BankReason.LIMIT,
    "AM04": BankReason.FUNDS,
    "AM05": BankReason.DUPLICATE,
    "DUPL": BankReason.DUPLICATE,
    "BE01": BankReason.NAME_MISMATCH,
    "DT01": BankReason.DATE,
}
# ACSP (settlement in process) is not final, and ACSC may still be returned later by camt.053.
DONE = ("ACSC", "ACCC")
REJECTED = ("RJCT", "CANC")


class PaymentStatus(msgspec.Struct, frozen=True, kw_only=True):
    """State of one payment. `code` is the bank's (ACSP, RJCT, …)."""

    outcome: Literal["done", "pending", "rejected"]
    code: str
    reason: BankReason | None = None
    text: str = ""


class StatusReport(msgspec.Struct, frozen=True, kw_only=True):
    """A pain.002: states of single payments, and one for all that are not named."""

    message_id: str
    overall: PaymentStatus | None
    payments: dict[str, PaymentStatus]

    def of(self, reference: str) -> PaymentStatus | None:
        """State of the payment with this EndToEndId, or None when the bank says nothing."""
        return self.payments.get(reference, self.overall)


class StatementEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One booked movement. `key` names it uniquely within the account.

    `reference` is the EndToEndId; `returned` a payment of ours that came back, with `reason`.
    """

    key: str
    direction: Literal["debit", "credit"]
    amount: Money
    booked_on: date
    value_on: date
    reference: str | None = None
    returned: bool = False
    reason: BankReason | None = None
    counterparty: str = ""
    text: str = ""


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """One camt.053 statement of one account; balances where the bank gave them, signed."""

    statement_id: str
    account: str
    entries: tuple[StatementEntry, ...]
    opening: Money | None = None
    closing: Money | None = None


def read_pain002(content: bytes) -> StatusReport:
    """Read a pain.002 of any version; GatewayError when it cannot be read or is another file."""
    report = _root(content, "pain.002.", "CstmrPmtStsRpt")
    group = _need(report, "{*}OrgnlGrpInfAndSts")
    overall = _status(group, "GrpSts")
    payments: dict[str, PaymentStatus] = {}
    for payment in report.iterfind("{*}OrgnlPmtInfAndSts"):
        overall = _status(payment, "PmtInfSts") or overall
        for single in payment.iterfind("{*}TxInfAndSts"):
            reference = _need_text(single, "{*}OrgnlEndToEndId")
            status = _status(single, "TxSts")
            if status is None or reference in payments:
                raise _unreadable("a payment without a state, or with two")
            payments[reference] = status
    return StatusReport(
        message_id=_need_text(group, "{*}OrgnlMsgId"), overall=overall, payments=payments
    )


def read_camt053(content: bytes) -> list[Statement]:
    """Read the statements of a camt.053 of any version; only booked entries are returned.

    Raises GatewayError when it cannot be read, is another file, or does not add up.
    """
    message = _root(content, "camt.053.", "BkToCstmrStmt")
    return [_statement(found) for found in message.iterfind("{*}Stmt")]


def _root(content: bytes, family: str, tag: str) -> etree._Element:
    """Parse with nothing that reaches out or grows: no entities, no DTD, no network."""
    if len(content) > FILE_LIMIT_BYTES:
        raise _unreadable("it is too large")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False,
        huge_tree=False, remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise _unreadable("it is not XML") from None
    if root.getroottree().docinfo.doctype:
        raise _unreadable("it has a document type")
    name = etree.QName(root)
    if name.localname != "Document" or not (name.namespace or "").startswith(FAMILY + family):
        raise _unreadable(f"it is not a {family.rstrip('.')}")
    return _need(root, "{*}" + tag)


def _status(parent: etree._Element, tag: str) -> PaymentStatus | None:
    code = _text(parent, "{*}" + tag)
    if not code:
        return None
    rejected = code in REJECTED
    reason = _text(parent, "{*}StsRsnInf/{*}Rsn/{*}Cd")
    return PaymentStatus(
        outcome="done" if code in DONE else "rejected" if rejected else "pending",
        code=code,
        reason=REASONS.get(reason, BankReason.OTHER) if rejected else None,
        text=_text(parent, "{*}StsRsnInf/{*}AddtlInf"),
    )


def _statement(found: etree._Element) -> Statement:
    statement_id = _need_text(found, "{*}Id")
    entries = tuple(
        chain.from_iterable(
            _entries(entry, f"{statement_id}/{number}")
            for number, entry in enumerate(found.iterfind("{*}Ntry"), 1)
            if (_text(entry, "{*}Sts/{*}Cd") or _text(entry, "{*}Sts")) == "BOOK"
        )
    )
    account = _text(found, "{*}Acct/{*}Id/{*}Othr/{*}Id") or _text(found, "{*}Acct/{*}Id/{*}IBAN")
    statement = Statement(
        statement_id=statement_id,
        account=account,
        entries=entries,
        opening=_balance(found, "OPBD"),
        closing=_balance(found, "CLBD"),
    )
    _prove(statement)
    return statement


def _prove(statement: Statement) -> None:
    """Opening balance plus credits less debits is the closing balance, or we missed something."""
    if statement.opening is None or statement.closing is None:
        return
    running = statement.opening
    for entry in statement.entries:
        running += entry.amount if entry.direction == "credit" else -entry.amount
    if running != statement.closing:
        raise _unreadable(f"statement {statement.statement_id} does not add up")


def _entries(entry: etree._Element, fallback: str) -> Iterator[StatementEntry]:
    """One entry, or one per transaction when the bank booked a whole batch at once."""
    singles = entry.findall("{*}NtryDtls/{*}TxDtls")
    own = _text(entry, "{*}AcctSvcrRef") or _text(entry, "{*}NtryRef")
    if len(singles) <= 1:
        yield _entry(entry, singles[0] if singles else None, own or fallback)
        return
    if sum(_signed(single, entry) for single in singles) != _signed(entry, entry):
        raise _unreadable("the parts of an entry do not sum to it")
    for number, single in enumerate(singles, 1):
        single_own = _text(single, "{*}Refs/{*}AcctSvcrRef")
        yield _entry(entry, single, single_own or f"{own or fallback}/{number}", split=True)


def _entry(
    entry: etree._Element, single: etree._Element | None, key: str, *, split: bool = False
) -> StatementEntry:
    facts = entry if single is None else single
    bearer = facts if split else entry
    reason = _text(facts, "{*}RtrInf/{*}Rsn/{*}Cd")
    returned = facts.find("{*}RtrInf") is not None or _text(entry, "{*}RvslInd") in ("true", "1")
    direction = _direction(bearer, entry)
    reference = _text(facts, "{*}Refs/{*}EndToEndId")
    # A returned payment still names the one it was meant for.
    other = "Cdtr" if direction == "debit" or returned else "Dbtr"
    party = f"{{*}}RltdPties/{{*}}{other}"
    booked = _day(entry, "BookgDt")
    return StatementEntry(
        key=key,
        direction=direction,
        amount=_amount(bearer),
        booked_on=booked,
        value_on=_day(entry, "ValDt") if entry.find("{*}ValDt") is not None else booked,
        reference=reference if reference not in ("", "NOTPROVIDED") else None,
        returned=returned,
        reason=REASONS.get(reason, BankReason.OTHER) if returned else None,
        counterparty=_text(facts, f"{party}/{{*}}Pty/{{*}}Nm") or _text(facts, f"{party}/{{*}}Nm"),
        text=_text(facts, "{*}RmtInf/{*}Ustrd") or _text(entry, "{*}AddtlNtryInf"),
    )


def _signed(bearer: etree._Element, entry: etree._Element) -> int:
    minor = _amount(bearer).minor
    return minor if _direction(bearer, entry) == "credit" else -minor


def _direction(bearer: etree._Element, entry: etree._Element) -> Literal["debit", "credit"]:
    mark = _text(bearer, "{*}CdtDbtInd") or _text(entry, "{*}CdtDbtInd")
    if mark not in ("DBIT", "CRDT"):
        raise _unreadable("an entry that is neither debit nor credit")
    return "debit" if mark == "DBIT" else "credit"


def _balance(found: etree._Element, code: str) -> Money | None:
    for balance in found.iterfind("{*}Bal"):
        if _text(balance, "{*}Tp/{*}CdOrPrtry/{*}Cd") == code:
            amount = _amount(balance)
            return amount if _direction(balance, balance) == "credit" else -amount
    return None


def _amount(parent: etree._Element) -> Money:
    found = _need(parent, "{*}Amt")
    currency = found.get("Ccy", "")
    match = AMOUNT.fullmatch((found.text or "").strip())
    places = digits(currency)
    rest = (match[2] or "") if match else ""
    if match is None or len(currency) != 3 or rest[places:].strip("0"):
        raise _unreadable("an amount that is none")
    return Money(int(match[1] + rest[:places].ljust(places, "0")), currency)


def _day(parent: etree._Element, tag: str) -> date:
    found = _need(parent, "{*}" + tag)
    try:
        if day := _text(found, "{*}Dt"):
            return date.fromisoformat(day[:10])
        moment = datetime.fromisoformat(_need_text(found, "{*}DtTm"))
    except ValueError:
        raise _unreadable("a date that is none") from None
    return (moment.astimezone(SHANGHAI) if moment.tzinfo else moment).date()


def _need(parent: etree._Element, path: str) -> etree._Element:
    found = parent.find(path)
    if found is None:
        raise _unreadable(f"it lacks {path.replace('{*}', '')}")
    return found


def _need_text(parent: etree._Element, path: str) -> str:
    text = (_need(parent, path).text or "").strip()
    if not text:
        raise _unreadable(f"{path.replace('{*}', '')} is empty")
    return text


def _text(parent: etree._Element, path: str) -> str:
    return (parent.findtext(path) or "").strip()


def _unreadable(why: str) -> GatewayError:
    return GatewayError(f"the bank's file cannot be taken: {why}", retryable=False)
