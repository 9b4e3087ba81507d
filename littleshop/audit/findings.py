"""A finding: one thing that does not add up, and where."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from littleshop import db


class Finding(msgspec.Struct, frozen=True):
    """`rule` is broken in `shop_id` by `subject` (an id); `says` has both figures."""

    rule: str
    shop_id: int
    subject: str
    says: str


async def collect(
    conn: db.Connection, rules: Mapping[str, str], shop_id: int | None
) -> list[Finding]:
    """Run rules, by name: the SQL of each gives (shop_id, subject, says) for each thing that breaks
    it.

    `$1` in the SQL is the shop to look at, or null for all of them.
    """
    return [
        Finding(rule, row["shop_id"], str(row["subject"]), row["says"])
        for rule, sql in rules.items()
        for row in await conn.fetch(sql, shop_id)
    ]
