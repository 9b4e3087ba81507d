"""The ways to pay by where a page is open (PROTOCOLS 7): which rail works there and how, and
which one needs the way out into an ordinary browser."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from littleshop.pay.gateways import Gateway, How

# None: this container blocks the rail, and its page shows the way out. Not named: not offered.
_MATRIX: dict[str, dict[str, How | None]] = {
    "wechat": {
        "wechat_pay": How.JSAPI,
        "alipay": None,
        "baidu_wallet": None,
        "stripe": How.WAP,
    },
    "alipay": {"alipay": How.WAP},
    "qq": {"alipay": How.WAP, "wechat_pay": None, "stripe": How.WAP},
    "weibo": {"alipay": How.WAP, "wechat_pay": How.WAP, "stripe": How.WAP},
    "baidu": {
        "baidu_wallet": How.WAP,
        "alipay": How.WAP,
        "wechat_pay": How.WAP,
        "stripe": How.WAP,
    },
    "douyin": {"alipay": How.WAP, "wechat_pay": None, "stripe": How.WAP},
    "phone": {
        "alipay": How.WAP,
        "wechat_pay": How.WAP,
        "baidu_wallet": How.WAP,
        "stripe": How.WAP,
    },
    "desktop": {
        "alipay": How.QR,
        "wechat_pay": How.QR,
        "baidu_wallet": How.PAGE,
        "stripe": How.PAGE,
    },
}
# Where a rail's own pages lie when that is not where its calls go; browsers check these too.
CASHIERS = {
    "wechat_pay": ("https://wx.tenpay.com", "https://open.weixin.qq.com"),
    "stripe": ("https://checkout.stripe.com",),
}


class Way(msgspec.Struct, frozen=True):
    """A rail that can be offered; without a `how` only outside this container. A `rare` one is
    folded away under the others."""

    gateway: str
    how: How | None
    rare: bool = False

    @property
    def outside(self) -> bool:
        return self.how is None


def offered(
    rails: Mapping[str, Gateway],
    off: Collection[str],
    container: str,
    currency: str,
    locale: str,
    strange: Collection[str] = (),
) -> list[Way]:
    """The ways to pay in this container, the first one proposed. A rail to which the name in the
    address is `strange` (see `strangers`) shows codes there and nothing else.

    Cards over Stripe are for people abroad: where the shop's money is yuan and the page is read
    in Chinese they are rare, but whoever has no other way finds them.
    """
    found = []
    for name, how in _MATRIX[container].items():
        rail = rails.get(name)
        if rail is None or name in off or currency not in rail.currencies:
            continue
        if name in strange and how is not How.QR:
            continue
        rare = name == "stripe" and currency == "CNY" and locale.startswith("zh")
        if how is None or how in rail.hows:
            found.append(Way(name, how, rare))
    return found


def strangers(rails: Mapping[str, Mapping[str, Any]], host: str) -> frozenset[str]:
    """The rails at which this name of ours is not registered: WeChat opens its cashier only from
    the pages whose names it was told (`hosts` in its settings; without them, from all)."""
    return frozenset(
        name for name, rail in rails.items() if rail.get("hosts") and host not in rail["hosts"]
    )
