"""ARCHITECTURE section 4 and the rules about SQL, read off the source and off the catalog."""

from __future__ import annotations

import functools
import re
import tomllib
from collections import defaultdict

import asyncpg
import pytest

from littleshop import db
from tests import sql_text
from tests.sql_text import ROOT, Statement
from tests.sql_ties import untied

KINDS = sql_text.table_kinds()
TABLES = set(KINDS)
MIGRATIONS = {
    path.name: sql_text.without_comments(path.read_text()) for path in sql_text.MIGRATIONS
}

# A table that two modules write, with the reason.
SHARED_TABLES: dict[str, tuple[set[str], str]] = {
    "variants": (
        {
            "littleshop.catalog.prices",
            "littleshop.catalog.products",
            "littleshop.catalog.resold",
            "littleshop.catalog.shipping_rates",
            "littleshop.catalog.stock",
            "littleshop.catalog.wares",
        },
        "the counts stand in the row that placing locks; stock moves them, products the rest",
    ),
    "order_items": (
        {"littleshop.trade.gifts", "littleshop.supply.resales"},
        "a re-sold line bears the name by which it was bought",
    ),
    "products": (
        {
            "littleshop.catalog.products",
            "littleshop.catalog.shipping_rates",
            "littleshop.catalog.wares",
            "littleshop.catalog.virtual",
            "littleshop.catalog.categories",
        },
        "how a thing is sent, or that nobody carries it, is read where its price is",
    ),
}
# A module that may name tables of higher layers, with the reason.
READS_UPWARDS = {
    "littleshop.insights": "figures are counted from everything",
    "littleshop.audit": "proves everything",
    "littleshop.catalog.stock": "what an order holds stands in its lines",
}
TRIGGERS: dict[str, str] = {}  # name -> reason

_CLOCK = re.compile(
    r"\bnow\(\)|\b(current_timestamp|current_date|current_time|localtimestamp|clock_timestamp"
    r"|statement_timestamp|transaction_timestamp|timeofday)\b",
    re.IGNORECASE,
)
_INSERT_IN_WITH = re.compile(r"\bas\s+(?:not\s+)?(?:materialized\s*)?\(\s*insert\b", re.IGNORECASE)


@functools.cache
def _statements() -> list[Statement]:
    """Read by the first test that asks: every process collects this file, one runs it."""
    return sql_text.statements("littleshop")


def places(found: list[Statement]) -> list[str]:
    return [statement.place for statement in found]


def all_texts() -> list[tuple[str, str]]:
    return [(s.place, s.text) for s in _statements()] + list(MIGRATIONS.items())


def test_there_is_sql_to_look_at() -> None:
    assert len(_statements()) > 20
    assert len(TABLES) > 20


def test_no_sql_reads_the_clock_of_the_database() -> None:
    assert [place for place, text in all_texts() if _CLOCK.search(text)] == []


def test_no_merge_and_no_insert_inside_with() -> None:
    assert [
        place for place, text in all_texts() if re.search(r"\bmerge\s+into\b", text, re.I)
    ] == []
    assert [place for place, text in all_texts() if _INSERT_IN_WITH.search(text)] == []


def test_pages_hold_no_sql() -> None:
    pages = ("littleshop.web", "littleshop.api")
    assert places([s for s in _statements() if s.module.startswith(pages)]) == []


def test_every_table_says_of_which_kind_it_is() -> None:
    assert [table for table, kind in KINDS.items() if kind is None] == []


TENANT = {table for table, kind in KINDS.items() if kind == "tenant"}


def test_every_tenant_table_of_a_statement_is_tied_to_a_shop() -> None:
    """Or it says in the text, /* all shops: why */, that it is a sweep over all of them."""
    loose = {
        s.place: found
        for s in _statements()
        if "all shops:" not in s.remarks and (found := untied(s.text, TENANT))
    }
    assert loose == {}


@pytest.mark.parametrize(
    "loose, sql",
    [
        ("orders", "select * from orders where order_id = $1"),
        ("i", "select * from orders o join order_items i on i.order_id = o.order_id"
              " where o.shop_id = $1"),
        ("i", "select * from orders o, order_items i where o.shop_id = $1"),
        ("p", "select * from orders o where o.shop_id = $1 and exists"
              " (select from payments p where p.order_id = o.order_id)"),
        ("payments", "update orders set status = 'x' where shop_id = $1 and order_id ="
                     " (select order_id from payments where reference = $2)"),
        ("orders", "select * from orders where shop_id = $1 or order_id = $2"),
        ("o", "select * from orders o left join timers t on t.shop_id = o.shop_id"
              " and t.shop_id = $1"),
        ("t", "select * from orders o left join timers t on t.subject = o.order_id"
              " where o.shop_id = $1"),
        ("m", "select * from variants v join (select shop_id, variant_id from stock_movements"
              " where shop_id = $1) m on m.variant_id = v.variant_id where v.shop_id = $1"),
        ("timers", "delete from timers where subject = $1"),
        ("t", "delete from timers t using orders o"
              " where o.shop_id = $1 and o.order_id = t.subject"),
        ("v", "update variants v set held = 0 from (select variant_id from order_items"
              " where shop_id = $1) i where v.variant_id = i.variant_id"),
        ("visits", "select day from visit_days where shop_id = $1 union select day from visits"),
        ("orders", "insert into order_links (shop_id, order_id) select $1, order_id from orders"),
        ("order_links", "insert into order_links (order_id, shop_id) values ($1, $2)"),
    ],
)  # fmt: skip
def test_a_table_that_no_shop_binds_is_seen(loose: str, sql: str) -> None:
    assert untied(sql, TENANT) == [loose]


@pytest.mark.parametrize(
    "sql",
    [
        "select * from orders where shop_id = any ($1::bigint[])",
        "select * from audits a join orders o on o.shop_id = $1",
        "select * from unnest($1::bigint[]) as w(shop_id) join shops s on s.shop_id = w.shop_id",
        "select * from orders o join order_items i on i.shop_id = o.shop_id join variants v"
        " on v.shop_id = i.shop_id where o.shop_id = $1",
        "select * from orders o where ($1::bigint is null or o.shop_id = $1)",
        "select * from orders where (shop_id, order_id) in (select shop_id, order_id from timers"
        " where shop_id = $1)",
        "with gone as (delete from visits where shop_id = $1 returning day) select * from gone",
        "insert into carts (shop_id, cart_id) values ($1, $2)",
    ],
)
def test_a_table_that_a_shop_binds_is_left_alone(sql: str) -> None:
    assert untied(sql, TENANT) == []


def writers() -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for statement in _statements():
        for table in statement.written(TABLES):
            found[table].add(statement.module)
    return found


def test_each_table_has_one_module_that_writes_it() -> None:
    shared = {table: allowed for table, (allowed, _why) in SHARED_TABLES.items()}
    several = {
        table: sorted(modules)
        for table, modules in writers().items()
        if len(modules) > 1 and modules != shared.get(table)
    }
    assert several == {}


def layers() -> dict[str, int]:
    """Top-level module -> height, from the contract that import-linter checks."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    order = contracts["contracts"][0]["layers"]
    return {
        name.strip(" ()"): -depth for depth, names in enumerate(order) for name in names.split(":")
    }


def test_sql_names_only_tables_of_its_own_or_lower_layers() -> None:
    height = layers()
    owner = {
        table: max(height[module.split(".")[1]] for module in modules)
        for table, modules in writers().items()
    }
    upwards = [
        f"{s.place} {table}"
        for s in _statements()
        for table in sorted(s.tables(TABLES))
        if not s.module.startswith(tuple(READS_UPWARDS))
        and owner.get(table, min(height.values())) > height[s.module.split(".")[1]]
    ]
    assert upwards == []


CONSTRAINTS = """
select t.relname as table_name, c.conname as name, c.contype::text as kind,
       c.confdeltype::text as on_delete, o.relname as target,
       (select a.attname from pg_attribute a
         where a.attrelid = c.conrelid and a.attnum = c.conkey[1]) as first_column
  from pg_constraint c
  join pg_class t on t.oid = c.conrelid
  left join pg_class o on o.oid = c.confrelid
 where t.relnamespace = 'public'::regnamespace and c.contype in ('p', 'u', 'f', 'c')
"""
UNIQUE_INDEXES = """
select t.relname as table_name, i.relname as name, a.attname as first_column
  from pg_index x
  join pg_class t on t.oid = x.indrelid
  join pg_class i on i.oid = x.indexrelid
  left join pg_attribute a on a.attrelid = x.indrelid and a.attnum = x.indkey[0]
 where t.relnamespace = 'public'::regnamespace and x.indisunique
"""


@pytest.fixture
async def constraints(owner: db.Connection) -> list[asyncpg.Record]:
    found = await owner.fetch(CONSTRAINTS)
    return [row for row in found if row["table_name"] != "schema_migrations"]


async def test_keys_of_tenant_tables_begin_with_the_shop(
    owner: db.Connection, constraints: list[asyncpg.Record]
) -> None:
    wrong = [
        f"{row['table_name']}.{row['name']}"
        for row in [*constraints, *await owner.fetch(UNIQUE_INDEXES)]
        if KINDS.get(row["table_name"]) == "tenant"
        and row["first_column"] != "shop_id"
        and row.get("kind") != "c"
        and not (row.get("kind") == "f" and KINDS.get(row["target"]) == "reference")
    ]
    assert wrong == []


async def test_foreign_keys_stay_within_a_shop_and_never_set_null(
    constraints: list[asyncpg.Record],
) -> None:
    foreign = [row for row in constraints if row["kind"] == "f"]
    wrong = [
        f"{row['table_name']}.{row['name']} -> {row['target']}"
        for row in foreign
        if row["on_delete"] in ("n", "d")
        or KINDS[row["target"]] not in ("tenant", "reference")
        or KINDS[row["table_name"]] == "own-key"
    ]
    assert wrong == []


async def test_every_table_has_a_primary_key_and_every_constraint_a_chosen_name(
    owner: db.Connection, constraints: list[asyncpg.Record]
) -> None:
    keyed = {row["table_name"] for row in constraints if row["kind"] == "p"}
    assert sorted(TABLES - keyed) == []
    texts = "\n".join(MIGRATIONS.values())
    unnamed = [row["name"] for row in constraints if row["name"] not in texts]
    assert unnamed == []


async def test_there_are_no_triggers(owner: db.Connection) -> None:
    names = await owner.fetch("select tgname from pg_trigger where not tgisinternal")
    assert [row["tgname"] for row in names if row["tgname"] not in TRIGGERS] == []


SCANS_FROM = "0161"  # the first migration that must not hold a table while it is looked through
_ADDED = re.compile(
    r"\balter\s+table\s+(?:only\s+)?(?P<table>\w+)(?P<what>[^;]*)", re.IGNORECASE | re.DOTALL
)
_SCANNED = re.compile(
    r"\badd\s+constraint\s+(?P<name>\w+)\s+(?:check|foreign\s+key)\b(?P<rest>.*?)"
    r"(?=,\s*(?:add|drop|alter|validate)\s|\Z)",
    re.IGNORECASE | re.DOTALL,
)


def shut(migrations: dict[str, str]) -> list[str]:
    """Checks and foreign keys of tables that were there, by which a migration holds the table
    while all its rows are looked at; and those that no later one validates."""
    wrong = []
    for name, text in sorted(migrations.items()):
        created = set(re.findall(r"\bcreate\s+table\s+(?:if\s+not\s+exists\s+)?(\w+)", text, re.I))
        for altered in _ADDED.finditer(text):
            if name < SCANS_FROM or altered["table"] in created:
                continue
            for added in _SCANNED.finditer(altered["what"]):
                validated = re.compile(rf"\bvalidate\s+constraint\s+{added['name']}\b", re.I)
                later = [other for other in migrations if validated.search(migrations[other])]
                if not re.search(r"\bnot\s+valid\s*\Z", added["rest"], re.I):
                    wrong.append(f"{name}: {added['name']} is not `not valid`")
                elif not any(other > name for other in later) or name in later:
                    wrong.append(f"{name}: no later file validates {added['name']}")
    return wrong


def test_no_migration_holds_a_table_while_it_looks_through_it() -> None:
    """A file is one transaction: what it validates itself it would hold shut for as long."""
    assert shut(MIGRATIONS) == []


def test_a_migration_that_holds_a_table_is_seen() -> None:
    checked = "alter table orders drop constraint a, add constraint a check (x in (1, 2))"
    validates = "alter table orders validate constraint a;"
    assert shut({"0161_a.sql": f"{checked};"}) == ["0161_a.sql: a is not `not valid`"]
    assert shut({"0161_a.sql": f"{checked}, add constraint b unique (shop_id, y);"}) == [
        "0161_a.sql: a is not `not valid`"
    ]
    unseen = ["0161_a.sql: no later file validates a"]
    assert shut({"0161_a.sql": f"{checked} not valid;"}) == unseen
    assert shut({"0161_a.sql": f"{checked} not valid; {validates}"}) == unseen
    assert shut({"0161_a.sql": f"{checked} not valid;", "0162_b.sql": validates}) == []
    assert shut({"0160_a.sql": f"{checked};"}) == []
    new = "create table t (x integer); alter table t add constraint a check (x > 0);"
    assert shut({"0161_a.sql": new}) == []
