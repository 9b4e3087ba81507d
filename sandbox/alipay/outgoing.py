"""Calling a merchant, the way a gateway does: no redirects, a short patience."""

import asyncio
import http.client
import ssl
from urllib.parse import urlencode, urlsplit

PATIENCE_SECONDS = 10
LONGEST_ANSWER = 4096


async def post_form(url: str, params: dict[str, str]) -> tuple[int | None, str]:
    """POST the form; answers (status, text), or (None, why) when nothing came back."""
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    return await asyncio.to_thread(_send, "POST", url, headers, urlencode(params).encode())


async def get(url: str) -> tuple[int | None, str]:
    """GET this address; answers as `post_form` does."""
    return await asyncio.to_thread(_send, "GET", url, {}, None)


async def post_json(url: str, headers: dict[str, str], body: bytes) -> tuple[int | None, str]:
    """POST these bytes as JSON with these headers; answers as `post_form` does."""
    told = {"Content-Type": "application/json", **headers}
    return await asyncio.to_thread(_send, "POST", url, told, body)


def _send(
    method: str, url: str, headers: dict[str, str], body: bytes | None
) -> tuple[int | None, str]:
    parts = urlsplit(url)
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(
            parts.netloc, timeout=PATIENCE_SECONDS, context=ssl.create_default_context()
        )
    else:
        connection = http.client.HTTPConnection(parts.netloc, timeout=PATIENCE_SECONDS)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read(LONGEST_ANSWER).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as failed:
        return None, f"{type(failed).__name__}: {failed}"
    finally:
        connection.close()
