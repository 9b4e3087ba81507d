"""The ledger only grows, says a thing once, and the program cannot change what it said."""

from __future__ import annotations

from datetime import date

import asyncpg
import pytest

from littleshop import db
from littleshop.errors import Conflict
from littleshop.ledger import accounts, journals
from littleshop.ledger.journals import Transfer
from littleshop.money import Money
from tests.cast import CNY, MORNING

TODAY = date(2026, 11, 23)


async def post(conn: db.Connection, reference: str, *transfers: Transfer, shop: int = 1) -> bool:
    return await journals.post(
        conn,
        shop,
        kind="paid",
        reference=reference,
        value_on=TODAY,
        booked_at=MORNING,
        transfers=transfers,
    )


def paid(text: str) -> Transfer:
    return Transfer("gateway_clearing:alipay", "escrow", CNY(text))


async def test_a_fact_is_posted_once(database: db.Database) -> None:
    async with database.connection() as conn:
        assert await post(conn, "A", paid("18.00"))
        assert not await post(conn, "A", paid("18.00"))
        assert await accounts.balance(conn, 1, "escrow", "CNY") == CNY("18.00")


async def test_the_same_reference_with_another_sum_is_a_conflict(database: db.Database) -> None:
    async with database.connection() as conn:
        await post(conn, "A", paid("18.00"))
        with pytest.raises(Conflict):
            await post(conn, "A", paid("19.00"))


async def test_shops_do_not_share_references_or_balances(database: db.Database) -> None:
    async with database.connection() as conn:
        await post(conn, "A", paid("18.00"))
        await post(conn, "A", paid("5.00"), shop=2)
        assert await accounts.balance(conn, 2, "escrow", "CNY") == CNY("5.00")


async def test_a_reversal_is_a_mirror_and_happens_once(database: db.Database) -> None:
    async with database.connection() as conn:
        await post(conn, "A", paid("18.00"))
        again = {
            "kind": "paid",
            "reference": "A",
            "why": "duplicate",
            "value_on": TODAY,
            "booked_at": MORNING,
        }
        assert await journals.reverse(conn, 1, **again)  # type: ignore[arg-type]
        assert not await journals.reverse(conn, 1, **again)  # type: ignore[arg-type]
        assert await accounts.balance(conn, 1, "escrow", "CNY") == CNY("0.00")


REFUSED = [
    # debit, credit, fen, constraint
    ("escrow", "gateway_clearing:alipay", 1, "accounts_only_payable_below_zero"),
    ("in_transit", "bank", 1, "accounts_only_payable_below_zero"),
    ("suspense", "escrow", 1, "accounts_only_payable_below_zero"),
    ("escrow", "escrow", 1, "transfers_between_two_accounts"),
]


@pytest.mark.parametrize(("debit", "credit", "fen", "constraint"), REFUSED)
async def test_the_database_refuses_nonsense(
    database: db.Database, debit: str, credit: str, fen: int, constraint: str
) -> None:
    async with database.connection() as conn:
        with pytest.raises(asyncpg.CheckViolationError) as refused:
            await post(conn, "B", Transfer(debit, credit, Money(fen, "CNY")))
        assert refused.value.constraint_name == constraint
        assert await accounts.balances(conn, 1) == {}


async def test_only_payable_may_fall_below_zero(database: db.Database) -> None:
    async with database.connection() as conn:
        await post(conn, "A", Transfer("payable", "in_transit", CNY("1.00")))
        assert await accounts.balance(conn, 1, "payable", "CNY") == CNY("0.00") - CNY("1.00")


@pytest.mark.parametrize("table", ["journals", "transfers", "stock_movements"])
@pytest.mark.parametrize("act", ["delete from {}", "update {} set shop_id = 9", "truncate {}"])
async def test_the_program_cannot_change_the_books(
    database: db.Database, table: str, act: str
) -> None:
    async with database.connection() as conn:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await conn.execute(act.format(table))
