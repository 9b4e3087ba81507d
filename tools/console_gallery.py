"""Draws every page of the console and of the opening with sample contexts, to be looked at.

    python -m tools.console_gallery FOLDER [part of a name ...] [--dark] [--width 390] [--no-js]

No server: the browser's requests are answered from the tree. It also says which pages are wider
than the screen and which targets are smaller than 44 px.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from playwright.sync_api import Page, Route, sync_playwright

from littleshop import i18n
from littleshop.web import assets, pages
from tests.web.console_pages import everything

ART = Path(__file__).parent / "town_art"
HOST = "http://gallery.invalid"
CHROMIUM = "/usr/bin/chromium"
SMALL = """() => {
  const seen = (e) => e.getClientRects().length && !e.closest('.vh') && !e.disabled;
  const box = (e) => (e.closest('label') || e).getBoundingClientRect();
  return [...document.querySelectorAll('a,button,input:not([type=hidden]),select,summary,textarea')]
    .filter(seen).filter((e) => !e.matches('.skip,.vh')).map((e) => [e, box(e)])
    .filter(([, b]) => b.height < 43.5 || b.width < 43.5)
    .map(([e, b]) => `${e.tagName}.${e.className} ${Math.round(b.width)}x${Math.round(b.height)} ${
      e.textContent.trim().slice(0, 20)}`);
}"""


def answer(route: Route, html: str) -> None:
    """Serve the page itself, the assets of the tree and the still lifes; nothing else exists."""
    path = route.request.url.removeprefix(HOST).partition("?")[0]
    if path == "/":
        route.fulfill(content_type="text/html; charset=utf-8", body=html)
    elif path.startswith("/town/"):
        drawing = (ART / path.removeprefix("/town/")).read_text()
        route.fulfill(content_type="image/svg+xml", body=drawing)
    elif path.startswith("/static/"):
        found = assets.load(path.removeprefix("/static/"))
        route.fulfill(content_type=found.kind, body=found.content)
    else:
        route.fulfill(status=404)


def draw(page: Page, html: str, width: int, target: Path) -> list[str]:
    """One picture of the whole page; what is wrong with it as sentences."""
    page.unroute_all()
    page.route("**/*", lambda route: answer(route, html))
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(HOST + "/", wait_until="load")
    page.wait_for_timeout(60)
    height = page.evaluate("Math.ceil(document.documentElement.scrollHeight)")
    wide = page.evaluate("document.documentElement.scrollWidth")
    small = page.evaluate(SMALL)
    page.set_viewport_size({"width": width, "height": max(844, height)})
    page.screenshot(path=str(target))
    return [f"small: {each}" for each in small] + ([f"wide: {wide}"] if wide > width else [])


def main() -> None:
    """Draw what was asked for."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("folder", type=Path)
    asked.add_argument("names", nargs="*")
    asked.add_argument("--dark", action="store_true")
    asked.add_argument("--width", type=int, default=390)
    asked.add_argument("--no-js", action="store_true")
    asked.add_argument("--locale", choices=i18n.LOCALES, action="append")
    told = asked.parse_args()
    told.folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(
            device_scale_factor=2,
            color_scheme="dark" if told.dark else "light",
            java_script_enabled=True,
        )
        page = context.new_page()
        page.on("console", lambda said: print("  console:", said.text))
        for locale in told.locale or i18n.LOCALES:
            for name, (template, sample) in everything(locale).items():
                if told.names and not any(each in name for each in told.names):
                    continue
                html = pages.render(locale, template, **sample)
                if told.no_js:
                    html = html.replace("<script ", '<script type="text/plain" ')
                mood = "-dark" if told.dark else ""
                target = told.folder / f"{name}-{locale}{mood}-{told.width}.png"
                wrong = draw(page, html, told.width, target)
                print(target.name, *(f"\n  {each}" for each in wrong))
        browser.close()


if __name__ == "__main__":
    main()
