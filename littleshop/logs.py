"""Logs: one JSON object a line, with no phone, card, token or code in it."""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback

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
    for noisy in ("httpx", "httpcore", "_granian"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
