"""Which ways to pay a page offers follows where it is open (PROTOCOLS 7)."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from littleshop import db
from littleshop.errors import Refused
from littleshop.pay import switches
from littleshop.pay.gateways import How
from littleshop.web.storefront import ways
from tests.cast import Town
from tests.web.market import Market, reference_of


@dataclass(frozen=True)
class Rail:
    hows: frozenset[How]
    currencies: frozenset[str] = frozenset({"CNY"})


RAILS = {
    "alipay": Rail(frozenset({How.WAP, How.PAGE, How.QR})),
    "wechat_pay": Rail(frozenset({How.WAP, How.QR, How.JSAPI})),
    "baidu_wallet": Rail(frozenset({How.WAP, How.PAGE})),
    "stripe": Rail(frozenset({How.WAP, How.PAGE}), frozenset({"CNY", "GBP"})),
}


def offered(container: str, currency: str = "CNY", locale: str = "zh-CN", **off: str) -> list[str]:
    found = ways.offered(RAILS, off, container, currency, locale)  # type: ignore[arg-type]
    return [f"{way.gateway} {way.how.value if way.how else 'outside'}" for way in found]


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        ("wechat", ["wechat_pay jsapi", "alipay outside", "baidu_wallet outside"]),
        ("alipay", ["alipay wap"]),
        ("qq", ["alipay wap", "wechat_pay outside"]),
        ("weibo", ["alipay wap", "wechat_pay wap"]),
        ("baidu", ["baidu_wallet wap", "alipay wap", "wechat_pay wap"]),
        ("douyin", ["alipay wap", "wechat_pay outside"]),
        ("phone", ["alipay wap", "wechat_pay wap", "baidu_wallet wap"]),
        ("desktop", ["alipay qr", "wechat_pay qr", "baidu_wallet page"]),
    ],
)
def test_each_container_offers_what_works_there(container: str, expected: list[str]) -> None:
    assert [each for each in offered(container) if "stripe" not in each] == expected


def test_cards_are_for_people_abroad() -> None:
    in_chinese = ways.offered(RAILS, {}, "phone", "CNY", "zh-CN")  # type: ignore[arg-type]
    assert [way.gateway for way in in_chinese if way.rare] == ["stripe"]
    assert in_chinese[-1].gateway == "stripe"
    assert offered("phone", locale="en")[-1] == "stripe wap"
    assert offered("phone", currency="GBP") == ["stripe wap"]


def test_a_rail_that_is_off_is_not_offered() -> None:
    left = ["wechat_pay wap", "baidu_wallet wap", "stripe wap"]
    assert offered("phone", alipay="they are down") == left


async def test_a_rail_is_switched_off_with_a_reason_and_on_again(
    town: Town, database: db.Database
) -> None:
    async with database.connection() as conn:
        with pytest.raises(Refused, match="switch_why"):
            await switches.switch_off(conn, "alipay", why=" ", by="ops", at=town.at)
        await switches.switch_off(conn, "alipay", why="notices are late", by="ops", at=town.at)
        assert (await switches.off(conn))["alipay"].why == "notices are late"
        assert await switches.switch_on(conn, "alipay")
        assert await switches.off(conn) == {}


async def test_switched_off_in_the_middle_of_a_purchase_loses_nothing(market: Market) -> None:
    """The order stands, its cashier says that this way is closed, and money that is under way
    already is taken in."""
    await market.to_checkout()
    reference = reference_of(await market.place())
    async with market.world.house.database.connection() as conn:
        await switches.switch_off(conn, "alipay", why="down", by="ops", at=market.world.at)
    await market.to_checkout(other := market.world.browser("zh-CN"))
    assert "支付宝" not in (await other.get("/@xiaoman/checkout")).text
    await market.notify(reference)
    await market.world.work()
    assert await market.statuses() == ["to_ship"]
