"""The pages of a shop's life with sample contexts: reviews, following, search, story, reports."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from littleshop.risk import reports
from tests.web.storefront_goods import ADA, BOUGHT, GAIWAN, SHELF, TODAY, XIAOMAN, picture, thing

Sample = tuple[str, str, dict[str, Any]]

RATING = thing(mean="4.7", count=126)
OPINIONS = [
    thing(
        id="r1",
        name="陈**",
        choice="青灰 · 只要盖碗",
        title="青灰釉盖碗",
        stars=5,
        words=["釉面比照片温润，出水很快，盖沿不烫手。"],
        photos=[picture("gaiwanTop-celadon")],
        day=date(2026, 11, 18),
        changed=False,
        done="",
        answer=[],
        answered=None,
    ),
    thing(
        id="r2",
        name="周**",
        choice="月白 · 配两只杯",
        title="青灰釉盖碗",
        stars=4,
        words=["路上磕了个小口，说了以后第二天就补寄，也没让我退回去。"],
        photos=[picture("gaiwan-celadon"), picture("gaiwanSet-celadon")],
        day=date(2026, 10, 30),
        changed=True,
        done="exchange",
        answer=["下次会包厚一点。"],
        answered=date(2026, 11, 1),
    ),
]
REVIEWED = {"rating": RATING, "opinions": OPINIONS}
_THING = thing(title=BOUGHT[0].title, choice="只要盖碗", picture=picture("gaiwan-celadon"))
_LINE = thing(url="/o/T/reviews/1", title=GAIWAN.title, stars=0, may_amend=False)
AFTER = thing(lines=[_LINE], follow="/o/T/following", follows=False, talk=thing(new=2))


def review(**facts: Any) -> dict[str, Any]:
    """The page on which a buyer says how it is."""
    return {
        "shop": XIAOMAN,
        "order": thing(token="T", number="1042"),
        "position": 1,
        "item": _THING,
        "sheet": thing(stars=0, words="", wrong={}),
        "said": "",
        "carried": [],
        "fixed": False,
        "down": "",
        "answer": [],
    } | facts


def report(**facts: Any) -> dict[str, Any]:
    """Saying that something is wrong."""
    return {
        "shop": ADA,
        "about": "/@ada",
        "what": "shop",
        "name": "Ada’s Corner",
        "back": "/@ada",
        "kinds": reports.KINDS,
        "kind": "",
        "words": "",
        "done": False,
        "problem": "",
        "form_key": "K",
    } | facts


def samples() -> Iterator[Sample]:
    """Every page: a name, its template, its context."""
    known = {"shop": XIAOMAN, "product": GAIWAN, "today": TODAY, "older": "/@x?page=2"}
    yield "reviews", "reviews", known | REVIEWED
    yield "reviews-none", "reviews", known | {"rating": None, "opinions": [], "older": ""}
    yield "review", "review", review()
    bad = thing(stars=2, words="口沿磕了。", wrong={"stars": "选一到五颗星。", "photos": "太大"})
    kept = [("gaiwan-celadon", "k1"), ("gaiwanTop-celadon", "k2")]
    yield "review-wrong", "review", review(sheet=bad, carried=kept)
    yield "review-fixed", "review", review(sheet=bad, fixed=True, answer=["下次包厚一点。"])
    follow = {"shop": ADA, "phone": "", "sent": "", "problem": "", "form_key": "K"}
    yield "follow", "follow", follow
    yield "follow-code", "follow", follow | {"sent": "138 **** 2046", "problem": "2 tries left"}
    news = {"shop": ADA, "token": "T", "left": False, "phone": "138 **** 2046", "listens": False}
    yield "news", "news", news | {"products": SHELF[:3], "push": thing(key="BKEY")}
    yield "news-left", "news", news | {"products": [], "push": None, "left": True}
    search = {"shop": ADA, "q": "wool", "products": SHELF[:5], "most": False, "tags": ["Soap"]}
    yield "search", "search", search
    yield "search-none", "search", search | {"q": "<b>不存在", "products": []}
    yield "search-empty", "search", search | {"q": "", "products": []}
    yield "story", "story", {"shop": XIAOMAN}
    yield "report", "report", report()
    yield "report-done", "report", report(done=True)
