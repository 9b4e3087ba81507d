"""Outlets: the places a link is sent to, how each is addressed, and which come first where.

Addresses of the share pages: PROTOCOLS 10. Every value is written as encodeURIComponent writes it.
WeChat has none: inside its browser the page sets the card (web/jssdk.py) and the person presses
"···" himself; from outside he is shown how.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from urllib.parse import quote

import msgspec

Words = Mapping[str, str]  # url, title, text, picture ("" none), site


class Outlet(msgspec.Struct, frozen=True):
    """A place to share to: its name in addresses, the channel of its shares, a letter for its mark,
    its share page's address and the parameters of it ({name} is one of Words); `closed_on` when its
    service has ended. Without `page` it has none."""

    name: str
    channel: str
    mark: str
    page: str = ""
    asks: tuple[tuple[str, str], ...] = ()
    closed_on: date | None = None

    def address(self, words: Words) -> str:
        """Where a link is sent on: the outlet's page with what we say filled in."""
        filled = ((key, told.format_map(words)) for key, told in self.asks)
        query = "&".join(f"{key}={_component(value)}" for key, value in filled if value)
        joint = "&" if "?" in self.page else "?"
        return f"{self.page}{joint}{query}"


def _component(text: str) -> str:
    """As ECMAScript's encodeURIComponent."""
    return quote(text, safe="-_.!~*'()")


_TENCENT = (
    ("url", "{url}"),
    ("title", "{title}"),
    ("desc", "{text}"),
    ("summary", "{text}"),
    ("pics", "{picture}"),
    ("site", "{site}"),
)

WECHAT = ("wechat_friend", "wechat_moments")
_ALL = (
    Outlet("wechat_friend", "wechat_friend", "微"),
    Outlet("wechat_moments", "wechat_moments", "圈"),
    Outlet("qq", "qq", "Q", "https://connect.qq.com/widget/shareqq/index.html", _TENCENT),
    Outlet(
        "qzone",
        "qzone",
        "空",
        "https://sns.qzone.qq.com/cgi-bin/qzshare/cgi_qzshare_onekey",
        _TENCENT,
    ),
    Outlet(
        "weibo",
        "weibo",
        "博",
        "https://service.weibo.com/share/share.php",
        (
            ("url", "{url}"),
            ("title", "{text}"),
            ("pic", "{picture}"),
            ("language", "zh_cn"),
            ("searchPic", "false"),
        ),
    ),
    Outlet(
        "tencent_weibo",
        "tencent_weibo",
        "腾",
        "http://share.v.t.qq.com/index.php?c=share&a=index",
        (("url", "{url}"), ("title", "{text}"), ("pic", "{picture}"), ("site", "{site}")),
        closed_on=date(2020, 9, 28),
    ),
    Outlet("whatsapp", "whatsapp", "W", "https://wa.me/", (("text", "{text} {url}"),)),
    Outlet(
        "facebook", "facebook", "f", "https://www.facebook.com/sharer/sharer.php", (("u", "{url}"),)
    ),
    Outlet("x", "x", "X", "https://x.com/intent/post", (("text", "{text}"), ("url", "{url}"))),
    Outlet("line", "line", "L", "https://social-plugins.line.me/lineit/share", (("url", "{url}"),)),
    Outlet(
        "telegram",
        "telegram",
        "T",
        "https://t.me/share/url",
        (("url", "{url}"), ("text", "{text}")),
    ),
)
OUTLETS = {outlet.name: outlet for outlet in _ALL}

_HERE = ("wechat_friend", "wechat_moments", "qq", "qzone", "weibo")
_ABROAD = ("whatsapp", "facebook", "x", "line", "telegram")
# What makes sense in an app's own browser: its own, and what leads out of it. Apps refuse to open
# what their rivals run.
_FIRST = {
    "wechat": WECHAT,
    "qq": ("qq", "qzone"),
    "weibo": ("weibo",),
    "alipay": (),
    "baidu": _HERE,
}


def arranged(container: str, locale: str) -> tuple[list[Outlet], list[Outlet]]:
    """The outlets that come first where a page is open (web.containers), and the rest."""
    at_home, abroad = (_HERE, _ABROAD) if locale == "zh-CN" else ((*_ABROAD, *WECHAT), ())
    first = _FIRST.get(container, at_home)
    order = [*first, *at_home, *abroad, *OUTLETS]
    ranked = [OUTLETS[name] for name in dict.fromkeys(order)]
    return ranked[: len(first)], ranked[len(first) :]


_STOPS = "，。、；：！？,;:!? ·|/—"


def cut(text: str, most: int) -> str:
    """A title of at most `most` columns (a Chinese sign takes two), cut between words or at a stop
    where there is one late enough; "…" says that it was cut."""
    text = " ".join(text.split())
    if _columns(text) <= most:
        return text
    kept = text
    while kept and _columns(kept) > most - 1:
        kept = kept[:-1]
    for place in range(len(kept), len(kept) * 3 // 5, -1):
        if kept[place - 1] in _STOPS or text[place] in _STOPS:
            kept = kept[:place]
            break
    return kept.rstrip(_STOPS) + "…"


def _columns(text: str) -> int:
    return sum(2 if ord(sign) > 0x2E7F else 1 for sign in text)
