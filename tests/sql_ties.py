"""Which tables of a statement are not tied to a shop: a small reader of the SQL that we write.

A table is tied by `shop_id = $n`, by a list or a query of shops, or by the equality of its
shop_id with that of another source that is tied; a query in FROM is tied, for what it reads is
looked at by itself. An alternative (`or`) ties nothing, unless it is `$n is null`: one or all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TypeAlias

Item: TypeAlias = "str | list[Item]"

_TOKEN = re.compile(r"'(?:[^']|'')*'|\$\d+|[\w.]+|::|<>|<=|>=|\|\||[^\s\w]")
_QUERY = ("select", "with", "insert", "update", "delete")
_SOURCE_AFTER = ("from", "join", "update", "into", "using")
_PARTS = (
    *("select", "from", "where", "on", "having", "join", "left", "right", "full", "inner", "cross"),
    *("group", "order", "limit", "returning", "set", "using", "values", "for", "offset", "window"),
)
_NO_ALIAS = (*_PARTS, "as", "and", "or", "natural", "union", "except", "intersect", "do", "default")
_BOUND = re.compile(
    r"(?<![\w.])(?:(\w+)\.)?shop_id"
    r" (?:= (?:any \( )?(?:\$[1-9]\d*|\d+)(?![\w.])|in \( (?:QUERY|\$))"
)
_BOUND_ROW = re.compile(r"\( (?:(\w+)\.)?shop_id , [^()]* \) in \( QUERY \)")
_EQUAL = re.compile(r"(?<![\w.])(\w+)\.shop_id = (\w+)\.shop_id(?![\w.])")
_ALL_OR_ONE = re.compile(r"^\$\d+(?: :: \w+)? is null$")


def untied(sql: str, tenant: set[str]) -> list[str]:
    """The aliases of tenant tables in a statement (without comments) that no shop binds."""
    tokens = iter(_TOKEN.findall(re.sub(r"'(?:[^']|'')*'", "''", sql.lower())))
    return sorted(set(_of_query(_nested(tokens), {}, tenant)))


def _nested(tokens: Iterator[str]) -> list[Item]:
    items: list[Item] = []
    for token in tokens:
        if token == ")":
            break
        items.append(_nested(tokens) if token == "(" else token)
    return items


def _is_query(item: Item) -> bool:
    return isinstance(item, list) and bool(item) and item[0] in _QUERY


def _of_query(items: list[Item], outer: dict[str, bool], tenant: set[str]) -> Iterator[str]:
    """Branches of a union are read one by one; names of WITH are no tables."""
    named = {
        items[at - 1]
        for at, item in enumerate(items)
        if item == "as" and _first_group(items, at) is not None and items[0] == "with"
    }
    known = tenant - {name for name in named if isinstance(name, str)}
    branch: list[Item] = []
    for item in [*items, "union"]:
        if item in ("union", "except", "intersect"):
            yield from _of_branch(branch, outer, known)
            branch = []
        else:
            branch.append(item)


def _first_group(items: list[Item], at: int) -> list[Item] | None:
    """The query that `as`, perhaps with MATERIALIZED, introduces."""
    for item in items[at + 1 : at + 4]:
        if isinstance(item, list):
            return item if _is_query(item) else None
        if item not in ("not", "materialized"):
            return None
    return None


def _of_branch(items: list[Item], outer: dict[str, bool], tenant: set[str]) -> Iterator[str]:
    sources = dict(_sources(items))
    wanting = [alias for alias, table in sources.items() if table in tenant]
    tied = outer | {alias: table not in tenant for alias, table in sources.items()}
    said: set[str] = set()
    ties: list[tuple[str, str]] = []
    for text, joined in _conditions(items):
        bound = set(_BOUND.findall(text)) | set(_BOUND_ROW.findall(text))
        if "" in bound and len(wanting) == 1:  # said without an alias: only one has that column
            bound.add(wanting[0])
        equal = _EQUAL.findall(text)
        said |= bound | {alias for pair in equal for alias in pair}
        tied |= {alias: True for alias in bound & set(sources) if joined in (None, alias)}
        pairs = equal + [(other, one) for one, other in equal]
        ties += [(one, other) for one, other in pairs if joined in (None, one)]
    for one, other in ties * len(ties):
        tied[one] = tied.get(one, False) or tied.get(other, False)
    for alias in _inserted(items):
        tied[alias] = True
    yield from (alias for alias in wanting if not tied[alias])
    if len(sources) > 1:  # a query that has a shop_id is joined by it
        yield from (alias for alias in _with_shops(items) if alias not in said)
    for query in _queries(items):
        yield from _of_query(query, tied, tenant)


def _with_shops(items: list[Item]) -> Iterator[str]:
    """Aliases of queries in FROM that have a column shop_id."""
    for at, item in enumerate(items):
        if isinstance(item, list) and _is_query(item) and at + 1 < len(items):
            columns = item[: item.index("from")] if "from" in item else item
            if any(isinstance(one, str) and one.split(".")[-1] == "shop_id" for one in columns):
                yield _named(items, at)[0]


def _sources(items: list[Item]) -> Iterator[tuple[str, str]]:
    """(alias, table) of everything read or written; a query or function has table ''."""
    reading = False
    for at, item in enumerate(items):
        before = items[at - 1] if at else ""
        if item in _SOURCE_AFTER and before not in ("distinct", "key", "do", "for"):
            reading = True
        elif reading and item not in ("lateral", "only", ","):
            yield _named(items, at)
            reading = False
        elif item == "," and _in_from(items, at):
            reading = True


def _in_from(items: list[Item], at: int) -> bool:
    """Whether a comma parts two sources: FROM or USING is the part of the query it stands in."""
    for item in reversed(items[:at]):
        if item in _PARTS:
            return item in ("from", "using")
    return False


def _named(items: list[Item], at: int) -> tuple[str, str]:
    rest = [*items[at + 1 : at + 4], "", "", ""]
    item, called = items[at], isinstance(items[at], str) and isinstance(rest[0], list)
    if called and "into" in items[max(at - 2, 0) : at]:
        called = False  # insert into table (columns)
        rest = ["", "", ""]
    if called:
        rest = rest[1:]
        if rest[:2] == ["with", "ordinality"]:
            rest = [*items[at + 4 : at + 6], "", ""]
    if rest[0] == "as":
        rest = rest[1:]
    alias = rest[0] if isinstance(rest[0], str) and rest[0] not in _NO_ALIAS else ""
    table = item if isinstance(item, str) and not called else ""
    return (alias if re.fullmatch(r"\w+", alias) else table or f"query {at}"), table


def _inserted(items: list[Item]) -> Iterator[str]:
    """The table of `insert into t (shop_id, ...)`, whose first value is a parameter or a column."""
    if "into" not in items:
        return
    at = items.index("into") + 1
    columns = next((item for item in items[at:] if isinstance(item, list)), [])
    told = next((items[n + 1] for n, item in enumerate(items) if item in ("values", "select")), "")
    first = told[0] if isinstance(told, list) and told else told
    # names that a hole of the text holds ($0) are the columns of a struct: shop_id is its first
    named = columns[:1] in (["shop_id"], ["$0"])
    if named and re.fullmatch(r"\$[1-9]\d*|\d+|(\w+\.)?shop_id|unnest", str(first)):
        yield _named(items, at)[0]


def _conditions(items: list[Item]) -> Iterator[tuple[str, str | None]]:
    """The text of a query's parts one by one, without alternatives, cases and inner queries.

    With the condition of an outer join stands the source that it joins: it binds no other.
    """
    part: list[Item] = []
    begun, outer, source = "", "", ""
    listed = [*_without_cases(items), "where"]
    for at, item in enumerate(listed):
        if item not in _PARTS:
            part.append(item)
            continue
        yield _text(part), source if begun == "on" and outer else None
        part, begun = [], str(item)
        if item == "join":
            outer = str(listed[at - 1]) if listed[at - 1] in ("left", "right", "full") else ""
            after = at + 2 if listed[at + 1] == "lateral" else at + 1
            source = _named(listed, after)[0] if outer == "left" else ""


def _without_cases(items: list[Item]) -> Iterator[Item]:
    depth = 0
    for item in items:
        depth += item == "case"
        if not depth:
            yield item
        depth -= item == "end" and depth > 0


def _text(items: list[Item]) -> str:
    """One part as text; of an `or` nothing counts unless all but one side are `$n is null`."""
    sides: list[list[str]] = [[]]
    for item in _without_cases(items):
        if item == "or":
            sides.append([])
        elif isinstance(item, str):
            sides[-1].append(item)
        else:
            sides[-1].append("( QUERY )" if _is_query(item) else f"( {_text(item)} )")
    texts = [" ".join(side) for side in sides]
    left = [text for text in texts if not _ALL_OR_ONE.match(text)]
    return left[0] if len(left) == 1 else ""


def _queries(items: list[Item]) -> Iterator[list[Item]]:
    """The queries inside, those in conditions and functions too."""
    for item in items:
        if isinstance(item, list):
            if _is_query(item):
                yield item
            else:
                yield from _queries(item)
