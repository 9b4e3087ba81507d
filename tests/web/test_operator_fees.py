"""What the platform takes is set at the desk, with a reason, and read by the seller."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from littleshop.money import Money
from littleshop.trade import fees
from littleshop.trade.fees import Rate
from tests.cast import CNY
from tests.web.back_room import shown
from tests.web.night_shift import Desk


def form(desk: Desk, **more: str) -> dict[str, str]:
    filled = {
        "name": "标准",
        "starts_on": f"{desk.world.at:%Y-%m-%d}",
        "bps-every": "1",
        "currency": "CNY",
        "form_key": str(uuid.uuid4()),
    }
    return filled | more


async def test_a_schedule_is_set_once_with_its_reason_and_the_seller_reads_it(desk: Desk) -> None:
    wish = form(desk, **{"bps-alipay": "0.6%", "fixed-alipay": "0.10", "lowest-alipay": "0.20",
                         "highest-alipay": "20"})  # fmt: skip
    for _ in range(2):
        said = await desk.does("/fees", reason="新的一年", **wish)
        assert said.startswith("Set.")
    [act] = await desk.log()
    assert (act.kind, act.reason, act.facts["rates"]["alipay"]) == (
        "fees_set", "新的一年", [60, 10, 20, 2000],
    )  # fmt: skip
    page = shown(await desk.get("/fees"))
    assert "0.6% + ¥0.10, at least ¥0.20, at most ¥20.00" in page and "In force" in page
    async with desk.world.house.database.connection() as conn:
        found = await fees.in_force(
            conn, desk.town.shop_id, "CNY", desk.world.at + timedelta(seconds=1)
        )
        assert found is not None
        agreed = (await fees.rates(conn, [found.schedule_id]))[found.schedule_id]
    assert agreed == {"": Rate(100), "alipay": Rate(60, 10, 20, 2000)}
    assert agreed["alipay"].of(CNY("100.00")) == Money(70, "CNY")


async def test_a_fixed_part_alone_is_a_rate(desk: Desk) -> None:
    wish = form(desk, **{"bps-every": "", "fixed-every": "1"})
    await desk.does("/fees", reason="a yuan an order", **wish)
    page = shown(await desk.get("/fees"))
    assert "Every way to pay" in page and "¥1.00" in page


async def test_one_shop_has_its_own_and_then_the_platforms_again(desk: Desk) -> None:
    await desk.does("/fees", reason="for all", **form(desk))
    here = f"/shops/{desk.town.shop_id}/fees"
    await desk.does(here, reason="they are new", **form(desk, name="Opening offer",
                                                         **{"bps-every": "0"}))  # fmt: skip
    assert "Opening offer" in shown(await desk.get(here))
    later = form(desk, follows="yes", starts_on=f"{desk.world.at + timedelta(days=30):%Y-%m-%d}")
    await desk.does(here, reason="the offer ends", **later)
    assert "As the platform's from here on." in shown(await desk.get(here))
    assert [act.of_shop_id for act in await desk.log()] == [desk.town.shop_id] * 2 + [None]


@pytest.mark.parametrize(
    "wrong, words",
    [
        ({"name": " "}, "It needs a name"),
        ({"starts_on": "2020-01-01"}, "today or later"),
        ({"starts_on": "soon"}, "today or later"),
        ({"bps-every": "", "bps-alipay": "1"}, "between 0 and 100"),
        ({"bps-every": "101"}, "between 0 and 100"),
        ({"lowest-every": "5", "highest-every": "4"}, "less than the least"),
        ({"reason": " "}, "in a few words why"),
    ],
)
async def test_what_makes_no_sense_is_not_set(
    desk: Desk, wrong: dict[str, str], words: str
) -> None:
    answer = await desk.post("/fees", **(form(desk) | {"reason": "why not"} | wrong))
    assert answer.status_code == 422
    assert words.lower() in shown(answer).lower() and 'aria-invalid="true"' in answer.text
    assert await desk.log() == []


async def test_one_wrong_value_leaves_the_others_as_they_were_typed(desk: Desk) -> None:
    typed = form(desk, **{"bps-stripe": "abc", "fixed-alipay": "0.10", "reason": "spring"})
    answer = await desk.post("/fees", **typed)
    assert "A percentage is a number between 0 and 100" in shown(answer)
    for value in ("标准", "abc", "0.10", "spring"):
        assert f'value="{value}"' in answer.text
    assert 'id="f-bps-stripe"' in answer.text.partition('aria-invalid="true"')[0][-300:]
    again = await desk.post("/fees", **(typed | {"fixed-alipay": "ten", "bps-stripe": "2.9"}))
    assert "An amount is a number" in shown(again)
    assert await desk.log() == []
