"""Calling a merchant, the way a gateway does: no redirects, a short patience."""

import asyncio
import http.client
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

PATIENCE_SECONDS = 10
LONGEST_ANSWER = 4096


async def call(url: str, headers: Mapping[str, str], body: bytes | None) -> tuple[int | None, str]:
    """POST the body, or GET without one; answers (status, text), or (None, why) when nothing came
    back."""
    return await asyncio.to_thread(_send, "GET" if body is None else "POST", url, headers, body)


def _send(
    method: str, url: str, headers: Mapping[str, str], body: bytes | None
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
