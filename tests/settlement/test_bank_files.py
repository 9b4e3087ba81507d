"""The file a bank pays from, proved against the published schema."""

from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import msgspec
import pytest
from lxml import etree

from littleshop.money import Money
from littleshop.settlement.bank_files import (
    Debtor,
    PayoutBatch,
    PayoutInstruction,
    write_pain001,
)

SCHEMAS = Path(__file__).parents[2].parent / "shared" / "vectors" / "iso20022"
published = pytest.mark.skipif(
    not SCHEMAS.exists(), reason="the published schemas are not beside us"
)


@cache
def schema(name: str) -> etree.XMLSchema:
    """A published schema."""
    return etree.XMLSchema(etree.parse(str(SCHEMAS / f"{name}.xsd")))


def payout(number: int, minor: int, name: str = "王小满") -> PayoutInstruction:
    """One payout to a card at the Merchants Bank."""
    return PayoutInstruction(
        reference=f"P{number:019d}",
        amount=Money(minor, "CNY"),
        name=name,
        account="6225880000001234",
        cnaps="308584000013",
        remark="小满的茶 & <杯>",
    )


def batch(*instructions: PayoutInstruction) -> PayoutBatch:
    """A file of 23 November from the littleshop account."""
    return PayoutBatch(
        message_id="0199a1b2c3d4e5f60718293a4b5c6d7e",
        created_at=datetime(2026, 11, 22, 16, 30, tzinfo=UTC),
        execute_on=date(2026, 11, 23),
        debtor=Debtor(name="小店科技", account="6229000000000000001", cnaps="313290099992"),
        instructions=instructions or (payout(1, 1746), payout(2, 10_000_050, "Ada Lovelace")),
    )


def texts(content: bytes, tag: str) -> list[str]:
    """What every element of this name says."""
    return [str(found.text) for found in etree.fromstring(content).iter("{*}" + tag)]


@published
def test_the_file_is_valid_pain_001() -> None:
    schema("pain.001.001.09").assertValid(etree.fromstring(write_pain001(batch())))
    bare = msgspec.structs.replace(payout(1, 1), cnaps=None, remark="\x00 ")
    schema("pain.001.001.09").assertValid(etree.fromstring(write_pain001(batch(bare))))


def test_the_file_counts_and_sums_what_it_pays() -> None:
    content = write_pain001(batch())
    assert texts(content, "NbOfTxs") == ["2", "2"]
    assert texts(content, "CtrlSum") == ["100017.96", "100017.96"]
    assert texts(content, "InstdAmt") == ["17.46", "100000.50"]
    assert texts(content, "EndToEndId") == ["P0000000000000000001", "P0000000000000000002"]
    assert texts(content, "Nm")[-2:] == ["王小满", "Ada Lovelace"]
    assert texts(content, "Ustrd")[0] == "小满的茶 & <杯>"
    assert texts(content, "CreDtTm") == ["2026-11-23T00:30:00+08:00"]


def test_the_same_batch_is_the_same_bytes() -> None:
    assert write_pain001(batch()) == write_pain001(batch())


@pytest.mark.parametrize(
    ("instructions", "why"),
    [
        ((payout(1, 100), payout(1, 100)), "reference"),
        ((payout(1, 0),), "positive"),
        ((payout(1, -5),), "positive"),
        ((payout(1, 5, " "),), "name"),
        ((payout(1, 5, "长" * 141),), "name"),
        ((msgspec.structs.replace(payout(1, 5), account="6225 8800"),), "account"),
        ((msgspec.structs.replace(payout(1, 5), reference="P" * 36),), "id"),
        ((payout(1, 5), msgspec.structs.replace(payout(2, 5), amount=Money(5, "USD"))), "currency"),
    ],
)
def test_a_batch_that_no_bank_should_see_is_not_written(
    instructions: tuple[PayoutInstruction, ...], why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        write_pain001(batch(*instructions))


def test_an_empty_batch_is_not_written() -> None:
    with pytest.raises(ValueError, match="payments"):
        write_pain001(msgspec.structs.replace(batch(), instructions=()))


def test_a_card_number_is_not_shown() -> None:
    assert "6225880000001234" not in repr(payout(1, 5))
    assert "6225880000001234" not in repr(batch())
