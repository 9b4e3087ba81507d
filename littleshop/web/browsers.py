"""Which browser asks for a code: the one that can type it later."""

from __future__ import annotations

from uuid import UUID, uuid4

from starlette.requests import Request

from littleshop import http, ids


def named(request: Request, form_key: str) -> tuple[str | None, bytes]:
    """The browser as http.make_device says it; one without a cookie goes by the key that its page
    was given, so that both halves of a double click are the same browser."""
    try:
        key = str(UUID(form_key))
    except ValueError:
        return http.make_device(request)
    return http.make_device(request) if http.device(request) else (key, ids.hashed(key))


def new_key() -> str:
    """A key for a form: 122 random bits, as good a name for a browser as its cookie's token."""
    return str(uuid4())
