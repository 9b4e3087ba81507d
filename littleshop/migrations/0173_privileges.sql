-- Customers in groups, privileges and coupons (docs/decisions/0043-privileges.md). What somebody has
-- is a fact of the pricing engine, read by offers_of with the shop's other facts; what can be had so
-- many times, once a year or up to a sum is a claim. All tables here are tenant tables.

alter table shops add column offers boolean not null default false;  -- it ever gave any of these

alter table customers add column tags text[] not null default '{}';

-- tenant: rules by which a shop's customers are grouped; a null asks nothing
create table customer_groups (
  shop_id         bigint      not null,
  group_id        uuid        not null,
  name            text        not null,
  least_orders    integer,                -- paid ones
  least_spent     bigint,                 -- without what went back
  tag             text,
  seen_after      date,                   -- first order, days of the shop's zone
  seen_before     date,
  quiet_days      integer,                -- bought, but not for so long
  made_at         timestamptz not null,
  removed_at      timestamptz,
  constraint customer_groups_pkey primary key (shop_id, group_id),
  constraint customer_groups_of_shop foreign key (shop_id) references shops (shop_id),
  constraint customer_groups_named check (length(name) between 1 and 40),
  constraint customer_groups_rule_sane check (
    least_orders between 1 and 10000 and least_spent >= 0 and quiet_days between 1 and 3650
    and length(tag) between 1 and 20),
  constraint customer_groups_ask_something check (
    num_nonnulls(least_orders, least_spent, tag, seen_after, seen_before, quiet_days) > 0)
);

-- tenant: the day of the year that a customer said; he says it once, the shop can take it out
create table birthdays (
  shop_id     bigint      not null,
  phone_index bytea       not null,
  month       smallint    not null,
  day         smallint    not null,
  said_at     timestamptz not null,
  constraint birthdays_pkey primary key (shop_id, phone_index),
  constraint birthdays_of_shop foreign key (shop_id) references shops (shop_id),
  constraint birthdays_are_days check (month between 1 and 12 and day between 1 and 31)
);

-- tenant: what one customer or a group has. Ended, never changed: an order names it as its reason
create table privileges (
  shop_id      bigint      not null,
  privilege_id uuid        not null,
  kind         text        not null,
  label        text        not null,   -- the words that the buyer reads
  phone_index  bytea,                  -- of one customer
  group_id     uuid,                   -- or of a group
  off_bps      integer,                -- percent, birthday: so much off
  sum_minor    bigint,                 -- credit: so much for each of them
  window_days  integer,                -- birthday: so many days before and after
  below_cost   boolean     not null default false,  -- the seller has said so
  from_at      timestamptz not null,
  until_at     timestamptz,
  made_at      timestamptz not null,
  made_by      uuid        not null,
  ended_at     timestamptz,
  constraint privileges_pkey primary key (shop_id, privilege_id),
  constraint privileges_of_group foreign key (shop_id, group_id)
    references customer_groups (shop_id, group_id),
  constraint privileges_kind_known check (
    kind in ('percent', 'prices', 'postage', 'exclusive', 'credit', 'birthday')),
  constraint privileges_for_somebody check (num_nonnulls(phone_index, group_id) = 1),
  constraint privileges_labelled check (length(label) between 1 and 40),
  constraint privileges_off_sane check (case when kind in ('percent', 'birthday')
    then off_bps is not null and off_bps between 100 and 9900 else off_bps is null end),
  constraint privileges_sum_sane check (case when kind = 'credit'
    then sum_minor is not null and sum_minor between 1 and 100000000 else sum_minor is null end),
  constraint privileges_window_sane check (case when kind = 'birthday'
    then window_days is not null and window_days between 0 and 30 else window_days is null end),
  constraint privileges_end_after_their_beginning check (until_at > from_at)
);
create index privileges_of_phone on privileges (shop_id, phone_index) where ended_at is null;
create index privileges_of_groups on privileges (shop_id, group_id) where ended_at is null;

-- tenant: a price list: what one piece costs them
create table privilege_prices (
  shop_id      bigint not null,
  privilege_id uuid   not null,
  variant_id   uuid   not null,
  price_minor  bigint not null,
  constraint privilege_prices_pkey primary key (shop_id, privilege_id, variant_id),
  constraint privilege_prices_of_privilege foreign key (shop_id, privilege_id)
    references privileges (shop_id, privilege_id),
  constraint privilege_prices_sane check (price_minor > 0)
);

-- tenant: what only they see and buy
create table privilege_goods (
  shop_id      bigint not null,
  privilege_id uuid   not null,
  product_id   uuid   not null,
  constraint privilege_goods_pkey primary key (shop_id, privilege_id, product_id),
  constraint privilege_goods_of_privilege foreign key (shop_id, privilege_id)
    references privileges (shop_id, privilege_id)
);

-- tenant: coupons; paused or ended, never changed
create table coupons (
  shop_id     bigint      not null,
  coupon_id   uuid        not null,
  code        text        not null,
  label       text        not null,
  kind        text        not null,
  off_minor   bigint,                 -- fixed
  off_bps     integer,                -- percent
  least_minor bigint      not null default 0,  -- of goods, from here on
  most_uses   integer,                -- all together
  each_uses   integer     not null,   -- one phone
  channel     text,                   -- only for who came by this share or entrance
  below_cost  boolean     not null default false,
  from_at     timestamptz not null,
  until_at    timestamptz,
  paused      boolean     not null default false,
  made_at     timestamptz not null,
  made_by     uuid        not null,
  constraint coupons_pkey primary key (shop_id, coupon_id),
  constraint coupons_code_once unique (shop_id, code),
  constraint coupons_of_shop foreign key (shop_id) references shops (shop_id),
  constraint coupons_kind_known check (kind in ('fixed', 'percent')),
  constraint coupons_off_sane check (case kind
    when 'fixed' then off_bps is null and off_minor is not null and off_minor > 0
    else off_minor is null and off_bps is not null and off_bps between 100 and 9900 end),
  constraint coupons_code_sane check (code ~ '^[A-Z0-9]{4,20}$'),
  constraint coupons_labelled check (length(label) between 1 and 40),
  constraint coupons_least_sane check (least_minor >= 0),
  constraint coupons_uses_sane check (
    each_uses between 1 and 1000 and most_uses between 1 and 1000000),
  constraint coupons_end_after_their_beginning check (until_at > from_at)
);

-- tenant: coupons that a device keeps, from a link that it opened
create table kept_coupons (
  shop_id   bigint      not null,
  device    bytea       not null,
  coupon_id uuid        not null,
  kept_at   timestamptz not null,
  constraint kept_coupons_pkey primary key (shop_id, device, coupon_id),
  constraint kept_coupons_of_coupon foreign key (shop_id, coupon_id)
    references coupons (shop_id, coupon_id)
);

-- tenant: what was taken off an order, why and by which privilege or coupon
create table order_discounts (
  shop_id      bigint   not null,
  order_id     uuid     not null,
  position     smallint not null,
  kind         text     not null,
  reason       text     not null,   -- the kind of the privilege or coupon
  label        text     not null,
  source_id    uuid     not null,
  amount_minor bigint   not null,   -- 0: the postage was free by it
  floored      boolean  not null,   -- it would have been more, but for the cost of the goods
  constraint order_discounts_pkey primary key (shop_id, order_id, position),
  constraint order_discounts_of_order foreign key (shop_id, order_id)
    references orders (shop_id, order_id),
  constraint order_discounts_kind_known check (
    kind in ('privilege', 'coupon', 'credit', 'postage')),
  constraint order_discounts_sane check (amount_minor >= 0)
);
create index order_discounts_by_source on order_discounts (shop_id, source_id);

alter table order_items add column discount_minor bigint not null default 0;
alter table order_items add constraint order_items_discount_sane
  check (discount_minor between 0 and unit_minor * quantity) not valid;

-- A claim may be of a sum, in minor units; an order takes so much of it.
alter table order_claims add column amount integer not null default 1;
alter table order_claims add constraint order_claims_amount_sane check (amount > 0) not valid;
alter table claims drop constraint claims_kind_known, add constraint claims_kind_known check (
  kind in ('invitation', 'team', 'coupon', 'coupon_each', 'credit', 'birthday')) not valid;
alter table claims drop constraint claims_most_sane, add constraint claims_most_sane check (
  most between 1 and case when kind in ('invitation', 'team') then 1000 else 100000000 end)
  not valid;

-- what somebody bought: groups are counted by it
create index orders_paid_of_customer on orders (shop_id, phone_index, placed_at, total_minor)
  include (refunded_minor, status) where paid_at is not null;

revoke delete, truncate on privileges, coupons, order_discounts from littleshop_app;
