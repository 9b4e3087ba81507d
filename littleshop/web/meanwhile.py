"""Meanwhile: of a form that comes back, what its sender left alone stays as it is by now.

Two people, or two tabs, have one thing open, and one of them saves. A form that writes all of its
fields would put the other one's page back, unsaid. So each field goes out with a few signs of what
it showed: one that comes back unchanged says nothing, and one that both changed is asked about.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec
from starlette.requests import Request

from littleshop.errors import Refused
from littleshop.web import forms
from littleshop.web.forms import Form

FIELD = "showed"
_LONGEST = 60_000
_QUOTED = 40  # characters of what stands now that a sentence repeats


def mark(stands: Mapping[str, str]) -> str:
    """The value of a form's hidden FIELD: what its fields showed when the page was made."""
    return msgspec.json.encode({name: _signs(text) for name, text in stands.items()}).decode()


def merge(
    form: Form, typed: Mapping[str, str], stands: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    """What to keep of a form whose fields are `typed` while they stand as `stands` by now, and the
    names of those that sender and somebody else have both changed: they are kept as typed, and to
    be asked about. A form without FIELD, or a field that it does not name, means what it says."""
    showed = _read(form)
    kept, moved = dict(typed), []
    for name in typed.keys() & showed.keys() & stands.keys():
        mine, theirs = _signs(typed[name]), _signs(stands[name])
        if mine == showed[name]:
            kept[name] = stands[name]
        elif theirs not in (mine, showed[name]):
            moved.append(name)
    return kept, sorted(moved)


def is_stale(form: Form, stands: Mapping[str, str]) -> bool:
    """Whether what a form showed is not as it `stands` by now: of one that means something only as
    a whole (prices and bounds, distances and fees) nothing is put together."""
    showed = _read(form)
    return any(showed.get(name, _signs(text)) != _signs(text) for name, text in stands.items())


def told(request: Request, now: str) -> str:
    """The sentence beside a field that both changed: what stands there `now`, and what to do."""
    line = " ".join(now.split())
    if not line:
        return forms.said(request, Refused("field_emptied"))
    short = line if len(line) <= _QUOTED else line[: _QUOTED - 1] + "…"
    return forms.said(request, Refused("field_moved", now=short))


def _signs(text: str) -> str:
    """What tells texts apart; a browser sends other line ends, and spaces around are nothing."""
    plain = "\n".join(text.split("\r\n")).strip()
    return hashlib.sha256(plain.encode()).hexdigest()[:10]


def _read(form: Form) -> dict[str, str]:
    try:
        return msgspec.json.decode(form.text(FIELD, _LONGEST) or "{}", type=dict[str, str])
    except msgspec.DecodeError:
        return {}
