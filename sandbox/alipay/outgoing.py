"""Posting a form to a merchant, the way the gateway does: no redirects, a short patience."""

import asyncio
import http.client
import ssl
from urllib.parse import urlencode, urlsplit

PATIENCE_SECONDS = 10
LONGEST_ANSWER = 4096


async def post_form(url: str, params: dict[str, str]) -> tuple[int | None, str]:
    """POST the form; answers (status, text), or (None, why) when nothing came back."""
    return await asyncio.to_thread(_post, url, urlencode(params))


def _post(url: str, body: str) -> tuple[int | None, str]:
    parts = urlsplit(url)
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(
            parts.netloc, timeout=PATIENCE_SECONDS, context=ssl.create_default_context()
        )
    else:
        connection = http.client.HTTPConnection(parts.netloc, timeout=PATIENCE_SECONDS)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    try:
        connection.request("POST", path, body.encode(), headers)
        answer = connection.getresponse()
        return answer.status, answer.read(LONGEST_ANSWER).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as failed:
        return None, f"{type(failed).__name__}: {failed}"
    finally:
        connection.close()
