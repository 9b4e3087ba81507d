"""Invitations to pay: one letter, the people who take it up, and the money of each."""

from __future__ import annotations

import asyncio
import secrets
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from littleshop import db, ids
from littleshop.catalog import stock
from littleshop.errors import Conflict, NotFound, Refused
from littleshop.money import Money
from littleshop.pricing.quotes import Item
from littleshop.sale import inviting, refunding, shipping
from littleshop.sale.inviting import Own
from littleshop.sale.placing import Placed, Placing
from littleshop.trade import invitations, timers
from littleshop.trade.invitations import Invitation, InvitationDraft, Named
from littleshop.trade.orders import Delivery
from tests.cast import CNY, PRIYA, WANTING, Town

LETTER = InvitationDraft(
    to_name="阿婷", phone_sealed=None, words="给你留着。", way="goods", currency="CNY",
    shipping_minor=1200, uses=1, keeps=False, ship_days=None, hours=24,
)  # fmt: skip


async def named(town: Town, item: Item, price: Money, quantity: int = 1) -> Named:
    async with town.database.connection() as conn:
        product_id = await db.value(
            conn,
            "select product_id from variants where shop_id = $1 and variant_id = $2",
            town.shop_id,
            item.variant_id,
        )
    return Named(product_id, item.variant_id, quantity, price.minor)


async def writes(town: Town, *lines: Named | Own, **facts: Any) -> UUID:
    """林小满 writes a letter and sends it."""
    invitation_id = uuid4()
    letter = InvitationDraft(
        **({name: getattr(LETTER, name) for name in LETTER.__struct_fields__} | facts)
    )

    async def work(conn: db.Connection) -> None:
        assert town.person_id is not None
        await inviting.write(
            conn, town.keyring, town.shop_id, invitation_id, letter,
            [each for each in lines if isinstance(each, Named)],
            [each for each in lines if isinstance(each, Own)],
            person_id=town.person_id, at=town.at,
        )  # fmt: skip
        await inviting.send(conn, town.shop_id, invitation_id, town.at)

    await town.database.transaction(work)
    return invitation_id


async def accepts(
    town: Town,
    invitation_id: UUID,
    total: Money,
    who: Delivery = WANTING,
    *,
    key: str | None = None,
    shop_id: int | None = None,
) -> Placed:
    """Somebody presses the button of the letter."""
    wish = Placing(
        shop_id=shop_id or town.shop_id,
        items=(),
        way="courier",
        delivery=who,
        total_seen=total,
        key=key or secrets.token_hex(8),
        device=ids.hashed(who.phone),
        locale="zh-CN",
    )
    return await town.database.transaction(
        lambda conn: inviting.accept(conn, town.keyring, invitation_id, wish, town.at)
    )


async def pays(town: Town, placed: Placed, total: Money) -> str:
    return await town.money_arrives(await town.opens_cashier(placed), total)


async def letter(town: Town, invitation_id: UUID) -> Invitation:
    async with town.database.connection() as conn:
        return await invitations.get(conn, town.shop_id, invitation_id)


async def state(town: Town, invitation_id: UUID) -> str:
    return (await letter(town, invitation_id)).state(town.at)


async def spare(town: Town, item: Item) -> int:
    async with town.database.connection() as conn:
        return (await stock.spare(conn, town.shop_id, [item.variant_id]))[item.variant_id]


async def acts(town: Town, what: Any, invitation_id: UUID, **more: Any) -> None:
    await town.database.transaction(
        lambda conn: what(conn, town.shop_id, invitation_id, at=town.at, **more)
    )


async def test_a_letter_is_sent_seen_taken_up_and_paid_at_its_own_price(town: Town) -> None:
    bowl = await town.stock(pieces=2)
    needle = Own("竹茶针", 800, quantity=2)
    sent = await writes(town, await named(town, bowl, CNY("150.00")), needle, ship_days=5)
    assert await state(town, sent) == "sent"
    await acts(town, invitations.see, sent)
    assert await state(town, sent) == "seen"
    total = CNY("178.00")  # 150 + 2 x 8 + 12
    placed = await accepts(town, sent, total)
    assert await pays(town, placed, total) == "accepted"
    order = await town.order(placed)
    assert (order.kind, order.status, order.total) == ("invitation", "to_ship", total)
    assert await state(town, sent) == "paid"
    async with town.database.connection() as conn:
        due = {each.kind: each.due_at - town.at for each in await timers.of(
            conn, town.shop_id, placed.order_id)}  # fmt: skip
    assert (due["ship_by"].days, due["ship_at_last"].days) == (5, 10)
    await town.ships(placed)
    await town.receives(placed)
    await town.books_balance()


async def test_of_two_who_take_up_one_letter_at_the_same_second_one_has_it(
    town: Town, twin: Town
) -> None:
    bowl = await town.stock(pieces=9)
    sent = await writes(town, await named(town, bowl, CNY("150.00")))
    pressed = [
        accepts(each, sent, CNY("162.00"), who) for each, who in ((town, WANTING), (twin, PRIYA))
    ]
    ended = await asyncio.gather(*pressed, return_exceptions=True)
    (placed,) = [each for each in ended if isinstance(each, Placed)]
    (no,) = [each for each in ended if isinstance(each, Refused)]
    assert no.code == "invitation_taken"
    assert await pays(town, placed, CNY("162.00")) == "accepted"
    with pytest.raises(Refused, match="invitation_used"):
        await accepts(town, sent, CNY("162.00"), PRIYA)
    assert await spare(town, bowl) == 8
    await town.books_balance()


async def test_a_letter_for_many_makes_an_order_for_each_and_no_more(town: Town) -> None:
    sent = await writes(town, Own("周末的茶会", 6000), uses=3, way="none", shipping_minor=0)
    for place in range(3):
        who = Delivery(f"客人{place}", f"+861380000200{place}")
        assert await pays(town, await accepts(town, sent, CNY("60.00"), who), CNY("60.00"))
    with pytest.raises(Refused, match="invitation_used"):
        await accepts(town, sent, CNY("60.00"), PRIYA)
    assert (await letter(town, sent)).paid == 3
    await town.books_balance()


async def test_the_same_press_finds_the_same_order_and_another_shop_finds_nothing(
    town: Town,
) -> None:
    sent = await writes(town, Own("定金", 5000), way="none", shipping_minor=0)
    key = secrets.token_hex(8)
    first = await accepts(town, sent, CNY("50.00"), key=key)
    assert await accepts(town, sent, CNY("50.00"), key=key) == first
    with pytest.raises(Conflict):
        await accepts(town, sent, CNY("50.00"), PRIYA, key=key)
    home = town.shop_id
    await town.open_shop("别家", "other", "+8613900001002")
    with pytest.raises(NotFound):
        await accepts(town, sent, CNY("50.00"), PRIYA)
    town.shop_id = home
    await town.books_balance()


async def test_a_kept_piece_is_nobody_elses_and_goes_over_to_his_order(town: Town) -> None:
    bowl = await town.stock(pieces=1)
    sent = await writes(town, await named(town, bowl, CNY("150.00")), keeps=True, hours=48)
    assert await spare(town, bowl) == 0
    with pytest.raises(Refused, match="stock_short"):
        await town.place([bowl], CNY("168.00"), who=PRIYA)
    await town.books_balance()
    placed = await accepts(town, sent, CNY("162.00"))
    await town.books_balance()
    assert await pays(town, placed, CNY("162.00")) == "accepted"
    town.later(hours=50)
    await town.clocks_strike()
    await town.books_balance()


async def test_a_kept_letter_that_was_taken_up_is_kept_for_ten_minutes(town: Town) -> None:
    bowl = await town.stock(pieces=1)
    sent = await writes(town, await named(town, bowl, CNY("150.00")), keeps=True, hours=720)
    await accepts(town, sent, CNY("162.00"))
    town.later(minutes=11)
    await town.clocks_strike()
    assert await spare(town, bowl) == 1
    placed = await accepts(town, sent, CNY("162.00"), PRIYA)  # open again, as the shelf has it
    assert await pays(town, placed, CNY("162.00")) == "accepted"
    await town.books_balance()


async def test_what_the_seller_names_is_no_buyers_share_of_what_is_scarce(town: Town) -> None:
    twelve = await writes(town, Own("手作杯垫", 1000, 12))
    assert await accepts(town, twelve, CNY("132.00"))
    eleven = await writes(town, *[Own(f"件{place}", 1000) for place in range(11)])
    assert await accepts(town, eleven, CNY("122.00"), PRIYA)
    bowl = await town.stock(pieces=15)
    kept = await writes(town, await named(town, bowl, CNY("10.00"), 15), keeps=True)
    assert await accepts(town, kept, CNY("162.00"))
    assert await spare(town, bowl) == 0
    await town.books_balance()


@pytest.mark.parametrize("sends_first", [True, False])
async def test_a_draft_that_is_sent_and_cancelled_at_once_keeps_nothing(
    town: Town, twin: Town, monkeypatch: pytest.MonkeyPatch, sends_first: bool
) -> None:
    bowl = await town.stock(pieces=2)
    draft, real = uuid4(), invitations.get
    line, letter = await named(town, bowl, CNY("150.00")), replace(LETTER, keeps=True)
    await town.database.transaction(
        lambda conn: inviting.write(
            conn, town.keyring, town.shop_id, draft, letter, [line], [],
            person_id=town.person_id or uuid4(), at=town.at,
        )
    )  # fmt: skip
    slow, quick = inviting.send, inviting.cancel
    if sends_first:
        slow, quick = quick, slow

    async def meanwhile(conn: db.Connection, shop_id: int, invitation_id: UUID) -> Invitation:
        found = await real(conn, shop_id, invitation_id)
        monkeypatch.setattr(invitations, "get", real)
        await acts(twin, quick, draft)
        return found

    if sends_first:  # between reading the draft and writing its end
        cancels = invitations.cancel

        async def late(conn: db.Connection, *which: Any, was: str) -> bool:
            monkeypatch.setattr(invitations, "cancel", cancels)
            await acts(twin, quick, draft)
            return await cancels(conn, *which, was=was)

        monkeypatch.setattr(invitations, "cancel", late)
    else:
        monkeypatch.setattr(invitations, "get", meanwhile)
    await acts(town, slow, draft)
    assert await state(town, draft) == "cancelled"
    assert await spare(town, bowl) == 2
    await town.books_balance()


async def test_of_a_letter_taken_back_late_money_goes_back_and_who_is_paying_may_pay(
    town: Town,
) -> None:
    bowl = await town.stock(pieces=5)
    sent = await writes(town, await named(town, bowl, CNY("150.00")), uses=2)
    late = await accepts(town, sent, CNY("162.00"))
    reference = await town.opens_cashier(late)
    town.later(minutes=31)
    await town.clocks_strike()
    paying = await accepts(town, sent, CNY("162.00"), PRIYA)
    await acts(town, inviting.cancel, sent)
    assert await town.money_arrives(reference, CNY("162.00")) == "returned"
    assert await pays(town, paying, CNY("162.00")) == "accepted"
    await town.books_balance()


async def test_a_shopper_and_the_person_it_is_kept_for_never_both_have_the_last_piece(
    town: Town, twin: Town
) -> None:
    for _ in range(4):
        bowl = await town.stock(pieces=1)
        sent = await writes(town, await named(town, bowl, CNY("150.00")), keeps=True)
        ended = await asyncio.gather(
            accepts(town, sent, CNY("162.00")),
            twin.place([bowl], CNY("168.00"), who=PRIYA),
            acts(twin, inviting.cancel, sent),
            return_exceptions=True,
        )
        placed = [each for each in ended if isinstance(each, Placed)]
        assert len(placed) <= 1
        assert await spare(town, bowl) == 1 - len(placed)
        await town.books_balance()


async def test_what_was_kept_goes_back_when_the_letter_ends_or_is_cancelled(town: Town) -> None:
    bowl = await town.stock(pieces=2)
    line = await named(town, bowl, CNY("150.00"))
    lapsed, called_off = [await writes(town, line, keeps=True) for _ in range(2)]
    assert await spare(town, bowl) == 0
    with pytest.raises(Refused, match="stock_short"):
        await writes(town, line, keeps=True)
    await acts(town, inviting.cancel, called_off)
    assert await spare(town, bowl) == 1
    town.later(hours=24)
    await town.clocks_strike()
    assert await spare(town, bowl) == 2
    for each, code in ((lapsed, "invitation_expired"), (called_off, "invitation_cancelled")):
        with pytest.raises(Refused, match=code):
            await accepts(town, each, CNY("162.00"))
    await town.books_balance()


async def test_a_use_that_was_not_paid_is_open_again_and_late_money_of_it_goes_back(
    town: Town,
) -> None:
    bowl = await town.stock(pieces=5)
    sent = await writes(town, await named(town, bowl, CNY("150.00")))
    late = await accepts(town, sent, CNY("162.00"))
    reference = await town.opens_cashier(late)
    town.later(minutes=31)
    await town.clocks_strike()
    placed = await accepts(town, sent, CNY("162.00"), PRIYA)
    assert await pays(town, placed, CNY("162.00")) == "accepted"
    assert await town.money_arrives(reference, CNY("162.00")) == "returned"
    await town.books_balance()


async def test_a_new_price_is_seen_before_it_is_paid(town: Town) -> None:
    bowl = await town.stock(pieces=5)
    sent = await writes(town, await named(town, bowl, CNY("150.00")))
    await acts(
        town, inviting.amend, sent, words="便宜一点", shipping=CNY("0.00"),
        prices={bowl.variant_id: 14000}, hours=None,
    )  # fmt: skip
    with pytest.raises(Refused, match="price_changed") as no:
        await accepts(town, sent, CNY("162.00"))
    assert no.value.details["now"] == CNY("140.00")
    placed = await accepts(town, sent, CNY("140.00"))
    with pytest.raises(Refused, match="invitation_taken"):
        await acts(
            town, inviting.amend, sent, words="", shipping=CNY("0.00"), prices={}, hours=None
        )
    assert await pays(town, placed, CNY("140.00")) == "accepted"
    with pytest.raises(Refused, match="invitation_used"):
        await acts(town, inviting.cancel, sent)
    await town.books_balance()


async def test_what_an_operator_took_down_is_sold_by_no_letter(
    town: Town, owner: db.Connection
) -> None:
    bowl = await town.stock(pieces=5)
    sent = await writes(town, await named(town, bowl, CNY("150.00")))
    await owner.execute("update products set status = 'hidden'")
    with pytest.raises(Refused, match="variant_gone"):
        await accepts(town, sent, CNY("162.00"))
    assert (await letter(town, sent)).taken == 0


async def test_a_refund_of_a_paid_letter_gives_all_back_and_opens_it_to_nobody(
    town: Town,
) -> None:
    sent = await writes(town, Own("修一只碗", 9000), way="none", shipping_minor=0)
    placed = await accepts(town, sent, CNY("90.00"))
    await pays(town, placed, CNY("90.00"))
    await town.database.transaction(
        lambda conn: refunding.call_off(
            conn, town.shop_id, placed.order_id, by="seller", reason="seller", at=town.at
        )
    )
    with pytest.raises(Refused, match="invitation_used"):
        await accepts(town, sent, CNY("90.00"), PRIYA)
    await town.books_balance()


async def test_where_nothing_is_handed_over_the_seller_says_done_and_the_buyer_has_three_days(
    town: Town,
) -> None:
    sent = await writes(town, Own("修一只碗", 9000), way="none", shipping_minor=0)
    await acts(town, inviting.amend, sent, words="", shipping=CNY("3.00"), prices={}, hours=None)
    placed = await accepts(town, sent, CNY("90.00"))
    await pays(town, placed, CNY("90.00"))
    done = partial(shipping.done, shop_id=town.shop_id, order_id=placed.order_id, at=town.at)
    await town.database.transaction(lambda conn: done(conn))
    assert (await town.order(placed)).status == "shipped"
    town.later(days=3)
    await town.clocks_strike()
    assert (await town.order(placed)).status == "received"
    await town.books_balance()


async def test_nobody_amends_a_letter_that_is_not_there(town: Town) -> None:
    with pytest.raises(NotFound):
        await acts(
            town, inviting.amend, UUID(int=9), words="", shipping=CNY("0.00"), prices={}, hours=None
        )
