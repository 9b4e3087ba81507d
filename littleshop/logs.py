"""Logs: one JSON object a line, with no phone, card, token or code in it."""

from __future__ import annotations

import json
import logging
import re
import shutil
import sys
import traceback
from pathlib import Path

# Whatever looks like a phone, a card or an identity number, and the tokens in our addresses.
_DIGITS = re.compile(r"(?<![\w.-])\+?\d{11,19}[\dXx]?(?![\w-])")
_TOKENS = re.compile(r"(/o/|/s/|/p/|token=|code=)[A-Za-z0-9._-]+")
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


def scrub(text: str) -> str:
    """The text without what a log must not keep."""
    return _TOKENS.sub(r"\1…", _DIGITS.sub("…", text))


class JsonLines(logging.Formatter):
    """A record as one line; what was given by `extra` stands beside."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S"),
            "level": record.levelname.lower(),
            "from": record.name,
            "says": scrub(record.getMessage()),
        }
        for name, value in record.__dict__.items():
            if name not in _STANDARD:
                line[name] = value if isinstance(value, int | float) else scrub(str(value))
        if record.exc_info:
            line["trace"] = scrub("".join(traceback.format_exception(*record.exc_info)))
        return json.dumps(line, ensure_ascii=False)


def start(level: int = logging.INFO) -> None:
    """Write this process's logs to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("httpx", "httpcore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("uvicorn").setLevel(logging.ERROR)  # it warns of every stranger's nonsense


def rotate(log: Path, *, most_bytes: int, kept: int) -> bool:
    """Put a log of more than `most_bytes` aside as LOG.1, older ones behind it; whether it did.

    Several processes write into one log, and not only Python does, so none of them can be told
    to open another file: its content is copied and it is emptied under their hands. They append
    (O_APPEND), so the next line is the first one. Lines written in the microseconds between are
    lost; when the disk is full, all of the old lines are, rather than the shop.
    """
    try:
        if log.stat().st_size <= most_bytes:
            return False
        older = [log.with_name(f"{log.name}.{number}") for number in range(1, kept + 1)]
        for place in range(kept - 1, 0, -1):
            if older[place - 1].exists():
                older[place - 1].replace(older[place])
        with log.open("r+b", buffering=0) as file:
            try:
                with older[0].open("wb") as aside:
                    older[0].chmod(0o600)
                    shutil.copyfileobj(file, aside)
                    file.truncate(0)  # at once: what is written after the last piece is lost
            except OSError:
                file.truncate(0)
    except OSError:  # whoever watches logs must never end what it watches
        return False
    return True
