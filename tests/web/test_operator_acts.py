"""What is decided at the operator's desk: each act once, with its reason, and all of it or none."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest

from littleshop import jobs
from littleshop.risk import holds
from littleshop.shop import staff
from tests.cast import CNY
from tests.sale.referred import chain
from tests.web.back_room import shown
from tests.web.client import World, photo, says
from tests.web.night_shift import Desk, at_work, photo_shown
from tests.web.test_held import given_up


async def test_a_dispute_is_decided_and_both_sides_are_told(desk: Desk) -> None:
    sale, path = await desk.dispute("30.00")
    assert "1 dispute waits for your decision" in shown(await desk.get())
    page = shown(await desk.get(path))
    assert "碎了" in page and "发货时完好" in page and "陈**" in page
    assert "文三路" not in page and "13800002046" not in page  # not where they live
    said = await desk.does(f"{path}/decision", choice="part", back="12.50", words="一半的责任")
    assert said == "Decided: ¥12.50 goes back. Both sides are told."
    case = await sale.case()
    assert (case.status, case.agreed, case.decided_by) == (
        "refunding", CNY("12.50"), desk.person_id,
    )  # fmt: skip
    [act] = await desk.log()
    assert (act.kind, act.reason, act.operator_id) == ("case_decided", "一半的责任", desk.person_id)
    assert act.facts == {"number": 1001, "minor": 1250, "currency": "CNY"}
    assert "Decided: ¥12.50 goes back" in shown(await desk.get(path))
    assert "No dispute waits" in shown(await desk.get("/disputes"))
    await desk.town.books_balance()


@pytest.mark.parametrize(
    "choice, back, status", [("all", "", "refunding"), ("none", "", "rejected")]
)
async def test_all_or_nothing_goes_back(desk: Desk, choice: str, back: str, status: str) -> None:
    sale, path = await desk.dispute()
    await desk.does(f"{path}/decision", choice=choice, back=back, words="看过照片")
    case = await sale.case()
    assert case.status == status
    assert case.agreed == (CNY("30.00") if choice == "all" else None)
    await desk.town.books_balance()


@pytest.mark.parametrize(
    "form, code",
    [
        ({"words": "why"}, "back_choice"),
        ({"choice": "part", "words": "why"}, "back_empty"),
        ({"choice": "part", "back": "much", "words": "why"}, "price_number"),
        ({"choice": "none", "words": " "}, "reason_short"),
    ],
)
async def test_a_decision_that_lacks_something_comes_back_as_it_was_typed(
    desk: Desk, form: dict[str, str], code: str
) -> None:
    sale, path = await desk.dispute()
    answer = await desk.post(f"{path}/decision", **form)
    assert answer.status_code == 422 and says(answer, "en", code)
    assert (await sale.case()).status == "disputed" and await desk.log() == []


async def test_more_than_is_left_cannot_go_back(desk: Desk) -> None:
    sale, path = await desk.dispute()
    answer = await desk.post(f"{path}/decision", choice="part", back="100.01", words="too kind")
    assert answer.status_code == 422 and says(answer, "en", "refund_too_large", left=CNY("100.00"))
    assert "100.01" in answer.text and "too kind" in answer.text
    assert (await sale.case()).status == "disputed" and await desk.log() == []


async def test_of_two_operators_one_decision_stands_and_the_other_is_told(
    desk: Desk, world: World
) -> None:
    second = await at_work(world, world.browser(), "139 0000 9002")
    assert (await second.comes()).status_code == 303
    sale, path = await desk.dispute()
    forms = (("10.00", desk), ("20.00", second))
    answers = await asyncio.gather(
        *(who.post(f"{path}/decision", choice="part", back=back, words=f"{back}, I say")
          for back, who in forms)
    )  # fmt: skip
    assert sorted(answer.status_code for answer in answers) == [303, 422]
    told = next(answer for answer in answers if answer.status_code == 422)
    [act] = await desk.log()
    agreed = (await sale.case()).agreed
    assert agreed is not None and act.facts["minor"] == agreed.minor
    assert says(told, "en", "case_moved") and act.reason in told.text  # and reads what was decided
    await desk.town.books_balance()


async def test_who_is_a_side_himself_decides_for_the_other_one_only(desk: Desk) -> None:
    sale, path = await desk.dispute("30.00")
    house = desk.world.house
    await house.database.transaction(
        lambda conn: staff.add(
            conn, desk.town.shop_id, desk.person_id, role="packer", at=desk.world.at
        )
    )
    for form in ({"choice": "none"}, {"choice": "part", "back": "29.99"}):
        answer = await desk.post(f"{path}/decision", words="my own shop is right", **form)
        assert answer.status_code == 422 and says(answer, "en", "own_affair")
    await desk.does(f"{path}/decision", choice="all", words="the customer is king")
    assert (await sale.case()).agreed == CNY("30.00")
    own, path = await desk.dispute("30.00")
    async with house.database.connection() as conn:
        await conn.execute("delete from staff where person_id = $1", desk.person_id)
        await conn.execute(
            "update orders set phone_index = $1 where order_id = $2",
            house.keyring.index("+8613900009001"),
            own.placed.order_id,
        )
    answer = await desk.post(f"{path}/decision", choice="all", words="I want my money")
    assert answer.status_code == 422 and says(answer, "en", "own_affair")
    await desk.does(f"{path}/decision", choice="none", words="the seller was right")
    assert (await own.case()).status == "rejected"


async def test_a_double_press_decides_once(desk: Desk) -> None:
    _, path = await desk.dispute()
    form = {"choice": "part", "back": "10.00", "words": "half of it"}
    answers = [await desk.post(f"{path}/decision", **form) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 422]
    assert len(await desk.log()) == 1


async def test_a_case_that_nobody_brought_before_the_platform_is_not_there(desk: Desk) -> None:
    desk.town.at = desk.world.at
    _, path = await desk.dispute()
    sale = (await desk.dispute())[0]
    case = await sale.case()
    async with desk.world.house.database.connection() as conn:
        await conn.execute(
            "update cases set escalated_at = null, status = 'refused' where case_id = $1",
            case.case_id,
        )
    private = f"/operator/disputes/{case.shop_id}/{case.case_id}"
    assert (await desk.client.get(private)).status_code == 404
    photo_id = await photo_shown(desk, sale, photo())
    assert (await desk.client.get(f"{private}/photos/{photo_id}")).status_code == 404
    assert (await desk.client.get(f"/operator{path}")).status_code == 200


async def test_evidence_is_streamed_to_the_operator_only(desk: Desk, world: World) -> None:
    stranger = world.browser()
    await world.open_shop(stranger, phone="139 0000 1009", slug="ada", name="Ada")
    sale, path = await desk.dispute()
    bowl = photo()
    photo_id = await photo_shown(desk, sale, bowl)
    page = await desk.get(path)
    assert f"{path}/photos/{photo_id}" in page.text
    seen = await desk.get(f"{path}/photos/{photo_id}")
    assert seen.content == bowl and seen.headers["content-type"] == "image/jpeg"
    assert seen.headers["cache-control"] == "no-store"
    assert (await stranger.get(f"/operator{path}/photos/{photo_id}")).status_code == 404
    assert (await desk.client.get(f"/operator{path}/photos/{uuid4()}")).status_code == 404


async def hold_of(desk: Desk) -> holds.Hold:
    """The shop's owner said that it was not him; the hold."""
    shop_id = desk.town.shop_id
    async with desk.world.house.database.connection() as conn:
        await holds.place(conn, shop_id, uuid4(), "not_me", reason="**** 3446", at=desk.world.at)
        return (await holds.of_shop(conn, shop_id))[0]


async def test_a_hold_is_left_and_then_lifted_each_with_its_reason(desk: Desk) -> None:
    hold = await hold_of(desk)
    here = f"/holds/{hold.shop_id}/{hold.hold_id}"
    assert "1 shop’s payouts wait for you" in shown(await desk.get())
    assert "小满茶器" in shown(await desk.get("/holds"))
    assert "few words" in await desk.does(f"{here}/lifting", reason=" ")
    assert "stays on hold" in await desk.does(f"{here}/keeping", reason="she does not answer")
    assert "she does not answer" in shown(await desk.get("/holds"))
    assert "go on" in await desk.does(f"{here}/lifting", reason="she called back")
    assert "before you" in await desk.does(f"{here}/lifting", reason="she called back")
    assert [(act.kind, act.reason) for act in await desk.log()] == [
        ("hold_lifted", "she called back"),
        ("hold_kept", "she does not answer"),
    ]
    async with desk.world.house.database.connection() as conn:
        lifted = await holds.get(conn, hold.shop_id, hold.hold_id)
    assert lifted is not None and lifted.lifted_by == desk.person_id


async def test_a_shops_payouts_are_held_once_and_stop_the_run(desk: Desk) -> None:
    shop_id = desk.town.shop_id
    form = {"reason": "the goods are forged", "form_key": str(uuid4())}
    for _ in range(2):  # a double press
        assert "on hold" in await desk.does(f"/shops/{shop_id}/holds", **form)
    assert [act.kind for act in await desk.log()] == ["payouts_held"]
    async with desk.world.house.database.connection() as conn:
        assert await holds.stopped(conn) == {shop_id}
        hold = await holds.current(conn, shop_id, desk.world.at)
    assert hold is not None and (hold.kind, hold.until_at) == ("operator", None)
    assert "before" not in await desk.does(
        f"/holds/{shop_id}/{hold.hold_id}/lifting", reason="they are not"
    )
    answer = await desk.post("/shops/0/holds", **form)
    assert answer.status_code == 404


async def test_a_seller_reads_that_payouts_are_stopped(world: World, desk: Desk) -> None:
    seller = world.browser()
    shop_id = await world.open_shop(seller, "阿达", "ada", "139 0000 1009")
    form = {"reason": "the goods are forged", "form_key": str(uuid4())}
    await desk.does(f"/shops/{shop_id}/holds", **form)
    page = shown(await seller.get(f"/console/{shop_id}/money"))
    assert "We will talk to you" in page and "forged" not in page
    async with world.house.database.connection() as conn:
        hold = await holds.current(conn, shop_id, world.at)
    assert hold is not None
    await desk.does(f"/holds/{shop_id}/{hold.hold_id}/lifting", reason="they are not")
    await world.work()
    told = [text for _, text in world.inbox if "阿达" in text]
    assert len(told) == 2 and not any("forged" in text for text in told)


async def test_referral_commission_is_stopped_in_a_shop_and_everywhere(desk: Desk) -> None:
    told = await chain(desk.town)
    await told.agrees(1000, 200)
    desk.world.later(seconds=5)
    page = shown(await desk.get("/referrals"))
    assert "10%" in page
    off = {"state": "off", "reason": "shares in a chain letter"}
    for shop_id in (told.seller, 0):
        here = f"/referrals/{shop_id}/switch"
        assert "stopped for orders" in await desk.does(here, **off)
        assert "stopped already" in await desk.does(here, **off)
        assert "chain letter" in shown(await desk.get("/referrals"))
        desk.town.at = desk.world.later(minutes=1)
        assert await told.earns(await told.buys()) == []
        assert "goes on for" in await desk.does(here, state="on", reason="it was not one")
        desk.town.at = desk.world.later(minutes=1)
        assert len(await told.earns(await told.buys())) == 2
        desk.world.later(seconds=1)
    assert (await desk.post("/referrals/77/switch", **off)).status_code == 404
    kinds = [act.kind for act in await desk.log()]
    assert kinds == ["referral_lifted", "referral_stopped"] * 2
    await told.jobs_are_done()
    await desk.town.books_balance()


async def test_what_a_slow_form_does_at_the_desk_is_done_when_it_is_there(desk: Desk) -> None:
    begun = desk.world.clock.now()

    async def slowly() -> AsyncIterator[bytes]:
        yield b"state=off&"
        desk.world.later(seconds=20)
        yield b"reason=chain"

    form = {"content-type": "application/x-www-form-urlencoded"}
    switch = "/operator/referrals/0/switch"
    assert (await desk.client.post(switch, content=slowly(), headers=form)).status_code == 303
    [act] = await desk.log()
    assert act.at - begun == timedelta(seconds=20)

    async def too_slowly() -> AsyncIterator[bytes]:
        yield b"state=on&"
        desk.world.later(hours=30)  # his hours at the desk are over meanwhile
        yield b"reason=chain"

    late = await desk.client.post(switch, content=too_slowly(), headers=form)
    assert late.status_code == 303 and "switch" not in late.headers["location"]
    assert await desk.log() == [act]


async def test_a_rail_is_switched_off_and_on_with_reasons(desk: Desk) -> None:
    off = {"state": "off", "reason": "notices are an hour late"}
    assert "nobody is offered" in await desk.does("/rails/alipay/switch", **off)
    assert "off already" in await desk.does("/rails/alipay/switch", **off)
    assert "notices are an hour late" in shown(await desk.get("/rails"))
    assert "1 is switched off" in shown(await desk.get())
    on = {"state": "on", "reason": "they came"}
    assert "takes money again" in await desk.does("/rails/alipay/switch", **on)
    assert "already" in await desk.does("/rails/alipay/switch", **on)
    assert [act.kind for act in await desk.log()] == ["rail_on", "rail_off"]
    assert (await desk.post("/rails/paypal/switch", **off)).status_code == 404


async def test_held_jobs_of_all_are_tried_again_or_dropped(desk: Desk, world: World) -> None:
    own = await given_up(world, "refunding.send", desk.town.shop_id)
    platform = await given_up(world, "bills.read")
    page = shown(await desk.get("/jobs"))
    assert "refunding.send" in page and "bills.read" in page and "the other side is away" in page
    assert "few words" in await desk.does(f"/jobs/{own}/removal", reason="")
    assert "tried again" in await desk.does(f"/jobs/{platform}/attempt", reason="it is back")
    assert "Dropped" in await desk.does(f"/jobs/{own}/removal", reason="paid by hand")
    assert "not wait any more" in await desk.does(f"/jobs/{own}/attempt", reason="again")
    assert "not wait any more" in await desk.does(f"/jobs/{uuid4()}/attempt", reason="which")
    dropped, retried = await desk.log()
    assert (dropped.kind, dropped.of_shop_id, retried.kind, retried.of_shop_id) == (
        "job_dropped", desk.town.shop_id, "job_retried", None,
    )  # fmt: skip
    async with world.house.database.connection() as conn:
        assert await jobs.held(conn) == []


async def test_the_desk_makes_an_entrance_of_the_platform_and_sees_who_came(desk: Desk) -> None:
    new = {"kind": "account_menu", "name": "Menu of our account", "reason": "the account is open"}
    refused = new | {"reason": ""}
    assert "Ready" not in await desk.does("/entrances", **refused)
    assert "where the entrance is" in await desk.does("/entrances", **(new | {"kind": "moon"}))
    assert "Ready" in await desk.does("/entrances", **new)
    assert "Ready" in await desk.does("/entrances", **new)  # the same one; no second act
    assert [act.kind for act in await desk.log()] == ["entrance_made"]
    page = (await desk.get("/entrances")).text
    [code] = set(re.findall(r"/in/(0-\w{5})", page))
    assert "0 people came" in page and "/operator/entrances" in (await desk.get()).text
    drawn = await desk.get(f"/entrances/{code}.svg")
    assert drawn.headers["content-type"].startswith("image/svg+xml")
    assert (await desk.client.get("/operator/entrances/0-zzzzz.svg")).status_code == 404
    visitor = desk.world.browser()
    assert (await visitor.get(f"/in/{code}")).headers["location"] == "/my"
    await desk.world.app.state.counter.flush()
    assert "1 person came" in (await desk.get("/entrances")).text
    assert "Made the entrance Menu of our account" in (await desk.get("/acts")).text
