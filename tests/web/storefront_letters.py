"""Letters as handlers hand them to storefront templates."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from littleshop.clock import SHANGHAI
from tests.web.storefront_goods import NOW, XIAOMAN, cny, picture, thing


def sheet(**wish: Any) -> Any:
    """What letter.sheet draws."""
    facts: dict[str, Any] = {
        "face": XIAOMAN,
        "head": "小满写给阿婷",
        "from_where": "小满茶器 · 江西景德镇",
        "words": "上回你说想要月白的那只。这窑正好出了只最匀的，先替你收着。\n茶针送你。",
        "signed": "小满，今天 16:05",
        "stamp": thing(
            picture=picture("gaiwan-moon"),
            name="月白釉盖碗",
            place="江西景德镇",
            amount=cny("180.00"),
        ),
        "postmark": ("2026", "11.22"),
        "ended": "",
        "lines": [
            thing(
                label="月白釉盖碗",
                note="只给你的价，架上 ¥198.00",
                amount=cny("168.00"),
                said="",
                good=False,
            ),
            thing(label="竹茶针", note="", amount=None, said="送", good=False),
            thing(label="快递", note="", amount=cny("12.00"), said="", good=False),
        ],
        "total": cny("180.00"),
        "total_label": "一共",
    }
    return thing(**(facts | wish))


def invitation(state: str = "open", **wish: Any) -> dict[str, Any]:
    """The page of an invitation to pay."""
    ends = {"paid": "付了", "used": "付了", "expired": "过期", "cancelled": "取消"}
    return {
        "shop": XIAOMAN,
        "it": sheet(ended=ends.get(state, "")),
        "token": "TOKEN",
        "state": state,
        "what_next": "告诉小满一声，她可以再写一封。",
        "order_url": "/o/TOKEN" if state in ("mine", "paid") else None,
        "amount": cny("180.00"),
        "till": NOW + timedelta(hours=18),
        "left": None,
        "held": False,
        "way": "courier",
        "now": NOW,
        "zone": SHANGHAI,
        "may": thing(decline=True, ask=None, other=None),
        "said": None,
        "within": timedelta(days=2),
        "thread": None,
        "open_url": "/open",
    } | wish


def letters() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """An invitation in its states."""
    for state in ("open", "mine", "paid", "used", "expired", "cancelled"):
        yield f"invitation-{state}", "letter", invitation(state)
    yield "invitation-for-nothing", "letter", invitation(way="none", left=3)
    bare = sheet(words="", stamp=thing(picture=None, name="碗", place="", amount=None), total=None)
    yield "invitation-bare", "letter", invitation(it=bare)


def to_payer(kind: str = "pay_for_me", state: str = "open", **wish: Any) -> dict[str, Any]:
    """The page of a letter to whoever pays."""
    gift = thing(name="小陈", words="生日快乐", amount=cny("50.00"), back=cny("0.00"), at=NOW)
    unnamed = thing(name="", words="", amount=cny("20.00"), back=cny("20.00"), at=NOW)
    whole = kind == "pay_for_me"
    facts: dict[str, Any] = {} if whole else {"lines": [], "total": None}
    return {
        "shop": XIAOMAN,
        "it": sheet(ended="" if state == "open" else "过期", **facts),
        "token": "TOKEN",
        "kind": kind,
        "state": state,
        "by": "阿婷",
        "amount": cny("180.00"),
        "pot": thing(
            left=cny("110.00"),
            total=cny("180.00"),
            there=cny("70.00"),
            gifts=[] if whole else [gift, unnamed],
            goods="月白釉盖碗",
        ),
        "sums": [cny("20.00"), cny("50.00")],
        "mine": [],
        "twice": None,
        "till": NOW + timedelta(hours=18),
        "key": "k" * 20,
        "refused": "",
        "now": NOW,
        "zone": SHANGHAI,
    } | wish


def to_payers() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """A letter to whoever pays, in its states."""
    for kind in ("pay_for_me", "chip_in"):
        for state in ("open", "gone", "expired", "withdrawn", "replaced", "cancelled", "paid"):
            yield f"{kind}-{state}", "pay_letter", to_payer(kind, state)
    money = [
        thing(where=where, amount=cny("50.00"), back=back, at=NOW)
        for where, back in (("held", cny("20.00")), ("back", cny("50.00")), ("twice", cny("50.00")))
    ]
    yield "payer-of-thrice", "pay_letter", to_payer("chip_in", mine=money, sums=[])
    yield "payer-of-nobody", "pay_letter", to_payer(by="", state="back", twice=cny("180.00"))
