-- tenant: share_days by calendar month, so that which ways brought a year's orders is found without
-- a row per day and code; written with the days of which it is the sum
create table share_months (
  shop_id    bigint not null,
  month      date   not null,  -- its first day
  code       text   not null,
  paid       bigint not null,  -- orders; codes of which none was paid have no row
  paid_minor bigint not null,
  constraint share_months_pkey primary key (shop_id, month, code),
  constraint share_months_begin_a_month check (extract(day from month) = 1),
  constraint share_months_sane check (paid > 0 and paid_minor >= paid)
);
insert into share_months (shop_id, month, code, paid, paid_minor)
select shop_id, date_trunc('month', day::timestamp)::date, code, sum(paid), sum(paid_minor)
  from share_days where paid > 0
 group by 1, 2, 3;
