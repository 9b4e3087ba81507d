"""What a child program may take, and that it takes no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from littleshop import confined
from littleshop.confined import Limits

LIMITS = Limits(memory_bytes=300_000_000, cpu_seconds=2, wall_seconds=20.0)


def said_by(program: str, folder: Path, limits: Limits = LIMITS) -> bytes:
    file = folder / "program.py"
    file.write_text(f"import os, sys\n{program}\n")
    return confined.run(file, "a word", b"what it is told", limits)


def test_it_is_told_one_word_and_one_text(tmp_path: Path) -> None:
    assert said_by("print(sys.argv[1], sys.stdin.read())", tmp_path) == b"a word what it is told\n"


def test_it_knows_nothing_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LITTLESHOP_KEYS", "not for a decoder")
    known = said_by("print(sorted(os.environ), any('littleshop' in p for p in sys.path))", tmp_path)
    assert b"LITTLESHOP" not in known and b"False" in known


@pytest.mark.parametrize(
    "greedy",
    ["bytes(400_000_000)", "open('kept', 'wb', buffering=0).write(b'x')", "os.abort()"],
    ids=["memory", "a file", "its own end"],
)
def test_who_takes_more_has_said_nothing(greedy: str, tmp_path: Path) -> None:
    assert said_by(f"os.chdir({str(tmp_path)!r}); print('said'); {greedy}", tmp_path) == b""
    assert {file.name for file in tmp_path.iterdir() if file.stat().st_size} == {"program.py"}


def test_it_cannot_give_itself_more(tmp_path: Path) -> None:
    bounds = b"(2, 2) (300000000, 300000000)\n"
    asked = "import resource as r; print(r.getrlimit(r.RLIMIT_CPU), r.getrlimit(r.RLIMIT_AS))"
    assert said_by(asked, tmp_path) == bounds


def test_who_takes_too_long_is_not_waited_for(tmp_path: Path) -> None:
    bound = LIMITS._replace(wall_seconds=0.2)
    assert said_by("import time; time.sleep(20)", tmp_path, bound) == b""
