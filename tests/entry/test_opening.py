"""Opening a shop: four steps, two orders, on several phones, with double clicks and kills."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from littleshop.entry import opening
from littleshop.errors import NotFound, Refused
from littleshop.identity import numbers
from littleshop.shop import openings, shops, slugs, staff
from littleshop.shop.shops import BroughtBy, Face
from tests.entry.conftest import ADA, XIAOMAN, XIAOMAN_CARD, Street
from tests.entry.steps import QINGCI, begin, bind, identify, name, now, refusal, skip


async def test_xiaoman_opens_from_the_front_page_in_four_steps(street: Street) -> None:
    xiaoman = await street.sign_in(XIAOMAN)
    begun = await begin(street, xiaoman)
    shop_id = begun.shop.shop_id
    assert [step for step, _ in begun.steps] == ["phone", "identity", "card", "shop"]
    assert begun.next == "identity"
    assert (await identify(street, xiaoman, shop_id)).next == "card"
    assert (await bind(street, xiaoman, shop_id)).next == "shop"
    await street.work()
    done = await name(street, xiaoman, shop_id)
    assert dict(done.steps) == dict.fromkeys(("phone", "identity", "card", "shop"), "done")
    assert (done.next, done.waits, done.shop.status) == (None, (), "open")
    asked = {each.get("card_number"): each.get("phone") for each in street.asked}
    assert asked == {None: None, XIAOMAN_CARD: "+8613800002046"}
    async with street.database.connection() as conn:
        assert [each.shop_id for each in await staff.shops_of(conn, xiaoman.person_id)] == [shop_id]
        assert await staff.role_of(conn, shop_id, xiaoman.person_id) == "owner"


async def test_ada_opens_on_the_viral_path_and_puts_papers_off(street: Street) -> None:
    ada = await street.sign_in(ADA)
    product = uuid4()
    begun = await opening.begin(
        street.database,
        ada,
        path="viral",
        locale="en",
        at=street.at,
        brought_by=BroughtBy(7, "7-abcdef", product),
    )
    assert [step for step, _ in begun.steps] == ["phone", "shop", "identity", "card"]
    shop_id = begun.shop.shop_id
    assert begun.next == "shop"
    shared = await name(street, ada, shop_id, Face("Ada's Knits", ""))
    assert (shared.shop.status, shared.shop.slug, shared.next) == ("open", "adas-knits", "identity")
    await skip(street, ada, shop_id, "identity")
    left = await skip(street, ada, shop_id, "card")
    assert (left.next, left.waits) == (None, ("identity", "card"))
    brought = left.shop
    assert (brought.brought_by_shop_id, brought.brought_by_share) == (7, "7-abcdef")
    assert brought.brought_by_product_id == product
    await identify(street, ada, shop_id, name="Ada Fairweather", id_number=_foreigner())
    await bind(street, ada, shop_id, holder="ADA FAIRWEATHER")
    await street.work()
    assert (await now(street, ada, shop_id)).waits == ()


def _foreigner() -> str:
    first = "91182619880704001"
    return first + numbers.check_digit(first)


async def test_a_double_click_makes_one_shop(street: Street) -> None:
    xiaoman = await street.sign_in(XIAOMAN)
    begun = await asyncio.gather(*(begin(street, xiaoman) for _ in range(5)))
    assert len({each.shop.shop_id for each in begun}) == 1
    shop_id = begun[0].shop.shop_id
    await asyncio.gather(*(identify(street, xiaoman, shop_id) for _ in range(3)))
    await asyncio.gather(*(bind(street, xiaoman, shop_id) for _ in range(3)))
    await street.work()
    assert len(street.asked) == 2
    opened = await asyncio.gather(*(name(street, xiaoman, shop_id) for _ in range(5)))
    assert {each.shop.slug for each in opened} == {"qingci"}
    assert len({each.shop.version for each in opened}) == 1


async def test_the_opening_goes_on_from_another_phone(street: Street) -> None:
    xiaoman = await street.sign_in(XIAOMAN)
    shop_id = (await begin(street, xiaoman)).shop.shop_id
    await identify(street, xiaoman, shop_id)
    street.pass_time(days=3)
    again = await street.sign_in(XIAOMAN)
    resumed = await opening.resume(street.database, again.person_id, street.at)
    assert resumed is not None and (resumed.shop.shop_id, resumed.next) == (shop_id, "card")
    await name(street, again, shop_id)
    assert await opening.resume(street.database, again.person_id, street.at) is None


async def test_after_one_shop_is_open_another_can_be_opened(street: Street) -> None:
    xiaoman = await street.sign_in(XIAOMAN)
    first = (await begin(street, xiaoman)).shop.shop_id
    await name(street, xiaoman, first)
    assert (await begin(street, xiaoman)).shop.shop_id != first


async def test_a_kill_after_the_first_row_is_mended_by_pressing_again(street: Street) -> None:
    xiaoman = await street.sign_in(XIAOMAN)
    async with street.database.connection() as conn:  # own-key row written, then killed
        begun = await openings.begin(
            conn,
            xiaoman.person_id,
            await shops.number(conn),
            path="viral",
            locale="zh-CN",
            brought_by=BroughtBy(7, "7-abcdef"),
            at=street.at,
        )
        assert await shops.find(conn, begun.shop_id) is None
    resumed = await opening.resume(street.database, xiaoman.person_id, street.at)
    assert resumed is not None and resumed.shop.brought_by_share == "7-abcdef"


@pytest.mark.parametrize("done", [1, 2])
async def test_a_kill_while_the_doors_open_is_mended_by_pressing_again(
    street: Street, done: int
) -> None:
    xiaoman = await street.sign_in(XIAOMAN)
    shop_id = (await begin(street, xiaoman)).shop.shop_id
    async with street.database.connection() as conn:
        await slugs.take(conn, "qingci", shop_id, street.at)
        if done == 2:
            await shops.open_doors(conn, shop_id, QINGCI, street.at)
    opened = await name(street, xiaoman, shop_id)
    assert opened.shop.status == "open" and opened.opening.finished_at == street.at


async def test_an_address_already_taken_is_refused_with_a_free_one(street: Street) -> None:
    xiaoman, ada = await street.sign_in(XIAOMAN), await street.sign_in(ADA)
    await name(street, xiaoman, (await begin(street, xiaoman)).shop.shop_id)
    hers = (await begin(street, ada)).shop.shop_id
    taken = await refusal(name(street, ada, hers, Face("Ada's Knits", "qingci")))
    assert (taken.code, taken.details) == ("slug_taken", {"slug": "qingci", "free": "qingci-shop"})
    assert (await name(street, ada, hers, Face("Ada's Knits", "qingci-shop"))).next == "identity"


async def test_two_sellers_who_want_one_address_at_once(street: Street) -> None:
    xiaoman, ada = await street.sign_in(XIAOMAN), await street.sign_in(ADA)
    shops_of = [(await begin(street, person)).shop.shop_id for person in (xiaoman, ada)]
    answers = await asyncio.gather(
        name(street, xiaoman, shops_of[0]), name(street, ada, shops_of[1]), return_exceptions=True
    )
    refused = [answer for answer in answers if isinstance(answer, Refused)]
    assert [answer.code for answer in refused] == ["slug_taken"]


async def test_an_open_shop_is_not_named_a_second_time(street: Street) -> None:
    xiaoman = await street.sign_in(XIAOMAN)
    shop_id = (await begin(street, xiaoman)).shop.shop_id
    await name(street, xiaoman, shop_id)
    other = Face("另一家", "qingci-2")
    assert (await refusal(name(street, xiaoman, shop_id, other))).code == "shop_open_already"


async def test_nobody_opens_somebody_elses_shop(street: Street) -> None:
    xiaoman, ada = await street.sign_in(XIAOMAN), await street.sign_in(ADA)
    shop_id = (await begin(street, xiaoman)).shop.shop_id
    for attempt in (
        name(street, ada, shop_id),
        identify(street, ada, shop_id),
        bind(street, ada, shop_id),
        skip(street, ada, shop_id, "card"),
        now(street, ada, shop_id),
    ):
        with pytest.raises(NotFound):
            await attempt
