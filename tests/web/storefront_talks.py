"""The pages of a conversation with sample contexts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from littleshop.clock import SHANGHAI
from littleshop.web.talk_views import Card
from tests.cast import CNY
from tests.web.storefront_goods import ADA, NOW, XIAOMAN, thing

Sample = tuple[str, str, dict[str, Any]]
THING = Card("product", title="青灰釉盖碗", picture="gaiwan-celadon", price=CNY("168.00"))


def _row(by: str, words: str, **more: Any) -> Any:
    blank = {"photo_url": "", "letter_url": "", "state": "", "at": NOW, "position": 1}
    return thing(by=by, words=words, **(blank | more))


def samples() -> Iterator[Sample]:
    """Every page: a name, its template, its context."""
    others = [thing(card=Card("shop"), words="", is_photo=True, new=2, url="/c/U")]
    new = {"about": "product", "title": "青灰釉盖碗", "here": "/@x/conversation", "back": ""}
    typed = {"name": "", "words": "", "key": "K", "photo_kept": "", "wrong": "", "others": others}
    yield "talk-new", "talk_new", {"shop": XIAOMAN} | new | typed
    rows = [
        _row("buyer", "有现货吗？", photo_url="/c/T/photos/1"),
        _row("seller", "", letter_url="/i/L", state="sent"),
        _row("seller", "", letter_url="/i/M", state="paid"),
    ]
    known = {"shop": XIAOMAN, "token": "T", "card": THING, "card_url": "/@x/p/1", "rows": rows}
    known |= {"closed": False, "wrong": "", "others": [], "now": NOW, "zone": SHANGHAI}
    known["typed"] = thing(words="", photo_kept="K", form_key="K")
    phone = {"known": "", "typed": "", "sent": "", "problem": "", "key": "K"}
    yield "talk", "talk", known | {"phone": thing(**phone)}
    told = {"phone": thing(**(phone | {"known": "138 **** 2046"})), "closed": True}
    gone = {"card": Card("product", gone=True), "card_url": ""}
    yield "talk-closed", "talk", known | told | gone
    door = {"shop": ADA, "token": "T", "sent": False, "problem": "", "form_key": "K"}
    yield "talk-door", "talk_door", door | {"can_prove": True}
    yield "talk-door-shut", "talk_door", door | {"can_prove": False}
