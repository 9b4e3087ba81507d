"""What proves the books, the stock and the payouts: each rule is SQL that finds its breaches."""

from __future__ import annotations

from littleshop import db
from littleshop.audit import books, stock
from littleshop.audit.findings import Finding

__all__ = ["Finding", "prove"]


async def prove(conn: db.Connection, shop_id: int | None = None) -> list[Finding]:
    """Everything that does not add up, in one shop or in all; empty when all is well."""
    return [*await books.prove(conn, shop_id), *await stock.prove(conn, shop_id)]
