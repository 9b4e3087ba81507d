"""What nobody received, admitted or decided is planted as the owner of the database, and seen."""

from __future__ import annotations

from datetime import timedelta

import pytest

from littleshop import audit, db
from littleshop.audit import decided as rules
from littleshop.oversight import acts
from littleshop.sale import charging_back
from littleshop.trade.fees import Rate
from tests.cast import CNY, Town
from tests.sale.charges import schedule
from tests.sale.escrow import holding

BREACHES = {
    "released_was_received": "update orders set received_at = null, direct = true"
    " where received_at is not null returning order_id",
    "held_for_the_admitted": "update releases set merchant_id = 'SOMEBODYELSE'"
    " returning release_reference",
    "chargeback_was_heard": "insert into chargebacks (shop_id, chargeback_id, payment_id, order_id,"
    " amount_minor, currency, status, opened_at, ended_at) select shop_id, gen_random_uuid(),"
    " payment_id, order_id, 1, currency, 'lost', paid_at, paid_at from payments"
    " where outcome = 'accepted' returning order_id",
    "event_has_its_row": "insert into order_events (shop_id, order_id, event_id, kind, by_role, at)"
    " select shop_id, order_id, gen_random_uuid(), 'refund_done', 'platform', paid_at from orders"
    " returning order_id",
}


def test_every_rule_is_broken_here() -> None:
    assert set(BREACHES) == set(rules.RULES)


async def test_the_audit_names_what_did_not_take_place(town: Town, owner: db.Connection) -> None:
    held = await holding(town, owner)
    placed = await held.sells()
    await held.receives(placed)
    await held.is_released(placed)
    await held.mirrors()
    for rule, breach in BREACHES.items():
        attempt = owner.transaction()
        await attempt.start()
        broken = str(await owner.fetchval(breach))
        found = {one.subject for one in await audit.prove(owner) if one.rule == rule}
        await attempt.rollback()
        assert broken in found, rule


async def test_money_held_for_a_stranger_is_seen(town: Town, owner: db.Connection) -> None:
    held = await holding(town, owner)
    await held.sells()
    await owner.execute("update payments set held_for = 'SOMEBODYELSE' where status = 'paid'")
    assert "held_for_the_admitted" in {one.rule for one in await audit.prove(owner)}


@pytest.mark.parametrize(
    "breach",
    [
        "delete from chargebacks",
        "update chargebacks set status = 'won', ended_at = opened_at",
    ],
)
async def test_a_chargeback_that_went_away_is_missed(
    town: Town, owner: db.Connection, breach: str
) -> None:
    held = await holding(town, owner)
    await held.sells()
    reference = await owner.fetchval("select reference from payments where status = 'paid'")
    await town.database.transaction(
        lambda conn: charging_back.hear_opened(
            conn, town.shop_id, reference, CNY("100.00"), town.at
        )
    )
    await town.books_balance()
    await owner.execute(breach)
    assert [one.rule for one in await audit.prove(owner)] == ["chargeback_was_heard"]


@pytest.mark.parametrize(
    "kind", ["paid", "payment_returned", "refund_agreed", "called_off", "received"]
)
async def test_a_history_that_says_money_moved_and_none_did_is_seen(
    town: Town, owner: db.Connection, kind: str
) -> None:
    await town.place([await town.stock(price=CNY("20.00"))], CNY("20.00"))
    planted = (
        "insert into order_events (shop_id, order_id, event_id, kind, by_role, at)"
        " select shop_id, order_id, gen_random_uuid(), $1, 'platform', placed_at from orders"
    )
    await owner.execute(planted, kind)
    assert [one.rule for one in await audit.prove(owner)] == ["event_has_its_row"]


async def test_a_fee_schedule_that_nobody_set_is_seen(town: Town, owner: db.Connection) -> None:
    await schedule(town, {"": Rate(100)})
    assert await _rules_of_the_log(owner) == set()
    await owner.execute(
        "insert into fee_schedules (schedule_id, of_shop_id, name, currency, follows_platform,"
        " starts_at, set_at) values (gen_random_uuid(), 0, 'nobody', 'CNY', false, $1, $1)",
        town.at,
    )
    assert await _rules_of_the_log(owner) == {"decision_has_its_act"}


async def _rules_of_the_log(owner: db.Connection) -> set[str]:
    return {one.rule for one in await audit.prove_log(owner)}


@pytest.mark.parametrize("also_its_head", [False, True])
async def test_a_log_that_was_emptied_is_missed(
    town: Town, owner: db.Connection, also_its_head: bool
) -> None:
    await town.database.transaction(
        lambda conn: acts.record(
            conn, None, "operator_added", f"person/{town.person_id}", reason="the first", at=town.at
        )
    )
    await owner.execute(
        "insert into operators (person_id, totp_sealed, added_at) values ($1, '', $2)",
        *(town.person_id, town.at),
    )
    assert await _rules_of_the_log(owner) == set()
    await owner.execute("delete from acts")
    if also_its_head:
        await owner.execute("delete from act_heads")
    assert await _rules_of_the_log(owner) == {"acts_end_at_their_head", "decision_has_its_act"}


async def test_what_no_person_did_needs_no_act(town: Town, owner: db.Connection) -> None:
    await owner.execute(
        "insert into payout_holds (shop_id, hold_id, kind, from_at, until_at)"
        " values ($1, gen_random_uuid(), 'card_changed', $2, $3)",
        *(town.shop_id, town.at, town.at + timedelta(days=1)),
    )
    assert await _rules_of_the_log(owner) == set()
