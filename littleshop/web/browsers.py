"""Which browser asks for a code: the one that can type it later."""

from __future__ import annotations

from uuid import UUID, uuid4

from starlette.requests import Request

from littleshop import http


def named(request: Request, form_key: str) -> tuple[str | None, bytes]:
    """The browser as http.make_device says it; one without a cookie goes by the key that its page
    was given, so that both halves of a double click are the same browser."""
    try:
        key = str(UUID(form_key))
    except ValueError:
        return http.make_device(request)
    return http.make_device(request, key)


def new_key() -> str:
    """A key for a form: 122 random bits, from which its browser's token follows."""
    return str(uuid4())
