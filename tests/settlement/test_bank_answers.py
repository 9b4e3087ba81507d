"""What a bank says is read exactly, and a file that is odd is refused whole."""

from datetime import date

import pytest
from lxml import etree

from littleshop.errors import GatewayError
from littleshop.money import Money
from littleshop.settlement.bank_answers import BankReason, read_camt053, read_pain002
from tests.settlement.bank_texts import camt053, details, entry, pain002, payment
from tests.settlement.test_bank_files import published, schema

DEBIT = entry("DBIT", "17.46", details("P1", name="王小满"), own="E1")
RETURN = entry("CRDT", "17.46", details("P1", reason="AC04", name="王小满"), own="E2")
LUMP = entry("CRDT", "300.5", "", own="E3")
PENDING = entry("CRDT", "9.99", "", own="E4", state="PDNG")
BATCH = entry(
    "DBIT", "30.00", details("P2", amount="10.00") + details("P3", amount="20.00"), own="E5"
)


@published
def test_our_examples_are_what_the_schema_says() -> None:
    report = pain002("PART", payment("P1", "RJCT", "AC01"), payment_state="PART")
    schema("pain.002.001.12").assertValid(etree.fromstring(report))
    statement = camt053(DEBIT, RETURN, LUMP, PENDING, BATCH)
    schema("camt.053.001.08").assertValid(etree.fromstring(statement))


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("ACTC", "pending"),
        ("ACCP", "pending"),
        ("ACSP", "pending"),
        ("PDNG", "pending"),
        ("ACSC", "done"),
        ("ACCC", "done"),
        ("RJCT", "rejected"),
    ],
)
def test_only_a_settled_payment_is_done(code: str, outcome: str) -> None:
    status = read_pain002(pain002("PART", payment("P1", code))).of("P1")
    assert status is not None
    assert status.outcome == outcome
    assert status.reason is (BankReason.OTHER if outcome == "rejected" else None)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("AC01", BankReason.WRONG_ACCOUNT),
        ("AC04", BankReason.ACCOUNT_CLOSED),
        ("AC06", BankReason.ACCOUNT_BLOCKED),
        ("AM04", BankReason.FUNDS),
        ("BE01", BankReason.NAME_MISMATCH),
        ("DT01", BankReason.DATE),
        ("DUPL", BankReason.DUPLICATE),
        ("ZZ99", BankReason.OTHER),
    ],
)
def test_a_rejection_has_a_reason_of_our_list(code: str, reason: BankReason) -> None:
    status = read_pain002(pain002("PART", payment("P1", "RJCT", code))).of("P1")
    assert status is not None
    assert (status.outcome, status.reason, status.text) == ("rejected", reason, "不行")


def test_a_rejected_file_rejects_every_payment_in_it() -> None:
    for report in (pain002("RJCT"), pain002("", payment_state="RJCT")):
        status = read_pain002(report).of("P1")
        assert status is not None
        assert status.outcome == "rejected"


def test_a_single_state_outranks_the_files() -> None:
    report = read_pain002(pain002("ACSP", payment("P1", "RJCT", "AC01")))
    one, other = report.of("P1"), report.of("P2")
    assert one is not None
    assert other is not None
    assert (one.outcome, other.outcome) == ("rejected", "pending")
    assert read_pain002(pain002("")).of("P1") is None


def test_a_payment_with_two_states_is_refused() -> None:
    with pytest.raises(GatewayError):
        read_pain002(pain002("PART", payment("P1", "ACSC"), payment("P1", "RJCT")))


def test_a_statement_tells_what_left_and_what_came_back() -> None:
    content = camt053(DEBIT, RETURN, LUMP, PENDING, closing="1300.50")
    (statement,) = read_camt053(content)
    debit, back, lump = statement.entries
    assert statement.account == "6229000000000000001"
    assert (debit.direction, debit.reference, debit.amount) == ("debit", "P1", Money(1746, "CNY"))
    assert (debit.returned, debit.counterparty, debit.key) == (False, "王小满", "E1")
    assert debit.booked_on == date(2026, 11, 23)
    assert debit.value_on == date(2026, 11, 23)  # 01:00 in Beijing
    assert (back.direction, back.returned, back.reference) == ("credit", True, "P1")
    assert (back.reason, back.counterparty) == (BankReason.ACCOUNT_CLOSED, "王小满")
    assert (lump.reference, lump.returned, lump.amount.minor) == (None, False, 30050)


def test_a_batch_booked_at_once_is_told_payment_by_payment() -> None:
    (statement,) = read_camt053(camt053(BATCH, closing="970.00"))
    assert [(e.reference, e.amount.minor, e.key) for e in statement.entries] == [
        ("P2", 1000, "E5/1"),
        ("P3", 2000, "E5/2"),
    ]


def test_entries_without_a_number_get_one_of_their_own() -> None:
    same = entry("CRDT", "1.00", own="")
    (statement,) = read_camt053(camt053(same, same, closing="1002.00"))
    assert len({found.key for found in statement.entries}) == 2


@pytest.mark.parametrize(
    "content",
    [
        camt053(DEBIT, closing="1000.00"),
        camt053(entry("DBIT", "30.00", details("P2", amount="1.00") * 2), closing="970.00"),
        camt053(entry("DBIT", "-1.00"), closing="999.00"),
        camt053(entry("DBIT", "0.005"), closing="999.00"),
        camt053(entry("UP", "1.00"), closing="999.00"),
        camt053(DEBIT, closing="982.54").replace(b"2026-11-23", b"2026-13-23"),
        camt053(DEBIT, closing="982.54").replace(b"camt.053", b"camt.052"),
        pain002("ACSC"),
        b"",
        b"<",
        b"<Document/>",
        b"x" * (17 * 1024 * 1024),
    ],
)
def test_a_statement_that_is_odd_is_refused_whole(content: bytes) -> None:
    with pytest.raises(GatewayError) as told:
        read_camt053(content)
    assert not told.value.retryable


def test_nothing_in_a_file_reaches_out(tmp_path: object) -> None:
    secret = f"{tmp_path}/secret"
    with open(secret, "w") as file:  # noqa: PTH123 -- the path is text inside the XML below
        file.write("INSIDE")
    good = pain002("ACSC").decode().partition("?>")[2]
    for kind in (
        f'<!DOCTYPE Document [<!ENTITY x SYSTEM "file://{secret}">]>',
        '<!DOCTYPE Document [<!ENTITY x "y">]>',
        '<!DOCTYPE Document SYSTEM "http://127.0.0.1:9/x.dtd">',
    ):
        text = kind + good.replace(
            "<OrgnlMsgId>M1", "<OrgnlMsgId>&x;" if "ENTITY" in kind else "M1"
        )
        with pytest.raises(GatewayError) as told:
            read_pain002(text.encode())
        assert "INSIDE" not in str(told.value)
    bomb = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 20 if n else "ha" * 20}">' for n in range(12))
    with pytest.raises(GatewayError):
        read_pain002(f"<!DOCTYPE Document [{bomb}]>{good.replace('M1', '&a11;')}".encode())


def test_a_comment_does_not_hide_half_a_value() -> None:
    content = pain002("PART", payment("P1", "AC<!-- -->SC"))
    status = read_pain002(content).of("P1")
    assert status is not None
    assert status.outcome == "done"
