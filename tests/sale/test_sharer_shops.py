"""What a shop knows of those its sharers share for, and how long it keeps what they said."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from uuid import UUID, uuid4

import msgspec

from littleshop import db, ids
from littleshop.identity import people, phones
from littleshop.risk import holds
from littleshop.sale import referring
from littleshop.shop import staff
from littleshop.social import credits, referrals, sharer_shops
from littleshop.social.credits import Buyer
from littleshop.social.shares import Touched
from littleshop.trade.orders import Delivery
from tests.cast import CNY, WANTING, Town
from tests.sale.referred import XIAOXIAO, ZHOU, Chain, chain

PACKER = Delivery("小陆", "+8613900002099", "浙江省", "杭州市", "西湖区", "文三路 2 号")


async def looked(town: Town) -> int:
    """The worker looks; how much had changed."""
    return await sharer_shops.look_again(town.database, town.at)


async def hires(told: Chain) -> UUID:
    """周明 takes on a packer."""

    async def work(conn: db.Connection) -> UUID:
        one = await people.meet(
            conn, told.town.keyring, phones.parse(PACKER.phone), locale="zh-CN", at=told.town.at
        )
        await staff.add(conn, told.lower, one.person_id, role="packer", at=told.town.at)
        return one.person_id

    return await told.town.database.transaction(work)


async def test_paying_an_order_reads_no_row_of_another_shop(town: Town) -> None:
    told = await chain(town)
    await told.agrees(1000, 200)
    placed = await town.place([told.bowl], CNY("100.00"), share_code=told.by_lower)
    order, asked = await town.order(placed), []
    async with town.database.connection() as conn, conn.transaction():
        with conn.query_logger(lambda record: asked.append(record)):
            await referring.fix(conn, order, held_for=None, at=town.at)
    assert [each.query for each in asked if "share_descents" in each.query]
    others = {told.lower, told.upper}
    reads = [each for each in asked if each.query.lstrip().startswith("select")]
    assert [each.args[0] for each in reads] == [told.seller] * len(reads)
    assert not [each for each in reads if others & {one for one in each.args if _is_number(one)}]
    assert await told.earns(placed) == [(1, told.lower, CNY("10.00")), (2, told.upper, CNY("2.00"))]


def _is_number(one: object) -> bool:
    return isinstance(one, int)


async def test_a_shop_whose_payouts_are_stopped_earns_nothing_until_they_go_on(town: Town) -> None:
    """The seller's shop hears of both some minutes later."""
    told = await chain(town)
    await told.agrees(1000, 200)
    only_upper = [(2, told.upper, CNY("2.00"))]
    await town.database.transaction(
        lambda conn: holds.place(
            conn, told.lower, uuid4(), "not_me", reason="**** 3446", at=town.at
        )
    )  # fmt: skip
    assert (await looked(town), await looked(town)) == (1, 0)
    assert await told.earns(await told.buys()) == only_upper
    async with town.database.connection() as conn:
        (hold,) = await holds.of_shop(conn, told.lower)
    town.later(minutes=1)
    await town.database.transaction(
        lambda conn: holds.lift(conn, told.lower, hold.hold_id, by=uuid4(), at=town.at)
    )
    assert await looked(town) == 1
    both = await told.buys()
    assert [each[0] for each in await told.earns(both)] == [1, 2]
    await told.jobs_are_done()
    await town.books_balance()


async def test_what_is_known_since_is_not_put_back_and_what_is_forgotten_stays_so(
    town: Town, owner: db.Connection
) -> None:
    """A sweep that read before somebody spoke, and writes after."""
    told = await chain(town)
    await told.agrees(1000, 200)
    async with town.database.connection() as conn:
        (before,) = await sharer_shops.look(conn, [told.lower], town.at)
        stopped = msgspec.structs.replace(before, earns=False)
        read_at = town.at
        town.later(minutes=1)
        await sharer_shops.carry(conn, told.seller, stopped, town.at)
        await sharer_shops.carry(conn, told.seller, before, read_at)
    earns = "select earns from sharer_shops where earner_shop_id = $1"
    assert await owner.fetchval(earns, told.lower) is False
    await owner.execute("update sharer_shops set crew = '{}'")
    assert await sharer_shops.look_again(town.database, read_at - timedelta(minutes=1)) == 0
    assert await sharer_shops.look_again(town.database, town.at, page=1) == 2
    assert await owner.fetchval(earns, told.lower) is True


async def test_who_works_for_a_sharer_brings_him_nothing(town: Town) -> None:
    """With his own phone at any level; signed in, also with a phone that nobody knows."""
    told = await chain(town)
    await told.agrees(1000, 200)
    packer = await hires(told)
    unknown = town.keyring.index(WANTING.phone)
    assert await credited(told, unknown, packer) == told.by_lower  # nobody here knows it yet
    assert await looked(town) == 1
    assert await told.earns(await told.buys(who=PACKER)) == [(2, told.upper, CNY("2.00"))]
    assert await credited(told, unknown, packer) is None
    assert await credited(told, town.keyring.index(PACKER.phone), None) is None
    assert await credited(told, unknown, None) == told.by_lower
    await told.jobs_are_done()
    await town.books_balance()


async def credited(told: Chain, phone_index: bytes, person: UUID | None) -> str | None:
    """Whose merit an order of this buyer would be, who came by the lower's share."""
    buyer = Buyer(ids.hashed("a phone of the stockroom"), phone_index, person)
    touched = [Touched(told.by_lower, told.town.at)]
    async with told.town.database.connection() as conn:
        return await credits.credit(conn, told.seller, touched, buyer, told.town.at)


async def says(told: Chain, device: bytes, earner: int | None, person: UUID) -> None:
    said = partial(
        referrals.share_for, shop_id=told.seller, device=device, person_id=person,
        earner_shop_id=earner, at=told.town.at,
    )  # fmt: skip
    await told.town.database.transaction(said)


async def kept(town: Town) -> dict[bytes, int]:
    """How many words of each device are kept after the worker's sweep."""
    await town.database.transaction(partial(referrals.forget, at=town.at))
    async with town.database.connection() as conn:
        rows = await conn.fetch("select device, count(*) as words from sharers group by device")
    return {row["device"]: row["words"] for row in rows}


async def test_what_a_device_said_is_forgotten_when_it_shares_no_more(town: Town) -> None:
    """The lower took it back and said it again; nobody earned by any of it."""
    told = await chain(town)
    for earner in (None, told.lower):
        await says(told, ZHOU, earner, told.lowers_person)
    assert await kept(town) == {XIAOXIAO: 1, ZHOU: 3}
    town.later(days=referrals.KEPT.days, minutes=-1)
    await told.buys()
    assert await kept(town) == {XIAOXIAO: 1, ZHOU: 3}
    town.later(minutes=2)
    assert await kept(town) == {ZHOU: 1}  # by his link somebody bought, by hers nobody for a year
    async with town.database.connection() as conn:
        assert await conn.fetchval("select array_agg(earner_shop_id) from sharer_shops") == [
            told.lower
        ]
        stands = await referrals.sharing(conn, told.seller, ZHOU)
    assert stands is not None and stands.earner_shop_id == told.lower
    await town.books_balance()


async def test_what_somebody_earned_by_is_kept_as_long_as_the_books_of_it(
    town: Town, owner: db.Connection
) -> None:
    """And when it is forgotten the audit still knows that it was agreed."""
    told = await chain(town)
    await told.agrees(1000, 200)
    await told.is_received(await told.buys())
    await told.window_closes()
    await told.jobs_are_done()
    fixed = town.at
    town.later(days=referrals.PROVEN.days - 8)
    assert await kept(town) == {XIAOXIAO: 1, ZHOU: 1}
    await town.books_balance()
    town.later(days=9)
    assert await kept(town) == {}
    day = (fixed + referrals.PROVEN + timedelta(days=1)).date()
    await owner.execute("insert into closed_days values (0, $1, 'nobody', $2)", day, town.at)
    await town.books_balance()
