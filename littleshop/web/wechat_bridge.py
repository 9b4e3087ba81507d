"""The bridge that WeChat's browser gives to pages inside it, and what stands in for it here."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request

from littleshop import http
from littleshop.web import containers


def is_inside(request: Request) -> bool:
    """Whether the page is open inside WeChat."""
    return containers.of(request.headers.get("user-agent", "")) == "wechat"


def address(request: Request) -> str | None:
    """In the demo the sandbox stands in for the bridge that WeChat's browser has."""
    sandbox = http.house(request).settings.sandbox_url
    return f"{sandbox}/wechat/bridge.js" if sandbox and is_inside(request) else None


def script_origins(request: Request) -> list[str]:
    """Where the page may take scripts from beside us: nowhere in live mode."""
    found = urlsplit(address(request) or "")
    return [f"{found.scheme}://{found.netloc}"] if found.netloc else []
