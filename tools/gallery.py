"""Draws every storefront page with sample contexts, to be looked at.

    python tools/gallery.py OUT [--art DIR] [--only NAME] [--width 390] [--dark] [--scale 1]
                            [--zoom 2] [--check]

Writes OUT/NAME.LOCALE.html and .png. `--art` holds svg still lifes named as
the samples name their pictures.
`--check` prints what scrolls sideways, is too small to touch, or breaks the content policy.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page, Route, sync_playwright

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from littleshop.web import assets, pages  # noqa: E402
from tests.web import storefront_samples as kept  # noqa: E402

CHROMIUM = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
CHECK = """() => {
  const out = [], wide = document.documentElement.clientWidth;
  const across = document.documentElement.scrollWidth;
  if (across > wide) out.push("sideways " + across);
  for (const e of document.querySelectorAll("a,button,label.meth,.pill,summary")) {
    const q = e.getBoundingClientRect();
    if (e.matches(".vh,.skip") || !q.width) continue;
    if (q.height < 43.5 || q.width < 43.5)
      out.push(`small ${Math.round(q.width)}x${Math.round(q.height)} ${e.textContent.trim()}`);
  }
  for (const e of document.querySelectorAll("main *, nav *")) {
    if (e.closest("svg,.scroll,.film,.vh")) continue;
    const q = e.getBoundingClientRect();
    const out_of_it = q.width && (q.right > wide + 1 || q.left < -1);
    if (out_of_it) out.push(`outside ${e.tagName}.${e.className}`);
  }
  const heads = document.querySelectorAll("h1").length;
  if (heads !== 1) out.push("h1 " + heads);
  return out;
}"""


def answer(route: Route, html: dict[str, str], art: Path | None) -> None:
    """Stands in for the server: pages, assets, still lifes for photos."""
    path = urlsplit(route.request.url).path
    if path in html:
        headers = {"content-security-policy": pages.content_policy()}
        route.fulfill(body=html[path], content_type="text/html; charset=utf-8", headers=headers)
    elif path.startswith("/static/"):
        asset = assets.load(path.removeprefix("/static/"))
        route.fulfill(body=asset.content, content_type=asset.kind)
    elif path.startswith("/f/") and art and (still := art / f"{path.split('/')[2]}.svg").exists():
        route.fulfill(body=still.read_bytes(), content_type="image/svg+xml")
    elif path.endswith("/mine"):
        floating = "/p/" not in path
        context = next(each for name, _, each in kept.samples() if name == "mine")
        locale = route.request.headers.get("x-locale", "zh-CN")
        body = pages.render(locale, "storefront/mine.html", **(context | {"floating": floating}))
        route.fulfill(body=body, content_type="text/html; charset=utf-8")
    else:
        route.fulfill(status=404, body="")


def drawn(page: Page, name: str, out: Path, wish: argparse.Namespace) -> None:
    """One page: opened, settled, photographed in full."""
    page.goto(f"http://gallery.test/{name}")
    page.wait_for_timeout(250)
    high = page.evaluate("Math.ceil(document.documentElement.getBoundingClientRect().height)")
    page.set_viewport_size({"width": wish.width, "height": max(844, min(high, 5000))})
    page.wait_for_timeout(80)
    page.screenshot(path=out / f"{name}{'.dark' if wish.dark else ''}.{wish.width}.png")
    if wish.check:
        for problem in sorted(set(page.evaluate(CHECK))):
            print(name, problem)
    page.set_viewport_size({"width": wish.width, "height": 844})


def wishes() -> argparse.Namespace:
    """What the caller asked for."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("out", type=Path)
    asked.add_argument("--art", type=Path)
    asked.add_argument("--only", default="")
    asked.add_argument("--width", type=int, default=390)
    asked.add_argument("--zoom", type=float, default=1)
    asked.add_argument("--scale", type=float, default=1)
    asked.add_argument("--dark", action="store_true")
    asked.add_argument("--no-script", action="store_true")
    asked.add_argument("--check", action="store_true")
    return asked.parse_args()


def main() -> None:
    """Draw what was asked for."""
    wish = wishes()
    wish.out.mkdir(parents=True, exist_ok=True)
    html: dict[str, str] = {}
    for locale in ("zh-CN", "en"):
        for name, template, context in kept.samples():
            if wish.only in name and template != "mine":
                text = pages.render(locale, f"storefront/{template}.html", **context)
                html[f"/{name}.{locale}"] = text
                (wish.out / f"{name}.{locale}.html").write_text(text)
    chromium = next((each for each in CHROMIUM if Path(each).exists()), None)
    with sync_playwright() as player:
        browser = player.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--hide-scrollbars"]
        )
        for locale in ("zh-CN", "en"):
            phone = browser.new_context(
                viewport={"width": wish.width, "height": 844},
                device_scale_factor=wish.scale,
                color_scheme="dark" if wish.dark else "light",
                java_script_enabled=not wish.no_script,
                extra_http_headers={"x-locale": locale},
            )
            phone.route("**/*", lambda route: answer(route, html, wish.art))
            page = phone.new_page()
            page.on("console", lambda said: print(said.text) if said.type == "error" else None)
            page.on("pageerror", lambda error: print("script:", error))
            if wish.zoom != 1:
                page.add_init_script(
                    "document.addEventListener('DOMContentLoaded',()=>{const s=new CSSStyleSheet();"
                    f"s.replaceSync('html{{font-size:{wish.zoom * 100}%}}');"
                    "document.adoptedStyleSheets=[s]})"
                )
            for path in (each for each in html if each.endswith(locale)):
                drawn(page, path.strip("/"), wish.out, wish)
        browser.close()


if __name__ == "__main__":
    main()
