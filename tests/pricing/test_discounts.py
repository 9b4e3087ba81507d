"""What is off: best for the buyer, never below cost unasked, and every fen accounted for."""

from __future__ import annotations

import random
from typing import Any
from uuid import UUID, uuid4

import pytest

from littleshop.money import Money
from littleshop.pricing.discounts import Thing, left, work_out
from littleshop.pricing.offers import Coupon, Offers, Privilege
from littleshop.pricing.quotes import Item, quote
from tests.pricing.test_quotes import fact


def privilege(kind: str, **more: Any) -> Privilege:
    return Privilege(uuid4(), kind, kind, **more)


def coupon(minor: int | None = None, bps: int | None = None, **more: Any) -> Coupon:
    kind = "percent" if bps else "fixed"
    return Coupon(uuid4(), "CODE", kind, "券", bps=bps, minor=minor, **more)


def things(*lines: tuple[int, int, int | None]) -> list[Thing]:
    return [Thing(uuid4(), price, quantity, cost) for price, quantity, cost in lines]


TEN = privilege("percent", bps=1000)
HALF = privilege("percent", bps=5000)
FREELY = privilege("percent", bps=5000, below_cost=True)
CAKE = privilege("birthday", bps=2000, claim=uuid4())
GIVEN = privilege("credit", minor=2000, left=1500, claim=uuid4())

TABLE = [
    # lines (price, pieces, cost), privileges, coupons, postage, what is off by kind
    ([(10000, 1, None)], [TEN], [], 0, {"privilege": 1000}),
    ([(10000, 2, None)], [TEN, CAKE], [], 0, {"privilege": 4000}),
    ([(10000, 1, 6000)], [HALF], [], 0, {"privilege": 4000}),
    ([(10000, 1, 6000)], [FREELY], [], 0, {"privilege": 5000}),
    ([(10000, 1, None)], [TEN], [coupon(500)], 0, {"privilege": 1000, "coupon": 500}),
    ([(10000, 1, None)], [], [coupon(500), coupon(bps=1000)], 0, {"coupon": 1000}),
    ([(10000, 1, None)], [TEN], [coupon(500, least=9500)], 0, {"privilege": 1000}),
    ([(10000, 1, 9800)], [], [coupon(500)], 0, {"coupon": 200}),
    ([(10000, 1, 9800)], [GIVEN], [], 0, {"credit": 1500}),
    ([(10000, 1, None)], [], [coupon(500, no="gone")], 0, {}),
    ([(300, 1, None)], [GIVEN], [coupon(500)], 0, {"coupon": 299}),
    ([(300, 1, None)], [GIVEN], [], 800, {"credit": 300}),
    ([(1, 1, None)], [HALF], [], 0, {}),
]


@pytest.mark.parametrize(("lines", "privileges", "coupons", "postage", "off"), TABLE)
def test_what_is_off(
    lines: Any, privileges: Any, coupons: Any, postage: int, off: dict[str, int]
) -> None:
    offers = Offers(tuple(privileges), tuple(coupons))
    made = work_out(things(*lines), offers, postage)
    assert {each.kind: each.minor for each in made.discounts} == off


def test_a_price_list_names_its_own_price_and_a_better_percent_takes_the_other_line() -> None:
    cup, pot = things((5000, 3, None), (10000, 1, None))
    listed = privilege("prices", prices={cup.variant_id: 4000, pot.variant_id: 9500})
    made = work_out([cup, pot], Offers((listed, TEN)), 0)
    assert [(each.reason, each.parts) for each in made.discounts] == [
        ("prices", (3000, 0)),
        ("percent", (0, 1000)),
    ]


def test_a_birthday_that_is_no_better_is_kept_for_another_day() -> None:
    made = work_out(things((10000, 1, None)), Offers((CAKE, privilege("percent", bps=2000))), 0)
    assert [each.reason for each in made.discounts] == ["percent"]
    assert made.takes == ()


def test_what_was_typed_and_is_not_used_says_why() -> None:
    bowl = things((10000, 1, None))
    short = coupon(500, least=12000, typed=True)
    assert [(h.why, h.minor) for h in work_out(bowl, Offers((), (short,)), 0).hints] == [
        ("short", 2000)
    ]
    assert [h.why for h in work_out(bowl, Offers(), 0, "NOSUCH").hints] == ["unknown"]
    worse = Offers((), (coupon(100, typed=True), coupon(500)))
    assert [h.why for h in work_out(bowl, worse, 0).hints] == ["better"]


def _offers(dice: random.Random, variants: list[UUID]) -> Offers:
    prices = {each: dice.randint(1, 9000) for each in variants}
    privileges = [
        privilege("prices", prices=prices, below_cost=dice.random() < 0.5),
        privilege("percent", bps=dice.randint(100, 9900), below_cost=dice.random() < 0.5),
        privilege("birthday", bps=dice.randint(100, 9900), claim=uuid4()),
        privilege("postage"),
        privilege("credit", minor=50000, left=dice.randint(0, 20000), claim=uuid4()),
    ]
    coupons = [coupon(dice.randint(1, 9000), least=dice.randint(0, 9000)), coupon(bps=1500)]
    return Offers(
        tuple(dice.sample(privileges, dice.randint(0, 5))),
        tuple(dice.sample(coupons, dice.randint(0, 2))),
    )


def test_lines_sum_to_the_total_and_every_piece_returned_is_exactly_what_was_paid() -> None:
    dice = random.Random(41)
    for _ in range(1500):
        facts = [
            fact(
                dice.choice([1, 3, 99, dice.randint(1, 20000)]),
                flat=dice.choice([0, 800]),
                cost_minor=dice.choice([None, dice.randint(1, 9000)]),
            )
            for _ in range(dice.randint(1, 5))
        ]
        offers = _offers(dice, [each.variant_id for each in facts])
        known = {each.variant_id: each for each in facts}
        items = [Item(each.variant_id, dice.randint(1, 7)) for each in facts]
        told = {"privileges": list(offers.privileges), "coupons": list(offers.coupons)}
        first = facts[0].variant_id
        known[first] = fact(
            **{name: getattr(facts[0], name) for name in ("variant_id", "cost_minor")},
            price=facts[0].price_minor,
            flat=facts[0].shipping_flat_minor,
            offers=told,
        )
        made = quote(known, items, "courier")
        assert sum(line.amount.minor for line in made.lines) == made.total.minor >= 1
        goods = [line for line in made.lines if line.facts is not None]
        assert sum(line.off for line in goods) == made.discount.minor
        pieces = [
            piece.minor
            for line in goods
            for piece in Money(line.amount.minor - line.off, "CNY").split([1] * line.quantity)
        ]
        assert min(pieces) >= 0
        assert sum(pieces) + made.shipping.minor == made.total.minor


def test_unasked_nothing_goes_below_cost() -> None:
    dice = random.Random(5)
    for _ in range(1000):
        lines = things(*((dice.randint(1, 9000), dice.randint(1, 4), dice.randint(1, 9000))
                         for _ in range(3)))  # fmt: skip
        own = Offers((TEN, HALF, CAKE), (coupon(dice.randint(1, 9000)), coupon(bps=3000)))
        made = work_out(lines, own, 800)
        for thing, now in zip(lines, left(lines, made.discounts), strict=True):
            assert now >= min(thing.cost, thing.amount)
