"""A shop with open orders goes to another person: who is paid for what, and what a thief gets."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest

from littleshop import audit, db, ids, jobs
from littleshop.clock import Clock
from littleshop.entry import handing_over, opening, proving_phone, stopping_handover, verifying
from littleshop.entry.handing_over import Details, Wish
from littleshop.errors import NotFound, Refused
from littleshop.identity import codes, people, phones, sessions
from littleshop.identity.codes import Asker
from littleshop.identity.people import Person
from littleshop.identity.verifier import Verdict
from littleshop.risk import holds
from littleshop.settlement import former, payouts
from littleshop.settlement.bank_answers import BankReason
from littleshop.shop import cards, merchants, staff
from littleshop.shop.handovers import Handover
from tests.cast import CNY, Town
from tests.settlement.paper_bank import PaperBank, beijing, sells, settle, verify
from tests.settlement.test_killed_runs import Killed, Mortal

MON, TUE, WED, THU, FRI = (date(2026, 11, day) for day in (23, 24, 25, 26, 27))
NUMBER = "11010519491231002X"
YUN, YUN_NUMBER, YUN_CARD = "13900001077", "36020319920503120X", "6222021502003456781"
BROWSER = ids.hashed("her browser")


@pytest.fixture
def bank() -> PaperBank:
    """A bank that has the rail's money since Sunday."""
    made = PaperBank()
    made.lump(date(2026, 11, 22), CNY("9000.00"))
    return made


async def owner_of(town: Town) -> Person:
    assert town.person_id is not None
    async with town.database.connection() as conn:
        person = await people.get(conn, town.person_id)
    assert person is not None
    return person


async def meets(town: Town, phone: str = YUN) -> Person:
    return await town.database.transaction(
        lambda conn: people.meet(
            conn, town.keyring, phones.parse(phone), locale="zh-CN", at=town.at
        )
    )


async def filled_in(town: Town, *, number: str = NUMBER, staff_stays: bool = True) -> Wish:
    return await handing_over.check(
        town.database, town.keyring, await owner_of(town), town.shop_id,
        Details(YUN, number, staff_stays), town.at,
    )  # fmt: skip


async def offers(town: Town, *, staff_stays: bool = True) -> Handover:
    """The owner fills in, gets a code, types it."""
    owner, wish = await owner_of(town), await filled_in(town, staff_stays=staff_stays)
    await proving_phone.send_code(
        town.database,
        town.keyring,
        owner,
        Asker(BROWSER, "10.0.0.1"),
        purpose=handing_over.PURPOSE,
        locale="zh-CN",
        at=town.at,
    )
    async with town.database.connection() as conn:
        code = await proving_phone.code_on_its_way(
            conn, town.keyring, owner, BROWSER, purpose=handing_over.PURPOSE, at=town.at
        )
    assert code is not None
    return await handing_over.ask(
        town.database, town.keyring, owner, wish, codes.words(town.keyring, code.code_id),
        browser=BROWSER, locale="zh-CN", at=town.at,
    )  # fmt: skip


def token(town: Town, offer: Handover) -> str:
    return ids.handover_token(town.keyring.link_key, town.shop_id, offer.handover_id)


async def takes(town: Town, person: Person, offer: Handover) -> Handover:
    return await handing_over.accept(
        town.database, town.keyring, person, token(town, offer), own_goods=False,
        owing=former.owing, at=town.at,
    )  # fmt: skip


async def proves_herself(town: Town, person: Person) -> None:
    """Identity and card of the new owner are told and right."""
    shop_id, yes = town.shop_id, Verdict(match=True, reason=None)
    await opening.identify(
        town.database, town.keyring, person.person_id, shop_id,
        name="云朵", id_number=YUN_NUMBER, consent=True, at=town.at,
    )  # fmt: skip
    async with town.database.connection() as conn:
        merchant = await merchants.find(conn, shop_id)
    assert merchant is not None
    await verifying.hear_identity(town.database, shop_id, merchant.check_id, yes, at=town.at)
    await opening.bind_card(
        town.database, town.keyring, person, shop_id, number=YUN_CARD, at=town.at
    )
    async with town.database.connection() as conn:
        card = await cards.active(conn, shop_id)
    assert card is not None
    await verifying.hear_card(town.database, town.keyring, card, yes, at=town.at)


async def role_of(town: Town, person_id: UUID) -> str | None:
    async with town.database.connection() as conn:
        return await staff.role_of(conn, town.shop_id, person_id)


async def paid(town: Town) -> list[tuple[date, int, str]]:
    async with town.database.connection() as conn:
        found = await payouts.of_shop(conn, town.shop_id)
    return [(one.run_on, one.amount.minor, one.tail) for one in reversed(found)]


async def test_what_was_released_goes_to_the_old_card_and_what_is_held_follows_the_orders(
    town: Town, bank: PaperBank
) -> None:
    await verify(town)
    beijing(town, MON, 12)
    await sells(town, CNY("168.00"))  # released: his
    open_order = await town.buys([await town.stock("紫砂壶", CNY("300.00"))], CNY("300.00"))
    owner, yun = await owner_of(town), await meets(town)
    _, session = await town.database.transaction(
        lambda conn: sessions.start(conn, owner.person_id, device="phone", at=town.at, token="his")
    )
    assert session.person_id == owner.person_id
    offer = await offers(town)
    taken = await takes(town, yun, offer)
    assert await takes(town, yun, offer) is not None  # a second press finds it done
    assert (await role_of(town, yun.person_id), await role_of(town, owner.person_id)) == (
        "owner",
        None,
    )
    async with town.database.connection() as conn:
        assert await sessions.find(conn, "his", town.at) is None
        told = await conn.fetch("select about from messages where shop_id = $1", town.shop_id)
    assert sorted(row["about"] for row in told if row["about"].startswith("hand")) == [
        "handed_over", "handover_offered", "handover_word",
    ]  # fmt: skip
    assert taken.handover_id == offer.handover_id
    await town.ships(open_order)
    await town.receives(open_order)  # released under the new owner: hers
    beijing(town, TUE, 8)
    await settle(town, bank)  # her papers lack, his money goes out all the same
    town.later(hours=1)
    await proves_herself(town, yun)
    for day in (WED, THU):
        beijing(town, day, 8)
        await settle(town, bank)
    assert await paid(town) == [(TUE, 16800, "1234")]  # 48 hours are not over at eight
    beijing(town, FRI, 8)
    await settle(town, bank)
    assert await paid(town) == [(TUE, 16800, "1234"), (FRI, 30000, "6781")]
    await town.books_balance()


async def test_what_comes_back_from_the_old_card_is_owed_to_it_again_and_no_more(
    town: Town, bank: PaperBank, owner: db.Connection
) -> None:
    await verify(town)
    beijing(town, MON, 12)
    await sells(town, CNY("168.00"))
    yun = await meets(town)
    await takes(town, yun, await offers(town))
    await sells(town, CNY("40.00"))  # hers
    beijing(town, TUE, 8)
    await settle(town, bank)
    assert await paid(town) == [(TUE, 16800, "1234")]
    async with town.database.connection() as conn:
        (first,) = await payouts.of_shop(conn, town.shop_id)
    bank.pays(TUE, first)
    await settle(town, bank)
    beijing(town, WED, 8)
    bank.returns(WED, first, BankReason.ACCOUNT_CLOSED)
    await settle(town, bank)
    for day in (THU, FRI):  # his again, though her papers lack still: what is there first is his
        beijing(town, day, 8)
        await settle(town, bank)
    assert await paid(town) == [(TUE, 16800, "1234"), (THU, 4000, "1234"), (FRI, 12800, "1234")]
    assert await town.balance("payable") == CNY("40.00")
    await town.books_balance()
    # the audit sees it when the old card gets more than it was owed
    await owner.execute("update handovers set owed_minor = 16799 where status = 'done'")
    async with town.database.connection() as conn:
        assert [one.rule for one in await audit.prove(conn)] == ["former_is_paid_once"]


async def test_a_thief_with_the_open_phone_needs_the_number_and_is_stopped_by_any_of_her_phones(
    town: Town, bank: PaperBank
) -> None:
    await verify(town)
    beijing(town, MON, 12)
    await sells(town, CNY("168.00"))
    for wrong in ("36020319920503120X", "36020319920503121X"):
        with pytest.raises(Refused):
            await filled_in(town, number=wrong)
    offer = await offers(town, staff_stays=False)
    with pytest.raises(Refused, match="handover_open"):
        await filled_in(town)
    stranger = await meets(town, "13900001078")
    with pytest.raises(Refused, match="handover_other_phone"):
        await takes(town, stranger, offer)
    word = ids.objection_token(town.keyring.link_key, town.shop_id, offer.handover_id)
    await stopping_handover.object_to(town.database, town.shop_id, word, at=town.at)
    with pytest.raises(Refused, match="handover_over"):
        await takes(town, await meets(town), offer)
    async with town.database.connection() as conn:
        hold = await holds.current(conn, town.shop_id, town.at)
    assert hold is not None and hold.kind == "not_me"
    with pytest.raises(Refused, match="payouts_stopped"):
        await filled_in(town)
    beijing(town, TUE, 8)
    await settle(town, bank)
    assert await paid(town) == []
    town.later(days=31)
    with pytest.raises(Refused, match="objection_late"):
        await stopping_handover.object_to(town.database, town.shop_id, word, at=town.at)
    with pytest.raises(NotFound):
        await stopping_handover.object_to(town.database, town.shop_id, f"{word}x", at=town.at)
    await town.books_balance()


async def test_a_handover_runs_out_after_a_week_and_can_be_made_again(town: Town) -> None:
    offer = await offers(town)
    town.later(days=8)
    with pytest.raises(Refused, match="handover_over"):
        await takes(town, await meets(town), offer)
    again = await offers(town)
    await takes(town, await meets(town), again)
    assert again.asked_at - offer.asked_at == timedelta(days=8)


async def hands_on(town: Town, keeper: Person, to: str, number: str) -> Handover:
    """Who keeps the shop now offers it to the next one."""
    asker, details = Asker(ids.hashed("b2"), "10.0.0.2"), Details(to, number, True)
    wish = await handing_over.check(
        town.database, town.keyring, keeper, town.shop_id, details, town.at
    )
    await proving_phone.send_code(
        town.database,
        town.keyring,
        keeper,
        asker,
        purpose=handing_over.PURPOSE,
        locale="zh-CN",
        at=town.at,
    )
    async with town.database.connection() as conn:
        code = await proving_phone.code_on_its_way(
            conn, town.keyring, keeper, asker.browser, purpose=handing_over.PURPOSE, at=town.at
        )
    assert code is not None
    return await handing_over.ask(
        town.database, town.keyring, keeper, wish, codes.words(town.keyring, code.code_id),
        browser=asker.browser, locale="zh-CN", at=town.at,
    )  # fmt: skip


async def test_a_process_that_dies_once_the_shop_has_gone_over_leaves_its_new_owner_the_shop(
    town: Town,
) -> None:
    """What the persons have of it is another transaction: a job does it, and once more no harm."""
    await verify(town)
    owner, yun = await owner_of(town), await meets(town)
    await town.database.transaction(
        lambda conn: sessions.start(conn, owner.person_id, device="phone", at=town.at, token="his")
    )
    offer = await offers(town)
    mortal = Mortal(town.database.pool)
    mortal.lives = 1
    with pytest.raises(Killed):
        await takes(replace(town, database=mortal), yun, offer)
    for _ in range(2):
        await jobs.drain(town.database, handing_over.tasks(), Clock(town.at - Clock().now()))
        async with town.database.connection() as conn:
            shops = await staff.shops_of(conn, yun.person_id)
            assert [one.shop_id for one in shops] == [town.shop_id]
            assert await staff.shops_of(conn, owner.person_id) == []
            assert await sessions.find(conn, "his", town.at) is None
            assert await opening.progress(conn, yun.person_id, town.shop_id)
    await town.books_balance()


async def test_a_shop_that_goes_on_twice_promises_its_balance_once(
    town: Town, bank: PaperBank
) -> None:
    await verify(town)
    beijing(town, MON, 12)
    await sells(town, CNY("168.00"))  # his
    yun, third = await meets(town), await meets(town, "13900001088")
    await takes(town, yun, await offers(town))
    town.later(minutes=10)
    await proves_herself(town, yun)
    await sells(town, CNY("40.00"))  # hers
    town.later(minutes=10)
    await takes(town, third, await hands_on(town, yun, "13900001088", YUN_NUMBER))
    await sells(town, CNY("90.00"))  # the third one's
    for day in (TUE, WED, THU, FRI):
        beijing(town, day, 8)
        await settle(town, bank)
    out = {(amount, tail) for _, amount, tail in await paid(town)}
    assert out == {(16800, "1234"), (4000, "6781")}
    assert await town.balance("payable") == CNY("90.00")
    await town.books_balance()


async def test_an_old_link_pressed_again_ends_nothing_when_the_shop_went_back(town: Town) -> None:
    await verify(town)
    owner, yun = await owner_of(town), await meets(town)
    offer = await offers(town)
    await takes(town, yun, offer)
    town.later(minutes=10)
    phone = town.keyring.open(owner.phone_sealed)
    await proves_herself(town, yun)
    town.later(hours=49)
    await takes(town, owner, await hands_on(town, yun, phone, YUN_NUMBER))  # it is his again
    await town.database.transaction(
        lambda conn: sessions.start(conn, owner.person_id, device="p", at=town.at, token="again")
    )
    town.later(minutes=1)
    await takes(town, yun, offer)
    async with town.database.connection() as conn:
        assert await sessions.find(conn, "again", town.at) is not None
        assert [each.shop_id for each in await staff.shops_of(conn, owner.person_id)]
