"""What a phone needs to keep the console as an app on its home screen (W3C Web App Manifest)."""

from __future__ import annotations

from typing import Any

from littleshop import i18n

KIND = "application/manifest+json"
PAPER = "#F6F4EF"


def manifest(locale: str, root: str, shop_name: str) -> dict[str, Any]:
    """The manifest of one shop's console, to be sent as JSON of `KIND`.

    `root` is the console's address without a slash at its end ("/console/ada"). The icons keep
    their sign within the middle 80 %, so one file serves plain and maskable.
    """
    icons = [
        {
            "src": f"/static/manifest/icon-{size}.png",
            "sizes": f"{size}x{size}",
            "type": "image/png",
            "purpose": purpose,
        }
        for size in (192, 512)
        for purpose in ("any", "maskable")
    ]
    shortcuts = [
        {"name": i18n.t(locale, key), "url": root + path}
        for key, path in (
            ("console.tab.orders", "/orders"),
            ("console.goods.new", "/goods/new"),
            ("console.tab.money", "/money"),
        )
    ]
    return {
        "id": root,
        "name": shop_name,
        "short_name": shop_name[:12],
        "lang": locale,
        "start_url": root,
        "scope": "/",
        "display": "standalone",
        "orientation": "portrait",
        "background_color": PAPER,
        "theme_color": PAPER,
        "icons": icons,
        "shortcuts": shortcuts,
    }
