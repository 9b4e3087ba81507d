"""The bank: files taken once, transfers run by the clock, statements that add up."""

import hashlib
import hmac
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from lxml import etree

from tests.sandbox.conftest import ROOT, Program
from tests.sandbox.merchant import BEIJING, Merchant

SCHEMAS = ROOT.parent / "shared" / "vectors" / "iso20022"
PAIN = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
GOOD = "6222021234567890123"


def today() -> date:
    """The bank's day."""
    return datetime.now(BEIJING).date()


def pain001(
    account: str, name: str, items: list[tuple[str, str, str, str]], on: date, total: str
) -> bytes:
    """A pain.001; items are (EndToEndId, amount, name, card)."""
    transfers = "".join(
        f"<CdtTrfTxInf><PmtId><EndToEndId>{ref}</EndToEndId></PmtId>"
        f'<Amt><InstdAmt Ccy="CNY">{amount}</InstdAmt></Amt><Cdtr><Nm>{who}</Nm></Cdtr>'
        f"<CdtrAcct><Id><Othr><Id>{card}</Id></Othr></Id></CdtrAcct></CdtTrfTxInf>"
        for ref, amount, who, card in items
    )
    count = f"<NbOfTxs>{len(items)}</NbOfTxs><CtrlSum>{total}</CtrlSum>"
    agent = "<FinInstnId><ClrSysMmbId><MmbId>313290099992</MmbId></ClrSysMmbId></FinInstnId>"
    return (
        f'<Document xmlns="{PAIN}"><CstmrCdtTrfInitn><GrpHdr><MsgId>{name}</MsgId>'
        f"<CreDtTm>2026-11-23T08:00:00</CreDtTm>{count}<InitgPty><Nm>shop</Nm></InitgPty>"
        f"</GrpHdr><PmtInf><PmtInfId>P{name}</PmtInfId><PmtMtd>TRF</PmtMtd>{count}"
        f"<ReqdExctnDt><Dt>{on}</Dt></ReqdExctnDt><Dbtr><Nm>shop</Nm></Dbtr>"
        f"<DbtrAcct><Id><Othr><Id>{account}</Id></Othr></Id></DbtrAcct>"
        f"<DbtrAgt>{agent}</DbtrAgt>{transfers}</PmtInf></CstmrCdtTrfInitn></Document>"
    ).encode()


class Customer:
    """An account holder signing files and questions."""

    def __init__(self, sandbox: Program, account: dict[str, str]) -> None:
        self.sandbox, self.account = sandbox, account

    def headers(self, content: bytes) -> dict[str, str]:
        """Proof of the account."""
        signature = hmac.new(self.account["key"].encode(), content, hashlib.sha256)
        return {
            "X-Bank-Account": self.account["account"],
            "X-Bank-Signature": signature.hexdigest(),
        }

    def send(self, content: bytes) -> httpx.Response:
        """Post a pain.001."""
        return self.sandbox.client.post(
            "/bank/pain.001", content=content, headers=self.headers(content)
        )

    def order(self, name: str, total: str, *items: tuple[str, str, str, str]) -> bytes:
        """A pain.001 for today."""
        return pain001(self.account["account"], name, list(items), today(), total)

    def ask(self, path: str, **query: str) -> httpx.Response:
        """A signed question."""
        text = urlencode(query)
        return self.sandbox.client.get(f"/bank/{path}?{text}", headers=self.headers(text.encode()))

    def states(self, name: str) -> dict[str, tuple[str, str | None]]:
        """(TxSts, reason) by EndToEndId out of the pain.002."""
        root = valid(self.ask("pain.002", message_id=name).content, "pain.002.001.12")
        return {
            str(one.findtext("{*}OrgnlEndToEndId")): (
                str(one.findtext("{*}TxSts")),
                one.findtext("{*}StsRsnInf/{*}Rsn/{*}Cd"),
            )
            for one in root.iter("{*}TxInfAndSts")
        }

    def statement(self, day: date) -> Any:
        """The camt.053 of a day."""
        answer = self.ask("camt.053", date=day.isoformat())
        assert answer.status_code == 200, answer.text
        return valid(answer.content, "camt.053.001.08")


def valid(content: bytes, schema: str) -> Any:
    """The parsed message, held against its schema where that is at hand."""
    root = etree.fromstring(content)
    path: Path = SCHEMAS / f"{schema}.xsd"
    if path.exists():
        etree.XMLSchema(etree.parse(str(path))).assertValid(root)
    return root


@pytest.mark.skipif(not SCHEMAS.exists(), reason="no ISO 20022 schemas beside the project")
def test_the_files_of_this_test_are_themselves_valid() -> None:
    content = pain001("1", "M", [("E", "1.00", "Ada", GOOD)], today(), "1.00")
    valid(content, "pain.001.001.09")


@pytest.fixture
def customer(sandbox: Program) -> Customer:
    """A fresh account."""
    told = {"name": f"only a bank customer {sandbox.get('/control/clock')['now']}"}
    return Customer(sandbox, sandbox.post("/control/bank/accounts", told))


def test_a_file_is_taken_once_and_its_name_never_reused(customer: Customer) -> None:
    content = customer.order("M1", "1.50", ("E1", "1.50", "Ada", GOOD))
    first, again = customer.send(content), customer.send(content)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    other = customer.order("M1", "1.60", ("E1", "1.60", "Ada", GOOD))
    refused = customer.send(other)
    assert (refused.status_code, refused.json()["code"]) == (409, "DUPL")


def test_only_the_key_of_the_account_opens_it(customer: Customer) -> None:
    content = customer.order("M1", "1.50", ("E1", "1.50", "Ada", GOOD))
    customer.account = {**customer.account, "key": "another"}
    assert customer.send(content).status_code == 401
    assert customer.ask("pain.002", message_id="M1").status_code == 401


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ("<CtrlSum>1.50", "<CtrlSum>1.51", "AM10"),
        ("<NbOfTxs>1<", "<NbOfTxs>2<", "AM18"),
        ('Ccy="CNY"', 'Ccy="EUR"', "AM03"),
        (">TRF<", ">CHK<", "FF05"),
        ("<Document", "<Documents", "FF01"),
    ],
)
def test_a_file_that_does_not_add_up_is_refused(
    customer: Customer, before: str, after: str, code: str
) -> None:
    content = customer.order("M1", "1.50", ("E1", "1.50", "Ada", GOOD)).decode()
    answer = customer.send(content.replace(before, after).encode())
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_each_transfer_ends_as_its_card_says(sandbox: Program, customer: Customer) -> None:
    content = customer.order(
        "M1",
        "15.00",
        ("GOOD", "1.00", "Ada", GOOD),
        ("CLOSED", "2.00", "Bei", "6222021234560002"),
        ("STRANGER", "4.00", "名字不符", GOOD),
        ("BACK", "8.00", "Cai", "6222021234560010"),
    )
    assert customer.send(content).status_code == 202
    before = customer.states("M1")
    assert before["CLOSED"] == ("RJCT", "AC04") and before["STRANGER"] == ("RJCT", "BE01")
    assert before["GOOD"][0] in {"ACTC", "ACSP"}
    sandbox.jump(days=1)
    assert customer.states("M1")["GOOD"] == ("ACSC", None)
    entries = entries_of(customer.statement(today()))
    assert entries == [("DBIT", "1.00", "GOOD", None), ("DBIT", "8.00", "BACK", None)]
    sandbox.jump(days=1)
    assert entries_of(customer.statement(today() + timedelta(days=1))) == [
        ("CRDT", "8.00", "BACK", "AC01")
    ]


def entries_of(root: Any) -> list[tuple[str | None, ...]]:
    """(direction, amount, EndToEndId, return reason); the balances must agree with them."""
    balances = {one.findtext("{*}Tp/{*}CdOrPrtry/{*}Cd"): fen(one) for one in root.iter("{*}Bal")}
    found = list(root.iter("{*}Ntry"))
    assert balances["OPBD"] + sum(fen(one) for one in found) == balances["CLBD"]
    return [
        (
            one.findtext("{*}CdtDbtInd"),
            one.findtext("{*}Amt"),
            one.findtext("{*}NtryDtls/{*}TxDtls/{*}Refs/{*}EndToEndId"),
            one.findtext("{*}NtryDtls/{*}TxDtls/{*}RtrInf/{*}Rsn/{*}Cd"),
        )
        for one in found
    ]


def fen(one: Any) -> int:
    """A signed amount."""
    minor = round(float(one.findtext("{*}Amt")) * 100)
    return minor if one.findtext("{*}CdtDbtInd") == "CRDT" else -minor


def test_the_days_takings_arrive_from_alipay_the_next_morning(sandbox: Program) -> None:
    merchant = Merchant(sandbox, "Cleo's stall", "key")  # whose only trade of any day this is
    customer = Customer(sandbox, merchant.account)
    number = merchant.paid("30.00")
    merchant.refund(number, "10.00", "LUMP")
    assert customer.ask("camt.053", date=today().isoformat()).status_code == 404
    books = sandbox.get("/books.json")["alipay"]
    mine = [t for t in books["trades"] if t["app_id"] == merchant.app["app_id"]]
    net = sum(t["total_minor"] - t["refunded_minor"] for t in mine if t["paid_at"])
    sandbox.jump(days=2)
    [entry] = customer.statement(today() + timedelta(days=1)).iter("{*}Ntry")
    assert fen(entry) == net
    assert entry.findtext("{*}NtryRef") == f"ALIPAY {today()}"


def test_an_account_cannot_pay_more_than_it_holds(sandbox: Program) -> None:
    told = {"name": "a poor customer", "opening_minor": 100}
    customer = Customer(sandbox, sandbox.post("/control/bank/accounts", told))
    customer.send(customer.order("M1", "1.50", ("E1", "1.50", "Ada", GOOD)))
    sandbox.jump(days=1)
    assert customer.states("M1") == {"E1": ("RJCT", "AM04")}


def test_a_file_is_kept_though_its_receipt_is_lost(sandbox: Program, customer: Customer) -> None:
    sandbox.faults(bank={"timeout": 1, "timeout_seconds": 0, "reject": 1})
    content = customer.order("M1", "1.50", ("E1", "1.50", "Ada", GOOD))
    with pytest.raises(httpx.RemoteProtocolError):
        customer.send(content)
    assert customer.send(content).status_code == 202
    assert customer.states("M1") == {"E1": ("RJCT", "AC04")}
