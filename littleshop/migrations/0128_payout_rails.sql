-- Payouts leave over several rails: the bank's files, transfers from our account at a rail,
-- withdrawals of what an institution holds for the shop.

alter table payouts add column rail text not null default 'bank';
alter table payouts add column payee_id uuid;            -- null: to the card
alter table payouts add column held_for text;            -- the sub-merchant it is withdrawn from
alter table payouts add column heard_at timestamptz;     -- when the rail last told of it
alter table payouts add column confirm_sealed bytea;     -- with this the payee agrees, where he must

alter table payouts
  drop constraint payouts_one_per_run,
  add constraint payouts_one_per_run_and_rail unique (shop_id, run_id, rail),
  add constraint payouts_rail_known check (
    rail in ('alipay', 'alipay_settle', 'bank', 'wechat_pay', 'wechat_pay_withdraw')),
  add constraint payouts_rail_brings_all check (rail = 'bank' or coalesce(need_minor, amount_minor)
    = amount_minor);

create index payouts_done_by_rail on payouts (rail, done_at)
  where status = 'done' and rail <> 'bank';
