"""What a product page weighs on the wire with its style sheets and scripts, without photos."""

from __future__ import annotations

import asyncio
import gzip
import re
from datetime import UTC, datetime
from typing import Any

from bench import ground, page, town
from bench.ground import Ground

GOAL_KB = 40
_SHEET = re.compile(r'<link[^>]*rel="?stylesheet"?[^>]*href="([^"]+)"')
_SCRIPT = re.compile(r'<(?:script|link rel="modulepreload")[^>]*(?:src|href)="([^"]+)"')
_IMPORT = re.compile(r"""(?:from|import)\s*\(?["'](/static/[^"']+)["']""")


def measure(seconds: float, pairs: int) -> dict[str, Any]:
    """Compressed bytes of the page and of each sheet and script; KB are 1024 bytes.

    `ratio` is what is allowed over what it is. Raises ground.Missing.
    """
    with ground.ground() as place:
        at = datetime.now(UTC)
        asyncio.run(town.furnish(place.dsn, at, shops=1, variants=20))
        asyncio.run(town.dress(place.dsn, at))
        with ground.serving(place, workers=1):
            parts = _parts(place)
    total = sum(parts.values()) / 1024
    return {
        "name": "weight",
        "ratio": round(GOAL_KB / total, 3),
        "goal": 1.0,
        "kilobytes": round(total, 2),
        "goal_kilobytes": GOAL_KB,
        "parts": parts,
        "cpu_us_per_operation": {"web": None, "database": None, "client": None},
    }


def _parts(place: Ground) -> dict[str, int]:
    headers, body = page.fetch(place)
    text = gzip.decompress(body).decode() if "content-encoding" in headers else body.decode()
    parts = {"page": len(body)}
    waiting = [*_SHEET.findall(text), *_SCRIPT.findall(text)]
    while waiting:
        path = waiting.pop()
        if path in parts:
            continue
        headers, body = page.fetch(place, path)
        parts[path] = len(body)
        if "script" in headers.get("content-type", ""):
            whole = gzip.decompress(body) if "content-encoding" in headers else body
            waiting += _IMPORT.findall(whole.decode())
    return parts
