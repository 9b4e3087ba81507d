"""Ids, references and tokens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from littleshop import ids

AT = datetime(2026, 11, 23, tzinfo=UTC)


def test_ids_sort_by_the_time_they_were_made() -> None:
    made = [ids.uuid7(AT + timedelta(milliseconds=n)) for n in range(50)]
    assert made == sorted(made)
    assert {one.version for one in made} == {7}


def test_a_reference_is_what_every_rail_takes() -> None:
    assert all(len(ids.reference()) == 20 and ids.reference().isalnum() for _ in range(100))
    assert ids.reference(b"run 1") == ids.reference(b"run 1") != ids.reference(b"run 2")


@pytest.mark.parametrize("shop_id", [0, 1, 31, 32, 10**9, 2**62])
def test_a_token_carries_its_shop(shop_id: int) -> None:
    assert ids.shop_of(ids.token(shop_id)) == shop_id
    assert ids.shop_of(ids.share_code(shop_id)) == shop_id


@pytest.mark.parametrize(
    "text", ["", "-", "x", "-abc", "zz-abc", "01-abc", "-1-abc", "é-abc", "1-"]
)
def test_what_is_not_a_token_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        ids.shop_of(text)


def test_derived_names_are_the_same_for_the_same_cause() -> None:
    run = uuid4()
    assert ids.derived(run, "shop 7") == ids.derived(run, "shop 7") != ids.derived(run, "shop 8")
