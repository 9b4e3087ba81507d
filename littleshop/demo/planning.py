"""Forty days of a shop as a plan: who orders what and when, and what becomes of it.

Pure and repeatable: the same town and the same moment give the same plan, so that a second start
recognises every order of the first. Rhythm of hours and weekdays, growth, and what each share
brought after it was sent.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Literal, NamedTuple

from littleshop.clock import SHANGHAI
from littleshop.demo import Goods, Store, Town
from littleshop.demo.strangers import Buyer, buyers_of

DAYS = 40
Fate = Literal["received", "silent", "called_off", "withdrawn", "unpaid", "waits"]
HOURS = (2, 1, 1, 1, 1, 2, 4, 8, 12, 14, 15, 16, 21, 19, 14, 13, 13, 14, 17, 21, 27, 28, 20, 9)
WEEKDAYS = (0.88, 0.84, 0.9, 0.95, 1.12, 1.32, 1.22)
ORDERS_A_DAY = {"xiaoman": 1.9, "adas-corner": 1.4, "laozhou": 2.6, "banye": 2.2, "night-owl": 0.9}
VISITORS_PER_ORDER = {"night-owl": 90, "xiaoman": 60}
# how many of a hundred who come by such a link buy, against 100 of those who come by themselves
SUCCESS = {
    "wechat_friend": 2.4, "whatsapp_friend": 2.2, "wechat_group": 1.7, "whatsapp": 1.4, "qr": 1.3,
    "official_account": 1.2, "email": 1.1, "wechat_moments": 0.9, "copy_link": 0.6, "weibo": 0.35,
}  # fmt: skip


class Wanted(NamedTuple):
    """A line of an order: a product's key, which of its variants, how many."""

    goods: str
    variant: int
    quantity: int


class Wish(NamedTuple):
    """An order and its life; moments that lie beyond the plan's end do not happen."""

    number: int
    placed_at: datetime
    buyer: Buyer
    items: tuple[Wanted, ...]
    way: str
    share: int | None
    method: str
    fate: Fate
    pays_at: datetime
    leaves_at: datetime
    ends_at: datetime


class Crowd(NamedTuple):
    """The visitors of a day: how many came by themselves and by each share."""

    day: date
    alone: int
    by_share: tuple[int, ...]


class Plan(NamedTuple):
    """A shop's forty days, up to `until`."""

    store: Store
    until: datetime
    shared_at: tuple[datetime, ...]
    crowds: tuple[Crowd, ...]
    wishes: tuple[Wish, ...]


def make(town: Town, store: Store, until: datetime) -> Plan:
    """The plan of one shop of the town."""
    rng = random.Random(f"{store.slug} {until.isoformat()}")
    today = until.astimezone(SHANGHAI).date()
    days = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    shared = tuple(
        _moment(rng, days[min(DAYS - 2, 1 + round(place * 34 / len(store.shares)))])
        for place in range(len(store.shares))
    )
    crowds, wishes = [], []
    people = buyers_of(town, store, rng)
    for place, day in enumerate(days):
        alone, by_share = _orders_expected(store, place, day, shared)
        crowds.append(_crowd(rng, store, day, alone, by_share))
        for source, expected in [(None, alone), *enumerate(by_share)]:
            for _ in range(_poisson(rng, expected)):
                wishes.append(_wish(rng, store, people, _moment(rng, day), source))
    wishes = [wish for wish in wishes if wish.placed_at < until - timedelta(minutes=12)]
    wishes = [wish for wish in wishes if wish.share is None or wish.placed_at > shared[wish.share]]
    wishes += _leftovers(rng, store, people, until)
    wishes += _first_buyers(rng, store, people, wishes, until)
    wishes.sort(key=lambda wish: wish.placed_at)
    numbered = tuple(wish._replace(number=number) for number, wish in enumerate(wishes))
    return Plan(store, until, shared, tuple(crowds), numbered)


def _orders_expected(
    store: Store, place: int, day: date, shared: Sequence[datetime]
) -> tuple[float, list[float]]:
    """Orders expected on a day: of people by themselves, and of each share's."""
    rhythm = ORDERS_A_DAY.get(store.slug, 1.5) * WEEKDAYS[day.weekday()]
    weights = sum(share.weight for share in store.shares)
    by_share = []
    for share, at in zip(store.shares, shared, strict=True):
        age = (day - at.astimezone(SHANGHAI).date()).days
        pull = 0.0 if age < 0 else 0.12 + math.exp(-age / 2.5)  # a first rush, then a trickle
        success = SUCCESS.get(share.channel, 1.0)
        by_share.append(rhythm * 2.2 * pull * success * share.weight / weights)
    return rhythm * (0.35 + 0.75 * place / DAYS), by_share


def _crowd(
    rng: random.Random, store: Store, day: date, alone: float, by_share: Sequence[float]
) -> Crowd:
    each = VISITORS_PER_ORDER.get(store.slug, 45)
    came = [
        _poisson(rng, orders * each / SUCCESS.get(share.channel, 1.0))
        for share, orders in zip(store.shares, by_share, strict=True)
    ]
    return Crowd(day, _poisson(rng, alone * each), tuple(came))


def _poisson(rng: random.Random, expected: float) -> int:
    if expected > 30:
        return max(0, round(rng.gauss(expected, math.sqrt(expected))))
    limit, count, product = math.exp(-expected), 0, rng.random()
    while product > limit:
        count += 1
        product *= rng.random()
    return count


def _moment(rng: random.Random, day: date) -> datetime:
    hour = rng.choices(range(24), HOURS)[0]
    return datetime.combine(day, time(hour, rng.randrange(60), rng.randrange(60)), tzinfo=SHANGHAI)


def moments(rng: random.Random, day: date, count: int) -> Iterator[datetime]:
    """When visitors come on a day."""
    for _ in range(count):
        yield _moment(rng, day)


def _wish(
    rng: random.Random,
    store: Store,
    people: Sequence[tuple[Buyer, float]],
    at: datetime,
    share: int | None,
    fate: Fate | None = None,
) -> Wish:
    buyer = rng.choices([each for each, _ in people], [weight for _, weight in people])[0]
    fates: tuple[Fate, ...] = ("received", "silent", "called_off", "withdrawn", "unpaid")
    fate = fate or rng.choices(fates, (78, 9, 4, 2, 7))[0]
    pays_at = at + timedelta(seconds=rng.randint(25, 420))
    leaves_at = _working_hours(rng, pays_at + timedelta(hours=rng.uniform(2, 26)))
    if fate == "called_off":
        leaves_at = pays_at + timedelta(minutes=rng.randint(10, 400))
    ends_at = leaves_at + timedelta(days=rng.uniform(1.6, 5.5))
    town = buyer.city.removesuffix("市")
    near = town in store.place or (town == "上海" and "Shanghai" in store.place)
    return Wish(
        number=0,
        placed_at=at,
        buyer=buyer,
        items=_items(rng, store, share, keeps=fate in ("called_off", "withdrawn", "unpaid")),
        way="pickup" if near and rng.random() < 0.4 else "courier",
        share=share,
        method=rng.choices(("wap", "page", "qr"), (82, 12, 6))[0],
        fate=fate,
        pays_at=pays_at,
        leaves_at=leaves_at,
        ends_at=ends_at,
    )


def _working_hours(rng: random.Random, at: datetime) -> datetime:
    here = at.astimezone(SHANGHAI)
    if here.hour >= 19:
        here += timedelta(days=1)
    if here.hour >= 19 or here.hour < 9:
        here = here.replace(hour=rng.randint(9, 11), minute=rng.randrange(60))
    return here


def _items(
    rng: random.Random, store: Store, share: int | None, *, keeps: bool
) -> tuple[Wanted, ...]:
    """What somebody puts in: mostly one thing, the shared one first of all."""
    key = store.shares[share].product if share is not None else None
    chosen: dict[tuple[str, int], int] = {}
    for _ in range(rng.choices((1, 2, 3), (70, 23, 7))[0]):
        goods = next((each for each in store.products if each.key == key), None)
        if goods is None or chosen or rng.random() < 0.25:
            goods = rng.choices(store.products, [_appeal(each, keeps) for each in store.products])[
                0
            ]
        weights = [_sells(each.stock, keeps) for each in goods.variants]
        if goods.status != "on_sale" or not sum(weights):
            continue
        variant = rng.choices(range(len(weights)), weights)[0]
        cheap = goods.variants[variant].price_minor < 10_000
        chosen[goods.key, variant] = rng.choices((1, 2, 3), (80, 16, 4) if cheap else (97, 3, 0))[0]
    if not chosen:
        return _items(rng, store, None, keeps=keeps)
    return tuple(Wanted(goods, variant, many) for (goods, variant), many in chosen.items())


def _appeal(goods: Goods, keeps: bool) -> float:
    return goods.popularity * math.sqrt(sum(_sells(each.stock, keeps) for each in goods.variants))


def _sells(stock: int, keeps: bool) -> float:
    """How often a variant goes: what there is one of goes once or never, what is gone went."""
    if keeps:
        return math.sqrt(stock) if stock >= 8 else 0.0
    return {0: 1.2, 1: 0.15, 2: 0.4}.get(stock, math.sqrt(stock))


def _first_buyers(
    rng: random.Random,
    store: Store,
    people: Sequence[tuple[Buyer, float]],
    wishes: Sequence[Wish],
    until: datetime,
) -> list[Wish]:
    """Whatever is for sale, somebody has had for days by now, and can say how it is."""
    had = {
        item.goods
        for wish in wishes
        if wish.fate == "received" and wish.ends_at < until - timedelta(days=4)
        for item in wish.items
    }
    found = []
    for goods in store.products:
        most = max(range(len(goods.variants)), key=lambda at: goods.variants[at].stock)
        if goods.key not in had and goods.status == "on_sale" and goods.variants[most].stock:
            at = _moment(rng, until.astimezone(SHANGHAI).date() - timedelta(days=16))
            wish = _wish(rng, store, people, at, None, "received")
            found.append(wish._replace(way="courier", items=(Wanted(goods.key, most, 1),)))
    return found


def _leftovers(
    rng: random.Random, store: Store, people: Sequence[tuple[Buyer, float]], until: datetime
) -> list[Wish]:
    """What waits for the seller when the door opens: to ship, one of them late, one unpaid; and a
    parcel that is surely on its way."""
    ago = [timedelta(days=3, hours=5), timedelta(hours=19), timedelta(hours=5, minutes=20)]
    wishes = [_wish(rng, store, people, until - age, None, "waits") for age in ago]
    wishes.append(_wish(rng, store, people, until - timedelta(minutes=6), None, "unpaid"))
    sent = _wish(rng, store, people, until - timedelta(days=1, hours=4), None, "silent")
    wishes.append(sent._replace(way="courier", leaves_at=until - timedelta(hours=9)))
    midnight = until.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    if until - midnight > timedelta(minutes=20):  # somebody came today, however early it is
        at = midnight + (until - midnight) * rng.uniform(0.55, 0.9)
        wishes.append(_wish(rng, store, people, at, 0, "waits"))
    return wishes
