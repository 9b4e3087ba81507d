"""Every rule of the audit: break it as the owner of the database could, and see the id."""

from __future__ import annotations

import asyncio
import json
from functools import partial

import pytest

from littleshop import audit, db
from littleshop.audit import acts as log
from littleshop.audit import between, books, decided, held, moves, payouts, referred, stock
from littleshop.oversight import acts
from littleshop.sale import refunding
from littleshop.trade.fees import Rate
from tests.cast import CNY, Town
from tests.sale.after_sale import after
from tests.sale.charges import schedule
from tests.settlement.paper_bank import PaperBank, beijing, sells, settle, verify
from tests.settlement.test_settling import MON, THU, TUE, WED

BREACHES = {
    "journal_moves": "insert into journals (shop_id, journal_id, kind, reference, value_on,"
    " booked_at, digest) select shop_id, gen_random_uuid(), 'strange', 'X', value_on, booked_at, ''"
    " from journals limit 1 returning journal_id",
    "journal_one_currency": "insert into transfers (shop_id, journal_id, position, debit, credit,"
    " amount_minor, currency) select shop_id, journal_id, 9, debit, credit, 1, 'USD'"
    " from transfers limit 1 returning journal_id",
    "trial_balance": "update accounts set debits_minor = debits_minor + 1"
    " where account = 'bank' and shop_id > 0 returning currency",
    "account_is_its_transfers": "update accounts set debits_minor = debits_minor + 1"
    " where account = 'bank' and shop_id > 0 returning account",
    "escrow_is_held_orders": "update accounts set credits_minor = credits_minor + 1"
    " where account = 'escrow' returning account",
    "order_held_is_its_journals": "update orders set refunded_minor = 1,"
    " held_minor = held_minor - 1 where status = 'to_ship' returning order_id",
    "paid_order_has_its_payment": "update payments set outcome = 'returned'"
    " where outcome = 'accepted' returning order_id",
    "payment_is_booked": "update payments set paid_minor = paid_minor + 1,"
    " amount_minor = amount_minor + 1 where outcome = 'accepted' returning reference",
    "returned_goes_back": "update refunds set amount_minor = refunds.amount_minor - 1"
    " from payments p where p.payment_id = refunds.payment_id and p.outcome = 'returned'"
    " returning p.reference",
    "refunds_fit_the_order": "delete from refunds where paid_from = 'escrow' and case_id is null"
    " returning order_id",
    "payment_knows_its_refunds": "update payments set refunded_minor = refunded_minor - 1"
    " where refunded_minor > 0 returning reference",
    "refund_is_booked": "update refunds set status = 'done', done_at = asked_at"
    " where paid_from = 'escrow' returning reference",
    "failed_refund_came_back": "update refunds set status = 'failed', failed_at = asked_at"
    " where paid_from = 'escrow' returning reference",
    "released_is_split_as_agreed": "update orders set commission_bps = 100"
    " where received_at is not null returning order_id",
    "fee_is_as_scheduled": "update order_fees set rate_bps = rate_bps + 1 returning order_id",
    "state_has_its_timer": "delete from timers where kind = 'ship_at_last' returning subject",
    "case_has_its_timer": "update cases set status = 'returning' where status = 'asked'"
    " returning case_id",
    "case_has_its_refund": "update cases set agreed_minor = agreed_minor + 1"
    " where status = 'refunding' returning case_id",
    "lent_on_both_sides": "update transfers t set credit = 'due_to_shop' from journals j"
    " where j.shop_id = t.shop_id and j.journal_id = t.journal_id and t.credit = 'payable'"
    " returning j.reference",
    "suspense_is_returns_under_way": "update refunds set status = 'done', done_at = asked_at"
    " where paid_from = 'suspense' returning paid_from",
    "on_hand_is_movements": "update variants set on_hand = on_hand + 1 returning variant_id",
    "held_is_open_orders": "update variants set held = held + 1 where held > 0"
    " returning variant_id",
    "shipped_once": "delete from stock_movements where reason = 'shipped' returning order_id",
    "returned_was_shipped": "update stock_movements set quantity = 1 where reason = 'shipped'"
    " returning order_id",
    "received_is_receipts": "with s as (insert into suppliers (shop_id, supplier_id, name, made_at,"
    " made_by) select shop_id, gen_random_uuid(), 'kiln', created_at, gen_random_uuid()"
    " from products limit 1 returning shop_id, supplier_id, made_at, made_by), b as (insert into"
    " purchases (shop_id, purchase_id, number, supplier_id, status, made_at, made_by, ordered_at)"
    " select shop_id, gen_random_uuid(), 1, supplier_id, 'ordered', made_at, made_by, made_at"
    " from s returning shop_id, purchase_id) insert into purchase_lines (shop_id, purchase_id,"
    " variant_id, quantity, cost_minor, received) select shop_id, purchase_id, (select variant_id"
    " from variants v where v.shop_id = b.shop_id limit 1), 2, 5, 1 from b returning purchase_id",
    "stocktake_is_its_counts": "with t as (insert into stocktakes (shop_id, stocktake_id, status,"
    " opened_at, opened_by, ended_at) select shop_id, gen_random_uuid(), 'booked', created_at,"
    " gen_random_uuid(), created_at from products limit 1"
    " returning shop_id, stocktake_id, opened_at, opened_by) insert into stocktake_lines (shop_id,"
    " stocktake_id, variant_id, counted, expected, count_id, at, person_id) select shop_id,"
    " stocktake_id, (select variant_id from variants v where v.shop_id = t.shop_id limit 1), 7, 9,"
    " gen_random_uuid(), opened_at, opened_by from t returning stocktake_id",
    "codes_are_stock": "update products p set virtual_kind = 'codes' from variants v"
    " where v.shop_id = p.shop_id and v.product_id = p.product_id and v.on_hand > 0"
    " returning v.variant_id",
    "taken_is_claimed": "insert into claims (shop_id, claim_id, kind, most, taken) select shop_id,"
    " gen_random_uuid(), 'team', 5, 1 from shops where shop_id <> 0 limit 1 returning claim_id",
    "discounts_add_up": "update order_items set discount_minor = 1 returning order_id",
    "paid_holds_its_claims": "with free as (insert into claims (shop_id, claim_id, kind, most)"
    " select shop_id, gen_random_uuid(), 'coupon', 5 from shops where shop_id <> 0 limit 1"
    " returning shop_id, claim_id) insert into order_claims (shop_id, order_id, claim_id, held)"
    " select o.shop_id, o.order_id, f.claim_id, false from free f join orders o"
    " on o.shop_id = f.shop_id and o.paid_at is not null and not exists (select from refunds r"
    " where r.shop_id = o.shop_id and r.order_id = o.order_id) returning order_id",
    "payout_has_its_journals": "update payouts set status = 'sent', done_at = null,"
    " paid_entry = null where status = 'done' returning reference",
    "payout_amounts_are_its_journals": "update payouts set amount_minor = amount_minor + 1"
    " where status = 'done' returning reference",
    "payable_left_by_payout": "delete from payouts where status = 'sent' returning reference",
    "in_transit_is_payouts_under_way": "update payouts set amount_minor = amount_minor + 1"
    " where status = 'sent' returning 'in_transit'",
    "leaving_is_payouts_under_way": "update payouts set rail = 'alipay',"
    " need_minor = amount_minor where status = 'sent' returning 'leaving:alipay'",
    "bank_is_its_payouts": "update payouts set need_minor = need_minor - 1"
    " where status = 'sent' returning 'bank'",
    "funded_by_the_platform": "update journals set kind = 'gone'"
    " where shop_id = 0 and kind = 'funded' returning reference",
    "platform_is_lumps_less_fundings": "update bank_entries set amount_minor = amount_minor + 1"
    " where outcome = 'lump' returning 'suspense'",
    "entry_is_booked": "update bank_entries set amount_minor = amount_minor + 1"
    " where outcome = 'paid_out' returning entry_key",
    "file_pays_once": "insert into bank_files (shop_id, message_id, run_id, number, execute_on,"
    " sha256, batch_sealed, payout_references, written_at) select shop_id, 'again', run_id, 9,"
    " execute_on, sha256, batch_sealed, payout_references, written_at from bank_files limit 1"
    " returning payout_references[1]",
    "former_is_paid_once": "insert into handovers (shop_id, handover_id, token_hash,"
    " objection_hash, from_person, phone_index, phone_sealed, staff_stays, asked_at, expires_at,"
    " status, ended_at, to_person, card_id) select shop_id, gen_random_uuid(), 'a', 'b',"
    " gen_random_uuid(), 'c', 'd', true, asked_at - interval '2 days', asked_at, 'done',"
    " asked_at - interval '1 day', gen_random_uuid(), card_id from payouts limit 1"
    " returning handover_id::text",
    "acts_are_chained": "update acts set reason = 'there was another one' where number = 1"
    " returning number",
    "decision_has_its_act": "insert into closed_days (shop_id, day, closed_by, closed_at)"
    " values (0, '2026-01-05', 'nobody', '2026-01-06 00:00Z') returning 'day/' || day",
    "acts_end_at_their_head": "update act_heads set number = number + 1 returning number",
}


async def busy(town: Town) -> None:
    """One payout is done, one under way; an order is to be shipped, one was called off, a payment
    goes back; one buyer asks for money, another was promised some; an operator did two things."""
    bank = PaperBank()
    bank.lump(MON, CNY("9000.00"))
    await verify(town)
    await sells(town, CNY("168.00"))
    beijing(town, TUE, 8)
    day = await settle(town, bank)
    bank.pays(TUE, day.payouts[0])
    beijing(town, WED, 8)
    await settle(town, bank)
    await sells(town, CNY("32.00"), "SF1408223100672")
    beijing(town, THU, 8)
    await settle(town, bank)
    await town.buys([await town.stock(price=CNY("50.00"))], CNY("50.00"))
    unlucky = await town.place([await town.stock(price=CNY("60.00"))], CNY("60.00"), key="late")
    reference = await town.opens_cashier(unlucky)
    assert await town.money_arrives(reference, CNY("59.00")) == "returned"
    await schedule(town, {"": Rate(100), "alipay": Rate(60, 10)})
    called_off = await town.buys([await town.stock(price=CNY("40.00"))], CNY("40.00"))
    await town.database.transaction(
        lambda conn: refunding.call_off(
            conn, town.shop_id, called_off.order_id, by="seller", reason="broken", at=town.at
        )
    )
    for number, agreed in (("SF1408223100673", False), ("SF1408223100674", True)):
        sale = await after(town)
        await town.ships(sale.placed, number)
        await sale.asks("refund", "20.00")
        if agreed:
            await sale.seller_agrees()
    for kind in ("rail_off", "rail_on"):
        await town.database.transaction(
            partial(acts.record, operator_id=None, kind=kind, subject="rail/alipay",
                    reason="it was silent", at=town.at)
        )  # fmt: skip


def test_every_rule_is_broken_here() -> None:
    assert set(BREACHES) == {*books.RULES, *stock.RULES, *payouts.RULES, *log.RULES}


async def test_the_audit_names_what_breaks_a_rule(town: Town, owner: db.Connection) -> None:
    await busy(town)
    await town.books_balance()
    unseen = []
    for rule, breach in BREACHES.items():
        attempt = owner.transaction()
        await attempt.start()
        broken = str(await owner.fetchval(breach))
        findings = await audit.prove(owner) + await audit.prove_log(owner)
        await attempt.rollback()
        if broken not in {one.subject for one in findings if one.rule == rule and one.says}:
            unseen.append((rule, broken, findings))
    assert unseen == []
    await town.books_balance()


async def test_a_shop_can_be_proved_alone(town: Town, owner: db.Connection) -> None:
    await busy(town)
    await owner.execute("update variants set on_hand = on_hand + 1")
    async with town.database.connection() as conn:
        assert await audit.prove(conn, town.shop_id + 1) == []
        assert {one.shop_id for one in await audit.prove(conn, town.shop_id)} == {town.shop_id}


async def test_the_command_counts_what_it_proved_and_fails_with_the_ids(
    town: Town,
    owner: db.Connection,
    dsn: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    await busy(town)
    monkeypatch.setenv("DATABASE_URL", dsn)
    assert await asyncio.to_thread(audit.command, ["--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["ok"], told["findings"]) == (True, [])
    assert (told["checked"]["payouts"], told["checked"]["acts"]) == (2, 3)
    assert told["checked"]["rules"] == len(BREACHES) + sum(
        len(area.RULES) for area in (between, decided, held, moves, referred)
    )
    variant = await owner.fetchval("update variants set on_hand = on_hand + 1 returning variant_id")
    assert await asyncio.to_thread(audit.command, ["--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert str(variant) in {one["subject"] for one in told["findings"]}
    assert set(told["findings"][0]) == {"rule", "shop_id", "subject", "says"}
    assert await asyncio.to_thread(audit.command, []) == 1
    assert str(variant) in capsys.readouterr().out
    assert await asyncio.to_thread(audit.command, ["--what"]) == 2
