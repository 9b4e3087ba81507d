-- What a shop took, day by day (docs/decisions/0044-figures.md). Days that are over are folded, so
-- that a page of two years reads a row per day and never all orders.

-- tenant: what was paid on one day; days without an order have no row
create table sale_days (
  shop_id     bigint    not null,
  day         date      not null,  -- where the shop is
  orders      bigint    not null,
  buyers      bigint    not null,  -- people; each once a day
  again       bigint    not null,  -- orders of people who had paid one before
  pieces      bigint    not null,  -- things sold
  minor       bigint    not null,  -- turnover: what was paid, whatever went back later
  gone_minor  bigint    not null,  -- of it, what had gone back when this was written
  hours       integer[] not null,  -- orders by the hour of the day in which they were paid
  hours_minor bigint[]  not null,
  constraint sale_days_pkey primary key (shop_id, day),
  constraint sale_days_sane check (
    orders >= buyers and orders >= again and buyers > 0 and again >= 0 and pieces >= 0
    and gone_minor between 0 and minor),
  constraint sale_days_have_24_hours check (
    cardinality(hours) = 24 and cardinality(hours_minor) = 24)
);

-- tenant: the same by thing; what a part of an order's money took back is taken from each alike
create table product_days (
  shop_id     bigint not null,
  day         date   not null,
  product_id  uuid   not null,
  orders      bigint not null,
  pieces      bigint not null,
  minor       bigint not null,  -- at the price of the line, before shipping and discounts
  gone_pieces bigint not null,  -- of orders that went back whole
  gone_minor  bigint not null,
  constraint product_days_pkey primary key (shop_id, day, product_id),
  constraint product_days_sane check (
    orders > 0 and pieces >= orders and gone_pieces between 0 and pieces
    and gone_minor between 0 and minor)
);
create index product_days_of_product on product_days (shop_id, product_id, day);

-- tenant: how far the days of a shop are folded
create table sale_folds (
  shop_id bigint not null,
  until   date   not null,     -- the first day that is not
  constraint sale_folds_pkey primary key (shop_id)
);

create index orders_paid_in_time on orders (shop_id, paid_at) where paid_at is not null;
create index orders_gone_back on orders (shop_id, paid_at)
  include (status, total_minor, refunded_minor)
  where paid_at is not null and (status = 'refunded' or refunded_minor > 0);
create index refunds_in_time on refunds (shop_id, done_at) include (amount_minor)
  where status = 'done' and paid_from = 'escrow';
create index chargebacks_lost_in_time on chargebacks (shop_id, ended_at) where status = 'lost';
create index visit_days_of_all on visit_days (shop_id, day) include (kind, views, visitors)
  where subject = '';
create index visit_days_of_product on visit_days (shop_id, subject, day)
  include (views, visitors) where kind = 'product';
