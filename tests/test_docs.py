"""The papers say what is there: tables, states, commands, modules, links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from littleshop.__main__ import COMMANDS
from tests import sql_text
from tests.sql_text import ROOT, modules

DOCS = ROOT / "docs"
GLOSSARY = (DOCS / "glossary.md").read_text()
DECISIONS = sorted((DOCS / "decisions").glob("*.md"))
PAPERS = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), ROOT / "sandbox" / "README.md"])
PICTURES = DOCS / "pictures"

_KNOWN = re.compile(
    r"constraint\s+\w+_(?:status|outcome|verdict)_known\s+check\s*\(\s*\w+\s+in\s*\(([^)]*)\)",
    re.IGNORECASE,
)
_LINK = re.compile(r"!?\[[^\]\[]*\]\(([^)\s]+)\)")
_MODULE = re.compile(r"(?<![\w/.-])((?:[a-z_]+/)*[a-z_]+\.(?:py|json))\b")


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_the_glossary_names_every_table() -> None:
    tables = [*sql_text.table_kinds(), "schema_migrations"]
    assert [table for table in tables if f"`{table}`" not in GLOSSARY] == []


def test_the_glossary_names_every_state() -> None:
    texts = "\n".join(path.read_text() for path in sql_text.MIGRATIONS)
    states = {state for known in _KNOWN.findall(texts) for state in re.findall(r"'(\w+)'", known)}
    assert {"to_ship", "accepted", "mismatched", "funded"} <= states
    told = GLOSSARY.partition("## States")[2] + "".join(re.findall(r"outcome: \w+", GLOSSARY))
    assert sorted(s for s in states if not re.search(rf"\b{s}\b", told)) == []


def test_the_glossary_names_modules_that_exist() -> None:
    named = set(_MODULE.findall(GLOSSARY))
    assert len(named) > 40
    places = (ROOT / "littleshop", ROOT)
    missing = {name for name in named if not any((place / name).exists() for place in places)}
    assert sorted(missing - {"rails.json"}) == []  # DIR/rails.json is made when it runs


def test_every_row_of_the_glossary_has_five_columns() -> None:
    rows = [line for line in GLOSSARY.splitlines() if line.startswith("|")]
    assert [row for row in rows if row.count("|") != 6] == []


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_readme_names_every_command(name: str) -> None:
    text = (ROOT / name).read_text()
    table = re.split(r"^\| (?:command|命令) \|", text, flags=re.MULTILINE)[1].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(COMMANDS)


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_says_context_decision_and_consequences(path: Path) -> None:
    text = path.read_text()
    number = int(path.name.partition("-")[0])
    assert text.startswith(f"# {number}. ")
    places = [text.find(f"\n**{part}.**") for part in ("Context", "Decision", "Consequences")]
    assert -1 not in places
    assert places == sorted(places)


def test_decisions_have_numbers_of_their_own() -> None:
    numbers = [path.name.partition("-")[0] for path in DECISIONS]
    assert sorted(set(numbers)) == numbers


def resolves(path: Path, link: str) -> bool:
    """Whether a link of a paper leads somewhere; other sites are not asked."""
    target, _, _ = link.partition("#")
    if not target or re.match(r"[a-z]+:", target):
        return True
    found = (path.parent / target).resolve()
    if found.is_relative_to(PICTURES) and not PICTURES.exists():
        return True  # the screenshots are taken last
    return found.exists()


@pytest.mark.parametrize("path", PAPERS, ids=short)
def test_links_lead_somewhere(path: Path) -> None:
    assert [link for link in _LINK.findall(path.read_text()) if not resolves(path, link)] == []


def test_the_guide_has_the_same_pages_in_both_languages() -> None:
    english, chinese = (
        {path.name for path in (DOCS / "guide" / language).glob("*.md")}
        for language in ("en", "zh")
    )
    assert english == chinese
    assert "README.md" in english


def test_papers_that_the_source_points_to_exist() -> None:
    sources = [*modules("littleshop", "sandbox", "tests", "bench", "tools"), *sql_text.MIGRATIONS]
    named = {
        f"{short(path)}: {paper}"
        for path in sources
        for paper in re.findall(r"docs/[\w/.-]+\.md", path.read_text())
        if not (ROOT / paper).exists()
    }
    assert sorted(named) == []
