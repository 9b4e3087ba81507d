"""What moves money without a row behind it: planted as the owner of the database, and seen."""

from __future__ import annotations

import pytest

from littleshop import audit, db
from littleshop.audit import moves
from littleshop.ledger import chart
from tests.audit.test_audit import busy
from tests.cast import CNY, Town
from tests.settlement.paper_bank import beijing
from tests.settlement.test_reconciling_bills import TUE, Biller, reads, sold

_POSTED = """
with journal as (
  insert into journals (shop_id, journal_id, kind, reference, value_on, booked_at, digest)
  values ($1, gen_random_uuid(), $2, 'PLANTED', date '2026-01-01', timestamptz '2026-01-01Z', '')
  returning shop_id, journal_id)
insert into transfers (shop_id, journal_id, position, debit, credit, amount_minor, currency)
select shop_id, journal_id, 1, $3, $4, 1, 'CNY' from journal returning journal_id"""


async def _plant(owner: db.Connection, shop_id: int, kind: str, debit: str, credit: str) -> str:
    """Post a fen without the program, and have the accounts say so too; the journal's id."""
    for account in (debit, credit):
        await owner.execute(
            "insert into accounts (shop_id, account, currency, side) values ($1, $2, 'CNY', $3)"
            " on conflict on constraint accounts_pkey do nothing",
            *(shop_id, account, chart.side(account)),
        )
    await owner.execute(
        "update accounts set debits_minor = debits_minor + (account = $2)::integer,"
        " credits_minor = credits_minor + (account = $3)::integer"
        " where shop_id = $1 and currency = 'CNY'",
        *(shop_id, debit, credit),
    )
    return str(await owner.fetchval(_POSTED, shop_id, kind, debit, credit))


PLANTED = [
    ("a gift to the seller", "gift", "gateway_clearing:alipay", "payable"),
    ("a payment without its row", "paid", "gateway_clearing:alipay", "payable"),
    ("a receipt without an order", "received", "escrow", "payable"),
    ("our commission taken from the seller", "received", "payable", "commission"),
    ("money taken at the rail", "repaid", "payable", "gateway_clearing:alipay"),
    ("a return of a payout that never was", "payout_returned", "bank", "payable"),
]


@pytest.mark.parametrize(("what", "kind", "debit", "credit"), PLANTED)
async def test_a_journal_that_nothing_stands_behind_is_seen(
    town: Town, owner: db.Connection, what: str, kind: str, debit: str, credit: str
) -> None:
    await busy(town)
    await town.books_balance()
    journal = await _plant(owner, town.shop_id, kind, debit, credit)
    found = [one for one in await audit.prove(owner) if one.rule in moves.RULES]
    assert journal in {one.subject for one in found}, what


async def test_a_payout_of_more_than_was_owed_is_seen(town: Town, owner: db.Connection) -> None:
    await busy(town)
    reference = await owner.fetchval(
        "update transfers t set amount_minor = t.amount_minor + 100000 from journals j"
        " where j.shop_id = t.shop_id and j.journal_id = t.journal_id and j.kind = 'payout'"
        " returning j.reference"
    )
    found = {(one.rule, one.subject) for one in await audit.prove(owner)}
    assert ("payout_was_owed", reference) in found


async def test_a_balance_that_no_order_made_is_seen(town: Town, owner: db.Connection) -> None:
    await busy(town)
    await owner.execute(
        "update orders set released_minor = released_minor - 1000,"
        " refunded_minor = refunded_minor + 1000 where received_at is not null"
    )
    found = {(one.rule, one.subject) for one in await audit.prove(owner)}
    assert ("earned_is_released", "payable") in found


@pytest.mark.parametrize(
    "breach",
    [
        "update transfers t set amount_minor = t.amount_minor + 1 from journals j"
        " where j.shop_id = t.shop_id and j.journal_id = t.journal_id and j.kind = 'rail_fee'"
        " and t.debit = 'gateway_fee' returning j.reference",
        "update journals set kind = 'gone' where kind = 'rail_fee' returning reference",
        "update bill_rows set fee_minor = fee_minor - 1 returning gateway || '/' || day",
    ],
)
async def test_a_fee_that_the_bill_does_not_say_is_seen(
    town: Town, owner: db.Connection, breach: str
) -> None:
    rail = Biller()
    rail.took(await sold(town, owner), "100.00", fee="0.60")
    beijing(town, TUE, 10)
    await reads(town, rail)
    assert await town.balance("gateway_fee") == CNY("0.60")
    await town.books_balance()
    reference = await owner.fetchval(breach)
    found = {(one.rule, one.subject) for one in await audit.prove(owner)}
    assert ("fee_is_the_bills", reference) in found


async def test_more_repaid_than_was_lent_is_seen(town: Town, owner: db.Connection) -> None:
    rail = Biller()
    rail.took(await sold(town, owner), "100.00", fee="0.60")
    beijing(town, TUE, 10)
    await reads(town, rail)
    assert await town.balance("due_to_shop") == CNY("0.60")
    repaid = (town.shop_id, "repaid", "due_to_shop", "gateway_clearing:alipay")
    assert await _broken(owner, "repaid_was_lent") == set()
    await owner.fetchval(_POSTED, *repaid)
    await owner.execute(
        "update transfers t set amount_minor = 60 from journals j where j.kind = 'repaid'"
        " and j.shop_id = t.shop_id and j.journal_id = t.journal_id"
    )
    assert await _broken(owner, "repaid_was_lent") == {"PLANTED"}, "before it was lent"
    await owner.execute("update journals set booked_at = $1 where kind = 'repaid'", town.at)
    assert await _broken(owner, "repaid_was_lent") == set()
    await owner.execute("update transfers set amount_minor = 61 where debit = 'due_to_shop'")
    assert await _broken(owner, "repaid_was_lent") == {"PLANTED"}, "a fen too much"


async def test_a_loan_repaid_for_a_refund_that_needed_none_is_seen(
    town: Town, owner: db.Connection
) -> None:
    rail = Biller()
    rail.took(await sold(town, owner), "100.00", fee="0.60")
    beijing(town, TUE, 10)
    await reads(town, rail)
    repaid = (town.shop_id, "repaid", "due_to_shop", "gateway_clearing:alipay")
    await owner.fetchval(_POSTED, *repaid)
    await owner.execute(
        "update journals set booked_at = $1, order_id = (select order_id from orders)"
        " where kind = 'repaid'",
        town.at,
    )
    assert await _broken(owner, "repaid_was_lent") == {"PLANTED"}


async def _broken(owner: db.Connection, rule: str) -> set[str]:
    return {row["subject"] for row in await owner.fetch(moves.RULES[rule], None)}
