"""Who buys: the townspeople, again and again, and strangers whom a share brought, once or twice.

Strangers are made up: common names, phones of the run 139 0000 1000-1999 that nobody is given
here, streets of the townspeople's with other doors.
"""

from __future__ import annotations

import random
from typing import NamedTuple

from littleshop.demo import Store, Town
from littleshop.trade.orders import Delivery

_FAMILY = "陈林黄张李王吴刘蔡杨许郑谢郭洪曾邱廖赖徐周叶苏庄吕江何萧罗高"
_GIVEN = (  # two signs each
    "雨晴子墨静怡浩然思琪文博晓彤俊杰梦瑶志远佳慧宇航诗涵建华丽娟明轩雪梅国强可欣天佑若曦海涛心怡振宇慧敏立新婉清家伟"
)
_FIRST = ("Alice", "Noah", "Mia", "Leo", "Grace", "Adam", "Ruth", "Oscar", "Irene", "Felix", "Nina")
_LAST = ("Hart", "Novak", "Costa", "Brandt", "Wills", "Duval", "Reyes", "Moore", "Silva", "Keane")
_LANES = ("梧桐里", "东升小区", "锦绣花园", "和平新村", "翠湖苑", "幸福路", "文昌巷")


class Buyer(NamedTuple):
    """Somebody who orders; `city` as in the address."""

    delivery: Delivery
    locale: str
    city: str


def buyers_of(town: Town, store: Store, rng: random.Random) -> list[tuple[Buyer, float]]:
    """Who may order in this shop, and how often against the others."""
    regulars = [
        (
            Buyer(
                Delivery(
                    name=person.name,
                    phone=person.phone,
                    province=person.address.province,
                    city=person.address.city,
                    district=person.address.district,
                    street=person.address.street,
                ),
                person.locale,
                person.address.city,
            ),
            6.0 if store.slug in person.tastes else 0.7,
        )
        for person in town.people
    ]
    place = [shop.slug for shop in town.shops].index(store.slug)
    return regulars + [
        (_stranger(town, store, rng, place * 200 + number), 1.0) for number in range(60)
    ]


def _stranger(town: Town, store: Store, rng: random.Random, number: int) -> Buyer:
    home = rng.choice(town.people).address
    english = store.locale == "en" and rng.random() < 0.6
    if english:
        name, door = f"{rng.choice(_FIRST)} {rng.choice(_LAST)}", f"Room {rng.randint(101, 2806)}"
    else:
        name, door = rng.choice(_FAMILY) + _given(rng), f"{rng.randint(101, 2806)} 室"
    lane = f"{rng.choice(_LANES)} {rng.randint(1, 40)} 号 {door}"
    delivery = Delivery(
        name=name,
        phone=f"+8613900{1000 + number:06}",
        province=home.province,
        city=home.city,
        district=home.district,
        street=lane,
    )
    return Buyer(delivery, "en" if english else "zh-CN", home.city)


def _given(rng: random.Random) -> str:
    place = 2 * rng.randrange(len(_GIVEN) // 2)
    return _GIVEN[place : place + 2]
