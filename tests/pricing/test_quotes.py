"""Quotes: pure arithmetic, each line with its reason."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from littleshop.errors import Refused
from littleshop.pricing.facts import VariantFacts
from littleshop.pricing.quotes import Item, Quote, quote
from tests.cast import CNY


def fact(
    price: int = 16800, *, flat: int = 1200, free_over: int | None = None, **more: Any
) -> VariantFacts:
    known: dict[str, Any] = {
        "shop_id": 1,
        "variant_id": uuid4(),
        "product_id": uuid4(),
        "title": "盖碗",
        "choice": "",
        "photo": "",
        "price_minor": price,
        "sold": True,
        "spare": 9,
        "shop_status": "open",
        "currency": "CNY",
        "pricing_version": 1,
        "shipping_flat_minor": flat,
        "shipping_free_over_minor": free_over,
    }
    return VariantFacts(**(known | more))


def price(facts: list[VariantFacts], quantity: int = 1, way: str = "courier") -> Quote:
    by_id: dict[UUID, VariantFacts] = {one.variant_id: one for one in facts}
    return quote(by_id, [Item(one.variant_id, quantity) for one in facts], way)


def test_goods_and_postage_make_the_total() -> None:
    made = price([fact(), fact(4800)])
    assert (made.goods, made.shipping, made.total) == (CNY("216.00"), CNY("12.00"), CNY("228.00"))


REASONS = [
    # flat, free over, way, postage, reason
    (1200, None, "courier", "12.00", "flat"),
    (1200, 16800, "courier", "0.00", "free_over"),
    (1200, 16801, "courier", "12.00", "flat"),
    (0, None, "courier", "0.00", "always_free"),
    (1200, None, "pickup", "0.00", "pickup"),
]


@pytest.mark.parametrize(("flat", "over", "way", "postage", "reason"), REASONS)
def test_postage_says_why(flat: int, over: int | None, way: str, postage: str, reason: str) -> None:
    made = price([fact(flat=flat, free_over=over)], way=way)
    assert made.shipping == CNY(postage)
    assert made.lines[-1].reason == reason


REFUSALS = [
    ({"sold": False}, 1, "variant_gone"),
    ({"shop_status": "paused"}, 1, "shop_closed"),
    ({}, 0, "quantity_wrong"),
    ({}, 1000, "quantity_wrong"),
]


@pytest.mark.parametrize(("facts", "quantity", "code"), REFUSALS)
def test_what_cannot_be_sold_is_refused(facts: dict[str, Any], quantity: int, code: str) -> None:
    with pytest.raises(Refused) as no:
        price([fact(**facts)], quantity)
    assert no.value.code == code


def test_nothing_costs_nothing_and_is_refused() -> None:
    with pytest.raises(Refused):
        quote({}, [], "courier")


def test_another_price_has_another_digest() -> None:
    one, other = fact(), fact()
    assert price([one]).digest == price([one]).digest != price([other]).digest
