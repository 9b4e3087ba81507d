"""A seller is admitted by the institutions that hold money: asked once, asked about until final."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import cast

import asyncpg
import pytest
from obstore.store import MemoryStore

from littleshop import db, jobs
from littleshop.entry import admitting
from littleshop.errors import GatewayError
from littleshop.files import Files
from littleshop.pay.gateways import Escrow
from littleshop.pay.gateways.escrow import Admission as Answer
from littleshop.shop import admissions
from littleshop.shop.admissions import Admission
from littleshop.trade import counters
from tests.cast import Town
from tests.sale.institution import Institution
from tests.settlement.paper_bank import verify

SAFE = Files(MemoryStore())


async def begins(town: Town, *gateways: str, again: bool = False) -> list[Admission]:
    ask = admitting.again if again else admitting.begin
    return await town.database.transaction(
        partial(ask, shop_id=town.shop_id, gateways=gateways or ("wechat_pay",), at=town.at)
    )


async def sends(town: Town, institution: Institution, admission: Admission) -> Admission:
    """The job, once; how it stands then. Raises GatewayError."""
    await admitting.send(
        town.database,
        town.keyring,
        SAFE,
        {institution.name: cast(Escrow, institution)},
        town.shop_id,
        admission.admission_id,
        town.at,
    )
    async with town.database.connection() as conn:
        found = await admissions.get(conn, town.shop_id, admission.admission_id)
    assert found is not None
    return found


async def open_for(town: Town) -> dict[str, str]:
    async with town.database.connection() as conn:
        return await admissions.open_for(conn, town.shop_id)


async def told(owner: db.Connection, admission: Admission) -> list[str]:
    """What the seller was told of it, by SMS."""
    sql = "select about from messages where subject = $1 and channel = 'sms'"
    found = await owner.fetch(sql, str(admission.admission_id))
    return sorted((row["about"] for row in found), reverse=True)


async def test_nothing_is_asked_before_identity_and_card_are_verified(town: Town) -> None:
    assert await begins(town) == []
    await verify(town)
    assert [one.status for one in await begins(town)] == ["asked"]
    assert await begins(town) == [], "it is asked once"


async def test_a_seller_signs_and_is_admitted(town: Town, owner: db.Connection) -> None:
    await verify(town)
    (admission,) = await begins(town)
    institution = Institution()
    assert (await sends(town, institution, admission)).status == "asked"
    institution.standing[admission.reference] = Answer(status="signing", sign_url="https://x.test")
    signing = await sends(town, institution, admission)
    assert (signing.status, signing.sign_url) == ("signing", "https://x.test")
    assert await open_for(town) == {}
    await sends(town, institution, signing)  # it still waits: he is not told again
    assert await told(owner, admission) == ["admission_sign"]
    institution.standing[admission.reference] = Answer(status="admitted", merchant_id="19001")
    assert (await sends(town, institution, admission)).status == "admitted"
    assert await open_for(town) == {"wechat_pay": "19001"}
    waiting = await owner.fetchval("select count(*) from jobs where name = 'waiting.invite'")
    assert waiting == 1, "orders that waited for it are told"
    assert await told(owner, admission) == ["admission_sign", "admission_done"]
    assert sum(what == "admit" for what, _ in institution.calls) == 1


async def test_a_kill_after_the_call_asks_for_the_same_thing(town: Town) -> None:
    await verify(town)
    (admission,) = await begins(town)
    institution = Institution()
    institution.away = 1
    with pytest.raises(GatewayError):
        await sends(town, institution, admission)
    await sends(town, institution, admission)
    await sends(town, institution, admission)  # it reads how it stands, under the same number
    assert list(institution.asked) == [admission.reference]


async def test_it_is_asked_about_at_growing_distances(town: Town, owner: db.Connection) -> None:
    await verify(town)
    (admission,) = await begins(town)
    institution, waits = Institution(), []
    for _ in range(4):
        await owner.execute("delete from jobs")
        await sends(town, institution, admission)
        due = await owner.fetchval("select due_at from jobs where name = $1", admitting.SEND)
        waits.append(due - town.at)
        town.at = due
    assert waits == sorted(waits) and waits[0] >= admitting.SHORTEST
    town.later(days=9)
    assert admitting.wait(town.at - admission.asked_at) == admitting.LONGEST


async def test_refused_then_asked_again_and_accepted(town: Town) -> None:
    await verify(town)
    (admission,) = await begins(town)
    institution = Institution()
    institution.standing[admission.reference] = Answer(status="refused", said="证件不清晰")
    refused = await sends(town, institution, admission)
    assert (refused.status, refused.said) == ("refused", "证件不清晰")
    assert await begins(town) == [], "a refused card is not asked for by itself"
    town.later(minutes=1)
    (another,) = await begins(town, again=True)
    assert another.reference != admission.reference
    institution.standing[another.reference] = Answer(status="admitted", merchant_id="19001")
    await sends(town, institution, another)
    assert await open_for(town) == {"wechat_pay": "19001"}


async def test_two_institutions_are_asked_each_for_itself(town: Town) -> None:
    await verify(town)
    both = await begins(town, "wechat_pay", "alipay")
    assert {one.gateway for one in both} == {"wechat_pay", "alipay"}
    zft = Institution("alipay")
    first = next(one for one in both if one.gateway == "alipay")
    zft.standing[first.reference] = Answer(status="admitted", merchant_id="2088")
    await sends(town, zft, first)
    assert await open_for(town) == {"alipay": "2088"}


async def asks_for_another(
    town: Town, owner: db.Connection, institution: Institution
) -> tuple[Admission, Admission]:
    """Admitted as 19001, then asked for anew with another card: the admission of each."""
    await verify(town)
    (first,) = await begins(town)
    institution.standing[first.reference] = Answer(status="admitted", merchant_id="19001")
    await sends(town, institution, first)
    await owner.execute("update cards set active = false")
    await owner.execute("delete from merchants")
    await verify(town, number="6222020200112230001")
    town.later(minutes=1)
    (second,) = await begins(town)
    return first, second


async def test_a_second_account_beside_the_first_is_not_followed(
    town: Town, owner: db.Connection
) -> None:
    institution = Institution()
    _, second = await asks_for_another(town, owner, institution)
    institution.standing[second.reference] = Answer(status="admitted", merchant_id="19002")
    assert (await sends(town, institution, second)).status == "refused"
    assert await open_for(town) == {"wechat_pay": "19001"}


async def test_the_sweep_finds_shops_that_were_verified_before_the_mode(
    town: Town, owner: db.Connection
) -> None:
    await verify(town)
    assert await admitting.sweep(town.database, ("wechat_pay",), town.at) == 1
    assert await admitting.sweep(town.database, ("wechat_pay",), town.at) == 0
    await owner.execute("delete from jobs")
    town.later(hours=3)
    await admitting.sweep(town.database, ("wechat_pay",), town.at)
    assert await owner.fetchval("select count(*) from jobs") == 1


async def test_an_answer_that_comes_too_late_leaves_the_one_in_force(
    town: Town, owner: db.Connection
) -> None:
    institution = Institution()
    first, second = await asks_for_another(town, owner, institution)
    institution.standing[second.reference] = Answer(status="refused", said="no")
    await sends(town, institution, second)
    for answer, stands in (
        (Answer(status="admitted", merchant_id="19001"), "refused"),
        (Answer(status="admitted", merchant_id="19002"), "refused"),
        (Answer(status="signing", sign_url="https://x.test"), "refused"),
    ):
        late = partial(admitting.hear, admission=second, answer=answer, at=town.at)
        assert await town.database.transaction(late) == stands
    late = partial(admitting.hear, admission=first, answer=Answer(status="refused"), at=town.at)
    assert await town.database.transaction(late) == "admitted"
    assert await open_for(town) == {"wechat_pay": "19001"}
    await town.books_balance()


async def test_an_order_just_being_placed_is_waited_for_before_a_seller_is_admitted(
    town: Town,
) -> None:
    await verify(town)
    (admission,) = await begins(town)
    answer = Answer(status="admitted", merchant_id="19001")

    async def hear_at_once(conn: db.Connection) -> None:
        await conn.execute("set local lock_timeout = '50ms'")
        await admitting.hear(conn, admission, answer, town.at)

    async def place(conn: db.Connection) -> None:
        await counters.lock(conn, town.shop_id)  # as placing does
        with pytest.raises(asyncpg.LockNotAvailableError):
            await town.database.transaction(hear_at_once)

    await town.database.transaction(place)
    assert await open_for(town) == {}
    await town.database.transaction(hear_at_once)
    assert await open_for(town) == {"wechat_pay": "19001"}


async def test_one_job_is_tried_while_the_institution_is_away_and_a_lost_one_is_replaced(
    town: Town, owner: db.Connection
) -> None:
    await verify(town)
    await begins(town)
    of_it = "from jobs where name = 'admitting.send'"
    for _ in range(48):
        await owner.execute("update jobs set once_key = null")  # begun, and to be tried again
        town.later(hours=1)
        await admitting.sweep(town.database, (), town.at)
    assert await owner.fetchval(f"select count(*) {of_it}") == 1
    await owner.execute(f"delete {of_it}")
    await admitting.sweep(town.database, (), town.at)
    assert await owner.fetchval(f"select count(*) {of_it}") == 1


@pytest.mark.parametrize("asking", [(), ("wechat_pay",)])
async def test_what_was_begun_is_finished_in_any_mode_and_nobody_new_is_asked_about(
    town: Town, asking: tuple[str, ...]
) -> None:
    await verify(town)
    institution = Institution()
    escrows = {"wechat_pay": cast(Escrow, institution)}
    tasks = admitting.tasks(escrows, town.keyring, SAFE, asking)
    context = cast(jobs.Context, SimpleNamespace(database=town.database, at=town.at))
    await tasks[admitting.SWEEP].run(context)
    async with town.database.connection() as conn:
        found = await admissions.of_shop(conn, town.shop_id)
    assert [one.gateway for one in found] == list(asking)
    if not found:  # it was begun before the mode was changed
        found = await begins(town)
    institution.standing[found[0].reference] = Answer(status="admitted", merchant_id="19001")
    await tasks[admitting.SEND].run(
        context, shop_id=town.shop_id, admission_id=str(found[0].admission_id)
    )
    assert await open_for(town) == {"wechat_pay": "19001"}
