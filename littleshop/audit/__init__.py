"""What proves the books, the stock, the payouts and the operators' log: each rule is SQL that finds
its breaches."""

from __future__ import annotations

import asyncio
import sys

import msgspec

from littleshop import config, db
from littleshop.audit import acts, between, books, decided, held, moves, payouts, referred, stock
from littleshop.audit.findings import Finding, collect

__all__ = ["Finding", "command", "prove", "prove_log"]

_AREAS = (books, moves, decided, stock, held, payouts, between, referred)


_COUNTED = (
    ("rules", "rules", "条规则"),
    ("shops", "shops", "家店"),
    ("journals", "journals", "笔分录"),
    ("transfers", "transfers", "笔划转"),
    ("orders", "orders", "个订单"),
    ("variants", "variants", "种款式"),
    ("payouts", "payouts", "笔打款"),
    ("bank_entries", "movements at the bank", "笔银行流水"),
    ("acts", "acts in the log", "条操作记录"),
)
_ENGLISH = {name: english for name, english, _ in _COUNTED}
_CHINESE = {name: chinese for name, _, chinese in _COUNTED}


class _Proof(msgspec.Struct, frozen=True):
    """`checked` counts what the rules went over, so that an empty answer can be told apart."""

    ok: bool
    findings: list[Finding]
    checked: dict[str, int]


async def prove(conn: db.Connection, shop_id: int | None = None) -> list[Finding]:
    """Everything that does not add up, in one shop or in all; empty when all is well."""
    return [one for area in _AREAS for one in await collect(conn, area.RULES, shop_id)]


async def prove_log(conn: db.Connection) -> list[Finding]:
    """Where somebody meddled with the operators' log. It stands apart from the money: a log cannot
    be mended, and payouts must go on."""
    return await collect(conn, acts.RULES, None)


async def checked(conn: db.Connection) -> dict[str, int]:
    """How much there was to prove."""
    row = await conn.fetchrow(
        "select /* all shops: how much the audit went over */"
        " (select count(*) from shops where shop_id <> 0) as shops,"
        " (select count(*) from journals) as journals,"
        " (select count(*) from transfers) as transfers,"
        " (select count(*) from orders) as orders,"
        " (select count(*) from variants) as variants,"
        " (select count(*) from payouts) as payouts,"
        " (select count(*) from bank_entries) as bank_entries,"
        " (select count(*) from acts) as acts"
    )
    assert row is not None
    return {"rules": sum(len(area.RULES) for area in (*_AREAS, acts)), **dict(row)}


def command(arguments: list[str]) -> int:
    """`littleshop audit [--json]`: prove everything; 1 with the findings, 2 for a wrong use."""
    if [one for one in arguments if one != "--json"]:
        print("./run audit [--home DIR] [--json]", file=sys.stderr)
        return 2
    proof = asyncio.run(_proof(config.read()))
    if "--json" in arguments:
        print(msgspec.json.encode(proof).decode())
    else:
        print(_sentences(proof))
    return 0 if proof.ok else 1


async def _proof(settings: config.Settings) -> _Proof:
    database = await db.open_database(settings.database_url, size=1, name="littleshop audit")
    try:
        async with database.connection() as conn:
            findings = await prove(conn) + await prove_log(conn)
            return _Proof(not findings, findings, await checked(conn))
    finally:
        await database.close()


def _sentences(proof: _Proof) -> str:
    english, chinese = (
        ", ".join(f"{count} {names[what]}" for what, count in proof.checked.items())
        for names in (_ENGLISH, _CHINESE)
    )
    if proof.ok:
        return f"Everything adds up ({english}) · 账目全部相符（{chinese}）"
    lines = [
        f"shop {one.shop_id}: {one.rule} is broken by {one.subject} ({one.says})"
        for one in proof.findings
    ]
    total = len(proof.findings)
    return "\n".join([*lines, _broken(total, english, chinese)])


def _broken(total: int, english: str, chinese: str) -> str:
    things = "thing does" if total == 1 else "things do"
    return f"{total} {things} not add up ({english}) · {total} 处不相符（{chinese}）"
