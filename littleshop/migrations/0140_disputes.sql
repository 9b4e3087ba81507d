-- A bank may dispute one payment twice: each dispute is told apart by the rail's number of it
-- (empty where the rail gives none, and for those written before).
alter table chargebacks add column dispute text not null default '';
drop index chargebacks_one_open;
create unique index chargebacks_one_per_dispute on chargebacks (shop_id, payment_id, dispute);
-- of all shops: what waits at a bank, and what the platform bears
create index chargebacks_shown on chargebacks (opened_at)
  where status = 'open' or unbooked_minor > 0;
