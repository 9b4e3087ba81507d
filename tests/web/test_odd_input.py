"""What no page of ours sends is refused before it reaches a table."""

from __future__ import annotations

from uuid import UUID

import pytest

from littleshop.errors import NotFound, Refused
from littleshop.web.console import people
from littleshop.web.storefront import checkouts

VARIANT = UUID(int=7)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_moment_beyond_all_orders_is_no_page(text: str) -> None:
    with pytest.raises(NotFound):
        people.moment(text)


@pytest.mark.parametrize("quantity", ["1_0", "١", " 1", "1000", "-1", ""])
def test_a_quantity_is_up_to_three_plain_digits(quantity: str) -> None:
    with pytest.raises(Refused, match="cart_empty"):
        checkouts.items_of(f"{VARIANT}:{quantity}")
    assert checkouts.items_of(f"{VARIANT}:10")[0].quantity == 10
