"""Each rule about money that institutions hold is broken once, and the audit names it."""

from __future__ import annotations

import pytest

from littleshop import audit, db
from littleshop.audit import held as rules
from tests.cast import Town
from tests.sale.escrow import holding

BREACHES = {
    "held_where_it_was_paid": "update payments set held_for = null where held_for is not null"
    " returning reference",
    "held_at_is_held_payments": "update releases set rest_minor = rest_minor + 1,"
    " status = 'shared', done_at = null returning 'held_at:wechat_pay'",
    "seller_is_owed_what_is_released": "delete from releases returning order_id",
    "release_is_booked": "update releases set released_minor = released_minor - 1"
    " returning release_reference",
    "commission_return_is_booked": "update refunds set return_minor = return_minor + 1"
    " where returned_at is not null returning return_reference",
    "refund_left_where_it_lay": "update refunds set advanced_at = done_at returning reference",
    "seller_paid_a_refund": "update journals set kind = 'paid_by_seller' where kind = 'released'"
    " returning reference",
}


def test_every_rule_is_broken_here() -> None:
    assert set(BREACHES) == set(rules.RULES)


async def test_the_audit_names_what_breaks_a_rule_of_held_money(
    town: Town, owner: db.Connection
) -> None:
    held = await holding(town, owner)
    placed = await held.sells()
    await held.receives(placed)
    await held.is_released(placed)
    town.later(minutes=1)
    await held.goes_back(placed, "20.00")
    await held.refunds_are_sent(placed)
    await held.mirrors()
    for rule, breach in BREACHES.items():
        attempt = owner.transaction()
        await attempt.start()
        broken = {str(row[0]) for row in await owner.fetch(breach)}
        found = {one.subject for one in await audit.prove(owner) if one.rule == rule}
        await attempt.rollback()
        assert broken and broken <= found, rule


@pytest.mark.parametrize("refused", [True, False])
async def test_a_release_that_nobody_asked_for_is_seen(
    town: Town, owner: db.Connection, refused: bool
) -> None:
    held = await holding(town, owner)
    placed = await held.sells()
    await held.receives(placed)
    if refused:
        await owner.execute("delete from releases")
    found = [one.rule for one in await audit.prove(owner)]
    assert found == (["seller_is_owed_what_is_released"] if refused else [])
