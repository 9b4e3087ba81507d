-- tenant: product_days by calendar month, so that which things brought the most in two years is
-- found without a row per day and thing; written with the days of which it is the sum
create table product_months (
  shop_id    bigint not null,
  month      date   not null,  -- its first day
  product_id uuid   not null,
  minor      bigint not null,
  gone_minor bigint not null,
  constraint product_months_pkey primary key (shop_id, month, product_id),
  constraint product_months_begin_a_month check (extract(day from month) = 1),
  constraint product_months_sane check (gone_minor between 0 and minor)
);
