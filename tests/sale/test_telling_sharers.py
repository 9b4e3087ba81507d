"""What a sharer hears of what he earns: once a day that it comes, each time that it goes back."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

from littleshop import db, i18n
from littleshop.sale import returning
from tests.cast import CNY, Town
from tests.sale.after_sale import AfterSale
from tests.sale.referred import chain
from tests.sale.test_alerting import listens


async def told(owner: db.Connection, shop_id: int) -> list[str]:
    """What was sent to a shop's owner about it, in order."""
    rows = await owner.fetch(
        "select about from messages where shop_id = $1 and about like 'referral%'"
        " order by asked_at, about",
        shop_id,
    )
    return [row["about"] for row in rows]


async def test_a_sharer_hears_what_comes_once_a_day_and_each_time_what_goes_back(
    town: Town, owner: db.Connection
) -> None:
    chained = await chain(town)
    await chained.agrees(1000, 200)
    await listens(replace(town, shop_id=chained.lower, person_id=chained.lowers_person))
    first, second = await chained.buys(), await chained.buys()
    await chained.jobs_are_done()
    assert await told(owner, chained.lower) == ["referral_coming"]
    for placed in (first, second):
        await chained.is_received(placed)
    await chained.window_closes()
    await chained.jobs_are_done()
    assert await told(owner, chained.lower) == ["referral_coming", "referral_yours"]
    assert await told(owner, chained.upper) == []  # she listens with no browser
    await town.database.transaction(
        lambda conn: returning.offer(
            conn, chained.seller, first.order_id, CNY("50.00"), words="补偿", case_id=uuid4(),
            at=town.at,
        )
    )  # fmt: skip
    await AfterSale(town, first).rail_sends_all_back()
    town.later(minutes=1)
    await chained.jobs_are_done()
    assert (await told(owner, chained.lower))[2:] == ["referral_back"]
    await town.books_balance()


def test_what_is_the_sharers_is_promised_to_no_payout() -> None:
    """Who sold it may owe it still, and a run pays only what came over."""
    for locale, promises in (("en", ("next", "card")), ("zh-CN", ("下一", "下次", "卡"))):
        said = [
            i18n.t(locale, f"push.referral_yours.{part}", shop="S") for part in ("title", "body")
        ]
        assert not [word for word in promises if word in " ".join(said)], said
