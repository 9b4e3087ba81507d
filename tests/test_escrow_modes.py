"""Who holds the buyers' money is said before the start, and what may not be is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from littleshop import config
from littleshop.config import Misconfigured
from littleshop.entry import opening
from littleshop.errors import Refused
from littleshop.identity import people
from tests.cast import Town

LIVE = {"LITTLESHOP_MODE": "live", "PUBLIC_URL": "https://shop.example"}


def read(home: Path, **chosen: str) -> config.Settings:
    return config.read({**chosen, "LITTLESHOP_HOME": str(home)})


def test_the_demo_holds_it_itself_and_a_live_platform_has_it_held(home: Path) -> None:
    assert read(home).escrow == "merchant_of_record"
    assert read(home, **LIVE).escrow == "psp_escrow"
    assert read(home, **LIVE, LITTLESHOP_ESCROW="bank_custody").escrow == "bank_custody"


@pytest.mark.parametrize(
    "chosen",
    [
        {"LITTLESHOP_ESCROW": "merchant_of_record"},
        {"LITTLESHOP_ESCROW": "merchant_of_record", "LITTLESHOP_MERCHANT_OF_RECORD": "yes"},
        {"LITTLESHOP_ESCROW": "my_pocket"},
    ],
)
def test_a_live_platform_does_not_pool_money_without_a_right(
    home: Path, chosen: dict[str, str]
) -> None:
    with pytest.raises(Misconfigured, match="LITTLESHOP_"):
        read(home, **LIVE, **chosen)


@pytest.mark.parametrize("right", config.RIGHTS)
def test_with_a_right_it_may(home: Path, right: str) -> None:
    chosen = {
        "LITTLESHOP_ESCROW": "merchant_of_record",
        "LITTLESHOP_MERCHANT_OF_RECORD": right,
    }
    settings = read(home, **LIVE, **chosen)
    assert settings.own_goods == (right == "own-goods")


async def test_where_only_own_goods_are_sold_no_stranger_opens_a_shop(town: Town) -> None:
    assert town.person_id is not None
    async with town.database.connection() as conn:
        person = await people.get(conn, town.person_id)
    assert person is not None
    with pytest.raises(Refused, match="own_goods_only"):
        await opening.begin(
            town.database, person, path="front", locale="zh-CN", at=town.at, own_goods=True
        )
