"""What a merchant asks for: forms with brackets in their names, read strictly, and the no."""

import json
import re
import secrets
from urllib.parse import parse_qsl

NAME = re.compile(r"([A-Za-z0-9_]+)((?:\[[A-Za-z0-9_]*\])*)")
MOST_FIELDS = 1000
Form = dict[str, object]


class Problem(Exception):
    """Stripe's no: the HTTP status and the `error` object."""

    def __init__(
        self, status: int, kind: str, message: str, code: str = "", param: str = ""
    ) -> None:
        super().__init__(message)
        self.status = status
        self.told = {"type": kind, "message": message}
        if code:
            self.told["code"] = code
        if param:
            self.told["param"] = param

    @property
    def body(self) -> str:
        """The JSON of the answer."""
        return json.dumps({"error": self.told}, indent=2)


def invalid(message: str, code: str = "", param: str = "", status: int = 400) -> Problem:
    """An invalid_request_error."""
    return Problem(status, "invalid_request_error", message, code, param)


def missing(what: str, number: str, param: str = "id") -> Problem:
    """There is no such thing."""
    return invalid(f"No such {what}: '{number}'", "resource_missing", param, 404)


def form(text: str) -> Form:
    """A form body or query as nested dicts: `a[b]=1`, `a[0][c]=2`, `a[]=3`. Raises Problem."""
    found: Form = {}
    pairs = parse_qsl(text, keep_blank_values=True)
    if len(pairs) > MOST_FIELDS:
        raise invalid("Too many parameters")
    for name, value in pairs:
        match = NAME.fullmatch(name)
        if match is None:
            raise invalid(f"Received unknown parameter: {name}", "parameter_unknown", name)
        path = [match[1], *re.findall(r"\[([A-Za-z0-9_]*)\]", match[2])]
        _put(found, path, value)
    return found


def _put(here: Form, path: list[str], value: str) -> None:
    *folders, leaf = path
    for folder in folders:
        below = here.setdefault(folder, {})
        if not isinstance(below, dict):
            raise invalid("Invalid object", param=folder)
        here = below
    here[leaf or str(len(here))] = value


def known(told: Form, *names: str) -> None:
    """Refuse parameters that the call does not have, as Stripe does."""
    for name in told:
        if name not in names:
            raise invalid(f"Received unknown parameter: {name}", "parameter_unknown", name)


def part(told: Form, name: str) -> Form:
    """A nested part, empty when absent."""
    value = told.get(name, {})
    if not isinstance(value, dict):
        raise invalid("Invalid object", param=name)
    return value


def text(told: Form, name: str, longest: int = 5000) -> str:
    """A required text."""
    value = told.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise invalid(f"Missing required param: {name}.", "parameter_missing", name)
    return value


def maybe(told: Form, name: str) -> str | None:
    """A text, or None when absent or empty."""
    value = told.get(name)
    return value if isinstance(value, str) and value else None


def whole(told: Form, name: str) -> int:
    """A required whole number."""
    value = text(told, name, 18)
    if not re.fullmatch(r"-?\d+", value, re.ASCII):
        raise invalid(f"Invalid integer: {value}", "parameter_invalid_integer", name)
    return int(value)


def metadata(told: Form) -> dict[str, str]:
    """The metadata told, within Stripe's bounds: 50 keys of 40, values of 500 characters."""
    found = part(told, "metadata")
    fits = len(found) <= 50 and all(
        isinstance(value, str) and len(key) <= 40 and len(value) <= 500
        for key, value in found.items()
    )
    if not fits:
        raise invalid("Metadata does not fit", param="metadata")
    return {key: str(value) for key, value in found.items()}


def listed(told: Form, name: str) -> set[str]:
    """The values of a list such as `expand[]`."""
    return {value for value in part(told, name).values() if isinstance(value, str)}


def number(prefix: str) -> str:
    """A fresh id of Stripe's look."""
    return f"{prefix}_{secrets.token_hex(12)}"
