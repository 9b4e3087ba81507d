"""The house rules that a machine can read (ARCHITECTURE 2 and 3)."""

from __future__ import annotations

import ast
import json
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.sql_text import ROOT, module_name, modules

PACKAGES = ("littleshop", "sandbox", "tests", "bench", "tools")
SOURCES = modules(*PACKAGES)
BANNED = {"util", "helper", "manager", "service", "common", "misc", "base", "data"}
# Written in two pieces, so that this file does not hold what it looks for.
OPEN_ENDS = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X"]) + r")\b")
UNDONE = re.compile("raise NotImplemented" + r"Error|mark\.(skip\b|xfail)|assert " + r"True\b")
REGISTRY_HOSTS = [
    "pypi" + ".org",
    "pythonhosted" + ".org",
    "npmjs" + ".org",
    "npmjs" + ".com",
    "npmmirror" + ".com",
    "deb.debian" + ".org",
]


def tracked() -> list[Path]:
    """Every file of the tree that git knows or would know."""
    told = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [ROOT / name for name in told.split("\0") if name and (ROOT / name).is_file()]


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_no_file_is_longer_than_400_lines() -> None:
    lengths = {short(path): len(path.read_text().splitlines()) for path in SOURCES}
    assert {name: length for name, length in lengths.items() if length > 400} == {}


class Function(NamedTuple):
    """A function from its first line to its last; it `starts` after its head and docstring."""

    name: str
    line: int
    starts: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.line + 1


class Outline(NamedTuple):
    """What a file has at any depth: functions, names of classes, and every module it imports,
    names imported from packages included."""

    functions: list[Function]
    classes: list[str]
    imported: list[str]


def within(block: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Every statement of a block and of the blocks inside it. An expression holds none, and most
    of a file is expressions: this is many times quicker than ast.walk."""
    for node in block:
        yield node
        for name in ("body", "orelse", "finalbody"):
            yield from within(getattr(node, name, []))
        for part in (*getattr(node, "handlers", []), *getattr(node, "cases", [])):
            yield from within(part.body)


@cache  # of the outline alone: the trees of all files would fill the memory
def outline(path: Path) -> Outline:
    found = Outline([], [], [])
    for node in within(ast.parse(path.read_text()).body):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            starts = node.body[1 if ast.get_docstring(node) and node.body[1:] else 0].lineno
            found.functions.append(Function(node.name, node.lineno, starts, node.end_lineno or 0))
        elif isinstance(node, ast.ClassDef):
            found.classes.append(node.name)
        elif isinstance(node, ast.Import):
            found.imported.extend(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.imported.append(node.module)
            found.imported.extend(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def test_no_function_is_longer_than_50_lines() -> None:
    found = {
        f"{short(path)}:{function.name}": function.length
        for path in SOURCES
        for function in outline(path).functions
    }
    assert {name: length for name, length in found.items() if length > 50} == {}


def handlers() -> Iterator[tuple[str, Path, Function]]:
    """Every function that a Route names as its endpoint, once, with its place."""
    known = {
        f"{module_name(path)}.{function.name}": (path, function)
        for path in modules("littleshop")
        for function in outline(path).functions
    }
    for name in sorted({name for path in modules("littleshop") for name in endpoints(path)}):
        yield name, *known[name]


def endpoints(path: Path) -> Iterator[str]:
    """The full names of the endpoints of a file's routes: `page` of its own, or `orders.page`."""
    text, own = path.read_text(), module_name(path)
    if "Route(" not in text:
        return
    tree = ast.parse(text)
    sources = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Route":
            place, _, name = ast.unparse(node.args[1]).rpartition(".")
            yield f"{sources[place] if place else own}.{name}"


def body_lines(path: Path, function: Function) -> int:
    """How many lines a function has without its head, its docstring and blank lines."""
    text = path.read_text().splitlines()[function.starts - 1 : function.end]
    return sum(1 for line in text if line.strip())


def test_no_handler_is_longer_than_15_lines() -> None:
    lengths = {name: body_lines(path, function) for name, path, function in handlers()}
    assert len(lengths) > 50
    assert {name: length for name, length in lengths.items() if length > 15} == {}


def test_folders_are_at_most_two_deep() -> None:
    assert [short(path) for path in SOURCES if len(path.relative_to(ROOT).parts) > 4] == []


def words(name: str) -> set[str]:
    """`OrderHelper` and `order_helpers` -> order, helper"""
    parts = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)
    return {part.lower() for part in parts} | {part.lower().removesuffix("s") for part in parts}


def test_no_file_or_class_has_a_name_that_says_nothing() -> None:
    classes = [
        (f"{short(path)}:{name}", name) for path in SOURCES for name in outline(path).classes
    ]
    files = [(short(path), path.stem) for path in SOURCES]
    folders = [(short(path.parent), path.parent.name) for path in SOURCES]
    named = {place for place, name in [*classes, *files, *folders] if words(name) & BANNED}
    assert sorted(named) == []


@cache
def texts() -> dict[str, str]:
    found = {}
    for path in tracked():
        if "vendor" in path.parts:
            continue
        try:
            found[short(path)] = path.read_text()
        except UnicodeDecodeError:
            continue  # a picture or a font
    return found


def test_nothing_is_left_open() -> None:
    code = (".py", ".html", ".js", ".css", ".sql", ".sh")
    assert [n for n, text in texts().items() if n.endswith(code) and OPEN_ENDS.search(text)] == []
    assert [n for n, text in texts().items() if n.endswith(".py") and UNDONE.search(text)] == []


def test_the_tree_names_no_package_registry() -> None:
    named = [name for name, text in texts().items() if any(host in text for host in REGISTRY_HOSTS)]
    assert named == []


def crossings(groups: list[str], forbidden: list[str]) -> list[str]:
    """Imports by a module of one group of something forbidden outside its own group."""
    found = []
    for path in modules("littleshop", "sandbox"):
        name = module_name(path)
        own = next((group for group in groups if f"{name}.".startswith(f"{group}.")), None)
        if own is not None:
            found += [
                f"{short(path)} imports {other}"
                for other in outline(path).imported
                for target in forbidden
                if target != own and f"{other}.".startswith(f"{target}.")
            ]
    return sorted(set(found))


def test_the_audiences_of_the_pages_do_not_import_one_another() -> None:
    audiences = [f"littleshop.web.{name}" for name in ("storefront", "console", "operator")]
    assert crossings(audiences, audiences) == []


def test_flows_of_different_fields_reach_each_other_through_jobs() -> None:
    fields = ["littleshop.entry", "littleshop.sale", "littleshop.settlement"]
    assert crossings(fields, fields) == []


def test_gateways_know_no_database() -> None:
    assert crossings(["littleshop.pay.gateways"], ["littleshop.db", "asyncpg"]) == []


def said(language: str) -> dict[str, set[str]]:
    """The keys of a language by package; littleshop has a file per area, the sandbox has one."""
    files = {
        "littleshop": sorted((ROOT / "littleshop" / "locales" / language).glob("*.json")),
        "sandbox": [ROOT / "sandbox" / "locales" / f"{language}.json"],
    }
    return {
        package: {f"{path.parent.parent.name}:{key}" for path in paths for key in _keys(path)}
        for package, paths in files.items()
    }


def _keys(path: Path) -> list[str]:
    area = path.stem if path.parent.parent.name == "locales" else ""
    return [f"{area}:{key}" for key in json.loads(path.read_text())]


@pytest.mark.parametrize("package", ["littleshop", "sandbox"])
def test_both_languages_say_the_same_things(package: str) -> None:
    english, chinese = said("en")[package], said("zh-CN")[package]
    assert english
    # Chinese has no singular: a text for one is English only.
    assert {key for key in english - chinese if not key.endswith(".one")} == set()
    assert chinese - english == set()


def test_the_changelog_has_an_entry() -> None:
    assert re.search(r"^## .+\n+(.*\n)*?- \S", (ROOT / "CHANGELOG.md").read_text(), re.M)


def test_the_commands_can_be_executed() -> None:
    for name in ("run", "test", ".ci/run", "tools/lock"):
        assert (ROOT / name).stat().st_mode & 0o111 == 0o111, name
