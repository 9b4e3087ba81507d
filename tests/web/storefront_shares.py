"""The pages of the share kit as samples: a name, its template, what a handler hands it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from littleshop.social import outlets, posters
from tests.web.storefront_goods import ADA, GAIWAN, HOST, NOW, XIAOMAN, cny, days, qr, thing

Sample = tuple[str, str, dict[str, Any]]


def _kit(inside: str = "phone", **more: Any) -> dict[str, Any]:
    first, rest = outlets.arranged(inside, "zh-CN")
    link = f"{HOST}/s/5-7q2kab"
    return {
        "shop": XIAOMAN,
        "subject": thing(title=GAIWAN.title, product_id=GAIWAN.id, address="/@xiaoman/p/1"),
        "links": {"link": link, "qr": link, "system": link},
        "text": "看看这只盖碗",
        "qr": qr(link),
        "first": first,
        "rest": rest,
        "robot": False,
        "inside": inside,
        "wx": None,
        **more,
    }


_EARN: dict[str, Any] = {
    "amount": cny("16.80"), "rate": "10%", "second": "2%", "known": True, "shop": "", "on": False,
    "mine": [{"id": 2, "name": "晓晓的小铺"}], "action": "#", "opening": "/open",
    "sign_in": "/sign-in",
}  # fmt: skip
_EARNING: dict[str, dict[str, Any]] = {
    "may": {},
    "shop": {"amount": None, "second": ""},
    "does": {"on": True, "shop": "晓晓的小铺"},
    "signed-out": {"on": True, "known": False, "mine": []},
    "needs-a-shop": {"known": False, "mine": []},
}


def samples() -> Iterator[Sample]:
    """The sheet where it is open, and every way that leads on from it."""
    told = {"script": "https://res.wx.qq.com/open/js/jweixin-1.6.0.js", "told": {"config": {}}}
    yield "share", "share", _kit()
    yield "share-desk", "share", _kit("desktop")
    yield "share-wechat", "share", _kit("wechat", wx=told)
    for name, more in _EARNING.items():
        yield f"share-earning-{name}", "share", _kit(earn=thing(**(_EARN | more)))
    yield "share-robot", "share", _kit(robot=True, first=(), rest=())
    for inside in ("phone", "desktop", "wechat"):
        for name in outlets.WECHAT:
            how = _kit(inside, outlet=outlets.OUTLETS[name])
            yield f"share-how-{name}-{inside}", "share_wechat", how
    closed = _kit(outlet=outlets.OUTLETS["tencent_weibo"])
    yield "share-closed", "share_closed", closed
    dates: dict[str, Any] = {"until": (NOW + days(30)).date(), "today": NOW.date()}
    where = "shop.example/code"
    code = _kit(passcode="ACDE 3467", where=where, **dates)
    yield "share-passcode", "share_passcode", code
    blank: dict[str, Any] = {"made": None, "days": "7 天", "typed": {}, "errors": {}} | dates
    yield "share-personal", "share_personal", _kit(**blank)
    wrong: dict[str, Any] = {"typed": {"sender": "小满"}, "errors": {"friend": "写上给谁"}}
    yield "share-personal-wrong", "share_personal", _kit(**(blank | wrong))
    made = thing(friend="阿婷", sender="小满")
    yield "share-personal-made", "share_personal", _kit(**(blank | {"made": made}))
    silent = thing(friend="阿婷", sender="")
    yield "share-personal-silent", "share_personal", _kit(**(blank | {"made": silent}))
    sizes = {name: size[:2] for name, size in posters.FORMATS.items()}
    poster = _kit(code="5-7q2kab", format="tall", formats=sizes)
    yield "share-poster", "share_poster", poster
    yield "code", "code", {"typed": "", "wrong": ""}
    yield "code-wrong", "code", {"typed": "ACDE", "wrong": "口令要 8 位，现在 4 位。"}
    greeting = thing(sender="小满", friend="阿婷")
    basket = thing(count=0, sum=None)
    mine = {
        "shop": ADA,
        "basket": basket,
        "left": [],
        "greeting": greeting,
        "talk": 3,
        "floating": False,
    }
    yield "mine-greeted", "mine", mine
