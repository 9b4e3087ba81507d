"""SQL found in the source: statements in Python strings, tables and functions in migrations."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parent.parent
MIGRATIONS = sorted((ROOT / "littleshop" / "migrations").glob("*.sql"))

_STATEMENT = re.compile(
    r"\s*(?:/\*.*?\*/\s*)?(?:select\b.*\bfrom\b|select\s+[\w.]+\(|insert\s+into\b|update\s+\w+.*\bset\b"
    r"|delete\s+from\b|with\b.*\bas\b.*\(|merge\s+into\b)",
    re.IGNORECASE | re.DOTALL,
)
_CREATED = re.compile(r"((?:^--[^\n]*\n)*)^create table (?:if not exists )?(\w+)", re.M)
_KIND = re.compile(r"^--\s*(tenant|reference|own-key|local)\b", re.M)
_KIND_OF_ALL = re.compile(r"\b(tenant|reference|own-key|local) tables\b")
_NAMED = re.compile(r"\b(?:from|join|into|update)\s+(?:only\s+)?(\w+)", re.IGNORECASE)
_WRITTEN = re.compile(
    r"\b(?:insert\s+into|delete\s+from|(?<!for )(?<!for no key )update)\s+(?:only\s+)?(\w+)",
    re.IGNORECASE,
)


class Statement(msgspec.Struct, frozen=True):
    """One SQL text: where it stands, in which module, and the text without its comments."""

    path: Path
    line: int
    module: str
    text: str
    remarks: str

    @property
    def place(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}"

    def tables(self, known: set[str]) -> set[str]:
        """The known tables that the text reads or writes."""
        return {name for name in _NAMED.findall(self.text.lower()) if name in known}

    def written(self, known: set[str]) -> set[str]:
        """The known tables that the text changes."""
        return {name for name in _WRITTEN.findall(self.text.lower()) if name in known}


def modules(*packages: str) -> list[Path]:
    """Every Python file under these folders of the project."""
    return [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]


def module_name(path: Path) -> str:
    """littleshop/trade/orders.py -> littleshop.trade.orders"""
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return name.removesuffix(".__init__")


def table_kinds() -> dict[str, str | None]:
    """Every table of the migrations and its kind: said above it, or in the file's first lines."""
    kinds: dict[str, str | None] = {}
    for path in MIGRATIONS:
        head = path.read_text().split("create table", 1)[0]
        for comment, table in _CREATED.findall(path.read_text()):
            told = _KIND.search(comment) or _KIND_OF_ALL.search(head)
            kinds[table] = told.group(1) if told else None
        for table in re.findall(r"^drop table (\w+);", path.read_text(), re.MULTILINE):
            del kinds[table]
    return kinds


def statements(*packages: str) -> list[Statement]:
    """Every SQL statement in the strings of these folders; docstrings are not strings."""
    return [found for path in modules(*packages) for found in _in_module(path)]


def _in_module(path: Path) -> Iterator[Statement]:
    tree = ast.parse(path.read_text(), str(path))
    skipped = {id(node) for node in _docstrings(tree)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        text = _text(node)
        if text is not None:
            skipped |= {id(part) for part in ast.walk(node)}
            if isinstance(node, ast.expr) and _STATEMENT.match(text):
                remarks = " ".join(re.findall(r"/\*.*?\*/|--[^\n]*", text, re.DOTALL))
                yield Statement(
                    path, node.lineno, module_name(path), without_comments(text), remarks
                )


def _docstrings(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value


def _text(node: ast.AST) -> str | None:
    """The text of a string, an f-string (holes as $0) or a sum of them."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(_text(part) or "$0" for part in parts)
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            one, other = _text(left), _text(right)
            return None if one is None and other is None else (one or "$0") + (other or "$0")
    return None


def without_comments(sql: str) -> str:
    """The SQL text without -- and /* */ comments."""
    return re.sub(r"/\*.*?\*/|--[^\n]*", " ", sql, flags=re.DOTALL)
